//! Every order in which evaluators, senders, sweeps and commits can come between one another, in a small world, up to
//! [`DEPTH`] interruptions.
//!
//! The world: three books, two configurations, two evaluators with clocks two minutes apart, and one who commits a book, a
//! configuration and a book. Each of them stops before each call to the store or to the notifier. A schedule lets one go
//! on until it has finished, and then the next; an *interruption* is a step at which another goes on instead, or at which
//! the one whose turn it is dies. All schedules with so many interruptions are gone through.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Waker};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::config::in_force::InForce;
use crate::outputs::outbox::Lease;
use crate::outputs::{Message, Notifier, PublishError, Topic};
use crate::store::ETag;

/// How many interruptions a schedule has at most.
const DEPTH: usize = 2;

const BOOK: &str = "world/book";
const CONFIG: &str = "world/config";

/// What there is to read: books by commit, and configurations.
struct Library {
    books: [Book; 3],
    configs: [Config; 2],
}

/// What happens in a world.
struct World<'a> {
    library: &'a Library,
    store: MemoryStore,
    sent: Line,
}

#[derive(Default)]
struct Line(std::sync::Mutex<Vec<Message>>);

impl Notifier for Line {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        tokio::task::yield_now().await;
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }
}

/// Reads which book and configuration are in force from the store that others take turns at.
struct InStore<'a> {
    library: &'a Library,
    store: TurnTaking<'a>,
}

impl InStore<'_> {
    async fn place(&self, key: &str) -> usize {
        let (bytes, _) = self.store.get(key).await.unwrap().unwrap();
        std::str::from_utf8(&bytes).unwrap().parse().unwrap()
    }
}

impl Sources for InStore<'_> {
    async fn read(&self) -> Result<Known<'_>, AlertError> {
        let config = self.place(CONFIG).await;
        let book = self.place(BOOK).await;
        let written_at = at(NOW) - TimeDelta::hours(2 - i64::try_from(config).unwrap());
        let in_force = InForce { etag: ETag(config.to_string()), written_at };
        Ok(Known::of(&self.library.configs[config], &self.library.books[book], Some(in_force), true))
    }

    async fn is_current(&self, _: &Known<'_>) -> Result<bool, AlertError> {
        Ok(false)
    }
}

impl Library {
    /// November, settled, with so much at each commit, and two limits.
    fn of(costs: [&str; 3], limits: [&str; 2]) -> Self {
        let mut number = 0;
        let books = costs.map(|cost| {
            number += 1;
            let mut book = november(cost);
            book.periods[0].data_as_of = Some(at("2026-11-21T00:00:00Z"));
            committed(book, number)
        });
        let configs = limits.map(|limit| {
            config(&format!(
                "[[budget]]\nname = \"search\"\namount = \"{limit}\"\nthresholds = [100]\nseverity = \"page\""
            ))
        });
        Self { books, configs }
    }
}

impl<'a> World<'a> {
    /// A world at the first book, as it is or with a state.
    fn of(library: &'a Library, state: Option<Bytes>) -> Self {
        let (store, sent) = (MemoryStore::default(), Line::default());
        for key in [BOOK, CONFIG] {
            store.overwrite(key, "0".into()).unwrap();
        }
        if let Some(state) = state {
            store.overwrite(STATE_KEY, state).unwrap();
        }
        Self { library, store, sent }
    }

    async fn evaluate(&self, now: DateTime<Utc>) {
        let sources = InStore { library: self.library, store: TurnTaking(&self.store) };
        react(&sources.store, &self.sent, &sources, Lease::INVOCATION, now).await.unwrap();
    }

    async fn commit(&self, key: &str, place: &'static str) {
        tokio::task::yield_now().await;
        self.store.overwrite(key, place.into()).unwrap();
    }
}

/// What interrupts a schedule, at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interruption {
    /// Another goes on.
    Turn(usize),
    /// The one whose turn it is dies.
    Death,
}

type Schedule = Vec<(usize, Interruption)>;
type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Goes through a schedule. Returns whose turn each step was, and how many tasks there are.
fn follow(world: &World<'_>, schedule: &Schedule) -> (Vec<usize>, usize) {
    let now = at(NOW);
    let mut tasks: Vec<Option<Task<'_>>> = vec![
        Some(Box::pin(world.evaluate(now))),
        Some(Box::pin(world.evaluate(now + TimeDelta::minutes(2)))),
        Some(Box::pin(async {
            world.commit(BOOK, "1").await;
            world.commit(CONFIG, "1").await;
            world.commit(BOOK, "2").await;
        })),
    ];
    let count = tasks.len();
    let mut interruptions: VecDeque<_> = schedule.iter().copied().collect();
    let (mut turn, mut turns) = (0, Vec::new());
    while tasks.iter().any(Option::is_some) {
        if let Some((_, interruption)) = interruptions.pop_front_if(|(at, _)| *at == turns.len()) {
            match interruption {
                Interruption::Turn(to) => turn = to,
                Interruption::Death => tasks[turn] = None,
            }
        }
        while tasks[turn].is_none() && tasks.iter().any(Option::is_some) {
            turn = (turn + 1) % count;
        }
        let Some(task) = &mut tasks[turn] else { break };
        if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            tasks[turn] = None;
        }
        turns.push(turn);
    }
    (turns, count)
}

