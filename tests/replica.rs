//! A replica of an export's bucket, and a copy that a tool makes: objects arrive in any order, and a mixture of two
//! deliveries is never committed in silence, nor for good.

mod orders;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::messages::operations::deployed::Place;
use spend_core::money::decimal::Decimal;
use spend_ledger::config::Counting;
use spend_ledger::state::committed;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::Store;
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;
use spend_pipeline::error::PipelineError;
use spend_pipeline::ingest::{self, FileTimes, Ingested, Seal};
use spend_pipeline::period::aggregate;
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::rebuild::{self, Rebuilt};
use spend_pipeline::sweep::{self, Sweep};

use crate::bill::{session, usage};
use crate::bucket::{Files, Layout, parquet};
use crate::commands::block_on;

const BUCKET: &str = "acme";
const PLACE: Place<'static> = Place { bucket: BUCKET, prefix: "" };

/// A delivery as AWS wrote it: two chunks, then the manifest.
fn delivery(id: &'static str, first: &[(&str, f64)], second: &[(&str, f64)]) -> Files {
    let row = |(role, cost): &(&str, f64)| {
        usage("2026-11-02", &session(role, "pod"), "USE1-Claude4.6Sonnet-input-tokens", *cost)
    };
    let chunk = |spend: &[(&str, f64)]| parquet(&spend.iter().map(row).collect::<Vec<_>>());
    Layout { execution_id: Some(id), ..Layout::default() }.files([chunk(first), chunk(second)])
}

/// Three deliveries, none of whose mixtures sums to what one of them does: 30, 35 and 47. From the first to the second
/// `b` moves into the other chunk, and in the third back.
fn deliveries() -> [Files; 3] {
    [
        delivery("one", &[("a", 10.0)], &[("b", 20.0)]),
        delivery("two", &[("a", 10.0), ("b", 20.0)], &[("c", 5.0)]),
        delivery("three", &[("a", 11.0)], &[("b", 30.0), ("c", 6.0)]),
    ]
}

const TOTALS: [&str; 3] = ["30", "35", "47"];
const CHUNKS: [usize; 2] = [0, 1];
const MANIFEST: usize = 2;

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn start() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

fn written(delivery: usize, file: usize) -> DateTime<Utc> {
    let hours = 8 * i64::try_from(delivery).unwrap();
    start() - TimeDelta::days(2) + TimeDelta::hours(hours) + TimeDelta::seconds(i64::try_from(file).unwrap())
}

/// What the times of a bucket's objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    /// Those of the source, as a replication of S3 keeps them.
    Source,
    /// When they came, as tools that copy leave it.
    Arrival,
}

struct World {
    bucket: Arc<MemoryStore>,
    ledger: MemoryStore,
    times: FileTimes,
    stamp: Stamp,
    now: DateTime<Utc>,
}

/// What every chunk is reduced to, which is the same in every world.
fn reductions() -> &'static [(String, Bytes)] {
    static REDUCTIONS: OnceLock<Vec<(String, Bytes)>> = OnceLock::new();
    REDUCTIONS.get_or_init(|| {
        let (bucket, ledger, kept) = (Arc::new(MemoryStore::default()), MemoryStore::default(), KeptTags::default());
        block_on(async {
            for (key, bytes) in deliveries().into_iter().flat_map(|files| files.into_iter().take(MANIFEST)) {
                bucket.overwrite(&key, bytes).unwrap();
                let times = FileTimes::Delivered;
                ingest::object_created(&bucket, &ledger, Some(BUCKET), &key, times, &kept).await.unwrap();
            }
            contents(&ledger).await
        })
    })
}

async fn contents(ledger: &MemoryStore) -> Vec<(String, Bytes)> {
    let mut contents = Vec::new();
    for object in ledger.list("").await.unwrap() {
        contents.push((object.key.clone(), ledger.get(&object.key).await.unwrap().unwrap().0));
    }
    contents
}

