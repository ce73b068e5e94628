//! Files and deliveries that a function dies of: they hold up nothing else, and operations is told of each by name.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::messages::operations::deployed::Place;
use spend_cur::write;
use spend_ledger::config::Counting;
use spend_ledger::state::{committed, keys};
use spend_ledger::store::around::{Access, Around, Before};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{Store, StoreError};
use spend_pipeline::ingest::FileTimes;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::sweep::{self, Counted, Sweep, Swept};
use tokio::sync::Notify;

use crate::bill::{session, usage};
use crate::bucket::parquet;
use crate::commands::block_on;

const HOUR: Duration = Duration::from_hours(1);

/// `count` quarters of an hour after the first sweep.
fn at(count: i32) -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(15) * count
}

/// Writes a delivery of one file, a dollar on the first of its month; the file's key.
fn deliver(bucket: &MemoryStore, export: &str, period: &str) -> String {
    let key = format!("fin/{export}/data/BILLING_PERIOD={period}/{export}-00001.snappy.parquet");
    let manifest = format!("fin/{export}/metadata/BILLING_PERIOD={period}/{export}-Manifest.json");
    let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
    let row = usage(&format!("{period}-01"), &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 1.0);
    let execution = format!("{export}-{period}");
    let listed = [key.clone()];
    let manifest_bytes = write::manifest(arn, export, Some(&execution), &[], "acme", &listed, period.parse().unwrap());
    bucket.overwrite(&key, parquet(&[row])).unwrap();
    bucket.overwrite(&manifest, manifest_bytes.into()).unwrap();
    key
}

/// The process dies when it reads an object whose key has a part, or the read takes for ever.
struct Poison {
    part: String,
    /// The process is to die; without it the read does not end.
    dies: Option<Arc<Notify>>,
    /// What the keys of an export have of which no part of an object is poisoned; empty for none.
    spares: &'static str,
}

type Poisoned = Around<MemoryStore, Poison>;

fn poisoned(inner: MemoryStore, part: &str, dies: Option<&Arc<Notify>>) -> Poisoned {
    Around { inner, before: Poison { part: part.to_owned(), dies: dies.cloned(), spares: "" } }
}

