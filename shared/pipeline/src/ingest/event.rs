//! The steps as an event asks for them: one object was created in the export's bucket.

use std::collections::BTreeSet;
use std::sync::Arc;

use spend_core::bill::line::KeptTags;
use spend_cur::delivery::layout::{self, ObjectKind};
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::document::decode;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;

use crate::error::{PipelineError, not_found};
use crate::files::pinned::pinned;
use crate::ingest::pin::Seal;
use crate::ingest::ready::complete;
use crate::ingest::reduce::map;
use crate::ingest::seal::seal;
use crate::ingest::times::FileTimes;

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
    /// The object belongs to no export.
    Ignored {
        /// Why.
        reason: &'static str,
    },
}

/// Handles one object that was created in the export's bucket: a chunk is reduced, and a manifest is sealed. A sealed
/// delivery whose chunks are all reduced by then is declared ready.
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
        ObjectKind::Ignored { reason } => Ok(Ingested::Ignored { reason }),
        ObjectKind::Manifest { .. } => match seal(&**export, ledger, bucket, key, times).await? {
            Seal::Incomplete { chunks, .. } => Ok(Ingested::Incomplete { chunks }),
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
