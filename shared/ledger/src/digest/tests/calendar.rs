//! Which digests are made when.

use super::*;
use crate::config::Config;
use crate::outputs::outbox::Lease;
use crate::state::book::Book;

#[tokio::test]
async fn finance_is_told_of_the_current_month_once_a_week() {
    let store = MemoryStore::default();
    let mut made = Vec::new();
    // A Saturday, the Sunday of the same week, the Monday after, and the last day of the month.
    let days = [NOW, "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"];
    for (number, now) in days.into_iter().enumerate() {
        let (summary, notifier) = run(&store, &delivered_again(number), now).await;
        assert_eq!(notifier.sent().len(), 2 * usize::from(summary.made.is_some()), "{now}");
        made.extend(summary.made);
    }
    assert_eq!(made, [ID, "digest:weekly:2026-11-23", "digest:weekly:2026-11-30"]);
}

#[tokio::test]
async fn weeks_begin_on_the_day_of_the_configuration() {
    let config = Config::parse("ledger.toml", "[digest]\nday = \"friday\"").unwrap();
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    let made = react(&store, &notifier, &config, &two_months(), Lease::INVOCATION, at(NOW)).await.unwrap().made;
    assert_eq!(made.as_deref(), Some("digest:weekly:2026-11-20"));
}

#[tokio::test]
async fn what_was_told_is_not_told_again_while_nothing_is_delivered() {
    let store = MemoryStore::default();
    assert!(run(&store, &two_months(), NOW).await.0.made.is_some());
    assert_eq!(run(&store, &two_months(), "2026-11-23T00:00:00Z").await.0.made, None);
    assert!(run(&store, &delivered_again(1), "2026-11-24T00:00:00Z").await.0.made.is_some());
}

#[tokio::test]
async fn a_month_without_facts_gives_way_to_the_newest_that_has_some() {
    let mut book = two_months();
    book.periods[1].facts = table([]);
    book.periods.push(period("2026-12", Vec::new()));
    let (summary, notifier) = run(&MemoryStore::default(), &book, "2026-12-01T06:00:00Z").await;
    assert_eq!(summary.made.as_deref(), Some("digest:weekly:2026-11-30"));
    assert_eq!(event(&notifier).period.to_string(), "2026-10");
    book.periods.remove(0);
    let (_, notifier) = run(&MemoryStore::default(), &book, "2026-12-01T06:00:00Z").await;
    assert_eq!(event(&notifier).period.to_string(), "2026-12", "nothing has facts: the newest");
    let body = sent_on(&notifier, Topic::Digest).body;
    assert!(body.contains("no Amazon Bedrock line items"), "{body}");
}

#[tokio::test]
async fn an_empty_book_has_no_digest_and_no_state() {
    let store = MemoryStore::default();
    assert_eq!(run(&store, &Book::default(), NOW).await.0, DigestSummary::default());
    assert_eq!(store.get(STATE_KEY).await.unwrap(), None);
}

/// October and November, as of a day on which October has closed or not.
fn with_october(closed: bool) -> Book {
    let mut book = two_months();
    book.periods[0].closed = closed;
    book
}

#[tokio::test]
async fn a_month_is_told_once_when_it_closes() {
    let store = MemoryStore::default();
    let first = run(&store, &with_october(false), "2026-11-03T06:00:00Z").await.0.made;
    assert_eq!(first.as_deref(), Some("digest:weekly:2026-11-02"));
    assert_eq!(run(&store, &with_october(false), "2026-11-05T06:00:00Z").await.0.made, None);
    let (summary, notifier) = run(&store, &with_october(true), "2026-11-06T06:00:00Z").await;
    assert_eq!(summary.made.as_deref(), Some("digest:close:2026-10"));
    assert!(sent_on(&notifier, Topic::Digest).subject.contains("Oct 2026 closed"));
    assert_eq!(event(&notifier).extent, "closed");
    // It opens and closes again: what it moves is told as restated, not as another close.
    assert_eq!(run(&store, &with_october(false), "2026-11-16T06:00:00Z").await.0.made, None);
    assert_eq!(run(&store, &with_october(true), "2026-11-17T06:00:00Z").await.0.made, None);
}

#[tokio::test]
async fn a_month_that_is_late_is_told_once_on_the_fifteenth_and_again_when_it_closes() {
    let store = MemoryStore::default();
    run(&store, &with_october(false), "2026-11-03T06:00:00Z").await;
    assert_eq!(run(&store, &with_october(false), "2026-11-14T23:59:59Z").await.0.made, None);
    let (summary, notifier) = run(&store, &with_october(false), "2026-11-15T00:00:00Z").await;
    assert_eq!(summary.made.as_deref(), Some("digest:preliminary:2026-10"));
    assert!(sent_on(&notifier, Topic::Digest).body.contains("accrue"));
    assert_eq!(run(&store, &with_october(false), "2026-11-16T00:00:00Z").await.0.made, None);
    assert_eq!(
        run(&store, &with_october(true), "2026-11-18T00:00:00Z").await.0.made.as_deref(),
        Some("digest:close:2026-10")
    );
}

#[tokio::test]
async fn the_first_call_tells_of_the_week_alone() {
    let now = "2026-11-16T06:00:00Z";
    for closed in [true, false] {
        let store = MemoryStore::default();
        assert_eq!(run(&store, &with_october(closed), now).await.0.made.as_deref(), Some(ID));
        assert_eq!(run(&store, &with_october(closed), now).await.0.made, None, "nor later");
    }
    // Months that are read days after the first one are as old.
    let store = MemoryStore::default();
    run(&store, &book(two_months().periods.split_off(1)), "2026-11-21T06:00:00Z").await;
    assert_eq!(run(&store, &with_october(true), "2026-11-22T06:00:00Z").await.0.made, None);
}

#[tokio::test]
async fn the_week_is_told_beside_a_month_that_closes_on_the_same_day() {
    let store = MemoryStore::default();
    run(&store, &with_october(false), "2026-11-03T06:00:00Z").await;
    let mut book = with_october(true);
    book.periods[1].delivery_id = "later".to_owned();
    let (summary, notifier) = run(&store, &book, "2026-11-09T06:00:00Z").await;
    assert_eq!(summary.made.as_deref(), Some("digest:close:2026-10 digest:weekly:2026-11-09"));
    assert_eq!(notifier.sent().len(), 4);
}

#[tokio::test]
async fn digests_of_months_that_no_book_has_any_more_are_forgotten() {
    let store = MemoryStore::default();
    assert!(run(&store, &two_months(), NOW).await.0.made.is_some());
    let known = async || crate::digest::state::read(&store).await.unwrap();
    let mut lengths = Vec::new();
    for (number, month) in (0..48).map(|number| (number, 2026 * 12 + 11 + number)) {
        let name = format!("{}-{:02}", month / 12, month % 12 + 1);
        let mut book = book(vec![period(&name, vec![spent(&format!("{name}-05"), "5")])]);
        book.periods[0].delivery_id = format!("delivery-{number}");
        for day in ["05", "12", "19", "26"] {
            let (summary, _) = run(&store, &book, &format!("{name}-{day}T06:00:00Z")).await;
            assert!(summary.made.is_some() || day != "05", "{name}-{day}");
        }
        let state = known().await;
        lengths.push((state.told.len(), serde_json::to_string(&state).unwrap().len()));
    }
    assert_eq!(lengths[47], lengths[30], "{lengths:?}");
    assert!(lengths[47].0 <= 14, "{lengths:?}");
}
