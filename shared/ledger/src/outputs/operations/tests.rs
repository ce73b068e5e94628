use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;

use super::*;
use crate::reaction_fixtures::{TestNotifier, TurnTaking, at};
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;

fn note(id: &str) -> Note {
    Note { id: id.to_owned(), text: Text { subject: format!("About {id}"), body: "Mend it.\n".to_owned() } }
}

fn now() -> DateTime<Utc> {
    at("2026-11-20T06:00:00Z")
}

async fn told(store: &MemoryStore, notifier: &TestNotifier) -> Vec<String> {
    drain(store, notifier, Lease::INVOCATION, now()).await.unwrap();
    notifier.ids(Topic::Operations)
}

#[tokio::test]
async fn a_note_is_told_once_however_often_it_is_left() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    assert_eq!(drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap(), 0);
    assert!(leave(&store, &note("a"), now()).await.unwrap());
    assert!(!leave(&store, &note("a"), now()).await.unwrap());
    for _ in 0..2 {
        assert_eq!(told(&store, &notifier).await, ["a"]);
    }
    assert!(!leave(&store, &note("a"), now()).await.unwrap());
    leave(&store, &note("b"), now()).await.unwrap();
    assert_eq!(told(&store, &notifier).await, ["a", "b"]);
    let message = &notifier.sent()[0];
    assert_eq!((message.subject.as_str(), message.body.as_str()), ("About a", "Mend it.\n"));
    assert_eq!(message.attributes["kind"], "operations");
}

#[tokio::test]
async fn notes_are_told_in_the_order_in_which_they_were_left() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    let later = |minutes| now() + chrono::TimeDelta::minutes(minutes);
    for (minutes, id) in ["d", "a", "c", "b"].into_iter().enumerate() {
        leave(&store, &note(id), later(i64::try_from(minutes).unwrap())).await.unwrap();
    }
    assert_eq!(told(&store, &notifier).await, ["d", "a", "c", "b"]);
}

#[tokio::test]
async fn a_crash_at_any_call_loses_no_note_and_queues_none_twice() {
    let run = async |store: &FaultyStore<&MemoryStore>, notifier: &TestNotifier, now| -> Result<(), String> {
        leave(store, &note("a"), now).await.map_err(|error| error.to_string())?;
        leave(store, &note("b"), now).await.map_err(|error| error.to_string())?;
        drain(store, notifier, Lease::INVOCATION, now).await.map(|_| ()).map_err(|error| error.to_string())
    };
    let (memory, whole) = (MemoryStore::default(), TestNotifier::default());
    let store = FaultyStore::failing(&memory, []);
    run(&store, &whole, now()).await.unwrap();
    let calls = store.calls();
    let reference: Vec<_> = memory.list("").await.unwrap().into_iter().map(|object| object.key).collect();
    assert!(calls > 6, "{calls}");
    for call in 1..=calls {
        for fault in [Fault::Before, Fault::After] {
            let (memory, notifier) = (MemoryStore::default(), TestNotifier::default());
            run(&FaultyStore::crashing(&memory, call, fault), &notifier, now()).await.unwrap_err();
            // Whoever claimed a note and died holds it until its lease is over.
            let later = now() + chrono::TimeDelta::minutes(30);
            run(&FaultyStore::failing(&memory, []), &notifier, later).await.unwrap();
            let mut ids = notifier.ids(Topic::Operations);
            ids.sort();
            ids.dedup();
            assert_eq!(ids, ["a", "b"], "call {call} {fault:?}");
            let sent = notifier.sent().len();
            assert_eq!(
                drain(&memory, &notifier, Lease::INVOCATION, now()).await.unwrap(),
                0,
                "nothing is queued twice"
            );
            assert!(sent <= 3, "only what was sent and not marked is sent again: {sent}");
            let keys: Vec<_> = memory.list("").await.unwrap().into_iter().map(|object| object.key).collect();
            assert_eq!(keys, reference, "call {call} {fault:?}");
        }
    }
}

#[tokio::test]
async fn of_two_that_drain_at_once_each_note_is_queued_and_sent_once() {
    let (memory, notifier) = (MemoryStore::default(), TestNotifier::default());
    leave(&memory, &note("a"), now()).await.unwrap();
    let store = TurnTaking(&memory);
    let (one, other) = tokio::join!(
        drain(&store, &notifier, Lease::INVOCATION, now()),
        drain(&store, &notifier, Lease::INVOCATION, now())
    );
    one.unwrap();
    other.unwrap();
    let mut state = Held::<OperationsState>::read(&memory).await.unwrap().state;
    assert_eq!((state.outbox().pending(), state.outbox().knows(&keys::note_key("a"))), (0, true));
    assert_eq!(notifier.ids(Topic::Operations), ["a"]);
}

