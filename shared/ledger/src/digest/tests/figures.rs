//! What a digest says of days that are compared, of what was restated, and of names that a bill may hold.

use super::*;
use crate::outputs::Message;
use crate::state::book::Book;

/// A commit of a month, as of an instant.
fn commit(sequence: u64, as_of: &str) -> AppliedDelivery {
    AppliedDelivery {
        sequence,
        delivery_id: format!("delivery-{sequence}"),
        revision: 0,
        moved: format!("hash-{sequence}"),
        order: DeliveryOrder { source: OrderSource::LastModified, at: at(as_of) },
        applied_at: at(as_of),
        data_as_of: Some(at(as_of)),
        unverified: false,
    }
}

fn with_commits(mut found: BookPeriod, commits: &[AppliedDelivery]) -> BookPeriod {
    let last = commits.last().unwrap();
    found.commits = commits.to_vec();
    found.delivery_id.clone_from(&last.delivery_id);
    found.data_as_of = last.data_as_of;
    found
}

/// Ten dollars on every day of a span.
fn daily(first: &str, last: &str) -> Vec<FactRow> {
    let (first, last): (chrono::NaiveDate, chrono::NaiveDate) = (first.parse().unwrap(), last.parse().unwrap());
    first.iter_days().take_while(|day| *day <= last).map(|day| spent(&day.to_string(), "10")).collect()
}

async fn put_history(store: &MemoryStore, month: &str, commit: &AppliedDelivery, moved: Vec<Moved>, after_close: bool) {
    let statement = Statement { export_id: "finops".to_owned(), period: month.parse().unwrap() };
    let entry = HistoryEntry {
        export_id: statement.export_id.clone(),
        period: statement.period,
        kind: CommitKind::Delivery,
        delivery: commit.clone(),
        replaced: None,
        after_close,
        totals: Vec::new(),
        moved,
    };
    let put = store.put_if_absent(&statement.history_key(commit), encode_compressed(&entry).unwrap()).await.unwrap();
    assert!(matches!(put, Put::Written(_)));
}

fn moved(day: &str, before: &str, after: &str) -> Moved {
    Moved {
        day: Some(day.parse().unwrap()),
        identity: Some("a".to_owned()),
        category: Some("usage".to_owned()),
        currency: "USD".to_owned(),
        before: before.parse().unwrap(),
        after: after.parse().unwrap(),
    }
}

/// November as it stood on a Monday and on the next.
fn november(commits: &[AppliedDelivery], last_day: &str) -> Book {
    let october =
        with_commits(period("2026-10", daily("2026-10-01", "2026-10-31")), &[commit(1, "2026-11-01T00:00:00Z")]);
    book(vec![october, with_commits(period("2026-11", daily("2026-11-01", last_day)), commits)])
}

#[tokio::test]
async fn what_was_restated_since_the_last_digest_is_a_term_of_the_change() {
    let store = MemoryStore::default();
    let (first, second) = (commit(1, "2026-11-16T00:00:00Z"), commit(2, "2026-11-23T00:00:00Z"));
    run(&store, &november(std::slice::from_ref(&first), "2026-11-15"), "2026-11-16T06:00:00Z").await;
    // 10 November was told with 7, 14 November was not settled then.
    let moves = vec![moved("2026-11-10", "7", "10"), moved("2026-11-14", "4", "10")];
    put_history(&store, "2026-11", &second, moves, false).await;
    let (_, notifier) = run(&store, &november(&[first, second], "2026-11-22"), "2026-11-23T06:00:00Z").await;
    let event = event(&notifier);
    let (earlier, later) = (event.earlier.unwrap(), event.later.unwrap());
    assert_eq!(
        (earlier.start.to_string(), earlier.end.to_string()),
        ("2026-11-06".to_owned(), "2026-11-13".to_owned())
    );
    assert_eq!((later.start.to_string(), later.end.to_string()), ("2026-11-13".to_owned(), "2026-11-20".to_owned()));
    let found = &event.currencies[0];
    let change = found.change.as_ref().unwrap();
    assert_eq!((change.before.to_string(), change.after.to_string()), ("67".to_owned(), "70".to_owned()));
    assert_eq!(change.terms["restatement"].to_string(), "3");
    assert_eq!(found.restated[0].amount.to_string(), "3", "a day that was not settled is not restated");
    assert_eq!(found.restated[0].moves.rows[0].identity, "a");
}

#[tokio::test]
async fn a_closed_month_that_changes_is_told_with_what_to_do() {
    let store = MemoryStore::default();
    let (first, second) = (commit(1, "2026-11-01T00:00:00Z"), commit(2, "2026-11-22T00:00:00Z"));
    let weekly = |commits: &[AppliedDelivery], delivery: &str| {
        let mut november = period("2026-11", daily("2026-11-01", "2026-11-15"));
        november.delivery_id = delivery.to_owned();
        let mut october = with_commits(period("2026-10", daily("2026-10-01", "2026-10-31")), commits);
        october.closed = true;
        book(vec![october, november])
    };
    run(&store, &weekly(std::slice::from_ref(&first), "one"), "2026-11-16T06:00:00Z").await;
    put_history(&store, "2026-10", &second, vec![moved("2026-10-31", "12", "10")], true).await;
    let (_, notifier) = run(&store, &weekly(&[first, second], "two"), "2026-11-23T06:00:00Z").await;
    let decision = &event(&notifier).decisions.rows[0];
    assert_eq!(
        (decision.decision.as_str(), decision.amount.unwrap().to_string()),
        ("post-difference", "-2".to_owned())
    );
    let Message { subject, body, .. } = sent_on(&notifier, Topic::Digest);
    assert!(body.contains("October 2026, AFTER IT HAD CLOSED"), "{body}");
    assert!(subject.starts_with("Restated after close: Oct 2026 by -$2.00; $150.00"), "{subject}");
}

