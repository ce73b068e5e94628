//! What is over leaves the state, and nothing that left it is told again.

use chrono::{Days, NaiveDate};

use super::*;
use crate::alert::crossing::Crossing;
use crate::outputs::{Message, Topic};

fn all_rules() -> Config {
    config(
        "[alerts]\nmax_per_run = 1000\n\
         [[budget]]\nname = \"months\"\neach = \"identity\"\namount = \"600\"\nseverity = \"page\"\n\
         [[budget]]\nname = \"weeks\"\neach = \"identity\"\nwindow = \"week\"\namount = \"150\"\nforecast = [120]\n\
         [[budget]]\nname = \"days\"\neach = \"identity\"\nwindow = \"day\"\namount = \"90\"\n\
         [[delta]]\nname = \"jumps\"\neach = \"identity\"\nrise_amount = \"20\"\n\
         [[delta]]\nname = \"mtd\"\neach = \"identity\"\nagainst = \"month\"\n\
         [[anomaly]]\nname = \"odd\"\neach = \"identity\"\nminimum = \"20\"\n\
         [[hygiene]]\nname = \"untagged\"\nlack = \"principal\"\namount = \"10\"",
    )
}

/// What two members spent by a day, in the three newest months: uneven, and more on some days.
fn known_on(today: NaiveDate) -> Book {
    let month = |text: &str| -> Vec<_> {
        let first: NaiveDate = format!("{text}-01").parse().unwrap();
        let days = first.iter_days().take_while(|day| day.format("%Y-%m").to_string() == text && *day < today);
        let of = |day: NaiveDate| {
            ["a", "b"].map(|name| {
                let number = u32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).unwrap();
                let spent = 15 + number * 7 % 13 + if number % 11 == u32::from(name == "b") { 90 } else { 0 };
                fact(&day.to_string(), &spent.to_string(), &[("identity", name)])
            })
        };
        days.flat_map(of).collect()
    };
    let months = ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01"];
    let begun: Vec<_> =
        months.iter().filter(|text| format!("{text}-01").parse::<NaiveDate>().unwrap() < today).collect();
    let of = |text: &&&str| {
        let mut found = period(text, month(text));
        let end = found.period.end();
        found.data_as_of = Some(today.and_time(chrono::NaiveTime::MIN).and_utc().min(end));
        found
    };
    book(begun.iter().rev().take(3).rev().map(of).collect())
}

fn noon(day: NaiveDate) -> String {
    format!("{day}T12:00:00Z")
}

/// Lives from the beginning of September to a day, with an evaluation every third day. What was sent.
async fn live(store: &MemoryStore, config: &Config, until: NaiveDate) -> Vec<Message> {
    let (mut sent, mut today): (Vec<Message>, NaiveDate) = (Vec::new(), "2026-09-02".parse().unwrap());
    while today <= until {
        sent.extend(run(store, config, &known_on(today), &noon(today)).await.1.sent());
        today = today + Days::new(3);
    }
    sent
}

#[tokio::test]
async fn what_was_forgotten_is_told_by_no_book_and_the_state_has_no_more_than_rules_look_at() {
    let (store, config) = (MemoryStore::default(), all_rules());
    let until = "2027-01-14".parse().unwrap();
    let mut sent = live(&store, &config, until).await;
    assert!(sent.len() > 200, "there is much to tell: {}", sent.len());
    let last = until + Days::new(3);
    // The same again, and then books of the past, as if periods had been put back.
    for _ in 0..2 {
        run(&store, &config, &known_on(last), &noon(last)).await;
    }
    let again = run(&store, &config, &known_on(last), &noon(last)).await.1;
    assert!(again.sent().is_empty());
    let found = state(&store).await;
    let oldest = found.crossings.values().map(Crossing::last_day).min().unwrap();
    assert!(oldest >= "2026-11-01".parse().unwrap(), "{oldest}");
    let of_days = found.crossings.values().filter(|crossing| crossing.rule == "jumps" || crossing.rule == "odd");
    let oldest = of_days.map(Crossing::last_day).min().unwrap();
    assert!(oldest >= last - Days::new(18), "{oldest}");
    for back in [10, 25, 40, 70, 100, 130] {
        let (_, notifier) = run(&store, &config, &known_on(last - Days::new(back)), &noon(last)).await;
        sent.extend(notifier.sent());
    }
    let mut ids = BTreeSet::new();
    for message in &sent {
        let (status, id) = (&message.attributes["status"], &message.attributes["alert_id"]);
        assert!(ids.insert((message.topic, status, id)) || status == "resolved", "{status} {id} was told twice");
    }
}

