use super::*;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;

/// A ledger with November, settled to the end of 17 November.
fn settled(cost: &str) -> Book {
    let mut book = november(cost);
    book.periods[0].data_as_of = Some(at("2026-11-21T00:00:00Z"));
    book
}

#[tokio::test]
async fn a_restatement_that_undoes_a_crossing_says_so_once_and_a_second_crossing_is_a_new_alert() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let mut told = Vec::new();
    for cost in ["85", "40", "40", "85", "78", "85", "10"] {
        let (_, notifier) = run(&store, &config, &settled(cost), NOW).await;
        let sent = notifier.sent().into_iter().filter(|message| message.topic == Topic::Alerts);
        told.extend(sent.map(|message| {
            let (status, id) = (&message.attributes["status"], &message.attributes["alert_id"]);
            format!("{cost}: {status} {}", id.rsplit_once("budget:").unwrap().1)
        }));
    }
    let expected = ["85: firing 80:100:1", "40: resolved 80:100:1", "85: firing 80:100:2", "10: resolved 80:100:2"];
    assert_eq!(told, expected, "at 78 the threshold of 80 is not far enough away to be armed again");
}

#[tokio::test]
async fn what_is_left_of_an_incident_keeps_it_open() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &settled("120"), NOW).await;
    let (summary, notifier) = run(&store, &config, &settled("90"), NOW).await;
    assert_eq!((summary.resolved, notifier.sent().len()), (1, 2));
    assert_eq!(notifier.sent()[0].attributes["status"], "updated");
    let event: AlertEvent = decode("event", notifier.sent()[1].body.as_bytes()).unwrap();
    assert_eq!((event.why.as_deref(), event.finding.crossed), (Some("restated"), vec!["80".to_owned()]));
    let (_, notifier) = run(&store, &config, &settled("10"), NOW).await;
    assert_eq!(notifier.sent()[0].attributes["status"], "resolved");
}

#[tokio::test]
async fn a_mute_withholds_and_what_is_still_true_when_it_ends_is_told() {
    let store = MemoryStore::default();
    let mute = "\n[[mute]]\nrule = \"search\"\nuntil = 2026-11-25\nreason = \"load test\"";
    let muted = config(&format!("[[budget]]\nname = \"search\"\namount = \"100\"{mute}"));
    let (summary, notifier) = run(&store, &muted, &settled("85"), NOW).await;
    assert_eq!((summary.fired, summary.muted), (0, 2));
    assert!(notifier.sent().is_empty());
    assert!(run(&store, &muted, &settled("85"), "2026-11-24T23:00:00Z").await.1.sent().is_empty());
    let (_, notifier) = run(&store, &muted, &settled("85"), "2026-11-25T00:00:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:80:100:1"]);
    assert!(run(&store, &muted, &settled("85"), "2026-11-26T00:00:00Z").await.1.sent().is_empty());
}

#[tokio::test]
async fn what_is_over_when_a_mute_ends_is_never_told() {
    let store = MemoryStore::default();
    let mute = "\n[[mute]]\nrule = \"search\"\nuntil = 2026-11-25\nreason = \"load test\"";
    let muted = config(&format!("[[budget]]\nname = \"search\"\namount = \"100\"{mute}"));
    run(&store, &muted, &settled("85"), NOW).await;
    assert!(run(&store, &muted, &settled("10"), "2026-11-26T00:00:00Z").await.1.sent().is_empty());
}

#[tokio::test]
async fn more_than_a_run_sends_is_one_summary_that_names_them_and_each_is_resolved_by_itself() {
    let config = config(
        "[alerts]\nmax_per_run = 2\n[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"\nthresholds = [100]",
    );
    let many = |cost: &str| {
        let facts =
            (1..=5).map(|index| fact("2026-11-01", &format!("{cost}{index}"), &[("identity", &format!("m{index}"))]));
        book(vec![period("2026-11", facts.collect())])
    };
    let store = MemoryStore::default();
    let (summary, notifier) = run(&store, &config, &many(""), NOW).await;
    assert_eq!((summary.fired, notifier.ids(Topic::Alerts).len()), (3, 3));
    let summary = notifier
        .sent()
        .into_iter()
        .find(|message| message.attributes["rule"] == "b" && message.attributes["member"] == "(several)");
    let summary = summary.unwrap();
    assert!(["m1", "m2", "m3"].iter().all(|member| summary.body.contains(member)), "{}", summary.body);
    assert!(run(&store, &config, &many(""), NOW).await.1.sent().is_empty());
    let (_, notifier) = run(&store, &config, &many("0."), NOW).await;
    assert_eq!(notifier.ids(Topic::Events).len(), 5);
    assert!(notifier.sent().iter().all(|message| message.attributes["status"] == "resolved"));
}

