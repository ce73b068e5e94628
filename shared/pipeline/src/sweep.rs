//! The sweep: what no event has told of, or what an event could not finish, found by looking and driven to its end.
//!
//! [`Sweep::deliveries`] looks at the export's bucket, [`ready()`] at the deliveries that are ready. Both remember what
//! they have nothing left to do for, so that a sweep which finds nothing new costs a few listings and one small read;
//! forgetting it costs time alone. They believe what they find: what is gone from the ledger, or was put back from an
//! earlier version, is looked at again. Both work until shortly before the time that they are given is over, and go on the
//! next time: the same steps are the backfill of the first day.
//!
//! One bad file must not stop the others. So an attempt is written down before it begins ([`trial`]); what an attempt did
//! not return from, or failed with, comes last in the next sweep, with growing pauses; and the newest delivery of each
//! export comes first.

mod attempts;
mod backfill;
mod introduction;
mod queue;
mod ready;
pub(crate) mod state;
pub(crate) mod trial;
mod unusual;

use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use spend_core::bill::line::KeptTags;
use spend_core::calendar::period::BillingPeriod;
use spend_core::errors::class::Class;
use spend_core::messages::operations::deployed::Place;
use spend_core::messages::operations::incomplete::Incomplete;
use spend_core::messages::operations::unverified::Unverified;
use spend_cur::delivery::layout::ExportPath;
use spend_ledger::config::Counting;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{ObjectSummary, Store};

use crate::error::PipelineError;
use crate::ingest::{self, FileTimes, ManifestLocation, Quiet, Seal};
use crate::inventory::{Found, Inventory};
use crate::sweep::attempts::Attempt;
use crate::sweep::backfill::Progress;
use crate::sweep::queue::newest_ready;
pub use crate::sweep::ready::{Counted, not_counted, ready};
use crate::sweep::state::{Remembered, SweptDeliveries};
pub use crate::sweep::unusual::unusual;

/// How much of the time is kept for writing down what was done.
const RESERVE: Duration = Duration::from_secs(20);

/// How many chunks are read at once: enough to wait for none of them, few enough to fit in a small function's memory.
const CHUNKS_AT_ONCE: usize = 4;

/// How long nothing of a delivery must have come before it is taken, where nothing says that it is whole: without a
/// manifest, and in a copy.
const QUIET: TimeDelta = TimeDelta::hours(1);

/// How long nothing of a delivery must have come before operations is told that files of its own are missing, and before
/// an earlier delivery's are taken for them.
const PATIENCE: TimeDelta = TimeDelta::hours(2);

/// How many deliveries that a person must mend one sweep tells of.
const MOST_TROUBLES: usize = 100;

/// What is swept, and with what.
#[derive(Debug)]
pub struct Sweep<'a, E, L> {
    /// The export's bucket.
    pub export: &'a Arc<E>,
    pub ledger: &'a L,
    /// The name of the export's bucket, and what the keys start with.
    pub place: Place<'a>,
    /// What the times of its files are worth.
    pub times: FileTimes,
    /// The tags that reductions keep.
    pub kept: &'a KeptTags,
    /// Which exports count: others are not read.
    pub counting: &'a Counting,
    pub now: DateTime<Utc>,
}

/// What a sweep of the export's bucket came to, in deliveries.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many are there.
    pub found: usize,
    /// How many had nothing left to do.
    pub known: usize,
    /// How many were found or made ready.
    pub ready: usize,
    /// How many wait for files, or until the bucket is quiet.
    pub waiting: usize,
    /// How many lacked files for so long that operations was told.
    pub incomplete: usize,
    /// How many there was no time for: the next sweep goes on with them.
    pub left: usize,
    /// How many are paused, because no attempt at them has come to an end.
    pub paused: usize,
    /// How many are of months that have not begun, and are not read.
    pub early: usize,
    /// How many are of exports that do not count, and are not read.
    pub uncounted: usize,
    /// What a person must mend, which operations was told.
    pub troubles: Vec<PipelineError>,
    /// What may succeed if it is done again.
    pub failures: Vec<PipelineError>,
}

/// A delivery as the listing shows it.
struct Standing {
    /// Equal as long as nothing that its outcome depends on is another.
    fingerprint: String,
    /// When the last of its files was written.
    written: DateTime<Utc>,
}

/// What a delivery came to.
enum Delivered {
    /// By the object that says so.
    Ready(String),
    Waiting,
    Incomplete(Vec<String>),
}

