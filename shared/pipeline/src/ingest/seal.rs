//! The step seal: pinning what a delivery consists of, by its manifest or, where there is none, as it is found.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use spend_cur::delivery::{layout, manifest};
use spend_ledger::state::commit::{DeliveryOrder, OrderSource};
use spend_ledger::state::delivery::{PinnedChunk, SealedDelivery, SeenManifest};
use spend_ledger::state::document::{decode, encode};
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{ObjectHead, Put, Store, StoreError};

use super::past::{self, Past, Stored};
use super::{FileTimes, ManifestLocation, folder_time, not_found, pinned};
use crate::error::PipelineError;
use crate::inventory::Unlisted;

/// What became of a delivery that was to be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// The delivery is pinned.
    Sealed(SealedDelivery),
    /// Files are missing or already belong to the next delivery: the next manifest is waited for.
    Incomplete {
        /// The files, by key.
        chunks: Vec<String>,
    },
    /// There is no manifest, and a file was written too short a time ago to say that the delivery is complete.
    Unquiet {
        /// When the newest file was written.
        newest: DateTime<Utc>,
    },
    /// All files are there, and nothing says that they are this delivery's: an earlier one had some of them, or the
    /// bucket is a copy. Nothing is pinned until it is taken as it is ([`take`]), which is to be done once nothing has
    /// come for a while.
    Unsure(SealedDelivery),
}

/// How long no file of a delivery without a manifest must have been written before it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    pub now: DateTime<Utc>,
    /// How long.
    pub period: TimeDelta,
}

/// Pins what the manifest lists, so that a delivery stays what it was while the next one overwrites its files.
///
/// A delivery that is ready and whose files turn out to be others is sealed again, under an id of its own: see
/// [`SealedDelivery::replaces`].
///
/// # Errors
///
/// [`PipelineError`]; a manifest that names files outside its own export and period is an error of its own, and one
/// that is replaced meanwhile is [`StoreError::Replaced`].
pub async fn seal<E: Store, L: Store>(
    export: &E,
    ledger: &L,
    bucket: Option<&str>,
    manifest_key: &str,
    times: FileTimes,
) -> Result<Seal, PipelineError> {
    let location = ManifestLocation::of(manifest_key).ok_or_else(|| not_found(manifest_key))?;
    let head = export.head(manifest_key).await?.ok_or_else(|| not_found(manifest_key))?;
    // Whoever puts a file of any size beside an export must not decide how much memory reading it takes.
    manifest::check_size(manifest_key, head.size)?;
    let bytes = export.get_range(manifest_key, 0..head.size, &head.etag).await?;
    let manifest = match times {
        FileTimes::Delivered => manifest::parse_manifest(manifest_key, bucket, &bytes)?,
        FileTimes::Copied | FileTimes::Arriving => manifest::parse_copied_manifest(manifest_key, &bytes)?,
    };
    let statement = Statement { export_id: location.export.export_id(), period: location.period };
    // The newest manifest of an export that keeps every delivery also stands without a folder; its files do not.
    let folder = manifest.folder.as_deref();
    let order = order(folder.and_then(folder_time), times, head.last_modified);
    let execution = match (manifest.execution_id.as_deref(), folder) {
        (Some(id), _) if is_plain(id) => id.to_owned(),
        (Some(id), _) => keys::hash(&["execution", id]),
        (None, Some(folder)) => keys::hash(&["manifest", folder]),
        (None, None) => keys::hash(&["manifest", &head.etag.0, &head.last_modified.to_rfc3339()]),
    };
    let mut chunks = Vec::new();
    let mut unusable = Vec::new();
    for key in &manifest.chunks {
        match find(export, key, times).await? {
            Some(found) if times != FileTimes::Delivered || found.last_modified <= head.last_modified => {
                chunks.push(pinned(found));
            }
            _ => unusable.push(key.clone()),
        }
    }
    let seen = SeenManifest {
        export_id: statement.export_id.clone(),
        period: statement.period,
        execution: execution.clone(),
        order,
        manifest: head.key.clone(),
    };
    if !unusable.is_empty() {
        remember(ledger, &statement, &seen, times).await?;
        return Ok(Seal::Incomplete { chunks: unusable });
    }
    chunks.sort();
    let delivery_id = match manifest.execution_id {
        Some(_) => execution.clone(),
        None => hash_of("delivery", folder.unwrap_or(&head.etag.0), &chunks),
    };
    let delivery = SealedDelivery {
        export_id: statement.export_id.clone(),
        period: statement.period,
        delivery_id,
        execution,
        order,
        manifest: head.key,
        unverified: times == FileTimes::Arriving,
        chunks,
        earlier: Vec::new(),
        replaces: Vec::new(),
    };
    let sealed = against_the_past(ledger, &statement, delivery, times).await?;
    if let Seal::Unsure(_) = &sealed {
        remember(ledger, &statement, &seen, times).await?;
    }
    Ok(sealed)
}

