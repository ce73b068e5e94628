//! What is said of one incident is said in order, whoever dies.

use super::*;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;

fn settled(cost: &str) -> Book {
    let mut book = november(cost);
    book.periods[0].data_as_of = Some(at("2026-11-21T00:00:00Z"));
    book
}

#[tokio::test]
async fn nobody_hears_that_something_is_resolved_before_that_it_fired() {
    let (store, config) = (MemoryStore::default(), one_budget());
    // It reads twice, writes what is to be told, claims it, and dies.
    let (book, dead) = (settled("85"), FaultyStore::crashing(&store, 6, Fault::Before));
    react(&dead, &TestNotifier::default(), &given(&config, &book), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    let (summary, early) = run(&store, &config, &settled("10"), "2026-11-21T06:02:00Z").await;
    let (_, late) = run(&store, &config, &settled("10"), "2026-11-21T06:10:00Z").await;
    let heard: Vec<_> = [early.sent(), late.sent()].concat();
    let heard = heard.iter().map(|message| (message.topic, message.attributes["status"].as_str()));
    let of = |topic| heard.clone().filter(move |(of, _)| *of == topic).map(|(_, status)| status).collect::<Vec<_>>();
    assert_eq!((of(Topic::Alerts), of(Topic::Events)), (vec!["firing", "resolved"], vec!["firing", "resolved"]));
    assert_eq!(summary.resolved, 1);
}

#[tokio::test]
async fn a_member_of_a_summary_is_resolved_after_the_summary() {
    let text =
        "[alerts]\nmax_per_run = 1\n[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"\nthresholds = [100]";
    let (store, config) = (MemoryStore::default(), config(text));
    let many = |cost: &str| {
        let of = |index: u32| fact("2026-11-01", &format!("{cost}{index}"), &[("identity", &format!("m{index}"))]);
        let mut of_november = period("2026-11", (1..=4).map(of).collect());
        of_november.data_as_of = Some(at("2026-11-21T00:00:00Z"));
        book(vec![of_november])
    };
    // The alert of one is taken, the summary of the others is not.
    let failing = TestNotifier::refusing([3, 4]);
    let all = many("");
    react(&store, &failing, &given(&config, &all), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert!(failing.calls() >= 4);
    let refused = TestNotifier::refusing([1, 2]);
    let none = many("0.");
    react(&store, &refused, &given(&config, &none), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    let heard: Vec<_> = refused.ids(Topic::Events);
    assert!(heard.iter().all(|id| id.contains(":m4:")), "the others wait for the summary: {heard:?}");
    let (_, notifier) = run(&store, &config, &many("0."), NOW).await;
    let heard: Vec<_> = notifier.sent().iter().map(|message| message.attributes["status"].clone()).collect();
    assert_eq!(heard[0], "firing");
    assert!(heard.len() > 2 && heard[2..].iter().all(|status| status == "resolved"), "{heard:?}");
}
