use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use spend_aws::environment::Reader;
use spend_aws::event;
use spend_aws::lambda::{Deadline, Failed, Invocation};
use spend_core::line::KeptTags;
use spend_cur::write::{self, FileShape, Row, Value as Cell};
use spend_ledger::committed;
use spend_ledger::faulty_store::{Fault, FaultyStore};
use spend_ledger::keys::{self, Statement};
use spend_ledger::memory_store::MemoryStore;
use spend_ledger::outputs::{Datum, Metrics, PublishError, Series};
use spend_ledger::store::Store;
use spend_pipeline::ingest::{self, FileTimes, Ingested};

use crate::handler::Aggregate;
use crate::settings::Settings;

const SWEEP: &str = r#"{"source": "bedrock-ledger", "detail-type": "sweep"}"#;

/// Remembers the namespaces of what was put; refuses for a while.
#[derive(Debug, Default)]
struct TestMetrics {
    put: Mutex<Vec<(String, usize)>>,
    fails: Mutex<u32>,
}

impl Metrics for &TestMetrics {
    async fn put(&self, namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        let mut fails = self.fails.lock().unwrap();
        if *fails > 0 {
            *fails -= 1;
            return Err(PublishError::NotSent { what: "a test".to_owned(), source: "a test".into() });
        }
        self.put.lock().unwrap().push((namespace.to_owned(), data.len()));
        Ok(())
    }

    async fn daily_sums(
        &self,
        _: &str,
        series: &[Series],
        _: std::ops::RangeInclusive<chrono::NaiveDate>,
    ) -> Result<Vec<std::collections::BTreeMap<chrono::NaiveDate, f64>>, PublishError> {
        Ok(series.iter().map(|_| std::collections::BTreeMap::new()).collect())
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

fn chunk() -> Bytes {
    chunk_of("")
}

/// A row of 2.50 USD of somebody.
fn chunk_of(principal: &'static str) -> Bytes {
    let start: DateTime<Utc> = "2026-11-02T10:00:00Z".parse().unwrap();
    let mut row = Row::from([
        ("bill_payer_account_id", "111122223333".into()),
        ("line_item_line_item_type", "Usage".into()),
        ("line_item_usage_account_id", "444455556666".into()),
        ("line_item_product_code", "AmazonBedrock".into()),
        ("line_item_usage_type", "USE1-Claude4.6Sonnet-input-tokens".into()),
        ("line_item_usage_start_date", Cell::Time(start)),
        ("line_item_usage_end_date", Cell::Time(start + TimeDelta::hours(1))),
        ("line_item_unblended_cost", Cell::Number(2.5)),
        ("line_item_currency_code", "USD".into()),
    ]);
    if !principal.is_empty() {
        row.insert("line_item_iam_principal", principal.into());
    }
    write::parquet(&[row], &FileShape::default()).unwrap().into()
}

/// Makes a delivery of an export ready; the key of its ready object.
async fn ready(ledger: &MemoryStore, export: &str) -> String {
    ready_with(ledger, export, "1-a", chunk()).await
}

async fn ready_with(ledger: &MemoryStore, export: &str, execution_id: &str, chunk: Bytes) -> String {
    let bucket = Arc::new(MemoryStore::default());
    let key = format!("{export}/data/BILLING_PERIOD=2026-11/{export}-00001.snappy.parquet");
    let manifest_key = format!("{export}/metadata/BILLING_PERIOD=2026-11/{export}-Manifest.json");
    let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
    let period = "2026-11".parse().unwrap();
    let manifest = write::manifest(arn, export, Some(execution_id), &[], "acme", std::slice::from_ref(&key), period);
    bucket.overwrite(&key, chunk).unwrap();
    bucket.overwrite(&manifest_key, manifest.into()).unwrap();
    let mut ready = None;
    for key in [key, manifest_key] {
        let (times, kept) = (FileTimes::Delivered, KeptTags::default());
        let done = ingest::object_created(&bucket, ledger, Some("acme"), &key, times, &kept).await.unwrap();
        if let Ingested::Ready(deliveries) = done {
            ready = deliveries.first().map(|delivery| delivery.statement().ready_key(&delivery.delivery_id));
        }
    }
    ready.unwrap()
}

fn aggregate<L: Store>(ledger: L, metrics: &TestMetrics) -> Aggregate<L, &TestMetrics> {
    Aggregate { ledger, metrics, bucket: "ledger".to_owned(), namespace: "BedrockLedger/mine".to_owned() }
}

fn queued<const N: usize>(keys: [&str; N]) -> Value {
    let record = |(id, key): (usize, &str)| {
        let body = json!({"source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": "ledger"}, "object": {"key": key}}});
        json!({"messageId": id.to_string(), "eventSource": "aws:sqs", "body": body.to_string()})
    };
    json!({"Records": keys.into_iter().enumerate().map(record).collect::<Vec<_>>()})
}