#[tokio::test]
async fn an_ended_month_that_is_restated_within_the_book_is_told_of() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let months = |september: &str, last: &str| {
        let of = |month: &str, cost: &str| {
            let mut of_month = period(month, vec![fact(&format!("{month}-03"), cost, &[])]);
            of_month.data_as_of = Some(at(last).min(of_month.period.end()));
            of_month
        };
        book(vec![of("2026-09", september), of("2026-10", "1"), of("2026-11", "1")])
    };
    run(&store, &config, &book(Vec::new()), "2026-09-01T00:00:00Z").await;
    let told = async |september: &str, now: &str| {
        let (_, notifier) = run(&store, &config, &months(september, now), now).await;
        let of_people = notifier.sent().into_iter().filter(|message| message.topic == Topic::Alerts);
        of_people.map(|message| message.attributes["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("120", "2026-09-29T00:00:00Z").await, ["firing"]);
    assert_eq!(told("120", "2026-10-20T00:00:00Z").await, [] as [&str; 0], "over, for machines");
    assert_eq!(told("10", "2026-11-20T00:00:00Z").await, ["resolved"]);
    assert_eq!(told("120", "2026-11-21T00:00:00Z").await, ["firing"]);
    assert_eq!(told("120", "2026-11-29T00:00:00Z").await, [] as [&str; 0]);
}

#[tokio::test]
async fn as_long_as_older_months_may_come_none_is_forgotten() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &november("85"), NOW).await;
    // October comes late, with a rule that was there before it ended.
    run(&store, &config, &november("85"), "2026-11-22T00:00:00Z").await;
    assert_eq!(state(&store).await.crossings.len(), 2);
    let (summary, _) = run(&store, &config, &two_months(), "2026-11-23T00:00:00Z").await;
    assert_eq!(summary.seeded, 3, "it is known, because it may be restated");
}

#[tokio::test]
async fn that_a_message_was_sent_is_forgotten_after_a_week_and_it_is_not_sent_again() {
    let (store, config) = (MemoryStore::default(), one_budget());
    run(&store, &config, &november("85"), NOW).await;
    let id = "search:-:USD:2026-11-01:budget:80:100:1";
    run(&store, &config, &november("85"), "2026-11-28T06:00:00Z").await;
    assert!(state(&store).await.outbox.knows(id));
    run(&store, &config, &november("85"), "2026-11-28T06:00:01Z").await;
    assert!(!state(&store).await.outbox.knows(id));
    assert!(run(&store, &config, &november("85"), "2026-11-29T06:00:00Z").await.1.sent().is_empty());
}

#[tokio::test]
async fn a_month_of_many_ends_for_machines_over_several_evaluations_and_each_once() {
    let config = config("[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"\nthresholds = [100]");
    let facts = (0..1100).map(|index| fact("2026-11-01", "5", &[("identity", &format!("{index}"))])).collect();
    let (store, many) = (MemoryStore::default(), book(vec![period("2026-11", facts)]));
    run(&store, &config, &many, NOW).await;
    let mut counts = Vec::new();
    let mut ids = BTreeSet::new();
    for minute in 0..4 {
        let (_, notifier) = run(&store, &config, &many, &format!("2026-12-08T00:{minute:02}:00Z")).await;
        counts.push(notifier.sent().len());
        ids.extend(notifier.ids(Topic::Events));
    }
    assert_eq!((counts, ids.len()), (vec![500, 500, 100, 0], 1100));
}
