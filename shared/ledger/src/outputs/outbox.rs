//! How a message is neither lost nor sent for nothing: it is written down before it is sent, in the same object and
//! the same write as what it tells of, and crossed off after. A crash between the two sends it again, with its id.
//!
//! Who sends an entry claims it first, by a conditional write, so that of several that drain at once one sends it. A
//! claim ends with what it was for: with the mark that the entry was sent, with a failure, or, where nobody lives to
//! say either, with its [`Lease`].
//!
//! Messages of one incident to one topic keep their order: none is sent while an earlier one is pending or claimed, unless
//! that one has just been tried again and is a day old and refused, or a week old and was not taken for another reason.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::text::{SUBJECT_LENGTH, shorten};

use crate::outputs::message::{INCIDENT_KEY, Message, Notifier, Topic};
use crate::outputs::publish_error::PublishError;
use crate::state::document::{Document, DocumentError, decode, encode};
use crate::store::conditional::{self, ATTEMPTS, Change, put_over};
use crate::store::{ETag, Put, Store, StoreError};

/// What is to be sent, and what was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredOutbox")]
pub struct Outbox {
    /// Entries with messages to send, oldest first.
    pending: Vec<Entry>,
    /// When the last message of each other entry was sent, by the entry's id: it is how an entry is known. It stays
    /// unless whoever has the outbox knows by other means what was queued, see [`Outbox::forget`].
    sent: BTreeMap<String, DateTime<Utc>>,
    #[serde(skip)]
    pending_ids: BTreeSet<String>,
    /// The incidents of pending entries that tell of others than their messages' own, by the entry's id. Whoever has such
    /// entries stores them.
    #[serde(skip)]
    incidents: BTreeMap<String, BTreeSet<String>>,
}

/// How an outbox is stored.
#[derive(Deserialize)]
struct StoredOutbox {
    pending: Vec<Entry>,
    sent: BTreeMap<String, DateTime<Utc>>,
}

impl From<StoredOutbox> for Outbox {
    fn from(StoredOutbox { pending, sent }: StoredOutbox) -> Self {
        let pending_ids = pending.iter().map(|entry| entry.id.clone()).collect();
        Self { pending, sent, pending_ids, incidents: BTreeMap::new() }
    }
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

impl Entry {
    /// The messages that were not sent, by their place.
    fn unsent(&self) -> impl Iterator<Item = (usize, &Outgoing)> {
        self.messages.iter().enumerate().filter(|(_, outgoing)| outgoing.sent_at.is_none())
    }
}

/// What a sender has claimed of an entry.
struct Claimed {
    id: String,
    /// The messages, by their place in the entry.
    messages: Vec<(usize, Message)>,
}

/// Which messages a sender has tried to send in vain: by the entry's id and their place in it. What was sent of an entry has
/// no place here.
type Tried = BTreeMap<String, BTreeMap<usize, Failed>>;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    /// For a reason that passes, or nobody knows.
    ComesAgain,
    /// The topic refuses it.
    Refused,
}

impl Failed {
    /// For how long such a message holds up later ones of its incident, from when it was queued: then late is better than
    /// never.
    fn holds_for(self) -> TimeDelta {
        match self {
            Self::ComesAgain => TimeDelta::days(7),
            Self::Refused => TimeDelta::days(1),
        }
    }
}

/// How many entries for machines alone are claimed at once: a machine knows by its id what comes twice after a crash.
/// Messages to people are claimed one by one.
const CLAIMED_AT_ONCE: usize = 50;

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
        // An alias that was put in the place of a name since may have made it longer than SNS takes.
        Message { topic, subject: shorten(&subject, SUBJECT_LENGTH), body, attributes }
    }
}

impl Outbox {
    /// Adds an entry behind the others, unless its id is known.
    pub fn queue(&mut self, id: &str, messages: Vec<Message>, now: DateTime<Utc>) {
        self.queue_of(id, BTreeSet::new(), messages, now);
    }

    /// The same for an entry that tells of several incidents.
    pub(crate) fn queue_of(
        &mut self,
        id: &str,
        incidents: BTreeSet<String>,
        messages: Vec<Message>,
        now: DateTime<Utc>,
    ) {
        if !self.knows(id) {
            let messages = messages.into_iter().map(Outgoing::of).collect();
            self.pending.push(Entry { id: id.to_owned(), queued_at: now, claimed_until: None, messages });
            self.pending_ids.insert(id.to_owned());
            if !incidents.is_empty() {
                self.incidents.insert(id.to_owned(), incidents);
            }
        }
    }

    /// The incidents of pending entries that tell of several.
    pub(crate) fn incidents(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.incidents
    }

    /// The outbox with these, as they were stored beside it.
    pub(crate) fn with_incidents(mut self, incidents: BTreeMap<String, BTreeSet<String>>) -> Self {
        self.incidents = incidents;
        self
    }

    /// From now on the id is known, although nothing is sent of it.
    pub(crate) fn pass_over(&mut self, id: &str, now: DateTime<Utc>) {
        if !self.knows(id) {
            self.sent.insert(id.to_owned(), now);
        }
    }

