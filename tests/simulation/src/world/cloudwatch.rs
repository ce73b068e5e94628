//! A stand-in for CloudWatch: it takes what the real one takes, adds it up for ever, and shows it late.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_ledger::outputs::{Datum, Series, dimension_text};

/// Name and dimensions as they arrive.
pub type Key = (String, Vec<(String, String)>);

/// Dimensions and day.
pub type Place = (Vec<(String, String)>, NaiveDate);

/// A datum that was taken.
#[derive(Clone, Copy, Debug)]
struct Taken {
    timestamp: DateTime<Utc>,
    value: f64,
    put_at: DateTime<Utc>,
}

/// What CloudWatch holds.
#[derive(Debug, Default)]
pub struct CloudWatch {
    series: BTreeMap<Key, Vec<Taken>>,
}

/// Why the real one answers 400, if it does. Source: Amazon CloudWatch API Reference, `PutMetricData`, `MetricDatum`,
/// `Dimension`.
fn refusal(now: DateTime<Utc>, namespace: &str, data: &[Datum]) -> Option<&'static str> {
    let ascii = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() != ""
    };
    if data.len() > 1000 {
        return Some("more than 1000 data");
    }
    let mut bytes = namespace.len() + 100;
    for datum in data {
        let value = datum.value.to_f64();
        if !value.is_finite() || value.abs() > 2_f64.powi(360) {
            return Some("a value out of range");
        }
        let age = now.signed_duration_since(datum.timestamp);
        if age > TimeDelta::days(14) || age < TimeDelta::hours(-2) {
            return Some("a time outside two weeks");
        }
        if datum.dimensions.len() > 30 {
            return Some("more than 30 dimensions");
        }
        bytes += datum.name.len() + 120;
        for (name, value) in &datum.dimensions {
            let (name, value) = (dimension_text(name), dimension_text(value));
            if !ascii(&name, 255) || name.starts_with(':') || !ascii(&value, 1024) {
                return Some("a text that is no dimension's");
            }
            bytes += name.len() + value.len() + 24;
        }
        if !ascii(&datum.name, 255) {
            return Some("a text that is no metric's name");
        }
    }
    (bytes > 1_000_000).then_some("more than a megabyte")
}

fn key(name: &str, dimensions: &BTreeMap<String, String>) -> Key {
    let dimensions = dimensions.iter();
    let texts = dimensions.map(|(name, value)| (dimension_text(name).into_owned(), dimension_text(value).into_owned()));
    (name.to_owned(), texts.collect())
}

impl CloudWatch {
    /// Takes all of the data, or says why none of it.
    pub fn put(&mut self, now: DateTime<Utc>, namespace: &str, data: &[Datum]) -> Result<(), &'static str> {
        if let Some(reason) = refusal(now, namespace, data) {
            return Err(reason);
        }
        for datum in data {
            let taken = Taken { timestamp: datum.timestamp, value: datum.value.to_f64(), put_at: now };
            self.series.entry(key(&datum.name, &datum.dimensions)).or_default().push(taken);
        }
        Ok(())
    }

    /// What it shows of days: what was put less than two days ago does not show yet.
    pub fn daily_sums(
        &self,
        now: DateTime<Utc>,
        series: &[Series],
        days: &RangeInclusive<NaiveDate>,
    ) -> Vec<BTreeMap<NaiveDate, f64>> {
        let of = |series: &Series| {
            let mut sums = BTreeMap::new();
            for datum in self.series.get(&key(&series.name, &series.dimensions)).into_iter().flatten() {
                let day = datum.timestamp.date_naive();
                if now - datum.put_at >= TimeDelta::hours(48) && days.contains(&day) {
                    *sums.entry(day).or_default() += datum.value;
                }
            }
            sums
        };
        series.iter().map(of).collect()
    }

    /// Every series and day of a metric, with the sum of what was put.
    pub fn sums(&self, name: &str) -> BTreeMap<Place, f64> {
        let mut sums = BTreeMap::new();
        for ((found, dimensions), taken) in &self.series {
            for datum in taken.iter().filter(|_| found == name) {
                *sums.entry((dimensions.clone(), datum.timestamp.date_naive())).or_default() += datum.value;
            }
        }
        sums
    }

    /// The largest value of a metric on the last day that each series has data of: what an alarm looks at.
    pub fn last_maxima(&self, name: &str) -> BTreeMap<Vec<(String, String)>, (NaiveDate, f64)> {
        let of_name = self.series.iter().filter(|((found, _), _)| found == name);
        let last = of_name.map(|((_, dimensions), taken)| {
            let day = taken.iter().map(|datum| datum.timestamp.date_naive()).max().unwrap();
            let on_day = taken.iter().filter(|datum| datum.timestamp.date_naive() == day);
            (dimensions.clone(), (day, on_day.map(|datum| datum.value).fold(f64::NEG_INFINITY, f64::max)))
        });
        last.collect()
    }
}