/// The ids of the messages that come again.
async fn handle<L: Store, M: Metrics>(aggregate: &Aggregate<L, M>, event: &Value) -> Result<Vec<String>, Failed> {
    let deadline = Deadline::after(Duration::from_mins(15));
    let invocation = Invocation { request_id: "r".to_owned(), now: now(), deadline };
    let answer = aggregate.handle(&event::read(event), &invocation).await?;
    Ok(answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
}

fn sweep() -> Value {
    serde_json::from_str(SWEEP).unwrap()
}

async fn commits(ledger: &MemoryStore) -> usize {
    let mut commits = 0;
    for statement in committed::statements(ledger).await.unwrap() {
        commits += committed::state(ledger, &statement).await.unwrap().unwrap().0.deliveries.len();
    }
    commits
}

async fn notes(ledger: &MemoryStore) -> Vec<String> {
    let mut notes = Vec::new();
    for object in ledger.list(keys::NOTES_PREFIX).await.unwrap() {
        let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
        let note: Value = serde_json::from_slice(&bytes).unwrap();
        notes.push(note["subject"].as_str().unwrap().to_owned());
    }
    notes
}

#[tokio::test]
async fn a_ready_delivery_is_committed_once_and_its_metrics_are_put_in_the_stacks_namespace() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let key = ready(&ledger, "cur").await;
    let aggregate = aggregate(&ledger, &metrics);
    for event in [queued([&key, &key]), queued([&key]), sweep(), sweep()] {
        assert_eq!(handle(&aggregate, &event).await.unwrap(), [] as [String; 0]);
    }
    assert_eq!(commits(&ledger).await, 1);
    let put = metrics.put.lock().unwrap().clone();
    assert!(!put.is_empty() && put.iter().all(|(namespace, _)| namespace == "BedrockLedger/mine"), "{put:?}");
    assert!(ledger.head("facts/export=cur/billing_period=2026-11/facts.parquet").await.unwrap().is_some());
}

#[tokio::test]
async fn the_sweep_commits_what_no_event_has_told_of() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    ready(&ledger, "cur").await;
    handle(&aggregate(&ledger, &metrics), &sweep()).await.unwrap();
    assert_eq!(commits(&ledger).await, 1);
}

#[tokio::test]
async fn a_message_whose_metrics_were_not_taken_comes_again() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let key = ready(&ledger, "cur").await;
    *metrics.fails.lock().unwrap() = 1;
    let aggregate = aggregate(&ledger, &metrics);
    let event = queued([&key, "state/stranger", "deliveries/x/sealed.json"]);
    assert_eq!(handle(&aggregate, &event).await.unwrap(), ["0"]);
    assert_eq!(commits(&ledger).await, 1, "numbers do not wait for metrics");
    assert_eq!(handle(&aggregate, &queued([&key])).await.unwrap(), [] as [String; 0]);
    let undisturbed = TestMetrics::default();
    let other_ledger = MemoryStore::default();
    let key = ready(&other_ledger, "cur").await;
    handle(&self::aggregate(&other_ledger, &undisturbed), &queued([&key])).await.unwrap();
    let data = |metrics: &TestMetrics| metrics.put.lock().unwrap().iter().map(|(_, data)| data).sum::<usize>();
    assert_eq!(data(&metrics), data(&undisturbed), "none is missing and none is put twice");
}

