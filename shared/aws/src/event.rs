//! What a function is invoked with, however it arrives: by EventBridge, by S3, by SNS, and any of these inside SQS.
//!
//! Everything is read leniently: services leave out fields that they document, and stand-ins leave out more. So the types
//! of `aws_lambda_events` are used where they require nothing but what is needed here: a queue's message, the envelope of
//! EventBridge (its `detail` aside), and bucket and object, which S3 names alike in both of its shapes. A record of S3 and
//! SNS's envelope are opened by hand: of the first the type requires the time, the user and the request, of the second
//! signature and time, by names that differ between what SNS sends to Lambda and to queues. What cannot be understood is a
//! [`Trigger::Ignored`] with a reason, never an error: it would only come again.

#[cfg(test)]
mod tests;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::s3::S3Entity;
use aws_lambda_events::sqs::SqsMessage;
use percent_encoding::percent_decode_str;
use serde::Deserialize as _;
use serde_json::Value;
use spend_ledger::store::MAX_KEY_BYTES;

/// The `source` of the events that this stack's own schedules send.
pub const OWN_SOURCE: &str = "bedrock-ledger";

/// How many envelopes are opened: SQS, SNS, and the event in it.
const DEPTH: usize = 3;

/// How much of an ignored event a reason repeats.
const SHOWN: usize = 80;

/// An invocation's event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whether it came from a queue, which wants to hear which of its messages failed.
    pub queued: bool,
    /// Its messages; one, if it did not come from a queue.
    pub items: Vec<Item>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The message's id in its queue, if it came from one.
    pub message_id: Option<String>,
    /// What it says, in its order.
    pub triggers: Vec<Trigger>,
}

/// What starts a function's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An object was written.
    Created {
        bucket: String,
        /// Its key, decoded.
        key: String,
    },
    /// The sweep's schedule has struck.
    Sweep,
    /// The digest's schedule has struck.
    Digest,
    /// Somebody wants to see what an alert looks like.
    TestAlert,
    /// S3 tried whether it can send notifications.
    S3Test,
    /// An event that is not for this stack, or that cannot be read.
    Ignored {
        /// Why.
        reason: String,
    },
}

/// What `event` says. Any JSON is an event; one without messages has none.
pub fn read(event: &Value) -> Event {
    let records = records(event);
    let queued = records.is_some_and(|records| records.iter().any(|record| source(record) == Some("aws:sqs")));
    match records {
        Some(records) if queued => Event { queued, items: records.iter().map(queued_item).collect() },
        _ => Event { queued, items: vec![Item { message_id: None, triggers: said(event, DEPTH) }] },
    }
}

fn queued_item(record: &Value) -> Item {
    let message = match SqsMessage::deserialize(record) {
        Ok(message) => message,
        Err(error) => {
            let reason = format!("a message of a queue that cannot be read: {:?}", shown(&error.to_string()));
            return Item { message_id: None, triggers: vec![ignored(reason)] };
        }
    };
    let triggers = match &message.body {
        Some(body) => said_in_text(body, DEPTH),
        None => vec![ignored("a queue's message without a body")],
    };
    Item { message_id: message.message_id, triggers }
}

fn said_in_text(body: &str, depth: usize) -> Vec<Trigger> {
    match serde_json::from_str(body) {
        Ok(event) => said(&event, depth),
        Err(_) => vec![ignored(format!("a message that is not JSON: {:?}", shown(body)))],
    }
}

/// What an event says, opening up to `depth` envelopes.
fn said(event: &Value, depth: usize) -> Vec<Trigger> {
    let Some(depth) = depth.checked_sub(1) else { return vec![ignored("too many envelopes around a message")] };
    if let Some(records) = records(event) {
        if records.is_empty() {
            return vec![ignored("an event without records")];
        }
        return records.iter().flat_map(|record| said_by_record(record, depth)).collect();
    }
    // SNS's envelope around what a queue gets.
    if let (Some("Notification"), Some(message)) = (text(event, "Type"), text(event, "Message")) {
        return said_in_text(message, depth);
    }
    vec![match EventBridgeEvent::<Option<Value>>::deserialize(event) {
        Ok(event) => said_by_event_bridge(&event),
        Err(_) if text(event, "Event") == Some("s3:TestEvent") => Trigger::S3Test,
        Err(_) => ignored("an event of an unknown shape"),
    }]
}

