use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use spend_aws::environment::Reader;
use spend_aws::event;
use spend_aws::fixtures::{come_again, created, invocation, notes, queued, schedule};
use spend_aws::lambda::{Failed, Invocation};
use spend_cur::write::{self, FileShape, Row, Value as Cell};
use spend_ledger::config::Counting;
use spend_ledger::state::keys;
use spend_ledger::store::Store;
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;

use crate::handler::Ingest;
use crate::settings::Settings;

const CHUNK: &str = "fin/cur/data/BILLING_PERIOD=2026-11/cur-00001.snappy.parquet";
const MANIFEST: &str = "fin/cur/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json";

fn chunk(cost: f64) -> Bytes {
    let start: DateTime<Utc> = "2026-11-02T10:00:00Z".parse().unwrap();
    let row = Row::from([
        ("bill_payer_account_id", "111122223333".into()),
        ("line_item_line_item_type", "Usage".into()),
        ("line_item_usage_account_id", "444455556666".into()),
        ("line_item_product_code", "AmazonBedrock".into()),
        ("line_item_usage_type", "USE1-Claude4.6Sonnet-input-tokens".into()),
        ("line_item_usage_start_date", Cell::Time(start)),
        ("line_item_usage_end_date", Cell::Time(start + TimeDelta::hours(1))),
        ("line_item_unblended_cost", Cell::Number(cost)),
        ("line_item_currency_code", "USD".into()),
    ]);
    write::parquet(&[row], &FileShape::default()).unwrap().into()
}

/// A bucket with one delivery, and a ledger.
fn ingest() -> Ingest<MemoryStore, MemoryStore> {
    let export = MemoryStore::default();
    let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
    let manifest =
        write::manifest(arn, "cur", Some("1-a"), &[], "acme", &[CHUNK.to_owned()], "2026-11".parse().unwrap());
    export.overwrite(CHUNK, chunk(2.0)).unwrap();
    export.overwrite(MANIFEST, manifest.into()).unwrap();
    Ingest {
        export: Arc::new(export),
        ledger: MemoryStore::default(),
        bucket: "acme".to_owned(),
        prefix: "fin/".to_owned(),
        counting: Counting::default(),
    }
}

/// The ids of the messages that come again.
async fn handle<E, L>(ingest: &Ingest<E, L>, event: &Value) -> Result<Vec<String>, Failed>
where
    E: Store + Send + 'static,
    L: Store,
{
    Ok(come_again(ingest.handle(&event::read(event), &invocation()).await?))
}

async fn is_ready(ledger: &MemoryStore) -> bool {
    let objects = ledger.list(keys::DELIVERIES_PREFIX).await.unwrap();
    objects.iter().any(|object| keys::Statement::from_ready_key(&object.key).is_some())
}

