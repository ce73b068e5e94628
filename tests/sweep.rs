//! The sweep: what no event has told of is found, and driven to the same ledger, however often and with a crash anywhere.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::errors::fault::Fault as _;
use spend_core::messages::operations::deployed::Place;
use spend_core::money::decimal::Decimal;
use spend_ledger::config::Counting;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Message, Notifier, PublishError, operations};
use spend_ledger::state::committed;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::state::retention;
use spend_ledger::store::around::{Access, Around, Before};
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{Store, StoreError};
use spend_pipeline::error::PipelineError;
use spend_pipeline::ingest::{self, FileTimes, Ingested};
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::rebuild::{self, Rebuilt};
use spend_pipeline::sweep::{self, Counted, Sweep, Swept};

use crate::bill::{session, usage};
use crate::bucket::{Files, Layout, parquet};
use crate::commands::block_on;

const HOUR: Duration = Duration::from_hours(1);

fn now() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

fn chunk(cost: f64) -> Bytes {
    parquet(&[usage("2026-11-02", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", cost)])
}

/// A delivery of an export with this path, two chunks that cost 5 dollars together.
fn delivery(root: &'static str) -> Files {
    Layout { root, ..Layout::default() }.files([chunk(2.0), chunk(3.0)])
}

fn bucket(files: &[Files], written: DateTime<Utc>) -> Arc<MemoryStore> {
    let bucket = MemoryStore::default();
    bucket.set_now(written);
    for (key, bytes) in files.iter().flatten() {
        bucket.overwrite(key, bytes.clone()).unwrap();
    }
    Arc::new(bucket)
}

async fn sweep_at<E: Store + Send + 'static, L: Store>(
    export: &Arc<E>,
    ledger: &L,
    now: DateTime<Utc>,
    time_left: impl Fn() -> Duration,
) -> Result<Swept, PipelineError> {
    let (place, kept) = (Place { bucket: "acme", prefix: "" }, KeptTags::default());
    let sweep =
        Sweep { export, ledger, place, times: FileTimes::Delivered, kept: &kept, counting: &Counting::default(), now };
    sweep.deliveries(time_left).await
}

async fn sweep<E: Store + Send + 'static, L: Store>(export: &Arc<E>, ledger: &L) -> Result<Swept, PipelineError> {
    sweep_at(export, ledger, now(), || HOUR).await
}

async fn count<L: Store>(ledger: &L) -> Result<Counted, PipelineError> {
    sweep::ready(ledger, &Deriver::default(), now(), || HOUR).await
}

/// Notes to operations: subject and body.
async fn notes(ledger: &MemoryStore) -> Vec<String> {
    let mut notes = Vec::new();
    for object in ledger.list(keys::NOTES_PREFIX).await.unwrap() {
        let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
        let note: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        notes.push(format!("{}\n{}", note["subject"].as_str().unwrap(), note["body"].as_str().unwrap()));
    }
    notes.sort();
    notes
}

async fn total<L: Store>(ledger: &L) -> Decimal {
    let mut total = Decimal::ZERO;
    for statement in committed::statements(ledger).await.unwrap() {
        let (state, _) = committed::state(ledger, &statement).await.unwrap().unwrap();
        for fact in &state.facts {
            total = total.checked_add(fact.unblended_cost()).unwrap();
        }
    }
    total
}

async fn contents(ledger: &MemoryStore) -> Vec<(String, Bytes)> {
    let mut contents = Vec::new();
    for object in ledger.list("").await.unwrap() {
        let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
        contents.push((object.key, bytes));
    }
    contents
}

#[test]
fn what_lay_there_before_the_deployment_is_read_told_and_counted() {
    let (export, ledger) = (bucket(&[delivery("fin/e")], now()), MemoryStore::default());
    block_on(async {
        let swept = sweep(&export, &ledger).await.unwrap();
        assert_eq!((swept.found, swept.ready, swept.left), (1, 1, 0));
        let counted = count(&ledger).await.unwrap();
        assert_eq!((counted.found, counted.applied), (1, 1));
        assert_eq!(total(&ledger).await, "5".parse().unwrap());
        let notes = notes(&ledger).await;
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].starts_with("Deployed: 1 export, 1 delivery"), "{}", notes[0]);
        assert!(notes[0].contains("  fin/e: 2026-11, 1 delivery\n"), "{}", notes[0]);
    });
}

