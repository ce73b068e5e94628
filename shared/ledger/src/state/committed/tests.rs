use super::*;
use crate::reaction_fixtures::{applied, at, fact, state_of};
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-20T06:00:00Z";

fn of(export: &str, month: &str) -> Statement {
    Statement { export_id: export.to_owned(), period: month.parse().unwrap() }
}

/// Commits a month of an export with one fact.
fn commit(store: &MemoryStore, export: &str, month: &str) {
    let state = state_of(&of(export, month), vec![fact(&format!("{month}-01"), "1", &[])]);
    store.overwrite(&of(export, month).state_key(), tabular::encode(&state).unwrap()).unwrap();
}

fn names(statements: &[Statement]) -> Vec<String> {
    statements.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_book_has_the_three_newest_months_that_have_begun_and_a_state_of_every_export() {
    let store = MemoryStore::default();
    for (export, month) in
        [("a", "2026-06"), ("a", "2026-08"), ("b", "2026-09"), ("a", "2026-11"), ("b", "2026-11"), ("a", "2026-12")]
    {
        commit(&store, export, month);
    }
    let expected = ["a 2026-08", "a 2026-11", "b 2026-09", "b 2026-11"];
    assert_eq!(names(&newest(&store, at(NOW)).await.unwrap()), expected);
    assert_eq!(statements(&store).await.unwrap().len(), 6);
    let (found, read) = book_and_versions(&store, at(NOW)).await.unwrap();
    assert_eq!(book(&store, at(NOW)).await.unwrap().periods.len(), found.periods.len());
    let months: Vec<_> = found.periods.iter().map(|period| format!("{} {}", period.export_id, period.period)).collect();
    assert_eq!(months, expected);
    assert!(found.periods.iter().all(|period| period.facts.len() == 1));
    let all = newest(&store, at(NOW)).await.unwrap();
    assert_eq!(versions(&store, &all).await.unwrap(), read);
    assert_eq!(versions(&store, &[of("c", "2026-11")]).await.unwrap(), Versions::new(), "it has no state");
}

#[tokio::test]
async fn a_state_is_read_with_its_version_and_its_facts_on_demand() {
    let (store, november) = (MemoryStore::default(), of("a", "2026-11"));
    assert!(state(&store, &november).await.unwrap().is_none());
    assert!(stored(&store, &november).await.unwrap().is_none());
    assert!(head(&store, &november).await.unwrap().is_none());
    commit(&store, "a", "2026-11");
    let etag = store.head(&november.state_key()).await.unwrap().unwrap().etag;
    let (whole, version) = state(&store, &november).await.unwrap().unwrap();
    let read = stored(&store, &november).await.unwrap().unwrap();
    assert_eq!((version, &read.etag, whole.facts.len()), (etag.clone(), &etag, 1));
    assert_eq!((read.head.facts.len(), read.state().unwrap()), (0, whole.clone()));
    assert_eq!(head(&store, &november).await.unwrap().unwrap().deliveries, whole.deliveries);
    assert!(whole.has_applied("d") && !whole.has_applied("e"));
    assert_eq!(whole.current().unwrap().delivery_id, "d");
}

#[tokio::test]
async fn a_state_in_memory_is_read_again_only_where_it_is_another_by_now() {
    let (store, november) = (MemoryStore::default(), of("a", "2026-11"));
    commit(&store, "a", "2026-10");
    commit(&store, "a", "2026-11");
    let (_, etag) = state(&store, &november).await.unwrap().unwrap();
    // By its number of facts it is told from what is stored.
    let in_memory = state_of(&november, ["2026-11-01", "2026-11-02"].map(|day| fact(day, "1", &[])).into());
    let in_book = async || {
        let known = Some(Committed { state: in_memory.clone(), etag: etag.clone() });
        let (book, versions) = book_with(&store, known, at(NOW)).await.unwrap();
        assert_eq!(versions, book_and_versions(&store, at(NOW)).await.unwrap().1);
        book.periods.iter().map(|period| period.facts.len()).collect::<Vec<_>>()
    };
    assert!(is_in_force(&store, &november, &etag).await.unwrap());
    assert_eq!(in_book().await, [1, 2]);
    let other = state_of(&november, vec![fact("2026-11-03", "3", &[])]);
    store.overwrite(&november.state_key(), tabular::encode(&other).unwrap()).unwrap();
    assert!(!is_in_force(&store, &november, &etag).await.unwrap());
    assert_eq!(in_book().await, [1, 1]);
    store.remove(&november.state_key());
    assert!(!is_in_force(&store, &november, &etag).await.unwrap());
}

#[tokio::test]
async fn the_commits_of_an_export_are_told_from_a_month_on() {
    let store = MemoryStore::default();
    for (export, month) in [("a", "2026-09"), ("a", "2026-10"), ("b", "2026-11"), ("a", "2026-11")] {
        commit(&store, export, month);
    }
    let found = commits(&store, "a", "2026-10".parse().unwrap()).await.unwrap();
    let months: Vec<_> = found.iter().map(|(month, _)| month.to_string()).collect();
    assert_eq!(months, ["2026-10", "2026-11"]);
}

#[test]
fn a_copys_delivery_is_known_by_now_at_the_latest() {
    let (november, later) = (of("a", "2026-11"), "2026-11-25T00:00:00Z");
    for (source, delivered) in [(OrderSource::Arrival, NOW), (OrderSource::LastModified, later)] {
        let mut state = state_of(&november, Vec::new());
        state.deliveries = vec![applied("d", NOW)];
        state.deliveries[0].order = crate::state::commit::DeliveryOrder { source, at: at(later) };
        let found = period(&november, state, at(NOW)).unwrap().unwrap();
        assert_eq!((found.delivered_at, found.delivery_id.as_str()), (at(delivered), "d"));
    }
    let mut state = state_of(&november, Vec::new());
    state.deliveries.clear();
    assert!(period(&november, state, at(NOW)).unwrap().is_none(), "nothing is in force");
}
