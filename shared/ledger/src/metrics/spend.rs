//! Differences of `Spend`: planned before they are put, claimed by whoever puts them, and marked after.
//!
//! Each step is a conditional write of what the namespace was told ([`Told`]). The order makes a crash harmless: before
//! the claim nothing was put; between claim and mark the data are in doubt once the claim is too old, and are read
//! back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use spend_core::money::decimal::{Decimal, SumOutOfRange};

use crate::config::Config;
use crate::metrics::daily::Axis;
use crate::metrics::error::MetricsError;
use crate::metrics::published::Withheld;
use crate::metrics::scene::Scene;
use crate::metrics::series::{SpendSeries, Sums, sums};
use crate::metrics::timing::{has_time, window};
use crate::metrics::told::{Batch, Fate, PLACES, Told};
use crate::outputs::{Metrics, PublishError};
use crate::state::document::{decode_compressed, encode_compressed};
use crate::state::keys::{Statement, told_prefix};
use crate::store::conditional::{self, Change, put_over};
use crate::store::{ETag, Put, Store};

/// What the work on `Spend` needs.
pub(super) struct Spend<'a, S, M> {
    pub(super) store: &'a S,
    pub(super) metrics: &'a M,
    pub(super) namespace: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// What the namespace was told of each statement, and its version; none of what it was told nothing of.
pub(super) type AllTold = BTreeMap<Statement, Option<(Told, ETag)>>;

/// What planning came to.
pub(super) enum Planned {
    /// All is planned.
    Done,
    /// Nothing may be.
    Withheld(Withheld),
    /// Somebody else has written this object since it was read.
    Lost(String),
}

/// What putting came to.
#[derive(Default)]
pub(super) struct PutSpend {
    /// Data that were put.
    pub(super) put: usize,
    /// Data that were refused.
    pub(super) refused: usize,
    /// Data that there was no time for.
    pub(super) left: usize,
    /// The first refusal, and what kept the rest from being put.
    pub(super) failures: Vec<MetricsError>,
}

/// What became of one batch.
enum One {
    /// So many data were put.
    Put(usize),
    /// So many were refused.
    Refused(usize, MetricsError),
    /// There is no time for so many.
    Left(usize),
    /// There is none.
    Nothing,
}

