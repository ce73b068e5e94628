//! The backfill of the first day: an export that keeps its deliveries is read oldest first, and nobody is paged about
//! weeks ago, through the steps of the functions.

use std::cell::Cell;
use std::iter;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::messages::operations::deployed::Place;
use spend_ledger::alert::{self, Deployed};
use spend_ledger::config::Counting;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Message, Notifier, PublishError, Topic};
use spend_ledger::state::keys;
use spend_ledger::store::around::{Access, Around, Before};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{Store, StoreError};
use spend_pipeline::ingest::{self, FileTimes};
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::sweep::{self, Sweep};

use crate::bill::{session, usage};
use crate::bucket::{Files, Layout, parquet};
use crate::commands::block_on;

/// When somebody deploys.
const NOW: &str = "2026-11-29T06:00:00Z";

/// Deliveries of the current month: the folder, and the usage days that each has more than the one before.
type Kept = [(&'static str, &'static str); 4];

/// The last is of the night before.
const FRESH: Kept = [
    ("2026-11-05T05:10:00Z-a", "2026-11-04"),
    ("2026-11-12T05:10:00Z-b", "2026-11-11"),
    ("2026-11-19T05:10:00Z-c", "2026-11-18"),
    ("2026-11-28T20:10:00Z-d", "2026-11-28"),
];

/// The export has stopped two weeks before.
const STALE: Kept = [
    ("2026-11-05T05:10:00Z-a", "2026-11-04"),
    ("2026-11-09T05:10:00Z-b", "2026-11-08"),
    ("2026-11-12T05:10:00Z-c", "2026-11-11"),
    ("2026-11-15T05:10:00Z-d", "2026-11-14"),
];

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// The files of each delivery: the month to date, with 40 dollars more in each.
fn deliveries(kept: Kept) -> Vec<Files> {
    let of = |count: usize| {
        let rows: Vec<_> = kept[..count]
            .iter()
            .map(|(_, day)| usage(day, &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 40.0))
            .collect();
        let (folder, _) = kept[count - 1];
        let layout = Layout { folder: Some(folder), execution_id: Some(folder), ..Layout::default() };
        layout.files([parquet(&rows)])
    };
    (1..=kept.len()).map(of).collect()
}

#[derive(Default)]
struct Line(Mutex<Vec<Message>>);

impl Notifier for Line {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }
}

/// A ledger whose budget of 100 dollars is crossed by one delivery after the other.
fn ledger(policy: &str) -> MemoryStore {
    let ledger = MemoryStore::default();
    ledger.set_now(now());
    let config = format!("[alerts]\nfirst_run = \"{policy}\"\n[[budget]]\nname = \"all\"\namount = \"100\"");
    ledger.overwrite(keys::CONFIG_IN_FORCE, Bytes::from(config)).unwrap();
    ledger
}

/// Aggregates what is ready and evaluates. The ids of the alerts that people got.
async fn react(ledger: &MemoryStore, now: DateTime<Utc>) -> Vec<String> {
    sweep::ready(ledger, &Deriver::default(), now, || Duration::from_hours(1)).await.unwrap();
    let line = Line::default();
    alert::react(ledger, &line, &Deployed { ledger, now }, Lease::INVOCATION, now).await.unwrap();
    let sent = line.0.into_inner().unwrap().into_iter().filter(|message| message.topic == Topic::Alerts);
    sent.map(|message| message.attributes["alert_id"].clone()).collect()
}

/// What people are to hear of all of it.
fn expected(policy: &str) -> Vec<&'static str> {
    match policy {
        "summary" => vec!["first-run:2026-11-01:1"],
        "send" => vec!["all:-:USD:2026-11-01:budget:100:100:1"],
        _ => Vec::new(),
    }
}

const POLICIES: [&str; 3] = ["summary", "send", "silent"];