impl Before for Poison {
    async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
        let is_spared = !self.spares.is_empty() && (access == Access::Get || key.contains(self.spares));
        while access.is_read() && !is_spared && key.contains(&self.part) {
            if let Some(dies) = &self.dies {
                dies.notify_one();
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// What the work comes to; nothing if the process dies of it.
async fn until_death<T>(work: impl Future<Output = T>, dies: &Notify) -> Option<T> {
    tokio::select! {
        biased;
        () = dies.notified() => None,
        done = work => Some(done),
    }
}

async fn sweep<E: Store + Send + 'static>(
    export: &Arc<E>,
    ledger: &MemoryStore,
    now: DateTime<Utc>,
    time_left: impl Fn() -> Duration,
) -> Swept {
    let (place, kept) = (Place { bucket: "acme", prefix: "" }, KeptTags::default());
    let sweep =
        Sweep { export, ledger, place, times: FileTimes::Delivered, kept: &kept, counting: &Counting::default(), now };
    Box::pin(sweep.deliveries(time_left)).await.unwrap()
}

async fn count<L: Store>(ledger: &L, now: DateTime<Utc>) -> Counted {
    Box::pin(sweep::ready(ledger, &Deriver::default(), now, || HOUR)).await.unwrap()
}

/// The months that have a ready delivery, as `EXPORT MONTH`.
async fn ready(ledger: &MemoryStore) -> Vec<String> {
    let objects = ledger.list(keys::DELIVERIES_PREFIX).await.unwrap();
    let ready = objects.iter().filter_map(|object| keys::Statement::from_ready_key(&object.key));
    ready.map(|(of, _)| format!("{} {}", of.export_id.split("--").next().unwrap(), of.period)).collect()
}

/// The months that are counted.
async fn counted(ledger: &MemoryStore) -> Vec<String> {
    let statements = committed::statements(ledger).await.unwrap();
    statements.into_iter().map(|of| format!("{} {}", of.export_id.split("--").next().unwrap(), of.period)).collect()
}

/// The notes whose subject begins so, subject and body on one line.
async fn notes(ledger: &MemoryStore, subject: &str) -> Vec<String> {
    let mut notes = Vec::new();
    for object in ledger.list(keys::NOTES_PREFIX).await.unwrap() {
        let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
        let note: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        if note["subject"].as_str().unwrap().starts_with(subject) {
            let body: Vec<_> = note["body"].as_str().unwrap().split_whitespace().collect();
            notes.push(format!("{}: {}", note["subject"].as_str().unwrap(), body.join(" ")));
        }
    }
    notes
}

#[test]
fn a_file_that_every_sweep_dies_of_holds_up_nothing_and_is_named_once() {
    block_on(async {
        let (store, ledger, dies) = (MemoryStore::default(), MemoryStore::default(), Arc::new(Notify::new()));
        let part = deliver(&store, "cur", "2026-09");
        for period in ["2026-10", "2026-11"] {
            deliver(&store, "cur", period);
        }
        let export = Arc::new(poisoned(store, &part, Some(&dies)));
        assert!(until_death(sweep(&export, &ledger, at(0), || HOUR), &dies).await.is_none());
        assert!(ready(&ledger).await.contains(&"cur 2026-11".to_owned()), "{:?}", ready(&ledger).await);
        let mut ended = 0;
        for quarter in 1..20 {
            ended += usize::from(until_death(sweep(&export, &ledger, at(quarter), || HOUR), &dies).await.is_some());
        }
        assert_eq!(ready(&ledger).await, ["cur 2026-10", "cur 2026-11"]);
        assert!(ended >= 12, "attempts become rare: {ended} sweeps of 19 came to their end");
        let told = notes(&ledger, "Stuck").await;
        let [told] = &told[..] else { panic!("{told:?}") };
        assert!(told.contains(&format!("File {}", &part[..60])) && told.contains("2026-09"), "{told}");
        assert_eq!(notes(&ledger, "Deployed").await.len(), 1);
    });
}

#[test]
fn a_file_of_a_stranger_that_every_sweep_dies_of_holds_up_no_month_of_a_known_export() {
    block_on(async {
        let (store, ledger, dies) = (MemoryStore::default(), MemoryStore::default(), Arc::new(Notify::new()));
        deliver(&store, "cur", "2026-10");
        let before = Arc::new(poisoned(store, "nothing", None));
        sweep(&before, &ledger, at(0), || HOUR).await;
        let store = Arc::into_inner(before).unwrap().inner;
        for stranger in ["a", "b", "c"] {
            deliver(&store, stranger, "2026-11");
        }
        deliver(&store, "cur", "2026-11");
        // Of the honest export nothing is poisoned.
        let before = Poison { part: "-00001".to_owned(), dies: Some(dies.clone()), spares: "/cur/" };
        let export = Arc::new(Around { inner: store, before });
        assert!(until_death(sweep(&export, &ledger, at(1), || HOUR), &dies).await.is_none());
        assert_eq!(ready(&ledger).await, ["cur 2026-10", "cur 2026-11"]);
        for quarter in 2..16 {
            until_death(sweep(&export, &ledger, at(quarter), || HOUR), &dies).await;
        }
        assert_eq!(notes(&ledger, "Stuck").await.len(), 3);
    });
}

#[test]
fn a_file_that_takes_all_the_time_of_every_sweep_holds_up_nothing_and_what_stands_still_is_told() {
    block_on(async {
        let (store, ledger) = (MemoryStore::default(), MemoryStore::default());
        let part = deliver(&store, "cur", "2026-11");
        for period in ["2026-09", "2026-10"] {
            deliver(&store, "cur", period);
        }
        let export = Arc::new(poisoned(store, &part, None));
        for quarter in 0..40 {
            // Ten minutes; a second passes with every question for the time.
            let seconds = Cell::new(600_u64);
            let tick = || {
                seconds.set(seconds.get().saturating_sub(1));
                Duration::from_secs(seconds.get())
            };
            sweep(&export, &ledger, at(quarter), tick).await;
        }
        assert_eq!(ready(&ledger).await, ["cur 2026-09", "cur 2026-10"]);
        assert_eq!(notes(&ledger, "Stuck").await.len(), 1);
        let left = notes(&ledger, "Backlog").await;
        assert!(matches!(&left[..], [one] if one.contains("1 delivery to read")), "{left:?}");
    });
}

#[test]
fn a_large_delivery_that_gets_on_is_not_taken_for_one_that_is_stuck() {
    block_on(async {
        let (store, ledger) = (MemoryStore::default(), MemoryStore::default());
        let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
        let row = || usage("2026-11-01", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 1.0);
        let listed: Vec<_> = (1..=40)
            .map(|number| format!("fin/cur/data/BILLING_PERIOD=2026-11/cur-{number:05}.snappy.parquet"))
            .collect();
        for key in &listed {
            store.overwrite(key, parquet(&[row()])).unwrap();
        }
        let manifest = write::manifest(arn, "cur", Some("a"), &[], "acme", &listed, "2026-11".parse().unwrap());
        store.overwrite("fin/cur/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json", manifest.into()).unwrap();
        let export = Arc::new(Around { inner: store, before: Slow });
        let mut sweeps = 0;
        for quarter in 0..40 {
            let seconds = Cell::new(29_u64);
            let tick = || {
                seconds.set(seconds.get().saturating_sub(1));
                Duration::from_secs(seconds.get())
            };
            let swept = sweep(&export, &ledger, at(quarter), tick).await;
            assert_eq!(swept.paused, 0, "{swept:?}");
            sweeps += 1;
            if swept.left == 0 {
                break;
            }
        }
        assert!((3..40).contains(&sweeps), "{sweeps}");
        assert_eq!((ready(&ledger).await.len(), notes(&ledger, "Stuck").await.len()), (1, 0));
    });
}

/// Takes a turn for every read of a part.
struct Slow;

impl Before for Slow {
    async fn before(&self, access: Access, _: &str) -> Result<(), StoreError> {
        if access == Access::GetRange {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

#[test]
fn a_ready_delivery_that_every_sweep_dies_of_holds_up_nothing_and_is_named_once() {
    block_on(async {
        let (store, ledger, dies) = (MemoryStore::default(), MemoryStore::default(), Arc::new(Notify::new()));
        for period in ["2026-09", "2026-10", "2026-11"] {
            deliver(&store, "cur", period);
        }
        let export = Arc::new(store);
        sweep(&export, &ledger, at(0), || HOUR).await;
        assert_eq!(ready(&ledger).await.len(), 3);
        let reductions = ledger.list("reductions/").await.unwrap();
        let part = reductions.iter().find(|object| object.key.contains("period=2026-09")).unwrap().key.clone();
        let ledger = poisoned(ledger, &part, Some(&dies));
        assert!(until_death(count(&ledger, at(0)), &dies).await.is_none());
        assert_eq!(counted(&ledger.inner).await, ["cur 2026-10", "cur 2026-11"]);
        let mut ended = 0;
        for quarter in 1..20 {
            ended += usize::from(until_death(count(&ledger, at(quarter)), &dies).await.is_some());
        }
        assert!(ended >= 12, "{ended}");
        let told = notes(&ledger.inner, "Stuck").await;
        assert!(matches!(&told[..], [one] if one.contains("period=2026-09/cur-2026-09/")), "{told:?}");
    });
}

#[test]
fn of_two_ready_deliveries_of_a_month_the_one_that_sweeps_die_of_does_not_hold_up_the_other() {
    block_on(async {
        let (store, ledger, dies) = (MemoryStore::default(), MemoryStore::default(), Arc::new(Notify::new()));
        deliver(&store, "a", "2026-11");
        deliver(&store, "b", "2026-11");
        let export = Arc::new(store);
        sweep(&export, &ledger, at(0), || HOUR).await;
        let reductions = ledger.list("reductions/").await.unwrap();
        let part = reductions.iter().find(|object| object.key.contains("export=a")).unwrap().key.clone();
        let ledger = poisoned(ledger, &part, Some(&dies));
        for quarter in 0..2 {
            until_death(count(&ledger, at(quarter)), &dies).await;
        }
        assert_eq!(counted(&ledger.inner).await, ["b 2026-11"]);
    });
}
