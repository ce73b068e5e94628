//! The step ready: a delivery whose chunks are all reduced is declared ready, exactly once.

use spend_core::bill::line::KeptTags;
use spend_ledger::state::delivery::{ReadyDelivery, SealedDelivery};
use spend_ledger::state::document::{decode, encode};
use spend_ledger::state::keys::Statement;
use spend_ledger::store::{Put, Store};

use crate::error::PipelineError;

/// Declares a sealed delivery ready if all its chunks are reduced, exactly once. Returns whether it is ready.
pub async fn complete<L: Store>(ledger: &L, sealed: &SealedDelivery, kept: &KeptTags) -> Result<bool, PipelineError> {
    let statement = sealed.statement();
    for chunk in &sealed.chunks {
        if ledger.head(&statement.reduction_key(&chunk.key, &chunk.etag, kept)).await?.is_none() {
            return Ok(false);
        }
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
