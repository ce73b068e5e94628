//! Deriving a period again from its reductions: as safe as a delivery, visible in the history, and nothing if nothing
//! differs.

mod command;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::bill::principal::KeepSessions;
use spend_core::errors::fault::Fault as _;
use spend_core::facts::derivation::Derivation;
use spend_core::facts::fact::{FactField, FactTable};
use spend_cur::write::Row;
use spend_ledger::state::commit::CommitKind;
use spend_ledger::state::history::HistoryEntry;
use spend_ledger::state::keys::REDUCER_VERSION;
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::{committed, restated};
use spend_ledger::store::around::{Access, Around, Before};
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ETag, Store, StoreError};
use spend_pipeline::error::PipelineError;
use spend_pipeline::ingest::{self, FileTimes, Ingested};
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::facts_file::{self, FactsOf};
use spend_pipeline::period::rebuild::{self, Rebuilt};
use spend_pipeline::period::{aggregate, history, publish};

use crate::bill::{session, usage};
use crate::bucket::{Export, statement};
use crate::commands::block_on;

const TYPE: &str = "USE1-Claude4.6Sonnet-input-tokens";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-11-20T06:00:00Z")
}

/// A configuration under which the sessions of the role `app` are people and teams own spend.
fn other() -> Deriver {
    let keep_sessions = KeepSessions::new(["app"]);
    let owner_tags = vec!["iamPrincipal/team".to_owned()];
    let derivation = Derivation { keep_sessions, owner_tags, ..Derivation::default() };
    Deriver { derivation, fingerprint: "other".to_owned(), ..Deriver::default() }
}

fn first() -> Vec<Row> {
    vec![usage("2026-11-01", &session("app", "ana"), TYPE, 1.5), usage("2026-11-02", &session("app", "bo"), TYPE, 0.25)]
}

fn second() -> Vec<Row> {
    first().into_iter().chain([usage("2026-11-03", &session("late", "pod"), TYPE, 7.125)]).collect()
}

/// Delivers `rows` as one chunk, whose manifest is written at `second`, until the delivery is ready.
async fn ready<L: Store>(ledger: &L, rows: &[Row], id: &str, second: i64) -> Result<(), PipelineError> {
    let export = Export::default();
    let kept = KeptTags::default();
    for key in [export.write_chunk(1, rows, second), export.write_manifest(Some(id), 1, second + 1)] {
        let times = FileTimes::Delivered;
        let ingested = ingest::object_created(&export.bucket, ledger, Some("acme"), &key, times, &kept).await?;
        if let Ingested::Ready(deliveries) = ingested {
            assert_eq!(deliveries[0].delivery_id, id);
        }
    }
    Ok(())
}

async fn deliver<L: Store>(ledger: &L, rows: &[Row], id: &str, second: i64) -> Result<Aggregated, PipelineError> {
    ready(ledger, rows, id, second).await?;
    aggregate::aggregate(ledger, &statement(), id, &Deriver::default(), now()).await
}

async fn state(ledger: &MemoryStore) -> PeriodState {
    committed::state(ledger, &statement()).await.unwrap().unwrap().0
}

async fn entries(ledger: &MemoryStore) -> Vec<HistoryEntry> {
    history::read(ledger, &statement(), &state(ledger).await).await.unwrap()
}

async fn facts(ledger: &MemoryStore) -> FactTable {
    state(ledger).await.facts
}

/// Of which delivery and revision the facts file is.
async fn facts_of(ledger: &MemoryStore) -> (String, u64) {
    let (bytes, _) = ledger.get(&statement().facts_key()).await.unwrap().unwrap();
    let FactsOf { delivery_id, revision, .. } = facts_file::facts_of(&bytes).unwrap();
    (delivery_id, revision)
}

fn of(delivery_id: &str, revision: u64) -> (String, u64) {
    (delivery_id.to_owned(), revision)
}

fn identities(facts: &FactTable) -> Vec<&str> {
    facts.rows().map(|fact| fact.get(FactField::Identity)).collect()
}

async fn contents(ledger: &MemoryStore) -> Vec<(String, Bytes, ETag)> {
    let mut contents = Vec::new();
    for object in ledger.list("").await.unwrap() {
        let (bytes, etag) = ledger.get(&object.key).await.unwrap().unwrap();
        contents.push((object.key, bytes, etag));
    }
    contents
}