impl World {
    /// One in which nothing is there but what chunks are reduced to, so that thousands of them take seconds.
    fn reduced(times: FileTimes, stamp: Stamp) -> Self {
        let world = Self::new(times, stamp);
        for (key, bytes) in reductions() {
            world.ledger.overwrite(key, bytes.clone()).unwrap();
        }
        world
    }

    fn new(times: FileTimes, stamp: Stamp) -> Self {
        let world = Self { bucket: Arc::default(), ledger: MemoryStore::default(), times, stamp, now: start() };
        // What lies there was told: these tests are not about the first message.
        let told = keys::note_key(&format!("deployment:{PLACE}"));
        world.ledger.overwrite(&told, Bytes::from_static(br#"{"subject": "Deployed"}"#)).unwrap();
        world
    }

    /// A file of a delivery comes, and its event is handled.
    async fn arrives(&mut self, deliveries: &[Files], delivery: usize, file: usize) {
        self.now += TimeDelta::minutes(1);
        self.bucket.set_now(if self.stamp == Stamp::Source { written(delivery, file) } else { self.now });
        let (key, bytes) = &deliveries[delivery][file];
        self.bucket.overwrite(key, bytes.clone()).unwrap();
        self.handle(key).await;
    }

    async fn handle(&self, key: &str) {
        let (kept, ledger) = (KeptTags::default(), &self.ledger);
        let done = ingest::object_created(&self.bucket, ledger, Some(BUCKET), key, self.times, &kept).await;
        let Ingested::Ready(ready) = done.unwrap() else { return };
        for delivery in ready {
            self.aggregate(&delivery.delivery_id).await;
        }
    }

    async fn aggregate(&self, delivery_id: &str) -> Aggregated {
        let outcome =
            aggregate::aggregate(&self.ledger, &statement(), delivery_id, &Deriver::default(), self.now).await;
        outcome.unwrap()
    }

    /// Both sweeps, `minutes` later.
    async fn sweep(&mut self, minutes: i64) {
        self.now += TimeDelta::minutes(minutes);
        self.sweep_into(&self.ledger).await.unwrap();
    }

    async fn sweep_into<L: Store>(&self, ledger: &L) -> Result<(), PipelineError> {
        let (kept, now) = (KeptTags::default(), self.now);
        let sweep = Sweep {
            export: &self.bucket,
            ledger,
            place: PLACE,
            times: self.times,
            kept: &kept,
            counting: &Counting::default(),
            now,
        };
        let swept = sweep.deliveries(|| Duration::from_hours(1)).await?;
        let counted = sweep::ready(ledger, &Deriver::default(), now, || Duration::from_hours(1)).await?;
        swept.troubles.into_iter().chain(swept.failures).chain(counted.failures).next().map_or(Ok(()), Err)
    }

    /// A whole delivery as AWS writes it into its own bucket, and what becomes of it at once.
    async fn delivered(&mut self, deliveries: &[Files], delivery: usize) {
        for file in [CHUNKS[0], CHUNKS[1], MANIFEST] {
            self.arrives(deliveries, delivery, file).await;
        }
    }

    /// Sweeps until nobody has patience any more.
    async fn settles(&mut self) {
        for _ in 0..3 {
            self.sweep(61).await;
        }
    }

    async fn state(&self) -> Option<PeriodState> {
        committed::state(&self.ledger, &statement()).await.unwrap().map(|(state, _)| state)
    }

    async fn total(&self) -> Option<Decimal> {
        let facts = self.state().await?.facts;
        Some(facts.rows().fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.unblended_cost()).unwrap()))
    }

    async fn is_unverified(&self) -> bool {
        self.state().await.is_some_and(|state| state.current().unwrap().unverified)
    }

    /// Ids of the deliveries that were in force, in their order.
    async fn applied(&self) -> Vec<String> {
        let state = self.state().await.unwrap();
        state.deliveries.into_iter().map(|applied| applied.delivery_id).collect()
    }

