use std::sync::Arc;

use spend_core::bill::line::ScanCounts;
use spend_core::facts::fact::FactKey;
use spend_core::facts::folding::Folded;
use spend_core::table::measures::Measures;
use spend_ledger::state::commit::{DeliveryOrder, OrderSource};
use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{at, objects, statement, usd};

/// Facts by day, identity, category, currency and cost.
fn facts(rows: &[(&str, &str, &str, &str, &str)]) -> FactTable {
    let row = |(day, identity, category, currency, cost): &(&str, &str, &str, &str, &str)| {
        let text = |field: FactField| match field {
            FactField::Identity => *identity,
            FactField::Category => *category,
            FactField::Currency => *currency,
            _ => "",
        };
        let fields = FactField::ALL.map(|field| Arc::from(text(field)));
        let key = FactKey { usage_date: day.parse().unwrap(), fields, tags: Arc::default() };
        (key, Measures { unblended_cost: usd(cost), ..Measures::default() })
    };
    FactTable::of(rows.iter().map(row)).unwrap()
}

fn commit(delivery_id: &str, moved: &str) -> AppliedDelivery {
    AppliedDelivery {
        sequence: 1,
        delivery_id: delivery_id.to_owned(),
        revision: 0,
        moved: moved.to_owned(),
        order: DeliveryOrder { source: OrderSource::LastModified, at: at("2026-11-20T00:00:00Z") },
        applied_at: at("2026-11-20T00:00:00Z"),
        data_as_of: Some(at("2026-11-20T00:00:00Z")),
        unverified: false,
    }
}

/// The state of November with these facts.
fn state(facts: FactTable) -> PeriodState {
    let Statement { export_id, period } = statement("cur", "2026-11");
    PeriodState {
        export_id,
        period,
        deliveries: vec![commit("one", "")],
        counts: ScanCounts::default(),
        unknown_usage_rows: 0,
        folded: Folded::default(),
        derivation: String::new(),
        facts,
    }
}

fn change(previous: Option<&PeriodState>, kind: CommitKind, facts: &FactTable) -> Change {
    Change::of(&statement("cur", "2026-11"), previous, kind, facts, at("2026-11-21T00:00:00Z")).unwrap()
}

/// Day, identity, category and currency of what moved, and from what to what.
fn told(moved: &[Moved]) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let line = |row: &Moved| {
        let day = row.day.map_or("-".to_owned(), |day| day.to_string());
        let (identity, category) = (text(&row.identity), text(&row.category));
        format!("{day} {identity} {category} {} {} {}", row.currency, row.before, row.after)
    };
    moved.iter().map(line).collect()
}

#[test]
fn what_moved_is_told_by_day_identity_category_and_currency_and_totals_whether_they_moved_or_not() {
    let before = [
        ("2026-11-02", "ana", "usage", "USD", "1"),
        ("2026-11-02", "bob", "usage", "USD", "2"),
        ("2026-11-02", "cyd", "usage", "EUR", "3"),
        ("2026-11-03", "ana", "usage", "USD", "4"),
    ];
    let after = [
        ("2026-11-02", "ana", "usage", "USD", "1"),
        ("2026-11-02", "bob", "usage", "USD", "2.5"),
        ("2026-11-02", "bob", "credit", "USD", "-1"),
        ("2026-11-02", "cyd", "usage", "EUR", "3"),
    ];
    let previous = state(facts(&before));
    let change = change(Some(&previous), CommitKind::Delivery, &facts(&after));
    assert_eq!(
        told(&change.moved),
        ["2026-11-02 bob credit USD 0 -1", "2026-11-02 bob usage USD 2 2.5", "2026-11-03 ana usage USD 4 0"]
    );
    assert_eq!(told(&change.totals), ["- - - EUR 3 3", "- - - USD 7 2.5"]);
    assert_eq!(change.replaced.as_deref(), Some("one"));
    let first = self::change(None, CommitKind::Delivery, &facts(&after));
    assert_eq!((first.moved.len(), first.totals.len(), first.replaced, first.after_close), (4, 2, None, false));
}

