use super::*;
use crate::faulty_store::{Fault, FaultyStore};
use crate::memory_store::MemoryStore;
use crate::reaction_fixtures::{TestNotifier, TurnTaking, at};

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
