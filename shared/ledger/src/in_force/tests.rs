use super::*;
use crate::faulty_store::{Fault, FaultyStore};
use crate::memory_store::MemoryStore;
use crate::outbox::Lease;
use crate::outputs::Topic;
use crate::reaction_fixtures::{TestNotifier, TurnTaking, at};

const GOOD: &str = "[metrics]\ntop = 7\n";
const BETTER: &str = "[metrics]\ntop = 8\n";
const BROKEN: &str = "[metrics]\ntop = 0\n";

fn now() -> DateTime<Utc> {
    at("2026-11-20T06:00:00Z")
}

async fn write(store: &MemoryStore, text: &'static str) -> Result<Adopted, InForceError> {
    store.overwrite(keys::CONFIG, Bytes::from_static(text.as_bytes())).unwrap();
    adopt(store, now()).await
}

async fn top(store: &MemoryStore) -> usize {
    of_deployment(store).await.unwrap().metrics.top
}

#[tokio::test]
async fn a_valid_configuration_is_adopted_and_only_the_copy_is_used() {
    let store = MemoryStore::default();
    assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Absent);
    let default = of_deployment(&store).await.unwrap();
    assert_eq!((default.first_run, default.metrics.top), (FirstRun::Summary, 50));
    assert_eq!(write(&store, GOOD).await.unwrap(), Adopted::Replaced);
    assert_eq!(write(&store, GOOD).await.unwrap(), Adopted::Unchanged);
    store.overwrite(keys::CONFIG, Bytes::from_static(BETTER.as_bytes())).unwrap();
    assert_eq!(top(&store).await, 7, "it is not in force before it is adopted");
    assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Replaced);
    assert_eq!(top(&store).await, 8);
    assert_eq!(of_deployment(&store).await.unwrap().first_run, FirstRun::Send, "what the file says, or its default");
}

#[tokio::test]
async fn a_broken_configuration_is_answered_once_and_the_last_good_one_stays() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    write(&store, GOOD).await.unwrap();
    for _ in 0..3 {
        assert_eq!(write(&store, BROKEN).await.unwrap(), Adopted::Refused);
        operations::drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap();
    }
    assert_eq!(top(&store).await, 7);
    let sent = notifier.sent();
    assert_eq!(notifier.ids(Topic::Operations).len(), 1);
    assert!(sent[0].body.contains("config/ledger.toml:2: `top` is 0"), "{}", sent[0].body);
    assert_eq!(write(&store, BETTER).await.unwrap(), Adopted::Replaced);
    assert_eq!(top(&store).await, 8);
    write(&store, "[metrics]\ntop = 501\n").await.unwrap();
    operations::drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap();
    assert_eq!(notifier.ids(Topic::Operations).len(), 2, "another mistake is another note");
}

#[tokio::test]
async fn two_that_adopt_at_once_end_with_the_newest() {
    let memory = MemoryStore::default();
    write(&memory, GOOD).await.unwrap();
    memory.overwrite(keys::CONFIG, Bytes::from_static(BETTER.as_bytes())).unwrap();
    let store = TurnTaking(&memory);
    let (one, other) = tokio::join!(adopt(&store, now()), adopt(&store, now()));
    let mut adopted = [one.unwrap().as_str(), other.unwrap().as_str()];
    adopted.sort_unstable();
    assert_eq!(adopted, ["replaced", "unchanged"]);
    assert_eq!(top(&memory).await, 8);
}

#[tokio::test]
async fn a_crash_at_any_call_is_mended_by_adopting_again() {
    for text in [GOOD, BROKEN] {
        let run = async |call, fault| {
            let memory = MemoryStore::default();
            write(&memory, BETTER).await.unwrap();
            memory.overwrite(keys::CONFIG, Bytes::from_static(text.as_bytes())).unwrap();
            let died = adopt(&FaultyStore::crashing(&memory, call, fault), now()).await.is_err();
            adopt(&memory, now()).await.unwrap();
            let notes = memory.list(keys::NOTES_PREFIX).await.unwrap().len();
            (died, top(&memory).await, notes)
        };
        let expected = if text == GOOD { (7, 0) } else { (8, 1) };
        for call in 1..=3 {
            for fault in [Fault::Before, Fault::After] {
                assert_eq!(run(call, fault).await, (true, expected.0, expected.1), "call {call} {fault:?}");
            }
        }
        assert!(!run(4, Fault::Before).await.0, "three calls are all");
    }
}

#[tokio::test]
async fn what_is_put_in_force_by_hand_is_checked_first() {
    let store = MemoryStore::default();
    assert_eq!(put(&store, "mine.toml", GOOD.to_owned()).await.unwrap().metrics.top, 7);
    let error = put(&store, "mine.toml", BROKEN.to_owned()).await.unwrap_err();
    assert_eq!((error.kind(), error.class()), ("config.invalid", Class::Operator));
    assert!(error.to_string().starts_with("mine.toml:2: "), "{error}");
    assert_eq!(read(&store).await.unwrap().unwrap().metrics.top, 7);
}

#[tokio::test]
async fn two_that_put_the_same_in_force_at_once_both_do_and_two_that_differ_do_not() {
    for (other, is_lost) in [(BETTER, false), (GOOD, true)] {
        let memory = MemoryStore::default();
        let store = TurnTaking(&memory);
        let put = |text: &'static str| put(&store, "mine.toml", text.to_owned());
        let (one, other) = tokio::join!(put(BETTER), put(other));
        let lost = [one, other].into_iter().filter_map(Result::err).map(|error| error.kind()).collect::<Vec<_>>();
        assert_eq!(lost, if is_lost { vec!["store.conflict"] } else { Vec::new() });
        assert!(read(&memory).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_configuration_in_another_encoding_is_refused_and_not_guessed() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    store.overwrite(keys::CONFIG, bytes::Bytes::from_static(b"# f\xfcr alle\n")).unwrap();
    assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Refused);
    operations::drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap();
    assert!(notifier.sent()[0].body.contains("config/ledger.toml:1: this is not UTF-8"), "{}", notifier.sent()[0].body);
}
