//! The steps map, seal and ready: from files in the export's bucket to a delivery whose chunks are all reduced.
//!
//! Each step reads what is there and writes what is missing, so that events may come twice, late and in any order.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use spend_core::line::{KeptTags, Reduction};
use spend_core::period::BillingPeriod;
use spend_cur::chunk;
use spend_cur::layout::{self, ExportPath, ObjectKind};
use spend_cur::manifest::{self, Manifest};
use spend_ledger::columns::Columns;
use spend_ledger::document::{decode, decode_compressed, encode, encode_compressed};
use spend_ledger::keys::{self, Statement};
use spend_ledger::state::{DeliveryOrder, OrderSource, PinnedChunk, ReadyDelivery, SealedDelivery, StoredReduction};
use spend_ledger::store::{ETag, ObjectHead, Put, Store, StoreError};

use crate::error::PipelineError;
use crate::pinned::PinnedObject;

/// What the times of an export's files are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTimes {
    /// They are the delivery's: a chunk that is newer than the manifest belongs to the next delivery.
    Delivered,
    /// The tree is a copy: its files have arbitrary times, and it is taken as found.
    Copied,
}

/// What a manifest's key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestLocation {
    /// The export.
    pub export: ExportPath,
    /// The billing period.
    pub period: BillingPeriod,
    /// The time in the name of its folder, where the export keeps every delivery.
    pub folder_time: Option<DateTime<Utc>>,
}

impl ManifestLocation {
    /// Reads a manifest's key; `None` if it is another object's.
    #[must_use]
    pub fn of(key: &str) -> Option<Self> {
        let ObjectKind::Manifest { export, period, folder } = layout::classify_key(key) else { return None };
        // `2026-11-19T05:10:00.123Z-EXECUTION-ID`; the id may have any shape, the time ends with its zone.
        let time = |folder: &str| folder.split_inclusive('Z').next().and_then(|time| time.parse().ok());
        Some(Self { export, period, folder_time: folder.as_deref().and_then(time) })
    }
}

/// What became of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// The delivery is pinned.
    Sealed(SealedDelivery),
    /// Files are missing or already belong to the next delivery: the next manifest is waited for.
    Incomplete {
        /// The files, by key.
        chunks: Vec<String>,
    },
}

/// Reduces `chunk` to its Bedrock rows unless that was done before. Returns whether there was something to do.
///
/// # Errors
///
/// [`PipelineError`]; a damaged chunk or one without the columns that are needed is an error of its own.
pub async fn map<E, L>(
    export: &Arc<E>,
    ledger: &L,
    statement: &Statement,
    chunk: &PinnedChunk,
    kept: &KeptTags,
) -> Result<bool, PipelineError>
where
    E: Store + Send + 'static,
    L: Store,
{
    let key = statement.reduction_key(&chunk.key, &chunk.etag, kept);
    if ledger.head(&key).await?.is_some() {
        return Ok(false);
    }
    let source = PinnedObject::new(export, chunk);
    let reduction = chunk::reduce(&chunk.key, statement.period, kept, source).await?;
    let stored = StoredReduction {
        chunk: chunk.key.clone(),
        etag: chunk.etag.clone(),
        counts: reduction.counts,
        lines: Columns::of_lines(&reduction.lines),
    };
    // Whoever comes second has made the same object.
    let (Put::Written(_) | Put::Lost) = ledger.put_if_absent(&key, encode_compressed(&stored)?).await?;
    Ok(true)
}

/// Pins what the manifest lists, so that a delivery stays what it was while the next one overwrites its files.
///
/// # Errors
///
/// [`PipelineError`]; a manifest that names files outside its own export and period is an error of its own.
pub async fn seal<E: Store, L: Store>(
    export: &E,
    ledger: &L,
    bucket: Option<&str>,
    manifest_key: &str,
    times: FileTimes,
) -> Result<Seal, PipelineError> {
    let location = ManifestLocation::of(manifest_key).ok_or_else(|| not_found(manifest_key))?;
    let (bytes, _) = export.get(manifest_key).await?.ok_or_else(|| not_found(manifest_key))?;
    let head = export.head(manifest_key).await?.ok_or_else(|| not_found(manifest_key))?;
    let manifest = manifest::parse_manifest(manifest_key, bucket, &bytes)?;
    let mut chunks = Vec::new();
    let mut unusable = Vec::new();
    for key in &manifest.chunks {
        match export.head(key).await? {
            Some(found) if times == FileTimes::Copied || found.last_modified <= head.last_modified => {
                chunks.push(pinned(found));
            }
            _ => unusable.push(key.clone()),
        }
    }
    if !unusable.is_empty() {
        return Ok(Seal::Incomplete { chunks: unusable });
    }
    chunks.sort();
    let delivery = delivery(&location, &manifest, &head, times, chunks);
    store_sealed(ledger, delivery).await.map(Seal::Sealed)
}

