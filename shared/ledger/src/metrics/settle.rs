//! Finding out what became of data in doubt, by reading their series back.
//!
//! A put without an answer may or may not have been taken. `CloudWatch` cannot be asked about one put, but it answers
//! the sum of a series on a day. Some subset of the doubts about that day was not taken: the sum says which, see
//! [`decide`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::money::decimal::{Decimal, SumOutOfRange};

use crate::metrics::error::MetricsError;
use crate::metrics::series::SpendSeries;
use crate::metrics::spend::Spend;
use crate::metrics::told::{Doubt, Told, ToldDay};
use crate::outputs::Metrics;
use crate::state::keys::Statement;
use crate::store::{ETag, Put, Store};

/// How long nothing must have been put to a series and day before it is read back. Data of 24 hours ago and more take
/// at least 48 hours to be readable. Source: Amazon `CloudWatch` API Reference, `PutMetricData`.
const READABLE_AFTER: TimeDelta = TimeDelta::hours(72);

/// How long to wait before reading again what did not settle anything: reading costs money.
const READ_AGAIN_AFTER: TimeDelta = TimeDelta::hours(24);

/// With more data in doubt for one series and day than this, the outcomes are too many to tell apart.
const MOST_DOUBTS: usize = 10;

/// What was told of a statement, and its version.
struct Found {
    statement: Statement,
    told: Told,
    etag: ETag,
}

/// A series on a day.
type Place = (SpendSeries, NaiveDate);

impl<S: Store, M: Metrics> Spend<'_, S, M> {
    /// Settles what is in doubt and can be read back: of how many data the fate is known now. What turns out not to
    /// have been taken is planned again.
    pub(super) async fn settle(&self, statements: &[Statement]) -> Result<usize, MetricsError> {
        // Doubts about one series and day can stand in several statements: the sum is of all of them together, so all
        // are read.
        let mut all = Vec::new();
        for statement in statements {
            let found = self.read(statement).await?;
            all.extend(found.map(|(told, etag)| Found { statement: statement.clone(), told, etag }));
        }
        let places: Vec<_> = readable(&all, self.now);
        let days: BTreeSet<_> = places.iter().map(|(_, day)| *day).collect();
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(0) };
        let series: Vec<_> = places.iter().map(|(series, _)| series.series()).collect();
        let sums = self.metrics.daily_sums(self.namespace, &series, *first..=*last).await?;
        // Whoever puts something claims it first: as long as nothing was written since, nothing was put that the sums
        // might hold already.
        for Found { statement, etag, .. } in &all {
            let head = self.store.head(&statement.told_key(self.namespace)).await?;
            if head.is_none_or(|head| head.etag != *etag) {
                return Ok(0);
            }
        }
        let mut settled = 0;
        let decided: BTreeMap<_, _> = places
            .into_iter()
            .zip(&sums)
            .map(|(place, sums)| {
                let sum = sums.get(&place.1).copied().unwrap_or_default();
                let decision = decide(&all, &place, sum)?;
                Ok((place, decision))
            })
            .collect::<Result<_, SumOutOfRange>>()?;
        for (index, Found { statement, mut told, etag }) in all.into_iter().enumerate() {
            let is_concerned = told.doubts.iter().any(|doubt| decided.contains_key(&place_of(doubt)));
            if !is_concerned {
                continue;
            }
            // After a lost race nothing of this statement is settled: the next call reads back again.
            let known = resolve(&mut told, index, &decided, self.now)?;
            let key = statement.told_key(self.namespace);
            if let Put::Written(_) = self.write(&key, &told, Some(&etag)).await? {
                settled += known;
            }
        }
        Ok(settled)
    }
}

fn place_of(doubt: &Doubt) -> Place {
    (doubt.difference.series.clone(), doubt.difference.day)
}

/// The doubts about a place, of all statements in order, with where each stands.
fn doubts<'a>(all: &'a [Found], place: &'a Place) -> impl Iterator<Item = ((usize, usize), &'a Doubt)> {
    all.iter().enumerate().flat_map(move |(index, found)| {
        let doubts = found.told.doubts.iter().enumerate();
        doubts
            .filter(|(_, doubt)| doubt.difference.day == place.1 && doubt.difference.series == place.0)
            .map(move |(number, doubt)| ((index, number), doubt))
    })
}