#[test]
fn a_rebuild_moves_spend_between_identities_and_shows_in_the_history() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        assert_eq!(identities(&facts(&ledger).await), ["role/app@444455556666", "role/app@444455556666"]);
        let rebuilt = rebuild::rebuild(&ledger, &statement(), &other(), now()).await.unwrap();
        assert_eq!(rebuilt, Rebuilt::Applied { sequence: 2, delivery_id: "one".to_owned() });
        assert_eq!(identities(&facts(&ledger).await), ["ana", "bo"]);
        assert!(facts(&ledger).await.rows().all(|fact| fact.get(FactField::Owner) == "search"));
        assert_eq!(facts_of(&ledger).await, of("one", 1));

        let entries = entries(&ledger).await;
        let kinds: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [CommitKind::Delivery, CommitKind::Rebuild]);
        let second = &entries[1];
        assert_eq!(second.replaced.as_deref(), Some("one"));
        assert_eq!(second.delivery.data_as_of, entries[0].delivery.data_as_of);
        assert!(second.totals.iter().all(|total| total.before == total.after && total.before.to_string() == "1.75"));
        let moved: Vec<_> = second
            .moved
            .iter()
            .map(|row| {
                let identity = row.identity.as_deref().unwrap();
                (row.day.unwrap().to_string(), identity, row.before.to_string(), row.after.to_string())
            })
            .collect();
        let row = |day: &str, identity, before: &str, after: &str| {
            (day.to_owned(), identity, before.to_owned(), after.to_owned())
        };
        let expected = [
            row("2026-11-01", "ana", "0", "1.5"),
            row("2026-11-01", "role/app@444455556666", "1.5", "0"),
            row("2026-11-02", "bo", "0", "0.25"),
            row("2026-11-02", "role/app@444455556666", "0.25", "0"),
        ];
        assert_eq!(moved, expected);
    });
}

#[test]
fn rebuilding_with_nothing_changed_writes_nothing() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        for deriver in [Deriver::default(), other()] {
            rebuild::rebuild(&ledger, &statement(), &deriver, now()).await.unwrap();
            let before = contents(&ledger).await;
            let later = at("2026-11-21T06:00:00Z");
            let rebuilt = rebuild::rebuild(&ledger, &statement(), &deriver, later).await.unwrap();
            assert_eq!(rebuilt, Rebuilt::Unchanged);
            assert_eq!(contents(&ledger).await, before);
        }
    });
}

#[test]
fn a_configuration_that_moves_nothing_is_still_the_one_that_the_state_names() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        let renamed = Deriver { fingerprint: "renamed".to_owned(), ..Deriver::default() };
        rebuild::rebuild(&ledger, &statement(), &renamed, now()).await.unwrap();
        assert_eq!(state(&ledger).await.derivation, "renamed");
        assert_eq!(entries(&ledger).await[1].moved, []);
    });
}

#[test]
fn a_rebuilt_delivery_that_comes_again_changes_nothing() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        rebuild::rebuild(&ledger, &statement(), &other(), now()).await.unwrap();
        let before = contents(&ledger).await;
        assert_eq!(deliver(&ledger, &first(), "one", 100).await.unwrap(), Aggregated::Known);
        assert_eq!(contents(&ledger).await, before);
    });
}

#[test]
fn a_crash_at_any_call_of_a_rebuild_is_mended_by_doing_it_again() {
    block_on(async {
        let delivered = async || {
            let ledger = MemoryStore::default();
            deliver(&ledger, &first(), "one", 100).await.unwrap();
            deliver(&ledger, &second(), "two", 200).await.unwrap();
            ledger
        };
        let values = async |ledger: &MemoryStore| -> Vec<(String, Bytes)> {
            contents(ledger).await.into_iter().map(|(key, bytes, _)| (key, bytes)).collect()
        };
        let unharmed = delivered().await;
        let counted = FaultyStore::failing(&unharmed, []);
        rebuild::rebuild(&counted, &statement(), &other(), now()).await.unwrap();
        let whole = values(&unharmed).await;
        assert!(counted.calls() > 5);
        for call in 1..=counted.calls() {
            for fault in [Fault::Before, Fault::After] {
                let ledger = delivered().await;
                let crashing = FaultyStore::crashing(&ledger, call, fault);
                let error = rebuild::rebuild(&crashing, &statement(), &other(), now()).await.unwrap_err();
                assert_eq!(error.kind(), "store.unavailable");
                rebuild::rebuild(&ledger, &statement(), &other(), now()).await.unwrap();
                assert_eq!(values(&ledger).await, whole, "call {call}, {fault:?}");
            }
        }
    });
}

/// A store in which somebody else does something, once, just before an object is read or replaced.
struct Meddled<'a> {
    ledger: &'a MemoryStore,
    at: (String, Access),
    meddle: Meddle,
    done: AtomicBool,
}

#[derive(Clone, Copy)]
enum Meddle {
    /// The delivery `two` is committed.
    Deliver,
    /// A rebuild with another configuration crashes at its commit, the call of this number.
    AlmostRebuild { commit: u64 },
}

