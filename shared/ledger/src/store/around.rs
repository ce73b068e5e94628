//! A store around another for tests, which comes in before each call: to fail it, to hold it up, or to change something.

use std::ops::Range;

use bytes::Bytes;

use crate::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};

/// A method of [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Get,
    GetRange,
    Head,
    List,
    PutIfAbsent,
    PutIfMatch,
}

impl Access {
    /// Whether it reads an object's bytes.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::GetRange)
    }
}

/// What happens before a call.
pub trait Before: Sync {
    /// `key` is a prefix where the call lists. An error is the call's.
    fn before(&self, access: Access, key: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The store `inner`, with `before` in front of each call.
#[derive(Debug)]
pub struct Around<S, B> {
    pub inner: S,
    pub before: B,
}

impl<S: Store, B: Before> Store for Around<S, B> {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        self.before.before(Access::Get, key).await?;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.before.before(Access::GetRange, key).await?;
        self.inner.get_range(key, range, etag).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.before.before(Access::Head, key).await?;
        self.inner.head(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        self.before.before(Access::List, prefix).await?;
        self.inner.list(prefix).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.before.before(Access::PutIfAbsent, key).await?;
        self.inner.put_if_absent(key, bytes).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.before.before(Access::PutIfMatch, key).await?;
        self.inner.put_if_match(key, bytes, etag).await
    }
}
