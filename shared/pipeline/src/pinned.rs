//! One version of an object of the export, read by range.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use spend_cur::source::{ChunkSource, SourceError};
use spend_ledger::state::PinnedChunk;
use spend_ledger::store::Store;

/// Reads one version of a chunk: every range is of that version or fails.
pub(crate) struct PinnedObject<S> {
    store: Arc<S>,
    chunk: PinnedChunk,
}

impl<S> PinnedObject<S> {
    pub(crate) fn new(store: &Arc<S>, chunk: &PinnedChunk) -> Self {
        Self { store: Arc::clone(store), chunk: chunk.clone() }
    }
}

impl<S: Store + Send + 'static> ChunkSource for PinnedObject<S> {
    fn size(&self) -> u64 {
        self.chunk.size
    }

    async fn read(&mut self, range: Range<u64>) -> Result<Bytes, SourceError> {
        Ok(self.store.get_range(&self.chunk.key, range, &self.chunk.etag).await?)
    }
}
