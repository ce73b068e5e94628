//! What is new about a rule is silent on what had ended before.

use super::*;

/// September to November: 90 each, of which the last 30 on the last day that is known.
fn three_months() -> Book {
    let month = |month: &str, last: &str| {
        period(month, vec![fact(&format!("{month}-01"), "60", &[]), fact(&format!("{month}-{last}"), "30", &[])])
    };
    book(vec![month("2026-09", "30"), month("2026-10", "31"), month("2026-11", "20")])
}

/// A ledger that knew a budget of 1000 from August on.
async fn known_since_august(text: &str) -> MemoryStore {
    let store = MemoryStore::default();
    run(&store, &config(text), &book(Vec::new()), "2026-08-20T06:00:00Z").await;
    assert!(run(&store, &config(text), &three_months(), NOW).await.1.sent().is_empty());
    store
}

async fn told(store: &MemoryStore, text: &str, book: &Book, now: &str) -> Vec<String> {
    run(store, &config(text), book, now).await.1.ids(Topic::Alerts)
}

fn budget(more: &str) -> String {
    format!("[[budget]]\nname = \"b\"\nthresholds = [100]\n{more}")
}

const NOVEMBER: &str = "b:-:USD:2026-11-01:budget:100:80:1";

#[tokio::test]
async fn a_lower_amount_tells_of_what_is_open_alone() {
    let store = known_since_august(&budget("amount = \"1000\"")).await;
    let lower = budget("amount = \"80\"");
    assert_eq!(told(&store, &lower, &three_months(), NOW).await, [NOVEMBER]);
    assert!(told(&store, &lower, &three_months(), "2026-11-30T06:00:00Z").await.is_empty());
}

#[tokio::test]
async fn a_threshold_that_is_added_tells_of_what_is_open_alone_and_the_others_stay_known() {
    let store = known_since_august(&budget("amount = \"100\"")).await;
    let two = "[[budget]]\nname = \"b\"\nthresholds = [80, 100]\namount = \"100\"";
    assert_eq!(told(&store, two, &three_months(), NOW).await, ["b:-:USD:2026-11-01:budget:80:100:1"]);
    // 100 was asked for before October ended: what comes late of it is told.
    let mut late = three_months();
    late.periods[1].facts.push(fact("2026-10-31", "20", &[]));
    assert_eq!(told(&store, two, &late, NOW).await, ["b:-:USD:2026-10-01:budget:100:100:1"]);
}

#[tokio::test]
async fn what_a_rule_is_about_makes_it_new() {
    for change in [
        "amount = \"80\"\nmatch = { identity = \"(none)\" }",
        "amount = \"80\"\neach = \"account\"",
        "amount = \"80\"\nwindow = \"week\"",
    ] {
        let before = format!("{}\nmatch = {{ identity = \"nobody\" }}", budget("amount = \"80\""));
        let store = known_since_august(&before).await;
        let ids = told(&store, &budget(change), &three_months(), NOW).await;
        assert!(ids.iter().all(|id| id.contains(":2026-11-")), "{change}: {ids:?}");
    }
}

#[tokio::test]
async fn a_rule_that_comes_back_is_new() {
    let text = budget("amount = \"80\"");
    let store = MemoryStore::default();
    run(&store, &config(&text), &book(Vec::new()), "2026-08-20T06:00:00Z").await;
    let other = "[[budget]]\nname = \"other\"\namount = \"9999\"";
    assert!(told(&store, other, &book(Vec::new()), "2026-08-21T06:00:00Z").await.is_empty());
    assert!(told(&store, other, &three_months(), NOW).await.is_empty());
    assert_eq!(told(&store, &text, &three_months(), NOW).await, [NOVEMBER]);
    assert_eq!(state(&store).await.rules.keys().collect::<Vec<_>>(), ["b"], "what is gone is not kept");
}

#[tokio::test]
async fn a_day_that_ended_before_a_level_was_asked_for_is_silent() {
    for (before, after) in [
        ("rise_percent = 50\nrise_amount = \"1000\"", "rise_percent = 50\nrise_amount = \"20\""),
        ("rise_percent = 900\nrise_amount = \"20\"", "rise_percent = 60\nrise_amount = \"20\""),
    ] {
        let delta = |more: &str| format!("[[delta]]\nname = \"d\"\nagainst = \"trailing\"\n{more}");
        let facts = (1..=20).map(|day| fact(&format!("2026-11-{day:02}"), if day < 12 { "10" } else { "60" }, &[]));
        let book = book(vec![period("2026-10", Vec::new()), period("2026-11", facts.collect())]);
        let store = MemoryStore::default();
        assert!(told(&store, &delta(before), &book, "2026-11-12T06:00:00Z").await.is_empty());
        assert!(told(&store, &delta(after), &book, NOW).await.is_empty(), "{after}");
    }
}

#[tokio::test]
async fn a_state_that_kept_no_levels_has_those_of_its_rules() {
    let text = budget("amount = \"100\"");
    let store = known_since_august(&text).await;
    let mut old = state(&store).await;
    let rule = old.rules.get_mut("b").unwrap();
    rule.levels.clear();
    rule.definition.clear();
    store.overwrite(STATE_KEY, crate::document::encode(&old).unwrap()).unwrap();
    let mut late = three_months();
    late.periods[1].facts.push(fact("2026-10-31", "20", &[]));
    assert_eq!(told(&store, &text, &late, NOW).await, ["b:-:USD:2026-10-01:budget:100:100:1"]);
}
