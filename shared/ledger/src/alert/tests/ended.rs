//! What machines are told of the end of an incident.

use super::*;
use crate::outputs::Topic;

/// October and November of one caller, settled to the end of 17 November.
fn settled(cost: &str) -> Book {
    let caller = [("identity", "dana@example.com"), ("identity_kind", "sso")];
    let month = |month: &str, cost: &str| period(month, vec![fact(&format!("{month}-17"), cost, &caller)]);
    let mut book = book(vec![month("2026-10", "7"), month("2026-11", cost)]);
    book.periods[1].data_as_of = Some(at("2026-11-21T00:00:00Z"));
    book
}

/// A budget of each caller; `more` is about the ledger.
fn each(more: &str) -> Config {
    config(&format!(
        "{more}[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"100\"\nowner = \"oncall\"\nseverity = \"page\""
    ))
}

fn event(notifier: &TestNotifier) -> AlertEvent {
    let sent = notifier.sent();
    let [event] = sent.iter().filter(|message| message.topic == Topic::Events).collect::<Vec<_>>()[..] else {
        panic!("{sent:?}")
    };
    decode("event", event.body.as_bytes()).unwrap()
}

fn finding(fired: &[&str], crossed: &[&str], spent: Option<&str>) -> FindingEvent {
    let levels = |levels: &[&str]| levels.iter().map(|level| (*level).to_owned()).collect();
    let day = |text: &str| text.parse().unwrap();
    FindingEvent {
        rule: "b".to_owned(),
        member: Some("dana@example.com".to_owned()),
        severity: "page".to_owned(),
        owner: Some("oncall".to_owned()),
        window: WindowEvent { kind: "month".to_owned(), start: day("2026-11-01"), end: day("2026-12-01") },
        currency: "USD".to_owned(),
        spent: spent.map(|spent| spent.parse().unwrap()),
        amount: "100".parse().unwrap(),
        fired: levels(fired),
        crossed: levels(crossed),
        ..FindingEvent::default()
    }
}

#[tokio::test]
async fn the_event_says_of_whom_it_is_what_is_true_no_more_and_what_was_spent_in_the_window() {
    let store = MemoryStore::default();
    run(&store, &each(""), &settled("120"), NOW).await;
    let (_, notifier) = run(&store, &each(""), &settled("60"), NOW).await;
    assert_eq!(event(&notifier).finding, finding(&["80", "100"], &["50"], Some("60")));
    let (_, notifier) = run(&store, &each(""), &settled("10"), NOW).await;
    assert_eq!(event(&notifier).finding, finding(&["50"], &[], Some("10")));
    let text = &notifier.sent()[0];
    assert!(text.topic == Topic::Alerts && text.body.contains("$10.00"), "{}", text.body);
}

#[tokio::test]
async fn the_event_of_a_window_that_is_over_says_what_was_spent_in_it() {
    let store = MemoryStore::default();
    run(&store, &each(""), &settled("85"), NOW).await;
    let (_, notifier) = run(&store, &each(""), &settled("85"), "2026-12-08T00:00:00Z").await;
    let event = event(&notifier);
    assert_eq!((event.why.as_deref(), event.finding), (Some("over"), finding(&["50", "80"], &[], Some("85"))));
}

#[tokio::test]
async fn an_episode_that_is_none_any_more_says_what_its_day_has_now() {
    let config = config(DELTA);
    let store = MemoryStore::default();
    run(&store, &config, &book(Vec::new()), "2026-11-01T06:00:00Z").await;
    let now = "2026-11-19T06:00:00Z";
    let mut told = Vec::new();
    // 49 more is not twice 50: of a day, which does not move by itself, it is news all the same.
    for cost in ["60", "11", "59"] {
        let (_, notifier) = run(&store, &config, &course(&[(12, cost)]), now).await;
        let (event, text) = (event(&notifier), notifier.sent().pop().unwrap().body);
        assert_eq!(text.contains("\"detail\""), event.status == "firing", "what does not apply is left out: {text}");
        told.push((event.status, event.alert_id, event.finding.spent.map(|spent| spent.to_string())));
    }
    let id = |count: u32| format!("d:-:USD:2026-11-12:delta:50:20:{count}");
    let expected = [("firing", id(1), "60"), ("resolved", id(1), "11"), ("firing", id(2), "59")];
    assert_eq!(told, expected.map(|(status, id, spent)| (status.to_owned(), id, Some(spent.to_owned()))));
}

/// Ten a day, and more from the 12th to the 18th on these days.
fn course(more: &[(u32, &str)]) -> Book {
    let cost = |day: u32| more.iter().find(|(of, _)| *of == day).map_or("10", |(_, cost)| *cost);
    let facts = (1..=18).map(|day| fact(&format!("2026-11-{day:02}"), cost(day), &[]));
    let mut november = period("2026-11", facts.collect());
    november.data_as_of = Some(at("2026-11-19T00:00:00Z"));
    book(vec![period("2026-10", Vec::new()), november])
}

const DELTA: &str = "[[delta]]\nname = \"d\"\nagainst = \"trailing\"\nrise_percent = 50\nrise_amount = \"20\"\n";

#[tokio::test]
async fn a_day_near_an_episode_that_is_none_any_more_is_an_episode_of_its_own() {
    let (store, config, now) = (MemoryStore::default(), config(DELTA), "2026-11-19T06:00:00Z");
    run(&store, &config, &book(Vec::new()), "2026-11-01T06:00:00Z").await;
    run(&store, &config, &course(&[(12, "60")]), now).await;
    run(&store, &config, &course(&[(12, "11")]), now).await;
    let (_, notifier) = run(&store, &config, &course(&[(12, "11"), (14, "60")]), now).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["d:-:USD:2026-11-14:delta:50:20:1"]);
}

#[tokio::test]
async fn a_day_near_one_that_nobody_was_told_of_is_an_episode_of_its_own() {
    let (store, config) = (MemoryStore::default(), config(DELTA));
    let (summary, _) = run(&store, &config, &course(&[(12, "60")]), "2026-11-13T06:00:00Z").await;
    assert_eq!((summary.fired, summary.seeded), (0, 1));
    let (_, notifier) = run(&store, &config, &course(&[(12, "60"), (14, "60")]), "2026-11-19T06:00:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["d:-:USD:2026-11-14:delta:50:20:1"]);
}

#[tokio::test]
async fn what_a_rule_asked_for_that_is_gone_is_resolved_though_another_asks_for_the_same() {
    let budget = |name: &str| format!("[[budget]]\nname = \"{name}\"\namount = \"100\"\n");
    let store = MemoryStore::default();
    run(&store, &config(&(budget("a") + &budget("b"))), &settled("85"), NOW).await;
    let (_, notifier) = run(&store, &config(&budget("b")), &settled("85"), NOW).await;
    let event = event(&notifier);
    assert_eq!((event.finding.rule.as_str(), event.why.as_deref()), ("a", Some("changed")));
}