    /// Subjects and bodies of the notes to operations whose subject begins so.
    async fn told(&self, subject: &str) -> Vec<String> {
        let mut told = Vec::new();
        for object in self.ledger.list(keys::NOTES_PREFIX).await.unwrap() {
            let (bytes, _) = self.ledger.get(&object.key).await.unwrap().unwrap();
            let note: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            if note["subject"].as_str().unwrap().starts_with(subject) {
                told.push(note["body"].as_str().unwrap().to_owned());
            }
        }
        told
    }
}

/// The export and month of all deliveries.
fn statement() -> Statement {
    Statement { export_id: "e--708b9d37".to_owned(), period: crate::bucket::period() }
}

#[test]
fn a_chunk_that_comes_after_its_manifest_is_waited_for() {
    let deliveries = deliveries();
    for (times, stamp) in [
        (FileTimes::Delivered, Stamp::Source),
        (FileTimes::Arriving, Stamp::Source),
        (FileTimes::Arriving, Stamp::Arrival),
    ] {
        for now in [start(), "2027-01-20T06:00:00Z".parse().unwrap()] {
            let mut world = World::new(times, stamp);
            world.now = now;
            block_on(async {
                world.delivered(&deliveries, 0).await;
                world.settles().await;
                assert_eq!(world.total().await, Some(usd("30")));
                for file in [CHUNKS[0], MANIFEST] {
                    world.arrives(&deliveries, 1, file).await;
                    world.sweep(15).await;
                }
                assert_eq!(world.total().await, Some(usd("30")), "{times:?} {stamp:?}: the last good numbers stay");
                world.arrives(&deliveries, 1, CHUNKS[1]).await;
                world.sweep(15).await;
                world.settles().await;
                assert_eq!(world.total().await, Some(usd("35")), "{times:?} {stamp:?}");
                assert_eq!(world.applied().await, ["one", "two"]);
                assert_eq!(world.is_unverified().await, times == FileTimes::Arriving);
                assert_eq!(world.told("Delivery").await, [] as [String; 0]);
            });
        }
    }
}

#[test]
fn what_aws_writes_itself_is_counted_at_once_and_never_marked() {
    let deliveries = deliveries();
    let mut world = World::new(FileTimes::Delivered, Stamp::Source);
    block_on(async {
        for (delivery, total) in TOTALS.iter().enumerate() {
            world.delivered(&deliveries, delivery).await;
            assert_eq!(world.total().await, Some(usd(total)));
            world.sweep(0).await;
        }
        assert!(world.state().await.unwrap().deliveries.iter().all(|applied| !applied.unverified));
        let unneeded = world.ledger.list(keys::DELIVERIES_PREFIX).await.unwrap();
        assert_eq!(unneeded.len(), 6, "nothing but what is sealed and ready: {unneeded:?}");
    });
}

#[test]
fn a_chunk_that_aws_writes_in_the_second_of_the_manifest_before_is_the_next_deliverys() {
    let deliveries = deliveries();
    let mut world = World::new(FileTimes::Delivered, Stamp::Source);
    block_on(async {
        world.delivered(&deliveries, 0).await;
        let (key, bytes) = &deliveries[1][CHUNKS[0]];
        world.bucket.set_now(written(0, MANIFEST));
        world.bucket.overwrite(key, bytes.clone()).unwrap();
        world.handle(key).await;
        for file in [CHUNKS[1], MANIFEST] {
            world.arrives(&deliveries, 1, file).await;
        }
        assert_eq!((world.total().await, world.is_unverified().await), (Some(usd("35")), false));
    });
}

#[test]
fn a_first_delivery_that_takes_aws_hours_is_no_mixture_with_its_own_beginning() {
    let deliveries = deliveries();
    let mut world = World::new(FileTimes::Delivered, Stamp::Arrival);
    block_on(async {
        world.arrives(&deliveries, 0, CHUNKS[0]).await;
        world.sweep(1).await;
        // One file, as far as anybody can know, and nothing more for an hour.
        world.sweep(61).await;
        assert_eq!((world.total().await, world.is_unverified().await), (Some(usd("10")), true));
        for file in [CHUNKS[1], MANIFEST] {
            world.arrives(&deliveries, 0, file).await;
        }
        assert_eq!((world.total().await, world.is_unverified().await), (Some(usd("30")), false));
        world.settles().await;
        assert_eq!(world.told("Delivery unverified").await, [] as [String; 0]);
    });
}

