use bytes::Bytes;
use serde_json::Value;
use spend_aws::environment::Reader;
use spend_aws::event;
use spend_aws::fixtures::{self, TestNotifier, come_again, created, invocation, schedule};
use spend_aws::lambda::Failed;
use spend_core::text::Text;
use spend_ledger::alert;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Notifier, Subscriptions, Topic};
use spend_ledger::store::Store;
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;

use crate::handler::Alert;
use crate::settings::Settings;

async fn leave(ledger: &MemoryStore, id: &str) {
    let text = Text { subject: format!("About {id}"), body: "Mend it.\n".to_owned() };
    operations::leave(ledger, &Note { id: id.to_owned(), text }, invocation().now).await.unwrap();
}

fn alert<L: Store>(ledger: L, notifier: &TestNotifier) -> Alert<L, &TestNotifier> {
    Alert { ledger, notifier, bucket: "ledger".to_owned() }
}

fn queued<const N: usize>(keys: [&str; N]) -> Value {
    fixtures::queued(keys.map(|key| created("ledger", key)))
}

/// The ids of the messages that come again.
async fn handle<L: Store, N: Notifier + Subscriptions>(
    alert: &Alert<L, N>,
    event: &Value,
) -> Result<Vec<String>, Failed> {
    Ok(come_again(alert.handle(&event::read(event), &invocation()).await?))
}

const NOTE: &str = "operations/notes/0a1b.json";
const STATE: &str = "state/export=cur/period=2026-11.json.zst";

#[tokio::test]
async fn notes_are_sent_once_by_event_and_sweep() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    let alert = alert(&ledger, &notifier);
    leave(&ledger, "a").await;
    leave(&ledger, "b").await;
    for event in [queued([NOTE, NOTE]), queued([NOTE]), schedule("sweep")] {
        assert_eq!(handle(&alert, &event).await.unwrap(), [] as [String; 0]);
    }
    let sent: Vec<_> = notifier.sent().iter().map(|sent| (sent.topic, sent.subject.clone())).collect();
    let about = |id: &str| (Topic::Operations, format!("About {id}"));
    assert!(sent == [about("a"), about("b")] || sent == [about("b"), about("a")], "{sent:?}");
}

#[tokio::test]
async fn a_message_that_was_not_taken_is_sent_by_the_next_invocation() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    notifier.fail(1);
    let alert = alert(&ledger, &notifier);
    leave(&ledger, "a").await;
    assert_eq!(handle(&alert, &queued(["stranger", NOTE])).await.unwrap(), ["1"]);
    assert_eq!(handle(&alert, &queued([NOTE])).await.unwrap(), [] as [String; 0]);
    assert_eq!(notifier.sent().len(), 1);
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
    assert_eq!(calls(&queued(["state/stranger", "config/ledger.toml"])).await, 0, "ignored events cost nothing");
}

#[tokio::test]
async fn what_stops_the_evaluation_for_good_is_told_in_the_same_invocation() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    ledger.overwrite(STATE, Bytes::from_static(b"damaged")).unwrap();
    for _ in 0..2 {
        assert_eq!(handle(&alert(&ledger, &notifier), &queued([STATE])).await.unwrap(), [] as [String; 0]);
    }
    let sent: Vec<_> = notifier.sent().iter().map(|sent| sent.subject.clone()).collect();
    assert_eq!(sent, ["Failed (store.damaged): evaluating budgets"]);
}

/// An alert that was written down and not sent.
async fn pend(ledger: &MemoryStore) {
    let notifier = TestNotifier::default();
    notifier.fail(2);
    alert::test(ledger, &&notifier, Lease::INVOCATION, invocation().now).await.unwrap_err();
}

#[tokio::test]
async fn what_cannot_be_read_keeps_no_alert_and_no_note_back_and_is_told() {
    for (key, kind) in [(STATE, "store.damaged"), ("config/in-force.toml", "config.syntax")] {
        let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
        pend(&ledger).await;
        leave(&ledger, "a").await;
        ledger.overwrite(key, Bytes::from_static(b"= damaged")).unwrap();
        assert_eq!(handle(&alert(&ledger, &notifier), &queued([STATE])).await.unwrap(), [] as [String; 0]);
        let sent = notifier.sent();
        let of =
            |topic| sent.iter().filter(|sent| sent.topic == topic).map(|sent| sent.subject.clone()).collect::<Vec<_>>();
        assert_eq!((of(Topic::Alerts).len(), of(Topic::Events).len()), (1, 1), "{kind}");
        assert_eq!(of(Topic::Operations), ["About a".to_owned(), format!("Failed ({kind}): evaluating budgets")]);
        assert_eq!(sent[0].subject, "About a", "before anything is evaluated");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_brings_again_what_asked() {
    let (memory, notifier) = (MemoryStore::default(), TestNotifier::default());
    // The first two calls are for the notes, which are told again after the evaluation.
    let ledger = FaultyStore::failing(&memory, [(1, Fault::Before)]);
    assert_eq!(handle(&alert(ledger, &notifier), &queued([STATE, NOTE])).await.unwrap(), [] as [String; 0]);
    let ledger = FaultyStore::failing(&memory, [(4, Fault::Before)]);
    assert_eq!(handle(&alert(ledger, &notifier), &queued([STATE, NOTE, "stranger"])).await.unwrap(), ["0"]);
    let ledger = FaultyStore::crashing(&memory, 1, Fault::Before);
    let sweep = schedule("sweep");
    assert_eq!(handle(&alert(ledger, &notifier), &sweep).await.unwrap_err().kind, "store.unavailable");
}

#[tokio::test]
async fn a_test_alert_arrives_and_one_that_does_not_is_an_error() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    let alert = alert(&ledger, &notifier);
    let event = schedule("test-alert");
    handle(&alert, &event).await.unwrap();
    let sent = notifier.sent();
    assert!(sent.iter().any(|message| message.attributes["kind"] == "test"), "{sent:?}");
    let broken = FaultyStore::crashing(&ledger, 1, Fault::Before);
    let alert = Alert { ledger: &broken, notifier: &notifier, bucket: "ledger".to_owned() };
    assert!(handle(&alert, &event).await.is_err());
}

#[tokio::test]
async fn the_sweep_sees_a_topic_that_nobody_reads_and_events_do_not() {
    let (ledger, notifier) = (MemoryStore::default(), TestNotifier::default());
    let alert = alert(&ledger, &notifier);
    notifier.lose(&[Topic::Operations]);
    handle(&alert, &queued([STATE])).await.unwrap();
    assert_eq!(notifier.sent(), []);
    for _ in 0..2 {
        handle(&alert, &schedule("sweep")).await.unwrap();
    }
    let sent: Vec<_> = notifier.sent().iter().map(|sent| (sent.topic, sent.subject.clone())).collect();
    let told = |topic| (topic, "Nobody reads: operations".to_owned());
    assert_eq!(sent, [told(Topic::Alerts), told(Topic::Digest)]);
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let error = Settings::read(Reader::new(|_| None)).unwrap_err().to_string();
    for name in [
        "LEDGER_BUCKET",
        "ALERTS_TOPIC_ARN",
        "EVENTS_TOPIC_ARN",
        "DIGEST_TOPIC_ARN",
        "OPERATIONS_TOPIC_ARN",
        "STACK_NAME",
    ] {
        assert!(error.contains(name), "{error}");
    }
}
