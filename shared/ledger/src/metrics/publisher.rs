//! One call of [`publish`]: reads everything, plans, puts, and reads again what others have changed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use spend_core::money::decimal::SumOutOfRange;

use crate::config::Config;
use crate::config::in_force::Configured;
use crate::metrics::daily::Daily;
use crate::metrics::error::MetricsError;
use crate::metrics::published::{Published, Withheld};
use crate::metrics::scene::Scene;
use crate::metrics::series::{Members, limits};
use crate::metrics::spend::{AllTold, Planned, Spend};
use crate::metrics::timing::has_time;
use crate::metrics::{cost, gauges, health};
use crate::outputs::{Datum, Metrics, PublishError, batches};
use crate::state::basis::{Basis, SetBack};
use crate::state::book::Book;
use crate::state::committed::{self, Versions};
use crate::state::keys::{CONFIG_IN_FORCE, METRIC_SERIES, STATE_PREFIX, Statement, gauges_key, hash};
use crate::store::conditional::{ATTEMPTS, put_over};
use crate::store::{ETag, Put, Store};

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
    Box::pin(publish_of(store, metrics, configured, None, now, time_left)).await
}

/// As [`publish`], with a book that was read before and the versions of its states: as long as these are the versions that
/// there are, the book is not read again.
pub async fn publish_of<S: Store, M: Metrics, C: Configured>(
    store: &S,
    metrics: &M,
    configured: &C,
    book: Option<(Arc<Book>, Versions)>,
    now: DateTime<Utc>,
    time_left: impl Fn() -> Duration,
) -> Published {
    let (published, missing) = (Published::default(), Vec::new());
    let mut call = Publisher { store, metrics, configured, now, time_left, published, book, missing };
    let done = call.publish().await;
    call.published.part(done);
    call.published
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
        let seen = gauges::seen(told.values().flatten().map(|(told, _)| told), self.now);
        let put = self.again_if_lost(&mut look, async |publisher, look| publisher.put_gauges(look, &seen).await).await;
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
        let lost =
            told.as_ref().map(|told| health::lost_among(health.as_ref().ok(), namespace, told)).unwrap_or_default();
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
            // Reading everything anew may take as long as a put: what is left of the time is for what comes next.
            if !has_time(&self.time_left) {
                break;
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
        let daily = Daily::of(&book, &look.config)?;
        members.grow(&book, &daily, limits(&look.config, &book))?;
        members.from = Basis::of(&book, &configuration);
        let bytes = members.encoded()?;
        let written = match &look.series {
            Some((found, etag)) if *found == bytes => Put::Written(etag.clone()),
            found => put_over(self.store, METRIC_SERIES, bytes.clone(), found.as_ref().map(|(_, etag)| etag)).await?,
        };
        let Put::Written(etag) = written else { return Ok(Err(METRIC_SERIES.to_owned())) };
        for set_back in missing {
            if !self.published.set_back.contains(&set_back) {
                self.published.set_back.push(set_back);
            }
        }
        if self.published.cost.is_none() {
            let cost = cost::of(&look.config, (&book, &daily, &members), self.now);
            self.published.cost = self.published.part(cost);
        }
        look.series = Some((bytes, etag));
        let scene = Scene { basis: members.from.clone(), made_of: look.made_of(self.now), book, daily, members };
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
        if waits(&told) {
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

    async fn put_gauges(&mut self, look: &mut Look, seen: &BTreeSet<String>) -> Result<Tried, MetricsError> {
        let made_of = look.made_of(self.now);
        if look.gauges.as_ref().is_ok_and(|kept| !gauges::is_due(kept.as_ref(), &made_of, self.now)) {
            return Ok(Tried::Done);
        }
        let scene = match self.scene(look).await? {
            Ok(scene) => scene,
            Err(key) => return Ok(Tried::Lost(key)),
        };
        let kept = mem::replace(&mut look.gauges, Ok(None))?;
        let announced = gauges::announce(self.store, &look.config, kept, (&scene, seen), self.now);
        let Some((data, announced)) = announced.await? else {
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
        let window = crate::metrics::timing::window(now);
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

#[cfg(test)]
mod tests;