#[test]
fn odd_deliveries_of_aws_are_counted_at_once_and_never_marked() {
    let row =
        |role: &str, cost: f64| usage("2026-11-02", &session(role, "pod"), "USE1-Claude4.6Sonnet-input-tokens", cost);
    let files = |execution_id, costs: &[f64]| {
        let chunks = costs.iter().map(|cost| parquet(&[row("a", *cost)]));
        Layout { execution_id, ..Layout::default() }.files(chunks)
    };
    // The seconds after each file, and after a delivery: in the last case the next one begins in the manifest's second.
    for (within, between) in [(0, 3600), (0, 1), (1, 0), (1, -1)] {
        for ids in [[None; 4], [Some("one"), Some("two"), Some("three"), Some("four")], [Some("one"); 4]] {
            let costs: [&[f64]; 4] = [&[10.0, 20.0, 30.0], &[11.0, 20.0], &[12.0, 5.0, 30.0], &[13.0]];
            let mut world = World::new(FileTimes::Delivered, Stamp::Source);
            let mut time = start() - TimeDelta::days(1);
            block_on(async {
                for (id, costs) in ids.into_iter().zip(costs) {
                    for (key, bytes) in files(id, costs) {
                        world.bucket.set_now(time);
                        world.bucket.overwrite(&key, bytes).unwrap();
                        world.handle(&key).await;
                        time += TimeDelta::seconds(within);
                    }
                    time += TimeDelta::seconds(between);
                    let expected: f64 = costs.iter().sum();
                    let what = format!("{within} {between} {ids:?} {costs:?}");
                    assert_eq!(world.total().await, Some(usd(&expected.to_string())), "{what}");
                    assert!(!world.is_unverified().await, "{what}");
                    world.sweep(0).await;
                    assert_eq!(world.total().await, Some(usd(&expected.to_string())), "swept {what}");
                }
            });
        }
    }
}

#[test]
fn a_chunk_that_never_changes_keeps_its_delivery_waiting_for_two_hours_and_marks_it() {
    let mut deliveries = deliveries();
    deliveries[2][CHUNKS[0]].1 = Bytes::clone(&deliveries[1][CHUNKS[0]].1);
    let mut world = World::new(FileTimes::Delivered, Stamp::Source);
    block_on(async {
        world.delivered(&deliveries, 0).await;
        for file in [CHUNKS[0], MANIFEST] {
            world.arrives(&deliveries, 1, file).await;
        }
        world.sweep(1).await;
        world.sweep(119).await;
        assert_eq!((world.total().await, world.told("Delivery").await.len()), (Some(usd("30")), 0));
        world.sweep(1).await;
        assert_eq!((world.total().await, world.is_unverified().await), (Some(usd("50")), true));
        let told = world.told("Delivery unverified: e--708b9d37 2026-11").await;
        assert!(told.len() == 1 && told[0].contains("e-00002.snappy.parquet"), "{told:?}");
        world.settles().await;
        world.handle(&deliveries[1][MANIFEST].0).await;
        assert_eq!((world.applied().await.len(), world.told("Delivery").await.len()), (2, 1), "once");
        // The next one is whole again. Its first chunk has the same bytes, written anew.
        world.delivered(&deliveries, 2).await;
        assert_eq!(world.applied().await, ["one", "two", "three"]);
        assert!(!world.is_unverified().await);
    });
}

/// A world in which the second delivery was taken with a chunk of the first, because it is hours late.
async fn mixed(times: FileTimes, deliveries: &[Files]) -> World {
    let mut world = World::new(times, Stamp::Source);
    world.delivered(deliveries, 0).await;
    world.settles().await;
    for file in [CHUNKS[0], MANIFEST] {
        world.arrives(deliveries, 1, file).await;
    }
    world.settles().await;
    assert_eq!((world.total().await, world.is_unverified().await), (Some(usd("50")), true));
    assert_eq!(world.told("Delivery unverified").await.len(), 1);
    world
}

