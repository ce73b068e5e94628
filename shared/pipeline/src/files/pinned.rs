//! One version of an object of the export, read by range.

use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use futures::lock::{Mutex as AsyncMutex, OwnedMutexGuard};
use spend_cur::bytes::source::{ChunkSource, SourceError};
use spend_ledger::state::delivery::PinnedChunk;
use spend_ledger::store::{ObjectHead, Store};

/// The lock of the one chunk in a process that may take a lot of memory.
static TURN: LazyLock<Arc<AsyncMutex<()>>> = LazyLock::new(Arc::default);

/// The turn to take a lot of memory, once it was taken. Dropping the last copy gives it up.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<Option<OwnedMutexGuard<()>>>>);

impl Turn {
    /// Waits for the turn, unless it is this one's already.
    async fn take(&self) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        let taken = Arc::clone(&TURN).lock_owned().await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken);
    }
}

/// Reads one version of a chunk: every range is of that version or fails.
pub(crate) struct PinnedObject<S> {
    store: Arc<S>,
    chunk: PinnedChunk,
    turn: Turn,
}

impl<S> PinnedObject<S> {
    pub(crate) fn new(store: &Arc<S>, chunk: &PinnedChunk) -> Self {
        Self::with_turn(store, chunk, &Turn::default())
    }

    /// As [`PinnedObject::new`], where what was read takes memory until `turn` is dropped.
    pub(crate) fn with_turn(store: &Arc<S>, chunk: &PinnedChunk, turn: &Turn) -> Self {
        Self { store: Arc::clone(store), chunk: chunk.clone(), turn: turn.clone() }
    }
}

impl<S: Store + Send + 'static> ChunkSource for PinnedObject<S> {
    fn size(&self) -> u64 {
        self.chunk.size
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        Ok(self.store.get_range(&self.chunk.key, range, &self.chunk.etag).await?)
    }

    async fn grow(&mut self) {
        self.turn.take().await;
    }
}

pub(crate) fn pinned(head: ObjectHead) -> PinnedChunk {
    PinnedChunk { key: head.key, etag: head.etag, size: head.size, last_modified: head.last_modified }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_chunk_at_a_time_takes_a_lot_of_memory() {
        let (one, other) = (Turn::default(), Turn::default());
        one.take().await;
        one.clone().take().await;
        assert!(other.take().now_or_never().is_none(), "it waits");
        drop(one);
        other.take().await;
    }
}
