use super::*;
use crate::reaction_fixtures::{applied, at, book, period};
use crate::state::commit::DeliveryOrder;
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-20T12:00:00Z";

/// November of an export, with this delivery in force since then, and its data.
fn november(export: &str, committed: &str, data_as_of: Option<&str>) -> BookPeriod {
    let commits = vec![applied("one", "2026-11-01T00:00:00Z"), applied("two", committed)];
    let data_as_of = data_as_of.map(at);
    BookPeriod { export_id: export.to_owned(), commits, data_as_of, ..period("2026-11", Vec::new()) }
}

fn backfill(at_time: &str, left: usize, newest: &str) -> Backfill {
    let newest = BTreeMap::from([("a 2026-11".to_owned(), newest.to_owned())]);
    Backfill { at: at(at_time), left, newest }
}

fn is_in(backfill: Option<&Backfill>, periods: Vec<BookPeriod>) -> bool {
    Backfill::newest_is_in(backfill, &book(periods), at(NOW))
}

/// Old data, committed just now.
fn stale() -> BookPeriod {
    november("a", NOW, Some("2026-11-01T00:00:00Z"))
}

#[test]
fn a_sweep_that_is_not_done_is_waited_for_until_it_was_not_heard_of_for_a_day() {
    let fresh = || vec![november("a", NOW, Some(NOW))];
    assert!(!is_in(Some(&backfill("2026-11-19T12:00:01Z", 1, "two")), fresh()));
    assert!(is_in(Some(&backfill("2026-11-19T12:00:00Z", 1, "two")), fresh()), "then the data tell");
    assert!(!is_in(Some(&backfill("2026-11-19T12:00:00Z", 1, "two")), vec![stale()]));
}

#[test]
fn what_a_sweep_found_must_be_committed_or_have_failed_for_a_day() {
    assert!(is_in(Some(&backfill(NOW, 0, "two")), vec![stale()]));
    assert!(is_in(Some(&backfill(NOW, 0, "one")), vec![stale()]), "a newer one has replaced it");
    assert!(!is_in(Some(&backfill(NOW, 0, "three")), vec![stale()]));
    assert!(!is_in(Some(&backfill("2026-11-19T12:00:01Z", 0, "three")), vec![stale()]));
    assert!(is_in(Some(&backfill("2026-11-19T12:00:00Z", 0, "three")), vec![stale()]));
    let other = november("b", NOW, Some("2026-11-01T00:00:00Z"));
    assert!(is_in(Some(&backfill(NOW, 0, "three")), vec![other]), "it has found nothing of that one");
}

#[test]
fn without_a_sweep_fresh_data_tell_or_hours_without_a_commit() {
    let since = |data: &str| vec![november("a", NOW, Some(data))];
    assert!(is_in(None, since("2026-11-18T12:00:01Z")));
    assert!(!is_in(None, since("2026-11-18T12:00:00Z")));
    assert!(!is_in(None, vec![november("a", NOW, None)]));
    let quiet = |committed: &str| vec![november("a", committed, Some("2026-11-01T00:00:00Z"))];
    assert!(!is_in(None, quiet("2026-11-20T06:00:01Z")));
    assert!(is_in(None, quiet("2026-11-20T06:00:00Z")));
    assert!(is_in(None, vec![BookPeriod { commits: Vec::new(), ..stale() }]));
    // Each export by itself, and by its newest month.
    let fresh = || november("b", NOW, Some(NOW));
    assert!(!is_in(None, vec![stale(), fresh()]));
    let october = BookPeriod { export_id: "b".to_owned(), ..stale() };
    assert!(is_in(None, vec![october, fresh()]));
}

#[test]
fn a_folder_says_when_its_delivery_was_made_and_a_file_in_place_does_not() {
    for (source, is_fresh) in [(OrderSource::Folder, true), (OrderSource::LastModified, false)] {
        let mut found = stale();
        found.commits[1].order = DeliveryOrder { source, at: at(NOW) };
        assert_eq!(is_in(None, vec![found]), is_fresh, "{source:?}");
    }
}

#[tokio::test]
async fn it_is_written_over_the_version_that_was_read() {
    let (store, first) = (MemoryStore::default(), backfill(NOW, 3, "one"));
    assert_eq!(Backfill::read(&store).await.unwrap(), None);
    let etag = first.write(&store, None).await.unwrap().unwrap();
    assert_eq!(Backfill::read_version(&store).await.unwrap(), Some((first.clone(), etag.clone())));
    assert_eq!(first.write(&store, None).await.unwrap(), None, "another sweep has written");
    assert!(backfill(NOW, 2, "one").write(&store, Some(&etag)).await.unwrap().is_some());
    assert_eq!(Backfill::read(&store).await.unwrap().unwrap().left, 2);
}
