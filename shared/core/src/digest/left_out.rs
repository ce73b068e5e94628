//! Spend on the days after those that are compared: the change leaves it out, however large it is.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::calendar::period::BillingPeriod;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;
use crate::facts::fact_set::FactSet;
use crate::facts::grouping::spend_by;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::reporting::variance::windows::Windows;

/// The days after those that are compared, as far as anything is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The first of them.
    pub first: NaiveDate,
    /// The last that is known.
    pub last: NaiveDate,
    /// What was spent on them.
    pub spend: Decimal,
    /// Whose spend would change the picture, the largest first: a day that is more than the caller's highest day
    /// compared by a tenth of what the later days cost.
    pub callers: Vec<LargeDay>,
}

/// A caller's day that would change the picture: the highest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeDay {
    /// The identity; empty for what names nobody.
    pub identity: String,
    pub day: NaiveDate,
    /// What was spent on it.
    pub spend: Decimal,
    /// The most that the caller spent on a day that is compared; zero if it was not there.
    pub compared: Decimal,
}

/// What the facts of one currency say of the days after `windows`, up to the end of the period.
pub(super) fn of(
    facts: &FactSet<'_>,
    policy: &CostPolicy,
    windows: &Windows,
    period: BillingPeriod,
) -> Result<Option<LeftOut>, SumOutOfRange> {
    let mut days: BTreeMap<(&str, NaiveDate), Decimal> = BTreeMap::new();
    let known = facts.iter().filter(|fact| windows.earlier.first <= fact.day() && fact.day() <= period.last_day());
    for (fact, spend) in spend_by(known, policy, &[Dimension::Field(FactField::Identity), Dimension::Day])? {
        add(days.entry((fact.get(FactField::Identity), fact.day())).or_default(), spend)?;
    }
    let (mut later, mut spend, mut last) = (Decimal::ZERO, Decimal::ZERO, None);
    let mut compared: BTreeMap<&str, Decimal> = BTreeMap::new();
    let mut highest: BTreeMap<&str, (Decimal, NaiveDate)> = BTreeMap::new();
    for ((identity, day), spent) in &days {
        if *day > windows.later.last {
            add(&mut spend, *spent)?;
            last = last.max(Some(*day));
            let found = highest.entry(identity).or_insert((*spent, *day));
            *found = (*found).max((*spent, *day));
        } else {
            let most = compared.entry(identity).or_default();
            *most = (*most).max(*spent);
            if windows.later.contains(*day) {
                add(&mut later, *spent)?;
            }
        }
    }
    let (Some(first), Some(last)) = (windows.later.last.succ_opt(), last) else { return Ok(None) };
    let tenth = later.checked_mul_div(Decimal::from_integer(1), Decimal::from_integer(10)).ok_or(SumOutOfRange)?;
    let mut callers = Vec::new();
    for (identity, (spent, day)) in highest {
        let most = compared.get(identity).copied().unwrap_or_default();
        let more = spent.checked_sub(most).ok_or(SumOutOfRange)?;
        if more > Decimal::ZERO && more >= tenth {
            callers.push(LargeDay { identity: identity.to_owned(), day, spend: spent, compared: most });
        }
    }
    callers.sort_by_key(|found| Reverse(found.spend));
    Ok(Some(LeftOut { first, last, spend, callers }))
}
