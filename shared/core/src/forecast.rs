//! Where a window's spend is heading: what is settled, plus what such days usually have.
//!
//! A day's usual spend is a level (the median of the last seven settled days, each freed of its weekday's factor),
//! moved along by the trend where there is a clear one, times the factor of the day's weekday. Medians make a runaway
//! day of no account; a launch is followed once it has three settled days; spikes that come again and again are added
//! as they come on average. How well that does is measured by `tests/forecast_table.rs`.
//!
//! The future is an estimate, so it is worked out in doubles; what is spent already is exact.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use crate::data_span::DataSpan;
use crate::decimal::Decimal;
use crate::line::SumOutOfRange;
use crate::totals::{MemberTotals, add};
use crate::window::Window;

/// How many settled days a forecast needs: each weekday once.
pub const FEWEST_DAYS: usize = 7;
/// How many days weekdays get factors of their own from: each twice.
const FEWEST_FOR_WEEKDAYS: usize = 14;
/// How many days a trend is read from.
const TREND_DAYS: usize = 28;
/// How many days back anything matters.
const PAST_DAYS: usize = 56;
/// How many days of it recurring spikes are looked for in.
const SPIKE_DAYS: usize = 28;
/// How much of a trend is left after each further day: nothing grows for ever.
const DAMPING: f64 = 0.96;
/// Half the width of the interval, in standard deviations: meant for four of five windows, see the measured table.
const WIDTH: f64 = 1.7;
/// How far a level wanders meanwhile, as a part of it: what has been steady is not for ever.
const DRIFT: f64 = 0.04;
/// What makes a median absolute deviation a standard deviation, for what is normally distributed.
const DEVIATION: f64 = 1.4826;

/// What a window comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The most likely total.
    pub expected: Decimal,
    /// Four of five totals lie at this or above and at [`Forecast::high`] or below.
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
    TooEarly {
        /// How many there are.
        settled_days: usize,
    },
    /// All of its days are settled: the spend is the total.
    Over,
}

/// Where the spend of `days` is heading in `window`: what the gauge of the forecast shows. Days without an entry had
/// none; `span` says which days are settled.
///
/// # Errors
///
/// [`SumOutOfRange`].
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
    let past: Vec<Decimal> = begun.iter_days().take_while(|day| *day <= last_settled).map(spent_on).collect();
    if past.len() < FEWEST_DAYS {
        return Ok(Outlook::TooEarly { settled_days: past.len() });
    }
    let past: Vec<f64> = past.iter().skip(past.len().saturating_sub(PAST_DAYS)).map(|spent| spent.to_f64()).collect();
    let model = Model::of(&past, last_settled);
    let mut known = Decimal::ZERO;
    let (mut expected, mut ahead) = (0.0, 0);
    for day in window.days() {
        add(&mut known, spent_on(day))?;
        if day > last_settled {
            ahead += 1;
            // A day that is still filling up has what it has, and may get more.
            expected += (model.on(day) - spent_on(day).to_f64()).max(0.0);
        }
    }
    let spread = model.spread(ahead);
    let plus = |more: f64| {
        let more = Decimal::from_f64(more.max(0.0)).ok().and_then(|more| known.checked_add(more.round_to(2)));
        more.ok_or(SumOutOfRange)
    };
    Ok(Outlook::Forecast(Forecast {
        expected: plus(expected)?,
        low: plus(expected - spread)?,
        high: plus(expected + spread)?,
        settled_days: past.len(),
    }))
}

/// Where a member's spend is heading in a window.
pub(crate) fn of_window(totals: &MemberTotals<'_>, window: Window, span: &DataSpan) -> Result<Outlook, SumOutOfRange> {
    if span.last_settled().is_some_and(|settled| window.last_day() <= settled) {
        return Ok(Outlook::Over);
    }
    outlook(&totals.amounts(), window, span)
}

/// What days usually have.
struct Model {
    last: NaiveDate,
    /// By weekday, from Monday on.
    factors: [f64; 7],
    /// A day's spend without its weekday's factor, on the last day.
    level: f64,
    /// By how much the level moves in a day.
    slope: f64,
    /// What spikes that come again and again add to a day.
    spikes: f64,
    /// The standard deviation of a day.
    deviation: f64,
}

impl Model {
    /// `past` ends with the day `last` and has at least [`FEWEST_DAYS`] days.
    fn of(past: &[f64], last: NaiveDate) -> Self {
        let weekday_of = |index: usize| weekday_before(last, past.len() - 1 - index);
        let factors = factors(past, weekday_of);
        let even: Vec<f64> =
            past.iter().enumerate().map(|(index, spent)| spent / at(&factors, weekday_of(index))).collect();
        let (slope, level) = if let Some(days) = since_step(&even) {
            (0.0, median(tail(&even, days)))
        } else {
            let slope = slope(&even);
            // The median of a week is that of its middle, three days ago.
            (slope, (median(tail(&even, 7)) + 3.0 * slope).max(0.0))
        };
        let usual: Vec<f64> =
            (0..past.len()).map(|index| around(&even, index) * at(&factors, weekday_of(index))).collect();
        let errors: Vec<f64> = past.iter().zip(&usual).map(|(spent, usual)| spent - usual).collect();
        let recent = tail(&errors, SPIKE_DAYS);
        let mut deviation = DEVIATION * median(&recent.iter().map(|error| error.abs()).collect::<Vec<_>>());
        let spikes = spikes(recent, tail(&usual, SPIKE_DAYS), deviation);
        if spikes > 0.0 {
            let square = recent.iter().map(|error| error * error).sum::<f64>() / count(recent.len());
            deviation = square.sqrt();
        }
        Self { last, factors, level, slope, spikes, deviation }
    }

