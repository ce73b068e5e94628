//! The step ready: a delivery whose chunks are all reduced is declared ready, exactly once.

use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use spend_core::bill::line::KeptTags;
use spend_ledger::state::delivery::{PinnedChunk, ReadyDelivery, SealedDelivery};
use spend_ledger::state::document::{decode, encode};
use spend_ledger::state::keys::Statement;
use spend_ledger::store::{Put, Store, StoreError};

use crate::error::PipelineError;

/// Of how many files it is asked at once whether they are there. A delivery may have ten thousand, and one after the other
/// they would take longer than a function has.
pub(crate) const ASKED_AT_ONCE: usize = 16;

/// Declares a sealed delivery ready if all its chunks are reduced, exactly once. Returns whether it is ready.
pub async fn complete<L: Store>(ledger: &L, sealed: &SealedDelivery, kept: &KeptTags) -> Result<bool, PipelineError> {
    let statement = sealed.statement();
    let asked = sealed.chunks.iter().map(|chunk| is_reduced(ledger, &statement, chunk, kept));
    if !stream::iter(asked).buffered(ASKED_AT_ONCE).try_all(future::ready).await? {
        return Ok(false);
    }
    let declared = ReadyDelivery { delivery: sealed.clone() };
    let key = statement.ready_key(&sealed.delivery_id);
    if let Put::Written(_) = ledger.put_if_absent(&key, encode(&declared)?).await? {
        return Ok(true);
    }
    // The writer that was faster may have declared other files ready, which were replaced since: then this delivery must be
    // sealed again.
    let stored = ready(ledger, &statement, &sealed.delivery_id).await?;
    Ok(stored.is_some_and(|stored| same_files(&stored, sealed)))
}

async fn is_reduced<L: Store>(
    ledger: &L,
    statement: &Statement,
    chunk: &PinnedChunk,
    kept: &KeptTags,
) -> Result<bool, StoreError> {
    let head = ledger.head(&statement.reduction_key(&chunk.key, &chunk.etag, kept)).await?;
    Ok(head.is_some())
}

/// A delivery as it was when it became ready, if it is.
pub(crate) async fn ready<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery_id: &str,
) -> Result<Option<SealedDelivery>, PipelineError> {
    let key = statement.ready_key(delivery_id);
    let Some((bytes, _)) = ledger.get(&key).await? else { return Ok(None) };
    let ReadyDelivery { delivery } = decode(&key, &bytes)?;
    Ok(Some(delivery))
}

/// Whether two deliveries consist of the same contents, whenever they were written.
pub(crate) fn same_files(one: &SealedDelivery, other: &SealedDelivery) -> bool {
    let contents = |delivery: &SealedDelivery| {
        delivery.chunks.iter().map(|chunk| (chunk.key.clone(), chunk.etag.clone())).collect::<Vec<_>>()
    };
    contents(one) == contents(other)
}
