use std::collections::BTreeSet;

use super::*;
use crate::faulty_store::{Fault, FaultyStore};
use crate::memory_store::MemoryStore;
use crate::reaction_fixtures::{TestNotifier, TurnTaking, at, book, fact, period};

/// A Saturday.
const NOW: &str = "2026-11-21T06:00:00Z";

fn two_months() -> Book {
    let spent = |day: &str, cost: &str| vec![fact(day, cost, &[("identity", "a"), ("identity_kind", "sso")])];
    book(vec![period("2026-10", spent("2026-10-05", "7")), period("2026-11", spent("2026-11-05", "12.5"))])
}

async fn run(store: &MemoryStore, book: &Book, now: &str) -> (DigestSummary, TestNotifier) {
    let notifier = TestNotifier::default();
    let summary = react(store, &notifier, &Config::default(), book, at(now)).await.unwrap();
    (summary, notifier)
}

/// The same after a delivery in November.
fn delivered_again(number: usize) -> Book {
    let mut book = two_months();
    book.periods[1].delivery_id = format!("delivery-{number}");
    book
}

#[tokio::test]
async fn finance_is_told_of_the_current_month_once_a_week() {
    let store = MemoryStore::default();
    let mut made = Vec::new();
    // A Saturday, the Sunday of the same week, the Monday after, and the last day of the month.
    let days = [NOW, "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"];
    for (number, now) in days.into_iter().enumerate() {
        let (summary, notifier) = run(&store, &delivered_again(number), now).await;
        assert_eq!(notifier.sent().len(), usize::from(summary.made.is_some()), "{now}");
        made.extend(summary.made);
    }
    assert_eq!(made, ["digest:2026-11:2026-W47", "digest:2026-11:2026-W48", "digest:2026-11:2026-W49"]);
}

#[tokio::test]
async fn what_was_told_is_not_told_again_while_nothing_is_delivered() {
    let store = MemoryStore::default();
    assert!(run(&store, &two_months(), NOW).await.0.made.is_some());
    assert_eq!(run(&store, &two_months(), "2026-11-23T00:00:00Z").await.0.made, None);
    assert!(run(&store, &delivered_again(1), "2026-11-24T00:00:00Z").await.0.made.is_some());
}

#[tokio::test]
async fn the_message_says_what_it_is() {
    let (_, notifier) = run(&MemoryStore::default(), &two_months(), NOW).await;
    let message = notifier.sent().remove(0);
    assert_eq!(message.topic, Topic::Digest);
    assert_eq!(message.subject, "$12.50: Amazon Bedrock, Nov 2026 month to date, 100.0% attributed");
    assert!(message.body.contains("Showback by iamPrincipal/team"), "{}", message.body);
    assert_eq!(message.attributes["kind"], "digest");
    assert_eq!(message.attributes["alert_id"], "digest:2026-11:2026-W47");
    assert!(message.attributes.len() <= 10 && message.attributes.values().all(|value| !value.is_empty()));
}

#[tokio::test]
async fn a_month_without_facts_gives_way_to_the_newest_that_has_some() {
    let mut book = two_months();
    book.periods[1].facts.clear();
    book.periods.push(period("2026-12", Vec::new()));
    let (summary, _) = run(&MemoryStore::default(), &book, "2026-12-01T06:00:00Z").await;
    assert_eq!(summary.made.as_deref(), Some("digest:2026-10:2026-W49"));
    book.periods.remove(0);
    let (summary, notifier) = run(&MemoryStore::default(), &book, "2026-12-01T06:00:00Z").await;
    assert_eq!(summary.made.as_deref(), Some("digest:2026-12:2026-W49"), "nothing has facts: the newest");
    assert!(notifier.sent()[0].body.contains("no Amazon Bedrock line items"), "{}", notifier.sent()[0].body);
}

#[tokio::test]
async fn an_empty_book_has_no_digest_and_no_state() {
    let store = MemoryStore::default();
    assert_eq!(run(&store, &Book::default(), NOW).await.0, DigestSummary::default());
    assert_eq!(store.get(STATE_KEY).await.unwrap(), None);
}

#[tokio::test]
async fn the_whole_delivery_is_told_whatever_its_usage_dates() {
    let mut book = two_months();
    book.periods[1].facts.push(fact("2026-10-31", "-2", &[("category", "refund"), ("identity_kind", "none")]));
    let (_, notifier) = run(&MemoryStore::default(), &book, NOW).await;
    assert!(notifier.sent()[0].body.contains("refunds -2 + fees 0"), "{}", notifier.sent()[0].body);
}

#[tokio::test]
async fn what_is_wrong_with_the_data_is_warned_of() {
    let mut book = two_months();
    book.periods[1].unverified = true;
    book.periods[1].unknown_usage_rows = 3;
    book.periods[1].counts.missing_columns.insert(spend_core::line::PRINCIPAL_COLUMN.to_owned());
    let (_, notifier) = run(&MemoryStore::default(), &book, NOW).await;
    let body = &notifier.sent()[0].body;
    for warning in ["taken as found", "3 line items", "finops has no column line_item_iam_principal"] {
        assert!(body.contains(warning), "{warning} is not in {body}");
    }
}

#[tokio::test]
async fn a_crash_at_any_call_loses_no_digest() {
    let config = Config::default();
    let bare = MemoryStore::default();
    let dry = FaultyStore::failing(&bare, []);
    react(&dry, &TestNotifier::default(), &config, &two_months(), at(NOW)).await.unwrap();
    for call in 1..=dry.calls() {
        for fault in [Fault::Before, Fault::After] {
            let store = MemoryStore::default();
            let crashing = FaultyStore::crashing(&store, call, fault);
            let crashed = TestNotifier::default();
            react(&crashing, &crashed, &config, &two_months(), at(NOW)).await.unwrap_err();
            let (_, after) = run(&store, &two_months(), NOW).await;
            let ids: BTreeSet<_> =
                [crashed.ids(Topic::Digest), after.ids(Topic::Digest)].concat().into_iter().collect();
            assert_eq!(ids, BTreeSet::from(["digest:2026-11:2026-W47".to_owned()]), "call {call} {fault:?}");
            assert!(run(&store, &two_months(), NOW).await.1.sent().is_empty());
        }
    }
}

#[tokio::test]
async fn of_two_that_race_one_makes_the_digest() {
    let (store, config) = (MemoryStore::default(), Config::default());
    let (one, other) = (TurnTaking(&store), TurnTaking(&store));
    let notifier = TestNotifier::default();
    let book = two_months();
    let (first, second) = tokio::join!(
        react(&one, &notifier, &config, &book, at(NOW)),
        react(&other, &notifier, &config, &book, at(NOW))
    );
    let made = [first.unwrap().made, second.unwrap().made].into_iter().flatten().count();
    assert_eq!(made, 1);
    assert!(!notifier.sent().is_empty());
}
