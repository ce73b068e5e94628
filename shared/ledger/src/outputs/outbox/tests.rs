use super::*;
use crate::reaction_fixtures::{TestNotifier, TurnTaking, at};
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-21T06:00:00Z";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct TestState {
    outbox: Outbox,
}

impl Document for TestState {
    const FORMAT: &'static str = "test-state";
    const VERSION: u32 = 1;
}

impl OutboxState for TestState {
    const KEY: &'static str = "test/state.json";

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

fn message(id: &str) -> Message {
    let attributes = BTreeMap::from([("alert_id".to_owned(), id.to_owned())]);
    Message { topic: Topic::Alerts, subject: id.to_owned(), body: "x".to_owned(), attributes }
}

/// A store with the entries `a`, `b` and `c`, of two messages each.
async fn three() -> MemoryStore {
    let store = MemoryStore::default();
    let queue = |state: &mut TestState| {
        for id in ["a", "b", "c"] {
            state.outbox.queue(id, vec![message(id), message(id)], at(NOW));
        }
    };
    update(&store, queue).await.unwrap();
    store
}

async fn send<S: Store>(store: &S, lease: Lease, now: &str) -> Vec<String> {
    let notifier = TestNotifier::default();
    drain::<TestState, _, _>(store, &notifier, lease, at(now)).await.unwrap();
    notifier.ids(Topic::Alerts)
}

#[tokio::test]
async fn a_subject_that_an_alias_has_made_too_long_is_cut_and_sent() {
    let store = MemoryStore::default();
    let long = Message { subject: "forgotten ".repeat(11).trim_end().to_owned(), ..message("a") };
    update(&store, |state: &mut TestState| state.outbox.queue("a", vec![long.clone()], at(NOW))).await.unwrap();
    let notifier = TestNotifier::default();
    drain::<TestState, _, _>(&store, &notifier, Lease::INVOCATION, at(NOW)).await.unwrap();
    let [sent] = &notifier.sent()[..] else { panic!("{:?}", notifier.sent()) };
    assert_eq!(sent.subject, format!("{}forgot...", "forgotten ".repeat(9)));
}

#[tokio::test]
async fn of_any_number_that_drain_at_once_one_sends_each_entry() {
    let store = three().await;
    let (one, two, three) = (TurnTaking(&store), TurnTaking(&store), TurnTaking(&store));
    let (one, two, three) = tokio::join!(
        send(&one, Lease::INVOCATION, NOW),
        send(&two, Lease::INVOCATION, NOW),
        send(&three, Lease::INVOCATION, NOW)
    );
    let mut sent = [one, two, three].concat();
    sent.sort();
    assert_eq!(sent, ["a", "a", "b", "b", "c", "c"]);
}

/// A store on which somebody claimed the entry `a`, and died.
async fn claimed() -> MemoryStore {
    let store = three().await;
    // The first call reads, the second claims, the third would read in order to mark.
    let dead = FaultyStore::crashing(&store, 3, Fault::Before);
    drain::<TestState, _, _>(&dead, &TestNotifier::default(), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    store
}

#[tokio::test]
async fn what_somebody_claimed_and_did_not_mark_is_sent_again_once_the_lease_is_over() {
    let store = claimed().await;
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-21T06:04:59Z").await, ["b", "b", "c", "c"]);
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-21T06:05:00Z").await, ["a", "a"]);
    assert!(send(&store, Lease::INVOCATION, "2026-11-21T06:10:00Z").await.is_empty());
}

#[tokio::test]
async fn who_works_alone_heeds_no_claim_and_makes_none() {
    assert_eq!(send(&claimed().await, Lease::Alone, NOW).await, ["a", "a", "b", "b", "c", "c"]);
    let store = three().await;
    let dead = FaultyStore::crashing(&store, 2, Fault::Before);
    drain::<TestState, _, _>(&dead, &TestNotifier::default(), Lease::Alone, at(NOW)).await.unwrap_err();
    assert_eq!(send(&store, Lease::Alone, NOW).await.len(), 6, "at the same time, all of it");
}

#[tokio::test]
async fn a_message_that_is_not_taken_is_free_at_once() {
    let store = three().await;
    let failing = TestNotifier::failing(2, false);
    drain::<TestState, _, _>(&store, &failing, Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!(failing.ids(Topic::Alerts), ["a", "b", "b", "c", "c"]);
    assert_eq!(send(&store, Lease::INVOCATION, NOW).await, ["a"]);
}

#[tokio::test]
async fn the_claim_of_a_clock_that_ran_ahead_holds_up_nothing() {
    let store = three().await;
    let dead = FaultyStore::crashing(&store, 3, Fault::Before);
    let ahead = at("2036-11-21T06:00:00Z");
    drain::<TestState, _, _>(&dead, &TestNotifier::default(), Lease::INVOCATION, ahead).await.unwrap_err();
    assert_eq!(send(&store, Lease::INVOCATION, NOW).await.len(), 6);
}

/// The entries `a` and `b` of one incident, and `c` of another.
async fn of_one_incident() -> MemoryStore {
    let store = MemoryStore::default();
    let message = |id: &str, topic, incident: &str| {
        let attributes = [("alert_id", id), ("incident_key", incident)];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Message { topic, subject: id.to_owned(), body: "x".to_owned(), attributes }
    };
    let queue = |state: &mut TestState| {
        for (id, incident) in [("a", "one"), ("b", "one"), ("c", "other")] {
            let messages = vec![message(id, Topic::Alerts, incident), message(id, Topic::Events, incident)];
            state.outbox.queue(id, messages, at(NOW));
        }
    };
    update(&store, queue).await.unwrap();
    store
}

#[tokio::test]
async fn an_entry_waits_for_an_earlier_one_of_its_incident_that_somebody_has_claimed() {
    let store = of_one_incident().await;
    let dead = FaultyStore::crashing(&store, 3, Fault::Before);
    drain::<TestState, _, _>(&dead, &TestNotifier::default(), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-21T06:04:59Z").await, ["c"]);
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-21T06:05:00Z").await, ["a", "b"]);
}

#[tokio::test]
async fn a_topic_that_takes_nothing_holds_up_no_message_to_another() {
    let store = of_one_incident().await;
    // Of `a` the event is not taken: of `b` the message to people goes, its event waits.
    let failing = TestNotifier::failing(2, false);
    drain::<TestState, _, _>(&store, &failing, Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!(failing.ids(Topic::Alerts), ["a", "b", "c"]);
    assert_eq!(failing.ids(Topic::Events), ["c"]);
    let notifier = TestNotifier::default();
    drain::<TestState, _, _>(&store, &notifier, Lease::INVOCATION, at(NOW)).await.unwrap();
    assert_eq!(
        (notifier.ids(Topic::Alerts).len(), notifier.ids(Topic::Events)),
        (0, vec!["a".to_owned(), "b".to_owned()])
    );
}

#[tokio::test]
async fn what_is_refused_holds_up_its_incident_for_a_day() {
    let store = of_one_incident().await;
    let drained = async |now: &str| {
        let notifier = TestNotifier::refusing([1, 2]);
        drain::<TestState, _, _>(&store, &notifier, Lease::INVOCATION, at(now)).await.unwrap_err();
        notifier.ids(Topic::Alerts)
    };
    assert_eq!(drained("2026-11-21T06:00:00Z").await, ["c"]);
    assert_eq!(drained("2026-11-22T05:59:59Z").await, [] as [&str; 0]);
    assert_eq!(drained("2026-11-22T06:00:00Z").await, ["b"]);
}

#[tokio::test]
async fn what_was_not_taken_just_now_is_overtaken_by_none_of_its_incident_however_old_it_is() {
    let store = of_one_incident().await;
    // Nobody has sent anything for two days, and then the first is throttled.
    let throttled = TestNotifier::failing(1, false);
    drain::<TestState, _, _>(&store, &throttled, Lease::INVOCATION, at("2026-11-23T06:00:00Z")).await.unwrap_err();
    assert_eq!(throttled.ids(Topic::Alerts), ["c"]);
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-23T06:01:00Z").await, ["a", "b"]);
}

/// A message to a topic about an incident.
fn about(topic: Topic, id: &str, incident: &str) -> Message {
    let attributes =
        [("alert_id", id), (INCIDENT_KEY, incident)].map(|(name, text)| (name.to_owned(), text.to_owned()));
    Message { topic, attributes: attributes.into(), ..message(id) }
}

async fn queued(entries: &[(&str, Vec<Message>)]) -> MemoryStore {
    let store = MemoryStore::default();
    let queue = |state: &mut TestState| {
        for (id, messages) in entries {
            state.outbox.queue(id, messages.clone(), at(NOW));
        }
    };
    update(&store, queue).await.unwrap();
    store
}

#[tokio::test]
async fn what_waits_for_another_incident_and_was_not_tried_is_overtaken_by_none_of_its_own() {
    let store = queued(&[
        ("a", vec![about(Topic::Alerts, "a", "one")]),
        ("b", vec![about(Topic::Alerts, "b", "one"), about(Topic::Events, "b", "two")]),
        ("c", vec![about(Topic::Alerts, "c", "two")]),
    ])
    .await;
    let throttled = TestNotifier::failing(1, false);
    drain::<TestState, _, _>(&store, &throttled, Lease::INVOCATION, at("2026-11-23T06:00:00Z")).await.unwrap_err();
    assert_eq!((throttled.ids(Topic::Alerts).len(), throttled.ids(Topic::Events)), (0, vec!["b".to_owned()]));
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-23T06:01:00Z").await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_topic_that_refuses_is_not_held_longer_because_another_takes_nothing_either() {
    let both = |id: &str| vec![about(Topic::Alerts, id, "one"), about(Topic::Events, id, "one")];
    let store = queued(&[("a", both("a")), ("b", both("b"))]).await;
    let drained = async |now: &str, notifier: TestNotifier| {
        drain::<TestState, _, _>(&store, &notifier, Lease::INVOCATION, at(now)).await.unwrap_err();
        [Topic::Alerts, Topic::Events].map(|topic| notifier.ids(topic).len())
    };
    let refused_and_in_doubt = || TestNotifier::refusing([1]).and_failing(2);
    assert_eq!(drained("2026-11-21T06:00:00Z", refused_and_in_doubt()).await, [0, 0]);
    assert_eq!(drained("2026-11-22T06:00:00Z", refused_and_in_doubt()).await, [1, 0], "the refused one held for a day");
    // What is never refused and never taken holds up nobody for ever.
    assert_eq!(drained("2026-11-28T05:59:59Z", refused_and_in_doubt()).await, [0, 0]);
    assert_eq!(drained("2026-11-28T06:00:00Z", refused_and_in_doubt()).await, [0, 1]);
}

#[tokio::test]
async fn what_somebody_else_is_sending_is_overtaken_by_none_of_its_incident_however_old_it_is() {
    let store = of_one_incident().await;
    let dead = FaultyStore::crashing(&store, 3, Fault::Before);
    let late = "2026-11-23T06:00:00Z";
    drain::<TestState, _, _>(&dead, &TestNotifier::default(), Lease::INVOCATION, at(late)).await.unwrap_err();
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-23T06:04:59Z").await, ["c"]);
    assert_eq!(send(&store, Lease::INVOCATION, "2026-11-23T06:05:00Z").await, ["a", "b"]);
}

#[tokio::test]
async fn messages_for_machines_alone_are_claimed_and_marked_together() {
    let store = MemoryStore::default();
    let queue = |state: &mut TestState| {
        for number in 0..120 {
            let id = format!("{number:03}");
            state.outbox.queue(&id, vec![Message { topic: Topic::Events, ..message(&id) }], at(NOW));
        }
    };
    update(&store, queue).await.unwrap();
    let counted = FaultyStore::failing(&store, []);
    let notifier = TestNotifier::default();
    drain::<TestState, _, _>(&counted, &notifier, Lease::INVOCATION, at(NOW)).await.unwrap();
    assert_eq!(notifier.ids(Topic::Events), (0..120).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    assert_eq!(counted.calls(), 5, "one read, and a write for each fifty and for the mark of the last");
}

#[tokio::test]
async fn a_claim_that_lasts_longer_than_any_is_that_of_a_clock_that_ran_ahead() {
    // Until 06:05: twice a lease from now is the longest that a clock which is slow by one may see.
    assert_eq!(send(&claimed().await, Lease::INVOCATION, "2026-11-21T05:55:00Z").await, ["b", "b", "c", "c"]);
    let sent = send(&claimed().await, Lease::INVOCATION, "2026-11-21T05:54:59Z").await;
    assert_eq!(sent, ["a", "a", "b", "b", "c", "c"]);
}

#[tokio::test]
async fn messages_that_were_sent_and_messages_that_were_not_are_counted() {
    let pending =
        async |store: &MemoryStore| update(store, |state: &mut TestState| state.outbox.pending()).await.unwrap();
    let store = three().await;
    assert_eq!(pending(&store).await, 3);
    let notifier = TestNotifier::refusing([2, 3, 4]);
    let error = drain::<TestState, _, _>(&store, &notifier, Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert!(matches!(error, OutboxError::NotSent { failed: 3, .. }), "{error:?}");
    assert_eq!(pending(&store).await, 2, "of the third all were sent");
    let sent = drain::<TestState, _, _>(&three().await, &TestNotifier::default(), Lease::INVOCATION, at(NOW)).await;
    assert_eq!(sent.unwrap(), 6);
}
