//! Asks ways of forecasting where a month is heading, in histories whose end is known.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use spend_core::calendar::data_span::DataSpan;
use spend_core::calendar::data_status::DataStatus;
use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::Window;
use spend_core::forecast::{Outlook, outlook};
use spend_core::money::decimal::Decimal;

use super::histories::{self, HISTORIES, Kind};

/// What is known when it is asked where November is heading.
pub struct Question {
    /// What each day has so far.
    pub days: BTreeMap<NaiveDate, Decimal>,
    /// The last settled day.
    pub settled: NaiveDate,
    /// What November came to.
    total: f64,
}

/// What November comes to, and an interval that is meant to hold four of five totals.
pub struct Answer {
    pub expected: f64,
    pub interval: Option<(f64, f64)>,
}

/// A way of forecasting.
pub type Method = fn(&Question) -> Answer;

fn november() -> Window {
    Window::from("2026-11".parse::<BillingPeriod>().unwrap())
}

impl Question {
    /// Every question that is asked of a kind. The three days after the last settled one are filling up: they have half.
    pub fn of(kind: &Kind) -> Vec<Self> {
        let asked = |seed| kind.asked_on.iter().map(move |asked_on| Self::new(kind, seed, *asked_on));
        (0..HISTORIES).flat_map(asked).collect()
    }

    fn new(kind: &Kind, seed: u64, asked_on: u32) -> Self {
        let settled = NaiveDate::from_ymd_opt(2026, 11, asked_on).unwrap();
        let first = kind.settled_days.map(|days| settled - TimeDelta::days(i64::from(days) - 1));
        let history = histories::first_day().iter_days().zip(kind.history(seed));
        let history = history.filter(|(day, _)| first.is_none_or(|first| *day >= first));
        let days: BTreeMap<_, _> =
            history.map(|(day, spent)| (day, Decimal::from_f64(spent).unwrap().round_to(2))).collect();
        let total = days.range(november().first_day()..).map(|(_, spent)| spent.to_f64()).sum();
        let half = |spent: Decimal| Decimal::from_units(spent.units() / 2).unwrap();
        let known = days.into_iter().filter(|(day, _)| *day <= settled + TimeDelta::days(3));
        let days = known.map(|(day, spent)| (day, if day > settled { half(spent) } else { spent })).collect();
        Self { days, settled, total }
    }

    /// What is known of a day.
    fn on(&self, day: NaiveDate) -> f64 {
        self.days.get(&day).map_or(0.0, |spent| spent.to_f64())
    }

    /// What the month comes to if the days after the last settled one come to this. What is there already stays.
    pub fn total_with(&self, ahead: impl IntoIterator<Item = f64>) -> f64 {
        let mut ahead = ahead.into_iter();
        let on = |day| if day > self.settled { self.on(day).max(ahead.next().unwrap_or(0.0)) } else { self.on(day) };
        november().days().map(on).sum()
    }
}

/// The forecast of the program.
pub fn ours(question: &Question) -> Answer {
    let as_of = (question.settled + TimeDelta::days(4)).and_hms_opt(0, 0, 0).unwrap().and_utc();
    let status = DataStatus { as_of: Some(as_of), ..DataStatus::default() };
    let months = ["2026-09", "2026-10", "2026-11"].map(|month| (month.parse().unwrap(), status));
    match outlook(&question.days, november(), &DataSpan::new(months.into())).unwrap() {
        Outlook::Forecast(forecast) => Answer {
            expected: forecast.expected.to_f64(),
            interval: Some((forecast.low.to_f64(), forecast.high.to_f64())),
        },
        Outlook::TooEarly { .. } | Outlook::Over => panic!("ten days have settled, and seven are to come"),
    }
}

/// Every day to come has what the settled days of the month had on average.
pub fn run_rate(question: &Question) -> Answer {
    let settled: Vec<f64> =
        question.days.range(november().first_day()..=question.settled).map(|(_, spent)| spent.to_f64()).collect();
    let mean = mean(&settled);
    Answer { expected: question.total_with(std::iter::repeat(mean)), interval: None }
}

/// What was measured of one way of forecasting. All numbers are percents.
#[derive(Default)]
pub struct Score {
    /// How far each forecast was off, of the total.
    pub errors: Vec<f64>,
    /// How wide each interval was, of the total.
    widths: Vec<f64>,
    within: u32,
}

impl Score {
    pub fn of(method: Method, questions: &[Question]) -> Self {
        let mut score = Self::default();
        for question in questions {
            let Answer { expected, interval } = method(question);
            score.errors.push((expected - question.total).abs() / question.total * 100.0);
            if let Some((low, high)) = interval {
                score.widths.push((high - low) / question.total * 100.0);
                score.within += u32::from((low..=high).contains(&question.total));
            }
        }
        score
    }

    pub fn mean_error(&self) -> f64 {
        mean(&self.errors)
    }

    /// One of ten is further off.
    pub fn worst_tenth(&self) -> f64 {
        let mut sorted = self.errors.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get(sorted.len() * 9 / 10).copied().unwrap_or_default()
    }

    /// How many of the totals lay within the interval, where there was one.
    pub fn covered(&self) -> f64 {
        f64::from(self.within) * 100.0 / f64::from(u32::try_from(self.widths.len()).unwrap())
    }

    /// How wide the interval was on average.
    pub fn width(&self) -> f64 {
        mean(&self.widths)
    }

    pub fn add(&mut self, other: &Self) {
        self.errors.extend(&other.errors);
        self.widths.extend(&other.widths);
        self.within += other.within;
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
}
