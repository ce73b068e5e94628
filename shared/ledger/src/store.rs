//! The port to stored objects, with S3's contract: what is written is seen by the next read, and writes of state are
//! conditional. The ledger's own bucket is read and written through it, the export's bucket is read through it.
//!
//! - the port itself, [`Store`], and [`StoreError`] are here;
//! - `conditional`: replacing an object that others replace too;
//! - `directory`: a store in a folder; `directory::listing` lists it as S3 does, `directory::hashing` tells a file's version,
//!   `directory::disk` is what they share;
//! - `memory`: a store in memory; `faulty`: a store that fails when told to, for tests;
//! - `content_tag`: versions as hashes; `private_files`: files that only their owner reads;
//! - `contract`: what every store must do, as tests; `around`: a store around another that comes in before each call, for
//!   tests; `racing`: child processes for tests that race.

pub mod around;
pub mod conditional;
pub(crate) mod content_tag;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod directory;
pub mod faulty;
pub mod memory;
pub mod private_files;
#[cfg(test)]
pub(crate) mod racing;

use std::fmt;
use std::future::Future;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};

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
    /// When this version was written, in whole seconds, as S3 tells it.
    pub last_modified: DateTime<Utc>,
}

/// What a listing says of an object. Not its version: a store on a disk would have to read every object for it, and
/// by the time a listing is used the version may be another. [`Store::head`] answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSummary {
    /// The key, with `/` between its parts.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When this version was written, in whole seconds, as S3 tells it.
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
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The part asked for is not within the object.
    #[error("{key} has {size} bytes: bytes {start} to {end} were asked for; the object or an index to it is damaged")]
    BadRange {
        /// The object.
        key: String,
        /// The first byte asked for.
        start: u64,
        /// The end of the part, exclusive.
        end: u64,
        /// How many bytes there are.
        size: u64,
    },
    /// The store was opened for reading only.
    #[error("{key} cannot be written: this store was opened for reading only; nothing was written")]
    ReadOnly {
        /// The object.
        key: String,
    },
    /// The store does not let this program do that.
    #[error("not allowed to {action} {key}: {source}; grant this program access")]
    Denied {
        /// What was being done.
        action: &'static str,
        /// The object.
        key: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such bucket.
    #[error(
        "failed to {action} {key}: there is no bucket {bucket}; see that its name is spelt right, and that nobody has \
         deleted it ({source})"
    )]
    NoBucket {
        /// What was being done.
        action: &'static str,
        /// The object.
        key: String,
        bucket: String,
        /// What the service says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bucket is in another region than this program, which can do nothing with it from there.
    #[error("failed to {action} {key}: {place} ({source})")]
    OtherRegion {
        /// What was being done.
        action: &'static str,
        /// The object.
        key: String,
        /// Where the bucket is, and where this program.
        place: Box<Elsewhere>,
        /// What the service says.
        source: Box<dyn std::error::Error + Send + Sync>,
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

/// Where a bucket is, and where it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    pub bucket: String,
    /// The bucket's region.
    pub theirs: String,
    /// This program's.
    pub ours: String,
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, theirs, ours } = self;
        write!(
            formatter,
            "the bucket {bucket} is in the region {theirs}, and this program works in {ours}; deploy the stack in {theirs}, \
             or on your own machine set AWS_REGION to it; or replicate the bucket to {ours}, and name the replica"
        )
    }
}

impl Fault for StoreError {
    // An object that is gone or was replaced while it was read belongs to a delivery that the next one is overwriting: the
    // next one is waited for.
    fn says(&self) -> Says<'_> {
        match self {
            Self::NotFound { .. } => Says::Itself("store.not_found", Class::Wait),
            Self::Replaced { .. } => Says::Itself("store.replaced", Class::Wait),
            Self::BadKey { .. } => Says::Itself("store.bad_key", Class::Operator),
            Self::BadRange { .. } => Says::Itself("store.bad_range", Class::Operator),
            Self::ReadOnly { .. } => Says::Itself("store.read_only", Class::Operator),
            Self::Denied { .. } => Says::Itself("store.denied", Class::Operator),
            Self::NoBucket { .. } => Says::Itself("store.no_bucket", Class::Operator),
            Self::OtherRegion { .. } => Says::Itself("store.other_region", Class::Operator),
            Self::Unavailable { .. } => Says::Itself("store.unavailable", Class::Retry),
        }
    }
}

