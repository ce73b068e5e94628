//! Summaries are of one owner each, and what ends is told in no more messages than what begins.

use super::*;
use crate::outputs::{Message, Topic};

/// Members of two owners, ten each at `cost`, in a budget that pages for the first.
fn members(cost: &str) -> Book {
    let of = |team: &str, count: usize| {
        let team = team.to_owned();
        let fields = move |index: usize| [("iamPrincipal/team", team.clone()), ("identity", format!("{team}-{index}"))];
        (0..count).map(move |index| {
            let fields = fields(index);
            let fields: Vec<_> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
            fact("2026-11-17", cost, &fields)
        })
    };
    let mut months = book(vec![period("2026-11", of("ads", 4).chain(of("search", 4)).chain(of("web", 1)).collect())]);
    months.periods[0].data_as_of = Some(at("2026-11-21T00:00:00Z"));
    months
}

fn rules(alerts: &str) -> Config {
    config(&format!(
        "[tags.allowed]\n\"iamPrincipal/team\" = [\"ads\", \"search\", \"web\"]\n[alerts]\n{alerts}\n[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"\nthresholds = [100]\n\
         owner = \"{{tag:iamPrincipal/team}}\"\nseverity = \"page\""
    ))
}

fn of_owner(sent: &[Message], owner: &str) -> Vec<Message> {
    sent.iter().filter(|message| message.attributes["owner"] == owner).cloned().collect()
}

#[tokio::test]
async fn who_filters_by_owner_is_told_of_every_alert_of_theirs_and_no_other() {
    for (alerts, firsts) in [("max_per_run = 1", 1), ("first_run = \"summary\"", 0)] {
        let store = MemoryStore::default();
        let (summary, notifier) = run(&store, &rules(alerts), &members("5"), NOW).await;
        let sent = notifier.sent();
        assert!(sent.iter().all(|message| message.attributes["owner"] != "(several)"));
        // An incident tool keeps one message of each key.
        let keys: BTreeSet<_> = sent.iter().map(|message| &message.attributes["incident_key"]).collect();
        assert_eq!(keys.len(), sent.len() / 2, "{alerts}: each message to people has a key of its own");
        for owner in ["ads", "search", "web"] {
            let theirs = of_owner(&sent, owner);
            let texts: String = theirs
                .iter()
                .filter(|message| message.topic == Topic::Alerts)
                .map(|message| message.body.clone())
                .collect();
            let events: String = theirs
                .iter()
                .filter(|message| message.topic == Topic::Events)
                .map(|message| message.body.clone())
                .collect();
            for index in 0..if owner == "web" { 1 } else { 4 } {
                assert!(texts.contains(&format!("{owner}-{index}")), "{alerts}: {owner}-{index} in {texts}");
                assert!(events.contains(&format!("\"b:{owner}-{index}:USD:2026-11-01:budget:100:1:1\"")), "{events}");
            }
            assert!(
                ["ads", "search", "web"].iter().all(|other| *other == owner || !texts.contains(&format!("{other}-")))
            );
        }
        assert_eq!(summary.fired, firsts + 3, "{alerts}: one for each owner");
    }
}

#[tokio::test]
async fn an_owner_with_one_alert_too_many_gets_the_alert_itself() {
    let store = MemoryStore::default();
    let (_, notifier) = run(&store, &rules("max_per_run = 1"), &members("5"), NOW).await;
    let web = of_owner(&notifier.sent(), "web");
    assert_eq!(web.len(), 2);
    assert!(web.iter().all(|message| message.attributes["alert_id"] == "b:web-0:USD:2026-11-01:budget:100:1:1"));
}

#[tokio::test]
async fn what_ends_is_told_to_people_in_one_message_for_each_owner_beyond_the_cap() {
    let store = MemoryStore::default();
    let config = rules("max_per_run = 2");
    run(&store, &config, &members("5"), NOW).await;
    let (summary, notifier) = run(&store, &config, &members("0.1"), NOW).await;
    let sent = notifier.sent();
    assert!(sent.iter().all(|message| message.attributes["status"] == "resolved"));
    let texts: Vec<_> = sent.iter().filter(|message| message.topic == Topic::Alerts).collect();
    assert_eq!((summary.resolved, texts.len()), (5, 5), "two of their own, two summaries, and web's one");
    for owner in ["ads", "search", "web"] {
        let theirs: String = of_owner(&sent, owner)
            .iter()
            .filter(|message| message.topic == Topic::Alerts)
            .map(|message| message.subject.clone() + &message.body)
            .collect();
        for index in 0..if owner == "web" { 1 } else { 4 } {
            assert!(theirs.contains(&format!("{owner}-{index}")), "{owner}-{index} in {theirs}");
        }
    }
    assert_eq!(notifier.ids(Topic::Events).len(), 9, "machines are told of each");
    let ids = |ids: Vec<String>| ids.into_iter().filter(|id| id.starts_with("too-many-resolved")).collect::<Vec<_>>();
    assert_eq!(ids(notifier.ids(Topic::Alerts)), ["too-many-resolved:2026-11-01:3", "too-many-resolved:2026-11-01:4"]);
    let web = of_owner(&sent, "web");
    assert!(web.iter().all(|message| message.attributes["alert_id"] == "b:web-0:USD:2026-11-01:budget:100:1:1"));
    assert!(run(&store, &config, &members("0.1"), NOW).await.1.sent().is_empty());
}

/// The attack: a session tag that reads like a message, and one that names a team which the configuration does not.
#[tokio::test]
async fn a_tag_value_picks_no_team_and_writes_no_subject_of_its_own() {
    let bait = "AWS Security. Confirm this charge at https://evil.example/pay";
    let text = "[alerts]\nfallback_owner = \"platform-oncall\"\n[[budget]]\nname = \"b\"\neach = \"tag:iamPrincipal/team\"\n\
                amount = \"1\"\nthresholds = [100]\nowner = \"{tag:iamPrincipal/team}\"\nseverity = \"page\"";
    let config = config(text);
    for value in [bait, "payments-oncall"] {
        let fields = [("iamPrincipal/team", value), ("identity", "role/x@111122223333"), ("owner", value)];
        let book = book(vec![period("2026-11", vec![fact("2026-11-17", "5", &fields)])]);
        let (_, notifier) = run(&MemoryStore::default(), &config, &book, NOW).await;
        let sent = notifier.sent();
        let [alert, event] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!(alert.attributes["owner"], "platform-oncall");
        assert!(alert.body.contains("Owner       platform-oncall: the fallback owner;"), "{}", alert.body);
        for text in [&alert.subject, &alert.body, &event.subject] {
            assert!(!text.contains("://") && !text.contains("evil.example"), "{text}");
        }
        if value == bait {
            assert!(alert.subject.contains(": \"AWS Security. Conf"), "{}", alert.subject);
        }
        let event: serde_json::Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(event["finding"]["member"], value, "machines are told exactly what the bill says");
    }
}