#[tokio::test]
async fn an_export_that_is_not_counted_is_told_once_by_event_and_sweep() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let (first, second) = (ready(&ledger, "first").await, ready(&ledger, "second").await);
    let aggregate = aggregate(&ledger, &metrics);
    for event in [queued([&first, &second]), queued([&second]), sweep()] {
        handle(&aggregate, &event).await.unwrap();
    }
    assert_eq!(notes(&ledger).await, ["Not counted: second 2026-11, first is"]);
}

#[tokio::test]
async fn callers_that_are_gone_are_told_once_also_after_a_crash() {
    let expected = ["Callers are gone: cur 2026-11"];
    let mut call = 1;
    loop {
        let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
        let named = chunk_of("arn:aws:iam::444455556666:user/alice");
        let first = ready_with(&ledger, "cur", "1-a", named).await;
        let whole = aggregate(&ledger, &metrics);
        handle(&whole, &queued([&first])).await.unwrap();
        let second = ready_with(&ledger, "cur", "2-b", chunk()).await;
        let crashing = aggregate(FaultyStore::crashing(&ledger, call, Fault::Before), &metrics);
        let died = handle(&crashing, &queued([&second])).await.is_ok_and(|again| !again.is_empty());
        for event in [queued([&second]), queued([&first, &second]), sweep()] {
            handle(&whole, &event).await.unwrap();
        }
        assert_eq!(notes(&ledger).await, expected, "call {call}");
        if !died {
            break;
        }
        call += 1;
    }
    assert!(call > 5, "{call} calls");
}

#[tokio::test]
async fn a_configuration_is_adopted_by_event_or_sweep_and_a_broken_one_is_answered() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let aggregate = aggregate(&ledger, &metrics);
    let write = |text: &'static str| ledger.overwrite(keys::CONFIG, Bytes::from_static(text.as_bytes())).unwrap();
    let in_force = async || ledger.get(keys::CONFIG_IN_FORCE).await.unwrap().map(|(bytes, _)| bytes);
    write("[metrics]\ntop = 7\n");
    handle(&aggregate, &queued([keys::CONFIG])).await.unwrap();
    assert_eq!(in_force().await.unwrap(), "[metrics]\ntop = 7\n");
    write("[metrics]\ntop = 0\n");
    for event in [queued([keys::CONFIG]), sweep()] {
        handle(&aggregate, &event).await.unwrap();
    }
    assert_eq!(in_force().await.unwrap(), "[metrics]\ntop = 7\n");
    assert_eq!(notes(&ledger).await, ["Configuration not adopted: 1 problem in config/ledger.toml"]);
    write("[metrics]\ntop = 8\n");
    handle(&aggregate, &sweep()).await.unwrap();
    assert_eq!(in_force().await.unwrap(), "[metrics]\ntop = 8\n");
}

#[tokio::test]
async fn facts_stay_as_they_were_derived_until_the_next_delivery() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let key = ready(&ledger, "cur").await;
    let aggregate = aggregate(&ledger, &metrics);
    handle(&aggregate, &queued([&key])).await.unwrap();
    let statement = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
    let before = ledger.head(&statement.state_key()).await.unwrap();
    ledger.overwrite(keys::CONFIG, Bytes::from_static(b"[tags]\nrequired = [\"iamPrincipal/owner\"]\n")).unwrap();
    handle(&aggregate, &sweep()).await.unwrap();
    handle(&aggregate, &queued([&key])).await.unwrap();
    assert_eq!(ledger.head(&statement.state_key()).await.unwrap(), before);
}

#[tokio::test]
async fn a_store_that_does_not_answer_brings_the_message_again() {
    let (memory, metrics) = (MemoryStore::default(), TestMetrics::default());
    let key = ready(&memory, "cur").await;
    let aggregate = aggregate(FaultyStore::failing(&memory, [(1, Fault::Before)]), &metrics);
    assert_eq!(handle(&aggregate, &queued([&key, "stranger"])).await.unwrap(), ["0"]);
    assert_eq!(handle(&aggregate, &queued([&key])).await.unwrap(), [] as [String; 0]);
    assert_eq!(commits(&memory).await, 1);
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let error = Settings::read(Reader::new(|_| None)).unwrap_err().to_string();
    for name in ["LEDGER_BUCKET", "METRICS_NAMESPACE"] {
        assert!(error.contains(name), "{error}");
    }
}
