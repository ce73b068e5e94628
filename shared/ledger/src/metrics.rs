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
//!
//! # Who works at the same time
//!
//! Each part has a stored state: what was told of each statement, who has a series, the gauges, health. All of it is read
//! before the configuration and the book, and is replaced only if it is still what was read, so that a slower process
//! with an older book undoes nothing: see [`crate::state::basis`]. A batch is claimed only while there is time for its put.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use spend_core::errors::class::Class;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::text;

mod cost;
pub(crate) mod gauges;
pub(crate) mod health;
mod price;
pub(crate) mod series;
mod settle;
mod spend;
pub(crate) mod told;

pub use cost::{PredictedCost, predict};
pub(crate) use told::CLAIM_LIVES;

use crate::config::Config;
use crate::config::in_force::{Configured, InForceError};
use crate::outputs::{Datum, Metrics, PUT_TAKES, PublishError, batches};
use crate::state::basis::{Basis, SetBack};
use crate::state::book::Book;
use crate::state::committed::{self, CommittedError, Versions};
use crate::state::document::DocumentError;
use crate::state::keys::{CONFIG_IN_FORCE, METRIC_SERIES, STATE_PREFIX, Statement, gauges_key, hash};
use crate::store::{ETag, Put, Store, StoreError};
use series::{Limits, Members};
use spend::{AllTold, Planned, Spend};

/// How often a conditional write is tried again that others keep winning.
pub(crate) const ATTEMPTS: usize = 10;

/// How much time is kept for writing down what became of a put.
const RESERVE: Duration = Duration::from_secs(10);

/// The least time in which [`publish`] puts something: with less it plans, and leaves the rest to the next call.
pub const TIME_TO_PUT: Duration = PUT_TAKES.saturating_add(RESERVE);

/// Whether there is time for a put.
fn has_time(time_left: &impl Fn() -> Duration) -> bool {
    time_left() >= TIME_TO_PUT
}

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
    /// Data that were not put for lack of time: the next call puts them.
    pub left: usize,
    /// Data that were refused, and are tried again by the next call, after all others.
    pub refused: usize,
    /// Statements that were put back to an earlier version since something was planned from them.
    pub set_back: Vec<SetBack>,
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
        namespace: String,
        /// The currencies of the spend that it has.
        currencies: Vec<String>,
    },
    /// What was put of some periods is not known any more: of the others it is put.
    Lost {
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
    /// There is no configuration to go by.
    #[error(transparent)]
    Config(#[from] InForceError),
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
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Sum(_) => "export.out_of_range",
            Self::Contended { .. } => "store.conflict",
        }
    }

    /// How it is to be handled.
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Config(error) => error.class(),
            Self::Publish(error) => error.class(),
            Self::Sum(_) => Class::Operator,
            Self::Contended { .. } => Class::Retry,
        }
    }
}

impl Published {
    fn part<T>(&mut self, result: Result<T, MetricsError>) -> Option<T> {
        result.map_err(|error| self.failed(error)).ok()
    }

    /// Once, however many parts it keeps from being published.
    fn failed(&mut self, error: MetricsError) {
        let text = error.to_string();
        if !self.failures.iter().any(|known| known.to_string() == text) {
            self.failures.push(error);
        }
    }
}

/// Publishes what follows from the committed periods as of `now`: differences of `Spend`, gauges and health. What failed
/// is in [`Published::failures`], and is done by the next call. It claims and puts nothing that `time_left` is too short
/// for.
pub async fn publish<S: Store, M: Metrics, C: Configured>(
    store: &S,
    metrics: &M,
    configured: &C,
    now: DateTime<Utc>,
    time_left: impl Fn() -> Duration,
) -> Published {
    let (published, book, missing) = (Published::default(), None, Vec::new());
    let mut call = Publisher { store, metrics, configured, now, time_left, published, book, missing };
    let done = call.publish().await;
    call.published.part(done);
    call.published
}

/// The keys of the objects that say less of what `CloudWatch` was told than was told: those that are gone, or were put
/// back from an earlier version. As long as they are, `Spend` of their months is withheld.
pub async fn lost<S: Store>(store: &S) -> Result<Vec<String>, MetricsError> {
    health::all_lost(store).await
}

/// One call of [`publish`].
struct Publisher<'a, S, M, C, T> {
    store: &'a S,
    metrics: &'a M,
    configured: &'a C,
    now: DateTime<Utc>,
    time_left: T,
    published: Published,
    /// The book as it was read last.
    book: Option<(Arc<Book>, Versions)>,
    /// The commits that it lacked.
    missing: Vec<SetBack>,
}

