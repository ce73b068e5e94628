//! Who has read an older book or configuration writes nothing over what was made of a newer one.

use std::sync::atomic::{AtomicUsize, Ordering};

use spend_core::errors::fault::Fault as _;

use super::*;
use crate::config::in_force::InForce;
use crate::outputs::Topic;
use crate::outputs::outbox::Lease;
use crate::reaction_fixtures::state_of;
use crate::state::committed::CommittedError;
use crate::state::document::DocumentError;
use crate::state::keys::{self, Statement};
use crate::state::tabular;
use crate::store::ETag;

/// Reads `old`, but so slowly that somebody with `new` has evaluated meanwhile; from then on it reads `new` as well.
struct Slow<'a> {
    store: &'a MemoryStore,
    notifier: &'a TestNotifier,
    old: Known<'a>,
    new: Known<'a>,
    reads: AtomicUsize,
}

/// The same for ever.
struct Steady<'a>(Known<'a>);

impl Sources for Steady<'_> {
    async fn read(&self) -> Result<Known<'_>, AlertError> {
        Ok(self.0.clone())
    }

    async fn is_current(&self, _: &Known<'_>) -> Result<bool, AlertError> {
        Ok(false)
    }
}

impl Sources for Slow<'_> {
    async fn read(&self) -> Result<Known<'_>, AlertError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) > 0 {
            return Ok(self.new.clone());
        }
        let fast = Steady(self.new.clone());
        react(self.store, self.notifier, &fast, Lease::INVOCATION, at(NOW)).await?;
        Ok(self.old.clone())
    }

    async fn is_current(&self, _: &Known<'_>) -> Result<bool, AlertError> {
        Ok(false)
    }
}

fn in_force(version: i64) -> InForce {
    InForce { etag: ETag(version.to_string()), written_at: at(NOW) - chrono::TimeDelta::hours(9 - version) }
}

/// What people and machines hear when somebody with `old` is overtaken by somebody with `new`, and of two sweeps after.
async fn overtaken(store: &MemoryStore, old: Known<'_>, new: Known<'_>) -> Vec<String> {
    let notifier = TestNotifier::default();
    let slow = Slow { store, notifier: &notifier, old, new: new.clone(), reads: AtomicUsize::default() };
    react(store, &notifier, &slow, Lease::INVOCATION, at(NOW)).await.unwrap();
    for _ in 0..2 {
        react(store, &notifier, &Steady(new.clone()), Lease::INVOCATION, at(NOW)).await.unwrap();
    }
    let sent = notifier.sent().into_iter().filter(|message| message.topic == Topic::Events);
    sent.map(|message| format!("{} {}", message.attributes["status"], message.attributes["alert_id"])).collect()
}

fn month(cost: &str, sequence: u64) -> Book {
    let day = |month: &str, day: u32, cost: &str| fact(&format!("{month}-{day:02}"), cost, &[]);
    let october = (1..=31).map(|number| day("2026-10", number, "20")).collect();
    let mut months = book(vec![period("2026-10", october), period("2026-11", vec![day("2026-11", 3, cost)])]);
    months.periods[1].data_as_of = Some(at("2026-11-08T00:00:00Z"));
    committed(months, sequence)
}

#[tokio::test]
async fn a_month_that_fired_is_not_said_to_have_receded_by_a_book_that_did_not_know_it_yet() {
    let config = config("[[delta]]\nname = \"mtd\"\nagainst = \"month\"\nseverity = \"page\"");
    let (old, new) = (month("10", 1), month("900", 2));
    let store = MemoryStore::default();
    run(&store, &config, &book(Vec::new()), "2026-10-01T00:00:00Z").await;
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    let heard = overtaken(&store, known(&old), known(&new)).await;
    assert_eq!(heard, ["firing mtd:-:USD:2026-11-01:delta:50:100:1"]);
}

/// November, settled, at this commit.
fn settled(cost: &str, sequence: u64) -> Book {
    let mut book = november(cost);
    book.periods[0].data_as_of = Some(at("2026-11-21T00:00:00Z"));
    committed(book, sequence)
}

