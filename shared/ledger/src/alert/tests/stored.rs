//! The stored form: smaller than what it says, and the first version is carried over.

use super::*;
use crate::alert::crossing::Told;
use crate::alert::state::AlertState;
use crate::state::document::encode;

/// A state with crossings of all sorts.
async fn lived() -> (MemoryStore, Config, Book) {
    let text = "[alerts]\nmax_per_run = 1\n\
                [[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"\nowner = \"{member}-leads\"\n\
                [[budget]]\nname = \"a:b\"\namount = \"7.50\"\n\
                [[mute]]\nrule = \"a:b\"\nuntil = 2026-12-01\nreason = \"test\"";
    let (store, config) = (MemoryStore::default(), config(text));
    let facts = ["x", "東京", "-", ""].map(|name| fact("2026-11-01", "5.25", &[("identity", name)])).to_vec();
    let months = book(vec![period("2026-10", vec![fact("2026-10-05", "9", &[])]), period("2026-11", facts)]);
    let months = committed(months, 7);
    run(&store, &config, &months, NOW).await;
    (store, config, months)
}

#[tokio::test]
async fn what_is_written_reads_back_whatever_it_is() {
    let (store, config, months) = lived().await;
    let written = state(&store).await;
    let told = |of: fn(&Told) -> bool| written.crossings.values().filter(|crossing| of(&crossing.told)).count();
    let counts = (told(|told| *told == Told::Nobody), told(|told| *told == Told::Muted));
    assert!(counts.0 > 0 && counts.1 > 0 && told(|told| matches!(told, Told::By(_))) > 4, "{counts:?}");
    let bytes = encode(&written).unwrap();
    let read: AlertState = decode(STATE_KEY, &bytes).unwrap();
    assert_eq!(read, written);
    assert!(run(&store, &config, &months, NOW).await.1.sent().is_empty());
}

/// As the first version stored it.
fn first_version(state: &AlertState) -> Bytes {
    let crossings: serde_json::Map<String, Value> =
        state.crossings.iter().map(|(key, crossing)| (key.clone(), serde_json::to_value(crossing).unwrap())).collect();
    let mut json = serde_json::json!({ "format": "alert-state/1" });
    json["rules"] = serde_json::to_value(&state.rules).unwrap();
    json["crossings"] = Value::Object(crossings);
    json["summaries"] = state.summaries.into();
    json["outbox"] = serde_json::to_value(&state.outbox).unwrap();
    // An object of serde_json is sorted, and the format comes first.
    let text = serde_json::to_string_pretty(&json).unwrap().replace("\n  \"format\": \"alert-state/1\",", "");
    text.replacen('{', "{\n  \"format\": \"alert-state/1\",", 1).into()
}

#[tokio::test]
async fn a_state_of_the_first_version_is_carried_over_and_nothing_is_told_again() {
    let (store, config, months) = lived().await;
    let before = state(&store).await;
    store.overwrite(STATE_KEY, first_version(&before)).unwrap();
    let (summary, notifier) = run(&store, &config, &months, NOW).await;
    assert_eq!((summary.fired, notifier.sent().len()), (0, 0));
    assert_eq!(state(&store).await, before);
    let (bytes, _) = store.get(STATE_KEY).await.unwrap().unwrap();
    assert!(bytes.starts_with(b"{\"format\":\"alert-state/2\""));
}

#[tokio::test]
async fn a_name_that_is_not_there_is_damage_and_no_panic() {
    let (store, _, _) = lived().await;
    let (bytes, _) = store.get(STATE_KEY).await.unwrap().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let names = text.split("\"names\":[").nth(1).unwrap().split(']').next().unwrap();
    let error = decode::<AlertState>(STATE_KEY, text.replace(names, "").as_bytes()).unwrap_err();
    assert_eq!(error.kind(), "store.damaged");
    assert!(error.to_string().contains("there is no name"), "{error}");
}

#[tokio::test]
async fn the_id_of_a_crossings_own_message_is_not_stored() {
    let (store, ..) = lived().await;
    let (bytes, _) = store.get(STATE_KEY).await.unwrap().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let crossings = text.split_once("\"crossings\":").unwrap().1.split_once("\"summaries\"").unwrap().0;
    assert!(crossings.contains("{\"by\":null}"), "{crossings}");
}

#[test]
fn crossings_that_are_neither_are_damage_that_says_what_should_be_there() {
    let text = b"{\"format\":\"alert-state/2\",\"rules\":{},\"crossings\":5}";
    let error = decode::<AlertState>(STATE_KEY, text).unwrap_err().to_string();
    assert!(error.contains("expected crossings, each by its key or by what they have in common"), "{error}");
}