/// What is stored of all parts, read before what is planned from.
struct Look {
    config: Config,
    /// What was told of the statements of which it is known.
    told: Result<AllTold, MetricsError>,
    /// Those of which it is not known any more: nothing of them is planned or put.
    lost: Vec<Statement>,
    series: Option<(Bytes, ETag)>,
    gauges: Result<Option<gauges::Kept>, MetricsError>,
    health: Result<health::Kept, MetricsError>,
    /// The versions of the states, read last.
    versions: Versions,
    /// What is planned from, once it was read.
    scene: Option<Arc<Scene>>,
}

/// What is planned from.
pub(crate) struct Scene {
    pub(crate) book: Arc<Book>,
    pub(crate) members: Members,
    pub(crate) basis: Basis,
    /// As long as it is the same text, so are targets and gauges.
    pub(crate) made_of: String,
}

/// What became of a try.
enum Tried {
    Done,
    /// Others have changed this object, or what is planned from: all is to be read again.
    Lost(String),
}

impl<S: Store, M: Metrics, C: Configured, T: Fn() -> Duration> Publisher<'_, S, M, C, T> {
    async fn publish(&mut self) -> Result<(), MetricsError> {
        let Some(mut look) = self.look().await? else { return Ok(()) };
        let is_doubt = |told: &AllTold| told.values().flatten().any(|(told, _)| !told.doubts.is_empty());
        if look.told.as_ref().is_ok_and(is_doubt) && has_time(&self.time_left) {
            let statements: Vec<_> = look.told.iter().flat_map(BTreeMap::keys).cloned().collect();
            let settled = self.spend(&look.config).settle(&statements).await;
            self.published.settled = self.published.part(settled).unwrap_or_default();
            let Some(again) = self.look().await? else { return Ok(()) };
            look = again;
        }
        let is_readable = look.told.is_ok();
        let planned = self.again_if_lost(&mut look, Self::plan).await;
        self.published.part(planned);
        let told = if is_readable { self.put_spend(&look).await } else { Ok(AllTold::new()) };
        let told = self.published.part(told).unwrap_or_default();
        let put = self.again_if_lost(&mut look, Self::put_gauges).await;
        self.published.part(put);
        let put = self.again_if_lost(&mut look, async |publisher, look| publisher.put_health(look, &told).await).await;
        self.published.part(put);
        Ok(())
    }

    fn spend<'b>(&'b self, config: &'b Config) -> Spend<'b, S, M> {
        Spend { store: self.store, metrics: self.metrics, namespace: &config.metrics.namespace, now: self.now }
    }

    /// Reads all that is stored, and the versions of the book after it. Nothing, as long as nothing is committed.
    async fn look(&self) -> Result<Option<Look>, MetricsError> {
        let config = self.configured.config().await?;
        let statements = committed::newest(self.store, self.now).await?;
        if statements.is_empty() {
            return Ok(None);
        }
        let namespace = &config.metrics.namespace;
        // Before what was told, which only grows: less of it than health knows of is no race, but lost.
        let health = health::read(self.store, namespace).await;
        let mut told = self.spend(&config).told(&statements).await;
        let lost = told.as_ref().map(|told| health::lost(health.as_ref().ok(), namespace, told)).unwrap_or_default();
        if let Ok(told) = &mut told {
            told.retain(|statement, _| !lost.contains(statement));
        }
        let series = self.store.get(METRIC_SERIES).await?;
        let gauges = gauges::read(self.store, namespace).await;
        let versions = committed::versions(self.store, &statements).await?;
        Ok(Some(Look { config, told, lost, series, gauges, health, versions, scene: None }))
    }

    /// Does a part, and all of it again with everything read anew as long as others are faster.
    async fn again_if_lost(
        &mut self,
        look: &mut Look,
        part: impl AsyncFn(&mut Self, &mut Look) -> Result<Tried, MetricsError>,
    ) -> Result<(), MetricsError> {
        let mut lost = String::new();
        for _ in 0..ATTEMPTS {
            match part(self, look).await? {
                Tried::Done => return Ok(()),
                Tried::Lost(key) => lost = key,
            }
            let Some(again) = self.look().await? else { return Ok(()) };
            *look = again;
        }
        Err(MetricsError::Contended { key: lost })
    }

    /// What is planned from, if it is no older than what was stored when the look was taken.
    async fn scene(&mut self, look: &mut Look) -> Result<Result<Arc<Scene>, String>, MetricsError> {
        if let Some(scene) = &look.scene {
            return Ok(Ok(Arc::clone(scene)));
        }
        // The first reading said where to look. This one comes after it.
        let configuration = fingerprint(&self.configured.config().await?);
        if configuration != fingerprint(&look.config) {
            return Ok(Err(CONFIG_IN_FORCE.to_owned()));
        }
        let kept = self.book.take().filter(|(_, versions)| *versions == look.versions);
        let (book, versions) = if let Some(kept) = kept {
            kept
        } else {
            let (book, versions) = committed::book_and_versions(self.store, self.now).await?;
            (Arc::new(book), versions)
        };
        self.book = Some((Arc::clone(&book), versions.clone()));
        if versions != look.versions {
            return Ok(Err(STATE_PREFIX.to_owned()));
        }
        let mut members = Members::read(look.series.as_ref().map(|(bytes, _)| bytes))?;
        let missing = look.missing_from(&members, &book, self.now);
        if let Some(first) = missing.first().filter(|_| missing != self.missing) {
            let key = first.statement.state_key();
            self.missing = missing;
            return Ok(Err(key));
        }
        members.grow(&book, &look.config, limits(&look.config, &book))?;
        members.from = Basis::of(&book, &configuration);
        let bytes = members.encoded()?;
        let written = match &look.series {
            Some((found, etag)) if *found == bytes => Put::Written(etag.clone()),
            Some((_, etag)) => self.store.put_if_match(METRIC_SERIES, bytes.clone(), etag).await?,
            None => self.store.put_if_absent(METRIC_SERIES, bytes.clone()).await?,
        };
        let Put::Written(etag) = written else { return Ok(Err(METRIC_SERIES.to_owned())) };
        for set_back in missing {
            if !self.published.set_back.contains(&set_back) {
                self.published.set_back.push(set_back);
            }
        }
        if self.published.cost.is_none() {
            let cost = cost::of(&look.config, &book, &members, self.now);
            self.published.cost = self.published.part(cost);
        }
        look.series = Some((bytes, etag));
        let scene = Scene { basis: members.from.clone(), made_of: look.made_of(self.now), book, members };
        Ok(Ok(Arc::clone(look.scene.insert(Arc::new(scene)))))
    }

    /// Plans the differences of `Spend`.
    async fn plan(&mut self, look: &mut Look) -> Result<Tried, MetricsError> {
        self.published.withheld = look.withheld();
        let made_of = look.made_of(self.now);
        if look.told.as_ref().is_ok_and(|told| !self.spend(&look.config).is_plan_due(told, &made_of)) {
            return Ok(Tried::Done);
        }
        let scene = match self.scene(look).await? {
            Ok(scene) => scene,
            Err(key) => return Ok(Tried::Lost(key)),
        };
        let told = mem::replace(&mut look.told, Ok(AllTold::new()))?;
        match self.spend(&look.config).plan(&look.config, &scene, told).await? {
            Planned::Done => {}
            Planned::Lost(key) => return Ok(Tried::Lost(key)),
            Planned::Withheld(withheld) => self.published.withheld = Some(withheld),
        }
        Ok(Tried::Done)
    }

    /// Puts what is planned, and says what was told by then.
    async fn put_spend(&mut self, look: &Look) -> Result<AllTold, MetricsError> {
        let statements = look.known();
        let mut told = self.spend(&look.config).told(&statements).await?;
        let waits = |told: &AllTold| told.values().flatten().any(|(told, _)| !told.batches.is_empty());
        let is_unknown = matches!(self.published.withheld, Some(Withheld::Unknown { .. }));
        if !is_unknown && waits(&told) {
            for statement in &statements {
                let done = self.spend(&look.config).put(statement, &self.time_left).await;
                self.published.spend += done.put;
                self.published.refused += done.refused;
                self.published.left += done.left;
                done.failures.into_iter().for_each(|error| self.published.failed(error));
            }
            told = self.spend(&look.config).told(&statements).await?;
        }
        for (told, _) in told.values().flatten() {
            self.published.waiting += told.waiting();
            self.published.in_doubt += told.doubts.len();
            for (currency, amount) in &told.outside {
                let outside = self.published.outside_window.entry(currency.clone()).or_default();
                *outside = outside.checked_add(*amount).ok_or(SumOutOfRange)?;
            }
        }
        Ok(told)
    }

    async fn put_gauges(&mut self, look: &mut Look) -> Result<Tried, MetricsError> {
        let made_of = look.made_of(self.now);
        if look.gauges.as_ref().is_ok_and(|kept| !gauges::is_due(kept.as_ref(), &made_of, self.now)) {
            return Ok(Tried::Done);
        }
        let scene = match self.scene(look).await? {
            Ok(scene) => scene,
            Err(key) => return Ok(Tried::Lost(key)),
        };
        let kept = mem::replace(&mut look.gauges, Ok(None))?;
        let Some((data, announced)) = gauges::announce(self.store, &look.config, kept, &scene, self.now).await? else {
            return Ok(Tried::Lost(gauges_key(&look.config.metrics.namespace)));
        };
        if self.put_all(&look.config, &data).await? {
            announced.was_put(self.store, &scene.made_of).await?;
            self.published.gauges = data.len();
        }
        Ok(Tried::Done)
    }

    async fn put_health(&mut self, look: &mut Look, told: &AllTold) -> Result<Tried, MetricsError> {
        let made_of = look.made_of(self.now);
        let is_put = |kept: &health::Kept| kept.as_ref().is_some_and(|(put, _)| !put.is_due(&made_of, self.now));
        if look.health.as_ref().is_ok_and(is_put) {
            return Ok(Tried::Done);
        }
        let scene = match self.scene(look).await? {
            Ok(scene) => scene,
            Err(key) => return Ok(Tried::Lost(key)),
        };
        let kept = mem::replace(&mut look.health, Ok(None))?;
        let data = health::data(self.store, &look.config, (&scene, told), self.now).await?;
        if self.put_all(&look.config, &data).await? {
            health::was_put(self.store, &look.config.metrics.namespace, kept, (&scene, told), self.now).await?;
            self.published.health = data.len();
        }
        Ok(Tried::Done)
    }

    /// Puts gauges, as long as there is time: whether all of them were taken. What is refused keeps no other from being
    /// put; as long as something is, the next call puts them again.
    async fn put_all(&mut self, config: &Config, data: &[Datum]) -> Result<bool, MetricsError> {
        let mut refused = None;
        let mut rest = data.len();
        for data in batches(data) {
            if !has_time(&self.time_left) {
                self.published.left += rest;
                return Ok(false);
            }
            rest -= data.len();
            match self.metrics.put(&config.metrics.namespace, data).await {
                Err(error @ PublishError::Refused { .. }) => {
                    self.published.refused += data.len();
                    refused.get_or_insert(error);
                }
                put => put?,
            }
        }
        refused.map_or(Ok(true), |error| Err(error.into()))
    }
}

