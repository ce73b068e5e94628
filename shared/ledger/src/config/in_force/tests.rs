use spend_core::errors::fault::Fault as _;

use super::*;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;
use crate::reaction_fixtures::{TestNotifier, TurnTaking, at};
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;

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
        for call in 1..=4 {
            for fault in [Fault::Before, Fault::After] {
                assert_eq!(run(call, fault).await, (true, expected.0, expected.1), "call {call} {fault:?}");
            }
        }
        assert!(!run(5, Fault::Before).await.0, "four calls are all");
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

const BUDGET: &str = "[[budget]]\nname = \"search\"\namount = 5000\nseverity = \"page\"\n";
const RAISED: &str = "[[budget]]\nname = \"search\"\namount = 9000\nseverity = \"page\"\n";

/// The notes that are sent.
async fn told(store: &MemoryStore, notifier: &TestNotifier) -> Vec<String> {
    operations::drain(store, notifier, Lease::INVOCATION, now()).await.unwrap();
    notifier.sent().into_iter().map(|message| format!("{}\n{}", message.subject, message.body)).collect()
}

/// The attack: whoever may write the configuration takes a budget out, or makes it never fire.
#[tokio::test]
async fn a_budget_that_is_gone_or_raised_is_told_once_each_time_that_it_happens() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    write(&store, BUDGET).await.unwrap();
    assert!(told(&store, &notifier).await.is_empty(), "the first one of a ledger that has nothing yet");
    write(&store, RAISED).await.unwrap();
    write(&store, RAISED).await.unwrap();
    let found = told(&store, &notifier).await;
    assert!(found.len() == 1 && found[0].contains("budget search allows $9,000.00, before $5,000.00"), "{found:?}");
    write(&store, BUDGET).await.unwrap();
    assert_eq!(told(&store, &notifier).await.len(), 1, "lower again: nothing is told");
    write(&store, RAISED).await.unwrap();
    assert_eq!(told(&store, &notifier).await.len(), 2, "the same change on another occasion is told again");
    write(&store, GOOD).await.unwrap();
    let found = told(&store, &notifier).await;
    assert!(found.len() == 3 && found[2].contains("budget search is gone: Pages when"), "{found:?}");
}

#[tokio::test]
async fn a_crash_while_a_budget_is_taken_out_is_told_all_the_same_and_once() {
    for call in 1..=7 {
        for fault in [Fault::Before, Fault::After] {
            let (memory, notifier) = (MemoryStore::default(), TestNotifier::default());
            write(&memory, BUDGET).await.unwrap();
            memory.overwrite(keys::CONFIG, Bytes::from_static(GOOD.as_bytes())).unwrap();
            let _ = adopt(&FaultyStore::crashing(&memory, call, fault), now()).await;
            adopt(&memory, now()).await.unwrap();
            assert_eq!(told(&memory, &notifier).await.len(), 1, "call {call} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_configuration_that_was_removed_stays_in_force() {
    let store = MemoryStore::default();
    write(&store, GOOD).await.unwrap();
    store.remove(keys::CONFIG);
    assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Absent);
    assert_eq!(top(&store).await, 7);
}

#[tokio::test]
async fn an_empty_file_of_overrides_is_refused_and_a_header_alone_tells_who_is_watched_less() {
    const PEOPLE: &str = "[[budget]]\nname = \"people\"\neach = \"identity\"\namount = \"500\"\n\
                          overrides_file = \"people.csv\"\n";
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    let csv = keys::beside_config("people.csv");
    store.overwrite(&csv, Bytes::from_static(b"member,amount\ndana@example.com,100\nbo@example.com,900\n")).unwrap();
    assert_eq!(write(&store, PEOPLE).await.unwrap(), Adopted::Replaced);
    let overrides = async || of_deployment(&store).await.unwrap().rules.budgets[0].overrides.len();
    for empty in ["", " \n\n", "\u{feff}\n"] {
        store.overwrite(&csv, Bytes::from_static(empty.as_bytes())).unwrap();
        assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Refused, "{empty:?}: an upload that broke");
        assert_eq!(overrides().await, 2);
    }
    let refused = told(&store, &notifier).await;
    assert!(refused.iter().all(|note| note.contains("people.csv:1: this file is empty")), "{refused:?}");
    store.overwrite(&csv, Bytes::from_static(b"member,amount\n")).unwrap();
    assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Replaced);
    assert_eq!(overrides().await, 0);
    let told = told(&store, &notifier).await.split_off(refused.len()).concat();
    assert!(told.contains("dana@example.com") && !told.contains("bo@example.com"), "{told}");
}

#[tokio::test]
async fn a_configuration_in_force_that_was_removed_hides_no_change() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    store.overwrite("state/export=cur/period=2026-11.json.zst", Bytes::from_static(b"x")).unwrap();
    write(&store, GOOD).await.unwrap();
    let found = told(&store, &notifier).await;
    assert!(found.len() == 1 && found[0].contains("there was none in force before"), "{found:?}");
    store.overwrite(keys::CONFIG_IN_FORCE, Bytes::from_static(b"[newer]\n")).unwrap();
    write(&store, BETTER).await.unwrap();
    let found = told(&store, &notifier).await;
    assert!(found.len() == 2 && found[1].contains("cannot be read by this release"), "{found:?}");
}

#[tokio::test]
async fn a_configuration_that_is_too_large_is_refused_by_name_and_the_last_good_one_stays() {
    let (store, notifier) = (MemoryStore::default(), TestNotifier::default());
    write(&store, GOOD).await.unwrap();
    let most = usize::try_from(encoding::MOST_BYTES).unwrap();
    let filled = |text: &str, size: usize| Bytes::from(format!("{text}{}", "#".repeat(size - text.len())));
    store.overwrite(keys::CONFIG, filled(BETTER, most)).unwrap();
    assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Replaced);
    store.overwrite(keys::CONFIG, filled(GOOD, most + 1)).unwrap();
    for _ in 0..2 {
        assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Refused);
    }
    // The files beside it count with it.
    let named = "[[budget]]\nname = \"people\"\neach = \"identity\"\namount = 1\noverrides_file = \"people.csv\"\n";
    store.overwrite(&keys::beside_config("people.csv"), filled("member,amount\n", most)).unwrap();
    store.overwrite(keys::CONFIG, Bytes::from(named)).unwrap();
    assert_eq!(adopt(&store, now()).await.unwrap(), Adopted::Refused);
    operations::drain(&store, &notifier, Lease::INVOCATION, now()).await.unwrap();
    let bodies: Vec<_> = notifier.sent().into_iter().map(|message| message.body).collect();
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    for (body, file) in bodies.iter().zip(["config/ledger.toml", "config/people.csv"]) {
        let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = words.contains(&format!("{file}:1: the configuration has "));
        assert!(told && words.contains("at most 4194304 are read"), "{words}");
    }
    assert_eq!(top(&store).await, 8);
}
