use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{PAYER, at, by_hand, deliver, delivery, objects, statement};
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