/// What is in doubt where nothing was put for long enough and nothing waits to be.
fn readable(all: &[Found], now: DateTime<Utc>) -> Vec<Place> {
    let passed =
        |since: Option<DateTime<Utc>>, wait| since.is_none_or(|since| now.signed_duration_since(since) >= wait);
    let due = all.iter().filter(|found| passed(found.told.read_back_at, READ_AGAIN_AFTER));
    let places: BTreeSet<_> = due.flat_map(|found| found.told.doubts.iter().map(place_of)).collect();
    // One put within the time that data take to be readable, by any statement, makes the sum mean nothing.
    let quiet = |(series, day): &Place| {
        all.iter().all(|found| {
            let put_at = found.told.day(series, *day).and_then(|told| told.put_at);
            passed(put_at, READABLE_AFTER) && !found.told.awaits(series, *day)
        })
    };
    places.into_iter().filter(quiet).collect()
}

/// Which of the doubts about a place were not taken, by where they stand, if what the namespace holds says it.
///
/// Each may have been taken or not. Of several that explain the sum any will do, if they come to the same amount: the
/// sum is right afterwards whichever it was.
fn decide(all: &[Found], place: &Place, held: f64) -> Result<Option<BTreeSet<(usize, usize)>>, SumOutOfRange> {
    let doubts: Vec<_> = doubts(all, place).collect();
    if doubts.len() > MOST_DOUBTS {
        return Ok(None);
    }
    // What the series holds if everything was taken.
    let mut told = Decimal::ZERO;
    for found in all {
        let put_here = found.told.day(&place.0, place.1).map_or(Ok(Decimal::ZERO), ToldDay::put_here)?;
        told = told.checked_add(put_here).ok_or(SumOutOfRange)?;
    }
    let mut answer: Option<(Decimal, BTreeSet<(usize, usize)>)> = None;
    // Every subset of the doubts, as the bits of a number, is tried as what was not taken: at most 2^10 of them.
    for chosen in 0..1_u32 << doubts.len() {
        let mut missing = Decimal::ZERO;
        let mut places = BTreeSet::new();
        for (bit, (at, doubt)) in doubts.iter().enumerate() {
            if chosen >> bit & 1 == 1 {
                missing = missing.checked_add(doubt.difference.amount).ok_or(SumOutOfRange)?;
                places.insert(*at);
            }
        }
        let expected = told.checked_sub(missing).ok_or(SumOutOfRange)?;
        if !is_close(held, expected) {
            continue;
        }
        match &answer {
            None => answer = Some((missing, places)),
            Some((other, _)) if *other == missing => {}
            // Two subsets of different amounts explain the sum: nobody can say which was not taken.
            Some(_) => return Ok(None),
        }
    }
    Ok(answer.map(|(_, places)| places))
}

/// Whether a sum of doubles can be the sum of the numbers with nine places that they stand for. A double has 53 bits:
/// each number, and each partial sum, is off by up to 2⁻⁵³ of its size, and a day has some dozens of them. So 2⁻⁴⁷ of
/// the sum is enough, and a tenth of the last place for partial sums that were larger than the last one. Up to 50,000
/// that tells sums apart that differ in the last place alone; above, both may be close, and then neither is believed.
fn is_close(held: f64, expected: Decimal) -> bool {
    const TENTH_OF_A_PLACE: f64 = 1e-10;
    const BITS: f64 = 1.0 / 140_737_488_355_328.0;
    let expected = expected.to_f64();
    (held - expected).abs() <= TENTH_OF_A_PLACE + expected.abs() * BITS
}

/// Forgets the doubts that were decided and takes back what was not taken: how many were decided.
fn resolve(
    told: &mut Told,
    index: usize,
    decided: &BTreeMap<Place, Option<BTreeSet<(usize, usize)>>>,
    now: DateTime<Utc>,
) -> Result<usize, SumOutOfRange> {
    let (mut known, mut missing, mut left) = (0, Vec::new(), Vec::new());
    for (number, doubt) in std::mem::take(&mut told.doubts).into_iter().enumerate() {
        match decided.get(&place_of(&doubt)) {
            Some(Some(not_taken)) => {
                known += 1;
                if not_taken.contains(&(index, number)) {
                    missing.push(doubt.difference);
                }
            }
            Some(None) => {
                told.read_back_at = Some(now);
                left.push(doubt);
            }
            None => left.push(doubt),
        }
    }
    told.doubts = left;
    if !missing.is_empty() {
        told.take_back(missing.iter())?;
        // An empty text equals no plan: the next call plans this statement again, and so puts what was not taken.
        told.planned_for.clear();
    }
    Ok(known)
}

#[cfg(test)]
mod tests;
