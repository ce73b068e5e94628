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
//!
//! Nothing says in which order the values of two processes arrive that put at the same time. So as long as somebody
//! else may be putting theirs, who is done does not say that the gauges are up to date, and the next call puts them again.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::metrics::error::MetricsError;
use crate::metrics::timing::CLAIM_LIVES;
use crate::outputs::{Datum, Series};
use crate::state::basis::Basis;
use crate::state::document::{Document, decode, encode};
use crate::state::keys;
use crate::store::conditional::put_over;
use crate::store::{ETag, Put, Store};

/// What a namespace's gauges show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutGauges {
    /// What they were last put of; none while they never were, or while somebody may be putting them.
    last: Option<Last>,
    /// Those that show something.
    shown: Vec<Shown>,
    /// What they were last announced from: none are announced from older facts. Version 1 does not say.
    #[serde(default)]
    from: Basis,
    /// Since when somebody may be putting them.
    #[serde(default)]
    putting_since: Option<DateTime<Utc>>,
}

impl Document for PutGauges {
    const FORMAT: &'static str = "put-gauges";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
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

/// What was found of a namespace's gauges, and its version.
#[derive(Debug)]
pub(crate) struct Kept {
    put: PutGauges,
    etag: ETag,
}

impl Kept {
    /// What they were last announced from.
    pub(crate) fn from(&self) -> &Basis {
        &self.put.from
    }
}

/// What is known of a namespace's gauges.
pub(crate) async fn read<S: Store>(store: &S, namespace: &str) -> Result<Option<Kept>, MetricsError> {
    let key = keys::gauges_key(namespace);
    let Some((bytes, etag)) = store.get(&key).await? else { return Ok(None) };
    Ok(Some(Kept { put: decode(&key, &bytes)?, etag }))
}

/// Whether the gauges were last put of something else than `made_of`, or on another day than that of `now`.
pub(crate) fn is_due(kept: Option<&Kept>, made_of: &str, now: DateTime<Utc>) -> bool {
    let last = kept.and_then(|kept| kept.put.last.as_ref());
    last.is_none_or(|last| last.basis != made_of || last.on != now.date_naive())
}

/// What will show something once it is put, as it was written down.
pub(crate) struct Announced {
    key: String,
    etag: ETag,
    put: PutGauges,
    shown: BTreeMap<Series, NaiveDate>,
    today: NaiveDate,
    /// Whether somebody else may be putting theirs.
    shared: bool,
}

/// Writes down that `values` will show something, beside what does already; none if somebody else has written since
/// `before` was read.
pub(super) async fn announce<S: Store>(
    store: &S,
    namespace: &str,
    before: Option<Kept>,
    values: &[Datum],
    from: &Basis,
    now: DateTime<Utc>,
) -> Result<Option<Announced>, MetricsError> {
    let (key, today) = (keys::gauges_key(namespace), now.date_naive());
    let (found, etag) = before.map_or_else(Default::default, |Kept { put, etag }| (put, Some(etag)));
    let mut shown: BTreeMap<_, _> = found.shown.into_iter().map(Shown::into_pair).collect();
    for value in values {
        // Somebody whose clock is ahead may have put it on the next day already; a later day is that of a clock that is wrong.
        let on = shown.entry(series(value)).or_insert(today);
        *on = today.max((*on).min(today + Days::new(1)));
    }
    let others = found.putting_since.filter(|since| now.signed_duration_since(*since).abs() <= CLAIM_LIVES);
    let put =
        PutGauges { last: None, shown: listed(&shown), from: from.clone(), putting_since: Some(others.unwrap_or(now)) };
    let Put::Written(etag) = put_over(store, &key, encode(&put)?, etag.as_ref()).await? else { return Ok(None) };
    Ok(Some(Announced { key, etag, put, shown, today, shared: others.is_some() }))
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
    pub(crate) async fn was_put<S: Store>(self, store: &S, made_of: &str) -> Result<(), MetricsError> {
        let Self { key, etag, put, mut shown, today, shared } = self;
        shown.retain(|_, on| *on >= today);
        let put = if shared {
            PutGauges { shown: listed(&shown), ..put }
        } else {
            let last = Some(Last { basis: made_of.to_owned(), on: today });
            PutGauges { last, shown: listed(&shown), putting_since: None, ..put }
        };
        // Whoever has announced theirs since knows of all that was announced here, and that somebody was putting it.
        let (Put::Written(_) | Put::Lost) = store.put_if_match(&key, encode(&put)?, &etag).await?;
        Ok(())
    }
}

fn series(datum: &Datum) -> Series {
    Series { name: datum.name.clone(), dimensions: datum.dimensions.clone() }
}

fn listed(shown: &BTreeMap<Series, NaiveDate>) -> Vec<Shown> {
    shown.iter().map(|(series, on)| Shown::of(series.clone(), *on)).collect()
}

#[cfg(test)]
mod tests {
    use spend_core::money::decimal::Decimal;

