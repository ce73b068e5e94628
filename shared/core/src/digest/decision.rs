//! Something that finance is asked to decide.

use crate::calendar::period::BillingPeriod;
use crate::forecast::Outlook;
use crate::money::decimal::Decimal;
use crate::rules::finding::{Detail, Measurement};

/// Something to decide or to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A closed month has changed: what was posted is wrong.
    PostDifference {
        /// The month.
        period: BillingPeriod,
        currency: String,
        /// By how much it changed.
        amount: Decimal,
    },
    /// A month has not closed and its books may have to be.
    Accrue {
        /// The month.
        period: BillingPeriod,
        currency: String,
        /// The spend so far.
        amount: Decimal,
    },
    /// A budget is used up.
    BudgetOver(Box<Measurement>),
    /// A budget is heading beyond its amount.
    BudgetHeading(Box<Measurement>),
    /// An export does not name callers.
    NameCallers { export_id: String },
    /// Usage does not name its caller: somebody has to pay for it.
    AssignUnattributed {
        currency: String,
        /// The usage.
        amount: Decimal,
    },
    /// Callers lack tags.
    AskForTags {
        currency: String,
        /// How many callers.
        callers: usize,
        /// Their spend that lacks a tag.
        amount: Decimal,
    },
    /// Callers are probably used by several parties.
    OwnShared {
        /// How many callers.
        callers: usize,
    },
    /// The bill departs from what is agreed on tags, besides lacking them.
    MendTags {
        /// How many findings.
        findings: usize,
    },
    /// Nothing says that the bill is complete.
    CheckDelivery,
}

impl Decision {
    /// The name for machines.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::PostDifference { .. } => "post-difference",
            Self::Accrue { .. } => "accrue",
            Self::BudgetOver(_) => "budget-over",
            Self::BudgetHeading(_) => "budget-heading",
            Self::NameCallers { .. } => "name-callers",
            Self::AssignUnattributed { .. } => "assign-unattributed",
            Self::AskForTags { .. } => "ask-for-tags",
            Self::OwnShared { .. } => "own-shared",
            Self::MendTags { .. } => "mend-tags",
            Self::CheckDelivery => "check-delivery",
        }
    }
}

/// What a budget's spend is heading for, where that is foretold.
pub fn heading(budget: &Measurement) -> Option<Decimal> {
    match budget.detail {
        Detail::Budget(Some(Outlook::Forecast(forecast))) => Some(forecast.expected),
        _ => None,
    }
}