impl Look {
    /// The statements of which it is known what was told.
    fn known(&self) -> Vec<Statement> {
        self.versions.keys().filter(|statement| !self.lost.contains(statement)).cloned().collect()
    }

    /// Why `Spend` of some statements is not put. Where health cannot be read, that is the failure to be told of.
    fn withheld(&self) -> Option<Withheld> {
        if self.lost.is_empty() || self.health.is_err() {
            return None;
        }
        let namespace = self.config.metrics.namespace.clone();
        let objects = self.lost.iter().map(|statement| statement.told_key(&namespace)).collect();
        Some(Withheld::Lost { namespace, objects })
    }

    /// What everything is made of, see [`Scene::made_of`].
    fn made_of(&self, now: DateTime<Utc>) -> String {
        let window = told::window(now);
        let window = format!("{} to {}", window.start(), window.end());
        let members = self.series.as_ref().map(|(bytes, _)| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let versions: Vec<_> = self.versions.iter().map(|(statement, etag)| format!("{statement} {etag}")).collect();
        let configuration = fingerprint(&self.config);
        let mut parts = vec![configuration.as_str(), &window, &members];
        parts.extend(versions.iter().map(String::as_str));
        hash(&parts)
    }

    /// The commits that something stored was made from and the book lacks.
    fn missing_from(&self, members: &Members, book: &Book, now: DateTime<Utc>) -> Vec<SetBack> {
        let told = self.told.iter().flat_map(BTreeMap::values).flatten().map(|(told, _)| &told.from);
        let gauges = self.gauges.iter().flatten().map(gauges::Kept::from);
        let health = self.health.iter().flatten().map(|(put, _)| &put.from);
        let mut missing = Vec::new();
        for basis in told.chain([&members.from]).chain(gauges).chain(health) {
            for set_back in basis.missing_from(book, now) {
                if !missing.contains(&set_back) {
                    missing.push(set_back);
                }
            }
        }
        missing
    }
}

/// What metrics need of a configuration.
fn fingerprint(config: &Config) -> String {
    hash(&[&config.metrics_fingerprint()])
}

/// How many members dimensions may have, with the exports and currencies that there are.
pub(crate) fn limits(config: &Config, book: &Book) -> Limits {
    Limits::of(config, exports(book).len(), currencies(book).len())
}

fn exports(book: &Book) -> std::collections::BTreeSet<&str> {
    book.periods.iter().map(|period| period.export_id.as_str()).collect()
}

fn currencies(book: &Book) -> std::collections::BTreeSet<&str> {
    book.facts().map(|fact| fact.key.get(spend_core::facts::fact::FactField::Currency)).collect()
}
