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

mod backfill;
mod introduction;
mod ready;
pub(crate) mod state;
pub(crate) mod trial;
mod unusual;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use spend_core::error_class::Class;
use spend_core::line::KeptTags;
use spend_core::operations_text::{Incomplete, Place, Unverified};
use spend_core::period::BillingPeriod;
use spend_cur::layout::ExportPath;
use spend_ledger::keys::{self, Statement};
use spend_ledger::operations::{self, Note};
use spend_ledger::state::SealedDelivery;
use spend_ledger::store::{ObjectSummary, Store};

use self::backfill::Progress;
pub use self::ready::{Counted, overlap, ready};
use self::state::{Remembered, SweptDeliveries};
use self::trial::{Left, NOTES_AT_ONCE, Trial};
pub use self::unusual::unusual;
use crate::error::PipelineError;
use crate::ingest::{self, FileTimes, ManifestLocation, Quiet, Seal};
use crate::inventory::{Found, Inventory};

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

/// How long before its first day a period may be delivered: clocks and time zones are apart, months are not.
const EARLY: TimeDelta = TimeDelta::days(1);

/// What to do about a delivery that no attempt at reading comes to an end with.
const CURE: &str = "copy the delivery and run bedrock-ledger doctor --export on it. If AWS wrote the file, its next delivery \
                    replaces it: wait for that. If the file is real and large, give ingest more memory or time \
                    (MemorySize, Timeout in infra/template.yaml). If the export is not yours, find out who may write to \
                    the bucket, and name yours in count = [...] of [export] in config/ledger.toml: others are not read.";

/// What is swept, and with what.
#[derive(Debug)]
pub struct Sweep<'a, E, L> {
    /// The export's bucket.
    pub export: &'a Arc<E>,
    /// The ledger.
    pub ledger: &'a L,
    /// The name of the export's bucket, and what the keys start with.
    pub place: Place<'a>,
    /// What the times of its files are worth.
    pub times: FileTimes,
    /// The tags that reductions keep.
    pub kept: &'a KeptTags,
    /// The time.
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