#[test]
fn a_backfill_of_several_sweeps_is_one_first_run() {
    for (kept, policy) in [FRESH, STALE].iter().flat_map(|kept| POLICIES.map(|policy| (*kept, policy))) {
        let (export, ledger) = (Arc::new(MemoryStore::default()), ledger(policy));
        export.set_now(now() - TimeDelta::hours(9));
        for (key, bytes) in deliveries(kept).into_iter().flatten() {
            export.overwrite(&key, bytes).unwrap();
        }
        block_on(async {
            let mut heard = react(&ledger, now()).await;
            let (mut cut_short, mut swept_at) = (0, now());
            for calls in 1..40 {
                // The time is over after so many questions for it: in the midst of the deliveries.
                let left = Cell::new(calls);
                let time_left = || {
                    left.set(left.get() - 1);
                    if left.get() >= 0 { Duration::from_hours(1) } else { Duration::ZERO }
                };
                let place = Place { bucket: "acme", prefix: "" };
                let kept = KeptTags::default();
                let (times, now) = (FileTimes::Delivered, swept_at);
                let sweep = Sweep {
                    export: &export,
                    ledger: &ledger,
                    place,
                    times,
                    kept: &kept,
                    counting: &Counting::default(),
                    now,
                };
                let swept = sweep.deliveries(time_left).await.unwrap();
                assert!(swept.failures.is_empty() && swept.troubles.is_empty(), "{swept:?}");
                let told = react(&ledger, now).await;
                assert!(swept.left == 0 || told.is_empty(), "{policy}: {told:?} with {} left", swept.left);
                cut_short += usize::from(swept.left > 0 && swept.ready > 0);
                heard.extend(told);
                swept_at += TimeDelta::minutes(15);
                if swept.left == 0 {
                    break;
                }
            }
            assert!(cut_short >= 1, "no sweep was cut short amid the deliveries");
            for hours in [1, 6, 30] {
                heard.extend(react(&ledger, swept_at + TimeDelta::hours(hours)).await);
            }
            assert_eq!(heard, expected(policy), "{policy}");
        });
    }
}

/// Reads one delivery after the other, as events tell of them, without a sweep. What is told of each, and hours later.
fn told_by_events(kept: Kept, policy: &str) -> (Vec<Vec<String>>, Vec<String>) {
    let (export, ledger) = (Arc::new(MemoryStore::default()), ledger(policy));
    block_on(async {
        let mut told = Vec::new();
        for files in deliveries(kept) {
            for (key, bytes) in files {
                export.overwrite(&key, bytes).unwrap();
                let kept = KeptTags::default();
                ingest::object_created(&export, &ledger, None, &key, FileTimes::Delivered, &kept).await.unwrap();
            }
            told.push(react(&ledger, now()).await);
        }
        let later = [5, 6, 7].map(|hours| now() + TimeDelta::hours(hours));
        let mut hours_later = Vec::new();
        for now in later {
            hours_later.extend(react(&ledger, now).await);
        }
        (told, hours_later)
    })
}

#[test]
fn a_backfill_of_a_replica_is_one_first_run() {
    for policy in POLICIES {
        let (export, ledger) = (Arc::new(MemoryStore::default()), ledger(policy));
        export.set_now(now() - TimeDelta::hours(9));
        for (key, bytes) in deliveries(FRESH).into_iter().flatten() {
            export.overwrite(&key, bytes).unwrap();
        }
        block_on(async {
            let (mut heard, mut swept_at, mut cut_short) = (Vec::new(), now(), 0);
            // The first sweep takes nothing of a replica before it was quiet for an hour.
            for calls in iter::once(1000).chain(1..60) {
                let left = Cell::new(calls);
                let time_left = || {
                    left.set(left.get() - 1);
                    if left.get() >= 0 { Duration::from_hours(1) } else { Duration::ZERO }
                };
                let place = Place { bucket: "acme", prefix: "" };
                let (times, kept) = (FileTimes::Arriving, KeptTags::default());
                let sweep = Sweep {
                    export: &export,
                    ledger: &ledger,
                    place,
                    times,
                    kept: &kept,
                    counting: &Counting::default(),
                    now: swept_at,
                };
                let swept = sweep.deliveries(time_left).await.unwrap();
                assert!(swept.failures.is_empty() && swept.troubles.is_empty(), "{swept:?}");
                let told = react(&ledger, swept_at).await;
                let left = swept.left + swept.waiting;
                assert!(left == 0 || told.is_empty(), "{policy}: {told:?} with {left} left");
                cut_short += usize::from(swept.left > 0 && swept.ready > 0);
                heard.extend(told);
                swept_at += TimeDelta::minutes(61);
                if left == 0 {
                    break;
                }
            }
            assert!(cut_short >= 1, "no sweep was cut short amid the deliveries");
            for hours in [1, 6, 30] {
                heard.extend(react(&ledger, swept_at + TimeDelta::hours(hours)).await);
            }
            assert_eq!(heard, expected(policy), "{policy}");
        });
    }
}

