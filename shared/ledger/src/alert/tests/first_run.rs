//! The first run lasts until the newest delivery is in.

use super::*;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;

/// Evaluates with the newest delivery in the book, or still to come.
async fn told(store: &MemoryStore, config: &Config, cost: &str, newest_is_in: bool) -> (AlertSummary, Vec<String>) {
    struct Course<'a>(Known<'a>);
    impl Sources for Course<'_> {
        async fn read(&self) -> Result<Known<'_>, AlertError> {
            Ok(self.0.clone())
        }

        async fn is_current(&self, _: &Known<'_>) -> Result<bool, AlertError> {
            Ok(true)
        }
    }
    let (book, notifier) = (november(cost), TestNotifier::default());
    let sources = Course(Known::of(config, &book, None, newest_is_in));
    let summary = react(store, &notifier, &sources, Lease::INVOCATION, at(NOW)).await.unwrap();
    (summary, notifier.ids(Topic::Alerts))
}

#[tokio::test]
async fn however_many_deliveries_come_first_there_is_one_summary_or_none() {
    let of_each = ["a:-:USD:2026-11-01:budget:100:100:1", "b:-:USD:2026-11-01:budget:100:50:1"];
    for (policy, expected) in
        [("summary", vec!["first-run:2026-11-01:1"]), ("silent", Vec::new()), ("send", of_each.to_vec())]
    {
        let (store, config) = (MemoryStore::default(), super::first_run(policy));
        for (cost, waiting) in [("30", 1), ("60", 4), ("90", 5)] {
            let (summary, ids) = told(&store, &config, cost, false).await;
            assert_eq!((ids.len(), summary.waiting), (0, waiting), "{policy} {cost}");
        }
        let (summary, mut ids) = told(&store, &config, "120", true).await;
        ids.sort();
        assert_eq!((ids, summary.waiting), (expected.iter().map(ToString::to_string).collect(), 0), "{policy}");
        assert!(told(&store, &config, "130", true).await.1.is_empty(), "{policy}");
    }
}

#[tokio::test]
async fn a_rule_that_has_had_its_first_run_waits_for_nothing() {
    let (store, config) = (MemoryStore::default(), one_budget());
    told(&store, &config, "10", true).await;
    assert_eq!(told(&store, &config, "85", false).await.1, ["search:-:USD:2026-11-01:budget:80:100:1"]);
}

#[tokio::test]
async fn days_that_ended_before_the_first_evaluation_are_no_part_of_it() {
    let text = |policy: &str| {
        format!("[alerts]\nfirst_run = \"{policy}\"\n[[budget]]\nname = \"d\"\nwindow = \"day\"\namount = \"10\"")
    };
    let days = ["2026-11-02", "2026-11-20", "2026-11-21"].map(|day| fact(day, "50", &[])).to_vec();
    let mut book = book(vec![period("2026-11", days)]);
    book.periods[0].data_as_of = Some(at(NOW));
    for (policy, expected) in [("send", "d:-:USD:2026-11-21:budget:100:10:1"), ("summary", "first-run:2026-11-01:1")] {
        let (summary, notifier) = run(&MemoryStore::default(), &config(&text(policy)), &book, NOW).await;
        assert_eq!((summary.seeded, notifier.ids(Topic::Alerts)), (6, vec![expected.to_owned()]), "{policy}");
        assert_eq!(notifier.sent()[0].attributes["rule"], "d", "{policy}");
    }
}

#[tokio::test]
async fn a_window_that_began_after_the_first_evaluation_is_no_part_of_it() {
    let silent = config("[alerts]\nfirst_run = \"silent\"\n[[budget]]\nname = \"b\"\namount = \"100\"");
    let store = MemoryStore::default();
    run(&store, &silent, &book(Vec::new()), "2026-11-30T06:00:00Z").await;
    let mut december = period("2026-12", vec![fact("2026-12-02", "85", &[])]);
    december.data_as_of = Some(at("2026-12-03T00:00:00Z"));
    let (_, notifier) = run(&store, &silent, &book(vec![december]), "2026-12-03T06:00:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["b:-:USD:2026-12-01:budget:80:100:1"]);
}