/// What must hold after any schedule.
async fn hold(world: &World<'_>, schedule: &Schedule) {
    // What the dead have claimed is free by then.
    let later = at(NOW) + TimeDelta::minutes(40);
    world.commit(BOOK, "2").await;
    world.commit(CONFIG, "1").await;
    world.evaluate(later).await;
    let sent = world.sent.0.lock().unwrap().clone();
    world.evaluate(later + TimeDelta::minutes(15)).await;
    assert_eq!(world.sent.0.lock().unwrap().len(), sent.len(), "{schedule:?}: a further sweep says something");
    let state = state(&world.store).await;
    assert_eq!(state.outbox.pending(), 0, "{schedule:?}");
    let has_death = schedule.iter().any(|(_, interruption)| *interruption == Interruption::Death);
    let mut heard: BTreeMap<(Topic, &str, &str), &str> = BTreeMap::new();
    for message in &sent {
        let (status, id) = (&*message.attributes["status"], &*message.attributes["alert_id"]);
        if let Some(body) = heard.insert((message.topic, status, id), &message.body) {
            assert!(has_death && body == message.body, "{schedule:?}: {status} {id} was told twice");
        }
        let is_ended = status == "resolved";
        assert!(
            !is_ended || heard.contains_key(&(message.topic, "firing", id)),
            "{schedule:?}: {id} ends before it fires"
        );
    }
    // In which order the world was told of, by commit and by limit, and what was said last.
    let told = |message: &Message| {
        let event: Value = serde_json::from_str(&message.body).unwrap();
        let commit = event.pointer("/data/deliveries/0/delivery_id").and_then(Value::as_str).unwrap().to_owned();
        (
            commit,
            event.pointer("/status").and_then(Value::as_str).unwrap().to_owned(),
            message.attributes["alert_id"].clone(),
        )
    };
    let mut events: Vec<_> = sent.iter().filter(|message| message.topic == Topic::Events).map(told).collect();
    if has_death {
        // What was in doubt comes again, with its words.
        let mut known = BTreeSet::new();
        events.retain(|event| known.insert(event.clone()));
    }
    assert!(events.is_sorted_by_key(|(commit, ..)| commit), "{schedule:?}: an older book was told of: {events:?}");
    let limit = |(_, status, id): &(String, String, String)| {
        (status == "firing").then(|| id.rsplit(':').nth(1).unwrap().to_owned())
    };
    let limits: Vec<_> = events.iter().filter_map(limit).collect();
    let first = world.library.configs[0].rules.budgets[0].amount.to_string();
    let replaced = limits.iter().position(|limit| *limit != first).unwrap_or(limits.len());
    assert!(
        limits[replaced..].iter().all(|limit| *limit != first),
        "{schedule:?}: an older limit was told of: {events:?}"
    );
    // What is true is known, and what is not true is not.
    let (book, config) = (&world.library.books[2], &world.library.configs[1]);
    let found = config.rules.evaluate(&book.facts(), &config.cost, &book.span()).unwrap();
    let is_crossed = found.measurements.iter().any(|measured| measured.crossed().next().is_some());
    let open: Vec<_> = state.crossings.values().filter(|crossing| crossing.is_crossed).collect();
    assert_eq!(open.len(), usize::from(is_crossed), "{schedule:?}: {open:?}");
    let last = events.last().map(|(_, status, _)| status.as_str());
    assert_eq!(last == Some("firing"), is_crossed, "{schedule:?}: {events:?}");
    assert!(open.iter().all(|crossing| crossing.is_told()), "{schedule:?}");
}

/// Goes through all schedules. Returns how many there are.
async fn explore(costs: [&str; 3], limits: [&str; 2]) -> usize {
    let library = Library::of(costs, limits);
    let begun = World::of(&library, None);
    begun.evaluate(at(NOW) - TimeDelta::hours(1)).await;
    let (state, _) = begun.store.get(STATE_KEY).await.unwrap().unwrap();
    let fired = begun.sent.0.into_inner().unwrap();
    let mut left: Vec<Schedule> = vec![Vec::new()];
    let mut count = 0;
    while let Some(schedule) = left.pop() {
        let world = World::of(&library, Some(state.clone()));
        world.sent.0.lock().unwrap().extend(fired.clone());
        let (turns, tasks) = follow(&world, &schedule);
        hold(&world, &schedule).await;
        count += 1;
        if schedule.len() < DEPTH {
            let from = schedule.last().map_or(0, |(step, _)| step + 1);
            let others = |turn: usize| (0..tasks).filter(move |to| *to != turn).map(Interruption::Turn);
            // A commit is one write: who commits dies before or after it.
            let death = |turn: usize| (turn + 1 < tasks).then_some(Interruption::Death);
            let choices = |turn| others(turn).chain(death(turn));
            let steps = turns.into_iter().enumerate().skip(from);
            let next = steps.flat_map(|(step, turn)| choices(turn).map(move |choice| (step, choice)));
            left.extend(next.map(|choice| [schedule.as_slice(), &[choice]].concat()));
        }
    }
    count
}

#[tokio::test]
async fn a_restatement_and_a_second_crossing_are_told_in_order_by_whoever_comes_between() {
    let count = explore(["120", "10", "130"], ["100", "100"]).await;
    assert!(count > 500, "{count}");
}

#[tokio::test]
async fn a_limit_that_is_raised_meanwhile_is_told_of_by_nobody_who_still_has_the_old_one() {
    let count = explore(["120", "130", "140"], ["100", "110"]).await;
    assert!(count > 500, "{count}");
}
