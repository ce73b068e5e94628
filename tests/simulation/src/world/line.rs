//! A sandbox's line to the world: before each call others take turns, and some calls go wrong. A sandbox that dies at a
//! call never gets its answer; whoever runs it drops it.

use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::history::trouble::{At, Purpose, Trouble};

/// A sandbox's line.
#[derive(Debug, Default)]
pub struct Line {
    /// What its calls are called in the log.
    pub name: String,
    troubles: Vec<(At, Trouble)>,
    hurried: Option<u16>,
    /// When the platform kills it.
    ends: DateTime<Utc>,
    calls: AtomicU16,
    /// The calls that were to change something.
    changes: Mutex<Vec<u16>>,
    /// How many put metrics or sent messages.
    tellings: AtomicU16,
    dead: AtomicBool,
    met: AtomicU16,
}

impl Line {
    /// A line on which these calls, from 1, go wrong, and whose sandbox is told that its time is over after so many. The
    /// platform kills it when its time really is.
    pub fn new(name: String, troubles: &[(At, Trouble)], hurried: Option<u16>, ends: DateTime<Utc>) -> Self {
        Self { name, troubles: troubles.to_vec(), hurried, ends, ..Self::default() }
    }

    /// A call begins: others take turns, and then it is known what goes wrong with it.
    pub async fn call(&self, purpose: Purpose) -> Option<Trouble> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if purpose != Purpose::Reading {
            self.changes.lock().unwrap().push(call);
        }
        let telling =
            (purpose == Purpose::Telling).then(|| At::Telling(self.tellings.fetch_add(1, Ordering::Relaxed) + 1));
        turn().await;
        let is_this = |at: &At| *at == At::Call(call) || Some(*at) == telling;
        let trouble = self.troubles.iter().find(|(at, _)| is_this(at)).map(|(_, trouble)| *trouble)?;
        self.met.fetch_add(1, Ordering::Relaxed);
        if trouble == Trouble::DiesBefore {
            self.die().await;
        }
        Some(trouble)
    }

    /// The sandbox is no more.
    pub async fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }

    /// Whether the sandbox is no more.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// How many calls were made.
    pub fn calls(&self) -> u16 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The calls that were to change something, from 1.
    pub fn changes(&self) -> Vec<u16> {
        self.changes.lock().unwrap().clone()
    }

    /// How many calls went wrong.
    pub fn met(&self) -> u16 {
        self.met.load(Ordering::Relaxed)
    }

    /// Whether the platform has killed the sandbox by now.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.ends
    }

    /// How much time the sandbox has left.
    pub fn time_left(&self, now: DateTime<Utc>) -> Duration {
        match self.hurried {
            Some(last) if self.calls() >= last => Duration::ZERO,
            _ => self.ends.signed_duration_since(now).to_std().unwrap_or_default(),
        }
    }
}

/// What a future comes to that waits for nobody.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits for somebody"),
    }
}

/// Others take turns.
pub async fn turn() {
    Turn(false).await;
}

struct Turn(bool);

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        // Futures that drive several others ask only those that have called.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
