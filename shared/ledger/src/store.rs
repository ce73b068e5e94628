//! The port to stored objects, with S3's contract: what is written is seen by the next read, and writes of state are
//! conditional. The ledger's own bucket is read and written through it, the export's bucket is read through it.

use std::fmt;
use std::future::Future;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An object's version token. Opaque: two versions with equal tags have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ETag(pub String);

impl fmt::Display for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// An object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// The key, with `/` between its parts.
    pub key: String,
    /// Which version it is.
    pub etag: ETag,
    /// Its length in bytes.
    pub size: u64,
    /// When this version was written.
    pub last_modified: DateTime<Utc>,
}

/// What a conditional write came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lost race is not an error, but it is not a write either"]
pub enum Put {
    /// The object was written; this is its new version.
    Written(ETag),
    /// Somebody else's version stands: nothing was written.
    Lost,
}

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object is not there.
    #[error("{key} does not exist")]
    NotFound {
        /// The object.
        key: String,
    },
    /// The version asked for is not the current one any more.
    #[error("{key} is not at version {etag} any more: it was replaced while it was being read")]
    Replaced {
        /// The object.
        key: String,
        /// The version asked for.
        etag: ETag,
    },
    /// The key cannot name an object in this store.
    #[error("{key:?} cannot be a key here: {reason}")]
    BadKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The store failed; the call may have had its effect.
    #[error("failed to {action} {key}: {source}")]
    Unavailable {
        /// What was being done.
        action: &'static str,
        /// The object.
        key: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Objects by key. Every method answers from the latest state (strong read-after-write, as S3 has it).
pub trait Store: Sync {
    /// The object's bytes and version, or `None` if there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<(Bytes, ETag)>, StoreError>> + Send;

    /// A part of the version `etag`: `range` is in bytes and must lie within the object.
    ///
    /// Fails with [`StoreError::Replaced`] if the object has another version by now.
    fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        etag: &ETag,
    ) -> impl Future<Output = Result<Bytes, StoreError>> + Send;

    /// The object without its bytes, or `None` if there is none.
    fn head(&self, key: &str) -> impl Future<Output = Result<Option<ObjectHead>, StoreError>> + Send;

    /// All objects whose keys start with `prefix`, sorted by key.
    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<ObjectHead>, StoreError>> + Send;

    /// Writes the object if there is none (`If-None-Match: *`).
    fn put_if_absent(&self, key: &str, bytes: Bytes) -> impl Future<Output = Result<Put, StoreError>> + Send;

    /// Writes the object if its version is `etag` (`If-Match`).
    fn put_if_match(
        &self,
        key: &str,
        bytes: Bytes,
        etag: &ETag,
    ) -> impl Future<Output = Result<Put, StoreError>> + Send;
}
