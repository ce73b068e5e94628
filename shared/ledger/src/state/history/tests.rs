//! Entries of the history.

use super::*;
use crate::reaction_fixtures::applied;
use crate::state::document::{DocumentError, encode_compressed};
use crate::store::memory::MemoryStore;

fn statement() -> Statement {
    Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() }
}

fn entry(after_close: bool, moved: &[Moved]) -> HistoryEntry {
    let Statement { export_id, period } = statement();
    HistoryEntry {
        export_id,
        period,
        kind: CommitKind::Delivery,
        delivery: applied("one", "2026-12-30T00:00:00Z"),
        replaced: None,
        after_close,
        totals: Vec::new(),
        moved: moved.to_vec(),
    }
}

fn moved() -> Moved {
    let (before, after) = (Decimal::ZERO, Decimal::ONE);
    Moved { day: None, identity: None, category: None, currency: "USD".to_owned(), before, after }
}

/// An entry as it was stored by version 1.
fn version_1() -> String {
    r#"{"format":"history/1","export_id":"cur","period":"2026-11","kind":"delivery","delivery":DELIVERY,"replaced":null,
        "after_close":true,"totals":[],"moved":[{"currency":"USD","before":"0","after":"1","restated":true}]}"#
        .replace("DELIVERY", &serde_json::to_string(&applied("one", "2026-12-30T00:00:00Z")).unwrap())
}

#[test]
fn a_closed_month_is_restated_by_a_delivery_that_moves_something() {
    assert!(entry(true, &[moved()]).is_restated_after_close());
    assert!(!entry(true, &[]).is_restated_after_close());
    assert!(!entry(false, &[moved()]).is_restated_after_close() && !entry(false, &[]).is_restated_after_close());
}

#[tokio::test]
async fn an_entry_of_version_1_is_read_where_it_was_kept_and_a_newer_one_before_it() {
    let (store, statement, commit) = (MemoryStore::default(), statement(), applied("one", "2026-12-30T00:00:00Z"));
    assert_eq!(of(&store, &statement, &commit).await.unwrap(), None);
    store.overwrite(&statement.earlier_history_key(&commit), version_1().into()).unwrap();
    assert_eq!(of(&store, &statement, &commit).await.unwrap(), Some(entry(true, &[moved()])));
    let newer = entry(false, &[]);
    store.overwrite(&statement.history_key(&commit), encode_compressed(&newer).unwrap()).unwrap();
    assert_eq!(of(&store, &statement, &commit).await.unwrap(), Some(newer));
}

#[tokio::test]
async fn a_damaged_entry_is_not_taken_for_one_that_is_gone() {
    let (store, statement, commit) = (MemoryStore::default(), statement(), applied("one", "2026-12-30T00:00:00Z"));
    for (key, says) in [
        (statement.history_key(&commit), "cannot be decompressed"),
        (statement.earlier_history_key(&commit), "is damaged"),
    ] {
        store.overwrite(&key, "damaged".into()).unwrap();
        let error = of(&store, &statement, &commit).await.unwrap_err();
        let CommittedError::Document(error) = error else { panic!("{error}") };
        assert!(error.to_string().starts_with(&key) && error.to_string().contains(says), "{error}");
        assert!(matches!(error, DocumentError::Damaged { .. } | DocumentError::NotCompressed { .. }), "{error}");
        store.remove(&key);
    }
}

#[tokio::test]
async fn of_attempts_that_differ_in_their_time_alone_the_committed_one_is_told() {
    let (store, statement) = (MemoryStore::default(), statement());
    let (attempt, committed) = (applied("one", "2026-12-30T00:00:00Z"), applied("one", "2026-12-30T00:05:00Z"));
    let key = statement.history_key(&committed);
    assert_eq!(statement.history_key(&attempt), key);
    store.overwrite(&key, encode_compressed(&entry(false, &[])).unwrap()).unwrap();
    assert_eq!(of(&store, &statement, &committed).await.unwrap().unwrap().delivery, committed);
}