#[test]
fn a_caller_that_is_folded_or_kept_apart_anew_moves_no_money() {
    let apart = [("2026-11-02", "ana", "usage", "USD", "1"), ("2026-11-02", "bob", "usage", "USD", "2")];
    let folded = [("2026-11-02", "ana", "usage", "USD", "1"), ("2026-11-02", OTHER, "usage", "USD", "2")];
    let (apart, folded) = (facts(&apart), facts(&folded));
    for (before, after) in [(&apart, &folded), (&folded, &apart)] {
        let previous = state(before.clone());
        assert_eq!(told(&change(Some(&previous), CommitKind::Delivery, after).moved), [""; 0]);
    }
    // A caller that is new moves what it spent, by its name.
    let more = facts(&[("2026-11-02", "ana", "usage", "USD", "1"), ("2026-11-02", "eve", "usage", "USD", "2")]);
    let previous = state(facts(&[("2026-11-02", "ana", "usage", "USD", "1")]));
    assert_eq!(told(&change(Some(&previous), CommitKind::Delivery, &more).moved), ["2026-11-02 eve usage USD 0 2"]);
    // What nobody is named for stays apart from the others, whoever is known.
    let nobody = facts(&[("2026-11-02", "", "usage", "USD", "5"), ("2026-11-02", OTHER, "usage", "USD", "2")]);
    let previous = state(apart);
    assert_eq!(
        told(&change(Some(&previous), CommitKind::Delivery, &nobody).moved),
        ["2026-11-02  usage USD 0 5", "2026-11-02 (other) usage USD 3 2"]
    );
}

#[test]
fn a_closed_month_is_restated_by_deliveries_alone() {
    let after_close = |kind, known_at: &str| {
        let of = statement("cur", "2026-11");
        Change::of(&of, Some(&state(FactTable::default())), kind, &FactTable::default(), at(known_at))
            .unwrap()
            .after_close
    };
    assert!(after_close(CommitKind::Delivery, "2026-12-01T00:00:00Z"));
    assert!(!after_close(CommitKind::Delivery, "2026-11-30T23:59:59Z"));
    assert!(!after_close(CommitKind::Rebuild, "2026-12-01T00:00:00Z"));
}

#[test]
fn changes_that_move_other_things_have_other_hashes() {
    let hash = |kind, cost| {
        let rows = facts(&[("2026-11-02", "ana", "usage", "USD", cost)]);
        change(Some(&state(FactTable::default())), kind, &rows).hash().unwrap()
    };
    let one = hash(CommitKind::Delivery, "1");
    assert_eq!(one, hash(CommitKind::Delivery, "1"));
    assert_eq!(one.len(), 16);
    assert_ne!(one, hash(CommitKind::Delivery, "2"));
    assert_ne!(one, hash(CommitKind::Rebuild, "1"));
}

#[tokio::test]
async fn an_entry_is_written_once_and_one_that_a_crash_left_is_replaced() {
    let (ledger, of) = (MemoryStore::default(), statement("cur", "2026-11"));
    let rows = facts(&[("2026-11-02", "ana", "usage", "USD", "1")]);
    let a_change = || change(None, CommitKind::Delivery, &rows);
    let commit = commit("one", &a_change().hash().unwrap());
    let crashed = AppliedDelivery { applied_at: at("2026-11-19T00:00:00Z"), ..commit.clone() };
    write(&ledger, &of, &crashed, a_change()).await.unwrap();
    let left_behind = objects(&ledger).await;
    write(&ledger, &of, &commit, a_change()).await.unwrap();
    let before = objects(&ledger).await;
    assert_ne!(before, left_behind);
    let modified = ledger.head(&of.history_key(&commit)).await.unwrap().unwrap().last_modified;
    write(&ledger, &of, &commit, a_change()).await.unwrap();
    assert_eq!(objects(&ledger).await, before);
    assert_eq!(ledger.head(&of.history_key(&commit)).await.unwrap().unwrap().last_modified, modified);
    let named = PeriodState { deliveries: vec![commit.clone()], ..state(rows) };
    let read_back = read(&ledger, &of, &named).await.unwrap();
    let [entry] = &read_back[..] else { panic!("one entry") };
    assert_eq!((&entry.delivery, told(&entry.moved).len()), (&commit, 1));
    // The state has the last word on when it was.
    let later = AppliedDelivery { applied_at: at("2026-11-22T00:00:00Z"), ..commit.clone() };
    let renamed = PeriodState { deliveries: vec![later.clone()], ..named.clone() };
    assert_eq!(read(&ledger, &of, &renamed).await.unwrap()[0].delivery, later);
    ledger.remove(&of.history_key(&commit));
    assert!(matches!(read(&ledger, &of, &named).await, Err(PipelineError::NoHistory { .. })));
}
