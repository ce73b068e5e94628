//! An alert on one day says what was restated of it, and a history that may not be read keeps none back.

use super::*;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;
use crate::reaction_fixtures::restate;
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

/// November after a second commit that restated the 17th, and what the history has of it.
fn restated(store: &MemoryStore) -> Book {
    let mut book = committed(november("100"), 2);
    let first = applied("delivery-1", 1, at("2026-11-20T23:00:00Z"));
    let second = book.periods[0].commits.pop().unwrap();
    restate(store, &second, "delivery-1", ("2026-11-17", "dana@example.com"), ("40", "100"));
    book.periods[0].commits = vec![AppliedDelivery { data_as_of: Some(at("2026-11-21T00:00:00Z")), ..first }, second];
    book
}

#[tokio::test]
async fn an_alert_on_one_day_says_what_the_delivery_in_force_restated_of_it() {
    let (store, config) =
        (MemoryStore::default(), config("[[budget]]\nname = \"days\"\nwindow = \"day\"\namount = \"90\""));
    run(&store, &config, &book(Vec::new()), "2026-11-17T00:00:00Z").await;
    let (_, notifier) = run(&store, &config, &restated(&store), NOW).await;
    let text = &notifier.sent()[0].body;
    assert!(text.contains("Restated") && text.contains("$40.00"), "{text}");
}

/// The store asks to come back.
struct Unavailable;

impl Before for Unavailable {
    async fn before(&self, _: Access, key: &str) -> Result<(), StoreError> {
        if key.starts_with("history/") {
            let source = "503 SlowDown".into();
            return Err(StoreError::Unavailable { action: "read", key: key.to_owned(), source });
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_alert_waits_for_a_history_that_can_be_read_in_a_moment() {
    let store = MemoryStore::default();
    let book = restated(&store);
    let config = config("[[budget]]\nname = \"days\"\nwindow = \"day\"\namount = \"90\"");
    run(&store, &config, &super::book(Vec::new()), "2026-11-17T00:00:00Z").await;
    let (failing, notifier) = (Around { inner: &store, before: Unavailable }, TestNotifier::default());
    let error = react(&failing, &notifier, &given(&config, &book), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!((error.class(), notifier.sent().len()), (Class::Retry, 0));
}
