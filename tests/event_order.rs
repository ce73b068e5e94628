//! Reading the same events in any order, any number of times, with a crash anywhere, ends in the same ledger.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use spend_core::bill::line::KeptTags;
use spend_core::errors::fault::Fault as _;
use spend_core::money::decimal::Decimal;
use spend_cur::write::Row;
use spend_ledger::state::committed;
use spend_ledger::store::Store;
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;
use spend_pipeline::error::PipelineError;
use spend_pipeline::ingest::{self, FileTimes, Ingested};
use spend_pipeline::period::aggregate;
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::deriver::Deriver;

use crate::bill::{session, usage};
use crate::bucket::{Export, chunk_key, manifest_key, statement};
use crate::commands::block_on;

fn now() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

/// What an object that was created leads to, on AWS by way of events: reduce or seal, and aggregate what is ready.
async fn handle<L: Store>(export: &Export, ledger: &L, key: &str) -> Result<(), PipelineError> {
    let ingested =
        ingest::object_created(&export.bucket, ledger, Some("acme"), key, FileTimes::Delivered, &KeptTags::default())
            .await?;
    if let Ingested::Ready(deliveries) = ingested {
        for delivery in deliveries {
            let deriver = Deriver::default();
            aggregate::aggregate(ledger, &delivery.statement(), &delivery.delivery_id, &deriver, now()).await?;
        }
    }
    Ok(())
}

async fn facts<L: Store>(ledger: &L) -> Option<Bytes> {
    ledger.get(&statement().facts_key()).await.unwrap().map(|(bytes, _)| bytes)
}

async fn total<L: Store>(ledger: &L) -> Decimal {
    let (state, _) = committed::state(ledger, &statement()).await.unwrap().unwrap();
    state.facts.rows().fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.unblended_cost()).unwrap())
}

/// Every object of a ledger, but for the history, which tells the order of events.
async fn contents(ledger: &MemoryStore) -> Vec<(String, Bytes)> {
    let mut contents = Vec::new();
    for object in ledger.list("").await.unwrap() {
        let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
        contents.push((object.key, bytes));
    }
    contents
}

fn rows() -> Vec<Row> {
    let usage_types = ["USE1-Claude4.6Sonnet-input-tokens", "USE1-Claude4.6Sonnet-output-tokens", "USE1-Odd"];
    (0_u8..12)
        .map(|index| {
            let principal = session("app", &format!("pod-{}", index % 3));
            let usage_type = usage_types[usize::from(index) % usage_types.len()];
            usage(&format!("2026-11-{:02}", 1 + index % 5), &principal, usage_type, 0.1 + f64::from(index) / 3.0)
        })
        .collect()
}

/// A delivery of three chunks and what it comes to.
fn delivered(export: &Export, rows: &[Row], id: Option<&str>, second: i64) -> Vec<String> {
    let mut keys: Vec<_> = rows
        .chunks(rows.len().div_ceil(3))
        .enumerate()
        .map(|(index, rows)| export.write_chunk(index + 1, rows, second))
        .collect();
    keys.push(export.write_manifest(id, 3, second + 1));
    keys
}

fn reference(rows: &[Row], id: Option<&str>) -> Bytes {
    let (export, ledger) = (Export::default(), MemoryStore::default());
    block_on(async {
        for key in delivered(&export, rows, id, 100) {
            handle(&export, &ledger, &key).await.unwrap();
        }
        facts(&ledger).await.unwrap()
    })
}

