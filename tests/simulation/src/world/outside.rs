//! All that is outside the program.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_ledger::store::Store as _;
use spend_ledger::store::memory::MemoryStore;

use crate::dice::Dice;
use crate::history::step::Function;
use crate::history::{Setup, Times};
use crate::world::cloudwatch::CloudWatch;
use crate::world::line::ready;
use crate::world::log::{Happened, Log, is_watched};
use crate::world::older::older;
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
    /// What AWS has written and the copy does not have yet, in the order in which it was written.
    under_way: Vec<Copy>,
    /// How often each object was written.
    versions: BTreeMap<String, u64>,
}

/// A version of a file on its way to the copy of a bucket.
#[derive(Debug)]
struct Copy {
    key: String,
    bytes: Bytes,
    written: DateTime<Utc>,
    due: DateTime<Utc>,
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
        self.arrive();
    }

    fn set_now(&self, now: DateTime<Utc>) {
        self.inside().now = now;
        self.export.set_now(now);
        self.ledger.set_now(now);
    }

    /// About so many of a hundred objects of the ledger become what an older release would have written, at the time at which
    /// they were written.
    pub fn becomes_older(&self, percent: u8) {
        let now = self.now();
        for object in ready(self.ledger.list("")).unwrap() {
            let name = object.key.bytes().fold(1, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            if !Dice::of_all(&[self.seed, name]).percent(percent.into()) {
                continue;
            }
            let (bytes, _) = ready(self.ledger.get(&object.key)).unwrap().unwrap();
            if let Some((key, older)) = older(&object.key, &bytes) {
                self.ledger.set_now(object.last_modified);
                self.ledger.overwrite(&key, older).unwrap();
                if key != object.key {
                    self.ledger.remove(&object.key);
                }
                self.say(|| format!("  an older release wrote {}", object.key));
            }
        }
        self.ledger.set_now(now);
    }

    /// AWS writes an object of the export's bucket. In a copy of it the object arrives later, but not before an earlier
    /// version of it.
    pub fn export_written(&self, key: String, bytes: Bytes) {
        let written = self.now();
        if self.setup.copied.is_none() {
            self.export.overwrite(&key, bytes).unwrap();
            self.announce(Function::Ingest, &key);
            return;
        }
        {
            let mut inside = self.inside();
            let name = key
                .bytes()
                .fold(written.timestamp().unsigned_abs(), |sum, byte| sum.wrapping_mul(31) ^ u64::from(byte));
            let mut dice = Dice::of_all(&[self.seed, name]);
            // Mostly minutes. A delivery may be counted without what is late by a day, beside files of the one before.
            let most = *dice.pick(&[0, 5, 5, 5, 60, 60, 60, 300, 300, 3000]);
            let due = written + TimeDelta::minutes(dice.between(0, most));
            let before = inside.under_way.iter().filter(|copy| copy.key == key).map(|copy| copy.due).max();
            let due = before.map_or(due, |before| before.max(due));
            inside.under_way.push(Copy { key, bytes, written, due });
        }
        self.arrive();
    }

    /// What has been under way arrives, as far as it is due.
    fn arrive(&self) {
        let Some(times) = self.setup.copied else { return };
        let now = self.now();
        let mut due: Vec<_> = self.inside().under_way.extract_if(.., |copy| copy.due <= now).collect();
        due.sort_by_key(|copy| copy.due);
        for Copy { key, bytes, written, .. } in due {
            self.say(|| format!("  {key} arrives"));
            self.export.set_now(if times == Times::OfSource { written } else { now });
            self.export.overwrite(&key, bytes).unwrap();
            self.export.set_now(now);
            self.announce(Function::Ingest, &key);
        }
    }

    /// Waits until nothing is under way any more.
    pub fn all_arrive(&self) {
        let last = self.inside().under_way.iter().map(|copy| copy.due).max();
        if let Some(last) = last.filter(|last| *last > self.now()) {
            self.pass(last - self.now());
        }
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
