//! What every rule has: a name, which spend it is about, for each of whom, how urgent it is and whom to call.

use serde::{Deserialize, Serialize};

use crate::calendar::window::WindowKind;
use crate::facts::dimension::Dimension;
use crate::facts::fact::Fact;
use crate::facts::matcher::Matcher;
use crate::named;
use crate::rules::owner_template::OwnerTemplate;

/// What every rule has.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name, unique within a configuration.
    pub name: String,
    /// What spend it is about; all must hold. None matches everything.
    pub matches: Vec<Matcher>,
    /// One evaluation for each value of this dimension; what has no value is the member [`NONE`](crate::text::NONE).
    pub each: Option<Dimension>,
    /// The currency of its amounts. Spend in other currencies is not converted and not added.
    pub currency: String,
    pub severity: Severity,
    pub owner: Option<OwnerTemplate>,
    /// What to read, printed as it is.
    pub runbook: Option<String>,
}

impl Rule {
    /// A rule over all spend in US dollars, of which nobody is called.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            matches: Vec::new(),
            each: None,
            currency: "USD".to_owned(),
            severity: Severity::default(),
            owner: None,
            runbook: None,
        }
    }

    /// Whether it is about a fact.
    pub fn matches(&self, fact: Fact<'_>) -> bool {
        self.matches.iter().all(|matcher| matcher.matches(fact))
    }

    /// What it matches, for people: `tag:iamPrincipal/team = search*`; empty if it matches everything.
    pub fn scope(&self) -> String {
        self.matches.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    }
}

named! {
    /// What kind of thing a message tells of.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Kind {
        /// Spend has reached a share of a budget.
        Budget = "budget",
        /// Spend is heading for a share of a budget.
        Forecast = "forecast",
        /// Spend is above that of an earlier day or month.
        Delta = "delta",
        /// Spend is unlike its own past.
        Anomaly = "anomaly",
        /// Too much spend says not whose it is.
        Hygiene = "hygiene",
        /// Nothing: somebody wants to see a message arrive.
        Test = "test",
    }
}

impl Kind {
    /// Whether what it tells of in a window of this kind is one of the days that are looked at one by one.
    pub fn is_of_a_day(self, window: WindowKind) -> bool {
        match self {
            Self::Delta | Self::Anomaly => window == WindowKind::Day,
            Self::Budget | Self::Forecast | Self::Hygiene | Self::Test => false,
        }
    }
}

named! {
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Severity is "a severity" {
        /// Somebody should be woken.
        Page = "page",
        /// Somebody should read it.
        #[default]
        Notice = "notice",
    }
}

#[cfg(test)]
mod tests;