fn first_and_second() -> (Vec<Row>, Vec<Row>) {
    let first = rows();
    let mut second = rows();
    second.truncate(10);
    second.push(usage("2026-11-06", &session("late", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 7.25));
    (first, second)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn chunks_and_manifest_in_any_order_and_doubled_give_the_same_facts(
        order in Just([0_usize, 0, 1, 1, 2, 2, 3, 3].to_vec()).prop_shuffle(),
    ) {
        let (export, ledger) = (Export::default(), MemoryStore::default());
        let rows = rows();
        let keys = delivered(&export, &rows, Some("one"), 100);
        let found = block_on(async {
            for event in order {
                handle(&export, &ledger, &keys[event]).await.unwrap();
            }
            facts(&ledger).await
        });
        prop_assert_eq!(found, Some(reference(&rows, Some("one"))));
    }

    #[test]
    fn a_second_delivery_over_the_first_wins_whenever_events_are_handled(
        handled in prop::collection::vec((0_usize..9, 0_usize..4), 0..24),
        last in Just((0_usize..4).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let (export, ledger) = (Export::default(), MemoryStore::default());
        let (first, second) = first_and_second();
        let keys: Vec<_> = (1..=3).map(chunk_key).chain([manifest_key()]).collect();
        let found = block_on(async {
            // Objects are written in AWS's order; each step of it may be followed by the handling of any key that is
            // there, whose event may be as old as it likes.
            for step in 0..8 {
                let (rows, id, base) = if step < 4 { (&first, "one", 100) } else { (&second, "two", 200) };
                let per_chunk = rows.len().div_ceil(3);
                match step % 4 {
                    3 => export.write_manifest(Some(id), 3, base + 10),
                    chunk => export.write_chunk(chunk + 1, rows.chunks(per_chunk).nth(chunk).unwrap(), base),
                };
                for (_, key) in handled.iter().filter(|(at, _)| *at == step) {
                    match handle(&export, &ledger, &keys[*key]).await {
                        Ok(()) => {}
                        Err(error) => assert_eq!(error.kind(), "store.not_found", "{error}"),
                    }
                }
            }
            for event in last {
                handle(&export, &ledger, &keys[event]).await.unwrap();
            }
            facts(&ledger).await
        });
        prop_assert_eq!(found, Some(reference(&second, Some("two"))));
    }

    #[test]
    fn sums_do_not_depend_on_how_rows_are_split_into_chunks(
        order in Just((0_usize..12).collect::<Vec<_>>()).prop_shuffle(),
        cuts in prop::collection::btree_set(1_usize..11, 2),
    ) {
        let rows = rows();
        let shuffled: Vec<_> = order.iter().map(|index| rows[*index].clone()).collect();
        let cuts: Vec<_> = cuts.into_iter().collect();
        let parts = [&shuffled[..cuts[0]], &shuffled[cuts[0]..cuts[1]], &shuffled[cuts[1]..]];
        let (export, ledger) = (Export::default(), MemoryStore::default());
        let found = block_on(async {
            for (index, rows) in parts.into_iter().enumerate() {
                let key = export.write_chunk(index + 1, rows, 100);
                handle(&export, &ledger, &key).await.unwrap();
            }
            handle(&export, &ledger, &export.write_manifest(Some("one"), 3, 101)).await.unwrap();
            facts(&ledger).await
        });
        prop_assert_eq!(found, Some(reference(&rows, Some("one"))));
    }
}

#[test]
fn redelivered_events_change_nothing() {
    let (export, ledger) = (Export::default(), MemoryStore::default());
    block_on(async {
        let keys = delivered(&export, &rows(), Some("one"), 100);
        for key in &keys {
            handle(&export, &ledger, key).await.unwrap();
        }
        let before = contents(&ledger).await;
        for key in keys.iter().rev().chain(&keys) {
            handle(&export, &ledger, key).await.unwrap();
        }
        assert_eq!(contents(&ledger).await, before);
    });
}

#[test]
fn a_crash_at_any_call_is_mended_by_doing_it_again() {
    let (first, second) = first_and_second();
    let expected = reference(&second, Some("two"));
    let deliver = async |ledger: &FaultyStore<&MemoryStore>| -> Result<(), PipelineError> {
        let export = Export::default();
        for key in delivered(&export, &first, Some("one"), 100) {
            handle(&export, ledger, &key).await?;
        }
        for key in delivered(&export, &second, Some("two"), 200) {
            handle(&export, ledger, &key).await?;
        }
        Ok(())
    };
    block_on(async {
        let unharmed = MemoryStore::default();
        let counted = FaultyStore::failing(&unharmed, []);
        deliver(&counted).await.unwrap();
        let whole = contents(&unharmed).await;
        for call in 1..=counted.calls() {
            for fault in [Fault::Before, Fault::After] {
                let ledger = MemoryStore::default();
                let error = deliver(&FaultyStore::crashing(&ledger, call, fault)).await.unwrap_err();
                assert_eq!(error.kind(), "store.unavailable");
                deliver(&FaultyStore::failing(&ledger, [])).await.unwrap();
                assert_eq!(facts(&ledger).await.as_ref(), Some(&expected), "call {call}, {fault:?}");
                assert_eq!(contents(&ledger).await, whole, "call {call}, {fault:?}");
            }
        }
    });
}

#[test]
fn an_unchanged_manifest_over_changed_files_is_a_new_delivery() {
    let (export, ledger) = (Export::default(), MemoryStore::default());
    let (first, second) = first_and_second();
    block_on(async {
        for key in delivered(&export, &first, None, 100) {
            handle(&export, &ledger, &key).await.unwrap();
        }
        let before = total(&ledger).await;
        for key in delivered(&export, &second, None, 200) {
            handle(&export, &ledger, &key).await.unwrap();
        }
        let (state, _) = committed::state(&ledger, &statement()).await.unwrap().unwrap();
        assert_eq!(state.deliveries.len(), 2);
        assert_ne!(total(&ledger).await, before);
        assert_eq!(total(&ledger).await, sum(&second));
    });
}

#[test]
fn an_older_delivery_never_replaces_a_newer_one() {
    let (export, ledger) = (Export::default(), MemoryStore::default());
    let (first, second) = first_and_second();
    let expected = reference(&second, Some("two"));
    block_on(async {
        let mut ready = Vec::new();
        for (rows, id, at) in [(&first, "one", 100), (&second, "two", 200)] {
            for key in delivered(&export, rows, Some(id), at) {
                let times = FileTimes::Delivered;
                let ingested = ingest::object_created(&export.bucket, &ledger, None, &key, times, &KeptTags::default())
                    .await
                    .unwrap();
                if let Ingested::Ready(deliveries) = ingested {
                    ready.extend(deliveries);
                }
            }
        }
        let deriver = Deriver::default();
        let mut outcomes = Vec::new();
        for delivery in ready.iter().rev().chain(&ready) {
            let id = &delivery.delivery_id;
            outcomes.push(aggregate::aggregate(&ledger, &statement(), id, &deriver, now()).await.unwrap());
        }
        let older = Aggregated::Older { in_force: "two".to_owned() };
        assert_eq!(outcomes, [Aggregated::Applied { sequence: 1 }, older.clone(), older, Aggregated::Known]);
        assert_eq!(facts(&ledger).await, Some(expected));
    });
}

#[test]
fn a_manifest_whose_files_are_already_replaced_waits_for_the_next() {
    let (export, ledger) = (Export::default(), MemoryStore::default());
    block_on(async {
        delivered(&export, &rows(), Some("one"), 100);
        let newer = export.write_chunk(2, &rows(), 200);
        let times = FileTimes::Delivered;
        let ingested =
            ingest::object_created(&export.bucket, &ledger, None, &manifest_key(), times, &KeptTags::default())
                .await
                .unwrap();
        assert_eq!(ingested, Ingested::Incomplete { chunks: vec![newer] });
    });
}

#[test]
fn two_exports_of_one_payer_and_period_are_counted_once() {
    let (export, ledger) = (Export::default(), Arc::new(MemoryStore::default()));
    block_on(async {
        for key in delivered(&export, &rows(), Some("one"), 100) {
            handle(&export, &*ledger, &key).await.unwrap();
        }
        let other = Export::default();
        let mut ready = Vec::new();
        for key in delivered(&other, &rows(), Some("one"), 100) {
            let moved = key.replacen("cur/", "copy/", 1);
            let (bytes, _) = other.bucket.get(&key).await.unwrap().unwrap();
            let text = String::from_utf8(bytes.to_vec()).map(|text| text.replace("acme/cur/", "acme/copy/"));
            let bytes = text.map_or(bytes, |text| Bytes::from(text.into_bytes()));
            other.bucket.overwrite(&moved, bytes).unwrap();
            let times = FileTimes::Copied;
            let ingested = ingest::object_created(&other.bucket, &*ledger, None, &moved, times, &KeptTags::default())
                .await
                .unwrap();
            if let Ingested::Ready(deliveries) = ingested {
                ready.extend(deliveries);
            }
        }
        let [delivery] = ready.as_slice() else { panic!("{ready:?}") };
        let deriver = Deriver::default();
        let outcome =
            aggregate::aggregate(&*ledger, &delivery.statement(), &delivery.delivery_id, &deriver, now()).await;
        let overlapping = Aggregated::Overlapping { payer: "111122223333".to_owned(), counted: "cur".to_owned() };
        assert_eq!(outcome.unwrap(), overlapping);
        assert_eq!(ledger.list("state/").await.unwrap().len(), 1);
    });
}

/// The rows' costs, summed by another way: whole numbers of 10⁻¹⁸ from the digits that the standard library prints.
fn sum(rows: &[Row]) -> Decimal {
    let cost = |row: &Row| match row.get("line_item_unblended_cost") {
        Some(spend_cur::write::Value::Number(cost)) => format!("{cost}").parse::<Decimal>().unwrap(),
        other => panic!("{other:?}"),
    };
    rows.iter().map(cost).fold(Decimal::ZERO, |sum, cost| sum.checked_add(cost).unwrap())
}
