use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;

use super::*;
use crate::alert::state::AlertState;
use crate::config::{Config, FirstRun};
use crate::outputs::outbox::Lease;
use crate::outputs::{Message, Topic};
use crate::reaction_fixtures::{TestNotifier, TurnTaking, at, book, fact, period, table};
use crate::state::book::Book;
use crate::state::commit::{AppliedDelivery, DeliveryOrder, OrderSource};
use crate::state::document::decode;
use crate::store::Store as _;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;

mod amounts;
mod course;
mod denied;
mod ended;
mod first_run;
mod forgetting;
mod interleavings;
mod month;
mod mutes;
mod new_levels;
mod older;
mod order;
mod owners;
mod silence;
mod stored;

const NOW: &str = "2026-11-21T06:00:00Z";

fn config(text: &str) -> Config {
    Config::parse("ledger.toml", text).unwrap()
}

fn one_budget() -> Config {
    config("[[budget]]\nname = \"search\"\namount = \"100\"\nowner = \"search-oncall\"\nseverity = \"page\"")
}

/// November's spend of one caller.
fn november(cost: &str) -> Book {
    let caller = [("identity", "dana@example.com"), ("identity_kind", "sso"), ("model", "claude-opus-4.5")];
    book(vec![period("2026-11", vec![fact("2026-11-17", cost, &caller)])])
}

fn given<'a>(config: &'a Config, book: &'a Book) -> Given<'a> {
    Given { config, book }
}

/// The book after the commit `sequence` of each of its periods, an hour after the one before.
fn committed(mut book: Book, sequence: u64) -> Book {
    for period in &mut book.periods {
        let applied_at = at("2026-11-21T00:00:00Z") + chrono::TimeDelta::hours(i64::try_from(sequence).unwrap());
        period.delivery_id = format!("delivery-{sequence}");
        period.commits = vec![applied(&period.delivery_id, sequence, applied_at)];
    }
    book
}

fn applied(delivery_id: &str, sequence: u64, applied_at: DateTime<Utc>) -> AppliedDelivery {
    AppliedDelivery {
        sequence,
        delivery_id: delivery_id.to_owned(),
        revision: 0,
        moved: String::new(),
        order: DeliveryOrder { source: OrderSource::LastModified, at: applied_at },
        applied_at,
        data_as_of: Some(applied_at),
        unverified: false,
    }
}

async fn run(store: &MemoryStore, config: &Config, book: &Book, now: &str) -> (AlertSummary, TestNotifier) {
    let notifier = TestNotifier::default();
    let summary = react(store, &notifier, &given(config, book), Lease::INVOCATION, at(now)).await.unwrap();
    (summary, notifier)
}

async fn state(store: &MemoryStore) -> AlertState {
    let (bytes, _) = store.get(STATE_KEY).await.unwrap().unwrap();
    decode(STATE_KEY, &bytes).unwrap()
}

#[tokio::test]
async fn each_crossing_is_told_once() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let mut told = Vec::new();
    for cost in ["10", "49.99", "50", "60", "79", "85", "99.999999999999999999", "100", "250"] {
        let (_, notifier) = run(&store, &config, &november(cost), NOW).await;
        told.extend(notifier.ids(Topic::Alerts).into_iter().map(|id| (cost, id)));
        assert_eq!(notifier.ids(Topic::Alerts), notifier.ids(Topic::Events));
    }
    let expected = [
        ("50", "search:-:USD:2026-11-01:budget:50:100:1"),
        ("85", "search:-:USD:2026-11-01:budget:80:100:1"),
        ("100", "search:-:USD:2026-11-01:budget:100:100:1"),
    ];
    assert_eq!(told, expected.map(|(cost, id)| (cost, id.to_owned())));
}

#[tokio::test]
async fn several_thresholds_at_once_are_one_message_named_after_the_highest() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let (summary, notifier) = run(&store, &config, &november("85"), NOW).await;
    assert_eq!((summary.measured, summary.fired, summary.seeded, summary.sent), (1, 1, 0, 2));
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:80:100:1"]);
    assert!(notifier.sent()[0].body.contains("crossed 50% and 80%"), "{}", notifier.sent()[0].body);
    let crossings = state(&store).await.crossings;
    assert_eq!(crossings.len(), 2);
    assert!(crossings.values().all(|crossing| crossing.count == 1 && crossing.is_told()));
}

