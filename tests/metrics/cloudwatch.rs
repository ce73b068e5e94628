//! A stand-in for `CloudWatch`: it takes what the real one takes, keeps it for ever, and shows it late.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::money::decimal::Decimal;
use spend_ledger::outputs::{Datum, Metrics, PublishError, Series, dimension_text};

/// Name and dimensions as they arrive.
pub type Key = (String, Vec<(String, String)>);

/// A datum that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub timestamp: DateTime<Utc>,
    pub value: f64,
    pub put_at: DateTime<Utc>,
}

#[derive(Default)]
struct State {
    now: DateTime<Utc>,
    series: BTreeMap<Key, Vec<Taken>>,
    data: usize,
}

#[derive(Default)]
pub struct CloudWatch(Mutex<State>);

/// What the real one answers 400 to.
pub fn refusal(now: DateTime<Utc>, namespace: &str, data: &[Datum]) -> Option<&'static str> {
    let ascii = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() != ""
    };
    if data.len() > 1000 {
        return Some("data");
    }
    let mut bytes = namespace.len() + 100;
    for datum in data {
        let value = datum.value.to_f64();
        if !value.is_finite() || value.abs() > 2_f64.powi(360) {
            return Some("value");
        }
        let age = now.signed_duration_since(datum.timestamp);
        if age > TimeDelta::days(14) || age < TimeDelta::hours(-2) {
            return Some("age");
        }
        if datum.dimensions.len() > 30 {
            return Some("dimensions");
        }
        bytes += datum.name.len() + 120;
        for (name, value) in &datum.dimensions {
            let (name, value) = (dimension_text(name), dimension_text(value));
            if !ascii(&name, 255) || name.starts_with(':') || !ascii(&value, 1024) {
                return Some("text");
            }
            bytes += name.len() + value.len() + 24;
        }
        if !ascii(&datum.name, 255) {
            return Some("name");
        }
    }
    (bytes > 1_000_000).then_some("bytes")
}

pub fn key(name: &str, dimensions: &BTreeMap<String, String>) -> Key {
    let dimensions = dimensions.iter();
    let texts = dimensions.map(|(name, value)| (dimension_text(name).into_owned(), dimension_text(value).into_owned()));
    (name.to_owned(), texts.collect())
}

impl CloudWatch {
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.0.lock().unwrap().now = now;
    }

    /// How many data were taken.
    pub fn data(&self) -> usize {
        self.0.lock().unwrap().data
    }

    /// Every series and day of a metric, with the sum.
    pub fn sums(&self, name: &str) -> BTreeMap<(Vec<(String, String)>, NaiveDate), f64> {
        let mut sums = BTreeMap::new();
        for ((found, dimensions), taken) in &self.0.lock().unwrap().series {
            for datum in taken.iter().filter(|_| found == name) {
                *sums.entry((dimensions.clone(), datum.timestamp.date_naive())).or_default() += datum.value;
            }
        }
        sums
    }

    /// The largest value of a metric on the last day that each series has data of: what an alarm with a period of a day
    /// and nothing newer looks at.
    pub fn last_maxima(&self, name: &str) -> BTreeMap<Vec<(String, String)>, (NaiveDate, f64)> {
        let state = self.0.lock().unwrap();
        let of_name = state.series.iter().filter(|((found, _), _)| found == name);
        of_name
            .map(|((_, dimensions), taken)| {
                let day = taken.iter().map(|datum| datum.timestamp.date_naive()).max().unwrap();
                let on_day = taken.iter().filter(|datum| datum.timestamp.date_naive() == day);
                (dimensions.clone(), (day, on_day.map(|datum| datum.value).fold(f64::NEG_INFINITY, f64::max)))
            })
            .collect()
    }

    /// What was put last to each series of a metric.
    pub fn last_values(&self, name: &str) -> BTreeMap<Vec<(String, String)>, f64> {
        let state = self.0.lock().unwrap();
        let of_name = state.series.iter().filter(|((found, _), _)| found == name);
        of_name.map(|((_, dimensions), taken)| (dimensions.clone(), taken.last().unwrap().value)).collect()
    }

    /// The data of a metric that were put at an instant, by dimensions.
    pub fn put_at(&self, name: &str, at: DateTime<Utc>) -> Vec<(Vec<(String, String)>, f64)> {
        let state = self.0.lock().unwrap();
        let of_name = state.series.iter().filter(|((found, _), _)| found == name);
        of_name
            .flat_map(|((_, dimensions), taken)| {
                let then = taken.iter().filter(|datum| datum.put_at == at);
                then.map(|datum| (dimensions.clone(), datum.value))
            })
            .collect()
    }
}

impl Metrics for CloudWatch {
    async fn put(&self, namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        let mut state = self.0.lock().unwrap();
        let now = state.now;
        if let Some(reason) = refusal(now, namespace, data) {
            return Err(PublishError::Refused { what: format!("{} data", data.len()), reason: reason.into() });
        }
        state.data += data.len();
        for datum in data {
            let taken = Taken { timestamp: datum.timestamp, value: datum.value.to_f64(), put_at: now };
            state.series.entry(key(&datum.name, &datum.dimensions)).or_default().push(taken);
        }
        Ok(())
    }

    /// What was put less than 48 hours ago for a time a day ago or more does not show.
    async fn daily_sums(
        &self,
        _: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        let state = self.0.lock().unwrap();
        let now = state.now;
        let sums = series.iter().map(|series| {
            let mut sums = BTreeMap::new();
            let taken = state.series.get(&key(&series.name, &series.dimensions));
            for datum in taken.into_iter().flatten() {
                let day = datum.timestamp.date_naive();
                let shows = now - datum.put_at >= TimeDelta::hours(48);
                if shows && days.contains(&day) {
                    *sums.entry(day).or_default() += datum.value;
                }
            }
            sums
        });
        Ok(sums.collect())
    }
}

/// A sum of doubles as the number with nine places that it stands for.
pub fn rounded(sum: f64) -> Decimal {
    Decimal::from_f64(sum).unwrap().round_to(9)
}