#[test]
fn a_sweep_that_finds_nothing_new_costs_a_few_listings_and_one_read() {
    let (export, ledger) = (bucket(&[delivery("fin/e")], now()), MemoryStore::default());
    block_on(async {
        sweep(&export, &ledger).await.unwrap();
        count(&ledger).await.unwrap();
        count(&ledger).await.unwrap();
        let listed = Arc::new(FaultyStore::failing(Arc::into_inner(export).unwrap(), []));
        let read = FaultyStore::failing(&ledger, []);
        let swept = sweep(&listed, &read).await.unwrap();
        assert_eq!((swept.known, listed.calls(), read.calls()), (1, 1, 2), "a listing of each bucket and a read");
        let read = FaultyStore::failing(&ledger, []);
        assert_eq!((count(&read).await.unwrap().known, read.calls()), (1, 4), "deliveries, states, facts, and a read");
    });
}

/// A ledger that an export with one delivery of 5 dollars was swept into until nothing was left to do.
async fn swept_ledger() -> (Arc<MemoryStore>, MemoryStore) {
    let (export, ledger) = (bucket(&[delivery("fin/e")], now()), MemoryStore::default());
    ledger.set_now(now());
    sweep(&export, &ledger).await.unwrap();
    count(&ledger).await.unwrap();
    assert_eq!(count(&ledger).await.unwrap().known, 1);
    (export, ledger)
}

async fn only_statement(ledger: &MemoryStore) -> Statement {
    committed::statements(ledger).await.unwrap().remove(0)
}

#[test]
fn a_state_that_is_gone_is_committed_again_by_the_next_sweep() {
    block_on(async {
        let (_, ledger) = swept_ledger().await;
        let statement = only_statement(&ledger).await;
        ledger.remove(&statement.state_key());
        let counted = count(&ledger).await.unwrap();
        assert_eq!((counted.found, counted.applied), (1, 1));
        assert_eq!(total(&ledger).await, "5".parse().unwrap());
        assert_eq!(count(&ledger).await.unwrap().known, 1);
    });
}

#[test]
fn a_state_that_was_put_back_from_an_earlier_version_gets_the_newest_delivery_by_the_next_sweep() {
    block_on(async {
        let (export, ledger) = swept_ledger().await;
        let state_key = only_statement(&ledger).await.state_key();
        let (earlier, _) = ledger.get(&state_key).await.unwrap().unwrap();
        export.set_now(now() + TimeDelta::hours(8));
        let newer = Layout { root: "fin/e", execution_id: Some("two"), ..Layout::default() };
        for (key, bytes) in newer.files([chunk(4.0), chunk(3.0)]) {
            export.overwrite(&key, bytes).unwrap();
        }
        ledger.set_now(now() + TimeDelta::hours(9));
        assert_eq!(sweep(&export, &ledger).await.unwrap().ready, 1);
        assert_eq!(count(&ledger).await.unwrap().applied, 1);
        assert_eq!(count(&ledger).await.unwrap().known, 2);
        assert_eq!(total(&ledger).await, "7".parse().unwrap());
        ledger.set_now(now() + TimeDelta::hours(10));
        ledger.overwrite(&state_key, earlier).unwrap();
        let counted = count(&ledger).await.unwrap();
        assert_eq!((counted.known, counted.applied), (1, 1));
        assert_eq!(total(&ledger).await, "7".parse().unwrap());
        assert_eq!(count(&ledger).await.unwrap().known, 2);
    });
}

#[test]
fn a_facts_file_that_is_gone_is_written_again_by_the_next_sweep() {
    block_on(async {
        let (_, ledger) = swept_ledger().await;
        let key = only_statement(&ledger).await.facts_key();
        let (written, _) = ledger.get(&key).await.unwrap().unwrap();
        ledger.remove(&key);
        count(&ledger).await.unwrap();
        assert!(ledger.get(&key).await.unwrap().is_some_and(|(bytes, _)| bytes == written));
    });
}

