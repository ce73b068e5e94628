//! Metrics that add up: `Spend` as differences to what `CloudWatch` was told, gauges, and health.
//!
//! [`publish`] does all of it from what is committed. Whoever commits calls it afterwards, and the sweep calls it
//! always: it works out what is to be done, which mostly is nothing, and doing it again changes nothing.
//!
//! # How spend adds up
//!
//! `CloudWatch` keeps what it takes for ever, and AWS delivers a month again and again. So what a namespace was told is
//! kept, and only the difference to it is put. Differences commute: their order is free, and only two things matter.
//! None may be lost: they are planned in a conditional write before they are put. None may be put twice: whoever puts a
//! batch claims it first, by another conditional write, so that of two that are at work only one does. What was claimed
//! and never heard of again is in doubt, as is what `CloudWatch` gave no answer to. It counts as told from then on,
//! and is never repeated on a guess: the series is read back once nothing was put to it for long enough that
//! `CloudWatch` shows everything.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use spend_core::decimal::Decimal;
use spend_core::error_class::Class;
use spend_core::line::SumOutOfRange;
use spend_core::text;

mod cost;
pub(crate) mod health;
pub(crate) mod series;
mod settle;
mod spend;
pub(crate) mod told;

pub use cost::{PredictedCost, predict};

use crate::book::Book;
use crate::committed::{self, CommittedError};
use crate::config::Config;
use crate::document::DocumentError;
use crate::gauges;
use crate::keys::{METRIC_SERIES, Statement, hash};
use crate::outputs::{Metrics, PublishError};
use crate::store::{Put, Store, StoreError};
use series::{Limits, Members};
use spend::Spend;

/// How often a conditional write is tried again that others keep winning.
pub(crate) const ATTEMPTS: usize = 10;

/// What was published, and what was not.
#[derive(Debug, Default)]
#[must_use = "what failed is in it"]
pub struct Published {
    /// Data of `Spend` that were put.
    pub spend: usize,
    /// Gauges that were put.
    pub gauges: usize,
    /// Metrics of health that were put.
    pub health: usize,
    /// Data of `Spend` that are planned, and put by the next call.
    pub waiting: usize,
    /// Data whose fate nobody knows.
    pub in_doubt: usize,
    /// Data whose fate was found out now.
    pub settled: usize,
    /// What the ledger has and `CloudWatch` was not told because the day was outside its window, by currency.
    pub outside_window: BTreeMap<String, Decimal>,
    /// What the metrics cost, where that was worked out: nothing was to be done otherwise.
    pub cost: Option<PredictedCost>,
    /// Why `Spend` was not put, if it was withheld.
    pub withheld: Option<Withheld>,
    /// What failed. One part's failure keeps no other from being published.
    pub failures: Vec<MetricsError>,
}

/// Why `Spend` was not put: the namespace has data that this ledger does not know of, and sums would be wrong by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Nothing is known of having put any: nothing is put.
    Unknown {
        /// The namespace.
        namespace: String,
        /// The currencies of the spend that it has.
        currencies: Vec<String>,
    },
    /// What was put of some periods is not known any more: of the others it is put.
    Lost {
        /// The namespace.
        namespace: String,
        /// The objects that are gone, or were put back from a version before the last put.
        objects: Vec<String>,
    },
}

impl fmt::Display for Withheld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let other = "name another namespace (`namespace` in [metrics], on AWS the template's parameter)";
        match self {
            Self::Unknown { namespace, currencies } => write!(
                formatter,
                "the metric Spend is not put: the namespace {} has data of the last two weeks in {}, and this ledger \
                 does not know of having put them, so that sums would be wrong; {other}, or put the ledger's objects \
                 below metrics/ back",
                text::shown(namespace),
                currencies.join(", ")
            ),
            Self::Lost { namespace, objects } => write!(
                formatter,
                "the metric Spend of some months is not put: {} is gone, or older than what the namespace {} was told \
                 last, and everything would be put twice; put its newest whole version back, or {other}",
                objects.join(", "),
                text::shown(namespace)
            ),
        }
    }
}

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something committed cannot be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// What was put before cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The metrics were not taken, or not for certain.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A sum is too large to be money.
    #[error(transparent)]
    Sum(#[from] SumOutOfRange),
    /// Others kept changing the same object.
    #[error("{key} was changed by others each of {ATTEMPTS} times that it was to be written: the next run goes on")]
    Contended {
        /// The object.
        key: String,
    },
}

