use spend_core::errors::fault::Fault as _;
use spend_ledger::outputs::MAX_ATTRIBUTES;

use super::*;
use crate::wire::{Reply, Wire, config, decoded, serve, serve_in_turn};

const ARN: &str = "arn:aws:sns:eu-central-1:123456789012:alerts";

fn message() -> Message {
    Message {
        topic: Topic::Alerts,
        subject: "search is over budget".to_owned(),
        body: "größer & teurer\n+ 100%".to_owned(),
        attributes: BTreeMap::from([("kind".to_owned(), "budget".to_owned()), ("owner".to_owned(), "-".to_owned())]),
    }
}

fn sns(wire: &Wire) -> Sns {
    Sns::new(&wire.config(), [(Topic::Alerts, ARN.to_owned())])
}

fn accepted() -> Reply {
    Reply::new(200, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>")
}

fn error(status: u16, code: &str) -> Reply {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>as {code} says</Message></Error>");
    Reply::new(status, format!("<ErrorResponse>{error}<RequestId>R1</RequestId></ErrorResponse>"))
}

#[tokio::test]
async fn a_message_arrives_as_it_is_with_its_attributes() {
    let wire = serve(|_| Some(accepted())).await;
    sns(&wire).send(&message()).await.unwrap();
    let body = String::from_utf8(wire.requests()[0].body.clone()).unwrap();
    let fields: BTreeMap<_, _> = body
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (decoded(name), decoded(&value.replace('+', " "))))
        .collect();
    let field = |name: &str| fields.get(name).map(String::as_str);
    assert_eq!(field("Action"), Some("Publish"));
    assert_eq!(field("TopicArn"), Some(ARN));
    assert_eq!(field("Subject"), Some("search is over budget"));
    assert_eq!(field("Message"), Some("größer & teurer\n+ 100%"));
    assert_eq!(field("MessageStructure"), None);
    let attributes: BTreeMap<_, _> = (1..=MAX_ATTRIBUTES)
        .filter_map(|index| {
            let part = |part: &str| field(&format!("MessageAttributes.entry.{index}.{part}")).map(str::to_owned);
            Some((part("Name")?, (part("Value.DataType")?, part("Value.StringValue")?)))
        })
        .collect();
    let text = |value: &str| ("String".to_owned(), value.to_owned());
    let expected = [("kind".to_owned(), text("budget")), ("owner".to_owned(), text("-"))];
    assert_eq!(attributes, BTreeMap::from(expected));
}

#[tokio::test]
async fn a_message_that_got_no_answer_is_sent_again() {
    let wire = serve_in_turn(vec![None, Some(Reply::new(500, "")), Some(accepted())]).await;
    sns(&wire).send(&message()).await.unwrap();
    let bodies: Vec<_> = wire.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[tokio::test]
async fn an_outcome_says_whether_the_message_may_have_gone_out() {
    for (reply, kind) in [
        (Some(error(403, "AuthorizationError")), "publish.refused"),
        (Some(error(404, "NotFound")), "publish.refused"),
        (Some(error(400, "InvalidParameter")), "publish.refused"),
        (Some(error(429, "Throttled")), "publish.not_sent"),
        (Some(error(400, "KMSThrottling")), "publish.not_sent"),
        (Some(error(500, "InternalError")), "publish.in_doubt"),
        (Some(Reply::new(200, "<html>")), "publish.in_doubt"),
        (None, "publish.in_doubt"),
    ] {
        let wire = serve_in_turn(vec![reply.clone()]).await;
        let error = sns(&wire).send(&message()).await.map_or_else(|error| error.kind(), |()| "sent");
        assert_eq!(error, kind, "{reply:?}");
    }
    let nobody = Sns::new(&config("http://127.0.0.1:1"), [(Topic::Alerts, ARN.to_owned())]);
    assert_eq!(nobody.send(&message()).await.unwrap_err().kind(), "publish.not_sent");
}

#[tokio::test]
async fn a_topic_that_the_function_does_not_know_is_refused() {
    let wire = serve(|_| Some(accepted())).await;
    let error = sns(&wire).send(&Message { topic: Topic::Digest, ..message() }).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message \"search is over budget\" to digest was refused: this function was given no ARN of that topic; \
         nothing was published"
    );
    assert!(wire.requests().is_empty());
}

#[tokio::test]
async fn what_sns_would_refuse_is_never_sent() {
    let wire = serve(|_| Some(accepted())).await;
    let bad = Message { subject: "two\nlines".to_owned(), ..message() };
    assert_eq!(sns(&wire).send(&bad).await.unwrap_err().kind(), "publish.refused");
    assert!(wire.requests().is_empty());
}

fn attributes(entries: &[(&str, &str)]) -> Reply {
    let entry = |(name, value): &(&str, &str)| format!("<entry><key>{name}</key><value>{value}</value></entry>");
    let entries: String = entries.iter().map(entry).collect();
    let result = format!("<GetTopicAttributesResult><Attributes>{entries}</Attributes></GetTopicAttributesResult>");
    Reply::new(200, format!("<GetTopicAttributesResponse>{result}</GetTopicAttributesResponse>"))
}

#[tokio::test]
async fn a_topic_says_how_many_subscriptions_it_has() {
    let entries = [("TopicArn", ARN), ("SubscriptionsConfirmed", "2"), ("SubscriptionsPending", "1")];
    let wire = serve(move |_| Some(attributes(&entries))).await;
    let found = sns(&wire).subscribers(Topic::Alerts).await.unwrap();
    assert_eq!(found, Subscribers { confirmed: 2, pending: 1 });
    let body = String::from_utf8(wire.requests()[0].body.clone()).unwrap();
    assert!(body.contains("Action=GetTopicAttributes") && body.contains("alerts"), "{body}");
}

#[tokio::test]
async fn a_topic_that_is_gone_has_no_subscriptions() {
    let wire = serve(|_| Some(error(404, "NotFound"))).await;
    assert_eq!(sns(&wire).subscribers(Topic::Alerts).await.unwrap(), Subscribers::default());
}

#[tokio::test]
async fn a_topic_that_does_not_say_is_no_topic_without_subscriptions() {
    for (reply, kind) in [
        (Some(attributes(&[("SubscriptionsPending", "0")])), "publish.not_read"),
        (Some(error(403, "AuthorizationError")), "publish.refused"),
        (Some(error(400, "Throttled")), "publish.not_read"),
        (None, "publish.not_read"),
    ] {
        let wire = serve_in_turn(vec![reply.clone()]).await;
        let error = sns(&wire).subscribers(Topic::Alerts).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{reply:?}");
    }
}