#[test]
fn a_ready_delivery_that_is_gone_is_declared_ready_again_by_the_next_sweep() {
    block_on(async {
        let (export, ledger) = swept_ledger().await;
        let listed = ledger.list(keys::DELIVERIES_PREFIX).await.unwrap();
        let key = listed.into_iter().find(|object| object.key.ends_with("/ready.json")).unwrap().key;
        let (written, _) = ledger.get(&key).await.unwrap().unwrap();
        ledger.remove(&key);
        assert_eq!(sweep(&export, &ledger).await.unwrap().ready, 1);
        assert_eq!(ledger.get(&key).await.unwrap().map(|(bytes, _)| bytes), Some(written));
        assert_eq!((sweep(&export, &ledger).await.unwrap().known, count(&ledger).await.unwrap().known), (1, 1));
    });
}

/// Lifecycle rules of the ledger's bucket do this.
async fn expire(ledger: &MemoryStore, now: DateTime<Utc>) {
    for prefix in retention::EXPIRING {
        for object in ledger.list(prefix).await.unwrap() {
            if retention::may_have_expired(object.last_modified, now) {
                ledger.remove(&object.key);
            }
        }
    }
}

#[test]
fn what_expires_changes_no_number_and_the_newest_delivery_of_a_month_is_reduced_again() {
    block_on(async {
        let (export, ledger) = swept_ledger().await;
        let before = contents(&ledger).await;
        let later = now() + TimeDelta::days(retention::KEPT_DAYS);
        ledger.set_now(later);
        expire(&ledger, later).await;
        assert_eq!(ledger.list(keys::DELIVERIES_PREFIX).await.unwrap(), []);
        assert_eq!(ledger.list("reductions/").await.unwrap(), []);
        assert_eq!(sweep_at(&export, &ledger, later, || HOUR).await.unwrap().ready, 1);
        let with = Deriver::default();
        let counted = sweep::ready(&ledger, &with, later, || HOUR).await.unwrap();
        assert_eq!((counted.known, counted.applied), (1, 0));
        // But for what sweeps and notes remember.
        let without = |contents: Vec<(String, Bytes)>| -> Vec<_> {
            let is_kept = |key: &str| !key.starts_with("sweep/") && !key.starts_with(keys::NOTES_PREFIX);
            contents.into_iter().filter(|(key, _)| is_kept(key)).collect()
        };
        assert_eq!(without(contents(&ledger).await), without(before));
        let statement = only_statement(&ledger).await;
        assert_eq!(rebuild::rebuild(&ledger, &statement, &with, later).await.unwrap(), Rebuilt::Unchanged);
        assert_eq!(sweep_at(&export, &ledger, later, || HOUR).await.unwrap().known, 1);
    });
}

#[test]
fn a_delivery_that_was_replaced_long_ago_is_not_read_again_once_it_has_expired() {
    block_on(async {
        let folder = |name| Layout { root: "fin/e", folder: Some(name), execution_id: Some(name), ..Layout::default() };
        let (old, new) = ("2026-11-18T06:00:00.000Z-one", "2026-11-19T06:00:00.000Z-two");
        let files = [folder(old).files([chunk(1.0)]), folder(new).files([chunk(2.0)])];
        let (export, ledger) = (bucket(&files, now()), MemoryStore::default());
        ledger.set_now(now());
        sweep(&export, &ledger).await.unwrap();
        count(&ledger).await.unwrap();
        let deliveries = async || {
            let listed = ledger.list(keys::DELIVERIES_PREFIX).await.unwrap();
            listed.iter().filter(|object| object.key.ends_with("/ready.json")).count()
        };
        assert_eq!(deliveries().await, 2);
        let later = now() + TimeDelta::days(retention::KEPT_DAYS);
        ledger.set_now(later);
        expire(&ledger, later).await;
        for _ in 0..2 {
            sweep_at(&export, &ledger, later, || HOUR).await.unwrap();
            assert_eq!(deliveries().await, 1, "the newest alone");
        }
        sweep::ready(&ledger, &Deriver::default(), later, || HOUR).await.unwrap();
        assert_eq!(total(&ledger).await, "2".parse().unwrap());
    });
}

