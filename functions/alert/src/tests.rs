use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use spend_aws::environment::Reader;
use spend_aws::event;
use spend_aws::lambda::{Deadline, Failed, Invocation};
use spend_core::text::Text;
use spend_ledger::faulty_store::{Fault, FaultyStore};
use spend_ledger::memory_store::MemoryStore;
use spend_ledger::operations::{self, Note};
use spend_ledger::outputs::{Message, Notifier, PublishError, Topic};
use spend_ledger::store::Store;

use crate::handler::Alert;
use crate::settings::Settings;

/// Remembers what was sent; does not answer for a while.
#[derive(Debug, Default)]
struct TestNotifier {
    sent: Mutex<Vec<Message>>,
    fails: Mutex<u32>,
}

impl Notifier for &TestNotifier {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        let mut fails = self.fails.lock().unwrap();
        if *fails > 0 {
            *fails -= 1;
            return Err(PublishError::NotSent { what: message.subject.clone(), source: "a test".into() });
        }
        self.sent.lock().unwrap().push(message.clone());
        Ok(())
    }
}

fn invocation() -> Invocation {
    let deadline = Deadline::after(Duration::from_mins(1));
    Invocation { request_id: "r".to_owned(), now: "2026-11-20T06:00:00Z".parse().unwrap(), deadline }
}

async fn leave(ledger: &MemoryStore, id: &str) {
    let text = Text { subject: format!("About {id}"), body: "Mend it.\n".to_owned() };
    operations::leave(ledger, &Note { id: id.to_owned(), text }, invocation().now).await.unwrap();
}

fn alert<L: Store>(ledger: L, notifier: &TestNotifier) -> Alert<L, &TestNotifier> {
    Alert { ledger, notifier, bucket: "ledger".to_owned() }
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
async fn handle<L: Store, N: Notifier>(alert: &Alert<L, N>, event: &Value) -> Result<Vec<String>, Failed> {
    let answer = alert.handle(&event::read(event), &invocation()).await?;
    Ok(answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
}

const NOTE: &str = "operations/notes/0a1b.json";
const STATE: &str = "state/export=cur/period=2026-11.json.zst";

#[tokio::test]
async fn notes_are_sent_once_by_event_and_sweep() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    let alert = alert(&ledger, &notifier);
    leave(&ledger, "a").await;
    leave(&ledger, "b").await;
    for event in [queued([NOTE, NOTE]), queued([NOTE]), json!({"source": "bedrock-ledger", "detail-type": "sweep"})] {
        assert_eq!(handle(&alert, &event).await.unwrap(), [] as [String; 0]);
    }
    let sent: Vec<_> = notifier.sent.lock().unwrap().iter().map(|sent| (sent.topic, sent.subject.clone())).collect();
    let about = |id: &str| (Topic::Operations, format!("About {id}"));
    assert!(sent == [about("a"), about("b")] || sent == [about("b"), about("a")], "{sent:?}");
}

#[tokio::test]
async fn a_message_that_was_not_taken_is_sent_by_the_next_invocation() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    *notifier.fails.lock().unwrap() = 1;
    let alert = alert(&ledger, &notifier);
    leave(&ledger, "a").await;
    assert_eq!(handle(&alert, &queued(["stranger", NOTE])).await.unwrap(), ["1"]);
    assert_eq!(handle(&alert, &queued([NOTE])).await.unwrap(), [] as [String; 0]);
    assert_eq!(notifier.sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_batch_of_commits_is_evaluated_once() {
    let (memory, notifier) = (MemoryStore::default(), TestNotifier::default());
    let calls = async |event: &Value| {
        let ledger = FaultyStore::failing(&memory, []);
        handle(&alert(&ledger, &notifier), event).await.unwrap();
        ledger.calls()
    };
    // Whatever an evaluation costs the first time.
    calls(&queued([STATE])).await;
    assert_eq!(calls(&queued([STATE])).await, calls(&queued([STATE, STATE, STATE])).await);
    assert_eq!(calls(&queued(["state/stranger", "config/ledger.toml"])).await, 0, "strangers cost nothing");
}

#[tokio::test]
async fn what_stops_the_evaluation_for_good_is_told_in_the_same_invocation() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    ledger.overwrite(STATE, Bytes::from_static(b"damaged")).unwrap();
    for _ in 0..2 {
        assert_eq!(handle(&alert(&ledger, &notifier), &queued([STATE])).await.unwrap(), [] as [String; 0]);
    }
    let sent: Vec<_> = notifier.sent.lock().unwrap().iter().map(|sent| sent.subject.clone()).collect();
    assert_eq!(sent, ["Failed (store.damaged): evaluating budgets"]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_brings_again_what_asked() {
    let (memory, notifier) = (MemoryStore::default(), TestNotifier::default());
    let ledger = FaultyStore::failing(&memory, [(1, Fault::Before)]);
    assert_eq!(handle(&alert(ledger, &notifier), &queued([STATE, NOTE, "stranger"])).await.unwrap(), ["0"]);
    let ledger = FaultyStore::crashing(&memory, 1, Fault::Before);
    let sweep = json!({"source": "bedrock-ledger", "detail-type": "sweep"});
    assert_eq!(handle(&alert(ledger, &notifier), &sweep).await.unwrap_err().kind, "store.unavailable");
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let error = Settings::read(Reader::new(|_| None)).unwrap_err().to_string();
    for name in ["LEDGER_BUCKET", "ALERTS_TOPIC_ARN", "EVENTS_TOPIC_ARN", "OPERATIONS_TOPIC_ARN", "STACK_NAME"] {
        assert!(error.contains(name), "{error}");
    }
}
