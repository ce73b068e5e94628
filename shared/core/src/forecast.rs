//! Where a window's spend is heading: what is settled, plus what such days usually have.
//!
//! - `rhythm`: what each weekday has of an ordinary day, as far as weekdays differ by more than chance.
//! - `regime`: since when spend is as it is, standing or moving evenly. No day is chosen: every one has a weight by how
//!   well it explains all days. So a level is known from all days that are like the last, a launch is followed once three
//!   days show it, and a runaway day is odd and changes nothing.
//! - `noise`: by how much days differ from their level, and levels from one another.
//! - `model`: what the days ahead come to in each case. What happened once or twice in it is an accident and counts as
//!   the third largest day does; what happened three times is expected again.
//! - `outcome`: all cases together. The forecast is their median, the interval their tenths at both ends, so that it is
//!   wide where spend is noisy, has few days or has just changed.
//! - `numbers`: sums over few numbers, for all of them.
//!
//! How well that does is measured by `make forecast-table` and held by `tests/forecast`.
//!
//! The future is an estimate, so it is worked out in doubles; what is spent already is exact.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use crate::calendar::data_span::DataSpan;
use crate::calendar::window::Window;
use crate::money::decimal::{Decimal, SumOutOfRange, add};

mod model;
mod noise;
mod numbers;
mod outcome;
mod regime;
mod rhythm;

use model::Model;
use outcome::quantiles;

/// How many settled days a forecast needs: each weekday once.
pub const FEWEST_DAYS: usize = 7;
/// How many days back anything matters.
const PAST_DAYS: usize = 56;

/// What a window comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The median of what the total may be.
    pub expected: Decimal,
    /// One of ten totals is meant to lie below this, and one of ten above [`Forecast::high`].
    pub low: Decimal,
    /// See [`Forecast::low`].
    pub high: Decimal,
    /// From how many settled days that is known.
    pub settled_days: usize,
}

/// Where a window is heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It is still going on.
    Forecast(Forecast),
    /// There are too few settled days to say: not [`FEWEST_DAYS`] yet.
    TooEarly { settled_days: usize },
    /// All of its days are settled: the spend is the total.
    Over,
}

/// Where the spend of `days` is heading in `window`: what the gauge of the forecast shows. Days without an entry had
/// none; `span` says which days are settled.
pub fn outlook(days: &BTreeMap<NaiveDate, Decimal>, window: Window, span: &DataSpan) -> Result<Outlook, SumOutOfRange> {
    let Some(last_settled) = span.last_settled() else { return Ok(Outlook::TooEarly { settled_days: 0 }) };
    if window.last_day() <= last_settled {
        return Ok(Outlook::Over);
    }
    let spent_on = |day: NaiveDate| days.get(&day).copied().unwrap_or_default();
    let begun = days.iter().find(|(_, spent)| **spent > Decimal::ZERO).map(|(day, _)| *day);
    let Some(begun) = begun.filter(|begun| *begun <= last_settled) else {
        return Ok(Outlook::TooEarly { settled_days: 0 });
    };
    let settled: Vec<Decimal> = begun.iter_days().take_while(|day| *day <= last_settled).map(spent_on).collect();
    let settled_days = settled.len();
    if settled_days < FEWEST_DAYS {
        return Ok(Outlook::TooEarly { settled_days });
    }
    let past: Vec<f64> =
        settled.iter().skip(settled_days.saturating_sub(PAST_DAYS)).map(|spent| spent.to_f64()).collect();
    // All of the window's days so far, the unsettled ones too: what is spent already is part of the total.
    let mut known = Decimal::ZERO;
    for day in window.days() {
        add(&mut known, spent_on(day))?;
    }
    let next = last_settled.succ_opt().unwrap_or(last_settled);
    let has: Vec<f64> =
        next.iter_days().take_while(|day| *day <= window.last_day()).map(|day| spent_on(day).to_f64()).collect();
    // Where the window begins after the settled days, the model runs up to it and these days are left out; where it began
    // before them, the number is negative and none is.
    let before = usize::try_from((window.first_day() - next).num_days()).unwrap_or(0);
    let weekday = usize::try_from(next.weekday().num_days_from_monday()).unwrap_or(0);
    let outcomes = Model::of(&past, &has, weekday).outcomes(before);
    let plus = |more: f64| {
        let more = Decimal::from_f64(more.max(0.0)).ok();
        more.and_then(|more| known.checked_add(more.round_to(2))).ok_or(SumOutOfRange)
    };
    let [low, expected, high] = quantiles(&outcomes, [0.1, 0.5, 0.9]);
    Ok(Outlook::Forecast(Forecast { expected: plus(expected)?, low: plus(low)?, high: plus(high)?, settled_days }))
}

#[cfg(test)]
mod tests;
