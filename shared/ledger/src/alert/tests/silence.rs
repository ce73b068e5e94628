//! A rule that nobody matches is told to operations.

use super::*;
use crate::outputs::outbox::Lease;
use crate::outputs::{Message, operations};

/// October and November of one team, as of a day of November.
fn known(day: u32, teams: &[(&str, &str)]) -> Book {
    let facts = teams.iter().map(|(day, team)| fact(day, "1", &[("iamPrincipal/team", team)])).collect();
    let mut months = book(vec![period("2026-10", Vec::new()), period("2026-11", facts)]);
    months.periods[1].data_as_of = Some(at(&format!("2026-11-{day:02}T00:00:00Z")));
    months
}

fn rule(team: &str) -> Config {
    let matching = format!("match = {{ \"tag:iamPrincipal/team\" = \"{team}\" }}");
    config(&format!(
        "[[budget]]\nname = \"all\"\namount = \"999\"\n[[budget]]\nname = \"search\"\namount = \"999\"\n{matching}"
    ))
}

/// What operations is told by an evaluation on a day.
async fn told(store: &MemoryStore, config: &Config, day: u32, teams: &[(&str, &str)]) -> Vec<Message> {
    run(store, config, &known(day, teams), &format!("2026-11-{day:02}T06:00:00Z")).await;
    let notifier = TestNotifier::default();
    operations::drain(store, &notifier, Lease::INVOCATION, at(NOW)).await.unwrap();
    notifier.sent()
}

#[tokio::test]
async fn a_rule_that_matches_nobody_for_two_weeks_is_told_once() {
    let (store, config) = (MemoryStore::default(), rule("serach*"));
    let teams = [("2026-11-02", "search"), ("2026-11-03", "ads")];
    assert!(told(&store, &config, 3, &teams).await.is_empty());
    assert!(told(&store, &config, 17, &teams).await.is_empty(), "six hours are missing");
    let sent = told(&store, &config, 18, &teams).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].subject, "Rule search has matched nobody for two weeks");
    assert!(sent[0].body.contains("Similar     search\n"), "{}", sent[0].body);
    assert!(sent[0].body.contains("nobody in three months has tag:iamPrincipal/team = serach*"), "{}", sent[0].body);
    assert!(told(&store, &config, 25, &teams).await.is_empty());
}

#[tokio::test]
async fn a_silence_counts_from_the_last_match_and_another_one_is_told_again() {
    let (store, config) = (MemoryStore::default(), rule("search*"));
    let first = [("2026-11-02", "search")];
    told(&store, &config, 3, &first).await;
    let sent = told(&store, &config, 17, &first).await;
    assert!(sent.is_empty(), "it was first seen on the third");
    let sent = told(&store, &config, 18, &first).await;
    assert!(sent[0].body.contains("last on 2 Nov 2026"), "{}", sent[0].body);
    let second = [("2026-11-02", "search"), ("2026-11-15", "search")];
    assert!(told(&store, &config, 29, &second).await.is_empty());
    let sent = told(&store, &config, 30, &second).await;
    assert!(sent[0].body.contains("last on 15 Nov 2026"), "{}", sent[0].body);
}

#[tokio::test]
async fn a_rule_that_was_changed_or_is_about_everything_is_not_silent_yet() {
    let store = MemoryStore::default();
    told(&store, &rule("serach*"), 3, &[]).await;
    assert!(told(&store, &rule("search*"), 18, &[]).await.is_empty(), "its silence begins anew");
    let everything = config("[[budget]]\nname = \"all\"\namount = \"999\"");
    let store = MemoryStore::default();
    told(&store, &everything, 3, &[]).await;
    assert!(told(&store, &everything, 30, &[]).await.is_empty(), "that no money is spent at all has an alarm");
}
