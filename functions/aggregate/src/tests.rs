use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use spend_aws::environment::Reader;
use spend_aws::event;
use spend_aws::fixtures::{self, come_again, created, invocation, notes, schedule};
use spend_aws::lambda::{Deadline, Failed, Invocation};
use spend_core::bill::line::KeptTags;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_cur::write::{self, FileShape, Row, Value as Cell};
use spend_ledger::config::Counting;
use spend_ledger::metrics::Withheld;
use spend_ledger::outputs::{Datum, Metrics, PublishError, Series};
use spend_ledger::state::committed;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::around::{Access, Around, Before};
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{Store, StoreError};
use spend_pipeline::ingest::{self, FileTimes, Ingested};

use crate::error::AggregateError;
use crate::handler::Aggregate;
use crate::settings::Settings;

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

/// Nothing answers for keys with a prefix.
#[derive(Debug)]
struct Closed(&'static str);

impl Before for Closed {
    async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
        if !(access.is_read() || access == Access::Head) || !key.starts_with(self.0) {
            return Ok(());
        }
        Err(StoreError::Unavailable { action: "reach", key: key.to_owned(), source: "a test".into() })
    }
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
    Aggregate {
        ledger,
        metrics,
        bucket: "ledger".to_owned(),
        namespace: "BedrockLedger/mine".to_owned(),
        counting: Counting::default(),
    }
}

fn queued<const N: usize>(keys: [&str; N]) -> Value {
    fixtures::queued(keys.map(|key| created("ledger", key)))
}

/// The ids of the messages that come again.
async fn handle<L: Store, M: Metrics>(aggregate: &Aggregate<L, M>, event: &Value) -> Result<Vec<String>, Failed> {
    Ok(come_again(aggregate.handle(&event::read(event), &invocation()).await?))
}

async fn commits(ledger: &MemoryStore) -> usize {
    let mut commits = 0;
    for statement in committed::statements(ledger).await.unwrap() {
        commits += committed::state(ledger, &statement).await.unwrap().unwrap().0.deliveries.len();
    }
    commits
}

