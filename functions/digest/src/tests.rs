use bytes::Bytes;
use serde_json::{Value, json};
use spend_aws::environment::Reader;
use spend_aws::event;
use spend_aws::fixtures::{TestNotifier, come_again, created, invocation, schedule};
use spend_aws::lambda::Failed;
use spend_core::bill::line::ScanCounts;
use spend_core::facts::fact::FactTable;
use spend_core::facts::folding::Folded;
use spend_ledger::outputs::Topic;
use spend_ledger::state::commit::{AppliedDelivery, DeliveryOrder, OrderSource};
use spend_ledger::state::keys::{NOTES_PREFIX, Statement};
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::tabular;
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ObjectSummary, Store};

use crate::handler::Digest;
use crate::settings::Settings;

/// A ledger with one committed month.
fn ledger() -> MemoryStore {
    let ledger = MemoryStore::default();
    let at = "2026-11-19T06:00:00Z".parse().unwrap();
    let statement = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
    let delivery = AppliedDelivery {
        sequence: 1,
        delivery_id: "1-a".to_owned(),
        revision: 0,
        moved: String::new(),
        order: DeliveryOrder { source: OrderSource::LastModified, at },
        applied_at: at,
        data_as_of: None,
        unverified: false,
    };
    let state = PeriodState {
        export_id: statement.export_id.clone(),
        period: statement.period,
        deliveries: vec![delivery],
        counts: ScanCounts::default(),
        unknown_usage_rows: 0,
        folded: Folded::default(),
        derivation: String::new(),
        facts: FactTable::default(),
    };
    ledger.overwrite(&statement.state_key(), tabular::encode(&state).unwrap()).unwrap();
    ledger
}

async fn handle<L: Store>(ledger: L, notifier: &TestNotifier, event: Value) -> Result<(), Failed> {
    let digest = Digest { ledger, notifier };
    let answer = digest.handle(&event::read(&event), &invocation()).await?;
    assert_eq!(come_again(answer), [] as [String; 0]);
    Ok(())
}

#[tokio::test]
async fn the_digest_that_is_due_is_sent_once_however_often_the_schedule_strikes() {
    let (ledger, notifier) = (ledger(), TestNotifier::default());
    handle(&ledger, &notifier, schedule("sweep")).await.unwrap();
    assert!(notifier.sent().is_empty(), "the sweep makes none");
    for prefix in ["pages/", "chargeback/"] {
        assert!(ledger.list(prefix).await.unwrap().is_empty(), "and writes no page and no file");
    }
    for _ in 0..3 {
        handle(&ledger, &notifier, schedule("digest")).await.unwrap();
    }
    let pages = ledger.list("pages/").await.unwrap();
    let pages: Vec<_> = pages.iter().map(|page| page.key.as_str()).collect();
    assert_eq!(pages, ["pages/period=2026-11.html", "pages/period=2026-11.json"]);
    assert_eq!(ledger.list("chargeback/period=2026-11/").await.unwrap().len(), 6);
    let topics: Vec<_> = notifier.sent().iter().map(|sent| sent.topic).collect();
    assert_eq!(topics, [Topic::Digest, Topic::Events]);
}

#[tokio::test]
async fn a_digest_that_was_not_taken_is_sent_by_the_sweep() {
    let (ledger, notifier) = (ledger(), TestNotifier::default());
    notifier.fail(1);
    handle(&ledger, &notifier, schedule("digest")).await.unwrap_err();
    handle(&ledger, &notifier, schedule("sweep")).await.unwrap();
    let topics: Vec<_> = notifier.sent().iter().map(|sent| sent.topic).collect();
    assert_eq!(topics, [Topic::Events, Topic::Digest], "each once");
}