    use super::*;
    use crate::outputs::Unit;
    use crate::reaction_fixtures::{at, book, period};
    use crate::store::memory::MemoryStore;

    const MORNING: &str = "2026-11-20T06:00:00Z";
    const NEXT: &str = "2026-11-21T06:00:00Z";
    const THIRD: &str = "2026-11-22T06:00:00Z";

    fn values(names: &[&str]) -> Vec<Datum> {
        let value = |name: &&str| Datum {
            name: (*name).to_owned(),
            dimensions: BTreeMap::new(),
            timestamp: at(MORNING),
            value: Decimal::ONE,
            unit: Unit::None,
        };
        names.iter().map(value).collect()
    }

    async fn announced(store: &MemoryStore, names: &[&str], now: &str) -> Option<Announced> {
        let before = read(store, "n").await.unwrap();
        announce(store, "n", before, &values(names), &Basis::default(), at(now)).await.unwrap()
    }

    /// What is put as zero beside these values, after which they are put.
    async fn put(store: &MemoryStore, names: &[&str], now: &str) -> Vec<String> {
        let announced = announced(store, names, now).await.unwrap();
        let gone = announced.gone(&values(names)).into_iter().map(|series| series.name).collect();
        announced.was_put(store, "basis").await.unwrap();
        gone
    }

    async fn is_due_of(store: &MemoryStore, made_of: &str, now: &str) -> bool {
        is_due(read(store, "n").await.unwrap().as_ref(), made_of, at(now))
    }

    #[tokio::test]
    async fn gauges_are_due_until_they_were_put_of_the_same_on_the_same_day() {
        let store = MemoryStore::default();
        assert!(is_due_of(&store, "basis", MORNING).await);
        put(&store, &["a"], MORNING).await;
        assert!(!is_due_of(&store, "basis", "2026-11-20T23:59:59Z").await);
        assert!(is_due_of(&store, "other", MORNING).await);
        assert!(is_due_of(&store, "basis", "2026-11-21T00:00:00Z").await);
        announced(&store, &["a"], NEXT).await.unwrap();
        assert!(is_due_of(&store, "basis", NEXT).await, "somebody may have died while putting them");
    }

    #[tokio::test]
    async fn a_gauge_without_a_value_is_zero_until_it_was_on_a_day_after_its_last() {
        let store = MemoryStore::default();
        assert_eq!(put(&store, &["a", "b"], MORNING).await, [""; 0]);
        assert_eq!(put(&store, &["b"], MORNING).await, ["a"]);
        assert_eq!(put(&store, &["b"], NEXT).await, ["a"], "yesterday's value is yesterday's maximum alone now");
        assert_eq!(put(&store, &["b"], THIRD).await, [""; 0], "it was zero for a day, and is forgotten");
    }

