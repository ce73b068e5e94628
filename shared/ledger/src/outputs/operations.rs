//! What whoever operates the program is told: notes that any step leaves, each once, and the outbox that sends them.
//!
//! A note is an object of its own, put if absent, so that a step may leave it again and again and needs no right to
//! send. The step alert writes notes that it does not know into its outbox, [`STATE_KEY`], and sends what is pending.
//!
//! Of one kind a few are mailed a day; the rest is one summary with their number. It is counted where notes become
//! messages, in one object under conditional writes: the functions that leave notes need not agree on anything.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use spend_core::errors::fault::{Fault, Says};
use spend_core::errors::text::cut;
use spend_core::messages::operations::more::MoreNotes;
use spend_core::messages::operations::trouble::Trouble;
use spend_core::rules::rule::Severity;
use spend_core::text::{Text, ascii};

use crate::outputs::message::{Attributes, Message, Notifier, Topic};
use crate::outputs::outbox::{self, Held, Lease, Outbox, OutboxError, OutboxState};
use crate::state::document::{Document, DocumentError, decode, encode};
use crate::state::{keys, retention};
use crate::store::{Put, Store, StoreError};

/// Where the outbox lies.
pub const STATE_KEY: &str = "operations/state.json";

/// How many notes of one kind become messages of their own on one day (UTC).
const MOST_A_DAY: u64 = 5;

/// How many of the others a summary names.
const NAMED: usize = 12;

/// The longest body of a note, in bytes. SNS takes 256 KiB, and nobody reads that.
const LONGEST_BODY: usize = 16 * 1024;

/// Something to tell, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about: nobody is told of the same thing twice.
    pub id: String,
    /// What is told.
    pub text: Text,
}

impl Note {
    /// Of an error that only a person can mend, told once a week (ISO 8601, UTC) as long as it lasts. `about` is what
    /// it concerns, so that a hundred files of one delivery are one note: `cur 2026-11`.
    pub fn of_error(kind: &str, about: &str, doing: &str, said: &str, now: DateTime<Utc>) -> Self {
        let week = now.iso_week();
        let id = format!("{kind}:{about}:{:04}-W{:02}", week.year(), week.week());
        Self { id, text: Trouble { kind, doing, said: &cut(said), now }.text() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredNote {
    id: String,
    subject: String,
    body: String,
    at: DateTime<Utc>,
}

impl Document for StoredNote {
    const FORMAT: &'static str = "operations-note";
    const VERSION: u32 = 1;
}

/// Which notes are known, and which are to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperationsState {
    outbox: Outbox,
    /// What was told of each kind of note of late. Version 1 did not count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    kinds: BTreeMap<String, ToldOfKind>,
}

/// How many notes of a kind were told on a day, and how many were not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ToldOfKind {
    /// The day (UTC).
    day: NaiveDate,
    /// How many became messages of their own that day.
    told: u64,
    /// How many did not, and are in no summary yet.
    untold: u64,
    /// The subjects of the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<String>,
    /// The day of the last summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    summed_up: Option<NaiveDate>,
}

impl ToldOfKind {
    fn on(day: NaiveDate) -> Self {
        Self { day, told: 0, untold: 0, subjects: Vec::new(), summed_up: None }
    }

    fn is_summary_due(&self, today: NaiveDate) -> bool {
        self.untold > 0 && self.summed_up != Some(today)
    }
}

impl OperationsState {
    /// Queues a note that is not known; beyond so many of its kind a day it is counted alone.
    fn take(&mut self, key: &str, note: &StoredNote, now: DateTime<Utc>) {
        if self.outbox.knows(key) {
            return;
        }
        let today = now.date_naive();
        let told = self.kinds.entry(kind_of(&note.id).to_owned()).or_insert_with(|| ToldOfKind::on(today));
        if told.day != today {
            (told.day, told.told) = (today, 0);
        }
        if told.told < MOST_A_DAY {
            told.told += 1;
            self.outbox.queue(key, vec![message(note.clone())], now);
        } else {
            told.untold += 1;
            if told.subjects.len() < NAMED {
                told.subjects.push(note.subject.clone());
            }
            self.outbox.pass_over(key, now);
        }
    }

    /// Forgets what was told of notes that have expired. A note that is still there stays known, or it would be told again
    /// at once; one that is left anew after so long is told again.
    fn forget(&mut self, there: &BTreeSet<String>, now: DateTime<Utc>) {
        self.outbox.forget_unless(retention::expired_by(now), |key| there.contains(key));
    }

