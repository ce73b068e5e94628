use proptest::prelude::*;
use serde_json::json;

use super::*;

fn created(bucket: &str, key: &str) -> Trigger {
    Trigger::Created { bucket: bucket.to_owned(), key: key.to_owned() }
}

fn by_event_bridge(key: &str) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3", "account": "123456789012",
        "time": "2026-11-20T06:00:00Z", "region": "us-east-1", "resources": ["arn:aws:s3:::export"],
        "detail": {"version": "0", "bucket": {"name": "export"}, "object": {"key": key, "size": 1, "etag": "e"},
                   "reason": "PutObject"}
    })
}

fn record(key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-11-20T06:00:00.000Z",
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "export"}, "object": {"key": key, "size": 1}}
    })
}

fn by_s3(keys: &[&str]) -> Value {
    json!({"Records": keys.iter().map(|key| record(key)).collect::<Vec<_>>()})
}

fn queued(bodies: &[String]) -> Value {
    let records = bodies.iter().enumerate().map(|(index, body)| {
        json!({"messageId": format!("m{index}"), "eventSource": "aws:sqs", "receiptHandle": "r", "body": body})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

/// As a queue gets it from a topic.
fn enveloped(message: &Value) -> Value {
    json!({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": message.to_string()})
}

/// What an event that is one message says.
fn one(event: &Value) -> Vec<Trigger> {
    let mut event = read(event);
    assert_eq!(event.items.len(), 1);
    event.items.remove(0).triggers
}

fn reason(event: &Value) -> String {
    match one(event).as_slice() {
        [Trigger::Ignored { reason }] => reason.clone(),
        other => panic!("{other:?}"),
    }
}

const KEY: &str = "a b+c/BILLING_PERIOD=2026-11/größe%3D.parquet";
/// The same in a notification of S3.
const FORM: &str = "a+b%2Bc/BILLING_PERIOD%3D2026-11/gr%C3%B6%C3%9Fe%253D.parquet";

#[test]
fn a_key_is_decoded_exactly_as_often_as_it_was_encoded() {
    let ours = vec![created("export", KEY)];
    let (bridge, s3) = (by_event_bridge(KEY), by_s3(&[FORM]));
    assert_eq!(one(&bridge), ours);
    assert_eq!(one(&s3), ours);
    for message in [bridge, s3] {
        for body in [message.to_string(), enveloped(&message).to_string()] {
            let event = read(&queued(&[body]));
            assert!(event.queued);
            assert_eq!(event.items, [Item { message_id: Some("m0".to_owned()), triggers: ours.clone() }]);
        }
        // A topic that invokes the function itself.
        let sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message.to_string()}}]});
        assert_eq!(one(&sns), ours);
    }
    // Some encode the slash too.
    assert_eq!(one(&by_s3(&["a%2Fb"])), [created("export", "a/b")]);
}

#[test]
fn every_message_of_a_batch_keeps_its_id_and_every_record_its_place() {
    let event = read(&queued(&[by_s3(&["a", "b"]).to_string(), by_event_bridge("c").to_string(), "{".to_owned()]));
    let ids: Vec<_> = event.items.iter().map(|item| item.message_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["m0", "m1", "m2"]);
    assert_eq!(event.items[0].triggers, [created("export", "a"), created("export", "b")]);
    assert_eq!(event.items[1].triggers, [created("export", "c")]);
    assert!(matches!(&event.items[2].triggers[..], [Trigger::Ignored { .. }]));
}

#[test]
fn our_own_schedules_are_understood_alone_and_in_a_queue() {
    for (kind, trigger) in [("sweep", Trigger::Sweep), ("digest", Trigger::Digest), ("test-alert", Trigger::TestAlert)]
    {
        let event = json!({"source": "bedrock-ledger", "detail-type": kind});
        assert!(!read(&event).queued);
        let trigger = [trigger];
        assert_eq!(one(&event), trigger);
        assert_eq!(one(&queued(&[event.to_string()])), trigger);
    }
}

#[test]
fn the_test_event_that_s3_sends_is_understood() {
    let event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-20T06:00:00.000Z",
        "Bucket": "export", "RequestId": "1", "HostId": "2"});
    assert_eq!(one(&queued(&[event.to_string()])), [Trigger::S3Test]);
    assert_eq!(one(&queued(&[enveloped(&event).to_string()])), [Trigger::S3Test]);
}