    /// What `day` will have.
    fn on(&self, day: NaiveDate) -> f64 {
        let ahead = i32::try_from((day - self.last).num_days()).unwrap_or(i32::MAX);
        let moved = self.slope * DAMPING * (1.0 - DAMPING.powi(ahead)) / (1.0 - DAMPING);
        let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
        (self.level + moved).max(0.0) * at(&self.factors, weekday) + self.spikes
    }

    /// How far the sum of so many days may be off.
    fn spread(&self, days: usize) -> f64 {
        let days = count(days);
        // Each day is off by itself, and all of them by the error of the level, which seven days gave.
        let by_level = days * self.deviation * 1.25 / 7.0_f64.sqrt();
        let by_day = days.sqrt() * self.deviation;
        let by_drift = days * self.level * DRIFT;
        WIDTH * by_level.hypot(by_day).hypot(by_drift)
    }
}

/// What each weekday has of an ordinary day: the median over the weeks of what it had of the days around it.
fn factors(past: &[f64], weekday_of: impl Fn(usize) -> usize) -> [f64; 7] {
    /// A day must not be divided by nothing, and no ordinary weekday is as far below the others.
    const LEAST: f64 = 0.02;
    let mut factors = [1.0; 7];
    if past.len() < FEWEST_FOR_WEEKDAYS {
        return factors;
    }
    for (weekday, factor) in factors.iter_mut().enumerate() {
        let of_weekday = past.iter().enumerate().filter(|(index, _)| weekday_of(*index) == weekday);
        let shares: Vec<f64> = of_weekday
            .filter_map(|(index, spent)| {
                let week = week_around(past, index);
                let middle = median(week);
                let ordinary = if middle > 0.0 { middle } else { week.iter().sum::<f64>() / count(week.len()) };
                (ordinary > 0.0).then(|| spent / ordinary)
            })
            .collect();
        // Few weeks say little: half a week more of an ordinary day.
        let weeks = count(shares.len());
        *factor = ((weeks * median(&shares) + 0.5) / (weeks + 0.5)).max(LEAST);
    }
    factors
}

/// By how much values move in a day, where the medians of the last four weeks all rise or all fall, and not by one step.
fn slope(values: &[f64]) -> f64 {
    let recent = tail(values, TREND_DAYS);
    if recent.len() < TREND_DAYS {
        return 0.0;
    }
    let weeks: Vec<f64> = recent.chunks(7).map(median).collect();
    let steps: Vec<f64> = weeks.iter().zip(weeks.iter().skip(1)).map(|(earlier, later)| later - earlier).collect();
    let whole: f64 = steps.iter().sum();
    let is_even = steps.iter().all(|step| step * whole > 0.0 && step.abs() < 0.65 * whole.abs());
    if is_even { whole / 21.0 } else { 0.0 }
}

/// How many of the last days are of another level than the week before them, where they are some but not yet a week.
fn since_step(values: &[f64]) -> Option<usize> {
    (3..7).rev().find(|days| {
        let after = tail(values, *days);
        let before = tail(values.get(..values.len().saturating_sub(*days)).unwrap_or_default(), 7);
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        before.len() == 7 && (least(after) > 1.3 * most(before) || most(after) < 0.7 * least(before))
    })
}

/// What spikes add to a day, if there were at least three apart from each other.
fn spikes(errors: &[f64], usual: &[f64], deviation: f64) -> f64 {
    let is_spike: Vec<bool> =
        errors.iter().zip(usual).map(|(error, usual)| *error > *usual && *error > 4.0 * deviation).collect();
    let begun =
        is_spike.iter().zip(std::iter::once(&false).chain(&is_spike)).filter(|(now, before)| **now && !**before);
    if begun.count() < 3 {
        return 0.0;
    }
    let beyond: f64 = errors.iter().zip(&is_spike).filter(|(_, is_spike)| **is_spike).map(|(error, _)| error).sum();
    beyond / count(errors.len())
}

fn weekday_before(day: NaiveDate, days: usize) -> usize {
    let days = u64::try_from(days).unwrap_or(0);
    let day = day.checked_sub_days(Days::new(days)).unwrap_or(day);
    usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0)
}

/// The median of the week around a value.
fn around(values: &[f64], index: usize) -> f64 {
    median(week_around(values, index))
}

/// The seven values around one, of which it is the middle one but at both ends.
fn week_around(values: &[f64], index: usize) -> &[f64] {
    let start = index.saturating_sub(3).min(values.len().saturating_sub(7));
    values.get(start..values.len().min(start + 7)).unwrap_or_default()
}

fn tail(values: &[f64], count: usize) -> &[f64] {
    values.get(values.len().saturating_sub(count)..).unwrap_or_default()
}

fn at(factors: &[f64; 7], weekday: usize) -> f64 {
    factors.get(weekday).copied().unwrap_or(1.0)
}

fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    if sorted.len() % 2 == 1 {
        return upper;
    }
    let lower = (sorted.len() / 2).checked_sub(1).and_then(|middle| sorted.get(middle)).copied().unwrap_or(upper);
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests;