#[tokio::test]
async fn history_that_is_lost_is_warned_of() {
    let store = MemoryStore::default();
    let (first, second) = (commit(1, "2026-11-16T00:00:00Z"), commit(2, "2026-11-23T00:00:00Z"));
    run(&store, &november(std::slice::from_ref(&first), "2026-11-15"), "2026-11-16T06:00:00Z").await;
    let (_, notifier) = run(&store, &november(&[first, second], "2026-11-22"), "2026-11-23T06:00:00Z").await;
    assert_eq!(event(&notifier).warnings.lost_history, 1);
}

#[tokio::test]
async fn the_last_days_of_a_month_settle_by_what_the_next_one_says() {
    let of = |november_as_of: &str, last_day: &str| {
        let commits = [commit(1, november_as_of)];
        let (store, book) = (MemoryStore::default(), november(&commits, last_day));
        async move { event(&run(&store, &book, "2026-11-09T06:00:00Z").await.1) }
    };
    let event = of("2026-11-09T00:00:00Z", "2026-11-08").await;
    assert_eq!(event.later.unwrap().start.to_string(), "2026-10-30");
    assert_eq!(event.currencies[0].change.as_ref().unwrap().after.to_string(), "70");
}

#[tokio::test]
async fn two_weeks_that_are_not_both_known_are_not_compared() {
    let mut book = november(&[commit(1, "2026-11-14T00:00:00Z")], "2026-11-13");
    book.periods.remove(0);
    let (_, notifier) = run(&MemoryStore::default(), &book, "2026-11-14T06:00:00Z").await;
    assert_eq!(event(&notifier).later, None);
    assert!(sent_on(&notifier, Topic::Digest).body.contains("Change      not known yet"));
}

#[tokio::test]
async fn hostile_names_are_escaped_for_machines_and_stay_what_they_are() {
    let names = ["=1+1", "<script>&\u{202E}", "a\"b\\\u{7}\n", "\u{1F600} 日本", "\u{7F}"];
    let mut book = two_months();
    for name in names {
        let fields = [("identity", name), ("identity_kind", "sso"), ("owner", name), ("iamPrincipal/team", name)];
        add(&mut book.periods[1], fact("2026-11-05", "3", &fields));
    }
    let (_, notifier) = run(&MemoryStore::default(), &book, NOW).await;
    let body = sent_on(&notifier, Topic::Events).body;
    assert!(body.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "{body}");
    assert!(!body.contains(['<', '>', '&']), "{body}");
    let event = event(&notifier);
    let told: BTreeSet<_> = event.currencies[0].callers.rows.iter().map(|caller| caller.identity.as_str()).collect();
    assert!(names.iter().all(|name| told.contains(name)), "{told:?}");
}

#[tokio::test]
async fn the_month_before_is_told_beside_the_first_days_until_it_has_closed() {
    let of = |closed: bool| async move {
        let mut book = november(&[commit(1, "2026-11-02T00:00:00Z")], "2026-11-01");
        book.periods[0].closed = closed;
        run(&MemoryStore::default(), &book, "2026-11-02T06:00:00Z").await.1
    };
    let open = of(false).await;
    let told = event(&open).open_month.unwrap();
    assert_eq!((told.period.to_string(), told.spend["USD"].to_string()), ("2026-10".to_owned(), "310".to_owned()));
    let message = sent_on(&open, Topic::Digest);
    assert!(message.body.contains("\nNot closed  October 2026: $310.00\n"), "{}", message.body);
    let closed = of(true).await;
    assert_eq!(event(&closed).open_month, None);
    assert!(!sent_on(&closed, Topic::Digest).body.contains("Not closed"));
}

#[tokio::test]
async fn a_large_day_behind_those_that_are_compared_is_told_to_people_and_machines() {
    let mut book = november(&[commit(1, "2026-11-16T00:00:00Z")], "2026-11-15");
    add(&mut book.periods[1], spent("2026-11-14", "500"));
    let (_, notifier) = run(&MemoryStore::default(), &book, "2026-11-16T06:00:00Z").await;
    let event = event(&notifier);
    let left_out = event.currencies[0].left_out.as_ref().unwrap();
    assert_eq!(left_out.days.start, event.later.unwrap().end, "it begins where the compared days end");
    assert_eq!((left_out.days.end.to_string(), left_out.spend.to_string()), ("2026-11-16".into(), "530".into()));
    let large = &left_out.callers.rows[0];
    assert_eq!((large.identity.as_str(), large.day.to_string().as_str()), ("a", "2026-11-14"));
    assert_eq!((large.spend.to_string(), large.compared.to_string()), ("510".to_owned(), "10".to_owned()));
    let body = sent_on(&notifier, Topic::Digest).body;
    assert!(body.contains("with $510.00 of a on 14 Nov"), "{body}");
}

#[tokio::test]
async fn events_of_digests_without_what_was_added_later_are_read() {
    let mut book = two_months();
    book.periods[0].closed = true;
    let (_, notifier) = run(&MemoryStore::default(), &book, NOW).await;
    let told = sent_on(&notifier, Topic::Events).body;
    let without = |told: &str, field: &str| {
        let rest: Vec<_> = told.lines().filter(|line| line.trim() != format!("\"{field}\": null,")).collect();
        assert_eq!(rest.len() + 1, told.lines().count(), "{field} is not in {told}");
        rest.join("\n")
    };
    let told = without(&without(&told, "left_out"), "open_month");
    let read: DigestEvent = decode("event", &Bytes::from(told)).unwrap();
    assert_eq!(read.open_month, None);
}
