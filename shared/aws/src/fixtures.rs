//! What the tests of all functions need: events as they arrive, an invocation, what was told, and a notifier that remembers
//! or fails. For tests alone, by the feature `fixtures`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use serde_json::{Value, json};
use spend_ledger::outputs::{Message, Notifier, PublishError, Subscribers, Subscriptions, Topic};
use spend_ledger::state::keys;
use spend_ledger::store::{Store, StoreError};

use crate::lambda::{Deadline, Invocation, SqsBatchResponse};

/// 20 November 2026, 06:00 UTC.
pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 6, 0, 0).single().unwrap_or_default()
}

/// An invocation at [`now`] with a quarter of an hour left.
pub fn invocation() -> Invocation {
    Invocation { request_id: "r".to_owned(), now: now(), deadline: Deadline::after(Duration::from_mins(15)) }
}

/// What `EventBridge` says when an object was created.
pub fn created(bucket: &str, key: &str) -> Value {
    json!({"source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "etag": "x"}}})
}

/// What one of the stack's own schedules sends: `sweep`, `digest`; or people: `test-alert`.
pub fn schedule(kind: &str) -> Value {
    json!({"source": "bedrock-ledger", "detail-type": kind})
}

/// Messages of a queue; the first has the id 0.
pub fn queued(bodies: impl IntoIterator<Item = Value>) -> Value {
    let message = |(id, body): (usize, Value)| json!({"messageId": id.to_string(), "eventSource": "aws:sqs", "body": body.to_string()});
    json!({"Records": bodies.into_iter().enumerate().map(message).collect::<Vec<_>>()})
}

/// The ids of the messages that come again.
pub fn come_again(answer: SqsBatchResponse) -> Vec<String> {
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

/// The subjects of the notes to operations, in no order that means anything.
pub async fn notes<S: Store>(ledger: &S) -> Result<Vec<String>, StoreError> {
    let mut subjects = Vec::new();
    for object in ledger.list(keys::NOTES_PREFIX).await? {
        let Some((bytes, _)) = ledger.get(&object.key).await? else { continue };
        let note: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        subjects.push(note.get("subject").and_then(Value::as_str).unwrap_or("a note without a subject").to_owned());
    }
    Ok(subjects)
}

/// Remembers what was sent; does not take anything for a while. Each topic has a reader, but for those that have lost theirs.
#[derive(Debug, Default)]
pub struct TestNotifier {
    sent: Mutex<Vec<Message>>,
    fails: Mutex<u32>,
    unread: Mutex<Vec<Topic>>,
}

impl TestNotifier {
    /// The next so many messages are not taken.
    pub fn fail(&self, times: u32) {
        *lock(&self.fails) = times;
    }

    /// From now on nobody reads these topics.
    pub fn lose(&self, topics: &[Topic]) {
        *lock(&self.unread) = topics.to_vec();
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Message> {
        lock(&self.sent).clone()
    }
}

impl Notifier for &TestNotifier {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        let mut fails = lock(&self.fails);
        if let Some(left) = fails.checked_sub(1) {
            *fails = left;
            return Err(PublishError::NotSent { what: message.subject.clone(), source: "a test".into() });
        }
        lock(&self.sent).push(message.clone());
        Ok(())
    }
}

impl Subscriptions for &TestNotifier {
    async fn subscribers(&self, topic: Topic) -> Result<Subscribers, PublishError> {
        let confirmed = u64::from(!lock(&self.unread).contains(&topic));
        Ok(Subscribers { confirmed, pending: 0 })
    }
}

/// A test that panics with the lock held has failed anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
