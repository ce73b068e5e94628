//! How a message is neither lost nor sent for nothing: it is written down before it is sent, in the same object and
//! the same write as what it tells of, and crossed off after. A crash between the two sends it again, with its id.
//!
//! Who sends an entry claims it first, by a conditional write, so that of several that drain at once one sends it. A
//! claim ends with what it was for: with the mark that the entry was sent, with a failure, or, where nobody lives to
//! say either, with its [`Lease`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::error_class::Class;

use crate::document::{Document, DocumentError, decode, encode};
use crate::outputs::{Message, Notifier, PublishError, Topic};
use crate::store::{ETag, Put, Store, StoreError};

/// What is to be sent, and what was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Entries with messages to send, oldest first.
    pending: Vec<Entry>,
    /// When the last message of each other entry was sent, by the entry's id. Never deleted: it is how an entry is
    /// known.
    sent: BTreeMap<String, DateTime<Utc>>,
}

/// One thing to tell, by one or more messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    id: String,
    queued_at: DateTime<Utc>,
    /// Until when nobody but whoever wrote this sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_until: Option<DateTime<Utc>>,
    messages: Vec<Outgoing>,
}

/// How long whoever sends an entry keeps others from sending it too. It must be longer than a sender lives: then a
/// claim that has ended is that of a sender that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Nobody else works on the ledger: nothing is claimed, no claim is heeded, and what was killed is sent at once by
    /// the next run.
    Alone,
    /// Others may, and each lives shorter than this.
    For(TimeDelta),
}

impl Lease {
    /// That of a Lambda function that sends, which lives two minutes at most (`Timeout` in `infra/template.yaml`, held to
    /// this by a test); clocks may be apart. A page that a killed sender left waits for it, so it is no longer than that.
    pub const INVOCATION: Self = Self::For(TimeDelta::minutes(5));
}

/// A finished message, and whether it was sent. What is stored does not follow the port's type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Outgoing {
    #[serde(with = "StoredTopic")]
    topic: Topic,
    subject: String,
    body: String,
    attributes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<DateTime<Utc>>,
}

/// How a topic is stored.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Topic", rename_all = "lowercase")]
enum StoredTopic {
    Alerts,
    Events,
    Digest,
    Operations,
}

impl Outgoing {
    fn of(Message { topic, subject, body, attributes }: Message) -> Self {
        Self { topic, subject, body, attributes, sent_at: None }
    }

    fn message(&self) -> Message {
        let Self { topic, subject, body, attributes, .. } = self.clone();
        Message { topic, subject, body, attributes }
    }
}

impl Outbox {
    /// Adds an entry behind the others, unless its id is known.
    pub fn queue(&mut self, id: &str, messages: Vec<Message>, now: DateTime<Utc>) {
        if !self.knows(id) {
            let messages = messages.into_iter().map(Outgoing::of).collect();
            self.pending.push(Entry { id: id.to_owned(), queued_at: now, claimed_until: None, messages });
        }
    }

    /// Whether there is or was an entry with this id.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.sent.contains_key(id) || self.pending.iter().any(|entry| entry.id == id)
    }

    /// How many entries have messages to send.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes the oldest entry that nobody has claimed and that is not among `tried`, so that nobody else does.
    fn claim(&mut self, tried: &BTreeSet<String>, lease: Lease, now: DateTime<Utc>) -> Option<Entry> {
        let is_free = |entry: &&mut Entry| match lease {
            Lease::Alone => true,
            // A claim that would last longer than any is that of a clock that ran ahead.
            Lease::For(lease) => entry.claimed_until.is_none_or(|until| until <= now || until > now + lease + lease),
        };
        let entry = self.pending.iter_mut().filter(|entry| !tried.contains(&entry.id)).find(is_free)?;
        if let Lease::For(lease) = lease {
            entry.claimed_until = Some(now + lease);
        }
        Some(entry.clone())
    }

    /// Marks messages of an entry, by their place in it, as sent, and ends the claim on it. Nothing happens if somebody
    /// else has done so.
    fn settle(&mut self, id: &str, sent: &[usize], now: DateTime<Utc>) {
        let Some(at) = self.pending.iter().position(|entry| entry.id == id) else { return };
        let Some(entry) = self.pending.get_mut(at) else { return };
        entry.claimed_until = None;
        for (index, outgoing) in entry.messages.iter_mut().enumerate() {
            if sent.contains(&index) {
                outgoing.sent_at.get_or_insert(now);
            }
        }
        if entry.messages.iter().all(|outgoing| outgoing.sent_at.is_some()) {
            self.pending.remove(at);
            self.sent.insert(id.to_owned(), now);
        }
    }
}

