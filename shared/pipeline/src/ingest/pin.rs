//! Pinning a delivery: which version of each file it consists of, under which id, and after which other.

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use spend_ledger::state::commit::{DeliveryOrder, OrderSource};
use spend_ledger::state::delivery::{PinnedChunk, SealedDelivery};
use spend_ledger::state::document::{decode, encode};
use spend_ledger::state::keys;
use spend_ledger::store::conditional::ATTEMPTS;
use spend_ledger::store::{Put, Store, StoreError};

use crate::error::{PipelineError, not_found};
use crate::ingest::past::Stored;
use crate::ingest::ready::{self, ASKED_AT_ONCE};
use crate::ingest::times::FileTimes;

/// What became of a delivery that was to be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// The delivery is pinned.
    Sealed(SealedDelivery),
    /// Files are missing or already belong to the next delivery: the next manifest is waited for.
    Incomplete {
        /// The files, by key.
        chunks: Vec<String>,
        /// When the delivery was made.
        order: DeliveryOrder,
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

/// The ids of deliveries that `delivery` replaces, of those that were sealed of the same manifest: whose time is the same
/// second (S3 tells seconds), so that the order of deliveries would not keep them from being applied after it.
pub(crate) fn before(own: &[&Stored], delivery: &SealedDelivery) -> Vec<String> {
    let tied = own.iter().map(|stored| &stored.delivery).filter(|other| {
        let is_tied = other.order.at.timestamp() == delivery.order.at.timestamp();
        is_tied && other.delivery_id != delivery.delivery_id
    });
    tied.map(|other| other.delivery_id.clone()).collect()
}

/// Whether every file of the delivery is still the version that was pinned.
///
/// # Errors
///
/// [`StoreError`]; [`StoreError::Replaced`] or [`StoreError::NotFound`] if one is not.
pub async fn still_stands<E: Store>(export: &E, sealed: &SealedDelivery) -> Result<(), StoreError> {
    let asked = sealed.chunks.iter().map(|chunk| is_unchanged(export, chunk));
    stream::iter(asked).buffered(ASKED_AT_ONCE).try_collect().await
}

async fn is_unchanged<E: Store>(export: &E, chunk: &PinnedChunk) -> Result<(), StoreError> {
    let head = export.head(&chunk.key).await?.ok_or_else(|| not_found(&chunk.key))?;
    if head.etag == chunk.etag { Ok(()) } else { Err(StoreError::Replaced { key: head.key, etag: chunk.etag.clone() }) }
}

pub(crate) fn order(folder: Option<DateTime<Utc>>, times: FileTimes, last_modified: DateTime<Utc>) -> DeliveryOrder {
    match (folder, times) {
        (Some(at), _) => DeliveryOrder { source: OrderSource::Folder, at },
        (None, FileTimes::Delivered | FileTimes::Arriving) => {
            DeliveryOrder { source: OrderSource::LastModified, at: last_modified }
        }
        (None, FileTimes::Copied) => DeliveryOrder { source: OrderSource::Arrival, at: last_modified },
    }
}

/// The id of a delivery without an execution id: what was delivered names it, since an unchanged manifest may list
/// changed files.
pub(crate) fn hash_of(kind: &str, source: &str, chunks: &[PinnedChunk]) -> String {
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
    let statement = delivery.statement();
    let key = statement.sealed_key(&delivery.delivery_id);
    for _ in 0..ATTEMPTS {
        if let Put::Written(_) = ledger.put_if_absent(&key, encode(&delivery)?).await? {
            return Ok(delivery);
        }
        let Some((bytes, etag)) = ledger.get(&key).await? else { continue };
        let stored: SealedDelivery = decode(&key, &bytes)?;
        match ready::ready(ledger, &statement, &delivery.delivery_id).await? {
            Some(ready) if ready::same_files(&ready, &delivery) => return Ok(ready),
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
