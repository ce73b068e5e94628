use spend_core::bill::line::ScanCounts;
use spend_core::bill::reduction::Reduction;
use spend_core::money::decimal::Decimal;
use spend_ledger::state::document::encode;
use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{PAYER, at, by_hand, counted, deliver, delivery, lines, statement, usd};
use crate::period::aggregate::aggregate;
use crate::period::counting::follow;
use crate::period::rebuild::rebuild;

const OTHER: &str = "444455556666";
const NOW: &str = "2026-11-20T06:00:00Z";

/// A ledger in which `a` counts both payers' November, at 1 USD each; and `b` has delivered one of them.
async fn world() -> MemoryStore {
    let ledger = MemoryStore::default();
    for (export, payers) in [("a", &[(PAYER, "1"), (OTHER, "1")][..]), ("b", &[(PAYER, "8")])] {
        let of = statement(export, "2026-11");
        deliver(&ledger, &delivery(&of, export, NOW), payers);
        aggregate(&ledger, &of, export, &by_hand(""), at(NOW)).await.unwrap();
    }
    ledger
}

fn claim(ledger: &MemoryStore, payer: &str, export: &str) {
    let claim = encode(&Claim { export_id: export.to_owned() }).unwrap();
    ledger.overwrite(&keys::claim_key(payer, "2026-11".parse().unwrap()), claim).unwrap();
}

/// What is counted of `a` once it was derived again.
async fn rebuilt(ledger: &MemoryStore, export: &str) -> Decimal {
    let of = statement("a", "2026-11");
    rebuild(ledger, &of, &by_hand(export), at(NOW)).await.unwrap();
    counted(ledger, &of).await.unwrap()
}

#[tokio::test]
async fn a_month_derived_again_keeps_what_it_is_entitled_to() {
    assert_eq!(rebuilt(&world().await, "").await, usd("2"));
    assert_eq!(rebuilt(&world().await, "count = [\"a\"]").await, usd("2"));
    assert_eq!(rebuilt(&world().await, &format!("payers = [\"{PAYER}\"]")).await, usd("1"));
    assert_eq!(rebuilt(&world().await, "count = [\"b\"]").await, usd("0"), "the export does not count any more");
    let chosen = |export: &str| format!("claims = {{ \"{PAYER}/2026-11\" = \"{export}\" }}");
    assert_eq!(rebuilt(&world().await, &chosen("b")).await, usd("1"));
    assert_eq!(rebuilt(&world().await, &chosen("a")).await, usd("2"));
    assert_eq!(rebuilt(&world().await, &chosen("c")).await, usd("2"), "that one has delivered nothing");
}

#[tokio::test]
async fn a_claim_of_another_export_counts_as_long_as_that_one_does() {
    for (export, left) in [("", "1"), ("count = [\"a\"]", "2"), ("count = [\"a\", \"b\"]", "1")] {
        let ledger = world().await;
        claim(&ledger, PAYER, "b");
        assert_eq!(rebuilt(&ledger, export).await, usd(left), "{export}");
    }
}

#[tokio::test]
async fn months_follow_what_the_configuration_counts_and_come_back() {
    let ledger = world().await;
    let (a, b) = (statement("a", "2026-11"), statement("b", "2026-11"));
    let chosen = by_hand(&format!("claims = {{ \"{PAYER}/2026-11\" = \"b\" }}"));
    follow(&ledger, &chosen, at(NOW)).await.unwrap();
    assert_eq!((counted(&ledger, &a).await, counted(&ledger, &b).await), (Some(usd("1")), None));
    aggregate(&ledger, &b, "b", &chosen, at(NOW)).await.unwrap();
    assert_eq!(counted(&ledger, &b).await, Some(usd("8")));
    // What was taken out comes back once it is chosen again, and leaves the other.
    let back = by_hand(&format!("claims = {{ \"{PAYER}/2026-11\" = \"a\" }}"));
    follow(&ledger, &back, at(NOW)).await.unwrap();
    assert_eq!((counted(&ledger, &a).await, counted(&ledger, &b).await), (Some(usd("2")), Some(usd("0"))));
}

#[tokio::test]
async fn payers_are_those_of_whom_any_month_was_claimed() {
    let (ledger, none) = (world().await, MemoryStore::default());
    assert_eq!(payers(&ledger).await.unwrap().into_iter().collect::<Vec<_>>(), [PAYER, OTHER]);
    assert!(payers(&none).await.unwrap().is_empty());
}

#[test]
fn facts_without_any_row_left_do_not_say_up_to_when_a_month_is_known() {
    let of = statement("a", "2026-11");
    let counts = ScanCounts { rows: 3, ..ScanCounts::default() };
    let lines = lines(&of, &[(PAYER, "1"), (OTHER, "2")]);
    let facts = by_hand("").derivation.derive(&[Reduction { counts, lines }]).unwrap();
    let rows = |is_lost: &dyn Fn(&str) -> bool| {
        let left = without(facts.clone(), is_lost).unwrap();
        (left.rows.len(), left.counts.rows)
    };
    assert_eq!(rows(&|_| false), (2, 3));
    assert_eq!(rows(&|payer| payer == PAYER), (1, 3));
    assert_eq!(rows(&|_| true), (0, 0));
}