/// The same when all that is kept for a time has expired, and a file of the export too; and when that is.
async fn expired_ledger() -> (Arc<MemoryStore>, MemoryStore, DateTime<Utc>) {
    let (export, ledger) = swept_ledger().await;
    let chunk = export.list("fin/e/data/").await.unwrap().remove(0).key;
    export.remove(&chunk);
    let later = now() + TimeDelta::days(retention::KEPT_DAYS);
    ledger.set_now(later);
    expire(&ledger, later).await;
    (export, ledger, later)
}

#[test]
fn an_old_delivery_whose_files_have_expired_is_not_told_of_as_incomplete() {
    block_on(async {
        let (export, ledger, later) = expired_ledger().await;
        for hours in [0, 3, 6] {
            let swept = sweep_at(&export, &ledger, later + TimeDelta::hours(hours), || HOUR).await.unwrap();
            assert_eq!((swept.incomplete, swept.waiting), (0, 0), "{hours}");
        }
        assert_eq!(notes(&ledger).await, Vec::<String>::new());
        assert_eq!(total(&ledger).await, "5".parse().unwrap());
    });
}

#[test]
fn an_old_delivery_that_was_never_whole_is_told_of_though_an_earlier_one_is_counted() {
    block_on(async {
        let folder = |name| Layout { root: "fin/e", folder: Some(name), execution_id: Some(name), ..Layout::default() };
        let (old, new) = ("2026-11-18T06:00:00.000Z-one", "2026-11-19T06:00:00.000Z-two");
        let files = [folder(old).files([chunk(1.0)]), folder(new).files([chunk(2.0)])];
        let (export, ledger) = (bucket(&files, now()), MemoryStore::default());
        let chunk = export.list("fin/e/data/").await.unwrap().into_iter().find(|object| object.key.contains(new));
        export.remove(&chunk.unwrap().key);
        let later = now() + TimeDelta::days(retention::KEPT_DAYS);
        ledger.set_now(later);
        for hours in [0, 3, 6] {
            let at = later + TimeDelta::hours(hours);
            sweep_at(&export, &ledger, at, || HOUR).await.unwrap();
            sweep::ready(&ledger, &Deriver::default(), at, || HOUR).await.unwrap();
        }
        assert_eq!(total(&ledger).await, "1".parse().unwrap());
        let notes = notes(&ledger).await;
        let told: Vec<_> = notes.iter().filter(|note| note.starts_with("Delivery incomplete")).collect();
        assert!(matches!(told.as_slice(), [note] if note.contains(new)), "{notes:?}");
    });
}

#[test]
fn an_old_delivery_whose_files_have_expired_ends_no_sweep_where_the_state_is_damaged() {
    block_on(async {
        let (export, ledger, later) = expired_ledger().await;
        let state = only_statement(&ledger).await.state_key();
        ledger.overwrite(&state, Bytes::from_static(b"damaged")).unwrap();
        for hours in [0, 3] {
            sweep_at(&export, &ledger, later + TimeDelta::hours(hours), || HOUR).await.unwrap();
        }
        let notes = notes(&ledger).await;
        assert!(notes.iter().any(|note| note.starts_with("Delivery incomplete")), "{notes:?}");
    });
}

#[test]
fn a_reduction_that_is_removed_together_with_the_memory_is_read_again() {
    block_on(async {
        let (export, ledger) = swept_ledger().await;
        let key = ledger.list("reductions/").await.unwrap().remove(0).key;
        let (written, _) = ledger.get(&key).await.unwrap().unwrap();
        ledger.remove(&key);
        ledger.remove(keys::SWEPT_DELIVERIES);
        sweep(&export, &ledger).await.unwrap();
        assert!(ledger.get(&key).await.unwrap().is_some_and(|(bytes, _)| bytes == written));
    });
}

#[test]
fn a_seal_that_is_damaged_keeps_no_chunk_of_another_delivery_from_being_completed() {
    block_on(async {
        let (export, ledger) = swept_ledger().await;
        let listed = ledger.list(keys::DELIVERIES_PREFIX).await.unwrap();
        let key = listed.into_iter().find(|object| object.key.ends_with("/sealed.json")).unwrap().key;
        ledger.overwrite(&key, Bytes::from_static(b"damaged")).unwrap();
        let chunk = export.list("fin/e/data/").await.unwrap().remove(0).key;
        let (times, kept) = (FileTimes::Delivered, KeptTags::default());
        let ingested = ingest::object_created(&export, &ledger, Some("acme"), &chunk, times, &kept).await;
        assert_eq!(ingested.unwrap(), Ingested::Waiting);
    });
}