/// Our own schedules send no `detail`.
fn said_by_event_bridge(event: &EventBridgeEvent<Option<Value>>) -> Trigger {
    match (event.source.as_str(), event.detail_type.as_str()) {
        (OWN_SOURCE, "sweep") => Trigger::Sweep,
        (OWN_SOURCE, "digest") => Trigger::Digest,
        (OWN_SOURCE, "test-alert") => Trigger::TestAlert,
        // Its key is as it is. Source: Amazon S3 User Guide, "EventBridge event message structure".
        ("aws.s3", "Object Created") => match event.detail.as_ref().and_then(place) {
            Some((bucket, key)) => created(bucket, key),
            None => ignored("an event of S3 without a bucket or a key"),
        },
        (source, kind) => ignored(format!("an event {:?} of {:?}", shown(kind), shown(source))),
    }
}

fn said_by_record(record: &Value, depth: usize) -> Vec<Trigger> {
    match source(record) {
        Some("aws:s3") => vec![created_by_s3(record)],
        Some("aws:sns") => match record.get("Sns").and_then(|sns| text(sns, "Message")) {
            Some(message) => said_in_text(message, depth),
            None => vec![ignored("a notification without a message")],
        },
        Some(source) => vec![ignored(format!("a record of {:?}", shown(source)))],
        None => vec![ignored("a record that does not say where it comes from")],
    }
}

/// A record of a direct notification: its key is encoded as in a form. Source: Amazon S3 User Guide, "Event message
/// structure".
fn created_by_s3(record: &Value) -> Trigger {
    // The major version changes when a field that was there is gone or means something else.
    let version = text(record, "eventVersion").unwrap_or_default();
    if !version.starts_with("2.") {
        return ignored(format!("a notification of S3 of the unknown version {:?}", shown(version)));
    }
    let name = text(record, "eventName").unwrap_or_default();
    // `s3:` stands before it in configurations alone.
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        return ignored(format!("S3's event {:?}, which is not about a new object", shown(name)));
    }
    let Some((bucket, key)) = record.get("s3").and_then(place) else {
        return ignored("a notification of S3 without a bucket or a key");
    };
    let blanks = key.replace('+', " ");
    match percent_decode_str(&blanks).decode_utf8() {
        Ok(decoded) => created(bucket, decoded.into_owned()),
        Err(_) => ignored(format!("a key that is not UTF-8 once it is decoded: {:?}", shown(&key))),
    }
}

/// The bucket and the key that S3 names, in either of its shapes.
fn place(told: &Value) -> Option<(String, String)> {
    let S3Entity { bucket, object, .. } = S3Entity::deserialize(told).ok()?;
    Some((bucket.name?, object.key?))
}

fn created(bucket: String, key: String) -> Trigger {
    if bucket.is_empty() || key.is_empty() {
        ignored("a bucket or a key without a name")
    } else if key.len() > MAX_KEY_BYTES {
        ignored(format!("a key that is longer than any can be: {:?}", shown(&key)))
    } else {
        Trigger::Created { bucket, key }
    }
}

fn ignored(reason: impl Into<String>) -> Trigger {
    Trigger::Ignored { reason: reason.into() }
}

fn records(event: &Value) -> Option<&Vec<Value>> {
    event.get("Records").and_then(Value::as_array)
}

/// Where a record comes from; SNS writes it with a capital.
fn source(record: &Value) -> Option<&str> {
    text(record, "eventSource").or_else(|| text(record, "EventSource"))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn shown(text: &str) -> &str {
    text.char_indices().nth(SHOWN).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