#[tokio::test]
async fn a_delivery_is_ready_in_whatever_order_and_however_often_its_events_come() {
    let direct = |key: &str| {
        json!({"Records": [{"eventSource": "aws:s3", "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "acme"}, "object": {"key": key.replace('=', "%3D")}}}]})
    };
    for events in [
        vec![created("acme", CHUNK), created("acme", MANIFEST)],
        vec![created("acme", MANIFEST), created("acme", CHUNK), created("acme", MANIFEST), created("acme", CHUNK)],
        vec![direct(MANIFEST), direct(CHUNK)],
        vec![queued([direct(MANIFEST), created("acme", CHUNK), created("acme", MANIFEST)])],
        vec![schedule("sweep")],
    ] {
        let ingest = ingest();
        for event in &events {
            assert!(!is_ready(&ingest.ledger).await || events.len() > 2);
            assert_eq!(handle(&ingest, event).await.unwrap(), [] as [String; 0]);
        }
        assert!(is_ready(&ingest.ledger).await, "{events:?}");
    }
}

#[tokio::test]
async fn other_events_are_ignored_and_change_nothing() {
    let ingest = ingest();
    for event in [
        created("another-bucket", CHUNK),
        created("acme", "other/cur/data/BILLING_PERIOD=2026-11/cur-00001.snappy.parquet"),
        created("acme", "fin/README.md"),
        created("acme", "fin/cur/data/BILLING_PERIOD=2026-11/gone-00001.snappy.parquet"),
        json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "acme"}),
        schedule("digest"),
        json!("?"),
        json!({}),
    ] {
        assert_eq!(handle(&ingest, &queued([event.clone()])).await.unwrap(), [] as [String; 0], "{event}");
        assert_eq!(handle(&ingest, &event).await.unwrap(), [] as [String; 0], "{event}");
    }
    assert_eq!(ingest.ledger.list("").await.unwrap(), []);
}

#[tokio::test]
async fn only_the_messages_that_failed_come_again() {
    let Ingest { export, bucket, prefix, counting, .. } = ingest();
    // The configuration is the first call; the second message's first is the third or later.
    let memory = MemoryStore::default();
    let ledger = FaultyStore::failing(&memory, [(2, Fault::Before)]);
    let ingest = Ingest { export, ledger, bucket, prefix, counting };
    let event = queued([created("acme", CHUNK), created("acme", "fin/README.md"), created("acme", MANIFEST)]);
    assert_eq!(handle(&ingest, &event).await.unwrap(), ["0"]);
    assert_eq!(handle(&ingest, &queued([created("acme", CHUNK)])).await.unwrap(), [] as [String; 0]);
    assert!(is_ready(&memory).await);
}

#[tokio::test]
async fn without_an_answer_to_what_is_in_force_every_message_comes_again_and_a_schedule_fails() {
    let Ingest { export, bucket, prefix, counting, .. } = ingest();
    let memory = MemoryStore::default();
    let ledger = FaultyStore::crashing(&memory, 1, Fault::Before);
    let ingest = Ingest { export, ledger, bucket, prefix, counting };
    let event = queued([created("acme", CHUNK), created("acme", MANIFEST)]);
    assert_eq!(handle(&ingest, &event).await.unwrap(), ["0", "1"]);
    let failed = handle(&ingest, &schedule("sweep")).await.unwrap_err();
    assert_eq!(failed.kind, "store.unavailable");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_to_operations_once_and_not_brought_again() {
    let ingest = ingest();
    ingest.export.overwrite(CHUNK, Bytes::from_static(b"PAR1 not really PAR1")).unwrap();
    for _ in 0..2 {
        assert_eq!(handle(&ingest, &queued([created("acme", CHUNK)])).await.unwrap(), [] as [String; 0]);
    }
    let told = notes(&ingest.ledger).await.unwrap();
    assert!(matches!(&told[..], [one] if one.starts_with("Failed (export.")), "{told:?}");
}

#[tokio::test]
async fn copies_are_taken_as_found_once_quiet_only_where_the_configuration_says_so() {
    for (config, ready) in [("", false), ("[export]\ncopied = true\n", true)] {
        let ingest = ingest();
        ingest.ledger.overwrite(keys::CONFIG_IN_FORCE, Bytes::from_static(config.as_bytes())).unwrap();
        // The file is newer than its manifest, as after a copy in any order.
        ingest.export.overwrite(CHUNK, chunk(3.0)).unwrap();
        for key in [CHUNK, MANIFEST] {
            handle(&ingest, &created("acme", key)).await.unwrap();
        }
        let sweep = async |minutes| {
            let invocation = invocation();
            let invocation = Invocation { now: invocation.now + TimeDelta::minutes(minutes), ..invocation };
            ingest.handle(&event::read(&schedule("sweep")), &invocation).await.unwrap();
            is_ready(&ingest.ledger).await
        };
        assert_eq!((sweep(0).await, sweep(59).await, sweep(60).await), (false, false, ready), "{config:?}");
    }
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let error = Settings::read(Reader::new(|_| None)).unwrap_err().to_string();
    for name in ["EXPORT_BUCKET", "EXPORT_PREFIX", "LEDGER_BUCKET", "COUNTED_EXPORTS"] {
        assert!(error.contains(name), "{error}");
    }
    let values = |name: &str| Some(if name == "EXPORT_PREFIX" { "" } else { "acme" }.to_owned());
    let settings = Settings::read(Reader::new(|name| values(name).filter(|_| !name.starts_with("BEDROCK")))).unwrap();
    assert_eq!((settings.export_bucket.as_str(), settings.export_prefix.as_str()), ("acme", ""));
}
