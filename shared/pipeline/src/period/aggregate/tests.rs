use spend_core::bill::line::KeptTags;
use spend_core::errors::fault::Fault as _;
use spend_ledger::state::commit::OrderSource;
use spend_ledger::state::delivery::ReadyDelivery;
use spend_ledger::state::document::encode;
use spend_ledger::store::around::{Access, Around};
use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{
    Meddler, PAYER, at, by_hand, copy, counted, deliver, delivery, deployed, objects, statement, usd,
};

const NOW: &str = "2026-11-20T06:00:00Z";

/// Applies a delivery of the export `cur`.
async fn apply(ledger: &MemoryStore, of: &Statement, id: &str) -> Aggregated {
    aggregate(ledger, of, id, &by_hand(""), at(NOW)).await.unwrap()
}

#[tokio::test]
async fn a_ready_delivery_is_applied_once_and_the_next_one_takes_its_place() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    deliver(&ledger, &delivery(&of, "one", "2026-11-18T00:00:00Z"), &[(PAYER, "3")]);
    deliver(&ledger, &delivery(&of, "two", "2026-11-19T00:00:00Z"), &[(PAYER, "5")]);
    assert_eq!(apply(&ledger, &of, "one").await, Aggregated::Applied { sequence: 1 });
    assert_eq!(counted(&ledger, &of).await, Some(usd("3")));
    assert!(ledger.head(&of.facts_key()).await.unwrap().is_some());
    let before = objects(&ledger).await;
    assert_eq!(apply(&ledger, &of, "one").await, Aggregated::Known);
    assert_eq!(objects(&ledger).await, before);
    assert_eq!(apply(&ledger, &of, "two").await, Aggregated::Applied { sequence: 2 });
    assert_eq!(counted(&ledger, &of).await, Some(usd("5")));
    assert_eq!(apply(&ledger, &of, "one").await, Aggregated::Known, "it was replaced, and never comes back");
    assert_eq!(counted(&ledger, &of).await, Some(usd("5")));
}

#[tokio::test]
async fn what_is_not_ready_is_not_applied() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let error = aggregate(&ledger, &of, "one", &by_hand(""), at(NOW)).await.unwrap_err();
    assert!(matches!(error, PipelineError::Store(StoreError::NotFound { key }) if key == of.ready_key("one")));
}

#[tokio::test]
async fn of_an_export_that_does_not_count_nothing_is_written() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    deliver(&ledger, &delivery(&of, "one", "2026-11-18T00:00:00Z"), &[(PAYER, "3")]);
    let before = objects(&ledger).await;
    let outcome = aggregate(&ledger, &of, "one", &by_hand("count = [\"other\"]"), at(NOW)).await.unwrap();
    assert_eq!(outcome, Aggregated::NotCounted { payer: None });
    assert_eq!(objects(&ledger).await, before);
    let outcome = aggregate(&ledger, &of, "one", &by_hand("count = [\"cur\"]"), at(NOW)).await.unwrap();
    assert_eq!(outcome, Aggregated::Applied { sequence: 1 });
}

#[tokio::test]
async fn a_deployment_takes_a_month_from_a_day_before_it_begins_and_a_person_at_any_time() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-12"));
    deliver(&ledger, &delivery(&of, "one", "2026-11-18T00:00:00Z"), &[(PAYER, "3")]);
    let early = at("2026-11-29T23:59:59Z");
    let error = aggregate(&ledger, &of, "one", &deployed(""), early).await.unwrap_err();
    assert_eq!(error.kind(), "export.not_begun");
    let twin = copy(&ledger).await;
    let outcome = aggregate(&twin, &of, "one", &by_hand(""), early).await.unwrap();
    assert_eq!(outcome, Aggregated::Applied { sequence: 1 });
    let outcome = aggregate(&ledger, &of, "one", &deployed(""), at("2026-11-30T00:00:00Z")).await.unwrap();
    assert_eq!(outcome, Aggregated::Applied { sequence: 1 });
}

