//! A history that may not be read keeps no alert back.

use super::*;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;
use crate::store::StoreError;
use crate::store::around::{Access, Around, Before};

/// The history is encrypted with a key that is gone.
struct Denied;

impl Before for Denied {
    async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
        if access == Access::Get && key.starts_with("history/") {
            return Err(StoreError::Denied { action: "read", key: key.to_owned(), source: "403 AccessDenied".into() });
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_alert_is_told_though_the_history_may_not_be_read() {
    let (memory, notifier) = (MemoryStore::default(), TestNotifier::default());
    let store = Around { inner: &memory, before: Denied };
    let config = config("[[budget]]\nname = \"days\"\nwindow = \"day\"\namount = \"90\"");
    run(&memory, &config, &book(Vec::new()), "2026-11-17T00:00:00Z").await;
    let known = committed(november("100"), 1);
    react(&store, &notifier, &given(&config, &known), Lease::INVOCATION, at(NOW)).await.unwrap();
    assert_eq!(notifier.ids(Topic::Alerts), ["days:-:USD:2026-11-17:budget:100:90:1"]);
}