#[tokio::test]
async fn what_a_restatement_has_resolved_is_not_fired_again_with_the_numbers_before() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let (old, new) = (settled("85", 1), settled("10", 2));
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    react(&store, &TestNotifier::default(), &Steady(known(&old)), Lease::INVOCATION, at(NOW)).await.unwrap();
    let heard = overtaken(&store, known(&old), known(&new)).await;
    assert_eq!(heard, ["resolved search:-:USD:2026-11-01:budget:80:100:1"]);
}

#[tokio::test]
async fn a_configuration_that_was_replaced_resolves_and_pages_nothing() {
    let store = MemoryStore::default();
    let (small, large) = (one_budget(), config("[[budget]]\nname = \"search\"\namount = \"50\""));
    let book = settled("85", 1);
    let (old, new) =
        (Known::of(&small, &book, Some(in_force(1)), true), Known::of(&large, &book, Some(in_force(2)), true));
    react(&store, &TestNotifier::default(), &Steady(old.clone()), Lease::INVOCATION, at(NOW)).await.unwrap();
    let heard = overtaken(&store, old, new).await;
    assert_eq!(heard, ["firing search:-:USD:2026-11-01:budget:100:50:1"]);
}

#[tokio::test]
async fn who_finds_nothing_new_in_a_newer_book_still_keeps_an_older_one_from_being_told() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    let (first, old, new) = (settled("10", 1), settled("85", 2), settled("10", 3));
    react(&store, &TestNotifier::default(), &Steady(known(&first)), Lease::INVOCATION, at(NOW)).await.unwrap();
    assert!(overtaken(&store, known(&old), known(&new)).await.is_empty());
}

/// What an evaluation comes to, and how many messages were sent.
async fn evaluate(store: &MemoryStore, known: &Known<'_>, now: &str) -> (Result<(), AlertError>, usize) {
    let notifier = TestNotifier::default();
    let outcome = react(store, &notifier, &Steady(known.clone()), Lease::INVOCATION, at(now)).await;
    (outcome.map(drop), notifier.sent().len())
}

async fn notes(store: &MemoryStore) -> usize {
    store.list(keys::NOTES_PREFIX).await.unwrap().len()
}

#[tokio::test]
async fn what_is_older_for_good_is_not_evaluated_for_an_hour_and_operations_is_told() {
    let config = one_budget();
    let newest = settled("10", 5);
    let smaller = |known: &Book| Book { periods: known.periods.iter().skip(1).cloned().collect() };
    let gone = smaller(&newest);
    let (put_back, in_force_now) = (settled("85", 4), in_force(2));
    for (name, book, version) in
        [("put back", &put_back, in_force(2)), ("gone", &gone, in_force(2)), ("configuration", &newest, in_force(1))]
    {
        let store = MemoryStore::default();
        let known = Known::of(&config, &newest, Some(in_force_now.clone()), true);
        evaluate(&store, &known, NOW).await.0.unwrap();
        let older = Known::of(&config, book, Some(version), true);
        for now in ["2026-11-21T06:15:00Z", "2026-11-21T07:14:59Z"] {
            let (outcome, sent) = evaluate(&store, &older, now).await;
            let error = outcome.unwrap_err();
            assert_eq!((error.kind(), error.class(), sent), ("store.older_version", Class::Wait, 0), "{name} {now}");
            assert!(error.to_string().contains("put back the newest"), "{error}");
            assert_eq!(notes(&store).await, 1, "{name}");
        }
        evaluate(&store, &older, "2026-11-21T07:15:00Z").await.0.unwrap();
        // From then on it is what alerts go by, until something newer comes.
        evaluate(&store, &older, "2026-11-21T07:30:00Z").await.0.unwrap();
        evaluate(&store, &known, "2026-11-21T07:45:00Z").await.0.unwrap();
    }
}

#[tokio::test]
async fn of_two_configurations_of_one_second_neither_is_older() {
    let store = MemoryStore::default();
    let (small, large) = (config("[[budget]]\nname = \"search\"\namount = \"50\""), one_budget());
    let (book, InForce { written_at, .. }) = (settled("20", 1), in_force(1));
    let first = Known::of(&large, &book, Some(in_force(1)), true);
    evaluate(&store, &first, NOW).await.0.unwrap();
    let second = Known::of(&small, &book, Some(InForce { etag: ETag("another".to_owned()), written_at }), true);
    evaluate(&store, &second, NOW).await.0.unwrap();
}

