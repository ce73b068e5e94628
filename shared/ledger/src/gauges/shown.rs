//! Which gauges show something, so that what has no value any more is put to zero.
//!
//! `CloudWatch` shows a gauge as it was last put. A team that was tagged anew, a budget that was removed, a member who has
//! spent nothing yet in the month that has just begun: each would stay at its last value for ever, and an alarm on it
//! would neither end nor mean anything. So a gauge that had a value and has none any more is put as zero.
//!
//! Gauges are read by their maximum, in which a zero beside a value of the same day is not seen. So it is put until it
//! was put on a day (UTC) after the last value's: then it is the maximum of an hour and of a day, the longest period that
//! alarms look at, and the gauge is forgotten.
//!
//! That a gauge will show something is written before it is put: a process that dies in between must leave no gauge that
//! nobody knows of. What of is written afterwards: a crash puts the same again, which a gauge does not mind.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::document::{Document, decode, encode};
use crate::keys;
use crate::metrics::{ATTEMPTS, MetricsError};
use crate::outputs::{Datum, Series};
use crate::store::{ETag, Put, Store};

/// What a namespace's gauges show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutGauges {
    /// What they were last put of; none while they never were.
    last: Option<Last>,
    /// Those that show something.
    shown: Vec<Shown>,
}

impl Document for PutGauges {
    const FORMAT: &'static str = "put-gauges";
    const VERSION: u32 = 1;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    basis: String,
    /// The day on which they were put.
    on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    metric: String,
    dimensions: BTreeMap<String, String>,
    /// The last day on which it was put with a value.
    on: NaiveDate,
}

impl Shown {
    fn of(series: Series, on: NaiveDate) -> Self {
        Self { metric: series.name, dimensions: series.dimensions, on }
    }

    fn into_pair(self) -> (Series, NaiveDate) {
        (Series { name: self.metric, dimensions: self.dimensions }, self.on)
    }
}

/// Whether the gauges of `namespace` were last put of something else than `basis`, or on another day.
pub(super) async fn is_due<S: Store>(
    store: &S,
    namespace: &str,
    basis: &str,
    today: NaiveDate,
) -> Result<bool, MetricsError> {
    let key = keys::gauges_key(namespace);
    let Some((bytes, _)) = store.get(&key).await? else { return Ok(true) };
    let put: PutGauges = decode(&key, &bytes)?;
    Ok(put.last != Some(Last { basis: basis.to_owned(), on: today }))
}

/// What will show something once it is put, as it was written down.
pub(super) struct Announced {
    key: String,
    etag: ETag,
    shown: BTreeMap<Series, NaiveDate>,
    today: NaiveDate,
}

/// Writes down that `values` will show something, beside what does already.
pub(super) async fn announce<S: Store>(
    store: &S,
    namespace: &str,
    values: &[Datum],
    today: NaiveDate,
) -> Result<Announced, MetricsError> {
    let key = keys::gauges_key(namespace);
    for _ in 0..ATTEMPTS {
        let found = store.get(&key).await?;
        let put: PutGauges =
            found.as_ref().map_or_else(|| Ok(PutGauges::default()), |(bytes, _)| decode(&key, bytes))?;
        let PutGauges { last, shown } = put;
        let mut shown: BTreeMap<_, _> = shown.into_iter().map(Shown::into_pair).collect();
        shown.extend(values.iter().map(|value| (series(value), today)));
        let bytes = encode(&PutGauges { last, shown: listed(&shown) })?;
        let written = match found {
            Some((found, etag)) if found == bytes => Put::Written(etag),
            Some((_, etag)) => store.put_if_match(&key, bytes, &etag).await?,
            None => store.put_if_absent(&key, bytes).await?,
        };
        if let Put::Written(etag) = written {
            return Ok(Announced { key, etag, shown, today });
        }
    }
    Err(MetricsError::Contended { key })
}

impl Announced {
    /// The gauges that show something and have no value among `values`.
    pub(super) fn gone(&self, values: &[Datum]) -> Vec<Series> {
        let mut gone = self.shown.clone();
        for value in values {
            gone.remove(&series(value));
        }
        gone.into_keys().collect()
    }

    /// Writes down what was put, and forgets what has been zero for a day.
    pub(super) async fn was_put<S: Store>(self, store: &S, basis: &str) -> Result<(), MetricsError> {
        let Self { key, etag, mut shown, today } = self;
        shown.retain(|_, on| *on >= today);
        let last = Some(Last { basis: basis.to_owned(), on: today });
        let bytes = encode(&PutGauges { last, shown: listed(&shown) })?;
        // Whoever has written since knows of all that was announced here, and puts the same gauges or newer ones.
        let (Put::Written(_) | Put::Lost) = store.put_if_match(&key, bytes, &etag).await?;
        Ok(())
    }
}

fn series(datum: &Datum) -> Series {
    Series { name: datum.name.clone(), dimensions: datum.dimensions.clone() }
}

fn listed(shown: &BTreeMap<Series, NaiveDate>) -> Vec<Shown> {
    shown.iter().map(|(series, on)| Shown::of(series.clone(), *on)).collect()
}