#[tokio::test]
async fn an_incident_ends_for_machines_a_week_after_its_window() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &settled("85"), NOW).await;
    assert!(run(&store, &config, &settled("85"), "2026-12-07T23:59:59Z").await.1.sent().is_empty());
    let (_, notifier) = run(&store, &config, &settled("85"), "2026-12-08T00:00:00Z").await;
    assert!(notifier.ids(Topic::Alerts).is_empty());
    let event: AlertEvent = decode("event", notifier.sent()[0].body.as_bytes()).unwrap();
    assert_eq!((event.status.as_str(), event.why.as_deref()), ("resolved", Some("over")));
    assert!(run(&store, &config, &settled("85"), "2026-12-09T00:00:00Z").await.1.sent().is_empty());
}

#[tokio::test]
async fn a_limit_that_is_raised_ends_what_was_told_of_it_for_machines_alone() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &settled("85"), NOW).await;
    let mut raised = config.clone();
    raised.rules.budgets[0].amount = "1000".parse().unwrap();
    let (_, notifier) = run(&store, &raised, &settled("85"), NOW).await;
    assert!(notifier.ids(Topic::Alerts).is_empty());
    let event: AlertEvent = decode("event", notifier.sent()[0].body.as_bytes()).unwrap();
    assert_eq!((event.status.as_str(), event.why.as_deref()), ("resolved", Some("changed")));
    let (_, notifier) = run(&store, &raised, &settled("600"), NOW).await;
    assert_eq!(notifier.ids(Topic::Alerts), ["search:-:USD:2026-11-01:budget:50:1000:1"]);
}

#[tokio::test]
async fn a_test_goes_the_way_of_every_alert() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::failing(1, false));
    let error = test(&store, &notifier, Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!(error.kind(), "publish.in_doubt");
    let id = test(&store, &notifier, Lease::INVOCATION, at(NOW)).await.unwrap();
    assert_eq!(id, "test:2026-11-21T06:00:00Z");
    assert_eq!(notifier.ids(Topic::Alerts), std::slice::from_ref(&id));
    assert_eq!(notifier.ids(Topic::Events), std::slice::from_ref(&id));
    let sent = notifier.sent();
    assert!(sent[0].attributes["kind"] == "test" && sent.iter().all(|message| message.subject.starts_with("TEST")));
    for (name, value) in [("status", "firing"), ("severity", "notice"), ("incident_key", id.as_str())] {
        assert!(sent.iter().all(|message| message.attributes[name] == value), "{name}");
    }
}

#[tokio::test]
async fn an_anomaly_that_goes_on_is_one_alert() {
    let config = config("[[anomaly]]\nname = \"odd\"\neach = \"identity\"");
    let store = MemoryStore::default();
    let mut told = Vec::new();
    for last in 12..=20 {
        let mut facts = Vec::new();
        for day in 1..=31 {
            facts.push(fact(&format!("2026-10-{day:02}"), "60", &[("identity", "a")]));
        }
        let october = period("2026-10", std::mem::take(&mut facts));
        for day in 1..=last {
            let cost = if day >= 15 { "300" } else { "60" };
            facts.push(fact(&format!("2026-11-{day:02}"), cost, &[("identity", "a")]));
        }
        let mut current = period("2026-11", facts);
        let now = format!("2026-11-{:02}T06:00:00Z", last + 1);
        current.data_as_of = Some(at(&format!("2026-11-{:02}T00:00:00Z", last + 1)));
        let (_, notifier) = run(&store, &config, &book(vec![october, current]), &now).await;
        told.extend(notifier.ids(Topic::Alerts).into_iter().map(|id| (last, id)));
    }
    assert_eq!(told, [(15, "odd:a:USD:2026-11-15:anomaly:spike:50:1".to_owned())]);
}

#[tokio::test]
async fn whatever_tags_hold_a_message_keeps_to_what_sns_takes() {
    let long = "東京\u{202e}\n".repeat(2_500);
    for value in ["", " ", "\n\r\u{0}", "arn:aws:sts::111122223333:assumed-role/a/b", "\u{ffff}\u{feff}", &long, "-"] {
        let config = config(
            "[[budget]]\nname = \"b\"\neach = \"tag:iamPrincipal/team\"\namount = \"1\"\nowner = \"{tag:iamPrincipal/team}\"\n\
             [[hygiene]]\nname = \"h\"\nlack = \"principal\"\neach = \"identity\"\namount = \"1\"",
        );
        let fields = [
            ("iamPrincipal/team", value),
            ("identity", value),
            ("model", value),
            ("account_id", value),
            ("region", value),
        ];
        let facts = vec![fact("2026-11-01", "5", &fields), fact("2026-11-01", "5", &[("currency", value)])];
        let (store, book_of_all) = (MemoryStore::default(), book(vec![period("2026-11", facts)]));
        let (_, notifier) = run(&store, &config, &book_of_all, NOW).await;
        let mut sent = notifier.sent();
        let nothing = book(vec![period("2026-11", Vec::new())]);
        sent.extend(run(&store, &config, &nothing, NOW).await.1.sent());
        assert!(sent.len() >= 6, "{value:?}: {}", sent.len());
        for message in sent {
            message.check().unwrap();
            assert!(!message.subject.contains("arn:"), "{}", message.subject);
            assert_eq!(message.attributes.len(), 8);
            let is_xml = |char: char| !char.is_control() && !matches!(char, '\u{fffe}' | '\u{ffff}');
            assert!(message.attributes.values().all(|value| !value.is_empty() && value.chars().all(is_xml)));
            if message.topic == Topic::Alerts {
                assert!(message.body.lines().count() <= 25, "{}", message.body);
            }
        }
    }
}

