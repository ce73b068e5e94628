//! The steps map, seal and ready: from files in the export's bucket to a delivery whose chunks are all reduced.
//!
//! Each step reads what is there and writes what is missing, so that events may come twice, late and in any order.

mod past;
mod seal;

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::bill::reduction::Reduction;
use spend_core::calendar::period::BillingPeriod;
use spend_cur::chunk;
use spend_cur::delivery::layout::{self, ExportPath, ObjectKind};
use spend_cur::error::CurError;
use spend_ledger::forgotten;
use spend_ledger::state::columns::Columns;
use spend_ledger::state::delivery::{PinnedChunk, ReadyDelivery, SealedDelivery};
use spend_ledger::state::document::{decode, decode_compressed, encode, encode_compressed};
use spend_ledger::state::keys::Statement;
use spend_ledger::state::reduction::StoredReduction;
use spend_ledger::store::{ObjectHead, Put, Store, StoreError};

use crate::error::PipelineError;
pub(crate) use crate::ingest::past::ready;
pub use crate::ingest::seal::{Quiet, Seal, seal, seal_unlisted, still_stands, take};
pub(crate) use crate::ingest::seal::{check, spellings};
use crate::pinned::{PinnedObject, Turn};

/// What the times of an export's files are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTimes {
    /// They are the delivery's: a chunk that is newer than the manifest belongs to the next delivery.
    Delivered,
    /// The tree is a copy on a disk: its files have arbitrary times, and it is taken as found when it is asked for.
    Copied,
    /// The bucket is a copy or a replica, whose files arrive in any order and with any times: what is found is taken
    /// once nothing more arrives, and marked unverified.
    Arriving,
}

impl FileTimes {
    /// The name in what sweeps remember: another one would have them look at every delivery again.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "Delivered",
            Self::Copied => "Copied",
            Self::Arriving => "Arriving",
        }
    }
}

/// What a manifest's key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestLocation {
    pub export: ExportPath,
    pub period: BillingPeriod,
    /// The time in the name of its folder, where the export keeps every delivery.
    pub folder_time: Option<DateTime<Utc>>,
}

impl ManifestLocation {
    /// Reads a manifest's key; `None` if it is another object's.
    pub fn of(key: &str) -> Option<Self> {
        let ObjectKind::Manifest { export, period, folder } = layout::classify_key(key) else { return None };
        Some(Self { export, period, folder_time: folder.as_deref().and_then(folder_time) })
    }
}

/// The time in the name of a delivery's folder, `2026-11-19T05:10:00.123Z-EXECUTION-ID`: the id may have any shape,
/// the time ends with its zone. Tools that copy exports spell its colons as `%3A`; ISO 8601's basic form
/// (`20261119T051000Z`) is read too, because an order by anything else would let an old folder replace a new one.
pub fn folder_time(folder: &str) -> Option<DateTime<Utc>> {
    let time = folder.split_inclusive('Z').next()?;
    let basic = || NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%S%.fZ").map(|time| time.and_utc());
    time.replace("%3A", ":").replace("%3a", ":").parse().or_else(|_| basic()).ok()
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
    let turn = Turn::default();
    let source = PinnedObject::with_turn(export, chunk, &turn);
    let mut visit = |_: &_| ();
    let reduced = Box::pin(chunk::reduce_with(&chunk.key, statement.period, kept, source, &mut visit)).await;
    let mut builder = reduced.map_err(from_source)?;
    let counts = mem::take(&mut builder.counts);
    let coded = builder.finish_coded();
    let (forgotten, _) = forgotten::read::<_, PipelineError>(ledger).await?;
    let lines = if forgotten.is_empty() {
        Columns::of_coded_lines(coded)
    } else {
        let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
        Columns::of_lines(&forgotten.lines(coded.into_lines()).map_err(out_of_range)?)
    };
    let stored = StoredReduction { chunk: chunk.key.clone(), etag: chunk.etag.clone(), counts, lines };
    // Whoever comes second has made the same object.
    let bytes = encode_compressed(&stored)?;
    drop(stored);
    let (Put::Written(_) | Put::Lost) = ledger.put_if_absent(&key, bytes).await?;
    drop(turn);
    Ok(true)
}