    #[tokio::test]
    async fn a_clock_that_is_behind_takes_no_day_from_a_gauge() {
        let store = MemoryStore::default();
        put(&store, &["a"], NEXT).await;
        put(&store, &["a"], MORNING).await;
        assert_eq!(put(&store, &[], NEXT).await, ["a"]);
        assert_eq!(put(&store, &[], THIRD).await, ["a"], "the day's maximum was above zero until then");
    }

    #[tokio::test]
    async fn a_clock_that_was_years_ahead_keeps_no_gauge_for_years() {
        let store = MemoryStore::default();
        put(&store, &["a"], "2036-11-20T06:00:00Z").await;
        put(&store, &["a"], MORNING).await;
        for day in [NEXT, THIRD] {
            assert_eq!(put(&store, &[], day).await, ["a"]);
        }
        assert_eq!(put(&store, &[], "2026-11-23T06:00:00Z").await, [""; 0]);
    }

    #[tokio::test]
    async fn what_somebody_may_have_put_who_died_is_put_to_zero_too() {
        let store = MemoryStore::default();
        drop(announced(&store, &["a"], MORNING).await.unwrap());
        assert_eq!(put(&store, &["b"], NEXT).await, ["a"]);
    }

    #[tokio::test]
    async fn as_long_as_somebody_else_may_be_putting_theirs_the_next_call_puts_them_again() {
        for (now, is_due_again) in [("2026-11-20T06:30:00Z", true), ("2026-11-20T06:30:01Z", false)] {
            let store = MemoryStore::default();
            drop(announced(&store, &["a"], MORNING).await.unwrap());
            assert_eq!(put(&store, &["b"], now).await, ["a"]);
            assert_eq!(is_due_of(&store, "basis", now).await, is_due_again, "{now}");
            // Both are known to show something.
            assert_eq!(put(&store, &[], now).await, ["a", "b"]);
        }
    }

    #[tokio::test]
    async fn who_has_put_theirs_is_putting_them_no_more() {
        let store = MemoryStore::default();
        put(&store, &["a"], MORNING).await;
        put(&store, &["b"], "2026-11-20T06:10:00Z").await;
        assert!(!is_due_of(&store, "basis", "2026-11-20T06:10:00Z").await, "nobody else was putting theirs");
    }

    #[tokio::test]
    async fn a_gauge_that_was_zero_for_a_day_is_forgotten_though_somebody_else_may_be_putting_theirs() {
        let store = MemoryStore::default();
        put(&store, &["a", "b"], MORNING).await;
        drop(announced(&store, &["b"], THIRD).await.unwrap());
        assert_eq!(put(&store, &["b"], THIRD).await, ["a"], "zero once more");
        let shown = read(&store, "n").await.unwrap().unwrap().put.shown;
        let shown: Vec<_> = shown.into_iter().map(|shown| shown.into_pair().0.name).collect();
        assert_eq!(shown, ["b"]);
    }

    #[tokio::test]
    async fn gauges_that_others_have_announced_since_are_not_announced() {
        let store = MemoryStore::default();
        let before = read(&store, "n").await.unwrap();
        let mine = announced(&store, &["a"], MORNING).await.unwrap();
        let late = announce(&store, "n", before, &values(&["b"]), &Basis::default(), at(MORNING)).await.unwrap();
        assert!(late.is_none());
        drop(announced(&store, &["b"], MORNING).await.unwrap());
        mine.was_put(&store, "basis").await.unwrap();
        assert!(is_due_of(&store, "basis", MORNING).await, "theirs counts");
    }

    #[tokio::test]
    async fn gauges_remember_what_they_were_announced_from() {
        let store = MemoryStore::default();
        let from = Basis::of(&book(vec![period("2026-11", Vec::new())]), "x");
        announce(&store, "n", None, &values(&["a"]), &from, at(MORNING)).await.unwrap().unwrap();
        assert_eq!(*read(&store, "n").await.unwrap().unwrap().from(), from);
    }
}