#[tokio::test]
async fn the_same_book_twice_sends_and_writes_nothing_twice() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &november("85"), NOW).await;
    let before = store.get(STATE_KEY).await.unwrap();
    let (summary, notifier) = run(&store, &config, &november("85"), "2026-11-25T00:00:00Z").await;
    assert_eq!((summary.measured, summary.fired, summary.seeded, summary.sent), (1, 0, 0, 0));
    assert!(notifier.sent().is_empty());
    assert_eq!(store.get(STATE_KEY).await.unwrap(), before);
}

#[tokio::test]
async fn a_day_that_is_filling_up_proves_no_saving() {
    let (store, config) = (MemoryStore::default(), one_budget());
    for (cost, messages) in [("85", 2), ("40", 0), ("85", 0), ("100", 2)] {
        assert_eq!(run(&store, &config, &november(cost), NOW).await.1.sent().len(), messages, "{cost}");
    }
}

#[tokio::test]
async fn another_amount_is_another_crossing() {
    let store = MemoryStore::default();
    run(&store, &one_budget(), &november("85"), NOW).await;
    let smaller = config("[[budget]]\nname = \"search\"\namount = \"90\"");
    let (_, notifier) = run(&store, &smaller, &november("85"), NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:80:90:1"]);
}

#[tokio::test]
async fn attributes_and_event_say_what_the_text_says() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let (_, notifier) = run(&store, &config, &november("101.5"), NOW).await;
    let sent = notifier.sent();
    let [text, event] = sent.as_slice() else { panic!("{sent:?}") };
    let id = "search:-:USD:2026-11-01:budget:100:100:1";
    let expected = BTreeMap::from([
        ("kind", "budget"),
        ("status", "firing"),
        ("rule", "search"),
        ("member", "-"),
        ("severity", "page"),
        ("owner", "search-oncall"),
        ("alert_id", id),
        ("incident_key", "search:-:USD:2026-11-01:budget"),
    ]);
    for message in [text, event] {
        let found: BTreeMap<_, _> =
            message.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(message.subject, "$101.50 of $100.00 (101%): budget search, Nov 2026");
    }
    assert!(text.body.ends_with(&format!("Alert id    {id}\n")), "{}", text.body);
    let json: Value = serde_json::from_str(&event.body).unwrap();
    for (pointer, value) in [
        ("/format", "alert-event/2"),
        ("/alert_id", id),
        ("/incident_key", "search:-:USD:2026-11-01:budget"),
        ("/finding/spent", "101.5"),
        ("/finding/amount", "100"),
        ("/finding/window/start", "2026-11-01"),
        ("/finding/window/end", "2026-12-01"),
        ("/finding/driver/identity", "dana@example.com"),
        ("/data/deliveries/0/delivery_id", "delivery-of-2026-11"),
    ] {
        assert_eq!(json.pointer(pointer).and_then(Value::as_str), Some(value), "{pointer} of {}", event.body);
    }
    assert_eq!(json.pointer("/finding/fired"), Some(&serde_json::json!(["50", "80", "100"])));
}

#[tokio::test]
async fn members_are_told_apart_whatever_they_are_called() {
    let config =
        config("[[budget]]\nname = \"a:b\"\neach = \"tag:iamPrincipal/team\"\namount = \"1\"\nthresholds = [100]");
    let members = ["x", "-", "a:b", "東京", ""];
    let facts = members.map(|team| fact("2026-11-01", "5", &[("iamPrincipal/team", team)])).to_vec();
    let (_, notifier) = run(&MemoryStore::default(), &config, &book(vec![period("2026-11", facts)]), NOW).await;
    let ids: BTreeSet<_> = notifier.ids(Topic::Alerts).into_iter().collect();
    let expected = ["(none)", "%2D", "%e6%9d%b1%e4%ba%ac", "a%3ab", "x"]
        .map(|member| format!("a%3ab:{member}:USD:2026-11-01:budget:100:1:1"));
    assert_eq!(ids, BTreeSet::from(expected));
    let names: BTreeSet<_> = notifier.sent().iter().map(|message| message.attributes["member"].clone()).collect();
    assert_eq!(names, ["(none)", "-", "a:b", "x", "東京"].map(str::to_owned).into());
}

