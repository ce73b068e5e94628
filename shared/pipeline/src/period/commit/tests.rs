use spend_core::bill::line::ScanCounts;
use spend_core::bill::reduction::Reduction;
use spend_ledger::state::commit::DeliveryOrder;
use spend_ledger::state::committed;
use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{PAYER, at, by_hand, delivery, lines, statement};
use crate::period::history::read;

/// The facts of a delivery of one row; its usage ends at `end`.
fn facts(of: &Statement, cost: &str, end: Option<&str>) -> Facts {
    let counts = ScanCounts { rows: 1, bedrock_rows: 1, latest_usage_end: end.map(at), ..ScanCounts::default() };
    let reduction = Reduction { counts, lines: lines(of, &[(PAYER, cost)]) };
    by_hand("").derivation.derive(&[reduction]).unwrap()
}

/// Commits over what is there.
async fn commit_it(ledger: &MemoryStore, next: Next<'_>, now: &str) -> AppliedDelivery {
    let of = next.delivery.statement();
    let committed = committed::state(ledger, &of).await.unwrap();
    match commit(ledger, &of, committed.as_ref(), next, &by_hand(""), at(now)).await.unwrap() {
        Outcome::Applied { committed, .. } => committed.state.current().unwrap().clone(),
        Outcome::Lost(_) => panic!("nobody else commits"),
    }
}

#[tokio::test]
async fn commits_are_numbered_and_rebuilds_of_one_delivery_too() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let (one, two) = (delivery(&of, "one", "2026-11-05T00:00:00Z"), delivery(&of, "two", "2026-11-06T00:00:00Z"));
    let facts = facts(&of, "1", Some("2026-11-04T00:00:00Z"));
    let mut numbers = Vec::new();
    for (kind, delivery) in [
        (CommitKind::Delivery, &one),
        (CommitKind::Rebuild, &one),
        (CommitKind::Rebuild, &one),
        (CommitKind::Delivery, &two),
        (CommitKind::Rebuild, &two),
    ] {
        let applied = commit_it(&ledger, Next { kind, delivery, facts: facts.clone() }, "2026-11-07T00:00:00Z").await;
        numbers.push((applied.delivery_id, applied.sequence, applied.revision));
    }
    let numbers: Vec<_> = numbers.iter().map(|(id, sequence, revision)| (id.as_str(), *sequence, *revision)).collect();
    assert_eq!(numbers, [("one", 1, 0), ("one", 2, 1), ("one", 3, 2), ("two", 4, 0), ("two", 5, 1)]);
    let (state, _) = committed::state(&ledger, &of).await.unwrap().unwrap();
    assert_eq!(state.deliveries.len(), 5);
    assert_eq!(read(&ledger, &of, &state).await.unwrap().len(), 5, "each has its history");
}

#[tokio::test]
async fn a_rebuild_knows_the_bill_up_to_when_its_delivery_did() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let one = delivery(&of, "one", "2026-11-05T00:00:00Z");
    let (full, empty) = (facts(&of, "1", Some("2026-11-06T00:00:00Z")), Facts::default());
    let mut known = Vec::new();
    for (kind, facts, now) in [
        // Usage that ends after now is known up to now.
        (CommitKind::Delivery, &full, "2026-11-05T12:00:00Z"),
        (CommitKind::Rebuild, &full, "2026-11-07T00:00:00Z"),
        (CommitKind::Rebuild, &empty, "2026-11-07T00:00:00Z"),
        (CommitKind::Rebuild, &full, "2026-11-08T00:00:00Z"),
        (CommitKind::Delivery, &full, "2026-11-08T00:00:00Z"),
    ] {
        let applied = commit_it(&ledger, Next { kind, delivery: &one, facts: facts.clone() }, now).await;
        known.push(applied.data_as_of);
    }
    let (then, end) = (Some(at("2026-11-05T12:00:00Z")), Some(at("2026-11-06T00:00:00Z")));
    assert_eq!(known, [then, then, None, end, end]);
}

#[tokio::test]
async fn who_was_slower_commits_nothing() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let one = delivery(&of, "one", "2026-11-05T00:00:00Z");
    let facts = facts(&of, "1", None);
    let next = || Next { kind: CommitKind::Delivery, delivery: &one, facts: facts.clone() };
    commit_it(&ledger, next(), "2026-11-07T00:00:00Z").await;
    let read = committed::state(&ledger, &of).await.unwrap();
    commit_it(&ledger, next(), "2026-11-07T00:00:00Z").await;
    for committed in [None, read] {
        let now = at("2026-11-07T00:00:00Z");
        match commit(&ledger, &of, committed.as_ref(), next(), &by_hand(""), now).await.unwrap() {
            Outcome::Applied { .. } => panic!("somebody else was quicker"),
            Outcome::Lost(left) => assert_eq!(left, facts, "for the next attempt"),
        }
    }
    assert_eq!(committed::state(&ledger, &of).await.unwrap().unwrap().0.deliveries.len(), 2);
}

#[tokio::test]
async fn a_delivery_counts_as_known_when_it_was_made_and_a_copy_when_it_was_met() {
    let of = statement("cur", "2026-10");
    let after_close = async |source, made: &str, now: &str| {
        let ledger = MemoryStore::default();
        let first = delivery(&of, "first", "2026-10-20T00:00:00Z");
        let usage = facts(&of, "1", Some("2026-10-19T00:00:00Z"));
        let next = Next { kind: CommitKind::Delivery, delivery: &first, facts: usage };
        commit_it(&ledger, next, "2026-10-20T00:00:00Z").await;
        let mut second = delivery(&of, "second", "2026-10-20T00:00:00Z");
        second.order = DeliveryOrder { source, at: at(made) };
        let usage = facts(&of, "2", Some("2026-10-19T00:00:00Z"));
        commit_it(&ledger, Next { kind: CommitKind::Delivery, delivery: &second, facts: usage }, now).await;
        let (state, _) = committed::state(&ledger, &of).await.unwrap().unwrap();
        read(&ledger, &of, &state).await.unwrap()[1].after_close
    };
    let (in_october, in_november) = ("2026-10-25T00:00:00Z", "2026-11-05T00:00:00Z");
    assert!(!after_close(OrderSource::LastModified, in_october, in_november).await, "it was on its way for long");
    assert!(after_close(OrderSource::LastModified, in_november, in_november).await);
    assert!(!after_close(OrderSource::LastModified, in_november, in_october).await, "a clock runs ahead");
    assert!(after_close(OrderSource::Arrival, in_october, in_november).await);
    assert!(!after_close(OrderSource::Arrival, in_november, in_october).await);
}
