//! A history that may not be read keeps no alert back.

use std::ops::Range;

use super::*;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;
use crate::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};

/// A ledger whose history is encrypted with a key that is gone.
struct Denied(MemoryStore);

impl Store for Denied {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        if key.starts_with("history/") {
            return Err(StoreError::Denied { action: "read", key: key.to_owned(), source: "403 AccessDenied".into() });
        }
        self.0.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.0.get_range(key, range, etag).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.0.head(key).await
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
async fn an_alert_is_told_though_the_history_may_not_be_read() {
    let (store, notifier) = (Denied(MemoryStore::default()), TestNotifier::default());
    let config = config("[[budget]]\nname = \"days\"\nwindow = \"day\"\namount = \"90\"");
    run(&store.0, &config, &book(Vec::new()), "2026-11-17T00:00:00Z").await;
    let known = committed(november("100"), 1);
    react(&store, &notifier, &given(&config, &known), Lease::INVOCATION, at(NOW)).await.unwrap();
    assert_eq!(notifier.ids(Topic::Alerts), ["days:-:USD:2026-11-17:budget:100:90:1"]);
}
