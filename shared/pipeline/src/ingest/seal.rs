//! The step seal: pinning what a delivery consists of, by its manifest or, where there is none, as it is found.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use spend_cur::delivery::manifest;
use spend_ledger::state::commit::OrderSource;
use spend_ledger::state::delivery::{PinnedChunk, SealedDelivery, SeenManifest};
use spend_ledger::state::document::encode;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{ObjectHead, Put, Store, StoreError};

use crate::error::{PipelineError, not_found};
use crate::files::location::{ManifestLocation, folder_time, spellings};
use crate::files::pinned::pinned;
use crate::ingest::past::{Past, Stored};
use crate::ingest::pin::{Seal, before, hash_of, order, take};
use crate::ingest::ready::{self, ASKED_AT_ONCE};
use crate::ingest::times::FileTimes;

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
    // Anybody who may write beside an export could put a huge manifest there: its size is checked before it is read.
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
    // What a manifest is of: its execution id, hashed where it cannot stand in a key; else its folder. An export that
    // overwrites without an execution id has one key for all its manifests, so the version tells them apart.
    let execution = match (manifest.execution_id.as_deref(), folder) {
        (Some(id), _) if is_plain(id) => id.to_owned(),
        (Some(id), _) => keys::hash(&["execution", id]),
        (None, Some(folder)) => keys::hash(&["manifest", folder]),
        (None, None) => keys::hash(&["manifest", &head.etag.0, &head.last_modified.to_rfc3339()]),
    };
    let mut chunks = Vec::new();
    let mut unusable = Vec::new();
    // A file that is newer than its manifest was written by the next delivery.
    let finds = manifest.chunks.iter().map(|key| find(export, key, times));
    let found: Vec<_> = stream::iter(finds).buffered(ASKED_AT_ONCE).try_collect().await?;
    for (key, found) in manifest.chunks.iter().zip(found) {
        match found {
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
        return Ok(Seal::Incomplete { chunks: unusable, order });
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
    // Sealed before with the same contents, all of them its own: nothing is left to decide.
    let first = Stored::read(ledger, statement, &delivery.delivery_id).await?;
    let same = |stored: &Stored| ready::same_files(&stored.delivery, &delivery);
    if let Some(stored) = first.as_ref().filter(|stored| same(stored) && stored.delivery.earlier.is_empty()) {
        return Ok(Seal::Sealed(stored.delivery.clone()));
    }
    // A delivery in a folder of its own shares no file with another, and with an execution id it was found by its id above:
    // the past need not be read.
    let has_folder = delivery.order.source == OrderSource::Folder;
    let is_alone = has_folder && first.is_none() && delivery.delivery_id == delivery.execution;
    let past = if is_alone { Past::default() } else { Past::read(ledger, statement).await? };
    let own = past.own(&delivery);
    let mut earlier = past.earlier(&delivery, times);
    // The same contents, sealed under any id, are one delivery. If files in it were an earlier delivery's, and are not any
    // more, it is judged anew.
    let is_settled = |stored: &&&Stored| stored.delivery.earlier.is_empty() || !earlier.is_empty();
    if let Some(stored) = own.iter().filter(|stored| same(stored)).find(is_settled) {
        return Ok(Seal::Sealed(stored.delivery.clone()));
    }
    if let Some(last) = own.iter().rfind(|stored| stored.is_ready)
        && times != FileTimes::Delivered
        && !only_earlier_changed(&last.delivery, &delivery)
    {
        if times == FileTimes::Copied && delivery.delivery_id == delivery.execution {
            // Most often a copy on a disk is under way, with the old manifest beside the new files.
            return Ok(Seal::Sealed(last.delivery.clone()));
        }
        // In a replica, files that are still as they became ready with this manifest are taken for an earlier delivery's: the
        // others are newer, so these may not have come yet.
        let is_kept = |chunk: &&PinnedChunk| last.delivery.chunks.binary_search(chunk).is_ok();
        earlier.extend(delivery.chunks.iter().filter(is_kept).map(|chunk| chunk.key.clone()));
        earlier.sort();
        earlier.dedup();
    }
    // The id is taken by contents that are ready: these get an id of their own.
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

/// Whether only files differ that `last`, the same manifest's delivery, had taken from an earlier one: the delivery's own
/// files have come since.
fn only_earlier_changed(last: &SealedDelivery, delivery: &SealedDelivery) -> bool {
    let has_it = |chunk: &&PinnedChunk| {
        let is_it = |other: &PinnedChunk| other.key == chunk.key && other.etag == chunk.etag;
        delivery.chunks.iter().any(is_it)
    };
    last.chunks.iter().filter(|chunk| !has_it(chunk)).all(|chunk| last.earlier.contains(&chunk.key))
}

/// Records that a manifest was seen whose delivery is not sealed. Later deliveries then know that a file no newer than this
/// manifest is not theirs. It is only done where times tell, and where no sealed delivery says so already.
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

/// Whether an execution id can stand in a key.
fn is_plain(id: &str) -> bool {
    const LONGEST: usize = 128;
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(safe)
}

#[cfg(test)]
mod tests;
