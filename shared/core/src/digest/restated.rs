//! What deliveries have changed of settled days, summed by month, day and caller.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::calendar::period::BillingPeriod;
use crate::facts::restated::Restated;
use crate::money::decimal::{Decimal, SumOutOfRange, add};

/// What was restated of one period, in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestatedPeriod {
    pub period: BillingPeriod,
    /// Whether it had closed before.
    pub after_close: bool,
    /// By how much it moved.
    pub amount: Decimal,
    /// By day and caller, largest first.
    pub moves: Vec<(NaiveDate, String, Decimal)>,
}

/// By how much a month moved, by day and caller.
type Moves<'a> = BTreeMap<(NaiveDate, &'a str), Decimal>;

/// What was restated, by period; what cancels out to nothing on each day of each caller is left out.
pub(super) fn by_period<'a>(all: impl Iterator<Item = &'a Restated>) -> Result<Vec<RestatedPeriod>, SumOutOfRange> {
    let mut periods: BTreeMap<(BillingPeriod, bool), Moves<'_>> = BTreeMap::new();
    for restated in all {
        let moves = periods.entry((restated.period, restated.after_close)).or_default();
        add(moves.entry((restated.day, &restated.identity)).or_default(), restated.change()?)?;
    }
    let mut restated = Vec::new();
    for ((period, after_close), moves) in periods {
        let mut amount = Decimal::ZERO;
        for moved in moves.values() {
            add(&mut amount, *moved)?;
        }
        let moves = moves.into_iter().filter(|(_, moved)| !moved.is_zero());
        let mut moves: Vec<_> = moves.map(|((day, identity), moved)| (day, identity.to_owned(), moved)).collect();
        moves.sort_by_key(|(day, _, moved)| (Reverse(moved.abs()), *day));
        if !moves.is_empty() {
            restated.push(RestatedPeriod { period, after_close, amount, moves });
        }
    }
    Ok(restated)
}
