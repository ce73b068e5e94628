//! What a delivery changed of a day that had settled.

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::calendar::period::BillingPeriod;
use crate::money::decimal::{Decimal, SumOutOfRange};

/// A restatement: what a delivery changed of a settled day, or of any day of a closed month, of one caller. In unblended
/// cost: the history keeps no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restated {
    /// The billing period that was delivered again.
    pub period: BillingPeriod,
    /// Whether it had closed before.
    pub after_close: bool,
    pub day: NaiveDate,
    /// The caller; empty for nobody.
    pub identity: String,
    /// The category of the money.
    pub category: Category,
    pub currency: String,
    /// What was said before.
    pub before: Decimal,
    /// What is said now.
    pub after: Decimal,
}

impl Restated {
    /// By how much it moved.
    pub fn change(&self) -> Result<Decimal, SumOutOfRange> {
        self.after.checked_sub(self.before).ok_or(SumOutOfRange)
    }
}