/// One object can never be read, and nobody knows why.
struct Stuck(String);

impl Before for Stuck {
    async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
        if key != self.0 || !(access.is_read() || access == Access::Head) {
            return Ok(());
        }
        Err(StoreError::Unavailable { action: "read", key: key.to_owned(), source: "503 SlowDown".into() })
    }
}

#[test]
fn a_delivery_that_fails_for_good_keeps_a_first_run_from_ending_for_a_day_alone() {
    let (ledger, files) = (ledger("summary"), deliveries(FRESH));
    let export = Arc::new(Around { inner: MemoryStore::default(), before: Stuck(files[0][0].0.clone()) });
    export.inner.set_now(now() - TimeDelta::hours(9));
    for (key, bytes) in files.into_iter().flatten() {
        export.inner.overwrite(&key, bytes).unwrap();
    }
    block_on(async {
        let mut heard = Vec::new();
        for hours in (0..30).step_by(3) {
            let now = now() + TimeDelta::hours(hours);
            let (place, kept) = (Place { bucket: "acme", prefix: "" }, KeptTags::default());
            let times = FileTimes::Delivered;
            let sweep = Sweep {
                export: &export,
                ledger: &ledger,
                place,
                times,
                kept: &kept,
                counting: &Counting::default(),
                now,
            };
            let swept = sweep.deliveries(|| Duration::from_hours(1)).await.unwrap();
            assert_eq!(swept.failures.len(), 1, "{swept:?}");
            heard.extend(react(&ledger, now).await.into_iter().map(|id| (hours, id)));
        }
        assert_eq!(heard, [(24, "first-run:2026-11-01:1".to_owned())]);
    });
}

#[test]
fn without_a_sweep_the_first_run_ends_with_fresh_data_or_when_nothing_more_comes() {
    for policy in POLICIES {
        let expected = expected(policy);
        let (told, later) = told_by_events(FRESH, policy);
        assert_eq!((told.concat(), later.len()), (expected.iter().map(ToString::to_string).collect(), 0), "{policy}");
        assert!(told[..3].iter().all(Vec::is_empty), "{policy}: {told:?}");
        let (told, later) = told_by_events(STALE, policy);
        assert_eq!((told.concat().len(), later), (0, expected.iter().map(ToString::to_string).collect()), "{policy}");
    }
}

#[test]
fn a_sweep_that_was_never_finished_is_waited_for_a_day() {
    let ledger = ledger("summary");
    let (export, files) = (Arc::new(MemoryStore::default()), deliveries(STALE).remove(3));
    block_on(async {
        let left = r#"{"format": "backfill/1", "at": "2026-11-29T06:00:00Z", "left": 3, "newest": {}}"#;
        ledger.overwrite(keys::BACKFILL, left.into()).unwrap();
        for (key, bytes) in files {
            export.overwrite(&key, bytes).unwrap();
            let kept = KeptTags::default();
            ingest::object_created(&export, &ledger, None, &key, FileTimes::Delivered, &kept).await.unwrap();
        }
        for hours in [0, 7, 23] {
            assert_eq!(react(&ledger, now() + TimeDelta::hours(hours)).await, [] as [&str; 0], "{hours}");
        }
        assert_eq!(react(&ledger, now() + TimeDelta::hours(24)).await, ["first-run:2026-11-01:1"]);
        assert!(ledger.get(keys::BACKFILL).await.unwrap().is_some());
    });
}