#[test]
fn a_mixture_that_was_taken_is_replaced_when_the_rest_comes_and_never_applied_again() {
    let deliveries = deliveries();
    for times in [FileTimes::Delivered, FileTimes::Arriving] {
        block_on(async {
            let mut world = mixed(times, &deliveries).await;
            world.arrives(&deliveries, 1, CHUNKS[1]).await;
            world.sweep(15).await;
            if times == FileTimes::Arriving {
                assert_eq!(world.total().await, Some(usd("50")), "more may come");
                world.sweep(60).await;
            }
            assert_eq!(world.total().await, Some(usd("35")));
            assert_eq!(world.is_unverified().await, times == FileTimes::Arriving);
            let applied = world.applied().await;
            assert_eq!((applied.len(), &applied[..2]), (3, &["one".to_owned(), "two".to_owned()][..]));
            assert_eq!(world.aggregate("two").await, Aggregated::Known);
            // Nothing that is done again changes anything, nor is it told again.
            for (key, _) in &deliveries[1] {
                world.handle(key).await;
            }
            world.ledger.remove(keys::SWEPT_DELIVERIES);
            world.ledger.remove(keys::SWEPT_READY);
            world.settles().await;
            let rebuilt = rebuild::rebuild(&world.ledger, &statement(), &Deriver::default(), world.now).await;
            assert_eq!((rebuilt.unwrap(), world.applied().await), (Rebuilt::Unchanged, applied));
            assert_eq!(world.told("Delivery unverified").await.len(), 1);
            world.delivered(&deliveries, 2).await;
            world.settles().await;
            assert_eq!(world.total().await, Some(usd("47")));
        });
    }
}

#[test]
fn a_mixture_that_is_aggregated_late_does_not_replace_what_replaced_it() {
    let deliveries = deliveries();
    block_on(async {
        let mut world = mixed(FileTimes::Delivered, &deliveries).await;
        world.arrives(&deliveries, 1, CHUNKS[1]).await;
        world.sweep(15).await;
        let [_, two, again] = &world.applied().await[..] else { panic!("three") };
        // The same two deliveries, ready in a ledger whose aggregation was down meanwhile.
        world.ledger.remove(&statement().state_key());
        assert_eq!(world.aggregate(again).await, Aggregated::Applied { sequence: 1 });
        assert_eq!(world.aggregate(two).await, Aggregated::Older { in_force: again.clone() });
        assert_eq!(world.total().await, Some(usd("35")));
    });
}

#[test]
fn a_crash_at_any_call_while_a_mixture_is_taken_or_replaced_is_mended_by_the_next_sweep() {
    let deliveries = deliveries();
    // What the sweep of ready deliveries remembers depends on when it listed the states.
    let without_memory = async |ledger: &MemoryStore| {
        let mut contents = contents(ledger).await;
        contents.retain(|(key, _)| key != keys::SWEPT_READY);
        contents
    };
    let restored = async |world: &World| {
        let ledger = MemoryStore::default();
        for (key, bytes) in contents(&world.ledger).await {
            ledger.overwrite(&key, bytes).unwrap();
        }
        ledger
    };
    block_on(async {
        let mut taken = World::new(FileTimes::Delivered, Stamp::Source);
        taken.delivered(&deliveries, 0).await;
        for file in [CHUNKS[0], MANIFEST] {
            taken.arrives(&deliveries, 1, file).await;
        }
        taken.sweep(1).await;
        taken.now += TimeDelta::hours(2);
        let mut replaced = mixed(FileTimes::Delivered, &deliveries).await;
        replaced.arrives(&deliveries, 1, CHUNKS[1]).await;
        for world in [taken, replaced] {
            let reference = restored(&world).await;
            let counted = FaultyStore::failing(&reference, []);
            world.sweep_into(&counted).await.unwrap();
            let (calls, reference) = (counted.calls(), without_memory(&reference).await);
            for call in 1..=calls {
                for fault in [Fault::Before, Fault::After] {
                    let ledger = restored(&world).await;
                    world.sweep_into(&FaultyStore::crashing(&ledger, call, fault)).await.unwrap_err();
                    world.sweep_into(&ledger).await.unwrap();
                    assert!(without_memory(&ledger).await == reference, "call {call} {fault:?}");
                }
            }
        }
    });
}