#[tokio::test]
async fn who_is_woken_is_told_first() {
    let config = config(
        "[[budget]]\nname = \"a\"\namount = \"1\"\n[[budget]]\nname = \"b\"\namount = \"1\"\nseverity = \"page\"",
    );
    let (_, notifier) = run(&MemoryStore::default(), &config, &november("5"), NOW).await;
    let rules: Vec<_> = notifier.sent().iter().map(|message| message.attributes["rule"].clone()).collect();
    assert_eq!(rules, ["b", "b", "a", "a"]);
}

#[tokio::test]
async fn exports_are_measured_together() {
    let mut other = period("2026-11", vec![fact("2026-11-02", "30", &[])]);
    other.export_id = "other".to_owned();
    let mut both = november("30");
    both.periods.push(other);
    let (_, notifier) = run(&MemoryStore::default(), &one_budget(), &both, NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:50:100:1"]);
}

/// October over the budget, and November too.
fn two_months() -> Book {
    let mut months = november("85");
    months.periods.push(period("2026-10", vec![fact("2026-10-05", "500", &[])]));
    months
}

#[tokio::test]
async fn months_that_ended_before_a_rule_was_seen_are_never_told_of() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let (summary, notifier) = run(&store, &config, &two_months(), NOW).await;
    assert_eq!((summary.measured, summary.fired, summary.seeded, summary.sent), (2, 1, 3, 2));
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:80:100:1"]);
    let mut more = two_months();
    more.periods[1].facts = table([fact("2026-10-05", "9999", &[])]);
    let mut higher = config;
    higher.rules.budgets[0].amount = "200".parse().unwrap();
    assert!(run(&store, &higher, &more, "2026-12-15T00:00:00Z").await.1.ids(Topic::Alerts).is_empty());
}

#[tokio::test]
async fn a_clock_that_once_ran_ahead_silences_nothing() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let (ahead, _) = run(&store, &config, &november("85"), "2036-11-21T06:00:00Z").await;
    assert_eq!((ahead.fired, ahead.seeded), (0, 2), "November 2026 is long over there");
    let (_, notifier) = run(&store, &config, &november("85"), NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:80:100:1"]);
    let (_, notifier) = run(&store, &config, &november("100"), NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:100:100:1"]);
}

#[tokio::test]
async fn a_clock_that_is_ahead_as_far_as_clocks_may_be_apart_is_believed() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let (ahead, _) = run(&store, &config, &november("85"), "2026-12-01T00:30:00Z").await;
    assert_eq!((ahead.fired, ahead.seeded), (0, 2), "November is over there");
    assert!(run(&store, &config, &november("85"), "2026-11-30T23:30:00Z").await.1.sent().is_empty());
    let (_, notifier) = run(&store, &config, &november("85"), "2026-11-30T23:29:59Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:80:100:1"]);
}

#[tokio::test]
async fn a_late_delivery_that_pushes_an_ended_month_over_is_told() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &november("85"), NOW).await;
    let (_, notifier) = run(&store, &config, &november("100"), "2026-12-05T00:00:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:100:100:1"]);
    assert!(notifier.sent()[0].body.contains("the month is over"), "{}", notifier.sent()[0].body);
}

fn first_run(policy: &str) -> Config {
    let budgets = "[[budget]]\nname = \"a\"\namount = \"100\"\n[[budget]]\nname = \"b\"\namount = \"50\"";
    config(&format!("[alerts]\nfirst_run = \"{policy}\"\n{budgets}"))
}

