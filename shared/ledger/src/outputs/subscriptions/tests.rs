use std::sync::Mutex;

use super::*;
use crate::reaction_fixtures::{TestNotifier, at};
use crate::store::memory::MemoryStore;

/// How many confirmed and pending subscriptions topics have: alerts, events, digest, operations.
type Counts = [(u64, u64); 4];

#[derive(Default)]
struct World {
    store: MemoryStore,
    counts: Mutex<Counts>,
    asked: Mutex<u64>,
    notifier: TestNotifier,
}

impl Subscriptions for &World {
    async fn subscribers(&self, topic: Topic) -> Result<Subscribers, PublishError> {
        *self.asked.lock().unwrap() += 1;
        let place = TOPICS.iter().position(|known| *known == topic).unwrap();
        let (confirmed, pending) = self.counts.lock().unwrap()[place];
        Ok(Subscribers { confirmed, pending })
    }
}

impl World {
    /// What one sweep tells, with these counts: the topics and the subject.
    async fn sweep(&self, counts: Counts, now: &str) -> Vec<(&'static str, String)> {
        *self.counts.lock().unwrap() = counts;
        let before = self.notifier.sent().len();
        check(&self.store, &self, at(now)).await.unwrap();
        drain(&self.store, &self.notifier, Lease::INVOCATION, at(now)).await.unwrap();
        let sent = self.notifier.sent();
        sent[before..].iter().map(|message| (message.topic.as_str(), message.subject.clone())).collect()
    }

    fn asked(&self) -> u64 {
        *self.asked.lock().unwrap()
    }

    async fn watched(&self, now: &str) -> Vec<(String, u64)> {
        let (bytes, _) = self.store.get(STATE_KEY).await.unwrap().unwrap();
        watched(&bytes, at(now)).unwrap().into_iter().collect()
    }
}

const NOBODY: (u64, u64) = (0, 0);
const ONE: (u64, u64) = (1, 0);
const ASKED: (u64, u64) = (0, 1);
const ALL: Counts = [ONE, NOBODY, ONE, ONE];

#[tokio::test]
async fn a_topic_that_has_lost_its_reader_is_told_to_the_others_once_and_again_when_it_is_lost_again() {
    let world = World::default();
    assert_eq!(world.sweep(ALL, "2026-11-20T06:00:00Z").await, []);
    let lost = [ONE, NOBODY, ONE, NOBODY];
    let told =
        || [("alerts", "Nobody reads: operations".to_owned()), ("digest", "Nobody reads: operations".to_owned())];
    assert_eq!(world.sweep(lost, "2026-11-21T06:00:00Z").await, told());
    for hour in ["2026-11-21T07:00:00Z", "2026-11-22T06:00:00Z", "2026-12-21T06:00:00Z"] {
        assert_eq!(world.sweep(lost, hour).await, [], "{hour}");
    }
    assert_eq!(world.sweep(ALL, "2026-12-21T07:00:00Z").await, []);
    assert_eq!(world.sweep(lost, "2026-12-22T07:00:00Z").await, told());
}

#[tokio::test]
async fn topics_are_asked_once_a_day_and_every_hour_while_one_has_nobody() {
    let world = World::default();
    for minutes in ["00", "15", "30", "45"] {
        world.sweep(ALL, &format!("2026-11-20T06:{minutes}:00Z")).await;
    }
    assert_eq!(world.asked(), 4, "that nobody reads the topic of machines is nothing to wait for");
    world.sweep([NOBODY, NOBODY, ONE, ONE], "2026-11-21T06:00:00Z").await;
    assert_eq!(world.asked(), 8);
    for hour in ["06:15", "07:00", "07:15", "08:00"] {
        world.sweep([NOBODY, NOBODY, ONE, ONE], &format!("2026-11-21T{hour}:00Z")).await;
    }
    assert_eq!(world.asked(), 16);
}

#[tokio::test]
async fn who_was_asked_to_confirm_has_a_day_and_a_topic_without_any_address_is_told_at_once() {
    let world = World::default();
    let begin = [ONE, NOBODY, NOBODY, ASKED];
    assert_eq!(world.sweep(begin, "2026-11-20T06:00:00Z").await, [("alerts", "Nobody reads: digest".to_owned())]);
    assert_eq!(world.sweep(begin, "2026-11-20T07:00:00Z").await, []);
    assert_eq!(world.watched("2026-11-20T07:00:00Z").await, [("alerts".to_owned(), 1)], "nobody else is missed yet");
    // A link that was not used is gone, and so is the subscription.
    let later = [ONE, NOBODY, NOBODY, NOBODY];
    assert_eq!(world.sweep(later, "2026-11-21T07:00:00Z").await, [("alerts", "Nobody reads: operations".to_owned())]);
    let watched = world.watched("2026-11-21T07:00:00Z").await;
    assert_eq!(watched, [("alerts".to_owned(), 1), ("operations".to_owned(), 0)], "digest is nobody's wish");
}

#[tokio::test]
async fn where_nobody_reads_anything_it_is_told_as_soon_as_somebody_does() {
    let world = World::default();
    assert_eq!(world.sweep([NOBODY, ONE, NOBODY, NOBODY], "2026-11-20T06:00:00Z").await, [], "machines read JSON");
    assert_eq!(
        world.sweep([NOBODY, ONE, NOBODY, ONE], "2026-11-20T07:00:00Z").await,
        [("operations", "Nobody reads: alerts, digest".to_owned())]
    );
}

#[tokio::test]
async fn a_machine_that_has_left_is_told() {
    let world = World::default();
    assert_eq!(world.sweep([ONE, ONE, ONE, ONE], "2026-11-20T06:00:00Z").await, []);
    let told = world.sweep(ALL, "2026-11-21T06:00:00Z").await;
    assert_eq!(told.iter().map(|(topic, _)| *topic).collect::<Vec<_>>(), ["alerts", "digest", "operations"]);
    assert!(told.iter().all(|(_, subject)| subject == "Nobody reads: events"), "{told:?}");
    assert_eq!(world.watched("2026-11-21T06:00:00Z").await[2], ("events".to_owned(), 0));
}

#[tokio::test]
async fn what_was_told_long_ago_is_forgotten() {
    let world = World::default();
    let size = async || world.store.get(STATE_KEY).await.unwrap().unwrap().0.len();
    let mut sizes = Vec::new();
    for month in 1..=12 {
        world.sweep(ALL, &format!("2027-{month:02}-01T06:00:00Z")).await;
        let told = world.sweep([ONE, NOBODY, ONE, NOBODY], &format!("2027-{month:02}-02T06:00:00Z")).await;
        assert_eq!(told.len(), 2, "{month}");
        sizes.push(size().await);
    }
    assert!(sizes[11] <= sizes[2], "{sizes:?}");
}