impl<S: Store, M: Metrics> Spend<'_, S, M> {
    /// What the namespace was told of a statement.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Option<(Told, ETag)>, MetricsError> {
        let key = statement.told_key(self.namespace);
        let Some((bytes, etag)) = self.store.get(&key).await? else { return Ok(None) };
        Ok(Some((decode_compressed(&key, &bytes)?, etag)))
    }

    pub(super) async fn told(&self, statements: &[Statement]) -> Result<AllTold, MetricsError> {
        let mut all = AllTold::new();
        for statement in statements {
            all.insert(statement.clone(), self.read(statement).await?);
        }
        Ok(all)
    }

    /// Whether what was told is not what follows from `made_of`.
    pub(super) fn is_plan_due(&self, told: &AllTold, made_of: &str) -> bool {
        let window = window(self.now);
        let is_due = |told: &Told| told.planned_for != made_of || told.is_stale(&window);
        told.values().any(|told| told.as_ref().is_none_or(|(told, _)| is_due(told)))
    }

    /// Plans the differences of the statements of which it is known what was `told`, unless the namespace has data that
    /// nobody here has put. `told` was read before the scene.
    pub(super) async fn plan(
        &self,
        config: &Config,
        scene: &Scene,
        mut told: AllTold,
    ) -> Result<Planned, MetricsError> {
        let targets = targets(scene)?;
        if let Some(withheld) = self.withheld(targets.values()).await? {
            return Ok(Planned::Withheld(withheld));
        }
        // A dimension that was taken out of the configuration keeps what it was told: nothing is put to it any more.
        let axes = Axis::all(config);
        let concerns = |series: &SpendSeries| match &series.of {
            None => true,
            Some((name, _)) => axes.iter().any(|axis| axis.name == *name),
        };
        let window = window(self.now);
        for (statement, targets) in &targets {
            let Some(known) = told.remove(statement) else { continue };
            let (mut planned, etag) = match known {
                Some((told, etag)) => (told, Some(etag)),
                None => (Told::nothing(self.namespace, statement), None),
            };
            if planned.planned_for == scene.made_of && !planned.is_stale(&window) {
                continue;
            }
            planned.plan(targets, concerns, &window)?;
            scene.made_of.clone_into(&mut planned.planned_for);
            scene.basis.clone_into(&mut planned.from);
            let key = statement.told_key(self.namespace);
            // Over the version that was read before the scene: an older book never replaces a newer plan.
            if let Put::Lost = self.write(&key, &planned, etag.as_ref()).await? {
                return Ok(Planned::Lost(key));
            }
        }
        Ok(Planned::Done)
    }

    /// Puts what is planned for a statement, batch by batch, as long as there is time. What is refused keeps no other
    /// from being put, and is tried again by the next call, after the others. After any other failure the next call
    /// goes on, not the next batch: what kept one from being put keeps the next.
    pub(super) async fn put(&self, statement: &Statement, time_left: &impl Fn() -> Duration) -> PutSpend {
        let (mut done, mut tried) = (PutSpend::default(), BTreeSet::new());
        loop {
            match self.put_one(statement, time_left, &mut tried).await {
                Ok(One::Put(count)) => done.put += count,
                Ok(One::Refused(count, error)) => {
                    done.refused += count;
                    if done.failures.is_empty() {
                        done.failures.push(error);
                    }
                }
                Ok(One::Left(count)) => {
                    done.left = count;
                    return done;
                }
                Ok(One::Nothing) => return done,
                Err(error) => {
                    done.failures.push(error);
                    return done;
                }
            }
        }
    }

    async fn put_one(
        &self,
        statement: &Statement,
        time_left: &impl Fn() -> Duration,
        tried: &mut BTreeSet<u64>,
    ) -> Result<One, MetricsError> {
        let window = window(self.now);
        let claim = |told: &mut Told| {
            // Whoever claimed these is gone, and may have put them.
            let orphans = told.orphans(self.now);
            for orphan in &orphans {
                told.learn(orphan, Fate::InDoubt)?;
            }
            let left = if has_time(time_left) { 0 } else { told.free(&window, tried) };
            let claimed = if left > 0 { None } else { told.claim(&window, tried, self.now) };
            let is_changed = claimed.is_some() || !orphans.is_empty();
            Ok((IsChanged(is_changed), (claimed, left)))
        };
        let (claimed, left) = self.change(statement, claim).await?;
        if left > 0 {
            return Ok(One::Left(left));
        }
        let Some(batch) = claimed else { return Ok(One::Nothing) };
        if !has_time(time_left) {
            // The claim took too long. Nobody has put it.
            let told = self.learn(statement, &batch, Fate::NotPut).await?;
            return Ok(One::Left(told.free(&window, tried)));
        }
        // From here until the fate is written down a crash leaves the batch claimed: it becomes an orphan, in doubt.
        let data = batch.data();
        let outcome = self.metrics.put(self.namespace, &data).await;
        let fate = match &outcome {
            Ok(()) => Fate::Landed,
            Err(PublishError::Refused { .. }) => Fate::Refused,
            Err(PublishError::NotSent { .. }) => Fate::NotPut,
            // A put does not read: the last is for completeness.
            Err(PublishError::InDoubt { .. } | PublishError::NotRead { .. }) => Fate::InDoubt,
        };
        self.learn(statement, &batch, fate).await?;
        tried.insert(batch.number);
        match outcome {
            Ok(()) => Ok(One::Put(data.len())),
            Err(error @ PublishError::Refused { .. }) => Ok(One::Refused(data.len(), error.into())),
            Err(error) => Err(error.into()),
        }
    }

    async fn learn(&self, statement: &Statement, batch: &Batch, fate: Fate) -> Result<Told, MetricsError> {
        let learn = |told: &mut Told| {
            told.learn(batch, fate)?;
            Ok((IsChanged(true), told.clone()))
        };
        self.change(statement, learn).await
    }

    /// Changes what is known of a statement, by a conditional write, if `change` says so. It depends on nothing but
    /// what is known: what does is planned.
    async fn change<T>(
        &self,
        statement: &Statement,
        mut change: impl FnMut(&mut Told) -> Result<(IsChanged, T), SumOutOfRange>,
    ) -> Result<T, MetricsError> {
        let key = statement.told_key(self.namespace);
        let changed = conditional::change(self.store, &key, |bytes| {
            let known = bytes.map(|bytes| decode_compressed(&key, bytes)).transpose()?;
            let mut told = known.unwrap_or_else(|| Told::nothing(self.namespace, statement));
            Ok::<_, MetricsError>(match change(&mut told)? {
                (IsChanged(false), found) => Change::Keep(found),
                (IsChanged(true), found) => Change::Write(encode_compressed(&told)?, found),
            })
        });
        changed.await?.ok_or(MetricsError::Contended { key: key.clone() })
    }

    pub(super) async fn write(&self, key: &str, told: &Told, etag: Option<&ETag>) -> Result<Put, MetricsError> {
        Ok(put_over(self.store, key, encode_compressed(told)?, etag).await?)
    }

    /// Whether the namespace has spend in its window while nothing is known of having put any: a ledger that was lost,
    /// or another one with the same namespace.
    async fn withheld(&self, targets: impl Iterator<Item = &Sums>) -> Result<Option<Withheld>, MetricsError> {
        // The totals of the currencies are enough: all spend is in them.
        let prefix = told_prefix(self.namespace);
        if !self.store.list(&prefix).await?.is_empty() {
            return Ok(None);
        }
        let totals: BTreeSet<_> = targets.flat_map(BTreeMap::keys).filter(|series| series.is_total()).collect();
        let series: Vec<_> = totals.iter().map(|total| total.series()).collect();
        let sums = self.metrics.daily_sums(self.namespace, &series, window(self.now)).await?;
        let found = totals.iter().zip(&sums).filter(|(_, days)| !days.is_empty());
        let currencies: Vec<_> = found.map(|(total, _)| total.currency.clone()).collect();
        // Somebody else may have begun in between: then it is theirs.
        if currencies.is_empty() || !self.store.list(&prefix).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(Withheld::Unknown { namespace: self.namespace.to_owned(), currencies }))
    }
}

