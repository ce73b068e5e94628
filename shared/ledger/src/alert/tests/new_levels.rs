//! What is new about a rule is silent on what had ended before.

use std::ops::Range;

use super::*;
use crate::outputs::Topic;
use crate::reaction_fixtures::add;

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
    add(&mut late.periods[1], fact("2026-10-31", "20", &[]));
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
    store.overwrite(STATE_KEY, crate::state::document::encode(&old).unwrap()).unwrap();
    let mut late = three_months();
    add(&mut late.periods[1], fact("2026-10-31", "20", &[]));
    assert_eq!(told(&store, &text, &late, NOW).await, ["b:-:USD:2026-10-01:budget:100:100:1"]);
}

/// Two lists of levels, one made of the configuration and one of spend, are the same list: a level that is measured and
/// not asked for would be told of windows that had ended.
#[test]
fn what_is_measured_is_what_is_asked_for() {
    let config = config(
        r#"
        [[budget]]
        name = "month"
        amount = "3000"
        thresholds = [50, 80]
        forecast = [100, 120]
        [[budget]]
        name = "people"
        each = "identity"
        amount = "10"
        window = "week"
        [[budget.override]]
        member = "dana@example.com"
        amount = "20.50"
        [[delta]]
        name = "weekday"
        [[delta]]
        name = "month before"
        against = "month"
        rise_percent = 20
        [[anomaly]]
        name = "odd"
        each = "identity"
        [[hygiene]]
        name = "no team"
        lack = "tag:iamPrincipal/team"
        "#,
    );
    let person = [("identity", "dana@example.com"), ("identity_kind", "sso")];
    let starter = [("identity", "kim@example.com"), ("identity_kind", "sso")];
    let month = |month: &str, days: Range<u32>| {
        let facts = days.clone().map(|day| fact(&format!("{month}-{day:02}"), "30", &person));
        let new = days.end == 21;
        let more = new.then(|| fact(&format!("{month}-16"), "600", &person));
        period(month, facts.chain(more).chain(new.then(|| fact(&format!("{month}-15"), "400", &starter))).collect())
    };
    let book = book(vec![month("2026-09", 1..31), month("2026-10", 1..32), month("2026-11", 1..21)]);
    let found = config.rules.evaluate(&book.facts(), &config.cost, &book.span()).unwrap();
    let mut measured: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for measurement in &found.measurements {
        let levels = measurement.levels.iter().map(|level| levels::name(measurement.kind(), &level.name, level.amount));
        measured.entry(&measurement.rule).or_default().extend(levels);
    }
    let asked = levels::asked(&config);
    let asked: BTreeMap<&str, BTreeSet<String>> =
        asked.iter().map(|(rule, asked)| (rule.as_str(), asked.levels.clone())).collect();
    assert_eq!(measured, asked);
}