impl<'a> Meddled<'a> {
    /// Somebody meddles just before the state is replaced.
    fn with(ledger: &'a MemoryStore, meddle: Meddle) -> Self {
        Self { ledger, at: (statement().state_key(), Access::PutIfMatch), meddle, done: AtomicBool::new(false) }
    }

    fn store(self) -> Around<&'a MemoryStore, Self> {
        Around { inner: self.ledger, before: self }
    }
}

impl Before for Meddled<'_> {
    async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
        if (key, access) != (self.at.0.as_str(), self.at.1) || self.done.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        match self.meddle {
            Meddle::Deliver => {
                let deriver = Deriver::default();
                let outcome = aggregate::aggregate(self.ledger, &statement(), "two", &deriver, now()).await.unwrap();
                assert!(matches!(outcome, Aggregated::Applied { .. }));
            }
            Meddle::AlmostRebuild { commit } => {
                let renamed = Deriver { fingerprint: "renamed".to_owned(), ..Deriver::default() };
                let crashing = FaultyStore::crashing(self.ledger, commit, Fault::Before);
                rebuild::rebuild(&crashing, &statement(), &renamed, now()).await.unwrap_err();
            }
        }
        Ok(())
    }
}

#[test]
fn a_delivery_that_is_committed_meanwhile_wins_and_is_derived_again() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        ready(&ledger, &second(), "two", 200).await.unwrap();
        let meddled = Meddled::with(&ledger, Meddle::Deliver).store();
        let rebuilt = rebuild::rebuild(&meddled, &statement(), &other(), now()).await.unwrap();
        assert_eq!(rebuilt, Rebuilt::Applied { sequence: 3, delivery_id: "two".to_owned() });
        assert_eq!(identities(&facts(&ledger).await), ["ana", "bo", "role/late@444455556666"]);
        assert_eq!(facts_of(&ledger).await, of("two", 1));
        // The entry of the attempt that lost is there, and is not told.
        assert_eq!(ledger.list("history/").await.unwrap().len(), 4);
        let told: Vec<_> =
            entries(&ledger).await.into_iter().map(|entry| (entry.kind, entry.delivery.delivery_id)).collect();
        let entry = |kind, id: &str| (kind, id.to_owned());
        let expected =
            [entry(CommitKind::Delivery, "one"), entry(CommitKind::Delivery, "two"), entry(CommitKind::Rebuild, "two")];
        assert_eq!(told, expected);
    });
}

#[test]
fn the_history_tells_the_attempt_that_was_committed_and_not_one_that_crashed_beside_it() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        let elsewhere = MemoryStore::default();
        deliver(&elsewhere, &first(), "one", 100).await.unwrap();
        let counted = FaultyStore::failing(&elsewhere, []);
        rebuild::rebuild(&counted, &statement(), &other(), now()).await.unwrap();
        // After the commit the facts file and its end are looked at, the state is read, and the file is written.
        let commit = counted.calls() - 4;
        let meddled = Meddled::with(&ledger, Meddle::AlmostRebuild { commit }).store();
        rebuild::rebuild(&meddled, &statement(), &other(), now()).await.unwrap();
        assert_eq!(ledger.list("history/").await.unwrap().len(), 3);
        let entries = entries(&ledger).await;
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].moved.len(), 4, "what the other attempt would have moved is nothing");
    });
}

#[test]
fn the_facts_file_follows_every_revision_and_never_goes_back() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        let original = facts(&ledger).await;
        let key = statement().facts_key();
        for (revision, deriver) in [(1, other()), (2, Deriver::default())] {
            let (old, _) = ledger.get(&key).await.unwrap().unwrap();
            rebuild::rebuild(&ledger, &statement(), &deriver, now()).await.unwrap();
            assert_eq!(facts_of(&ledger).await, of("one", revision));
            // An older revision's file, as a crash leaves it, is replaced.
            ledger.overwrite(&key, old).unwrap();
            publish::publish_facts(&ledger, &statement()).await.unwrap();
            assert_eq!(facts_of(&ledger).await, of("one", revision));
        }
        assert_eq!(facts(&ledger).await, original);
    });
}

#[test]
fn a_state_that_was_taken_back_or_removed_is_followed_by_its_facts_file() {
    let ledger = MemoryStore::default();
    let facts_file = async || ledger.get(&statement().facts_key()).await.unwrap().unwrap().0;
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        let (earlier, _) = ledger.get(&statement().state_key()).await.unwrap().unwrap();
        let original = facts_file().await;
        rebuild::rebuild(&ledger, &statement(), &other(), now()).await.unwrap();
        deliver(&ledger, &second(), "two", 200).await.unwrap();
        rebuild::rebuild(&ledger, &statement(), &other(), now()).await.unwrap();
        // An earlier version is put back, as the message of a damaged state says.
        ledger.overwrite(&statement().state_key(), earlier).unwrap();
        assert_eq!(deliver(&ledger, &first(), "one", 100).await.unwrap(), Aggregated::Known);
        assert_eq!(facts_file().await, original);
        // Or the state is removed, and what comes again is derived with another configuration.
        ledger.remove(&statement().state_key());
        let derived = aggregate::aggregate(&ledger, &statement(), "one", &other(), now()).await.unwrap();
        assert_eq!(derived, Aggregated::Applied { sequence: 1 });
        assert!(facts_file().await != original);
    });
}