    /// Whether something was counted alone of which the day has no summary.
    fn is_summary_due(&self, now: DateTime<Utc>) -> bool {
        self.kinds.values().any(|told| told.is_summary_due(now.date_naive()))
    }

    /// Queues a summary of what was counted alone, once a day and kind.
    fn sum_up(&mut self, now: DateTime<Utc>) {
        let today = now.date_naive();
        for (kind, told) in &mut self.kinds {
            if told.is_summary_due(today) {
                let text = MoreNotes { kind, count: told.untold, subjects: &told.subjects }.text();
                let note =
                    StoredNote { id: format!("more:{kind}:{today}"), subject: text.subject, body: text.body, at: now };
                self.outbox.queue(&note.id.clone(), vec![message(note)], now);
                (told.untold, told.summed_up) = (0, Some(today));
                told.subjects.clear();
            }
        }
        self.kinds.retain(|_, told| told.untold > 0 || told.day == today || told.summed_up == Some(today));
    }
}

/// The kind of a note: what its id begins with.
fn kind_of(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}

impl Document for OperationsState {
    const FORMAT: &'static str = "operations-state";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}

impl OutboxState for OperationsState {
    const KEY: &'static str = STATE_KEY;

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

/// Why a note was not left.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Fault for NoteError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Store(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
        }
    }
}

/// Leaves a note, unless one of its id was ever left. Returns whether it is new.
///
/// Leaving it again is harmless.
pub async fn leave<S: Store>(store: &S, note: &Note, now: DateTime<Utc>) -> Result<bool, NoteError> {
    let Text { subject, body } = note.text.clone();
    let stored = StoredNote { id: note.id.clone(), subject, body: bounded(body), at: now };
    let put = store.put_if_absent(&keys::note_key(&note.id), encode(&stored)?).await?;
    Ok(matches!(put, Put::Written(_)))
}

/// A body that fits into a message.
fn bounded(mut body: String) -> String {
    if body.len() > LONGEST_BODY {
        body.truncate(body.floor_char_boundary(LONGEST_BODY));
        body.push_str("\n(cut here: it was longer)\n");
    }
    body
}

/// Whether a note of this id was ever left.
pub async fn is_left<S: Store>(store: &S, id: &str) -> Result<bool, StoreError> {
    Ok(store.head(&keys::note_key(id)).await?.is_some())
}

/// Writes the notes that are not known yet into the outbox, and sends what is pending. Returns how many messages were
/// sent.
///
/// A note that cannot be read holds up no other.
///
/// What was not queued or not sent is so by the next call.
pub async fn drain<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    let queued = queue(store, now).await;
    let sent = outbox::drain::<OperationsState, S, N>(store, notifier, lease, now).await;
    queued?;
    sent
}

async fn queue<S: Store>(store: &S, now: DateTime<Utc>) -> Result<(), OutboxError> {
    let listed = store.list(keys::NOTES_PREFIX).await?;
    if listed.is_empty() {
        return Ok(());
    }
    let there: BTreeSet<String> = listed.iter().map(|object| object.key.clone()).collect();
    let mut state = Held::<OperationsState>::read(store).await?.state;
    let mut unknown = Vec::new();
    let mut unreadable = None;
    // An entry bears the name of its note's object, so that what is known need not be read.
    for object in listed.into_iter().filter(|object| !state.outbox().knows(&object.key)) {
        let Some((bytes, _)) = store.get(&object.key).await? else { continue };
        match decode::<StoredNote>(&object.key, &bytes) {
            Ok(note) => unknown.push((object.key, note)),
            Err(error) => unreadable = Some(error),
        }
    }
    if !unknown.is_empty() || state.is_summary_due(now) {
        unknown.sort_by(|(left, one), (right, other)| (one.at, left).cmp(&(other.at, right)));
        let queued = outbox::update(store, |state: &mut OperationsState| {
            for (key, note) in &unknown {
                state.take(key, note, now);
            }
            state.sum_up(now);
            state.forget(&there, now);
        });
        queued.await?;
    }
    unreadable.map_or(Ok(()), |error| Err(error.into()))
}

fn message(note: StoredNote) -> Message {
    // Ids have keys and names in them, which may be anything.
    let id = ascii(&note.id);
    let attributes = Attributes {
        kind: "operations",
        severity: Severity::Notice.as_str(),
        alert_id: &id,
        incident_key: &id,
        ..Attributes::default()
    };
    attributes.message(Topic::Operations, Text { subject: note.subject, body: note.body })
}

#[cfg(test)]
mod tests;
