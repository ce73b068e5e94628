//! Where an export is read from: a folder, or (with the feature `s3`) the bucket itself. It is never written to.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use spend_ledger::store::directory::DirectoryStore;
use spend_ledger::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};

use crate::error::CommandError;

/// What a path in S3 begins with.
pub(crate) const S3: &str = "s3://";

/// An export's objects, for reading.
#[derive(Debug)]
pub(crate) enum ExportStore {
    Folder(DirectoryStore),
    /// In a bucket, or below a prefix of one.
    #[cfg(feature = "s3")]
    Bucket(spend_aws::s3_store::S3Store),
}

impl ExportStore {
    /// The store at `path`, and the name of its last folder.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: there is no such folder; or a bucket is named as none can be, or to a program that was built
    /// without the feature.
    pub(crate) async fn open(path: &Path) -> Result<(Self, Option<String>), CommandError> {
        if let Some(place) = path.to_str().and_then(|path| path.strip_prefix(S3)) {
            return bucket(place).await;
        }
        let store = DirectoryStore::open_read_only(path.to_owned());
        let store = store.map_err(|error| CommandError::of_folder("--export", path, error))?;
        // `.` has a name too.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok((Self::Folder(store), real.file_name().map(|name| name.to_string_lossy().into_owned())))
    }

    /// What of a folder's files was not listed, with why: links, and paths that are too long. Nothing of a bucket.
    pub(crate) fn left_out(&self) -> Option<String> {
        let left_out = match self {
            Self::Folder(store) => store.left_out(),
            #[cfg(feature = "s3")]
            Self::Bucket(_) => Vec::new(),
        };
        let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for one in &left_out {
            reasons.entry(one.reason).or_insert((0, &one.key)).0 += 1;
        }
        let reasons = reasons.iter().map(|(reason, (count, example))| format!("{count} because {reason} ({example})"));
        let reasons: Vec<_> = reasons.collect();
        let paths = if left_out.len() == 1 { "1 path was" } else { &format!("{} paths were", left_out.len()) };
        (!left_out.is_empty()).then(|| format!("{paths} left out and not looked into: {}", reasons.join("; ")))
    }
}

#[cfg(feature = "s3")]
async fn bucket(place: &str) -> Result<(ExportStore, Option<String>), CommandError> {
    let (bucket, prefix) = split(place)?;
    let folder = prefix.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned);
    let config = spend_aws::clients::of_a_person().await;
    spend_aws::clients::ready(&config)
        .await
        .map_err(|error| CommandError::NotReady(format!("{S3}{place} cannot be read: {error}")))?;
    Ok((ExportStore::Bucket(spend_aws::s3_store::S3Store::new(&config, bucket, prefix)), folder))
}

#[cfg(not(feature = "s3"))]
#[expect(clippy::unused_async, reason = "with the feature it asks the environment")]
async fn bucket(place: &str) -> Result<(ExportStore, Option<String>), CommandError> {
    split(place)?;
    Err(without_the_feature(place))
}

/// Tests are built with the feature, as all of the workspace is.
#[cfg(any(test, not(feature = "s3")))]
fn without_the_feature(place: &str) -> CommandError {
    CommandError::Unsupported(format!(
        "{S3}{place} cannot be read by this program, which was built without it: build it by cargo build --release -p \
         bedrock-ledger --features s3, or copy the export to a folder"
    ))
}

/// The bucket, and what its keys begin with: a folder's name ends at a slash.
fn split(place: &str) -> Result<(&str, String), CommandError> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err(CommandError::Unsupported(format!("{S3}{place} names no bucket: write {S3}BUCKET[/PREFIX]")));
    }
    let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
    Ok((bucket, format!("{prefix}{slash}")))
}

impl Store for ExportStore {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        match self {
            Self::Folder(store) => store.get(key).await,
            #[cfg(feature = "s3")]
            Self::Bucket(store) => store.get(key).await,
        }
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        match self {
            Self::Folder(store) => store.get_range(key, range, etag).await,
            #[cfg(feature = "s3")]
            Self::Bucket(store) => store.get_range(key, range, etag).await,
        }
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        match self {
            Self::Folder(store) => store.head(key).await,
            #[cfg(feature = "s3")]
            Self::Bucket(store) => store.head(key).await,
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        match self {
            Self::Folder(store) => store.list(prefix).await,
            #[cfg(feature = "s3")]
            Self::Bucket(store) => store.list(prefix).await,
        }
    }

    async fn put_if_absent(&self, key: &str, _: Bytes) -> Result<Put, StoreError> {
        Err(StoreError::ReadOnly { key: key.to_owned() })
    }

    async fn put_if_match(&self, key: &str, _: Bytes, _: &ETag) -> Result<Put, StoreError> {
        Err(StoreError::ReadOnly { key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use spend_core::errors::fault::Fault;

    use super::*;

    #[test]
    fn a_prefix_ends_at_a_slash_and_a_bucket_has_a_name() {
        assert_eq!(split("b").unwrap(), ("b", String::new()));
        assert_eq!(split("b/").unwrap(), ("b", String::new()));
        assert_eq!(split("b/p/q").unwrap(), ("b", "p/q/".to_owned()));
        assert_eq!(split("b/p/").unwrap(), ("b", "p/".to_owned()));
        for place in ["", "/p"] {
            assert!(split(place).unwrap_err().to_string().contains("names no bucket"), "{place}");
        }
    }

    #[test]
    fn a_program_without_the_feature_says_how_to_build_one_with_it() {
        let error = without_the_feature("bucket/prefix");
        assert_eq!(error.kind(), "usage");
        let text = error.to_string();
        assert!(text.contains("s3://bucket/prefix") && text.contains("--features s3"), "{text}");
    }
}
