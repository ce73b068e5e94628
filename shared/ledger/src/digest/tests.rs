use std::collections::BTreeSet;

use bytes::Bytes;
use spend_core::digest::extent::DigestKind;

use super::*;
use crate::config::Config;
use crate::outputs::outbox::Lease;
use crate::outputs::{Message, Topic};
use crate::reaction_fixtures::{FactRow, TestNotifier, TurnTaking, add, at, book, fact, period, table};
use crate::state::book::{Book, BookPeriod};
use crate::state::commit::{AppliedDelivery, CommitKind, DeliveryOrder, OrderSource};
use crate::state::document::{decode, encode_compressed};
use crate::state::history::{HistoryEntry, Moved};
use crate::state::keys::Statement;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;
use crate::store::{Put, Store};

mod calendar;
mod figures;

/// A Saturday.
const NOW: &str = "2026-11-21T06:00:00Z";
const ONCE_THE_LEASE_IS_OVER: &str = "2026-11-21T06:30:00Z";
/// Mondays are first days of weeks: the digest of the Saturday.
const ID: &str = "digest:weekly:2026-11-16";

fn spent(day: &str, cost: &str) -> FactRow {
    fact(day, cost, &[("identity", "a"), ("identity_kind", "sso"), ("owner", "search"), ("model", "opus")])
}

fn two_months() -> Book {
    let october = period("2026-10", vec![spent("2026-10-05", "7")]);
    book(vec![october, period("2026-11", vec![spent("2026-11-05", "12.5")])])
}

async fn run(store: &MemoryStore, book: &Book, now: &str) -> (DigestSummary, TestNotifier) {
    let notifier = TestNotifier::default();
    let summary = react(store, &notifier, &Config::default(), book, Lease::INVOCATION, at(now)).await.unwrap();
    (summary, notifier)
}

/// The same after a delivery in November.
fn delivered_again(number: usize) -> Book {
    let mut book = two_months();
    book.periods[1].delivery_id = format!("delivery-{number}");
    book
}

fn sent_on(notifier: &TestNotifier, topic: Topic) -> Message {
    notifier.sent().into_iter().find(|message| message.topic == topic).unwrap()
}

fn event(notifier: &TestNotifier) -> DigestEvent {
    decode("event", &Bytes::from(sent_on(notifier, Topic::Events).body)).unwrap()
}

#[tokio::test]
async fn people_and_machines_are_told_the_same_with_one_id() {
    let (summary, notifier) = run(&MemoryStore::default(), &two_months(), NOW).await;
    assert_eq!(summary, DigestSummary { made: Some(ID.to_owned()), sent: 2 });
    let message = sent_on(&notifier, Topic::Digest);
    assert_eq!(message.subject, "$12.50: Amazon Bedrock, Nov 2026 month to date, 100.0% attributed");
    assert!(message.body.starts_with("Total       $12.50 of usage and discounts, November 2026 to date\n"));
    let machine = sent_on(&notifier, Topic::Events);
    assert_eq!(machine.attributes, message.attributes);
    assert_eq!(message.attributes["kind"], "digest");
    assert_eq!(message.attributes["rule"], "weekly");
    assert_eq!(message.attributes["alert_id"], ID);
    assert!(message.attributes.len() <= 10 && message.attributes.values().all(|value| !value.is_empty()));
    let event = event(&notifier);
    assert_eq!(
        (event.alert_id.as_str(), event.digest.as_str(), event.extent.as_str()),
        (ID, "weekly", "month-to-date")
    );
    assert_eq!(event.currencies[0].spend.to_string(), "12.5");
    assert!(machine.body.starts_with("{\n  \"format\": \"digest-event/1\","), "{}", machine.body);
}

#[tokio::test]
async fn the_whole_delivery_is_told_whatever_its_usage_dates() {
    let mut book = two_months();
    add(&mut book.periods[1], fact("2026-10-31", "-2", &[("category", "refund"), ("identity_kind", "none")]));
    let (_, notifier) = run(&MemoryStore::default(), &book, NOW).await;
    let body = sent_on(&notifier, Topic::Digest).body;
    assert!(body.contains("exact: spend 12.5 + refunds -2 = 10.5 USD"), "{body}");
}

#[tokio::test]
async fn what_is_wrong_with_the_data_is_warned_of() {
    let mut book = two_months();
    book.periods[1].unverified = true;
    book.periods[1].unknown_usage_rows = 3;
    book.periods[1].counts.missing_columns.insert(spend_core::bill::line::PRINCIPAL_COLUMN.to_owned());
    let (_, notifier) = run(&MemoryStore::default(), &book, NOW).await;
    let body = sent_on(&notifier, Topic::Digest).body;
    for warning in ["taken as found", "3 line items", "finops has no column line_item_iam_principal"] {
        assert!(body.contains(warning), "{warning} is not in {body}");
    }
    assert_eq!(event(&notifier).warnings.exports_without_principals, ["finops"]);
}