#[tokio::test]
async fn a_note_that_cannot_be_read_holds_up_no_other_and_is_an_error() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    leave(&store, &note("a"), now()).await.unwrap();
    store.overwrite("operations/notes/0.json", "damaged".into()).unwrap();
    let error = drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap_err();
    assert_eq!((error.kind(), error.class()), ("store.damaged", Class::Operator));
    assert_eq!(notifier.ids(Topic::Operations), ["a"]);
}

#[test]
fn an_error_is_one_note_a_week_for_each_thing_that_it_concerns() {
    let of = |about, now| Note::of_error("export.damaged", about, "reading cur 2026-11", "x is damaged", now).id;
    let monday = at("2026-11-16T00:00:00Z");
    assert_eq!(of("cur 2026-11", monday), "export.damaged:cur 2026-11:2026-W47");
    assert_eq!(of("cur 2026-11", monday + chrono::TimeDelta::days(6)), of("cur 2026-11", monday));
    assert_ne!(of("cur 2026-11", monday + chrono::TimeDelta::days(7)), of("cur 2026-11", monday));
    assert_ne!(of("cur 2026-10", monday), of("cur 2026-11", monday));
}

#[tokio::test]
async fn three_hundred_notes_of_a_kind_are_five_messages_a_summary_with_their_number_and_the_rest_a_day_later() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    for number in 0..300 {
        leave(&store, &note(&format!("export.manifest:cur {number:03}")), now()).await.unwrap();
    }
    leave(&store, &note("config:1"), now()).await.unwrap();
    let subjects =
        |notifier: &TestNotifier| notifier.sent().into_iter().map(|message| message.subject).collect::<Vec<_>>();
    for _ in 0..3 {
        drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap();
    }
    let sent = subjects(&notifier);
    assert_eq!(sent.len(), 7, "{sent:?}");
    assert!(sent.contains(&"About config:1".to_owned()), "{sent:?}");
    assert!(sent[6].contains("295 more"), "{sent:?}");
    // What comes later that day is counted, and told of the next day.
    for number in 300..303 {
        leave(&store, &note(&format!("export.manifest:cur {number:03}")), now()).await.unwrap();
        drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap();
    }
    assert_eq!(subjects(&notifier).len(), 7);
    let tomorrow = now() + chrono::TimeDelta::days(1);
    for _ in 0..2 {
        drain(&store, &notifier, Lease::INVOCATION, tomorrow).await.unwrap();
    }
    let sent = subjects(&notifier);
    assert!(sent.len() == 8 && sent[7].contains("3 more"), "{sent:?}");
    leave(&store, &note("export.manifest:cur 303"), tomorrow).await.unwrap();
    drain(&store, &notifier, Lease::INVOCATION, tomorrow).await.unwrap();
    assert_eq!(subjects(&notifier).len(), 9, "a day later notes are told again");
}

#[tokio::test]
async fn a_long_note_is_cut() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    let text = Text { subject: "Long".to_owned(), body: "\u{e9}".repeat(1 << 20) };
    leave(&store, &Note { id: "long".to_owned(), text }, now()).await.unwrap();
    drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap();
    let body = &notifier.sent()[0].body;
    assert!(body.len() < LONGEST_BODY + 100 && body.ends_with("(cut here: it was longer)\n"), "{}", body.len());
}

#[tokio::test]
async fn what_was_told_of_a_note_that_has_expired_is_forgotten_and_told_again_if_it_is_left_again() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    for id in ["config:1", "config:2"] {
        leave(&store, &note(id), now()).await.unwrap();
    }
    let known = async || Held::<OperationsState>::read(&store).await.unwrap().state;
    let drain_at = async |days: i64| {
        drain(&store, &notifier, Lease::INVOCATION, now() + chrono::TimeDelta::days(days)).await.unwrap();
    };
    drain_at(0).await;
    let expired = keys::note_key("config:1");
    // A year and more later one has expired, and another note comes.
    store.remove(&expired);
    for (days, id) in [(retention::KEPT_DAYS, "config:3"), (retention::KEPT_DAYS + 31, "config:4")] {
        leave(&store, &note(id), now() + chrono::TimeDelta::days(days)).await.unwrap();
        assert!(known().await.outbox().knows(&expired));
        drain_at(days).await;
    }
    let state = known().await;
    assert!(!state.clone().outbox().knows(&expired), "{state:?}");
    assert!(state.clone().outbox().knows(&keys::note_key("config:2")), "it is still there: {state:?}");
    assert!(leave(&store, &note("config:1"), now()).await.unwrap());
    drain_at(retention::KEPT_DAYS + 32).await;
    assert_eq!(notifier.ids(Topic::Operations), ["config:1", "config:2", "config:3", "config:4", "config:1"]);
}
