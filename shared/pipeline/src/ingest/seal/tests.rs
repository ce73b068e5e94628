//! What seal makes of manifests by their size.

use std::ops::Range;

use bytes::Bytes;
use spend_core::errors::fault::Fault as _;
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ETag, ObjectSummary};

use super::*;

const MANIFEST: &str = "fin/e/metadata/BILLING_PERIOD=2026-11/e-Manifest.json";
const CHUNK: &str = "fin/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet";

fn manifest(length: usize) -> Bytes {
    let mut text = format!(r#"{{"executionId":"1-a","dataFiles":["{CHUNK}"]}}"#);
    text.push_str(&" ".repeat(length.saturating_sub(text.len())));
    text.into()
}

fn bucket(length: u64) -> MemoryStore {
    let export = MemoryStore::default();
    export.overwrite(CHUNK, Bytes::from_static(b"x")).unwrap();
    export.overwrite(MANIFEST, manifest(usize::try_from(length).unwrap())).unwrap();
    export
}

async fn seal_it<E: Store>(export: &E) -> Result<Seal, PipelineError> {
    seal(export, &MemoryStore::default(), None, MANIFEST, FileTimes::Delivered).await
}

/// A bucket whose manifest is replaced as soon as somebody has looked at it, and which never gives a whole object.
struct Busy(MemoryStore);

impl Store for Busy {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        panic!("{key} is read whole");
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.0.get_range(key, range, etag).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        let head = self.0.head(key).await?;
        self.0.overwrite(key, Bytes::from_static(b"another"))?;
        Ok(head)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        self.0.list(prefix).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.0.put_if_absent(key, bytes).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.0.put_if_match(key, bytes, etag).await
    }
}

#[tokio::test]
async fn a_manifest_is_read_up_to_its_limit() {
    let Seal::Sealed(sealed) = seal_it(&bucket(manifest::SIZE_LIMIT)).await.unwrap() else { panic!("it is whole") };
    assert_eq!((sealed.delivery_id.as_str(), sealed.chunks.len()), ("1-a", 1));
    let error = seal_it(&bucket(manifest::SIZE_LIMIT + 1)).await.unwrap_err();
    assert_eq!(error.kind(), "export.manifest_size");
    assert!(error.to_string().starts_with(&format!("{MANIFEST}: has 8388609 bytes, ")), "{error}");
}

#[tokio::test]
async fn a_manifest_that_is_too_large_is_not_read_at_all() {
    let error = seal_it(&Busy(bucket(manifest::SIZE_LIMIT + 1))).await.unwrap_err();
    assert_eq!(error.kind(), "export.manifest_size");
}

#[tokio::test]
async fn the_manifest_that_was_looked_at_is_the_one_that_is_read() {
    let error = seal_it(&Busy(bucket(0))).await.unwrap_err();
    assert!(matches!(&error, PipelineError::Store(StoreError::Replaced { key, .. }) if key == MANIFEST), "{error}");
}