/// The most bytes that a key has. Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
pub const MAX_KEY_BYTES: usize = 1024;

/// Whether `key` can name an object in every store: not only within S3's limits, but also a path of a file system. It
/// may begin with a `/`, as all keys do below a prefix that does.
pub fn check_key(key: &str) -> Result<(), StoreError> {
    let parts = || key.strip_prefix('/').unwrap_or(key).split('/');
    let reason = if key.is_empty() {
        "it is empty"
    } else if key.len() > MAX_KEY_BYTES {
        "it is longer than 1024 bytes"
    } else if key.contains('\0') {
        "it has a NUL in it"
    } else if parts().any(str::is_empty) {
        "one of the parts between its slashes is empty"
    } else if parts().any(|part| matches!(part, "." | "..")) {
        "`.` and `..` are not names"
    } else {
        return Ok(());
    };
    Err(StoreError::BadKey { key: key.to_owned(), reason })
}

/// Objects by key. Every method answers from the latest state (strong read-after-write, as S3 has it), and fails with
/// [`StoreError::BadKey`] on a key that cannot be one, with [`StoreError::Denied`] or [`StoreError::Unavailable`] when
/// the store does not answer.
pub trait Store: Sync {
    /// The object's bytes and version, or `None` if there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<(Bytes, ETag)>, StoreError>> + Send;

    /// A part of the version `etag`: `range` is in bytes and must lie within the object; it may be empty.
    ///
    /// Fails with [`StoreError::Replaced`] if the object has another version by now, with [`StoreError::NotFound`] if
    /// there is none, with [`StoreError::BadRange`] if the part is not within it: never with fewer bytes.
    fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        etag: &ETag,
    ) -> impl Future<Output = Result<Bytes, StoreError>> + Send;

    /// The object without its bytes, or `None` if there is none.
    fn head(&self, key: &str) -> impl Future<Output = Result<Option<ObjectHead>, StoreError>> + Send;

    /// All objects whose keys start with `prefix`, a string that need not end at a `/`, sorted by the keys' bytes.
    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<ObjectSummary>, StoreError>> + Send;

    /// Writes the object if there is none (`If-None-Match: *`).
    fn put_if_absent(&self, key: &str, bytes: Bytes) -> impl Future<Output = Result<Put, StoreError>> + Send;

    /// Writes the object if its version is `etag` (`If-Match`); where there is no object, the write is lost.
    fn put_if_match(
        &self,
        key: &str,
        bytes: Bytes,
        etag: &ETag,
    ) -> impl Future<Output = Result<Put, StoreError>> + Send;
}

/// A borrowed store is a store: several wrappers can stand around one.
impl<S: Store> Store for &S {
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<(Bytes, ETag)>, StoreError>> + Send {
        (**self).get(key)
    }

    fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        etag: &ETag,
    ) -> impl Future<Output = Result<Bytes, StoreError>> + Send {
        (**self).get_range(key, range, etag)
    }

    fn head(&self, key: &str) -> impl Future<Output = Result<Option<ObjectHead>, StoreError>> + Send {
        (**self).head(key)
    }

    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<ObjectSummary>, StoreError>> + Send {
        (**self).list(prefix)
    }

    fn put_if_absent(&self, key: &str, bytes: Bytes) -> impl Future<Output = Result<Put, StoreError>> + Send {
        (**self).put_if_absent(key, bytes)
    }

    fn put_if_match(
        &self,
        key: &str,
        bytes: Bytes,
        etag: &ETag,
    ) -> impl Future<Output = Result<Put, StoreError>> + Send {
        (**self).put_if_match(key, bytes, etag)
    }
}