#[test]
fn a_chunk_whose_costs_add_up_to_more_than_money_can_be_is_told_of_and_says_where_to_look() {
    let mut row = usage("2026-11-02", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 6e19);
    row.insert("line_item_usage_amount", 1.0.into());
    let export = bucket(&[Layout::default().files([parquet(&[row.clone()]), parquet(&[row])])], now());
    let ledger = MemoryStore::default();
    block_on(async {
        sweep(&export, &ledger).await.unwrap();
        let counted = count(&ledger).await.unwrap();
        let told: Vec<_> = counted.troubles.iter().map(|error| (error.kind(), error.to_string())).collect();
        let [("export.out_of_range", text)] = &told[..] else { panic!("{counted:?}") };
        assert!(text.contains("look for a damaged cost or amount in its chunks"), "{text}");
        assert_eq!(counted.applied, 0);
    });
}

#[test]
fn a_state_that_is_damaged_is_told_of_once_and_says_how_it_is_mended() {
    block_on(async {
        let (_, ledger) = swept_ledger().await;
        let statement = only_statement(&ledger).await;
        ledger.set_now(now() + TimeDelta::hours(1));
        ledger.overwrite(&statement.state_key(), Bytes::from_static(b"not zstd")).unwrap();
        let counted = count(&ledger).await.unwrap();
        assert_eq!((counted.troubles.len(), counted.applied), (1, 0));
        let cure = "put it back from an earlier version and run again";
        assert!(counted.troubles[0].to_string().contains(cure), "{}", counted.troubles[0]);
        ledger.remove(&statement.state_key());
        assert_eq!(count(&ledger).await.unwrap().applied, 1);
        assert_eq!(total(&ledger).await, "5".parse().unwrap());
    });
}

/// Messages to operations, as they are sent, in their order: subject and body, on one line.
async fn told(ledger: &MemoryStore) -> Vec<(String, String)> {
    let sent = Sent::default();
    operations::drain(ledger, &&sent, Lease::Alone, now()).await.unwrap();
    let line = |body: &str| body.split_whitespace().collect::<Vec<_>>().join(" ");
    sent.0.into_inner().unwrap().into_iter().map(|message| (message.subject, line(&message.body))).collect()
}

#[derive(Default)]
struct Sent(Mutex<Vec<Message>>);

impl Notifier for &Sent {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }
}

#[test]
fn an_empty_bucket_is_told_once_with_one_more_message_announced_which_comes_once_with_the_first_delivery() {
    let (export, ledger) = (bucket(&[], now()), MemoryStore::default());
    block_on(async {
        // Whoever removes the sweep's memory is told nothing twice.
        let forget = || ledger.remove(keys::SWEPT_DELIVERIES);
        for _ in 0..2 {
            sweep(&export, &ledger).await.unwrap();
            sweep(&export, &ledger).await.unwrap();
            forget();
        }
        let first = told(&ledger).await;
        let [(subject, body)] = &first[..] else { panic!("{first:?}") };
        assert_eq!(subject, "Deployed: no CUR 2.0 export yet in s3://acme/");
        assert!(body.contains("You get one more message when it is there"), "{body}");
        for (key, bytes) in delivery("fin/e") {
            export.overwrite(&key, bytes).unwrap();
        }
        for _ in 0..2 {
            sweep(&export, &ledger).await.unwrap();
            sweep(&export, &ledger).await.unwrap();
            forget();
        }
        let second = told(&ledger).await;
        let [(subject, body)] = &second[..] else { panic!("{second:?}") };
        assert_eq!(subject, "First delivery: 1 export, 1 delivery in s3://acme/");
        assert!(body.contains("the message that was announced then, and the last") && !body.contains("is deployed"));
        // Who empties the bucket, or fills it again, knows it.
        for (key, _) in delivery("fin/e") {
            export.remove(&key);
        }
        sweep(&export, &ledger).await.unwrap();
        forget();
        sweep(&export, &ledger).await.unwrap();
        for (key, bytes) in delivery("fin/other") {
            export.overwrite(&key, bytes).unwrap();
        }
        sweep(&export, &ledger).await.unwrap();
        assert_eq!(told(&ledger).await, []);
    });
}

