use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{PAYER, at, by_hand, counted, deliver, delivery, statement, usd};
use crate::period::aggregate::aggregate;

const OTHER: &str = "444455556666";
const NOW: &str = "2026-11-20T06:00:00Z";

async fn count(ledger: &MemoryStore, export: &str, month: &str, payers: &[(&str, &str)]) {
    let of = statement(export, month);
    deliver(ledger, &delivery(&of, export, NOW), payers);
    aggregate(ledger, &of, export, &by_hand(""), at(NOW)).await.unwrap();
}

async fn moved(ledger: &MemoryStore, export: &str) -> (Option<String>, Vec<String>) {
    let Moved { was, left } = move_claim(ledger, PAYER, "2026-11".parse().unwrap(), export, at(NOW)).await.unwrap();
    (was, left)
}

#[tokio::test]
async fn a_payers_month_leaves_the_export_that_it_was_counted_from_and_no_other_month() {
    let ledger = MemoryStore::default();
    count(&ledger, "a", "2026-10", &[(PAYER, "1")]).await;
    count(&ledger, "a", "2026-11", &[(PAYER, "2"), (OTHER, "4")]).await;
    assert_eq!(moved(&ledger, "b").await, (Some("a".to_owned()), vec!["a".to_owned()]));
    assert_eq!(counted(&ledger, &statement("a", "2026-11")).await, Some(usd("4")));
    assert_eq!(counted(&ledger, &statement("a", "2026-10")).await, Some(usd("1")));
    let (key, none) = (keys::claim_key(PAYER, "2026-11".parse().unwrap()), Vec::<String>::new());
    let written = ledger.head(&key).await.unwrap();
    assert_eq!(moved(&ledger, "b").await, (Some("b".to_owned()), none.clone()));
    assert_eq!(ledger.head(&key).await.unwrap(), written, "it is not written again");
    assert_eq!(moved(&MemoryStore::default(), "b").await, (None, none), "nobody had claimed it");
    // What the export itself has stays.
    count(&ledger, "b", "2026-11", &[(PAYER, "8")]).await;
    moved(&ledger, "b").await;
    assert_eq!(counted(&ledger, &statement("b", "2026-11")).await, Some(usd("8")));
}

#[tokio::test]
async fn what_a_month_is_not_entitled_to_leaves_it_once() {
    let (ledger, of) = (MemoryStore::default(), statement("a", "2026-11"));
    let with = by_hand(&format!("payers = [\"{OTHER}\"]"));
    assert!(!enforce(&ledger, &of, &with, at(NOW)).await.unwrap(), "it has no state");
    count(&ledger, "a", "2026-11", &[(PAYER, "2"), (OTHER, "4")]).await;
    assert!(!enforce(&ledger, &of, &by_hand(""), at(NOW)).await.unwrap());
    assert!(enforce(&ledger, &of, &with, at(NOW)).await.unwrap());
    assert!(!enforce(&ledger, &of, &with, at(NOW)).await.unwrap());
    assert_eq!(counted(&ledger, &of).await, Some(usd("4")));
    // What it was derived with is still said, so that only what counts by now comes back.
    let (state, _) = committed::state(&ledger, &of).await.unwrap().unwrap();
    assert_eq!(state.derivation, by_hand("").fingerprint);
}

#[tokio::test]
async fn a_month_that_is_counted_again_has_its_claim_back_and_every_delivery_in_its_order() {
    let (ledger, of) = (MemoryStore::default(), statement("a", "2026-11"));
    for (id, made, cost) in [("z", "2026-11-18T00:00:00Z", "1"), ("a", "2026-11-19T00:00:00Z", "2")] {
        deliver(&ledger, &delivery(&of, id, made), &[(PAYER, cost)]);
    }
    aggregate(&ledger, &of, "z", &by_hand(""), at(NOW)).await.unwrap();
    moved(&ledger, "b").await;
    assert_eq!(counted(&ledger, &of).await, Some(usd("0")));
    // The export that the claim was moved to does not count any more.
    let outcomes = recount(&ledger, &of, &by_hand("count = [\"a\"]"), at(NOW)).await.unwrap();
    let applied = Aggregated::Applied { sequence: 4 };
    assert_eq!(outcomes, [("z".to_owned(), Aggregated::Known), ("a".to_owned(), applied)]);
    assert_eq!(counted(&ledger, &of).await, Some(usd("2")));
    let (holder, _) = holder(&ledger, &keys::claim_key(PAYER, of.period)).await.unwrap().unwrap();
    assert_eq!(holder, "a");
}

#[tokio::test]
async fn a_month_that_comes_back_takes_its_claim_from_whoever_has_it_by_then() {
    let (ledger, of) = (MemoryStore::default(), statement("a", "2026-11"));
    count(&ledger, "a", "2026-11", &[(PAYER, "2")]).await;
    moved(&ledger, "b").await;
    restore(&ledger, &of, &by_hand("count = [\"a\"]"), at(NOW)).await.unwrap();
    let (holder, _) = holder(&ledger, &keys::claim_key(PAYER, of.period)).await.unwrap().unwrap();
    assert_eq!((holder.as_str(), counted(&ledger, &of).await), ("a", Some(usd("2"))));
}