#[tokio::test]
async fn a_crash_at_any_call_of_the_store_loses_no_digest() {
    let config = Config::default();
    let bare = MemoryStore::default();
    let dry = FaultyStore::failing(&bare, []);
    react(&dry, &TestNotifier::default(), &config, &two_months(), Lease::INVOCATION, at(NOW)).await.unwrap();
    for call in 1..=dry.calls() {
        for fault in [Fault::Before, Fault::After] {
            let store = MemoryStore::default();
            let crashing = FaultyStore::crashing(&store, call, fault);
            let crashed = TestNotifier::default();
            react(&crashing, &crashed, &config, &two_months(), Lease::INVOCATION, at(NOW)).await.unwrap_err();
            let (_, after) = run(&store, &two_months(), ONCE_THE_LEASE_IS_OVER).await;
            for topic in [Topic::Digest, Topic::Events] {
                let ids: BTreeSet<_> = [crashed.ids(topic), after.ids(topic)].concat().into_iter().collect();
                assert_eq!(ids, BTreeSet::from([ID.to_owned()]), "call {call} {fault:?}");
            }
            assert!(run(&store, &two_months(), ONCE_THE_LEASE_IS_OVER).await.1.sent().is_empty());
        }
    }
}

#[tokio::test]
async fn a_call_of_the_notifier_that_fails_loses_no_digest() {
    for call in 1..=2 {
        for has_effect in [false, true] {
            let store = MemoryStore::default();
            let failing = TestNotifier::failing(call, has_effect);
            react(&store, &failing, &Config::default(), &two_months(), Lease::INVOCATION, at(NOW)).await.unwrap_err();
            let (_, after) = run(&store, &two_months(), NOW).await;
            assert_eq!(after.sent().len(), 1, "only what failed is sent again");
            for topic in [Topic::Digest, Topic::Events] {
                let ids = [failing.ids(topic), after.ids(topic)].concat();
                let ids: BTreeSet<_> = ids.into_iter().collect();
                assert_eq!(ids, BTreeSet::from([ID.to_owned()]), "call {call} {has_effect}");
            }
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
        react(&one, &notifier, &config, &book, Lease::INVOCATION, at(NOW)),
        react(&other, &notifier, &config, &book, Lease::INVOCATION, at(NOW))
    );
    let made = [first.unwrap().made, second.unwrap().made].into_iter().flatten().count();
    assert_eq!(made, 1);
    assert_eq!(notifier.ids(Topic::Digest), [ID], "and one sends it");
    assert_eq!(notifier.ids(Topic::Events), [ID]);
}

#[tokio::test]
async fn a_preview_writes_nothing_and_says_what_would_be_sent() {
    let store = MemoryStore::default();
    let (config, book) = (Config::default(), two_months());
    let told = preview(&store, &config, &book, DigestKind::Weekly, None, at(NOW)).await.unwrap().unwrap();
    assert_eq!(store.list("").await.unwrap(), []);
    let (_, notifier) = run(&store, &book, NOW).await;
    assert_eq!(told, notifier.sent());
    let of = |period: &str| Some(period.parse().unwrap());
    let none = preview(&store, &config, &book, DigestKind::Close, of("2026-07"), at(NOW)).await.unwrap();
    assert_eq!(none, None);
    let close = preview(&store, &config, &book, DigestKind::Close, None, at(NOW)).await.unwrap().unwrap();
    assert_eq!(close[0].attributes["alert_id"], "digest:close:2026-10");
}

/// More values of a tag than a message has room for, each of them long.
#[tokio::test]
async fn a_digest_that_would_be_too_long_has_fewer_rows() {
    let mut book = two_months();
    let facts = (0..2_000).map(|index| {
        let name = format!("{index:04}-{}", "\u{4E16}".repeat(60));
        let fields = [("identity", name.as_str()), ("identity_kind", "sso"), ("iamPrincipal/team", &name)];
        fact("2026-11-05", "1", &fields)
    });
    book.periods[1].facts = table(facts);
    let (_, notifier) = run(&MemoryStore::default(), &book, NOW).await;
    for message in notifier.sent() {
        message.check().unwrap();
    }
    let event = event(&notifier);
    assert_eq!(event.currencies[0].spend.to_string(), "2000");
    let callers = &event.currencies[0].callers;
    assert!(callers.omitted > 0 && callers.rows.len() + callers.omitted == 2_000);
    let body = sent_on(&notifier, Topic::Digest).body;
    assert!(body.contains("  (other), 1990 more "), "{body}");
}