#[test]
fn nobody_who_was_told_of_an_export_is_told_that_there_is_none() {
    let (export, ledger) = (bucket(&[delivery("fin/e")], now()), MemoryStore::default());
    block_on(async {
        sweep(&export, &ledger).await.unwrap();
        assert_eq!(told(&ledger).await.len(), 1);
        for (key, _) in delivery("fin/e") {
            export.remove(&key);
        }
        ledger.remove(keys::SWEPT_DELIVERIES);
        sweep(&export, &ledger).await.unwrap();
        assert_eq!(told(&ledger).await, []);
    });
}

#[test]
fn a_crash_anywhere_leaves_the_same_two_messages_about_the_deployment() {
    for crash in 1..=8 {
        for fault in [Fault::Before, Fault::After] {
            let (export, ledger) = (bucket(&[], now()), MemoryStore::default());
            block_on(async {
                let _ = sweep(&export, &FaultyStore::crashing(&ledger, crash, fault)).await;
                sweep(&export, &ledger).await.unwrap();
                for (key, bytes) in delivery("fin/e") {
                    export.overwrite(&key, bytes).unwrap();
                }
                let _ = sweep(&export, &FaultyStore::crashing(&ledger, crash, fault)).await;
                sweep(&export, &ledger).await.unwrap();
                let subjects: Vec<_> = told(&ledger).await.into_iter().map(|(subject, _)| subject).collect();
                let expected = [
                    "Deployed: no CUR 2.0 export yet in s3://acme/",
                    "First delivery: 1 export, 1 delivery in s3://acme/",
                ];
                assert_eq!(subjects.iter().filter(|told| expected.contains(&told.as_str())).count(), 2, "{subjects:?}");
                assert_eq!(subjects.len(), 2, "{crash} {fault:?}: {subjects:?}");
            });
        }
    }
}

#[test]
fn a_sweep_that_is_cut_short_says_what_is_left_and_goes_on() {
    let exports = ["a/e", "b/e", "c/e", "d/e", "f/e"];
    let (export, ledger) = (bucket(&exports.map(delivery), now()), MemoryStore::default());
    block_on(async {
        sweep_at(&bucket(&[], now()), &ledger, now(), || HOUR).await.unwrap();
        let mut left = Vec::new();
        for _ in 0..100 {
            // A second passes whenever the store has answered: too little for all, and it ends amid a delivery.
            let seconds = Cell::new(60_u64);
            let tick = || {
                seconds.set(seconds.get().saturating_sub(1));
                Duration::from_secs(seconds.get())
            };
            let swept = sweep_at(&export, &Around { inner: &ledger, before: Turns }, now(), tick).await.unwrap();
            assert_eq!(swept.known + swept.ready + swept.left, exports.len(), "{swept:?}");
            left.push(swept.left);
            if swept.left == 0 {
                break;
            }
        }
        assert!(left.len() > 1 && left.last() == Some(&0), "{left:?}");
        assert!(left.is_sorted_by(|before, after| before >= after), "what is done is not done again: {left:?}");
        assert_eq!(ledger.list(keys::DELIVERIES_PREFIX).await.unwrap().len(), 2 * exports.len());
    });
}

#[test]
fn files_that_are_written_anew_are_looked_at_anew() {
    let (export, ledger) = (bucket(&[delivery("fin/e")], now()), MemoryStore::default());
    block_on(async {
        sweep(&export, &ledger).await.unwrap();
        export.set_now(now() + TimeDelta::minutes(1));
        let next = Layout { root: "fin/e", execution_id: Some("two"), ..Layout::default() };
        for (key, bytes) in next.files([chunk(20.0), chunk(30.0)]) {
            export.overwrite(&key, bytes).unwrap();
        }
        let swept = sweep(&export, &ledger).await.unwrap();
        assert_eq!((swept.known, swept.ready), (0, 1));
        count(&ledger).await.unwrap();
        assert_eq!(total(&ledger).await, "50".parse().unwrap());
    });
}