#[test]
fn ignored_events_have_a_reason() {
    let with = |name: &str, value: Value| {
        let mut record = record("k");
        record[name] = value;
        json!({"Records": [record]})
    };
    let long = "k".repeat(1025);
    for (event, says) in [
        (json!({}), "unknown shape"),
        (json!(null), "unknown shape"),
        (json!([1, 2]), "unknown shape"),
        (json!({"Records": []}), "without records"),
        (json!({"Records": [{"eventSource": "aws:kinesis"}]}), "a record of \"aws:kinesis\""),
        (json!({"Records": [7]}), "does not say where it comes from"),
        (json!({"source": "aws.s3", "detail-type": "Object Deleted"}), "\"Object Deleted\" of \"aws.s3\""),
        (json!({"source": "bedrock-ledger", "detail-type": "dance"}), "\"dance\""),
        (json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {}}), "without a bucket or a key"),
        (by_event_bridge(""), "without a name"),
        (by_event_bridge(&long), "longer than any can be"),
        (by_s3(&["%ff"]), "not UTF-8"),
        (with("eventName", json!("ObjectRemoved:Delete")), "\"ObjectRemoved:Delete\", which is not about a new object"),
        (with("eventName", json!("ObjectCreatedNot")), "not about a new object"),
        (with("eventVersion", json!("3.0")), "version \"3.0\""),
        (with("s3", json!(null)), "without a bucket or a key"),
        (queued(&["no JSON".to_owned()]), "not JSON: \"no JSON\""),
        (json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m"}]}), "without a body"),
        (json!({"Records": [{"eventSource": "aws:sqs", "messageId": 7, "body": "{}"}]}), "cannot be read"),
    ] {
        let reason = reason(&event);
        assert!(reason.contains(says), "{event}: {reason}");
        assert!(reason.len() < 300, "{reason}");
    }
}

/// Messages as SQS hands them to Lambda whole, and no more of each than is needed.
#[test]
fn nothing_is_required_of_a_message_that_is_not_needed() {
    let attributes = json!({"ApproximateReceiveCount": "1", "SentTimestamp": "1763618400000"});
    let own =
        json!({"team": {"stringValue": "a", "dataType": "String", "stringListValues": [], "binaryListValues": []}});
    let bare = json!({"source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": "export"}, "object": {"key": "k"}}});
    let records = json!([
        {"messageId": "whole", "receiptHandle": "r", "body": bare.to_string(), "attributes": attributes,
         "messageAttributes": own, "md5OfBody": "0", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:…",
         "awsRegion": "us-east-1"},
        {"messageId": "bare", "eventSource": "aws:sqs", "body": bare.to_string()},
        {"messageId": "null", "eventSource": "aws:sqs", "body": bare.to_string(), "attributes": null,
         "messageAttributes": null},
    ]);
    let event = read(&json!({"Records": records}));
    let ids: Vec<_> = event.items.iter().map(|item| item.message_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["whole", "bare", "null"]);
    assert!(event.items.iter().all(|item| item.triggers == [created("export", "k")]), "{:?}", event.items);
}

#[test]
fn envelopes_within_envelopes_end() {
    let mut message = by_event_bridge("k");
    for _ in 0..2 {
        message = enveloped(&message);
    }
    assert_eq!(one(&message), [created("export", "k")]);
    assert!(reason(&enveloped(&message)).contains("too many envelopes"));
}

fn any_json() -> impl Strategy<Value = Value> {
    // The names and values that the reader looks for, so that it is not stopped at the door.
    let words = prop::sample::select(vec![
        "Records",
        "eventSource",
        "EventSource",
        "aws:s3",
        "aws:sqs",
        "aws:sns",
        "body",
        "Sns",
        "Message",
        "Type",
        "Notification",
        "source",
        "aws.s3",
        "bedrock-ledger",
        "detail-type",
        "Object Created",
        "sweep",
        "detail",
        "bucket",
        "name",
        "object",
        "key",
        "s3",
        "eventVersion",
        "2.1",
        "eventName",
        "ObjectCreated:Put",
        "messageId",
        "%ff",
        "+",
        "{\"Records\":[]}",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".{0,90}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner.clone()), 0..5)
                .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_an_event_that_says_something(event in any_json()) {
        let read = read(&event);
        prop_assert!(read.items.iter().all(|item| !item.triggers.is_empty()));
    }
}