/// A delivery that there is something to do for.
struct Candidate<'a> {
    found: &'a Found,
    name: String,
    standing: &'a Standing,
    /// Whether no later delivery of its period is there.
    is_newest: bool,
    /// Whether it comes before the backfill.
    is_first: bool,
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
        let mut queue = self.queue(&inventory, &standings, &remembered.document, &mut swept);
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

    /// What there is something to do for, in the order in which it is tried:
    ///
    /// 1. the newest delivery of each export, those of exports first of which something was ever ready;
    /// 2. the backfill, the newest month first, and within a month the oldest delivery first: what each moved is the
    ///    month's history;
    /// 3. what an attempt did not return from or failed with, the fewest attempts first. The newest delivery of such a
    ///    month comes before the month's others.
    ///
    /// The rest is counted in `swept`.
    fn queue<'s>(
        &self,
        inventory: &'s Inventory,
        standings: &'s BTreeMap<String, Standing>,
        remembered: &SweptDeliveries,
        swept: &mut Swept,
    ) -> Vec<Candidate<'s>> {
        let newest = newest(inventory);
        let newest_month = newest_months(inventory, self.now);
        let known: BTreeSet<String> = remembered
            .ready
            .values()
            .filter_map(|key| Statement::from_ready_key(key))
            .map(|(statement, _)| statement.export_id)
            .collect();
        let stuck: BTreeSet<Option<Statement>> = inventory
            .deliveries
            .iter()
            .filter(|found| remembered.trials.contains_key(&found.to_string()))
            .map(Found::statement)
            .collect();
        let mut queue = Vec::new();
        for (place, found) in inventory.deliveries.iter().enumerate() {
            let name = found.to_string();
            let Some(standing) = standings.get(&name) else { continue };
            if remembered.done.get(&name) == Some(&standing.fingerprint) {
                swept.known += 1;
                continue;
            }
            let statement = found.statement();
            if statement.as_ref().is_some_and(|statement| !has_begun(statement.period, self.now)) {
                swept.early += 1;
                continue;
            }
            let trial = remembered.trials.get(&name);
            if trial.is_some_and(|trial| !trial.is_due(self.now)) {
                swept.paused += 1;
                continue;
            }
            let is_newest = newest.get(&statement) == Some(&name);
            let of_export = |statement: &Statement| newest_month.get(&statement.export_id) == Some(&statement.period);
            let is_first = is_newest
                && trial.is_none()
                && (statement.as_ref().is_some_and(of_export) || stuck.contains(&statement));
            let is_known = statement.as_ref().is_some_and(|statement| known.contains(&statement.export_id));
            let period = statement.map(|statement| statement.period);
            let times = trial.map_or(0, Trial::times);
            let order = (times, !is_first, is_first && !is_known, Reverse(period), place);
            queue.push((order, Candidate { found, name, standing, is_newest, is_first }));
        }
        queue.sort_by(|(left, _), (right, _)| left.cmp(right));
        queue.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// Drives each delivery in turn. Returns those that there was no time for. `has_time` says whether there is, and
    /// `time_left` how much.
    async fn drive<'s>(
        &self,
        queue: Vec<Candidate<'s>>,
        remembered: &mut Remembered<SweptDeliveries>,
        swept: &mut Swept,
        (has_time, time_left): (&impl Fn() -> bool, &impl Fn() -> Duration),
    ) -> Result<Vec<Candidate<'s>>, PipelineError> {
        let mut left = Vec::new();
        for candidate in queue {
            if !has_time() {
                left.push(candidate);
                continue;
            }
            let (now, name, fingerprint) = (self.now, candidate.name.clone(), candidate.standing.fingerprint.clone());
            let before = remembered.document.trials.get(&name).cloned();
            let mark = Trial::begin(before.as_ref(), &fingerprint, now);
            remembered.change({
                let (name, fingerprint) = (name.clone(), fingerprint.clone());
                move |memory| {
                    memory.find(&name, &fingerprint, now);
                    memory.trials.insert(name.clone(), mark.clone());
                }
            });
            remembered.save(self.ledger).await?;
            let unchanged = remembered.document.unchanged(&name, now);
            let (began_with, read) = (time_left(), Cell::new(0));
            let attempt = Attempt { name: &name, one_by_one: before.is_some(), read: &read };
            let Some(outcome) = within(has_time, self.deliver(candidate.found, unchanged, remembered, &attempt)).await
            else {
                // What has got on will end, and what had little time may. Only what took most of a sweep for nothing counts
                // as an attempt that did not return.
                let took_long = began_with.saturating_sub(time_left()) >= began_with / 2;
                if read.get() > 0 || !took_long {
                    remembered.change(move |memory| put_back(&mut memory.trials, &name, before.as_ref()));
                }
                left.push(candidate);
                continue;
            };
            let ready = match &outcome {
                Ok(Delivered::Ready(object)) => Some(object.clone()),
                _ => None,
            };
            let failed = match &outcome {
                Err(error) if error.class() == Class::Retry => Some(error.to_string()),
                _ => None,
            };
            let written = candidate.is_newest.then_some(candidate.standing.written);
            let is_done = self.finish(candidate.found, outcome, written, unchanged, swept).await?;
            remembered.change(move |memory| {
                match (&failed, memory.trials.get_mut(&name)) {
                    (Some(error), Some(trial)) => trial.failed(error),
                    _ => drop(memory.trials.remove(&name)),
                }
                memory.ready.extend(ready.clone().map(|object| (name.clone(), object)));
                if is_done {
                    memory.waiting.remove(&name);
                    memory.done.insert(name.clone(), fingerprint.clone());
                }
            });
        }
        Ok(left)
    }

    /// Tells operations, once, of each delivery that no attempt has come to an end with.
    async fn tell_stuck(
        &self,
        inventory: &Inventory,
        remembered: &mut Remembered<SweptDeliveries>,
    ) -> Result<(), PipelineError> {
        let mut told = 0;
        for found in &inventory.deliveries {
            let name = found.to_string();
            let Some(trial) = remembered.document.trials.get(&name) else { continue };
            if !trial.is_to_be_told(self.now) || told == NOTES_AT_ONCE {
                continue;
            }
            let doing = format!("reading the delivery of {}", about(found));
            operations::leave(self.ledger, &trial.note(&doing, &name, CURE, self.now), self.now).await?;
            told += 1;
            remembered.change(move |memory| {
                if let Some(trial) = memory.trials.get_mut(&name) {
                    trial.was_told();
                }
            });
        }
        Ok(())
    }

    /// Tells operations of deliveries that are left and do not become fewer.
    async fn tell_left(
        &self,
        remembered: &mut Remembered<SweptDeliveries>,
        swept: &Swept,
    ) -> Result<(), PipelineError> {
        let count = swept.left + swept.paused + swept.failures.len();
        let left = Left::after(remembered.document.left.as_ref(), count, self.now);
        let note = left.as_ref().and_then(|left| left.note("to read", &self.place.to_string(), count, self.now));
        if let Some(note) = note {
            operations::leave(self.ledger, &note, self.now).await?;
        }
        remembered.change(move |memory| memory.left.clone_from(&left));
        Ok(())
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

    /// Reduces the files of a delivery that an attempt did not return from: each alone, and written down before, so that
    /// it is known which of them it was.
    async fn map_one_by_one(
        &self,
        sealed: &SealedDelivery,
        remembered: &mut Remembered<SweptDeliveries>,
        attempt: &Attempt<'_>,
    ) -> Result<(), PipelineError> {
        let statement = sealed.statement();
        for chunk in &sealed.chunks {
            let key = statement.reduction_key(&chunk.key, &chunk.etag, self.kept);
            if self.ledger.head(&key).await?.is_some() {
                continue;
            }
            let (name, file) = (attempt.name.to_owned(), chunk.key.clone());
            remembered.change(move |memory| {
                if let Some(trial) = memory.trials.get_mut(&name) {
                    trial.at_file(&file);
                }
            });
            remembered.save(self.ledger).await?;
            let was_new = ingest::map(self.export, self.ledger, &statement, chunk, self.kept).await?;
            attempt.read.set(attempt.read.get() + usize::from(was_new));
        }
        Ok(())
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

/// One attempt at a delivery.
struct Attempt<'a> {
    /// The delivery's name.
    name: &'a str,
    /// Whether its files are read one by one, because an earlier attempt did not return.
    one_by_one: bool,
    /// How many files were reduced that were not before.
    read: &'a Cell<usize>,
}

/// The attempt that was begun counts for nothing.
fn put_back(trials: &mut BTreeMap<String, Trial>, name: &str, before: Option<&Trial>) {
    match before {
        Some(before) => drop(trials.insert(name.to_owned(), before.clone())),
        None => drop(trials.remove(name)),
    }
}

/// What a delivery is called in notes.
fn about(found: &Found) -> String {
    found.statement().map_or_else(|| found.to_string(), |statement| statement.to_string())
}

/// Whether a month has begun, or is about to: nobody is billed for one that has not.
pub(crate) fn has_begun(period: BillingPeriod, now: DateTime<Utc>) -> bool {
    period.start() <= now + EARLY
}

/// The last delivery of each period, by name.
fn newest(inventory: &Inventory) -> BTreeMap<Option<Statement>, String> {
    inventory.deliveries.iter().map(|found| (found.statement(), found.to_string())).collect()
}

/// The newest month of each export that has begun.
fn newest_months(inventory: &Inventory, now: DateTime<Utc>) -> BTreeMap<String, BillingPeriod> {
    let statements = inventory.deliveries.iter().filter_map(Found::statement);
    // Deliveries come oldest first.
    let begun = statements.filter(|statement| has_begun(statement.period, now));
    begun.map(|statement| (statement.export_id, statement.period)).collect()
}

/// The newest delivery of each statement that is ready, by the statement's name.
fn newest_ready(inventory: &Inventory, remembered: &SweptDeliveries) -> BTreeMap<String, String> {
    let ready = inventory.deliveries.iter().filter_map(|found| remembered.ready.get(&found.to_string()));
    let ready = ready.filter_map(|key| Statement::from_ready_key(key));
    ready.map(|(statement, delivery_id)| (statement.to_string(), delivery_id)).collect()
}

/// What the future comes to, or `None` if the time is over before; it is asked whenever the future goes on.
async fn within<F: Future>(has_time: impl Fn() -> bool, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    future::poll_fn(|context| if has_time() { work.as_mut().poll(context).map(Some) } else { Poll::Ready(None) }).await
}