/// State that has an outbox: one object, changed by conditional writes alone.
pub trait OutboxState: Document + Clone + Default + PartialEq + Send {
    /// The object's key.
    const KEY: &'static str;

    /// The outbox.
    fn outbox(&mut self) -> &mut Outbox;
}

/// Why state could not be changed or messages not be sent.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be read or written; nothing was changed.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Others changed the state each time between reading and writing it.
    #[error("failed to change {key}: others were faster {attempts} times; run it again")]
    Contended {
        /// The object.
        key: &'static str,
        /// How often it was tried.
        attempts: usize,
    },
    /// Some messages were not taken. They stay written down, and the next run sends them.
    #[error("failed to send {failed} of the messages in {key}, the next run tries again; the first: {source}")]
    NotSent {
        /// The object with the outbox.
        key: &'static str,
        /// How many messages were not taken.
        failed: usize,
        /// Why the first was not.
        source: PublishError,
    },
}

impl OutboxError {
    /// The stable name of this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Contended { .. } => "store.conflict",
            Self::NotSent { source, .. } => source.kind(),
        }
    }

    /// How to handle it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Contended { .. } => Class::Retry,
            Self::NotSent { source, .. } => source.class(),
        }
    }
}

/// How often a lost race is run again. Each loss is somebody else's success, so this many mean something is wrong.
const ATTEMPTS: usize = 50;

/// Reads the state, lets `change` change it, and writes it if its version is still the one that was read; else all
/// of it again. `change` must depend on nothing but the state. What it leaves unchanged is not written.
///
/// # Errors
///
/// [`OutboxError`], after which the state is the one before or, if the store's answer was lost, the one after.
pub async fn update<D: OutboxState, S: Store, T>(
    store: &S,
    mut change: impl FnMut(&mut D) -> T + Send,
) -> Result<T, OutboxError> {
    for _ in 0..ATTEMPTS {
        let (before, etag) = read::<D, S>(store).await?;
        let mut state = before.clone();
        let outcome = change(&mut state);
        if state == before {
            return Ok(outcome);
        }
        let bytes = encode(&state)?;
        let put = match &etag {
            None => store.put_if_absent(D::KEY, bytes).await?,
            Some(etag) => store.put_if_match(D::KEY, bytes, etag).await?,
        };
        match put {
            Put::Written(_) => return Ok(outcome),
            Put::Lost => {}
        }
    }
    Err(OutboxError::Contended { key: D::KEY, attempts: ATTEMPTS })
}

pub(crate) async fn read<D: OutboxState, S: Store>(store: &S) -> Result<(D, Option<ETag>), OutboxError> {
    match store.get(D::KEY).await? {
        None => Ok((D::default(), None)),
        Some((bytes, etag)) => Ok((decode(D::KEY, &bytes)?, Some(etag))),
    }
}

/// Sends what is pending and claimed by nobody else, oldest first, and marks it. Returns how many messages were sent.
///
/// A message that is not taken holds up no other.
///
/// # Errors
///
/// [`OutboxError`]; what was not marked is sent again: by the next call if it was not taken, else once the lease is over.
pub async fn drain<D: OutboxState, S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    let mut tried = BTreeSet::new();
    let mut sent_messages = 0;
    let mut failed = 0;
    let mut first_failure = None;
    while let Some(entry) = update(store, |state: &mut D| state.outbox().claim(&tried, lease, now)).await? {
        let mut sent = Vec::new();
        for (index, outgoing) in entry.messages.iter().enumerate() {
            if outgoing.sent_at.is_some() {
                continue;
            }
            match notifier.send(&outgoing.message()).await {
                Ok(()) => sent.push(index),
                Err(error) => {
                    failed += 1;
                    first_failure.get_or_insert(error);
                }
            }
        }
        sent_messages += sent.len();
        update(store, |state: &mut D| state.outbox().settle(&entry.id, &sent, now)).await?;
        tried.insert(entry.id);
    }
    match first_failure {
        None => Ok(sent_messages),
        Some(source) => Err(OutboxError::NotSent { key: D::KEY, failed, source }),
    }
}

#[cfg(test)]
mod tests;