#[test]
fn a_delivery_that_lacks_files_for_two_hours_is_told_once() {
    let mut files = delivery("fin/e");
    files.remove(1);
    let (export, ledger) = (bucket(&[files], now()), MemoryStore::default());
    block_on(async {
        // However old the files are: those of a replica have the times of their source.
        export.set_now(now() - TimeDelta::hours(9));
        let (key, bytes) = delivery("fin/e").remove(0);
        export.overwrite(&key, bytes).unwrap();
        assert_eq!(sweep(&export, &ledger).await.unwrap().waiting, 1);
        let early = now() + TimeDelta::minutes(119);
        let swept = sweep_at(&export, &ledger, early, || HOUR).await.unwrap();
        assert_eq!((swept.waiting, swept.incomplete), (1, 0));
        assert_eq!(notes(&ledger).await.len(), 1, "that it was deployed");
        let late = now() + TimeDelta::minutes(120);
        assert_eq!(sweep_at(&export, &ledger, late, || HOUR).await.unwrap().incomplete, 1);
        assert_eq!(sweep_at(&export, &ledger, late, || HOUR).await.unwrap().known, 1);
        let told = notes(&ledger).await;
        assert!(told[0].starts_with("Delivery incomplete: e--") && told[0].contains("e-00002.snappy"), "{told:?}");
        // The file comes at last, as of the time that it should have had.
        export.set_now(now());
        let (key, bytes) = delivery("fin/e").remove(1);
        export.overwrite(&key, bytes).unwrap();
        assert_eq!(sweep_at(&export, &ledger, late, || HOUR).await.unwrap().ready, 1);
        assert_eq!(notes(&ledger).await, told);
    });
}

