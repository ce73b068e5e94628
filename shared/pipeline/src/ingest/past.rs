//! What was sealed of a statement before, and which files of a delivery are not its own yet.
//!
//! An export that overwrites writes every file anew with each delivery, and the manifest last. Where AWS writes, a manifest's
//! files are there before it. A replica promises no order between objects (Amazon S3 user guide, "Replicating objects"),
//! so that a manifest may stand beside files of the delivery before.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use spend_ledger::state::commit::{DeliveryOrder, OrderSource};
use spend_ledger::state::delivery::{PinnedChunk, SealedDelivery, SeenManifest};
use spend_ledger::state::document::decode;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;

use crate::error::PipelineError;
use crate::ingest::ready::ready;
use crate::ingest::times::FileTimes;

/// How many objects are read at once.
const READ_AT_ONCE: usize = 8;

/// A delivery as the ledger has it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// As it was when it became ready; until then, as it is sealed.
    pub(crate) delivery: SealedDelivery,
    /// Whether it is ready: then nothing changes it any more.
    pub(crate) is_ready: bool,
}

impl Stored {
    /// Reads one delivery.
    pub(crate) async fn read<L: Store>(
        ledger: &L,
        statement: &Statement,
        delivery_id: &str,
    ) -> Result<Option<Self>, PipelineError> {
        if let Some(delivery) = ready(ledger, statement, delivery_id).await? {
            return Ok(Some(Self { delivery, is_ready: true }));
        }
        let key = statement.sealed_key(delivery_id);
        let Some((bytes, _)) = ledger.get(&key).await? else { return Ok(None) };
        Ok(Some(Self { delivery: decode(&key, &bytes)?, is_ready: false }))
    }
}

/// What was sealed of a statement before.
#[derive(Default)]
pub(crate) struct Past {
    stored: Vec<Stored>,
    seen: Vec<SeenManifest>,
}

impl Past {
    pub(crate) async fn read<L: Store>(ledger: &L, statement: &Statement) -> Result<Self, PipelineError> {
        let prefix = statement.deliveries_prefix();
        let objects = ledger.list(&prefix).await?;
        let ids: BTreeSet<&str> =
            objects.iter().filter_map(|object| Some(object.key.strip_prefix(&prefix)?.split_once('/')?.0)).collect();
        let reads: Vec<_> = ids.into_iter().map(|id| Stored::read(ledger, statement, id)).collect();
        let stored: Vec<_> = stream::iter(reads).buffered(READ_AT_ONCE).try_collect().await?;
        let mut seen = Vec::new();
        for object in objects.iter().filter(|object| object.key.ends_with("/manifest.json")) {
            let Some((bytes, _)) = ledger.get(&object.key).await? else { continue };
            seen.push(decode(&object.key, &bytes)?);
        }
        Ok(Self { stored: stored.into_iter().flatten().collect(), seen })
    }

    /// What was sealed of the same manifest as `delivery`, in the order in which it was.
    pub(crate) fn own(&self, delivery: &SealedDelivery) -> Vec<&Stored> {
        let is_own = |stored: &&Stored| stored.delivery.execution() == delivery.execution();
        let mut own: Vec<_> = self.stored.iter().filter(is_own).collect();
        own.sort_by_key(|stored| (stored.delivery.order.at, stored.delivery.replaces.len()));
        own
    }

    /// The files of `delivery`, by key, that are an earlier delivery's: it pinned them, or, where times tell, they are
    /// no newer than its manifest.
    pub(crate) fn earlier(&self, delivery: &SealedDelivery, times: FileTimes) -> Vec<String> {
        let others = || {
            let all = self.stored.iter().map(|stored| &stored.delivery);
            all.filter(|other| other.execution() != delivery.execution() && !is_same(other, delivery))
        };
        let pinned: BTreeSet<&PinnedChunk> = others().flat_map(|other| &other.chunks).collect();
        let seen = self.seen.iter().filter(|seen| seen.execution != delivery.execution).map(|seen| seen.order);
        // A manifest that an overwriting export wrote before this one: files that are no newer than it belong to its delivery.
        let is_before = |order: &DeliveryOrder| {
            let overwrites = |order: DeliveryOrder| order.source == OrderSource::LastModified;
            overwrites(*order) && overwrites(delivery.order) && order.at < delivery.order.at
        };
        let orders = others().map(|other| other.order).chain(seen).filter(is_before);
        let last = orders.map(|order| order.at).max().filter(|_| times == FileTimes::Delivered);
        // S3 tells seconds. A file of the same second as an earlier manifest is that delivery's, unless that delivery pinned
        // another version of it: then this version came later.
        let pinned_last: BTreeSet<&str> = others()
            .filter(|other| last.is_some_and(|last| is_before(&other.order) && other.order.at == last))
            .flat_map(|other| other.chunks.iter().map(|chunk| chunk.key.as_str()))
            .collect();
        let is_until = |chunk: &PinnedChunk, last| {
            chunk.last_modified < last || chunk.last_modified == last && !pinned_last.contains(chunk.key.as_str())
        };
        let is_earlier =
            |chunk: &&PinnedChunk| pinned.contains(chunk) || last.is_some_and(|last| is_until(chunk, last));
        delivery.chunks.iter().filter(is_earlier).map(|chunk| chunk.key.clone()).collect()
    }
}

/// Whether two names are of one delivery: `other` took these files as they were found, before their manifest came or without
/// one, or took those of them that were there by then.
fn is_same(other: &SealedDelivery, delivery: &SealedDelivery) -> bool {
    let has_all = |has: &SealedDelivery, of: &SealedDelivery| {
        of.chunks.iter().all(|chunk| has.chunks.binary_search(chunk).is_ok())
    };
    let is_as_found = other.unverified && other.earlier.is_empty();
    is_as_found && (has_all(other, delivery) || other.manifest.is_empty() && has_all(delivery, other))
}

#[cfg(test)]
mod tests;