/// What a delivery is, given what was sealed before.
async fn against_the_past<L: Store>(
    ledger: &L,
    statement: &Statement,
    mut delivery: SealedDelivery,
    times: FileTimes,
) -> Result<Seal, PipelineError> {
    let first = Stored::read(ledger, statement, &delivery.delivery_id).await?;
    let same = |stored: &Stored| past::same_files(&stored.delivery, &delivery);
    if let Some(stored) = first.as_ref().filter(|stored| same(stored) && stored.delivery.earlier.is_empty()) {
        return Ok(Seal::Sealed(stored.delivery.clone()));
    }
    // Deliveries in folders of their own have no file in common; one with an execution id is found by it.
    let has_folder = delivery.order.source == OrderSource::Folder;
    let is_alone = has_folder && first.is_none() && delivery.delivery_id == delivery.execution;
    let past = if is_alone { Past::default() } else { Past::read(ledger, statement).await? };
    let own = past.own(&delivery);
    let mut earlier = past.earlier(&delivery, times);
    let is_settled = |stored: &&&Stored| stored.delivery.earlier.is_empty() || !earlier.is_empty();
    if let Some(stored) = own.iter().filter(|stored| same(stored)).find(is_settled) {
        return Ok(Seal::Sealed(stored.delivery.clone()));
    }
    if let Some(last) = own.iter().rfind(|stored| stored.is_ready)
        && times != FileTimes::Delivered
        && !only_earlier_changed(&last.delivery, &delivery)
    {
        if times == FileTimes::Copied && delivery.delivery_id == delivery.execution {
            // On a disk it is most often a copy under way, with the old manifest beside the new files.
            return Ok(Seal::Sealed(last.delivery.clone()));
        }
        let is_kept = |chunk: &&PinnedChunk| last.delivery.chunks.binary_search(chunk).is_ok();
        earlier.extend(delivery.chunks.iter().filter(is_kept).map(|chunk| chunk.key.clone()));
        earlier.sort();
        earlier.dedup();
    }
    if first.is_some_and(|first| first.is_ready) {
        delivery.delivery_id = hash_of("delivery", &delivery.execution, &delivery.chunks);
    }
    delivery.replaces = before(&own, &delivery);
    delivery.unverified |= !earlier.is_empty();
    delivery.earlier = earlier;
    let is_sure = times == FileTimes::Delivered && delivery.earlier.is_empty();
    if is_sure || times == FileTimes::Copied {
        return take(ledger, delivery).await.map(Seal::Sealed);
    }
    Ok(Seal::Unsure(delivery))
}

/// Whether `delivery` differs from what was sealed `last` of its manifest in nothing but files that were an earlier
/// delivery's: then its own have come.
fn only_earlier_changed(last: &SealedDelivery, delivery: &SealedDelivery) -> bool {
    let has_it = |chunk: &&PinnedChunk| {
        let is_it = |other: &PinnedChunk| other.key == chunk.key && other.etag == chunk.etag;
        delivery.chunks.iter().any(is_it)
    };
    last.chunks.iter().filter(|chunk| !has_it(chunk)).all(|chunk| last.earlier.contains(&chunk.key))
}

/// Those of `own` that the order of deliveries would not keep from being applied after `delivery`.
fn before(own: &[&Stored], delivery: &SealedDelivery) -> Vec<String> {
    let own = own.iter().map(|stored| &stored.delivery).filter(|other| {
        let is_tied = other.order.at.timestamp() == delivery.order.at.timestamp();
        is_tied && other.delivery_id != delivery.delivery_id
    });
    own.map(|other| other.delivery_id.clone()).collect()
}

/// Writes down that a manifest was there, where times tell to which of two deliveries a file belongs, and where nothing
/// that was sealed of it says so already.
async fn remember<L: Store>(
    ledger: &L,
    statement: &Statement,
    seen: &SeenManifest,
    times: FileTimes,
) -> Result<(), PipelineError> {
    let is_told = times == FileTimes::Delivered && seen.order.source == OrderSource::LastModified;
    if !is_told || ledger.head(&statement.sealed_key(&seen.execution)).await?.is_some() {
        return Ok(());
    }
    let key = statement.seen_manifest_key(&seen.execution);
    let (Put::Written(_) | Put::Lost) = ledger.put_if_absent(&key, encode(seen)?).await?;
    Ok(())
}