    /// Forgets the ids of what was sent before `limit`. Only for state that queues nothing of theirs again for another
    /// reason.
    pub(crate) fn forget(&mut self, limit: DateTime<Utc>) {
        self.sent.retain(|_, at| *at >= limit);
    }

    /// The same, unless `stays` says of an id that it may be queued again.
    pub(crate) fn forget_unless(&mut self, limit: DateTime<Utc>, stays: impl Fn(&str) -> bool) {
        self.sent.retain(|id, at| *at >= limit || stays(id));
    }

    /// Whether there is or was an entry with this id.
    pub fn knows(&self, id: &str) -> bool {
        self.sent.contains_key(id) || self.pending_ids.contains(id)
    }

    /// How many entries have messages to send.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes the oldest entry that nobody has claimed and that is not among `tried`, so that nobody else does; where it is
    /// for machines alone, further ones like it.
    fn claim(&mut self, tried: &Tried, lease: Lease, now: DateTime<Utc>) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        // What earlier entries have still to say of an incident on a topic.
        let mut held = BTreeSet::new();
        for entry in &mut self.pending {
            let is_free = match lease {
                Lease::Alone => true,
                // A claim that would last longer than any is that of a clock that ran ahead.
                Lease::For(lease) => {
                    entry.claimed_until.is_none_or(|until| until <= now || until > now + lease + lease)
                }
            };
            let own = entry.messages.iter().filter_map(|outgoing| outgoing.attributes.get(INCIDENT_KEY));
            let incidents: BTreeSet<String> =
                own.chain(self.incidents.get(&entry.id).into_iter().flatten()).cloned().collect();
            let is_held = |topic: Topic| incidents.iter().any(|incident| held.contains(&(topic, incident.clone())));
            let due = entry.unsent().filter(|(_, outgoing)| !is_held(outgoing.topic));
            let due: Vec<_> = due.map(|(index, outgoing)| (index, outgoing.message())).collect();
            let is_for_people = due.iter().any(|(_, message)| message.topic != Topic::Events);
            let tried = tried.get(&entry.id);
            if is_free && !due.is_empty() && tried.is_none() {
                if is_for_people && !claimed.is_empty() {
                    break;
                }
                if let Lease::For(lease) = lease {
                    entry.claimed_until = Some(now + lease);
                }
                claimed.push(Claimed { id: entry.id.clone(), messages: due });
                if is_for_people || claimed.len() == CLAIMED_AT_ONCE {
                    break;
                }
            }
            // It may be old because nobody has tried to send it: it goes first as long as it may go at all.
            let age = (now - entry.queued_at).abs();
            let failed = |place| tried.filter(|_| is_free).and_then(|places| places.get(&place));
            let holds = |place| failed(place).is_none_or(|failed| age < failed.holds_for());
            let topics: BTreeSet<_> =
                entry.unsent().filter(|(place, _)| holds(*place)).map(|(_, outgoing)| outgoing.topic).collect();
            for topic in topics {
                held.extend(incidents.iter().map(|incident| (topic, incident.clone())));
            }
        }
        claimed
    }

    /// Marks messages of entries, by their place in them, as sent, and ends the claims on them. Nothing happens to an
    /// entry where somebody else has done so.
    fn settle(&mut self, settled: &BTreeMap<String, Vec<usize>>, now: DateTime<Utc>) {
        let Self { pending, sent, pending_ids, incidents } = self;
        pending.retain_mut(|entry| {
            let Some(places) = settled.get(&entry.id) else { return true };
            entry.claimed_until = None;
            for place in places {
                if let Some(outgoing) = entry.messages.get_mut(*place) {
                    outgoing.sent_at.get_or_insert(now);
                }
            }
            let is_pending = entry.unsent().next().is_some();
            if !is_pending {
                pending_ids.remove(&entry.id);
                incidents.remove(&entry.id);
                sent.insert(entry.id.clone(), now);
            }
            is_pending
        });
    }
}

/// State that has an outbox: one object, changed by conditional writes alone.
pub trait OutboxState: Document + Clone + Default + PartialEq + Send {
    /// The object's key.
    const KEY: &'static str;

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
    /// Others changed the state each of so many times.
    pub(crate) fn contended<D: OutboxState>() -> Self {
        Self::Contended { key: D::KEY, attempts: ATTEMPTS }
    }
}

impl Fault for OutboxError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Store(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
            Self::Contended { .. } => Says::Itself("store.conflict", Class::Retry),
            Self::NotSent { source, .. } => Says::As(source),
        }
    }
}

/// State and its version, as it was read or written last.
pub(crate) struct Held<D> {
    pub(crate) state: D,
    pub(crate) etag: Option<ETag>,
}

impl<D: OutboxState> Held<D> {
    /// What is stored.
    pub(crate) async fn read<S: Store>(store: &S) -> Result<Self, OutboxError> {
        match store.get(D::KEY).await? {
            None => Ok(Self { state: D::default(), etag: None }),
            Some((bytes, etag)) => Ok(Self { state: decode(D::KEY, &bytes)?, etag: Some(etag) }),
        }
    }

