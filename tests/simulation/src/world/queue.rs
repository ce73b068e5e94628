//! The events that wait for a function: at least once, in any order, and now and then not at all.

use chrono::{DateTime, TimeDelta, Utc};

use crate::dice::Dice;
use crate::history::Setup;

/// How often SQS gives a message to a function before it goes to the dead-letter queue.
const MOST_ATTEMPTS: u8 = 3;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The object that was created.
    pub key: String,
    due: DateTime<Utc>,
    attempts: u8,
}

/// What waits for one function.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Vec<Event>,
}

impl Queue {
    /// An object was created. What becomes of its event follows from `fate`.
    pub fn announce(&mut self, key: &str, now: DateTime<Utc>, setup: &Setup, mut fate: Dice) {
        if fate.percent(setup.lost) {
            return;
        }
        let times = if fate.percent(setup.doubled) { 2 } else { 1 };
        for _ in 0..times {
            let late =
                if fate.percent(setup.late) { TimeDelta::minutes(fate.between(1, 72 * 60)) } else { TimeDelta::zero() };
            self.waiting.push(Event { key: key.to_owned(), due: now + late, attempts: 0 });
        }
    }

    /// Takes up to `most` events that are due, in any order.
    pub fn take(&mut self, most: usize, now: DateTime<Utc>, order: &mut Dice) -> Vec<Event> {
        let (mut due, waiting): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|event| event.due <= now);
        order.shuffle(&mut due);
        let rest = due.split_off(due.len().min(most));
        self.waiting = waiting;
        self.waiting.extend(rest);
        due
    }

    /// Events that were taken and not done come again, a few times.
    pub fn put_back(&mut self, events: impl IntoIterator<Item = Event>) {
        let again = events.into_iter().map(|event| Event { attempts: event.attempts + 1, ..event });
        self.waiting.extend(again.filter(|event| event.attempts < MOST_ATTEMPTS));
    }

    /// How many are due.
    pub fn due(&self, now: DateTime<Utc>) -> usize {
        self.waiting.iter().filter(|event| event.due <= now).count()
    }

    /// When the last one is due.
    pub fn last(&self) -> Option<DateTime<Utc>> {
        self.waiting.iter().map(|event| event.due).max()
    }
}