impl MetricsError {
    /// A stable name for logs, alarms and tests.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Sum(_) => "export.out_of_range",
            Self::Contended { .. } => "store.conflict",
        }
    }

    /// How it is to be handled.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Publish(error) => error.class(),
            Self::Sum(_) => Class::Operator,
            Self::Contended { .. } => Class::Retry,
        }
    }
}

impl Published {
    fn part<T>(&mut self, result: Result<T, MetricsError>) -> Option<T> {
        result.map_err(|error| self.failures.push(error)).ok()
    }
}

/// Publishes what follows from the committed periods as of `now`: differences of `Spend`, gauges and health. What failed
/// is in [`Published::failures`], and is done by the next call.
pub async fn publish<S: Store, M: Metrics>(store: &S, metrics: &M, config: &Config, now: DateTime<Utc>) -> Published {
    let mut published = Published::default();
    let done = publish_parts(store, metrics, config, now, &mut published).await;
    published.part(done);
    published
}

async fn publish_parts<S: Store, M: Metrics>(
    store: &S,
    metrics: &M,
    config: &Config,
    now: DateTime<Utc>,
    published: &mut Published,
) -> Result<(), MetricsError> {
    let statements = committed::newest(store, now).await?;
    if statements.is_empty() {
        return Ok(());
    }
    let spend = Spend { store, metrics, namespace: &config.metrics.namespace, now };
    let put_health = published.part(health::read(store, config).await);
    let mut told = published.part(spend.told(&statements).await);
    let lost =
        told.as_ref().map(|told| health::lost(put_health.as_ref(), config, &statements, told)).unwrap_or_default();
    if put_health.is_some() && !lost.is_empty() {
        let namespace = config.metrics.namespace.clone();
        let objects = lost.iter().map(|statement| statement.told_key(&namespace)).collect();
        published.withheld = Some(Withheld::Lost { namespace, objects });
    }
    let known: Vec<_> = statements.iter().filter(|statement| !lost.contains(statement)).cloned().collect();
    if let Some(told) = &mut told {
        told.retain(|(statement, _)| !lost.contains(statement));
    }
    if told.iter().flatten().any(|(_, told)| !told.doubts.is_empty()) {
        published.settled = published.part(spend.settle(&known).await).unwrap_or_default();
        told = published.part(spend.told(&known).await);
    }
    let states = states(store, &statements).await?;
    let before = store.get(METRIC_SERIES).await?.map(|(bytes, _)| bytes).unwrap_or_default();
    let basis = basis(config, &states, &before, now);
    let plan_due = told.as_ref().map(|told| spend.is_plan_due(told, known.len(), &basis));
    let gauges_due = published.part(gauges::is_due(store, config, now, &basis).await);
    let health_due = put_health.as_ref().map(|put| put.is_due(now, &basis));
    let mut seen = None;
    if [plan_due, gauges_due, health_due].contains(&Some(true)) {
        let book = committed::book(store, now).await?;
        let members = grow(store, config, &book).await?;
        let basis = self::basis(config, &states, &members.encoded()?, now);
        published.cost = published.part(cost::of(config, &book, &members, now));
        seen = Some((book, members, basis));
    }
    let mut is_withheld = false;
    if let (Some(true), Some((book, members, basis))) = (plan_due, &seen) {
        let planned = spend.plan(config, book, members, &known, basis).await;
        let unknown = published.part(planned).flatten();
        is_withheld = unknown.is_some();
        published.withheld = unknown.or_else(|| published.withheld.take());
    }
    let waits = told.iter().flatten().any(|(_, told)| !told.batches.is_empty());
    if !is_withheld && (plan_due == Some(true) || waits) {
        for statement in &known {
            let (count, failure) = spend.put(statement).await;
            published.spend += count;
            published.failures.extend(failure);
        }
        told = published.part(spend.told(&known).await);
    }
    let told = told.unwrap_or_default();
    for (_, told) in &told {
        published.waiting += told.waiting();
        published.in_doubt += told.doubts.len();
        for (currency, amount) in &told.outside {
            let outside = published.outside_window.entry(currency.clone()).or_default();
            *outside = outside.checked_add(*amount).ok_or(SumOutOfRange)?;
        }
    }
    let Some((book, members, basis)) = seen else { return Ok(()) };
    if gauges_due == Some(true) {
        let put = gauges::publish(store, metrics, config, (&book, &members), &basis, now).await;
        published.gauges = published.part(put).unwrap_or_default();
    }
    if health_due == Some(true) {
        let told: BTreeMap<_, _> = told.iter().map(|(statement, told)| (statement, told)).collect();
        let put = health::publish(store, metrics, config, (&book, &members, &told), &basis, now).await;
        published.health = published.part(put).unwrap_or_default();
    }
    Ok(())
}