impl<E, L> Sweep<'_, E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// Drives every delivery in the bucket until it is ready, tells operations of what a person must mend, and, the
    /// first time, of what was found. One delivery's failure keeps no other from being driven, and neither does one that
    /// this sweep dies of: the next sweep tries it last.
    ///
    /// `time_left` is asked again and again; what is under way when it says that the time is over is dropped, which is
    /// harmless.
    ///
    /// # Errors
    ///
    /// [`PipelineError`], if the bucket cannot be listed, or the sweep's own state or a note cannot be written.
    pub async fn deliveries(&self, time_left: impl Fn() -> Duration) -> Result<Swept, PipelineError> {
        let whole = time_left();
        let objects = self.export.list(self.place.prefix).await?;
        let inventory = Inventory::of(&objects);
        let mut remembered = state::read::<SweptDeliveries, L>(self.ledger).await?;
        let mut swept = Swept { found: inventory.deliveries.len(), ..Swept::default() };
        let to_introduce = self.to_introduce(&inventory, &mut remembered).await?;
        let standings = self.standings(&inventory, &objects);
        let SweptDeliveries { done, waiting, trials, .. } = &mut remembered.document;
        done.retain(|name, _| standings.contains_key(name));
        waiting.retain(|name, _| standings.contains_key(name));
        trials.retain(|name, trial| standings.get(name).is_some_and(|standing| trial.is_of(&standing.fingerprint)));
        self.forget_what_is_gone(&mut remembered.document).await?;
        let uncounted = self.tell_uncounted(&inventory).await?;
        let mut queue = self.queue(&inventory, &standings, &remembered.document, &uncounted, &mut swept);
        let mut progress = Progress::begin(self.ledger, queue.len() + swept.paused, self.now).await?;
        self.tell_stuck(&inventory, &mut remembered).await?;
        if let Some(introduction) = to_introduce {
            // The newest numbers first, but not so long that nobody is told of anything.
            let backfill = queue.split_off(queue.partition_point(|candidate| candidate.is_first));
            let has_time = || time_left() > RESERVE.max(whole / 2);
            queue = self.drive(queue, &mut remembered, &mut swept, (&has_time, &time_left)).await?;
            queue.extend(backfill);
            if queue.is_empty() {
                // A sweep that remembers all does not look at the backfill again, and what it remembers is written next.
                self.end(progress.take(), &inventory, &remembered, &swept).await?;
            }
            self.introduce(introduction, &inventory, &mut remembered, &mut swept, &time_left).await?;
        }
        let has_time = || time_left() > RESERVE;
        swept.left = self.drive(queue, &mut remembered, &mut swept, (&has_time, &time_left)).await?.len();
        self.end(progress, &inventory, &remembered, &swept).await?;
        self.tell_left(&mut remembered, &swept).await?;
        remembered.save(self.ledger).await?;
        Ok(swept)
    }

    /// Writes down how far the first sweep has come, if this is one.
    async fn end(
        &self,
        progress: Option<Progress>,
        inventory: &Inventory,
        remembered: &Remembered<SweptDeliveries>,
        swept: &Swept,
    ) -> Result<(), PipelineError> {
        let Some(progress) = progress else { return Ok(()) };
        let unfinished = swept.waiting + swept.failures.len() + swept.paused;
        let newest = newest_ready(inventory, &remembered.document);
        progress.end(self.ledger, newest, (swept.left, unfinished), self.now).await
    }

    /// The exports that do not count. Operations is told of each once.
    async fn tell_uncounted(&self, inventory: &Inventory) -> Result<BTreeSet<String>, PipelineError> {
        if *self.counting == Counting::default() {
            return Ok(BTreeSet::new());
        }
        let statements = inventory.deliveries.iter().filter_map(Found::statement);
        let exports: BTreeSet<_> = statements.map(|statement| statement.export_id).collect();
        let uncounted: BTreeSet<_> =
            exports.into_iter().filter(|export_id| !self.counting.has_export(export_id)).collect();
        for export_id in uncounted.iter().take(MOST_TROUBLES) {
            ready::tell_not_counted(self.ledger, export_id, None, self.now).await?;
        }
        Ok(uncounted)
    }

    /// Forgets that a delivery was done with whose declaration of being ready is gone.
    async fn forget_what_is_gone(&self, remembered: &mut SweptDeliveries) -> Result<(), PipelineError> {
        let SweptDeliveries { done, ready, .. } = remembered;
        ready.retain(|name, _| done.contains_key(name));
        if !ready.is_empty() {
            let objects = self.ledger.list(keys::DELIVERIES_PREFIX).await?;
            let there: BTreeSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
            for (name, _) in ready.extract_if(.., |_, key| !there.contains(key.as_str())) {
                done.remove(&name);
            }
        }
        Ok(())
    }

    /// Pins a delivery, reduces what was not, and declares it ready. `unchanged` is for how long nothing of it has come.
    async fn deliver(
        &self,
        found: &Found,
        unchanged: TimeDelta,
        remembered: &mut Remembered<SweptDeliveries>,
        attempt: &Attempt<'_>,
    ) -> Result<Delivered, PipelineError> {
        let (export, ledger) = (&**self.export, self.ledger);
        let seal = match found {
            Found::Manifest(key) => ingest::seal(export, ledger, Some(self.place.bucket), key, self.times).await?,
            // What has just been found may be a part of what arrives.
            Found::Unlisted(_) if unchanged < QUIET => return Ok(Delivered::Waiting),
            Found::Unlisted(files) => {
                let quiet = Some(Quiet { now: self.now, period: QUIET });
                ingest::seal_unlisted(export, ledger, files, self.times, quiet).await?
            }
        };
        let sealed = match seal {
            Seal::Sealed(sealed) => sealed,
            Seal::Incomplete { chunks } => return Ok(Delivered::Incomplete(chunks)),
            Seal::Unquiet { .. } => return Ok(Delivered::Waiting),
            Seal::Unsure(delivery) => {
                let patience = if delivery.earlier.is_empty() { QUIET } else { PATIENCE };
                if unchanged < patience {
                    return Ok(Delivered::Waiting);
                }
                self.tell_unverified(&delivery).await?;
                ingest::take(ledger, delivery).await?
            }
        };
        let object = sealed.statement().ready_key(&sealed.delivery_id);
        if ingest::complete(ledger, &sealed, self.kept).await? {
            return Ok(Delivered::Ready(object));
        }
        if attempt.one_by_one {
            self.map_one_by_one(&sealed, remembered, attempt).await?;
        } else {
            let statement = sealed.statement();
            let maps = sealed.chunks.iter().map(|chunk| ingest::map(self.export, ledger, &statement, chunk, self.kept));
            let mut maps = stream::iter(maps).buffer_unordered(CHUNKS_AT_ONCE);
            while let Some(was_new) = maps.try_next().await? {
                attempt.read.set(attempt.read.get() + usize::from(was_new));
            }
        }
        // Files that were written meanwhile belong to the next delivery.
        ingest::still_stands(export, &sealed).await?;
        let is_ready = ingest::complete(ledger, &sealed, self.kept).await?;
        Ok(if is_ready { Delivered::Ready(object) } else { Delivered::Waiting })
    }

    /// Counts what a delivery came to, and tells operations of what a person must mend. Returns whether there is
    /// nothing left to do until its files are others. `written` is when the last of its files was, if no later delivery
    /// of the period is there, and `unchanged` for how long nothing of it has come.
    async fn finish(
        &self,
        found: &Found,
        outcome: Result<Delivered, PipelineError>,
        written: Option<DateTime<Utc>>,
        unchanged: TimeDelta,
        swept: &mut Swept,
    ) -> Result<bool, PipelineError> {
        match outcome {
            Ok(Delivered::Ready(_)) => {
                swept.ready += 1;
                Ok(true)
            }
            Ok(Delivered::Waiting) => {
                swept.waiting += 1;
                Ok(false)
            }
            Ok(Delivered::Incomplete(chunks)) => self.incomplete(found, &chunks, written, unchanged, swept).await,
            Err(error) => match error.class() {
                Class::Wait | Class::Ignore => {
                    swept.waiting += 1;
                    Ok(false)
                }
                Class::Retry => {
                    swept.failures.push(error);
                    Ok(false)
                }
                Class::Operator => {
                    let about = about(found);
                    let doing = format!("reading the delivery of {about}");
                    let note = Note::of_error(error.kind(), &about, &doing, &error.to_string(), self.now);
                    operations::leave(self.ledger, &note, self.now).await?;
                    // Bytes stay what they are; a missing right may be granted.
                    let is_done = matches!(error, PipelineError::Export(_) | PipelineError::Unlisted { .. });
                    swept.troubles.push(error);
                    Ok(is_done)
                }
            },
        }
    }

    /// Tells operations, once, that a delivery is taken with files of an earlier one.
    async fn tell_unverified(&self, delivery: &SealedDelivery) -> Result<(), PipelineError> {
        if delivery.earlier.is_empty() {
            return Ok(());
        }
        let SealedDelivery { export_id, period, manifest, chunks, earlier, .. } = delivery;
        let text = Unverified { export_id, period: *period, manifest, files: chunks.len(), earlier }.text();
        let id = format!("unverified:{}:{}", delivery.statement(), delivery.execution());
        operations::leave(self.ledger, &Note { id, text }, self.now).await?;
        Ok(())
    }

    /// A delivery that lacks files waits for them. If nothing comes any more operations is told, unless a later
    /// delivery of the period has made it void. While the next delivery is written over this one, that lacks files too,
    /// however old its manifest is.
    async fn incomplete(
        &self,
        found: &Found,
        chunks: &[String],
        written: Option<DateTime<Utc>>,
        unchanged: TimeDelta,
        swept: &mut Swept,
    ) -> Result<bool, PipelineError> {
        let (Some(written), Found::Manifest(manifest), Some(statement)) = (written, found, found.statement()) else {
            swept.known += 1;
            return Ok(true);
        };
        if unchanged < PATIENCE {
            swept.waiting += 1;
            return Ok(false);
        }
        let Statement { export_id, period } = statement;
        let text = Incomplete { export_id: &export_id, period, manifest, written, files: chunks }.text();
        operations::leave(self.ledger, &Note { id: format!("incomplete:{manifest}:{written}"), text }, self.now)
            .await?;
        swept.incomplete += 1;
        Ok(true)
    }

    /// What each delivery's outcome depends on: what the listing says of its files, and how they are read.
    fn standings(&self, inventory: &Inventory, objects: &[ObjectSummary]) -> BTreeMap<String, Standing> {
        let mut with = vec![env!("CARGO_PKG_VERSION").to_owned(), self.times.as_str().to_owned()];
        with.extend(self.kept.listed().map(ToString::to_string));
        let by_key: BTreeMap<&str, &ObjectSummary> =
            objects.iter().map(|object| (object.key.as_str(), object)).collect();
        let files = DataFiles::of(inventory);
        let of = |found| {
            let mut parts = with.clone();
            let mut written = DateTime::UNIX_EPOCH;
            for key in files.with(found) {
                let Some(ObjectSummary { size, last_modified, .. }) = by_key.get(key) else { continue };
                parts.extend([key.to_owned(), size.to_string(), last_modified.timestamp().to_string()]);
                written = written.max(*last_modified);
            }
            let parts: Vec<_> = parts.iter().map(String::as_str).collect();
            (Found::to_string(found), Standing { fingerprint: keys::hash(&parts), written })
        };
        inventory.deliveries.iter().map(of).collect()
    }
}