#[tokio::test]
async fn a_digest_does_not_wait_for_a_page_that_cannot_be_written() {
    let (ledger, notifier) = (ledger(), TestNotifier::default());
    let key = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
    let (state, _) = spend_ledger::state::committed::state(&ledger, &key).await.unwrap().unwrap();
    let history = key.history_key(state.current().unwrap());
    ledger.overwrite(&history, Bytes::from_static(b"damaged")).unwrap();
    handle(&ledger, &notifier, schedule("digest")).await.unwrap();
    assert_eq!(notifier.sent().len(), 2, "the digest was sent");
    assert!(ledger.list("pages/").await.unwrap().is_empty());
    assert_eq!(ledger.list("chargeback/").await.unwrap().len(), 6, "nor do the files");
    assert_eq!(ledger.list(NOTES_PREFIX).await.unwrap().len(), 1, "and operations is told");
}

#[tokio::test]
async fn neither_a_digest_nor_files_wait_for_metering_records_that_cannot_be_used() {
    let (ledger, notifier) = (ledger(), TestNotifier::default());
    ledger.overwrite("metering/gateway.csv", Bytes::from_static(b"damaged")).unwrap();
    ledger.overwrite("metering/gateway.parquet", Bytes::from_static(b"PAR1")).unwrap();
    for _ in 0..2 {
        handle(&ledger, &notifier, schedule("digest")).await.unwrap();
    }
    assert_eq!(notifier.sent().len(), 2, "the digest was sent");
    assert_eq!(ledger.list("chargeback/").await.unwrap().len(), 6);
    assert_eq!(ledger.list("pages/").await.unwrap().len(), 2);
    assert_eq!(ledger.list(NOTES_PREFIX).await.unwrap().len(), 2, "and operations is told of each, once");
}

#[tokio::test]
async fn a_call_that_fails_while_writing_brings_the_schedule_again_and_nothing_waits_for_it() {
    let dry = ledger();
    let counting = FaultyStore::failing(&dry, []);
    handle(&counting, &TestNotifier::default(), schedule("digest")).await.unwrap();
    for call in 1..=counting.calls() {
        let (ledger, notifier) = (ledger(), TestNotifier::default());
        let failed =
            handle(FaultyStore::failing(&ledger, [(call, Fault::Before)]), &notifier, schedule("digest")).await;
        assert!(failed.is_err(), "{call}");
        handle(&ledger, &notifier, schedule("digest")).await.unwrap();
        for prefix in ["pages/", "chargeback/"] {
            let (found, expected) = (ledger.list(prefix).await.unwrap(), dry.list(prefix).await.unwrap());
            let keys = |objects: &[ObjectSummary]| objects.iter().map(|found| found.key.clone()).collect::<Vec<_>>();
            assert_eq!(keys(&found), keys(&expected), "{call}");
        }
        assert!(notifier.sent().len() >= 2, "{call}");
    }
}

#[tokio::test]
async fn other_events_are_ignored() {
    let (ledger, notifier) = (ledger(), TestNotifier::default());
    for event in [created("ledger", "state/x"), schedule("test-alert"), json!({}), json!(null)] {
        handle(FaultyStore::crashing(&ledger, 1, Fault::Before), &notifier, event).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_fails_the_schedule_and_damage_is_told() {
    let (ledger, notifier) = (ledger(), TestNotifier::default());
    let failed = handle(FaultyStore::crashing(&ledger, 1, Fault::Before), &notifier, schedule("digest")).await;
    assert_eq!(failed.unwrap_err().kind, "store.unavailable");
    let key = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() }.state_key();
    ledger.overwrite(&key, Bytes::from_static(b"damaged")).unwrap();
    handle(&ledger, &notifier, schedule("digest")).await.unwrap();
    assert_eq!(ledger.list(NOTES_PREFIX).await.unwrap().len(), 1);
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let error = Settings::read(Reader::new(|_| None)).unwrap_err().to_string();
    for name in ["LEDGER_BUCKET", "DIGEST_TOPIC_ARN", "EVENTS_TOPIC_ARN"] {
        assert!(error.contains(name), "{error}");
    }
}
