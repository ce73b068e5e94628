//! A level that was crossed, and who was told of it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::window::{Window, WindowKind};
use spend_core::money::decimal::Decimal;
use spend_core::rules::finding::Shape;
use spend_core::rules::rule::{Kind, Severity};

/// Days that are unlike their past and no further apart than this are one episode: quiet weekends do not make two of it.
pub(crate) const EPISODE_GAP: TimeDelta = TimeDelta::days(3);

/// A level that was crossed. It stays recorded when the spend falls below it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crossing {
    pub(crate) rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<String>,
    pub(crate) currency: String,
    /// What kind of message tells of it.
    pub(crate) kind: Kind,
    /// The window, or the first day of the episode.
    pub(crate) window: Window,
    /// What was crossed.
    pub(crate) level: CrossedLevel,
    /// The amount that belongs to it.
    pub(crate) amount: Decimal,
    /// When it was found crossed for the last time.
    pub(crate) at: DateTime<Utc>,
    /// How often it was crossed.
    pub(crate) count: u32,
    /// The last day that it rests on: only once that has settled it can be known to be crossed no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) through: Option<NaiveDate>,
    /// Whether it is crossed, as far as is known; if not, it is armed again.
    pub(crate) is_crossed: bool,
    /// Who was told.
    pub(crate) told: Told,
    /// What was spent when it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) spent: Option<Decimal>,
    /// Of a delta by how much that was more than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rise: Option<Decimal>,
    /// How urgent it was when it was found.
    pub(crate) severity: Severity,
    /// Whom to call, as it was when it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
}

/// A level that can be crossed, in the order of how high they are: a percent, or in which way a day is unlike its past. It is
/// stored as text, as it stands in ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum CrossedLevel {
    Percent(u32),
    Shape(Shape),
}

impl CrossedLevel {
    pub(crate) fn percent(self) -> Option<u32> {
        match self {
            Self::Percent(percent) => Some(percent),
            Self::Shape(_) => None,
        }
    }
}

/// It is no level of this release.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no level")]
pub(crate) struct NoLevel(String);

impl FromStr for CrossedLevel {
    type Err = NoLevel;

    fn from_str(text: &str) -> Result<Self, NoLevel> {
        let shape = [Shape::New, Shape::Spike, Shape::Runaway].into_iter().find(|shape| shape.as_str() == text);
        let level = shape.map(Self::Shape).or_else(|| text.parse().ok().map(Self::Percent));
        level.ok_or_else(|| NoLevel(text.to_owned()))
    }
}

impl TryFrom<String> for CrossedLevel {
    type Error = NoLevel;

    fn try_from(text: String) -> Result<Self, NoLevel> {
        text.parse()
    }
}

impl From<CrossedLevel> for String {
    fn from(level: CrossedLevel) -> Self {
        level.to_string()
    }
}

impl fmt::Display for CrossedLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => percent.fmt(formatter),
            Self::Shape(shape) => shape.fmt(formatter),
        }
    }
}

/// Who was told of a crossing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Told {
    /// Nobody, and nobody will be: it was there when the rule was first seen, or is past because an amount was raised.
    Nobody,
    /// Nobody: it is muted. It is told when the mute ends, unless what it is about ended under the mute.
    Muted,
    /// Everybody, by the message with this id.
    By(String),
    /// Everybody, and machines were told that the window is over.
    Over(String),
}

impl Crossing {
    /// Whether people and machines were told of it.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self.told, Told::By(_) | Told::Over(_))
    }

    /// The last day that it is about.
    pub(crate) fn last_day(&self) -> NaiveDate {
        match self.window.kind() {
            WindowKind::Day => self.through.unwrap_or_else(|| self.window.last_day()),
            WindowKind::Month | WindowKind::Week => self.window.last_day(),
        }
    }
}