/// Whether what is known has changed.
struct IsChanged(bool);

/// What each statement is to have told, rounded so that together they are the rounded sum of them all.
fn targets(scene: &Scene) -> Result<BTreeMap<Statement, Sums>, SumOutOfRange> {
    let mut targets = BTreeMap::new();
    for (period, spent) in scene.book.periods.iter().zip(&scene.daily.periods) {
        let statement = Statement { export_id: period.export_id.clone(), period: period.period };
        targets.insert(statement, sums(spent.all(), |_| true, &scene.members)?);
    }
    // Exports share series. Each statement gets the rounded sum up to it, less the rounded sum before it: so the parts
    // add up to the rounded sum of all, which separately rounded parts would miss by a last place.
    let mut so_far: BTreeMap<(SpendSeries, NaiveDate), Decimal> = BTreeMap::new();
    for sums in targets.values_mut() {
        for (series, days) in sums {
            for (day, amount) in days {
                let exact = so_far.entry((series.clone(), *day)).or_default();
                let before = exact.round_to(PLACES);
                *exact = exact.checked_add(*amount).ok_or(SumOutOfRange)?;
                *amount = exact.round_to(PLACES).checked_sub(before).ok_or(SumOutOfRange)?;
            }
        }
    }
    Ok(targets)
}

#[cfg(test)]
mod tests;
