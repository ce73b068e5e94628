//! The versions of a folder's files that a ledger knows keep their names.

use std::collections::BTreeSet;

use bytes::Bytes;
use spend_ledger::state::delivery::{PinnedChunk, ReadyDelivery, SealedDelivery};
use spend_ledger::state::document::decode;
use spend_ledger::state::keys::DELIVERIES_PREFIX;
use spend_ledger::store::directory::DirectoryStore;
use spend_ledger::store::{Store as _, StoreError};

use crate::export_store::ExportStore;

/// Lets the files that deliveries of `ledger` consist of have the versions which those deliveries name, as long as they
/// are the same files: the release before named the versions of large files otherwise. A bucket names its versions
/// itself.
pub(crate) async fn keep(export: &ExportStore, ledger: &DirectoryStore) -> Result<(), StoreError> {
    let folder = match export {
        ExportStore::Folder(folder) => folder,
        #[cfg(feature = "s3")]
        ExportStore::Bucket(_) => return Ok(()),
    };
    let objects = ledger.list(DELIVERIES_PREFIX).await?;
    let keys: BTreeSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    for key in &keys {
        // What is ready has the same files as what was sealed.
        let is_ready = |folder: &str| keys.contains(format!("{folder}/ready.json").as_str());
        if !key.ends_with("/ready.json") && key.strip_suffix("/sealed.json").is_none_or(is_ready) {
            continue;
        }
        let Some((bytes, _)) = ledger.get(key).await? else { continue };
        folder.keep_names(pinned(key, &bytes).into_iter().map(|chunk| (chunk.size, chunk.etag)));
    }
    Ok(())
}

/// The files of the delivery that is stored at `key`. An object that cannot be read is an error of the step that needs it.
fn pinned(key: &str, bytes: &Bytes) -> Vec<PinnedChunk> {
    let delivery = if key.ends_with("/ready.json") {
        decode(key, bytes).map(|ReadyDelivery { delivery }| delivery)
    } else {
        decode::<SealedDelivery>(key, bytes)
    };
    delivery.map(|delivery| delivery.chunks).unwrap_or_default()
}