/// The keys of the objects that say less of what `CloudWatch` was told than was told: those that are gone, or were put
/// back from an earlier version. As long as they are, `Spend` of their months is withheld.
///
/// # Errors
///
/// [`MetricsError`].
pub async fn lost<S: Store>(store: &S) -> Result<Vec<String>, MetricsError> {
    health::all_lost(store).await
}

/// The versions of the states.
async fn states<S: Store>(store: &S, statements: &[Statement]) -> Result<Vec<String>, MetricsError> {
    let mut states = Vec::new();
    for statement in statements {
        let head = store.head(&statement.state_key()).await?;
        states.push(format!("{statement} {}", head.map(|head| head.etag.0).unwrap_or_default()));
    }
    Ok(states)
}

/// What everything is made of: as long as it is the same text, so are targets and gauges.
fn basis(config: &Config, states: &[String], members: &[u8], now: DateTime<Utc>) -> String {
    let settings = config.metrics_fingerprint();
    let window = told::window(now);
    let window = format!("{} to {}", window.start(), window.end());
    let members = String::from_utf8_lossy(members);
    let mut parts = vec![settings.as_str(), &window, &members];
    parts.extend(states.iter().map(String::as_str));
    hash(&parts)
}

/// Lets members join, and keeps them.
async fn grow<S: Store>(store: &S, config: &Config, book: &Book) -> Result<Members, MetricsError> {
    let limits = limits(config, book);
    for _ in 0..ATTEMPTS {
        let before = store.get(METRIC_SERIES).await?;
        let mut members = Members::read(before.as_ref().map(|(bytes, _)| bytes))?;
        members.grow(book, config, limits)?;
        let bytes = members.encoded()?;
        let put = match before {
            Some((before, _)) if before == bytes => return Ok(members),
            Some((_, etag)) => store.put_if_match(METRIC_SERIES, bytes, &etag).await?,
            None => store.put_if_absent(METRIC_SERIES, bytes).await?,
        };
        if let Put::Written(_) = put {
            return Ok(members);
        }
    }
    Err(MetricsError::Contended { key: METRIC_SERIES.to_owned() })
}

/// How many members dimensions may have, with the exports and currencies that there are.
pub(crate) fn limits(config: &Config, book: &Book) -> Limits {
    Limits::of(config, exports(book).len(), currencies(book).len())
}

fn exports(book: &Book) -> std::collections::BTreeSet<&str> {
    book.periods.iter().map(|period| period.export_id.as_str()).collect()
}

fn currencies(book: &Book) -> std::collections::BTreeSet<&str> {
    book.facts().map(|fact| fact.key.get(spend_core::fact::FactField::Currency)).collect()
}
