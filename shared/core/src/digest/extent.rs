//! The kind of a digest, and how much of its month is known.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::calendar::period::BillingPeriod;

/// Why a digest is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestKind {
    /// A week has begun.
    Weekly,
    /// A month has closed.
    Close,
    /// A month has not closed although half of the next one is over.
    Preliminary,
}

impl DigestKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Weekly, Self::Close, Self::Preliminary];

    /// The name on the command line, in ids and for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Close => "close",
            Self::Preliminary => "preliminary",
        }
    }
}

impl fmt::Display for DigestKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for DigestKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is not a kind of digest: use weekly, close or preliminary"))
    }
}

/// How much of a month a digest is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The month is not over.
    ToDate,
    /// It is over, and AWS still changes it.
    NotClosed,
    /// AWS changes it only by refunds, credits and corrections.
    Closed,
}

impl Extent {
    /// How much there is of a month that has `closed` or not.
    pub fn of(period: BillingPeriod, closed: bool, now: DateTime<Utc>) -> Self {
        if now < period.end() {
            Self::ToDate
        } else if closed {
            Self::Closed
        } else {
            Self::NotClosed
        }
    }

    /// The name for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToDate => "month-to-date",
            Self::NotClosed => "not-closed",
            Self::Closed => "closed",
        }
    }
}