/// Declares a sealed delivery ready if all its chunks are reduced, exactly once. Returns whether it is ready.
///
/// # Errors
///
/// [`PipelineError`].
pub async fn complete<L: Store>(ledger: &L, sealed: &SealedDelivery, kept: &KeptTags) -> Result<bool, PipelineError> {
    let statement = sealed.statement();
    for chunk in &sealed.chunks {
        if ledger.head(&statement.reduction_key(&chunk.key, &chunk.etag, kept)).await?.is_none() {
            return Ok(false);
        }
    }
    let ready = ReadyDelivery { delivery: sealed.clone() };
    let key = statement.ready_key(&sealed.delivery_id);
    let (Put::Written(_) | Put::Lost) = ledger.put_if_absent(&key, encode(&ready)?).await?;
    Ok(true)
}

/// What an object that was created in the export's bucket led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// These deliveries have all their chunks reduced.
    Ready(Vec<SealedDelivery>),
    /// Its delivery waits for other files.
    Waiting,
    /// The manifest speaks of files that are missing or already replaced.
    Incomplete {
        /// The files, by key.
        chunks: Vec<String>,
    },
    /// The object is none of ours.
    Stranger {
        /// Why.
        reason: &'static str,
    },
}

/// Handles one object that was created in the export's bucket: a chunk is reduced, a manifest is sealed, and whoever
/// completes a sealed delivery declares it ready.
///
/// # Errors
///
/// [`PipelineError`].
pub async fn object_created<E, L>(
    export: &Arc<E>,
    ledger: &L,
    bucket: Option<&str>,
    key: &str,
    times: FileTimes,
    kept: &KeptTags,
) -> Result<Ingested, PipelineError>
where
    E: Store + Send + 'static,
    L: Store,
{
    match layout::classify_key(key) {
        ObjectKind::Stranger { reason } => Ok(Ingested::Stranger { reason }),
        ObjectKind::Manifest { .. } => match seal(&**export, ledger, bucket, key, times).await? {
            Seal::Incomplete { chunks } => Ok(Ingested::Incomplete { chunks }),
            Seal::Sealed(sealed) => complete_all(ledger, vec![sealed], kept).await,
        },
        ObjectKind::Chunk { export: path, period, .. } => {
            let head = export.head(key).await?.ok_or_else(|| not_found(key))?;
            let statement = Statement { export_id: path.export_id(), period };
            map(export, ledger, &statement, &pinned(head), kept).await?;
            let waiting = sealed_with_chunk(ledger, &statement, key).await?;
            complete_all(ledger, waiting, kept).await
        }
    }
}

async fn complete_all<L: Store>(
    ledger: &L,
    sealed: Vec<SealedDelivery>,
    kept: &KeptTags,
) -> Result<Ingested, PipelineError> {
    let mut ready = Vec::new();
    for delivery in sealed {
        if complete(ledger, &delivery, kept).await? {
            ready.push(delivery);
        }
    }
    Ok(if ready.is_empty() { Ingested::Waiting } else { Ingested::Ready(ready) })
}

/// The deliveries that list `chunk_key`, are sealed, and are not ready yet.
async fn sealed_with_chunk<L: Store>(
    ledger: &L,
    statement: &Statement,
    chunk_key: &str,
) -> Result<Vec<SealedDelivery>, PipelineError> {
    let objects = ledger.list(&statement.deliveries_prefix()).await?;
    let has = |key: &str| objects.iter().any(|object| object.key == key);
    let mut found = Vec::new();
    for object in objects.iter().filter(|object| object.key.ends_with("/sealed.json")) {
        let Some((bytes, _)) = ledger.get(&object.key).await? else { continue };
        let sealed: SealedDelivery = decode(&object.key, &bytes)?;
        let listed = sealed.chunks.iter().any(|chunk| chunk.key == chunk_key);
        if listed && !has(&statement.ready_key(&sealed.delivery_id)) {
            found.push(sealed);
        }
    }
    Ok(found)
}