    /// Writes `state` over what was read, if that is still there. `None` is a lost race.
    pub(crate) async fn replace<S: Store>(self, store: &S, state: D) -> Result<Option<Self>, OutboxError> {
        Self { state, ..self }.write(store).await
    }

    /// Writes the state, changed since, if the version that was read is still there. `None` is a lost race.
    async fn write<S: Store>(self, store: &S) -> Result<Option<Self>, OutboxError> {
        let bytes = encode(&self.state)?;
        Ok(match put_over(store, D::KEY, bytes, self.etag.as_ref()).await? {
            Put::Written(etag) => Some(Self { etag: Some(etag), ..self }),
            Put::Lost => None,
        })
    }
}

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
    let changed = conditional::change(store, D::KEY, |bytes| {
        let before = bytes.map(|bytes| decode::<D>(D::KEY, bytes)).transpose()?.unwrap_or_default();
        let mut state = before.clone();
        let outcome = change(&mut state);
        Ok::<_, OutboxError>(if state == before {
            Change::Keep(outcome)
        } else {
            Change::Write(encode(&state)?, outcome)
        })
    });
    changed.await?.ok_or_else(OutboxError::contended::<D>)
}

/// The same for the outbox alone, by who has read or written the state just now: it is read only where somebody else has
/// changed it, and the rest of it, which may be large, is not compared.
async fn update_outbox<D: OutboxState, S: Store, T>(
    store: &S,
    held: &mut Option<Held<D>>,
    mut change: impl FnMut(&mut Outbox) -> T + Send,
) -> Result<T, OutboxError> {
    for _ in 0..ATTEMPTS {
        let mut current = match held.take() {
            Some(current) => current,
            None => Held::read(store).await?,
        };
        let before = current.state.outbox().clone();
        let outcome = change(current.state.outbox());
        if *current.state.outbox() == before {
            *held = Some(current);
        } else {
            *held = current.write(store).await?;
        }
        if held.is_some() {
            return Ok(outcome);
        }
    }
    Err(OutboxError::contended::<D>())
}

/// Sends what is pending and claimed by nobody else, oldest first, and marks it. Returns how many messages were sent.
///
/// A message that is not taken holds up none but later ones of its incident.
///
/// What was not marked is sent again: by the next call if it was not taken, else once the lease is over.
pub async fn drain<D: OutboxState, S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    let mut sender = Sender::<D, S, N>::new(store, notifier, lease, now);
    sender.send().await?;
    sender.finish()
}

/// One sender of one outbox, which may go over it several times: what was not taken the first time is left to the next
/// sender.
pub(crate) struct Sender<'a, D, S, N> {
    store: &'a S,
    notifier: &'a N,
    lease: Lease,
    now: DateTime<Utc>,
    tried: Tried,
    sent: usize,
    failed: usize,
    first_failure: Option<PublishError>,
    state: PhantomData<fn() -> D>,
}

impl<'a, D: OutboxState, S: Store, N: Notifier> Sender<'a, D, S, N> {
    pub(crate) fn new(store: &'a S, notifier: &'a N, lease: Lease, now: DateTime<Utc>) -> Self {
        let tried = Tried::new();
        Self { store, notifier, lease, now, tried, sent: 0, failed: 0, first_failure: None, state: PhantomData }
    }

    /// Sends what is pending. That a message was not taken is told by [`Sender::finish`].
    pub(crate) async fn send(&mut self) -> Result<(), OutboxError> {
        let (lease, now) = (self.lease, self.now);
        let (mut held, mut settled) = (None, BTreeMap::new());
        loop {
            let tried = &self.tried;
            // One write marks what was sent and claims what comes next.
            let claim = |outbox: &mut Outbox| {
                outbox.settle(&settled, now);
                outbox.claim(tried, lease, now)
            };
            let claimed = update_outbox::<D, S, _>(self.store, &mut held, claim).await?;
            if claimed.is_empty() {
                return Ok(());
            }
            settled.clear();
            for Claimed { id, messages } in claimed {
                let (mut sent, mut failed) = (Vec::new(), BTreeMap::new());
                for (place, message) in messages {
                    match self.notifier.send(&message).await {
                        Ok(()) => sent.push(place),
                        Err(error) => {
                            self.failed += 1;
                            let is_refused = error.class() == Class::Operator;
                            failed.insert(place, if is_refused { Failed::Refused } else { Failed::ComesAgain });
                            self.first_failure.get_or_insert(error);
                        }
                    }
                }
                self.sent += sent.len();
                settled.insert(id.clone(), sent);
                self.tried.insert(id, failed);
            }
        }
    }

    /// How many messages were sent, if none was not taken.
    pub(crate) fn finish(self) -> Result<usize, OutboxError> {
        match self.first_failure {
            None => Ok(self.sent),
            Some(source) => Err(OutboxError::NotSent { key: D::KEY, failed: self.failed, source }),
        }
    }
}

#[cfg(test)]
mod tests;
