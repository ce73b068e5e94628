//! Differences of `Spend`: planned before they are put, claimed by whoever puts them, and marked after.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use spend_core::decimal::Decimal;
use spend_core::line::SumOutOfRange;

use super::series::{Axis, Members, SpendSeries, Sums, sums};
use super::told::{Fate, PLACES, Told, window};
use super::{ATTEMPTS, MetricsError, Withheld};
use crate::book::Book;
use crate::config::Config;
use crate::document::{decode_compressed, encode_compressed};
use crate::keys::{Statement, told_prefix};
use crate::outputs::{Metrics, PublishError};
use crate::store::{ETag, Put, Store};

/// What the work on `Spend` needs.
pub(super) struct Spend<'a, S, M> {
    pub(super) store: &'a S,
    pub(super) metrics: &'a M,
    pub(super) namespace: &'a str,
    pub(super) now: DateTime<Utc>,
}

impl<S: Store, M: Metrics> Spend<'_, S, M> {
    /// What the namespace was told of a statement.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Option<(Told, ETag)>, MetricsError> {
        let key = statement.told_key(self.namespace);
        let Some((bytes, etag)) = self.store.get(&key).await? else { return Ok(None) };
        Ok(Some((decode_compressed(&key, &bytes)?, etag)))
    }

    /// What it was told of each, as far as it was told anything.
    pub(super) async fn told(&self, statements: &[Statement]) -> Result<Vec<(Statement, Told)>, MetricsError> {
        let mut all = Vec::new();
        for statement in statements {
            all.extend(self.read(statement).await?.map(|(told, _)| (statement.clone(), told)));
        }
        Ok(all)
    }

    /// Whether what was told of so many statements is not what follows from `basis`.
    pub(super) fn is_plan_due(&self, told: &[(Statement, Told)], statements: usize, basis: &str) -> bool {
        let window = window(self.now);
        told.len() < statements || told.iter().any(|(_, told)| told.planned_for != basis || told.is_stale(&window))
    }

    /// Plans the differences of the statements of which it is `known` what was told, unless the namespace has data that
    /// nobody here has put.
    pub(super) async fn plan(
        &self,
        config: &Config,
        book: &Book,
        members: &Members,
        known: &[Statement],
        basis: &str,
    ) -> Result<Option<Withheld>, MetricsError> {
        let targets = targets(config, book, members)?;
        if let Some(withheld) = self.withheld(targets.values()).await? {
            return Ok(Some(withheld));
        }
        let axes = Axis::all(config);
        let concerns = |series: &SpendSeries| match &series.of {
            None => true,
            Some((name, _)) => axes.iter().any(|axis| axis.name == *name),
        };
        let window = window(self.now);
        for (statement, targets) in targets.iter().filter(|(statement, _)| known.contains(statement)) {
            let plan = |told: &mut Told| {
                if told.planned_for == basis && !told.is_stale(&window) {
                    return Ok(None);
                }
                told.plan(targets, concerns, &window)?;
                basis.clone_into(&mut told.planned_for);
                Ok(Some(()))
            };
            self.change(statement, plan).await?;
        }
        Ok(None)
    }

    /// Puts what is planned for a statement, batch by batch: how many data, and what went wrong. After a failure it goes
    /// on with the next call, not with the next batch: what kept one from being put keeps the next.
    pub(super) async fn put(&self, statement: &Statement) -> (usize, Option<MetricsError>) {
        let mut count = 0;
        loop {
            match self.put_one(statement).await {
                Ok(0) => return (count, None),
                Ok(more) => count += more,
                Err(error) => return (count, Some(error)),
            }
        }
    }

    async fn put_one(&self, statement: &Statement) -> Result<usize, MetricsError> {
        let window = window(self.now);
        let claim = |told: &mut Told| {
            let orphans = told.orphans(self.now);
            for orphan in &orphans {
                told.learn(orphan, Fate::InDoubt)?;
            }
            let claimed = told.claim(&window, self.now);
            Ok((claimed.is_some() || !orphans.is_empty()).then_some(claimed))
        };
        let Some(batch) = self.change(statement, claim).await?.flatten() else { return Ok(0) };
        let data = batch.data();
        let outcome = self.metrics.put(self.namespace, &data).await;
        let fate = match &outcome {
            Ok(()) => Fate::Landed,
            Err(PublishError::Refused { .. } | PublishError::NotSent { .. }) => Fate::NotPut,
            Err(PublishError::InDoubt { .. } | PublishError::NotRead { .. }) => Fate::InDoubt,
        };
        self.change(statement, |told| told.learn(&batch, fate).map(Some)).await?;
        outcome?;
        Ok(data.len())
    }

    /// Changes what is known of a statement, by a conditional write, unless `change` says that nothing is to be.
    async fn change<T>(
        &self,
        statement: &Statement,
        mut change: impl FnMut(&mut Told) -> Result<Option<T>, SumOutOfRange>,
    ) -> Result<Option<T>, MetricsError> {
        let key = statement.told_key(self.namespace);
        for _ in 0..ATTEMPTS {
            let before = self.read(statement).await?;
            let (mut told, etag) = match before {
                Some((told, etag)) => (told, Some(etag)),
                None => (Told::nothing(self.namespace, statement), None),
            };
            let Some(changed) = change(&mut told)? else { return Ok(None) };
            if let Put::Written(_) = self.write(&key, &told, etag.as_ref()).await? {
                return Ok(Some(changed));
            }
        }
        Err(MetricsError::Contended { key })
    }

    pub(super) async fn write(&self, key: &str, told: &Told, etag: Option<&ETag>) -> Result<Put, MetricsError> {
        let bytes = encode_compressed(told)?;
        Ok(match etag {
            None => self.store.put_if_absent(key, bytes).await?,
            Some(etag) => self.store.put_if_match(key, bytes, etag).await?,
        })
    }

    /// Whether the namespace has spend in its window while nothing is known of having put any: a ledger that was lost,
    /// or another one with the same namespace.
    async fn withheld(&self, targets: impl Iterator<Item = &Sums>) -> Result<Option<Withheld>, MetricsError> {
        let prefix = told_prefix(self.namespace);
        if !self.store.list(&prefix).await?.is_empty() {
            return Ok(None);
        }
        let totals: std::collections::BTreeSet<_> =
            targets.flat_map(BTreeMap::keys).filter(|series| series.is_total()).collect();
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

/// What each statement is to have told, rounded so that together they are the rounded sum of them all.
fn targets(config: &Config, book: &Book, members: &Members) -> Result<BTreeMap<Statement, Sums>, SumOutOfRange> {
    let mut targets = BTreeMap::new();
    for period in &book.periods {
        let statement = Statement { export_id: period.export_id.clone(), period: period.period };
        targets.insert(statement, sums(&period.facts.iter(), config, members)?);
    }
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