#[tokio::test]
async fn a_ready_delivery_is_committed_once_and_its_metrics_are_put_in_the_stacks_namespace() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let key = ready(&ledger, "cur").await;
    let aggregate = aggregate(&ledger, &metrics);
    for event in [queued([&key, &key]), queued([&key]), schedule("sweep"), schedule("sweep")] {
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
    handle(&aggregate(&ledger, &metrics), &schedule("sweep")).await.unwrap();
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
async fn a_delivery_that_fails_keeps_no_other_from_being_published() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    ready(&ledger, "cur").await;
    let bad = ready(&ledger, "other").await;
    // A store that lets nobody at one delivery's reductions.
    let failing = Around { inner: &ledger, before: Closed("reductions/export=other/") };
    let aggregate = aggregate(failing, &metrics);
    let failed = handle(&aggregate, &schedule("sweep")).await.unwrap_err();
    assert_eq!(failed.kind, "store.unavailable", "so that it is tried again");
    assert_eq!(commits(&ledger).await, 1);
    assert!(!metrics.put.lock().unwrap().is_empty(), "what is committed is published");
    metrics.put.lock().unwrap().clear();
    let next = ready_with(&ledger, "cur", "2-b", chunk_of("arn:aws:iam::444455556666:user/alice")).await;
    assert_eq!(handle(&aggregate, &queued([&bad, &next])).await.unwrap(), ["0"]);
    assert!(!metrics.put.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_invocation_without_time_for_a_put_plans_and_does_not_fail() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let key = ready(&ledger, "cur").await;
    let aggregate = aggregate(&ledger, &metrics);
    let deadline = Deadline::after(Duration::from_secs(20));
    let hurried = Invocation { deadline, ..invocation() };
    let answer = aggregate.handle(&event::read(&queued([&key])), &hurried).await.unwrap();
    assert_eq!(come_again(answer), [] as [String; 0]);
    assert_eq!((commits(&ledger).await, metrics.put.lock().unwrap().len()), (1, 0));
    handle(&aggregate, &schedule("sweep")).await.unwrap();
    assert!(!metrics.put.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_export_that_is_not_counted_is_told_once_by_event_and_sweep() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    // Without a time the counted export would seem to have been quiet for years.
    ledger.set_now(invocation().now);
    let (first, second) = (ready(&ledger, "first").await, ready(&ledger, "second").await);
    let aggregate = aggregate(&ledger, &metrics);
    for event in [queued([&first, &second]), queued([&second]), schedule("sweep")] {
        handle(&aggregate, &event).await.unwrap();
    }
    assert_eq!(notes(&ledger).await.unwrap(), ["Not counted: second 2026-11, first is"]);
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
        for event in [queued([&second]), queued([&first, &second]), schedule("sweep")] {
            handle(&whole, &event).await.unwrap();
        }
        assert_eq!(notes(&ledger).await.unwrap(), expected, "call {call}");
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
    for event in [queued([keys::CONFIG]), schedule("sweep")] {
        handle(&aggregate, &event).await.unwrap();
    }
    assert_eq!(in_force().await.unwrap(), "[metrics]\ntop = 7\n");
    assert_eq!(notes(&ledger).await.unwrap(), ["Configuration not adopted: 1 problem in config/ledger.toml"]);
    write("[metrics]\ntop = 8\n");
    handle(&aggregate, &schedule("sweep")).await.unwrap();
    assert_eq!(in_force().await.unwrap(), "[metrics]\ntop = 8\n");
}

#[tokio::test]
async fn a_file_of_overrides_is_adopted_by_its_own_event_and_what_is_in_force_drives_nothing() {
    let (ledger, metrics) = (MemoryStore::default(), TestMetrics::default());
    let config = "[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"5\"\nthresholds = [100]\n\
                  overrides_file = \"people.csv\"\n";
    let write = |key: &str, text: &'static str| ledger.overwrite(key, Bytes::from_static(text.as_bytes())).unwrap();
    let (toml, csv) = (keys::CONFIG, keys::beside_config("people.csv"));
    let in_force = async || {
        let (bytes, _) = ledger.get(keys::CONFIG_IN_FORCE).await.unwrap().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let aggregate = aggregate(&ledger, &metrics);
    write(&csv, "member,amount\ndana@example.com,900\n");
    handle(&aggregate, &queued([&csv])).await.unwrap();
    assert!(ledger.get(keys::CONFIG_IN_FORCE).await.unwrap().is_none(), "nothing names it yet");
    write(toml, config);
    handle(&aggregate, &queued([toml])).await.unwrap();
    assert!(in_force().await.contains("dana@example.com,900"), "{}", in_force().await);
    write(&csv, "member,amount\ndana@example.com,899\n");
    handle(&aggregate, &queued([&csv, &csv])).await.unwrap();
    assert!(in_force().await.contains("dana@example.com,899"), "{}", in_force().await);
    let adopted = ledger.head(keys::CONFIG_IN_FORCE).await.unwrap();
    write(&csv, "member,amount\ndana@example.com,898\n");
    handle(&aggregate, &queued([keys::CONFIG_IN_FORCE])).await.unwrap();
    assert_eq!(ledger.head(keys::CONFIG_IN_FORCE).await.unwrap(), adopted);
    assert_eq!(notes(&ledger).await.unwrap(), [] as [String; 0]);
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
    handle(&aggregate, &schedule("sweep")).await.unwrap();
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
    for name in ["LEDGER_BUCKET", "METRICS_NAMESPACE", "COUNTED_EXPORTS", "COUNTED_PAYERS"] {
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn spend_that_is_withheld_waits_for_the_operator() {
    let withheld = Withheld::Lost { namespace: "mine".to_owned(), objects: vec!["metrics/told/mine.json".to_owned()] };
    let error = AggregateError::Withheld(withheld);
    assert_eq!((error.kind(), error.class()), ("metrics.withheld", Class::Operator));
}
