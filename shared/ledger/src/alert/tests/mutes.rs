//! What the end of a mute tells.

use super::*;
use crate::outputs::Topic;

fn budget(until: Option<&str>) -> Config {
    config(&format!("[[budget]]\nname = \"search\"\namount = \"100\"\n{}", mute("search", until)))
}

fn mute(rule: &str, until: Option<&str>) -> String {
    let mute = |until| format!("[[mute]]\nrule = \"{rule}\"\nuntil = {until}\nreason = \"load test\"\n");
    until.map_or_else(String::new, mute)
}

#[tokio::test]
async fn a_window_that_ended_before_its_mute_did_is_never_told_of() {
    for (until, later) in [
        ("2026-12-01", Some("2026-12-01")),
        ("2026-12-04", Some("2026-12-04")),
        // Taken out of the configuration after the month.
        ("2026-12-20", None),
    ] {
        let store = MemoryStore::default();
        let (summary, _) = run(&store, &budget(Some(until)), &november("85"), NOW).await;
        assert_eq!(summary.muted, 2);
        for now in ["2026-12-05T06:00:00Z", "2026-12-06T06:00:00Z"] {
            let (_, notifier) = run(&store, &budget(later), &november("85"), now).await;
            assert!(notifier.sent().is_empty(), "{until} {later:?} {now}");
        }
        // What comes late of the month is no end of a mute.
        let (_, notifier) = run(&store, &budget(later), &november("100"), "2026-12-07T06:00:00Z").await;
        assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:100:100:1"], "{until}");
    }
}

#[tokio::test]
async fn a_window_that_was_open_when_its_mute_ended_is_told_of_however_late_the_evaluation_is() {
    let (store, muted) = (MemoryStore::default(), budget(Some("2026-11-30")));
    run(&store, &muted, &november("85"), NOW).await;
    let (_, notifier) = run(&store, &muted, &november("85"), "2026-12-05T06:00:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:80:100:1"]);
}

#[tokio::test]
async fn days_that_ended_before_their_mute_did_are_silent_and_the_episode_that_goes_on_is_told_once() {
    let until = |last: u32| {
        let facts = (1..=last).map(|day| fact(&format!("2026-11-{day:02}"), if day < 12 { "10" } else { "60" }, &[]));
        book(vec![period("2026-10", Vec::new()), period("2026-11", facts.collect())])
    };
    let delta = "[[delta]]\nname = \"d\"\nagainst = \"trailing\"\nrise_percent = 50\nrise_amount = \"20\"\n";
    for later in [Some("2026-11-15"), None] {
        let (store, [muted, unmuted]) = (
            MemoryStore::default(),
            [Some("2026-11-15"), later].map(|until| config(&format!("{delta}{}", mute("d", until)))),
        );
        run(&store, &muted, &until(11), "2026-11-12T06:00:00Z").await;
        for last in [12, 13] {
            let (summary, _) = run(&store, &muted, &until(last), &format!("2026-11-{}T06:00:00Z", last + 1)).await;
            assert!(summary.muted > 0 || last == 13, "{last}");
        }
        for now in ["2026-11-15T06:00:00Z", "2026-11-15T18:00:00Z"] {
            assert!(run(&store, &unmuted, &until(13), now).await.1.sent().is_empty(), "{later:?} {now}");
        }
        let (_, notifier) = run(&store, &unmuted, &until(15), "2026-11-16T06:00:00Z").await;
        assert_eq!(notifier.ids(Topic::Alerts), ["d:-:USD:2026-11-12:delta:50:20:1"], "{later:?}");
        assert!(run(&store, &unmuted, &until(15), "2026-11-16T18:00:00Z").await.1.sent().is_empty(), "{later:?}");
    }
}

#[tokio::test]
async fn a_level_that_was_muted_is_told_of_though_spend_has_fallen_a_little_below_it() {
    let (store, muted) = (MemoryStore::default(), budget(Some("2026-11-25")));
    run(&store, &muted, &november("85"), NOW).await;
    for (now, expected) in [
        ("2026-11-24T23:59:59Z", Vec::new()),
        ("2026-11-25T00:00:00Z", vec!["search:-:USD:2026-11-01:budget:80:100:1".to_owned()]),
        ("2026-11-25T06:00:00Z", Vec::new()),
    ] {
        let (_, notifier) = run(&store, &muted, &november("79"), now).await;
        assert_eq!(notifier.ids(Topic::Alerts), expected, "{now}: not far enough to be armed again");
    }
}

#[tokio::test]
async fn a_mute_that_had_ended_when_something_was_found_is_not_the_one_that_withheld_it() {
    let store = MemoryStore::default();
    let both = config(&format!(
        "[[budget]]\nname = \"search\"\namount = \"100\"\n{}{}",
        mute("search", Some("2026-11-21")),
        mute("search", Some("2026-12-20"))
    ));
    let (summary, _) = run(&store, &both, &november("85"), "2026-11-21T00:00:00Z").await;
    assert_eq!(summary.muted, 2);
    // The other is taken out of the configuration after the month.
    let (_, notifier) = run(&store, &budget(Some("2026-11-21")), &november("85"), "2026-12-05T06:00:00Z").await;
    assert!(notifier.sent().is_empty());
}

#[tokio::test]
async fn a_mute_that_is_written_like_a_person_mutes_people_alone() {
    let config = config(
        "[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"\nthresholds = [100]\n\
         [[mute]]\nrule = \"b\"\nmember = \"*dana*\"\nuntil = 2026-11-25\nreason = \"load test\"",
    );
    let members = ["dana@example.com", "user/dana@444455556666"];
    let facts = members.map(|member| fact("2026-11-17", "5", &[("identity", member)])).to_vec();
    let (summary, notifier) = run(&MemoryStore::default(), &config, &book(vec![period("2026-11", facts)]), NOW).await;
    assert_eq!(summary.muted, 1);
    assert_eq!(notifier.sent()[0].attributes["member"], "user/dana@444455556666");
}