#[tokio::test]
async fn an_older_delivery_never_replaces_a_newer_one() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    deliver(&ledger, &delivery(&of, "old", "2026-11-18T00:00:00Z"), &[(PAYER, "3")]);
    deliver(&ledger, &delivery(&of, "new", "2026-11-19T00:00:00Z"), &[(PAYER, "5")]);
    apply(&ledger, &of, "new").await;
    // A crash after the commit left no facts file: whatever comes next writes it.
    ledger.remove(&of.facts_key());
    assert_eq!(apply(&ledger, &of, "old").await, Aggregated::Older { in_force: "new".to_owned() });
    assert_eq!(counted(&ledger, &of).await, Some(usd("5")));
    assert!(ledger.head(&of.facts_key()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_delivery_is_compared_with_all_that_were_applied() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let mut copied = delivery(&of, "copied", "2026-11-01T00:00:00Z");
    copied.order.source = OrderSource::Arrival;
    for (delivery, cost) in [
        (delivery(&of, "new", "2026-11-19T00:00:00Z"), "5"),
        (copied, "7"),
        (delivery(&of, "old", "2026-11-18T00:00:00Z"), "3"),
    ] {
        deliver(&ledger, &delivery, &[(PAYER, cost)]);
    }
    apply(&ledger, &of, "new").await;
    assert_eq!(apply(&ledger, &of, "copied").await, Aggregated::Applied { sequence: 2 });
    let older = Aggregated::Older { in_force: "copied".to_owned() };
    assert_eq!(
        apply(&ledger, &of, "old").await,
        older,
        "the time of the copy in force says nothing, that of `new` does"
    );
}

#[tokio::test]
async fn of_deliveries_of_one_second_the_one_that_was_sealed_later_wins() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let (first, at_once) = (delivery(&of, "first", "2026-11-19T00:00:00Z"), "2026-11-19T00:00:00.9Z");
    let later = SealedDelivery { replaces: vec!["first".to_owned()], ..delivery(&of, "later", at_once) };
    deliver(&ledger, &first, &[(PAYER, "3")]);
    deliver(&ledger, &later, &[(PAYER, "5")]);
    deliver(&ledger, &delivery(&of, "stranger", at_once), &[(PAYER, "7")]);
    apply(&ledger, &of, "later").await;
    assert_eq!(apply(&ledger, &of, "first").await, Aggregated::Older { in_force: "later".to_owned() });
    assert_eq!(apply(&ledger, &of, "stranger").await, Aggregated::Applied { sequence: 2 }, "nobody has replaced it");
    assert_eq!(counted(&ledger, &of).await, Some(usd("7")));
}

#[tokio::test]
async fn a_delivery_of_a_later_second_is_newer_whatever_an_earlier_one_replaces() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let replaces = vec!["again".to_owned()];
    let earlier = SealedDelivery { replaces, ..delivery(&of, "earlier", "2026-11-19T00:00:00Z") };
    deliver(&ledger, &earlier, &[(PAYER, "3")]);
    deliver(&ledger, &delivery(&of, "again", "2026-11-19T00:00:01Z"), &[(PAYER, "5")]);
    apply(&ledger, &of, "earlier").await;
    assert_eq!(apply(&ledger, &of, "again").await, Aggregated::Applied { sequence: 2 });
}

#[tokio::test]
async fn a_delivery_older_than_one_stays_older_whatever_another_says() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let old = delivery(&of, "old", "2026-11-18T00:00:00Z");
    let tied = delivery(&of, "tied", "2026-11-18T00:00:00.5Z");
    let new = delivery(&of, "new", "2026-11-19T00:00:00Z");
    for delivery in [&old, &tied, &new] {
        deliver(&ledger, delivery, &[(PAYER, "3")]);
    }
    let replaces = vec!["old".to_owned()];
    let ready = ReadyDelivery { delivery: SealedDelivery { replaces, ..tied.clone() } };
    ledger.overwrite(&of.ready_key("tied"), encode(&ready).unwrap()).unwrap();
    apply(&ledger, &of, "tied").await;
    apply(&ledger, &of, "new").await;
    // Older by its second, and older because of what replaces it: two reasons are none the less.
    assert_eq!(apply(&ledger, &of, "old").await, Aggregated::Older { in_force: "new".to_owned() });
}

#[tokio::test]
async fn who_loses_the_race_is_judged_anew_and_derives_nothing_again() {
    let of = statement("cur", "2026-11");
    let ledger = MemoryStore::default();
    let one = delivery(&of, "one", "2026-11-19T00:00:00Z");
    deliver(&ledger, &one, &[(PAYER, "3")]);
    deliver(&ledger, &delivery(&of, "before", "2026-11-18T00:00:00Z"), &[(PAYER, "5")]);
    deliver(&ledger, &delivery(&of, "after", "2026-11-20T00:00:00Z"), &[(PAYER, "7")]);
    let reduction = of.reduction_key(&one.chunks[0].key, &one.chunks[0].etag, &KeptTags::default());
    for (faster, outcome, total) in [
        ("before", Aggregated::Applied { sequence: 2 }, "3"),
        ("after", Aggregated::Older { in_force: "after".to_owned() }, "7"),
        ("one", Aggregated::Known, "3"),
    ] {
        let (ledger, twin) = (copy(&ledger).await, copy(&ledger).await);
        apply(&twin, &of, faster).await;
        let meddler = Meddler::before(Access::PutIfAbsent, of.state_key(), &ledger, &twin).await;
        let reads = Meddler::before(Access::Get, reduction.clone(), &ledger, &MemoryStore::default()).await;
        let store = Around { inner: Around { inner: &ledger, before: meddler }, before: reads };
        assert_eq!(aggregate(&store, &of, "one", &by_hand(""), at(NOW)).await.unwrap(), outcome, "{faster}");
        assert_eq!(counted(&ledger, &of).await, Some(usd(total)), "{faster}");
        assert_eq!(store.before.calls(), 1, "{faster}");
    }
}