#[tokio::test]
async fn a_delivery_after_a_period_was_put_back_is_newer_though_its_number_is_not() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    let newest = settled("10", 5);
    evaluate(&store, &known(&newest), NOW).await.0.unwrap();
    let put_back = settled("10", 3);
    evaluate(&store, &known(&put_back), NOW).await.0.unwrap_err();
    let mut next = settled("85", 4);
    next.periods[0].delivery_id = "another".to_owned();
    next.periods[0].commits = vec![applied("another", 4, at("2026-11-21T08:00:00Z"))];
    assert_eq!(evaluate(&store, &known(&next), NOW).await.1, 2, "it is told at once");
    assert_eq!(evaluate(&store, &known(&next), NOW).await.1, 0);
}

#[tokio::test]
async fn what_a_period_that_was_removed_had_is_not_told_while_it_is_applied_again() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    let newest = settled("10", 5);
    let last = newest.periods[0].commits[0].clone();
    evaluate(&store, &known(&newest), NOW).await.0.unwrap();
    // The sweep applies its deliveries again, oldest first: each bears its own time, and is applied now.
    let again = |cost, delivery: u64, sequence: u64| {
        let mut book = settled(cost, delivery);
        let applied_at = at("2026-11-21T08:00:00Z") + chrono::TimeDelta::seconds(i64::try_from(sequence).unwrap());
        let commit = &mut book.periods[0].commits[0];
        *commit = AppliedDelivery { sequence, applied_at, ..commit.clone() };
        book
    };
    let (first, fourth) = (again("85", 1, 1), again("120", 4, 2));
    for older in [&first, &fourth] {
        let (outcome, sent) = evaluate(&store, &known(older), NOW).await;
        assert_eq!((outcome.map_err(|error| error.kind()), sent), (Err("store.older_version"), 0));
    }
    let fifth = again("10", 5, 3);
    assert_eq!(fifth.periods[0].commits[0].order, last.order);
    let (outcome, sent) = evaluate(&store, &known(&fifth), NOW).await;
    outcome.unwrap();
    assert_eq!(sent, 0);
}

#[tokio::test]
async fn a_wait_that_a_clock_ahead_began_is_no_longer_than_any() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    let (newest, older) = (settled("10", 5), settled("85", 4));
    evaluate(&store, &known(&newest), NOW).await.0.unwrap();
    evaluate(&store, &known(&older), "2036-01-01T00:00:00Z").await.0.unwrap_err();
    evaluate(&store, &known(&older), "2026-11-21T06:15:00Z").await.0.unwrap_err();
    evaluate(&store, &known(&older), "2026-11-21T07:15:00Z").await.0.unwrap();
}

#[tokio::test]
async fn who_works_alone_goes_by_what_is_there() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    let newest = settled("10", 5);
    evaluate(&store, &known(&newest), NOW).await.0.unwrap();
    let (older, notifier) = (settled("85", 4), TestNotifier::default());
    react(&store, &notifier, &Steady(known(&older)), Lease::Alone, at(NOW)).await.unwrap();
    assert_eq!(notifier.sent().len(), 2);
}

/// Sources that cannot be read, or not in time.
struct Stuck<'a> {
    notifier: &'a TestNotifier,
    sent: usize,
}

impl Sources for Stuck<'_> {
    async fn read(&self) -> Result<Known<'_>, AlertError> {
        assert_eq!(self.notifier.sent().len(), self.sent, "what was pending is sent before anything is read");
        Err(CommittedError::Document(DocumentError::WrongFormat {
            key: "state/x".to_owned(),
            name: "y",
            found: String::new(),
        })
        .into())
    }

    async fn is_current(&self, _: &Known<'_>) -> Result<bool, AlertError> {
        Ok(false)
    }
}