#[tokio::test]
async fn what_is_told_late_is_over_a_week_after_it_was_told() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &november("10"), NOW).await;
    let late = "2026-12-20T06:00:00Z";
    let (_, notifier) = run(&store, &config, &november("85"), late).await;
    assert!(notifier.sent().iter().all(|message| message.attributes["status"] == "firing"));
    assert_eq!(notifier.sent().len(), 2);
    assert!(run(&store, &config, &november("85"), "2026-12-27T05:59:59Z").await.1.sent().is_empty());
    let (_, notifier) = run(&store, &config, &november("85"), "2026-12-27T06:00:00Z").await;
    assert_eq!((notifier.ids(Topic::Alerts).len(), notifier.ids(Topic::Events).len()), (0, 1));
}

#[tokio::test]
async fn that_something_is_true_no_more_is_told_to_machines_alone_while_it_is_muted() {
    let (store, told) = (MemoryStore::default(), one_budget());
    run(&store, &told, &settled("85"), NOW).await;
    let mute = "[[mute]]\nrule = \"search\"\nuntil = 2026-11-25\nreason = \"load test\"";
    let text = "[[budget]]\nname = \"search\"\namount = \"100\"\nowner = \"search-oncall\"\nseverity = \"page\"\n";
    let muted = config(&format!("{text}{mute}"));
    let (summary, notifier) = run(&store, &muted, &settled("10"), NOW).await;
    assert_eq!((summary.resolved, notifier.ids(Topic::Alerts).len(), notifier.ids(Topic::Events).len()), (0, 0, 1));
    assert_eq!(notifier.sent()[0].attributes["status"], "resolved");
}

#[tokio::test]
async fn days_that_are_found_at_once_are_one_episode() {
    let delta = config("[[delta]]\nname = \"d\"\nagainst = \"trailing\"\nrise_percent = 50\nrise_amount = \"20\"\n");
    let until = |last: u32| {
        let cost = |day: u32| match day {
            12 => "60",
            13 | 14 => "90",
            _ => "10",
        };
        let facts = (1..=last).map(|day| fact(&format!("2026-11-{day:02}"), cost(day), &[]));
        book(vec![period("2026-10", Vec::new()), period("2026-11", facts.collect())])
    };
    let store = MemoryStore::default();
    run(&store, &delta, &until(11), "2026-11-12T06:00:00Z").await;
    let (_, notifier) = run(&store, &delta, &until(14), "2026-11-15T06:00:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["d:-:USD:2026-11-12:delta:50:20:1"]);
    let event: AlertEvent = decode("event", notifier.sent()[1].body.as_bytes()).unwrap();
    assert_eq!(
        event.finding.day,
        "2026-11-13".parse().ok(),
        "the day with most spend is told, of equal ones the first"
    );
}

#[tokio::test]
async fn an_episode_that_becomes_runaway_is_told_by_the_day_on_which_it_does() {
    let config = config("[[anomaly]]\nname = \"odd\"");
    let day = |month: &str, day: u32, cost: &str| fact(&format!("{month}-{day:02}"), cost, &[]);
    let until = |last: u32| {
        let october = (1..=31).map(|number| day("2026-10", number, "60")).collect();
        let november = (1..=last).map(|number| {
            let cost = match number {
                15 => "200",
                16 => "900",
                _ => "60",
            };
            day("2026-11", number, cost)
        });
        book(vec![period("2026-10", october), period("2026-11", november.collect())])
    };
    let store = MemoryStore::default();
    run(&store, &config, &until(14), "2026-11-15T06:00:00Z").await;
    let (_, notifier) = run(&store, &config, &until(16), "2026-11-17T06:00:00Z").await;
    assert_eq!(notifier.ids(Topic::Alerts), ["odd:-:USD:2026-11-15:anomaly:runaway:50:1"]);
    let event: AlertEvent = decode("event", notifier.sent()[1].body.as_bytes()).unwrap();
    assert_eq!(event.finding.fired, ["spike", "runaway"]);
    assert_eq!((event.finding.day, event.finding.spent), ("2026-11-16".parse().ok(), "900".parse().ok()));
}
