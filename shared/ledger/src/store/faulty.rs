//! A store that fails on schedule, to test what a crash at any call leaves behind.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};

/// On which side of a call's effect it fails. To the caller both look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call has no effect.
    Before,
    /// The call has its effect, and the answer is lost.
    After,
}

/// The injected failure.
#[derive(Debug, thiserror::Error)]
#[error("the test's schedule lets call {call} fail")]
struct Injected {
    call: u64,
}

/// A [`Store`] around another whose calls, counted from 1, fail as the schedule says.
///
/// A crash test runs a step once without faults to learn how many [calls](FaultyStore::calls) it makes, then once for
/// each call and each [`Fault`] with [`FaultyStore::crashing`] and again on the bare store, and compares the ends.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    faults: BTreeMap<u64, Fault>,
    /// From this call on nothing is done any more.
    dead_after: Option<u64>,
    calls: AtomicU64,
}

impl<S: Store> FaultyStore<S> {
    /// The named calls fail, and only those.
    pub fn failing(inner: S, faults: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        Self { inner, faults: faults.into_iter().collect(), dead_after: None, calls: AtomicU64::new(0) }
    }

    /// `call` fails, and after it every other: the process is gone.
    pub fn crashing(inner: S, call: u64, fault: Fault) -> Self {
        Self { dead_after: Some(call), ..Self::failing(inner, [(call, fault)]) }
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    async fn run<T>(
        &self,
        action: &'static str,
        key: &str,
        effect: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let failed = || StoreError::Unavailable { action, key: key.to_owned(), source: Box::new(Injected { call }) };
        if self.dead_after.is_some_and(|last| call > last) {
            return Err(failed());
        }
        match self.faults.get(&call) {
            None => effect.await,
            Some(Fault::Before) => Err(failed()),
            Some(Fault::After) => {
                effect.await?;
                Err(failed())
            }
        }
    }
}

impl<S: Store> Store for FaultyStore<S> {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        self.run("read", key, self.inner.get(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.run("read a part of", key, self.inner.get_range(key, range, etag)).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.run("look at", key, self.inner.head(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        self.run("list", prefix, self.inner.list(prefix)).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.run("write", key, self.inner.put_if_absent(key, bytes)).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.run("write", key, self.inner.put_if_match(key, bytes, etag)).await
    }
}

#[cfg(test)]
mod tests {
    use spend_core::errors::fault::Fault as _;

    use super::*;
    use crate::store::memory::MemoryStore;

    async fn put(store: &impl Store, key: &str) -> Result<Put, StoreError> {
        store.put_if_absent(key, Bytes::from_static(b"x")).await
    }

    #[tokio::test]
    async fn a_call_fails_before_or_after_its_effect() {
        let memory = MemoryStore::default();
        let store = FaultyStore::failing(&memory, [(1, Fault::Before), (2, Fault::After)]);
        assert_eq!(put(&store, "a").await.unwrap_err().kind(), "store.unavailable");
        assert_eq!(put(&store, "b").await.unwrap_err().kind(), "store.unavailable");
        assert!(matches!(put(&store, "c").await, Ok(Put::Written(_))));
        let keys: Vec<_> = memory.list("").await.unwrap().into_iter().map(|found| found.key).collect();
        assert_eq!(keys, ["b", "c"]);
        assert_eq!(store.calls(), 3);
    }

    #[tokio::test]
    async fn after_a_crash_nothing_is_done_any_more() {
        let memory = MemoryStore::default();
        let store = FaultyStore::crashing(&memory, 2, Fault::After);
        assert!(put(&store, "a").await.is_ok());
        for key in ["b", "c"] {
            assert!(put(&store, key).await.is_err());
        }
        let keys: Vec<_> = memory.list("").await.unwrap().into_iter().map(|found| found.key).collect();
        assert_eq!(keys, ["a", "b"]);
    }
}