#[tokio::test]
async fn what_is_pending_is_sent_before_anything_is_read_and_the_error_still_told() {
    let (config, book, _) = two_alerts();
    let store = MemoryStore::default();
    let failing = TestNotifier::failing(1, false);
    react(&store, &failing, &given(&config, &book), Lease::INVOCATION, at(NOW)).await.unwrap_err();
    let notifier = TestNotifier::default();
    let stuck = Stuck { notifier: &notifier, sent: 1 };
    let error = react(&store, &notifier, &stuck, Lease::INVOCATION, at(NOW)).await.unwrap_err();
    assert_eq!(error.kind(), "store.wrong_format");
    assert_eq!(notifier.sent().len(), 1);
}

#[tokio::test]
async fn what_has_changed_in_a_ledger_is_read_again_and_nothing_else() {
    let store = MemoryStore::default();
    let deployed = Deployed { ledger: &store, now: at(NOW) };
    let defaults = deployed.read().await.unwrap();
    assert!(deployed.is_current(&defaults).await.unwrap());
    store.overwrite(keys::CONFIG_IN_FORCE, "[metrics]\ntop = 7\n".into()).unwrap();
    assert!(!deployed.is_current(&defaults).await.unwrap());
    let known = deployed.read().await.unwrap();
    assert!(deployed.is_current(&known).await.unwrap());
    assert!(known.in_force().unwrap().written_at > defaults.in_force().unwrap().written_at);
    store.overwrite("state/export=cur/period=2026-11.json.zst", "x".into()).unwrap();
    assert!(!deployed.is_current(&known).await.unwrap());
}

#[tokio::test]
async fn of_a_copy_whose_deliveries_bear_no_time_an_earlier_commit_is_older_too() {
    let (store, config) = (MemoryStore::default(), one_budget());
    let arrived = |cost, sequence| {
        let mut book = settled(cost, sequence);
        book.periods[0].commits[0].order.source = OrderSource::Arrival;
        book
    };
    let known = |book| Known::of(&config, book, Some(in_force(1)), true);
    let (newest, older) = (arrived("10", 5), arrived("85", 4));
    evaluate(&store, &known(&newest), NOW).await.0.unwrap();
    let error = evaluate(&store, &known(&older), NOW).await.0.unwrap_err();
    let AlertError::Older { until, .. } = error else { panic!("{error}") };
    assert_eq!(until, at("2026-11-21T07:00:00Z"));
}

#[tokio::test]
async fn a_state_that_was_committed_again_is_read_again() {
    let store = MemoryStore::default();
    let november = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
    let commit = |cost: &str| {
        let state = state_of(&november, vec![fact("2026-11-01", cost, &[])]);
        store.overwrite(&november.state_key(), tabular::encode(&state).unwrap()).unwrap();
    };
    commit("1");
    let deployed = Deployed { ledger: &store, now: at(NOW) };
    let known = deployed.read().await.unwrap();
    assert!(deployed.is_current(&known).await.unwrap());
    commit("2");
    assert!(!deployed.is_current(&known).await.unwrap());
}

/// Reads what is older so often, and then what is not.
struct Catching<'a>(Known<'a>, Known<'a>, AtomicUsize);

impl Sources for Catching<'_> {
    async fn read(&self) -> Result<Known<'_>, AlertError> {
        let is_older = self.2.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        Ok(if is_older { self.0.clone() } else { self.1.clone() })
    }

    async fn is_current(&self, _: &Known<'_>) -> Result<bool, AlertError> {
        Ok(false)
    }
}

#[tokio::test]
async fn what_is_older_is_read_twice_again_before_anybody_is_told() {
    for (times, is_told) in [(2, false), (3, true)] {
        let (store, config) = (MemoryStore::default(), one_budget());
        let (newest, older) = (settled("10", 5), settled("85", 4));
        let known = |book| Known::of(&config, book, Some(in_force(1)), true);
        evaluate(&store, &known(&newest), NOW).await.0.unwrap();
        let catching = Catching(known(&older), known(&newest), AtomicUsize::new(times));
        let outcome = react(&store, &TestNotifier::default(), &catching, Lease::INVOCATION, at(NOW)).await;
        assert_eq!((outcome.is_err(), notes(&store).await), (is_told, usize::from(is_told)), "{times}");
    }
}
