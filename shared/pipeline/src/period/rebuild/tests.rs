use spend_core::bill::line::KeptTags;
use spend_ledger::store::around::{Access, Around};
use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{Meddler, PAYER, at, by_hand, copy, deliver, delivery, objects, statement};
use crate::period::aggregate::aggregate;

const NOW: &str = "2026-11-20T06:00:00Z";

#[tokio::test]
async fn what_would_be_the_same_is_not_written_and_another_configuration_is() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    deliver(&ledger, &delivery(&of, "one", NOW), &[(PAYER, "3")]);
    aggregate(&ledger, &of, "one", &by_hand(""), at(NOW)).await.unwrap();
    let before = objects(&ledger).await;
    let unchanged = rebuild(&ledger, &of, &by_hand(""), at(NOW)).await.unwrap();
    assert_eq!((&unchanged, objects(&ledger).await), (&Rebuilt::Unchanged, before));
    assert_eq!(unchanged.to_string(), "derived again, nothing differs, nothing written");
    // It moves nothing, but a state says what it was derived with.
    let other = Deriver { fingerprint: "other".to_owned(), ..by_hand("") };
    let rebuilt = rebuild(&ledger, &of, &other, at(NOW)).await.unwrap();
    assert_eq!(rebuilt, Rebuilt::Applied { sequence: 2, delivery_id: "one".to_owned() });
    assert_eq!(rebuilt.to_string(), "delivery one derived again, commit 2 of its period");
    assert_eq!(rebuild(&ledger, &of, &other, at(NOW)).await.unwrap(), Rebuilt::Unchanged);
}

#[test]
fn each_part_of_a_state_tells_whether_it_is_derived() {
    let with = by_hand("");
    let facts = Facts { unknown_usage_rows: 1, ..Facts::default() };
    let state = PeriodState {
        export_id: "cur".to_owned(),
        period: "2026-11".parse().unwrap(),
        deliveries: Vec::new(),
        counts: facts.counts.clone(),
        unknown_usage_rows: 1,
        folded: facts.folded,
        derivation: with.fingerprint.clone(),
        facts: facts.rows.clone(),
    };
    assert!(is_derived(&state, &facts, &with));
    let mut counts = facts.counts.clone();
    counts.rows = 9;
    let rows = crate::fixtures::lines(&statement("cur", "2026-11"), &[(PAYER, "1")]);
    let reduction = spend_core::bill::reduction::Reduction { counts: facts.counts.clone(), lines: rows };
    let rows = with.derivation.derive(&[reduction]).unwrap().rows;
    for other in [
        Facts { counts, ..facts.clone() },
        Facts { unknown_usage_rows: 2, ..facts.clone() },
        Facts { rows, ..facts.clone() },
    ] {
        assert!(!is_derived(&state, &other, &with));
    }
    let other = Deriver { fingerprint: "other".to_owned(), ..with };
    assert!(!is_derived(&state, &facts, &other));
}

#[tokio::test]
async fn who_loses_the_race_derives_again_only_what_is_in_force_by_then() {
    let (first, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let one = delivery(&of, "one", NOW);
    deliver(&first, &one, &[(PAYER, "3")]);
    deliver(&first, &delivery(&of, "two", "2026-11-20T07:00:00Z"), &[(PAYER, "5")]);
    aggregate(&first, &of, "one", &by_hand(""), at(NOW)).await.unwrap();
    let named = |fingerprint: &str| Deriver { fingerprint: fingerprint.to_owned(), ..by_hand("") };
    let reduction = of.reduction_key(&one.chunks[0].key, &one.chunks[0].etag, &KeptTags::default());
    for faster in ["two", "one"] {
        let (ledger, twin) = (copy(&first).await, copy(&first).await);
        if faster == "two" {
            aggregate(&twin, &of, "two", &by_hand(""), at(NOW)).await.unwrap();
        } else {
            rebuild(&twin, &of, &named("faster"), at(NOW)).await.unwrap();
        }
        let meddler = Meddler::before(Access::PutIfMatch, of.state_key(), &ledger, &twin).await;
        let reads = Meddler::before(Access::Get, reduction.clone(), &ledger, &MemoryStore::default()).await;
        let store = Around { inner: Around { inner: &ledger, before: meddler }, before: reads };
        let rebuilt = rebuild(&store, &of, &named("slower"), at(NOW)).await.unwrap();
        assert_eq!(rebuilt, Rebuilt::Applied { sequence: 3, delivery_id: faster.to_owned() });
        assert_eq!(store.before.calls(), 1, "{faster}");
    }
}
