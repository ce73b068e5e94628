//! How a message is neither lost nor sent for nothing: it is written down before it is sent, in the same object and
//! the same write as what it tells of, and crossed off after. A crash between the two sends it again, with its id.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
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
    messages: Vec<Outgoing>,
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
            self.pending.push(Entry { id: id.to_owned(), queued_at: now, messages });
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

    /// Marks messages of an entry, by their place in it, as sent. Nothing happens if somebody else has done so.
    fn mark(&mut self, id: &str, sent: &[usize], now: DateTime<Utc>) {
        let Some(at) = self.pending.iter().position(|entry| entry.id == id) else { return };
        let Some(entry) = self.pending.get_mut(at) else { return };
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

/// Sends what is pending, oldest first, and marks it. Returns how many messages were sent.
///
/// A message that is not taken holds up no other. Two that drain at once may both send an entry.
///
/// # Errors
///
/// [`OutboxError`]; what was not marked is sent again by the next call.
pub async fn drain<D: OutboxState, S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    now: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    let (mut state, _) = read::<D, S>(store).await?;
    let pending = std::mem::take(&mut state.outbox().pending);
    let mut sent_messages = 0;
    let mut failed = 0;
    let mut first_failure = None;
    for entry in pending {
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
        if !sent.is_empty() {
            sent_messages += sent.len();
            update::<D, S, _>(store, |state| state.outbox().mark(&entry.id, &sent, now)).await?;
        }
    }
    match first_failure {
        None => Ok(sent_messages),
        Some(source) => Err(OutboxError::NotSent { key: D::KEY, failed, source }),
    }
}
