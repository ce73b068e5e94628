//! What a delivery changed of a day that had settled.

#[cfg(test)]
mod tests;

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::calendar::period::BillingPeriod;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;
use crate::facts::spend::{Basis, CostPolicy};
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::rules::measure::Measurement;
use crate::text::or_none;

/// A restatement: what a delivery changed of a settled day, or of any day of a closed month, of one caller. In unblended
/// cost: the history keeps no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restated {
    /// The billing period that was delivered again.
    pub period: BillingPeriod,
    /// Whether it had closed before.
    pub after_close: bool,
    /// The usage day.
    pub day: NaiveDate,
    /// The caller; empty for nobody.
    pub identity: String,
    /// The category of the money.
    pub category: Category,
    /// The currency.
    pub currency: String,
    /// What was said before.
    pub before: Decimal,
    /// What is said now.
    pub after: Decimal,
}

impl Restated {
    /// By how much it moved.
    ///
    /// # Errors
    ///
    /// [`SumOutOfRange`].
    pub fn change(&self) -> Result<Decimal, SumOutOfRange> {
        self.after.checked_sub(self.before).ok_or(SumOutOfRange)
    }
}

/// What a delivery restated of the day that a rule tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRestated {
    /// What the rule's spend of the day was before, where the history can tell: it knows days and callers, and no tags.
    pub from: Option<Decimal>,
    /// By how much all spend of the day moved in the rule's currency, whoever's it is.
    pub by: Decimal,
}

impl DayRestated {
    /// What `restated` says of the day of a measurement; `None` where it is of more than a day, where the day did not
    /// move, or at net cost, which the history does not keep.
    ///
    /// # Errors
    ///
    /// [`SumOutOfRange`].
    pub fn of(
        measured: &Measurement,
        restated: &[Restated],
        policy: &CostPolicy,
    ) -> Result<Option<Self>, SumOutOfRange> {
        let Some(day) = measured.only_day().filter(|_| policy.basis == Basis::Unblended) else { return Ok(None) };
        let (mut by, mut of_member) = (Decimal::ZERO, Decimal::ZERO);
        for moved in restated.iter().filter(|moved| moved.day == day && moved.currency == measured.currency) {
            if policy.count.contains(&moved.category) {
                let change = moved.change()?;
                by = by.checked_add(change).ok_or(SumOutOfRange)?;
                if measured.member.as_deref() == Some(or_none(&moved.identity)) {
                    of_member = of_member.checked_add(change).ok_or(SumOutOfRange)?;
                }
            }
        }
        let change = match &measured.each {
            _ if !measured.scope.is_empty() => None,
            None => Some(by),
            Some(Dimension::Field(FactField::Identity)) => Some(of_member),
            Some(_) => None,
        };
        if change.unwrap_or(by).is_zero() {
            return Ok(None);
        }
        let from = change.map(|change| measured.spent.checked_sub(change).ok_or(SumOutOfRange)).transpose()?;
        Ok(Some(Self { from, by }))
    }
}