/// A reduction that was stored, with its lines.
///
/// # Errors
///
/// [`PipelineError`]; a reduction that is not there is [`StoreError::NotFound`].
pub async fn load_reduction<L: Store>(
    ledger: &L,
    statement: &Statement,
    chunk: &PinnedChunk,
    kept: &KeptTags,
) -> Result<Reduction, PipelineError> {
    let key = statement.reduction_key(&chunk.key, &chunk.etag, kept);
    let (bytes, _) = ledger.get(&key).await?.ok_or_else(|| not_found(&key))?;
    let stored: StoredReduction = decode_compressed(&key, &bytes)?;
    let lines = stored.lines.into_lines().map_err(|source| PipelineError::Columns { key, source })?;
    Ok(Reduction { counts: stored.counts, lines })
}

/// Writes what the manifest pins. A delivery that was sealed before and is not ready yet is sealed anew if its files
/// were replaced since: a chunk that was mended keeps its delivery.
async fn store_sealed<L: Store>(ledger: &L, delivery: SealedDelivery) -> Result<SealedDelivery, PipelineError> {
    const ATTEMPTS: usize = 8;
    let statement = delivery.statement();
    let key = statement.sealed_key(&delivery.delivery_id);
    for _ in 0..ATTEMPTS {
        if let Put::Written(_) = ledger.put_if_absent(&key, encode(&delivery)?).await? {
            return Ok(delivery);
        }
        let Some((bytes, etag)) = ledger.get(&key).await? else { continue };
        let stored: SealedDelivery = decode(&key, &bytes)?;
        let is_ready = ledger.head(&statement.ready_key(&delivery.delivery_id)).await?.is_some();
        if is_ready || stored.chunks == delivery.chunks {
            return Ok(stored);
        }
        if let Put::Written(_) = ledger.put_if_match(&key, encode(&delivery)?, &etag).await? {
            return Ok(delivery);
        }
    }
    Err(PipelineError::Contended { key, attempts: ATTEMPTS })
}

fn delivery(
    location: &ManifestLocation,
    manifest: &Manifest,
    head: &ObjectHead,
    times: FileTimes,
    chunks: Vec<PinnedChunk>,
) -> SealedDelivery {
    let order = match (location.folder_time, times) {
        (Some(at), _) => DeliveryOrder { source: OrderSource::Folder, at },
        (None, FileTimes::Delivered) => DeliveryOrder { source: OrderSource::LastModified, at: head.last_modified },
        (None, FileTimes::Copied) => DeliveryOrder { source: OrderSource::Arrival, at: head.last_modified },
    };
    SealedDelivery {
        export_id: location.export.export_id(),
        period: location.period,
        delivery_id: delivery_id(manifest, &head.etag, &chunks),
        order,
        manifest: head.key.clone(),
        unverified: false,
        chunks,
    }
}

/// The execution id where there is one that can stand in a key. Otherwise what was delivered names it: an unchanged
/// manifest may list changed files.
fn delivery_id(manifest: &Manifest, etag: &ETag, chunks: &[PinnedChunk]) -> String {
    const LONGEST: usize = 128;
    let plain = |id: &&String| {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !id.is_empty() && id.len() <= LONGEST && id.bytes().all(safe)
    };
    match manifest.execution_id.as_ref() {
        Some(id) if plain(&id) => id.clone(),
        Some(id) => keys::hash(&["execution", id]),
        None => {
            let mut parts = vec!["delivery", etag.0.as_str()];
            parts.extend(chunks.iter().flat_map(|chunk| [chunk.key.as_str(), chunk.etag.0.as_str()]));
            keys::hash(&parts)
        }
    }
}

fn pinned(head: ObjectHead) -> PinnedChunk {
    PinnedChunk { key: head.key, etag: head.etag, size: head.size, last_modified: head.last_modified }
}

fn not_found(key: &str) -> StoreError {
    StoreError::NotFound { key: key.to_owned() }
}