#[test]
fn a_delivery_that_is_being_written_over_an_old_one_is_not_told_of() {
    let (export, ledger) = (bucket(&[delivery("fin/e")], now()), MemoryStore::default());
    block_on(async {
        sweep(&export, &ledger).await.unwrap();
        let hours_later = now() + TimeDelta::hours(8);
        export.set_now(hours_later);
        export.overwrite(&delivery("fin/e")[0].0, chunk(20.0)).unwrap();
        let at = |minutes| sweep_at(&export, &ledger, hours_later + TimeDelta::minutes(minutes), || HOUR);
        for minutes in [0, 119] {
            assert_eq!(at(minutes).await.unwrap().waiting, 1);
        }
        assert_eq!(notes(&ledger).await.len(), 1, "that it was deployed");
        assert_eq!(at(120).await.unwrap().incomplete, 1, "it was never finished");
    });
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_keeps_no_other_from_being_read() {
    let mut damaged = delivery("a/e");
    damaged[0].1 = Bytes::from_static(b"PAR1 not really PAR1");
    let (export, ledger) = (bucket(&[damaged, delivery("b/e")], now()), MemoryStore::default());
    block_on(async {
        let swept = sweep(&export, &ledger).await.unwrap();
        assert_eq!((swept.ready, swept.troubles.len()), (1, 1));
        let told = notes(&ledger).await;
        assert!(told.iter().any(|note| note.starts_with("Failed (export.")), "{told:?}");
        let swept = sweep(&export, &ledger).await.unwrap();
        assert_eq!((swept.known, swept.troubles.len()), (2, 0), "bytes stay what they are");
    });
}

#[test]
fn files_without_a_manifest_are_taken_once_they_are_quiet() {
    let layout = Layout { root: "fin/e", has_manifest: false, ..Layout::default() };
    let (export, ledger) = (bucket(&[layout.files([chunk(2.0)])], now()), MemoryStore::default());
    block_on(async {
        let at = async |minutes| {
            let now = now() + TimeDelta::minutes(minutes);
            let swept = sweep_at(&export, &ledger, now, || HOUR).await.unwrap();
            (swept.waiting, swept.ready, swept.known)
        };
        // Since they were found: files of a replica have the times of their source.
        export.set_now(now() - TimeDelta::hours(9));
        for (key, bytes) in layout.files([chunk(2.0)]) {
            export.overwrite(&key, bytes).unwrap();
        }
        assert_eq!(at(0).await, (1, 0, 0));
        assert_eq!(at(59).await, (1, 0, 0));
        assert_eq!(at(60).await, (0, 1, 0));
        assert_eq!(at(75).await, (0, 0, 1));
    });
}

#[test]
fn a_second_export_of_the_same_bill_is_told_once() {
    let (export, ledger) = (bucket(&[delivery("a/e"), delivery("b/e")], now()), MemoryStore::default());
    block_on(async {
        sweep(&export, &ledger).await.unwrap();
        let counted = count(&ledger).await.unwrap();
        assert_eq!((counted.applied, counted.passed_over), (1, 1));
        assert_eq!(count(&ledger).await.unwrap().known, 2);
        let told = notes(&ledger).await;
        let overlaps = told.iter().filter(|note| note.starts_with("Not counted: e--")).count();
        assert_eq!(overlaps, 1, "{told:?}");
        assert_eq!(total(&ledger).await, "5".parse().unwrap());
    });
}

#[test]
fn a_crash_at_any_call_is_mended_by_the_next_sweep_and_nothing_is_told_twice() {
    let mut damaged = delivery("b/e");
    damaged[1].1 = Bytes::from_static(b"PAR1 not really PAR1");
    // Another payer's: of two exports of one bill, the one is counted that is added up first, and a crash may change that.
    let mut row = usage("2026-11-02", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 3.0);
    row.insert("bill_payer_account_id", "222222222222".into());
    let other = Layout { root: "c/e", ..Layout::default() }.files([parquet(&[row])]);
    let export = bucket(&[delivery("a/e"), damaged, other], now());
    let run = async |store: &FaultyStore<&MemoryStore>| -> Result<(), PipelineError> {
        sweep(&export, store).await.and_then(|swept| swept.failures.into_iter().next().map_or(Ok(()), Err))?;
        count(store).await.and_then(|counted| counted.failures.into_iter().next().map_or(Ok(()), Err))
    };
    block_on(async {
        let reference = MemoryStore::default();
        reference.set_now(now());
        let store = FaultyStore::failing(&reference, []);
        run(&store).await.unwrap();
        // Which state a sweep remembers depends on when it listed them: one that is not remembered is read once more.
        let contents = async |ledger: &MemoryStore| {
            let mut contents = contents(ledger).await;
            contents.retain(|(key, _)| key != keys::SWEPT_READY);
            contents
        };
        let (calls, reference) = (store.calls(), contents(&reference).await);
        assert!(calls > 30, "{calls}");
        for call in 1..=calls {
            for fault in [Fault::Before, Fault::After] {
                let ledger = MemoryStore::default();
                ledger.set_now(now());
                run(&FaultyStore::crashing(&ledger, call, fault)).await.unwrap_err();
                run(&FaultyStore::failing(&ledger, [])).await.unwrap();
                let found = contents(&ledger).await;
                let differs = found.iter().zip(&reference).find(|(one, other)| one != other);
                assert!(found == reference, "call {call} {fault:?}: {differs:?}");
            }
        }
    });
}

#[test]
fn two_sweeps_at_once_end_in_the_same_ledger() {
    let export = bucket(&[delivery("a/e"), delivery("c/e")], now());
    block_on(async {
        let reference = MemoryStore::default();
        sweep(&export, &reference).await.unwrap();
        count(&reference).await.unwrap();
        let ledger = MemoryStore::default();
        let turns = Around { inner: &ledger, before: Turns };
        let (one, other) = tokio::join!(sweep(&export, &turns), sweep(&export, &turns));
        assert_eq!((one.unwrap().ready, other.unwrap().ready), (2, 2));
        let (one, other) = tokio::join!(count(&turns), count(&turns));
        assert_eq!((one.unwrap().found, other.unwrap().found), (2, 2));
        assert!(contents(&ledger).await == contents(&reference).await);
    });
}

/// Lets other tasks run before every call, so that two steps on one store take turns.
struct Turns;

impl Before for Turns {
    async fn before(&self, _: Access, _: &str) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        Ok(())
    }
}