/// The listed file. In a copy its key may be spelled otherwise than its manifest's: of `=` in the billing period's folder
/// and `:` in the delivery's, tools that copy exports escape both, one or none.
async fn find<E: Store>(export: &E, key: &str, times: FileTimes) -> Result<Option<ObjectHead>, StoreError> {
    let found = export.head(key).await?;
    if found.is_some() || times == FileTimes::Delivered {
        return Ok(found);
    }
    for spelled in spellings(key) {
        if let Some(found) = export.head(&spelled).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// How a copy may spell the key of a data file.
pub(crate) fn spellings(key: &str) -> Vec<String> {
    let Some((root, rest)) = key.rfind("/data/").and_then(|at| key.split_at_checked(at)) else { return Vec::new() };
    let plain = rest.replace("%3D", "=").replace("%3d", "=").replace("%3A", ":").replace("%3a", ":");
    let (equals, colons) = (plain.replacen('=', "%3D", 1), plain.replace(':', "%3A"));
    let both = equals.replace(':', "%3A");
    [plain, equals, colons, both].into_iter().map(|spelled| format!("{root}{spelled}")).collect()
}

/// Pins a delivery that no manifest lists, as it is found, and marks it unverified: nothing says that it is complete,
/// or that its files belong together. What does not look like one whole delivery is refused.
///
/// `quiet` is for buckets that are being written to; a tree on a disk is taken when it is asked for.
///
/// # Errors
///
/// [`PipelineError::Unlisted`] if the files are evidently not one whole delivery, else [`PipelineError`].
pub async fn seal_unlisted<E: Store, L: Store>(
    export: &E,
    ledger: &L,
    found: &Unlisted,
    times: FileTimes,
    quiet: Option<Quiet>,
) -> Result<Seal, PipelineError> {
    check(found)?;
    let mut heads: Vec<ObjectHead> = Vec::with_capacity(found.chunks.len());
    let mut missing = Vec::new();
    for key in &found.chunks {
        match export.head(key).await? {
            Some(head) => heads.push(head),
            None => missing.push(key.clone()),
        }
    }
    let newest = heads.iter().map(|head| head.last_modified).max();
    let (Some(newest), true) = (newest, missing.is_empty()) else {
        return Ok(Seal::Incomplete { chunks: missing });
    };
    if quiet.is_some_and(|quiet| quiet.now.signed_duration_since(newest) < quiet.period) {
        return Ok(Seal::Unquiet { newest });
    }
    let mut chunks: Vec<_> = heads.into_iter().map(pinned).collect();
    chunks.sort();
    let statement = Statement { export_id: found.export.export_id(), period: found.period };
    let mut delivery = SealedDelivery {
        export_id: statement.export_id.clone(),
        period: statement.period,
        delivery_id: hash_of("unlisted", "", &chunks),
        execution: keys::hash(&["unlisted", found.folder.as_deref().unwrap_or_default()]),
        order: order(found.folder.as_deref().and_then(folder_time), times, newest),
        manifest: String::new(),
        unverified: true,
        chunks,
        earlier: Vec::new(),
        replaces: Vec::new(),
    };
    if let Some(stored) = Stored::read(ledger, &statement, &delivery.delivery_id).await? {
        return Ok(Seal::Sealed(stored.delivery));
    }
    let past = Past::read(ledger, &statement).await?;
    delivery.replaces = before(&past.own(&delivery), &delivery);
    take(ledger, delivery).await.map(Seal::Sealed)
}

/// Whether every file of the delivery is still the version that was pinned.
///
/// # Errors
///
/// [`StoreError`]; [`StoreError::Replaced`] or [`StoreError::NotFound`] if one is not.
pub async fn still_stands<E: Store>(export: &E, sealed: &SealedDelivery) -> Result<(), StoreError> {
    for chunk in &sealed.chunks {
        let head = export.head(&chunk.key).await?.ok_or_else(|| not_found(&chunk.key))?;
        if head.etag != chunk.etag {
            return Err(StoreError::Replaced { key: head.key, etag: chunk.etag.clone() });
        }
    }
    Ok(())
}

/// Refuses files that cannot be one whole delivery: AWS numbers the data files of a delivery from 1, without gaps.
pub(crate) fn check(found: &Unlisted) -> Result<(), PipelineError> {
    let refuse = |reason: String| {
        Err(PipelineError::Unlisted { export: found.export.to_string(), period: found.period, reason })
    };
    if found.chunks.len() > manifest::MOST_FILES {
        let (files, most) = (found.chunks.len(), manifest::MOST_FILES);
        return refuse(format!("they are {files}, and a delivery of more than {most} is not read"));
    }
    let folders: BTreeSet<&str> = found.chunks.iter().filter_map(|key| Some(key.rsplit_once('/')?.0)).collect();
    if let [first, second, ..] = folders.iter().copied().collect::<Vec<_>>().as_slice() {
        return refuse(format!("data files lie in {first}/ and in {second}/, and either may be the newest delivery"));
    }
    let names = || found.chunks.iter().map(|key| key.rsplit_once('/').map_or(key.as_str(), |(_, file)| file));
    let numbered: Vec<(&str, u32)> = names().filter_map(layout::numbered).collect();
    if numbered.is_empty() {
        return Ok(());
    }
    if let Some(odd) = names().find(|name| layout::numbered(name).is_none()) {
        return refuse(format!("{odd} lies among files that are numbered as AWS numbers them"));
    }
    let exports: BTreeSet<&str> = numbered.iter().map(|(name, _)| *name).collect();
    if let [first, second, ..] = exports.iter().copied().collect::<Vec<_>>().as_slice() {
        return refuse(format!("its data files are of two exports, {first} and {second}"));
    }
    let mut numbers: Vec<u32> = numbered.iter().map(|(_, number)| *number).collect();
    numbers.sort_unstable();
    for (expected, number) in (1..).zip(numbers) {
        if number < expected {
            return refuse(format!("two data files have the number {number:05}"));
        }
        if number > expected {
            return refuse(format!("the data file with the number {expected:05} is missing"));
        }
    }
    Ok(())
}

fn order(folder: Option<DateTime<Utc>>, times: FileTimes, last_modified: DateTime<Utc>) -> DeliveryOrder {
    match (folder, times) {
        (Some(at), _) => DeliveryOrder { source: OrderSource::Folder, at },
        (None, FileTimes::Delivered | FileTimes::Arriving) => {
            DeliveryOrder { source: OrderSource::LastModified, at: last_modified }
        }
        (None, FileTimes::Copied) => DeliveryOrder { source: OrderSource::Arrival, at: last_modified },
    }
}

/// Whether an execution id can stand in a key.
fn is_plain(id: &str) -> bool {
    const LONGEST: usize = 128;
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(safe)
}

/// The id of a delivery without an execution id: what was delivered names it, since an unchanged manifest may list
/// changed files.
fn hash_of(kind: &str, source: &str, chunks: &[PinnedChunk]) -> String {
    let mut parts = vec![kind, source];
    parts.extend(chunks.iter().flat_map(|chunk| [chunk.key.as_str(), chunk.etag.0.as_str()]));
    keys::hash(&parts)
}

/// Pins the delivery as it is. One that was sealed before and is not ready yet is sealed anew if its files were replaced
/// since: a chunk that was mended keeps its delivery.
///
/// # Errors
///
/// [`PipelineError`]; [`PipelineError::Contended`] if somebody else made other files of the same delivery ready.
pub async fn take<L: Store>(ledger: &L, delivery: SealedDelivery) -> Result<SealedDelivery, PipelineError> {
    const ATTEMPTS: usize = 8;
    let statement = delivery.statement();
    let key = statement.sealed_key(&delivery.delivery_id);
    for _ in 0..ATTEMPTS {
        if let Put::Written(_) = ledger.put_if_absent(&key, encode(&delivery)?).await? {
            return Ok(delivery);
        }
        let Some((bytes, etag)) = ledger.get(&key).await? else { continue };
        let stored: SealedDelivery = decode(&key, &bytes)?;
        match past::ready(ledger, &statement, &delivery.delivery_id).await? {
            Some(ready) if past::same_files(&ready, &delivery) => return Ok(ready),
            Some(_) => return Err(PipelineError::Contended { key, attempts: 1 }),
            None if stored.chunks == delivery.chunks && stored.earlier == delivery.earlier => return Ok(stored),
            None => {}
        }
        if let Put::Written(_) = ledger.put_if_match(&key, encode(&delivery)?, &etag).await? {
            return Ok(delivery);
        }
    }
    Err(PipelineError::Contended { key, attempts: ATTEMPTS })
}

#[cfg(test)]
mod tests;
