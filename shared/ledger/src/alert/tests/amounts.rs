//! What a budget's new amount tells of a window in which the old one was told of.

use super::*;
use crate::alert::crossing::Told;
use crate::outputs::Topic;

/// A budget with the default thresholds.
fn of(amount: &str) -> Config {
    config(&format!("[[budget]]\nname = \"b\"\namount = \"{amount}\""))
}

/// What each spend is told as, by the level and the amount, under the budget beside it.
async fn told(store: &MemoryStore, steps: &[(&str, &str)]) -> Vec<Vec<String>> {
    let mut told = Vec::new();
    for (amount, cost) in steps {
        told.push(levels_of(&run(store, &of(amount), &november(cost), NOW).await.1));
    }
    told
}

fn levels_of(notifier: &TestNotifier) -> Vec<String> {
    let ids = notifier.ids(Topic::Alerts).into_iter();
    ids.map(|id| id.splitn(6, ':').last().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_raised_budget_is_silent_below_what_was_told_and_tells_of_what_is_crossed_later() {
    let store = MemoryStore::default();
    let steps = [
        ("100", "110"),
        ("200", "110"),
        ("200", "150"),
        ("200", "160"),
        ("200", "199"),
        ("200", "200"),
        ("200", "250"),
    ];
    let expected = [vec!["100:100:1"], vec![], vec![], vec!["80:200:1"], vec![], vec!["100:200:1"], vec![]];
    assert_eq!(told(&store, &steps).await, expected);
    let known = &state(&store).await.crossings["b:-:USD:2026-11-01:budget:50:200"];
    assert_eq!((known.is_crossed, &known.told), (true, &Told::Nobody), "it is known");
}

#[tokio::test]
async fn a_raised_budget_that_is_used_up_already_is_told() {
    let steps = [("100", "110"), ("200", "250")];
    assert_eq!(told(&MemoryStore::default(), &steps).await, [["100:100:1"], ["100:200:1"]]);
    let steps = [("100", "85"), ("105", "85")];
    assert_eq!(told(&MemoryStore::default(), &steps).await, [["80:100:1"], ["80:105:1"]]);
}

#[tokio::test]
async fn a_budget_that_is_raised_again_and_again_is_silent_below_what_was_told() {
    for steps in [
        [("100", "110"), ("200", "110"), ("210", "110"), ("215", "112")],
        [("100", "110"), ("200", "110"), ("300", "155"), ("310", "158")],
    ] {
        let told = told(&MemoryStore::default(), &steps).await;
        assert_eq!(told, [vec!["100:100:1"], vec![], vec![], vec![]], "{steps:?}");
    }
}

#[tokio::test]
async fn what_was_resolved_before_a_budget_is_raised_is_told_again() {
    let store = MemoryStore::default();
    run(&store, &of("100"), &november("110"), NOW).await;
    let later = "2026-11-25T06:00:00Z";
    let settled = |cost: &str| {
        let mut book = november(cost);
        book.periods[0].data_as_of = Some(at("2026-11-24T00:00:00Z"));
        book
    };
    run(&store, &of("100"), &settled("10"), later).await;
    assert_eq!(levels_of(&run(&store, &of("200"), &settled("110"), later).await.1), ["50:200:1"]);
}

#[tokio::test]
async fn a_lowered_budget_is_told_once_and_taking_it_back_pages_nobody() {
    let store = MemoryStore::default();
    let steps = [("200", "110"), ("100", "110"), ("100", "111"), ("200", "111"), ("200", "160")];
    let expected = [vec!["50:200:1"], vec!["100:100:1"], vec![], vec![], vec!["80:200:1"]];
    assert_eq!(told(&store, &steps).await, expected);
}

#[tokio::test]
async fn a_budget_without_its_override_and_a_forecast_are_raised_like_any_other() {
    let each = "[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"200\"";
    let own = format!("{each}\n[[budget.override]]\nmember = \"dana@example.com\"\namount = \"100\"");
    let forecast = |amount: &str| {
        format!("[[budget]]\nname = \"b\"\nthresholds = [900]\nforecast = [50, 100]\namount = \"{amount}\"")
    };
    for (before, after) in [(own, each.to_owned()), (forecast("100"), forecast("200"))] {
        let store = MemoryStore::default();
        let spent = november("110");
        assert_eq!(levels_of(&run(&store, &config(&before), &spent, NOW).await.1), ["100:100:1"], "{before}");
        assert!(run(&store, &config(&after), &spent, NOW).await.1.ids(Topic::Alerts).is_empty(), "{after}");
    }
}

#[tokio::test]
async fn what_a_silent_first_run_knew_is_not_told_because_a_budget_is_raised() {
    let silent = |amount: &str| Config { first_run: FirstRun::Silent, ..of(amount) };
    let store = MemoryStore::default();
    run(&store, &silent("100"), &november("85"), NOW).await;
    assert!(run(&store, &silent("150"), &november("85"), NOW).await.1.ids(Topic::Alerts).is_empty());
    assert_eq!(levels_of(&run(&store, &silent("150"), &november("120"), NOW).await.1), ["80:150:1"]);
}

#[tokio::test]
async fn a_level_that_is_added_below_what_was_told_is_told_since_no_amount_was_raised() {
    let of =
        |thresholds: &str| config(&format!("[[budget]]\nname = \"b\"\namount = \"100\"\nthresholds = [{thresholds}]"));
    let store = MemoryStore::default();
    run(&store, &of("80"), &november("85"), NOW).await;
    assert_eq!(levels_of(&run(&store, &of("60, 80"), &november("85"), NOW).await.1), ["60:100:1"]);
}
