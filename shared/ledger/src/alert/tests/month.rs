//! A month to date against the month before: it moves by itself.

use super::*;
use crate::outputs::Topic;

fn rule(severity: &str) -> Config {
    let text = "[[delta]]\nname = \"mtd\"\nagainst = \"month\"\nrise_percent = 50\nrise_amount = \"100\"";
    config(&format!("{text}\nseverity = \"{severity}\""))
}

/// October had 20 a day to the 5th and 200 from then on; November has so much a day, up to a day that is known on the
/// next.
fn known(last: u32, daily: impl Fn(u32) -> u32) -> Book {
    after_october(200, last, daily)
}

/// The same after an October that had `later` a day from the 6th on.
fn after_october(later: u32, last: u32, daily: impl Fn(u32) -> u32) -> Book {
    let day = |month: &str, day: u32, cost: u32| fact(&format!("{month}-{day:02}"), &cost.to_string(), &[]);
    let october = (1..=31).map(|number| day("2026-10", number, if number <= 5 { 20 } else { later })).collect();
    let november = (1..=last).map(|number| day("2026-11", number, daily(number))).collect();
    let mut months = book(vec![period("2026-10", october), period("2026-11", november)]);
    months.periods[1].data_as_of = Some(at(&format!("2026-11-{:02}T00:00:00Z", last + 1)));
    months
}

async fn told(store: &MemoryStore, severity: &str, book: &Book, last: u32) -> Vec<(Topic, String, String)> {
    let now = format!("2026-11-{:02}T12:00:00Z", last + 1);
    let (_, notifier) = run(store, &rule(severity), book, &now).await;
    let sent = notifier.sent().into_iter();
    sent.map(|message| (message.topic, message.attributes["status"].clone(), message.body)).collect()
}

#[tokio::test]
async fn a_month_that_goes_on_more_slowly_has_receded_and_nobody_restated_it() {
    for (severity, topics) in [("page", vec![Topic::Alerts, Topic::Events]), ("notice", vec![Topic::Events])] {
        let store = MemoryStore::default();
        run(&store, &rule(severity), &book(Vec::new()), "2026-10-01T00:00:00Z").await;
        let fired = told(&store, severity, &known(8, |_| 120), 8).await;
        assert_eq!(fired.len(), 2, "600 to the fifth after 100");
        let receded = told(&store, severity, &known(18, |_| 120), 18).await;
        assert_eq!(receded.iter().map(|(topic, ..)| *topic).collect::<Vec<_>>(), topics, "{severity}");
        assert!(receded.iter().all(|(_, status, body)| status == "resolved" && !body.contains("restated")));
        assert!(receded.last().unwrap().2.contains("\"why\": \"receded\""), "{}", receded.last().unwrap().2);
    }
}

#[tokio::test]
async fn a_month_is_told_once_and_again_only_of_a_rise_that_is_twice_as_much() {
    let store = MemoryStore::default();
    run(&store, &rule("page"), &book(Vec::new()), "2026-10-01T00:00:00Z").await;
    // Every day is looked at; on the 20th there comes so much more.
    let course = async |store: &MemoryStore, jump: u32| {
        let mut firing = Vec::new();
        for last in 8..=27 {
            let daily = |day: u32| if day == 20 { jump } else { 120 };
            let sent = told(store, "page", &known(last, daily), last).await;
            let fired = sent.iter().filter(|(topic, status, _)| *topic == Topic::Alerts && status == "firing").count();
            firing.extend(std::iter::repeat_n(last, fired));
        }
        firing
    };
    // What was told was a rise of 500.
    assert_eq!(course(&store, 120).await, [8], "quiet all month");
    let store = MemoryStore::default();
    run(&store, &rule("page"), &book(Vec::new()), "2026-10-01T00:00:00Z").await;
    let again = course(&store, 9000).await;
    assert_eq!(again.first(), Some(&8));
    assert_eq!(again.len(), 2, "{again:?}");
}

#[tokio::test]
async fn a_month_that_is_crossed_again_is_no_news_until_its_rise_is_twice_what_was_told() {
    // 600 to the fifth, after 100, is told: a rise of 500. On the 12th it has receded. To the 13th October had 580.
    for (jump, expected) in [(979, vec![8]), (980, vec![8, 16])] {
        let store = MemoryStore::default();
        run(&store, &rule("page"), &book(Vec::new()), "2026-10-01T00:00:00Z").await;
        let daily = |day: u32| match day {
            ..=5 => 120,
            13 => jump,
            _ => 0,
        };
        let mut firing = Vec::new();
        let mut resolved = 0;
        for last in 8..=16 {
            let sent = told(&store, "page", &after_october(60, last, daily), last).await;
            let has = |status: &str| sent.iter().any(|(topic, is, _)| *topic == Topic::Alerts && is == status);
            firing.extend(has("firing").then_some(last));
            resolved += usize::from(has("resolved"));
        }
        assert_eq!((firing, resolved), (expected, 1), "{jump}");
    }
}