/// A folder of one delivery: of which export and period, and its time.
type Folder<'a> = (&'a (ExportPath, BillingPeriod), DateTime<Utc>);

/// The data files of periods that have a manifest.
struct DataFiles<'a> {
    inventory: &'a Inventory,
    /// Those of exports that keep every delivery, by the time of their folder.
    by_folder: BTreeMap<Folder<'a>, Vec<&'a str>>,
}

impl<'a> DataFiles<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let mut by_folder: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (period, keys) in &inventory.listed {
            for key in keys {
                if let Some(time) = key.rsplit('/').nth(1).and_then(ingest::folder_time) {
                    by_folder.entry((period, time)).or_default().push(key.as_str());
                }
            }
        }
        Self { inventory, by_folder }
    }

    /// The objects that a delivery may consist of: where it has a folder those in it, else all of its period.
    fn with(&self, found: &'a Found) -> Vec<&'a str> {
        let manifest = match found {
            Found::Unlisted(files) => return files.chunks.iter().map(String::as_str).collect(),
            Found::Manifest(manifest) => manifest.as_str(),
        };
        let mut keys = vec![manifest];
        let Some(location) = ManifestLocation::of(manifest) else { return keys };
        let listed = self.inventory.listed.get_key_value(&(location.export, location.period));
        let Some((period, of_period)) = listed else { return keys };
        match location.folder_time.and_then(|time| self.by_folder.get(&(period, time))) {
            Some(of_folder) => keys.extend(of_folder),
            None => keys.extend(of_period.iter().map(String::as_str)),
        }
        keys
    }
}

/// What a delivery is called in notes.
fn about(found: &Found) -> String {
    found.statement().map_or_else(|| found.to_string(), |statement| statement.to_string())
}

/// What the future comes to, or `None` if the time is over before; it is asked whenever the future goes on.
async fn within<F: Future>(has_time: impl Fn() -> bool, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    future::poll_fn(|context| if has_time() { work.as_mut().poll(context).map(Some) } else { Poll::Ready(None) }).await
}