/// Declares a sealed delivery ready if all its chunks are reduced, exactly once. Returns whether it is ready.
pub async fn complete<L: Store>(ledger: &L, sealed: &SealedDelivery, kept: &KeptTags) -> Result<bool, PipelineError> {
    let statement = sealed.statement();
    for chunk in &sealed.chunks {
        if ledger.head(&statement.reduction_key(&chunk.key, &chunk.etag, kept)).await?.is_none() {
            return Ok(false);
        }
    }
    let ready = ReadyDelivery { delivery: sealed.clone() };
    let key = statement.ready_key(&sealed.delivery_id);
    if let Put::Written(_) = ledger.put_if_absent(&key, encode(&ready)?).await? {
        return Ok(true);
    }
    // Whoever was faster may have had other files, which were replaced since: then this one is to be sealed again.
    let stored = past::ready(ledger, &statement, &sealed.delivery_id).await?;
    Ok(stored.is_some_and(|stored| past::same_files(&stored, sealed)))
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
            // An event has no clock: the sweep knows how long it has been so.
            Seal::Unquiet { .. } | Seal::Unsure(_) => Ok(Ingested::Waiting),
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

/// What an object of an export is of; `None` of any other object.
pub fn statement(key: &str) -> Option<Statement> {
    match layout::classify_key(key) {
        ObjectKind::Manifest { export, period, .. } | ObjectKind::Chunk { export, period, .. } => {
            Some(Statement { export_id: export.export_id(), period })
        }
        ObjectKind::Stranger { .. } => None,
    }
}

/// The deliveries that list `chunk_key`, are sealed, and are not ready yet.
async fn sealed_with_chunk<L: Store>(
    ledger: &L,
    statement: &Statement,
    chunk_key: &str,
) -> Result<Vec<SealedDelivery>, PipelineError> {
    let objects = ledger.list(&statement.deliveries_prefix()).await?;
    let keys: BTreeSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    let mut found = Vec::new();
    for delivery in keys.iter().filter_map(|key| key.strip_suffix("/sealed.json")) {
        // What is ready needs its seal no more: one that is damaged must not keep others from being completed.
        if keys.contains(format!("{delivery}/ready.json").as_str()) {
            continue;
        }
        let key = format!("{delivery}/sealed.json");
        let Some((bytes, _)) = ledger.get(&key).await? else { continue };
        let sealed: SealedDelivery = decode(&key, &bytes)?;
        if sealed.chunks.iter().any(|chunk| chunk.key == chunk_key) {
            found.push(sealed);
        }
    }
    Ok(found)
}

/// A reduction that was stored, with its lines: that of the release before, where this one has not read the chunk.
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
    let earlier = statement.earlier_reduction_key(&chunk.key, &chunk.etag, kept);
    let (key, bytes) = match ledger.get(&key).await? {
        Some((bytes, _)) => (key, bytes),
        None => match ledger.get(&earlier).await? {
            Some((bytes, _)) => (earlier, bytes),
            None => return Err(not_found(&key).into()),
        },
    };
    let stored: StoredReduction = decode_compressed(&key, &bytes)?;
    if let Err((column, reason)) = stored.lines.check_texts() {
        return Err(PipelineError::Overlong { key, chunk: stored.chunk, column, reason });
    }
    let lines = stored.lines.into_lines().map_err(|source| PipelineError::Columns { key, source })?;
    Ok(Reduction { counts: stored.counts, lines })
}

/// What kept a chunk from being read is the store's error where it has one: a chunk that was replaced meanwhile is
/// waited for, and one that may not be read is a person's matter.
fn from_source(error: CurError) -> PipelineError {
    match error {
        CurError::Source { file, range, source } => match source.downcast::<StoreError>() {
            Ok(error) => PipelineError::Store(*error),
            Err(source) => PipelineError::Export(CurError::Source { file, range, source }),
        },
        error => PipelineError::Export(error),
    }
}

fn pinned(head: ObjectHead) -> PinnedChunk {
    PinnedChunk { key: head.key, etag: head.etag, size: head.size, last_modified: head.last_modified }
}

fn not_found(key: &str) -> StoreError {
    StoreError::NotFound { key: key.to_owned() }
}

#[cfg(test)]
mod tests {
    use spend_core::bill::line::{LineField, LineKey, Measures, ScanCounts};
    use spend_core::errors::class::Class;
    use spend_ledger::store::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_reduction_of_before_texts_had_a_limit_is_refused_with_its_cure() {
        let statement = Statement { export_id: "e".to_owned(), period: "2026-11".parse().unwrap() };
        let chunk = PinnedChunk {
            key: "e/data/BILLING_PERIOD=2026-11/e-00001.csv.gz".to_owned(),
            etag: spend_ledger::store::ETag("1".to_owned()),
            size: 1,
            last_modified: DateTime::UNIX_EPOCH,
        };
        for (length, is_read) in [(2_048, true), (110 << 10, false)] {
            let fields = LineField::ALL.map(|_| Arc::from("x".repeat(length)));
            let key = LineKey { usage_date: statement.period.first_day(), fields, tags: Arc::default() };
            let lines = Columns::of_lines(&[(key, Measures::default())]);
            let (name, etag) = (chunk.key.clone(), chunk.etag.clone());
            let stored = StoredReduction { chunk: name, etag, counts: ScanCounts::default(), lines };
            let ledger = MemoryStore::default();
            let kept = KeptTags::default();
            let at = statement.reduction_key(&chunk.key, &chunk.etag, &kept);
            let (Put::Written(_) | Put::Lost) =
                ledger.put_if_absent(&at, encode_compressed(&stored).unwrap()).await.unwrap();
            let read = load_reduction(&ledger, &statement, &chunk, &kept).await;
            assert_eq!(read.is_ok(), is_read);
            let Err(error) = read else { continue };
            assert_eq!((error.kind(), error.class()), ("export.too_long", Class::Operator));
            let text = error.to_string();
            assert!(
                text.starts_with(&at) && text.contains(&chunk.key) && text.contains(" remove the object"),
                "{text}"
            );
            assert!(text.len() < 1_000, "{text}");
        }
    }

    #[test]
    fn a_folders_time_is_read_however_it_is_spelled() {
        let time: DateTime<Utc> = "2026-11-19T05:10:00Z".parse().unwrap();
        for folder in ["2026-11-19T05:10:00Z-0a1b", "2026-11-19T05%3A10%3a00.000Z-Z", "20261119T051000Z-0a1b"] {
            assert_eq!(folder_time(folder), Some(time), "{folder}");
        }
        for folder in ["", "0a1b", "2026-11-19", "20261119T0510Z-0a1b", "Z", "%3AZ"] {
            assert_eq!(folder_time(folder), None, "{folder}");
        }
    }
}