#[tokio::test]
async fn a_summary_names_all_that_is_past_at_first_and_then_each_is_told() {
    let (store, config) = (MemoryStore::default(), first_run("summary"));
    let (summary, notifier) = run(&store, &config, &two_months(), NOW).await;
    assert_eq!((summary.measured, summary.fired, summary.seeded, summary.sent), (4, 1, 6, 2));
    assert_eq!(notifier.ids(Topic::Alerts), ["first-run:2026-11-01:1"]);
    let sent = notifier.sent();
    assert!(sent[0].body.contains("First evaluation of 2 rules, with 2 findings."), "{}", sent[0].body);
    assert!(sent[0].subject.starts_with("$85.00 of $50.00 (170%) and 1 more"), "{}", sent[0].subject);
    assert_eq!(sent[0].attributes["rule"], "(several)");
    assert_eq!(serde_json::from_str::<Value>(&sent[1].body).unwrap()["alerts"].as_array().unwrap().len(), 2);
    let (_, notifier) = run(&store, &config, &november("100"), NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["a:-:USD:2026-11-01:budget:100:100:1"]);
}

#[tokio::test]
async fn very_many_are_as_many_summaries_as_fit_and_each_is_named() {
    let config =
        config("[alerts]\nfirst_run = \"summary\"\n[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"");
    let facts = (0..1000).map(|index| fact("2026-11-01", "5", &[("identity", &format!("{index:0>200}"))])).collect();
    let (_, notifier) = run(&MemoryStore::default(), &config, &book(vec![period("2026-11", facts)]), NOW).await;
    let sent = notifier.sent();
    let events = sent.iter().filter(|message| message.topic == Topic::Events);
    let events: Vec<SummaryEvent> = events.map(|event| decode("event", event.body.as_bytes()).unwrap()).collect();
    let named: BTreeSet<_> =
        events.iter().flat_map(|event| &event.alerts).map(|alert| alert.finding.member.clone().unwrap()).collect();
    assert_eq!(named.len(), 1000, "machines are told of each");
    assert!(events.iter().all(|event| event.alerts.len() <= 100));
    let ids: BTreeSet<_> = notifier.ids(Topic::Alerts).into_iter().collect();
    assert_eq!(ids.len(), events.len(), "each message has an id of its own");
    for event in &events {
        let text = sent.iter().find(|message| message.attributes["alert_id"] == event.alert_id).unwrap();
        let said = format!("First evaluation of one rule, with {} findings.", event.alerts.len());
        assert!(text.body.contains(&said), "{}", text.body);
    }
}

#[tokio::test]
async fn a_silent_first_run_sends_nothing_and_later_crossings_are_told() {
    let (store, config) = (MemoryStore::default(), first_run("silent"));
    let (summary, notifier) = run(&store, &config, &november("85"), NOW).await;
    assert_eq!((summary.measured, summary.fired, summary.seeded, summary.sent), (2, 0, 5, 0));
    assert!(notifier.sent().is_empty());
    let (_, notifier) = run(&store, &config, &november("100"), NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["a:-:USD:2026-11-01:budget:100:100:1"]);
}

#[tokio::test]
async fn the_first_run_of_a_backfill_is_when_the_current_month_arrives() {
    let (store, config) = (MemoryStore::default(), first_run("summary"));
    let october = book(vec![period("2026-10", vec![fact("2026-10-05", "500", &[])])]);
    assert!(run(&store, &config, &october, NOW).await.1.sent().is_empty());
    let (_, notifier) = run(&store, &config, &two_months(), "2026-11-21T06:05:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["first-run:2026-11-01:1"]);
}

#[tokio::test]
async fn a_rule_that_is_added_later_has_a_first_run_of_its_own() {
    let store = MemoryStore::default();
    run(&store, &one_budget(), &november("85"), NOW).await;
    let mut both = one_budget();
    both.first_run = FirstRun::Summary;
    both.rules.budgets.extend(config("[[budget]]\nname = \"new\"\namount = \"10\"").rules.budgets);
    let (_, notifier) = run(&store, &both, &november("100"), NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:100:100:1", "first-run:2026-11-01:1"]);
    assert_eq!(notifier.sent()[2].attributes["rule"], "new");
}

/// Two budgets, one of which crosses several thresholds: two alerts on two topics.
fn two_alerts() -> (Config, Book, BTreeSet<String>) {
    let ids = ["a:-:USD:2026-11-01:budget:80:100:1", "b:-:USD:2026-11-01:budget:100:50:1"];
    (first_run("send"), november("85"), ids.map(str::to_owned).into())
}

/// Checks that every alert was sent on both topics, and that what was sent twice was the same.
fn assert_all_told(sent: &[Message], ids: &BTreeSet<String>) {
    for topic in [Topic::Alerts, Topic::Events] {
        let of_topic: Vec<_> = sent.iter().filter(|message| message.topic == topic).collect();
        let found: BTreeSet<_> = of_topic.iter().map(|message| message.attributes["alert_id"].clone()).collect();
        assert_eq!(&found, ids, "{}", topic.as_str());
        for id in ids {
            let bodies: BTreeSet<_> =
                of_topic.iter().filter(|found| found.attributes["alert_id"] == *id).map(|found| &found.body).collect();
            assert_eq!(bodies.len(), 1, "{id} was sent with different bodies");
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_call_of_the_store_loses_no_alert() {
    let (config, book, ids) = two_alerts();
    let bare = MemoryStore::default();
    let dry = FaultyStore::failing(&bare, []);
    react(&dry, &TestNotifier::default(), &given(&config, &book), Lease::INVOCATION, at(NOW)).await.unwrap();
    assert!(dry.calls() >= 7, "read, write, and for each alert read and write: {}", dry.calls());
    for call in 1..=dry.calls() {
        for fault in [Fault::Before, Fault::After] {
            let store = MemoryStore::default();
            let crashing = FaultyStore::crashing(&store, call, fault);
            let crashed = TestNotifier::default();
            let error =
                react(&crashing, &crashed, &given(&config, &book), Lease::INVOCATION, at(NOW)).await.unwrap_err();
            assert_eq!((error.kind(), error.class()), ("store.unavailable", Class::Retry));
            let (_, after) = run(&store, &config, &book, "2026-11-21T07:00:00Z").await;
            assert_all_told(&[crashed.sent(), after.sent()].concat(), &ids);
            assert_eq!(state(&store).await.outbox.pending(), 0, "call {call} {fault:?}");
            assert!(run(&store, &config, &book, "2026-11-21T08:00:00Z").await.1.sent().is_empty());
        }
    }
}

#[tokio::test]
async fn a_failure_at_any_message_loses_no_alert_and_holds_up_no_other() {
    let (config, book, ids) = two_alerts();
    for call in 1..=4 {
        for after in [false, true] {
            let store = MemoryStore::default();
            let failing = TestNotifier::failing(call, after);
            let error = react(&store, &failing, &given(&config, &book), Lease::INVOCATION, at(NOW)).await.unwrap_err();
            assert_eq!(error.kind(), "publish.in_doubt");
            assert_eq!(failing.calls(), 4, "the others are sent all the same");
            let (summary, again) = run(&store, &config, &book, "2026-11-21T07:00:00Z").await;
            assert_eq!(summary.sent, 1, "only the one that failed is sent again");
            assert_all_told(&[failing.sent(), again.sent()].concat(), &ids);
            assert_eq!(state(&store).await.outbox.pending(), 0);
        }
    }
}

#[tokio::test]
async fn a_sweep_sends_what_was_left() {
    let (config, book, _) = two_alerts();
    let store = MemoryStore::default();
    react(&store, &TestNotifier::failing(2, false), &given(&config, &book), Lease::INVOCATION, at(NOW))
        .await
        .unwrap_err();
    let sweep = TestNotifier::default();
    assert_eq!(drain(&store, &sweep, Lease::INVOCATION, at(NOW)).await.unwrap(), 1);
    assert_eq!(sweep.ids(Topic::Events).len(), 1);
    assert_eq!(drain(&store, &sweep, Lease::INVOCATION, at(NOW)).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_pending_is_sent_even_where_a_sum_leaves_its_range() {
    let (config, book, _) = two_alerts();
    let store = MemoryStore::default();
    react(&store, &TestNotifier::failing(1, false), &given(&config, &book), Lease::INVOCATION, at(NOW))
        .await
        .unwrap_err();
    let most = "99999999999999999999";
    let facts = ["us-east-1", "us-west-2"].map(|region| fact("2026-11-01", most, &[("region", region)]));
    let absurd = Book { periods: vec![period("2026-11", facts.into())] };
    let notifier = TestNotifier::default();
    let error = react(&store, &notifier, &given(&config, &absurd), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!(error.kind(), "bug.sum_out_of_range");
    assert_eq!(notifier.sent().len(), 1);
}

#[tokio::test]
async fn two_evaluators_that_race_tell_everything_and_agree() {
    let (config, book, ids) = two_alerts();
    let store = MemoryStore::default();
    let (left, right) = (TestNotifier::default(), TestNotifier::default());
    let (one, other) = (TurnTaking(&store), TurnTaking(&store));
    let sources = given(&config, &book);
    let (first, second) = tokio::join!(
        react(&one, &left, &sources, Lease::INVOCATION, at(NOW)),
        react(&other, &right, &sources, Lease::INVOCATION, at(NOW))
    );
    let fired = first.unwrap().fired + second.unwrap().fired;
    assert_eq!(fired, 2, "one wrote both alerts, the other found them written");
    let sent = [left.sent(), right.sent()].concat();
    assert_all_told(&sent, &ids);
    assert_eq!(sent.len(), 2 * ids.len(), "each to people and to machines, once");
    let state = state(&store).await;
    assert_eq!((state.outbox.pending(), state.crossings.len()), (0, 5));
    assert!(ids.iter().all(|id| state.outbox.knows(id)));
}

#[tokio::test]
async fn state_of_a_newer_release_is_left_alone() {
    let store = MemoryStore::default();
    let newer = "{\"format\": \"alert-state/3\", \"rules\": {}}";
    store.overwrite(STATE_KEY, newer.into()).unwrap();
    let notifier = TestNotifier::default();
    let error =
        react(&store, &notifier, &given(&one_budget(), &november("85")), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!((error.kind(), error.class()), ("store.newer_format", Class::Operator));
    assert_eq!(store.get(STATE_KEY).await.unwrap().unwrap().0, newer.as_bytes());
    assert!(notifier.sent().is_empty());
}

#[tokio::test]
async fn without_budgets_there_is_no_state() {
    let store = MemoryStore::default();
    run(&store, &Config::default(), &november("85"), NOW).await;
    assert_eq!(store.get(STATE_KEY).await.unwrap(), None);
}

#[tokio::test]
async fn who_asks_for_nothing_any_more_still_knows_what_was_looked_at() {
    let store = MemoryStore::default();
    run(&store, &one_budget(), &committed(november("85"), 1), NOW).await;
    run(&store, &Config::default(), &committed(november("85"), 2), NOW).await;
    let (bytes, _) = store.get(STATE_KEY).await.unwrap().unwrap();
    let stored: Value = serde_json::from_slice(&bytes).unwrap();
    let commit = stored.pointer("/origin/commits/2026-11/finops/sequence");
    assert_eq!(commit.and_then(Value::as_u64), Some(2), "{stored}");
}

#[tokio::test]
async fn a_summary_whose_event_would_be_too_large_is_several_and_each_crossing_knows_its_own() {
    let config =
        config("[alerts]\nfirst_run = \"summary\"\n[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"");
    let facts = (0..100).map(|index| fact("2026-11-01", "5", &[("identity", &format!("{index:0>1000}"))])).collect();
    let store = MemoryStore::default();
    let (summary, notifier) = run(&store, &config, &book(vec![period("2026-11", facts)]), NOW).await;
    assert_eq!((summary.fired, notifier.ids(Topic::Events).len()), (2, 2));
    let mut told = BTreeMap::new();
    for message in notifier.sent().iter().filter(|message| message.topic == Topic::Events) {
        let event: SummaryEvent = decode("event", message.body.as_bytes()).unwrap();
        for alert in event.alerts {
            told.insert(alert.alert_id, event.alert_id.clone());
        }
    }
    assert_eq!(told.len(), 100, "machines are told of each");
    for (key, crossing) in &state(&store).await.crossings {
        let id = ids::alert_id(key, crossing.count);
        if let Some(summary) = told.get(&id) {
            assert_eq!(crossing.told, crate::alert::crossing::Told::By(summary.clone()));
        }
    }
}
