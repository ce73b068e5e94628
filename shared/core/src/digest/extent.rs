//! The kind of a digest, and how much of its month is known.

use chrono::{DateTime, Utc};

use crate::calendar::period::BillingPeriod;
use crate::named;

named! {
    /// Why a digest is made.
    pub enum DigestKind is "a kind of digest" {
        /// A week has begun.
        Weekly = "weekly",
        /// A month has closed.
        Close = "close",
        /// A month has not closed although half of the next one is over.
        Preliminary = "preliminary",
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