#[test]
fn a_publisher_that_is_overtaken_does_not_take_the_facts_file_back() {
    for access in [Access::Head, Access::GetRange, Access::PutIfMatch] {
        let ledger = MemoryStore::default();
        block_on(async {
            deliver(&ledger, &first(), "one", 100).await.unwrap();
            ready(&ledger, &second(), "two", 200).await.unwrap();
            let at = (statement().facts_key(), access);
            let meddled = Meddled { at, ..Meddled::with(&ledger, Meddle::Deliver) }.store();
            let rebuilt = rebuild::rebuild(&meddled, &statement(), &other(), now()).await.unwrap();
            assert_eq!(rebuilt, Rebuilt::Applied { sequence: 2, delivery_id: "one".to_owned() });
            assert!(meddled.before.done.load(Ordering::SeqCst));
            assert_eq!(facts_of(&ledger).await, of("two", 0), "{access:?}");
        });
    }
}

#[test]
fn what_the_release_before_has_reduced_is_derived_from_that() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        for object in ledger.list("reductions/").await.unwrap() {
            let earlier = object.key.replace(&format!("/v{REDUCER_VERSION}/"), &format!("/v{}/", REDUCER_VERSION - 1));
            assert_ne!(earlier, object.key);
            let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
            let _ = ledger.put_if_absent(&earlier, bytes).await.unwrap();
            ledger.remove(&object.key);
        }
        let rebuilt = rebuild::rebuild(&ledger, &statement(), &other(), now()).await.unwrap();
        assert!(matches!(rebuilt, Rebuilt::Applied { .. }), "{rebuilt:?}");
        assert_eq!(state(&ledger).await.current().unwrap().revision, 1);
    });
}

#[test]
fn without_its_reductions_a_period_is_left_as_it_is() {
    let ledger = MemoryStore::default();
    block_on(async {
        deliver(&ledger, &first(), "one", 100).await.unwrap();
        let before = contents(&ledger).await;
        let keeps_more = Deriver { kept_tags: KeptTags::new(["resourceTags/team"]), ..other() };
        let error = rebuild::rebuild(&ledger, &statement(), &keeps_more, now()).await.unwrap_err();
        assert_eq!(error.kind(), "store.unreduced");
        assert!(error.to_string().contains("delivery one of cur 2026-11"), "{error}");
        assert!(error.to_string().contains("run again on the export"), "{error}");
        assert_eq!(contents(&ledger).await, before);
    });
}

#[test]
fn what_moves_after_close_says_so_and_a_rebuild_never_does() {
    let ledger = MemoryStore::default();
    let second_of = |text| at(text).timestamp();
    block_on(async {
        let later = at("2026-12-31T00:00:00Z");
        for (rows, id, second) in
            [(first(), "one", second_of("2026-11-20T00:00:00Z")), (second(), "two", second_of("2026-12-10T00:00:00Z"))]
        {
            ready(&ledger, &rows, id, second).await.unwrap();
            aggregate::aggregate(&ledger, &statement(), id, &Deriver::default(), later).await.unwrap();
        }
        ready(&ledger, &first(), "three", second_of("2026-12-25T00:00:00Z")).await.unwrap();
        aggregate::aggregate(&ledger, &statement(), "three", &Deriver::default(), later).await.unwrap();
        rebuild::rebuild(&ledger, &statement(), &other(), later).await.unwrap();
        let entries = entries(&ledger).await;
        let after_close: Vec<_> = entries.iter().map(|entry| entry.after_close).collect();
        assert_eq!(after_close, [false, false, true, false]);
        let commits = state(&ledger).await.deliveries;
        let restated = |entry| restated::of(entry, commits.iter().map(|commit| (statement().period, commit)));
        assert!(!entries[3].moved.is_empty() && restated(&entries[3]).is_empty());
        assert_eq!(restated(&entries[2]).len(), entries[2].moved.len());
        let months = || commits.iter().map(|commit| (statement().period, commit));
        let possible = commits.iter().map(|commit| restated::is_possible(statement().period, commit, months()));
        assert_eq!(possible.collect::<Vec<_>>(), [false, true, true, false], "the first, and a rebuild");
    });
}
