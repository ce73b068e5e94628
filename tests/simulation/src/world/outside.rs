//! All that is outside the program.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_ledger::store::memory::MemoryStore;

use crate::dice::Dice;
use crate::history::Setup;
use crate::history::step::Function;
use crate::world::cloudwatch::CloudWatch;
use crate::world::log::{Happened, Log, is_watched};
use crate::world::queue::Queue;

/// The name of the export's bucket.
pub const BUCKET: &str = "acme";

/// What it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls to S3, CloudWatch and SNS.
    pub calls: u64,
    /// Those that went wrong, and sandboxes that died.
    pub faults: u64,
    /// Deliveries that were written.
    pub deliveries: u64,
    /// Sandboxes that ran.
    pub sandboxes: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.faults += other.faults;
        self.deliveries += other.deliveries;
        self.sandboxes += other.sandboxes;
    }
}

/// Somebody in a history who made calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The step, by place.
    pub step: usize,
    /// Who of those that were at work in it, by place.
    pub actor: usize,
    pub calls: u16,
    /// Those that were to change something, from 1.
    pub changes: Vec<u16>,
}

/// All that is outside the program.
#[derive(Debug)]
pub struct World {
    pub setup: Setup,
    seed: u64,
    /// The export's bucket.
    pub export: MemoryStore,
    /// The ledger's bucket.
    pub ledger: MemoryStore,
    inside: Mutex<Inside>,
}

/// What changes.
#[derive(Debug, Default)]
pub struct Inside {
    pub now: DateTime<Utc>,
    pub cloudwatch: CloudWatch,
    pub log: Log,
    pub queues: BTreeMap<Function, Queue>,
    pub tally: Tally,
    /// Who made how many calls.
    pub callers: Vec<Caller>,
    /// How often each object was written.
    versions: BTreeMap<String, u64>,
}

impl World {
    /// The world at its beginning.
    pub fn new(seed: u64, setup: &Setup, is_told: bool) -> Self {
        let world = Self {
            setup: setup.clone(),
            seed,
            export: MemoryStore::default(),
            ledger: MemoryStore::default(),
            inside: Mutex::default(),
        };
        world.inside().log.lines = is_told.then(Vec::new);
        world.set_now(setup.begins());
        world
    }

    /// What changes. Nobody holds it while others take turns.
    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// The time, by the clock of AWS.
    pub fn now(&self) -> DateTime<Utc> {
        self.inside().now
    }

    /// Time passes.
    pub fn pass(&self, time: TimeDelta) {
        self.set_now(self.now() + time);
    }

    fn set_now(&self, now: DateTime<Utc>) {
        self.inside().now = now;
        self.export.set_now(now);
        self.ledger.set_now(now);
    }

    /// An object of the export's bucket was written.
    pub fn export_written(&self, key: &str) {
        self.announce(Function::Ingest, key);
    }

    /// An object of the ledger was written.
    pub fn ledger_written(&self, key: &str, bytes: &Bytes) {
        {
            let mut inside = self.inside();
            // Pages are replaced each morning, whether or not they have changed.
            inside.log.writes += u64::from(!key.starts_with("pages/"));
            if is_watched(key) {
                let wrote = Happened::Wrote { key: key.to_owned(), bytes: bytes.clone(), at: inside.now };
                inside.log.happened.push(wrote);
            }
        }
        if key.starts_with("deliveries/") && key.ends_with("/ready.json") || key == "config/ledger.toml" {
            self.announce(Function::Aggregate, key);
        }
        if key.starts_with("state/") || key.starts_with("operations/notes/") {
            self.announce(Function::Alert, key);
        }
    }

    /// S3 tells a function of an object. What becomes of the event follows from the seed, the object and how often it was
    /// written before.
    fn announce(&self, function: Function, key: &str) {
        let mut inside = self.inside();
        let version = inside.versions.entry(key.to_owned()).or_default();
        *version += 1;
        let name = key.bytes().fold(*version, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let now = inside.now;
        inside.queues.entry(function).or_default().announce(key, now, &self.setup, Dice::of_all(&[self.seed, name]));
    }

    /// Remembers a line for people.
    pub fn say(&self, line: impl FnOnce() -> String) {
        let mut inside = self.inside();
        let now = inside.now;
        inside.log.say(|| format!("{} {}", now.format("%m-%d %H:%M:%S"), line()));
    }
}
