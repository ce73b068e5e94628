//! Deliveries in a bucket: told by events, in any shape that AWS and replications give them.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_core::money::decimal::Decimal;
use spend_ledger::state::commit::OrderSource;
use spend_ledger::state::committed;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{Store, StoreError};
use spend_pipeline::error::PipelineError;
use spend_pipeline::files::inventory::{Found, Inventory, Unlisted};
use spend_pipeline::ingest::{self, FileTimes, Ingested, Quiet, Seal};
use spend_pipeline::period::aggregate;
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::deriver::Deriver;

use crate::bill::{PAYER, session, usage};
use crate::bucket::{Files, Layout, parquet, period};
use crate::commands::block_on;

const OLDER: &str = "2026-11-02T13:15:05.826Z-1a";
const NEWER: &str = "2026-11-03T13:15:05.826Z-2b";

fn now() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

fn chunk(cost: f64) -> Bytes {
    parquet(&[usage("2026-11-02", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", cost)])
}

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn kept(folder: &'static str, execution_id: Option<&'static str>) -> Layout {
    Layout { folder: Some(folder), execution_id, ..Layout::default() }
}

/// What an object that was created leads to; the deliveries that it completed, by what became of them.
async fn handle<L: Store>(bucket: &Arc<MemoryStore>, ledger: &L, key: &str) -> Result<Vec<Aggregated>, PipelineError> {
    let tags = KeptTags::default();
    let done = ingest::object_created(bucket, ledger, Some("acme"), key, FileTimes::Delivered, &tags).await?;
    let mut outcomes = Vec::new();
    if let Ingested::Ready(ready) = done {
        for delivery in ready {
            let (statement, id) = (delivery.statement(), &delivery.delivery_id);
            outcomes.push(aggregate::aggregate(ledger, &statement, id, &Deriver::default(), now()).await?);
        }
    }
    Ok(outcomes)
}

fn write(bucket: &MemoryStore, files: &Files) {
    for (key, bytes) in files {
        bucket.overwrite(key, bytes.clone()).unwrap();
    }
}

/// Writes the files and handles the event of each.
async fn deliver<L: Store>(bucket: &Arc<MemoryStore>, ledger: &L, files: &Files) -> Vec<Aggregated> {
    write(bucket, files);
    let mut outcomes = Vec::new();
    for (key, _) in files {
        outcomes.extend(handle(bucket, ledger, key).await.unwrap());
    }
    outcomes
}

/// Export ids and what their facts sum to.
async fn totals<L: Store>(ledger: &L) -> Vec<(String, Decimal)> {
    let mut totals = Vec::new();
    for statement in committed::statements(ledger).await.unwrap() {
        let (state, _) = committed::state(ledger, &statement).await.unwrap().unwrap();
        let sum = state.facts.rows().fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.unblended_cost()).unwrap());
        totals.push((statement.export_id, sum));
    }
    totals
}

#[test]
fn keys_that_begin_with_a_slash_are_delivered() {
    let (bucket, ledger) = (Arc::new(MemoryStore::default()), MemoryStore::default());
    let files = Layout { root: "/fin/cur/e", ..Layout::default() }.files([chunk(2.0), chunk(3.0)]);
    block_on(async {
        let outcomes = deliver(&bucket, &ledger, &files).await;
        assert_eq!(outcomes, [Aggregated::Applied { sequence: 1 }]);
        // printf '/fin/cur/e' | sha256sum
        assert_eq!(totals(&ledger).await, [("e--dcd1f9ef".to_owned(), usd("5"))]);
    });
}

#[test]
fn both_manifests_of_a_delivery_are_one_delivery_with_or_without_an_execution_id() {
    for id in [Some("2b"), None] {
        let (bucket, ledger) = (Arc::new(MemoryStore::default()), MemoryStore::default());
        block_on(async {
            let outcomes = deliver(&bucket, &ledger, &kept(NEWER, id).files([chunk(2.0)])).await;
            assert_eq!(outcomes, [Aggregated::Applied { sequence: 1 }, Aggregated::Known], "{id:?}");
            let statement = committed::statements(&ledger).await.unwrap().remove(0);
            let (state, _) = committed::state(&ledger, &statement).await.unwrap().unwrap();
            assert_eq!(state.current().unwrap().order.source, OrderSource::Folder);
        });
    }
}

#[test]
fn an_older_folder_that_is_handled_later_replaces_nothing() {
    let (bucket, ledger) = (Arc::new(MemoryStore::default()), MemoryStore::default());
    let older = kept(OLDER, Some("1a")).files([chunk(9.0)]);
    let newer = kept(NEWER, Some("2b")).files([chunk(2.0)]);
    block_on(async {
        write(&bucket, &older);
        deliver(&bucket, &ledger, &newer).await;
        for (key, _) in &older[..2] {
            handle(&bucket, &ledger, key).await.unwrap();
        }
        assert_eq!(totals(&ledger).await[0].1, usd("2"));
    });
}

#[test]
fn files_without_a_manifest_wait_until_the_bucket_is_quiet() {
    let (bucket, ledger) = (Arc::new(MemoryStore::default()), MemoryStore::default());
    let layout = Layout { has_manifest: false, ..Layout::default() };
    let hour = TimeDelta::hours(1);
    block_on(async {
        bucket.set_now(now() - hour + TimeDelta::seconds(1));
        let outcomes = deliver(&bucket, &ledger, &layout.files([chunk(2.0), chunk(3.0)])).await;
        assert_eq!(outcomes, [], "nothing says that they are complete");
        let found = Inventory::of(&bucket.list("").await.unwrap()).deliveries;
        let [Found::Unlisted(found)] = &found[..] else { panic!("{found:?}") };
        let seal = async |now: DateTime<Utc>| {
            let quiet = Some(Quiet { now, period: hour });
            ingest::seal_unlisted(&*bucket, &ledger, found, FileTimes::Delivered, quiet).await.unwrap()
        };
        let newest = now() - hour + TimeDelta::seconds(1);
        assert_eq!(seal(now()).await, Seal::Unquiet { newest });
        assert_eq!(ledger.list("deliveries/").await.unwrap(), []);
        let Seal::Sealed(sealed) = seal(now() + TimeDelta::seconds(1)).await else { panic!("it is quiet") };
        assert!(sealed.unverified);
        assert!(ingest::complete(&ledger, &sealed, &KeptTags::default()).await.unwrap());
        let (statement, id) = (sealed.statement(), &sealed.delivery_id);
        aggregate::aggregate(&ledger, &statement, id, &Deriver::default(), now()).await.unwrap();
        assert_eq!(totals(&ledger).await[0].1, usd("5"));
        let book = committed::book(&ledger, now()).await.unwrap();
        assert!(book.periods[0].unverified, "messages say so");
    });
}

#[test]
fn a_file_that_vanished_is_named_and_nothing_is_sealed() {
    let (bucket, ledger) = (MemoryStore::default(), MemoryStore::default());
    let key = "fin/cur/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet".to_owned();
    let export = spend_cur::delivery::layout::ExportPath::parse("fin/cur/e").unwrap();
    let found = Unlisted { export, period: period(), folder: None, chunks: vec![key.clone()] };
    let seal = block_on(ingest::seal_unlisted(&bucket, &ledger, &found, FileTimes::Delivered, None));
    let Err(PipelineError::Store(StoreError::NotFound { key: missing })) = seal else { panic!("{seal:?}") };
    assert_eq!(missing, key);
}

#[test]
fn a_chunk_that_is_replaced_while_it_is_read_makes_its_delivery_wait() {
    let (bucket, ledger) = (Arc::new(MemoryStore::default()), MemoryStore::default());
    let files = Layout::default().files([chunk(2.0), chunk(3.0)]);
    block_on(async {
        write(&bucket, &files);
        let seal = ingest::seal(&*bucket, &ledger, Some("acme"), &files[2].0, FileTimes::Delivered).await.unwrap();
        let Seal::Sealed(sealed) = seal else { panic!("{seal:?}") };
        ingest::still_stands(&*bucket, &sealed).await.unwrap();
        bucket.overwrite(&files[1].0, chunk(30.0)).unwrap();
        let tags = KeptTags::default();
        ingest::map(&bucket, &ledger, &sealed.statement(), &sealed.chunks[0], &tags).await.unwrap();
        let error = ingest::map(&bucket, &ledger, &sealed.statement(), &sealed.chunks[1], &tags).await.unwrap_err();
        assert_eq!((error.kind(), error.class()), ("store.replaced", Class::Wait));
        assert_eq!(
            error.to_string(),
            format!(
                "{} is not at version {} any more: it was replaced while it was being read",
                files[1].0, sealed.chunks[1].etag
            )
        );
        let error = ingest::still_stands(&*bucket, &sealed).await.unwrap_err();
        assert_eq!(error.kind(), "store.replaced");
        assert!(!ingest::complete(&ledger, &sealed, &tags).await.unwrap());
        assert_eq!(
            handle(&bucket, &ledger, &files[1].0).await.unwrap(),
            [],
            "the new version is of no sealed delivery"
        );
        assert_eq!(totals(&ledger).await, []);
    });
}

#[test]
fn a_crash_between_claim_and_commit_is_harmless() {
    let bucket = Arc::new(MemoryStore::default());
    let first = Layout { root: "first", ..Layout::default() }.files([chunk(5.0)]);
    let second = Layout { root: "second", ..Layout::default() }.files([chunk(5.0)]);
    write(&bucket, &first);
    write(&bucket, &second);
    let claim = keys::claim_key(PAYER, period());
    block_on(async {
        let mut crashed = 0;
        for call in 1.. {
            let ledger = MemoryStore::default();
            let faulty = FaultyStore::crashing(&ledger, call, Fault::After);
            let mut died = false;
            for (key, _) in &first {
                died = died || handle(&bucket, &faulty, key).await.is_err();
            }
            if !died {
                break;
            }
            let state = Statement { export_id: "first".to_owned(), period: period() }.state_key();
            let claimed = ledger.head(&claim).await.unwrap().is_some();
            let in_between = claimed && ledger.head(&state).await.unwrap().is_none();
            crashed += u32::from(in_between);
            // The other export comes while the first is down; then the first does its work again.
            let mut outcomes = Vec::new();
            for (key, _) in second.iter().chain(&first).chain(&second) {
                outcomes.extend(handle(&bucket, &ledger, key).await.unwrap());
            }
            let totals = totals(&ledger).await;
            assert_eq!(totals.len(), 1, "call {call}: one bill is counted once");
            assert_eq!(totals[0].1, usd("5"));
            if in_between {
                assert_eq!(totals[0].0, "first", "call {call}: whoever claimed it is counted");
                let counted = "first".to_owned();
                let overlapping = Aggregated::Overlapping { payer: PAYER.to_owned(), counted };
                assert!(outcomes.contains(&overlapping), "{outcomes:?}");
            }
        }
        assert!(crashed > 0, "some crash was between claim and commit");
    });
}

#[test]
fn an_export_that_is_not_counted_claims_nothing() {
    let (bucket, ledger) = (Arc::new(MemoryStore::default()), MemoryStore::default());
    let of = |payer: &'static str| {
        let mut row = usage("2026-11-02", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 1.0);
        row.insert("bill_payer_account_id", payer.into());
        row
    };
    block_on(async {
        let one = Layout { root: "one", ..Layout::default() }.files([parquet(&[of("222222222222")])]);
        deliver(&bucket, &ledger, &one).await;
        let both = [of("111111111111"), of("222222222222")];
        let both = Layout { root: "both", ..Layout::default() }.files([parquet(&both)]);
        let outcomes = deliver(&bucket, &ledger, &both).await;
        assert!(matches!(outcomes[..], [Aggregated::Overlapping { .. }]), "{outcomes:?}");
        assert_eq!(ledger.head(&keys::claim_key("111111111111", period())).await.unwrap(), None);
    });
}