#[test]
fn a_delivery_that_became_ready_with_files_that_were_replaced_meanwhile_is_sealed_again() {
    let deliveries = deliveries();
    let mut world = World::new(FileTimes::Delivered, Stamp::Source);
    block_on(async {
        let (kept, statement) = (KeptTags::default(), statement());
        for (file, (key, bytes)) in deliveries[0].iter().enumerate() {
            world.bucket.set_now(written(0, file));
            world.bucket.overwrite(key, bytes.clone()).unwrap();
        }
        let seal = async || {
            let manifest = &deliveries[0][MANIFEST].0;
            let seal = ingest::seal(&*world.bucket, &world.ledger, Some(BUCKET), manifest, FileTimes::Delivered).await;
            let Seal::Sealed(sealed) = seal.unwrap() else { panic!("it is whole") };
            for chunk in &sealed.chunks {
                ingest::map(&world.bucket, &world.ledger, &statement, chunk, &kept).await.unwrap();
            }
            sealed
        };
        let before = seal().await;
        // A chunk that was damaged is mended, and whoever has the old one completes it first.
        world.bucket.set_now(written(0, 0));
        world.bucket.overwrite(&deliveries[0][0].0, deliveries[1][0].1.clone()).unwrap();
        let mended = seal().await;
        assert_eq!(before.delivery_id, mended.delivery_id);
        assert!(ingest::complete(&world.ledger, &before, &kept).await.unwrap());
        assert!(!ingest::complete(&world.ledger, &mended, &kept).await.unwrap(), "another one is ready under its id");
        world.sweep(15).await;
        assert_eq!((world.total().await, world.applied().await.len()), (Some(usd("50")), 2));
    });
}

#[test]
fn a_replica_of_another_name_says_that_it_is_to_be_configured_as_one() {
    let deliveries = deliveries();
    block_on(async {
        let (ledger, kept) = (MemoryStore::default(), KeptTags::default());
        let bucket: Arc<MemoryStore> = Arc::default();
        for (key, bytes) in &deliveries[0] {
            bucket.overwrite(key, bytes.clone()).unwrap();
        }
        let manifest = &deliveries[0][MANIFEST].0;
        let handled =
            async |times| ingest::object_created(&bucket, &ledger, Some("acme-replica"), manifest, times, &kept).await;
        let error = handled(FileTimes::Delivered).await.unwrap_err();
        let said = "which is in the bucket acme, not in acme-replica (if acme-replica is a replica or a copy of it, set \
                    copied = true in [export] of config/ledger.toml)";
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(handled(FileTimes::Arriving).await.unwrap(), Ingested::Waiting);
    });
}

#[test]
fn files_without_a_manifest_that_were_taken_too_early_are_not_applied_after_the_whole() {
    let deliveries = deliveries();
    block_on(async {
        let mut world = World::new(FileTimes::Delivered, Stamp::Source);
        for delivery in [0, 1] {
            for file in CHUNKS {
                if (delivery, file) == (1, CHUNKS[1]) {
                    world.settles().await;
                }
                // The newest of both has the same time, whether the other is there or not.
                world.bucket.set_now(written(delivery, 9 - file));
                let (key, bytes) = &deliveries[delivery][file];
                world.bucket.overwrite(key, bytes.clone()).unwrap();
            }
        }
        world.settles().await;
        assert_eq!(world.total().await, Some(usd("35")));
        let [mixture, whole] = &world.applied().await[..] else { panic!("two") };
        world.ledger.remove(&statement().state_key());
        assert_eq!(world.aggregate(whole).await, Aggregated::Applied { sequence: 1 });
        assert_eq!(world.aggregate(mixture).await, Aggregated::Older { in_force: whole.clone() });
    });
}
