//! Whether anybody reads a topic. A message that SNS takes is sent as far as anybody here can tell, also where nobody is
//! subscribed any more: everybody who is sent a mail of a topic, a scanner of links among them, can end the subscription
//! with one click.
//!
//! The sweep of `alert` asks how many subscriptions each topic has, once a day, and every hour while one has none. What it
//! found is written down in one object, [`STATE_KEY`], with the messages that tell of it: health is put from there.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::errors::fault::{Fault, Says};
use spend_core::messages::operations::unread::{Lack, Unread};
use spend_core::rules::rule::Severity;

use crate::outputs::message::{Attributes, Notifier, Topic};
use crate::outputs::outbox::{self, Held, Lease, Outbox, OutboxError, OutboxState, update};
use crate::outputs::publish_error::PublishError;
use crate::state::document::{Document, DocumentError, decode};
use crate::store::Store;

/// Where it is written down.
pub const STATE_KEY: &str = "operations/subscriptions.json";

/// How often is asked while every topic has somebody.
const DAY: TimeDelta = TimeDelta::hours(23);
/// How often while one has nobody, so that people see soon that they have mended it.
const HOUR: TimeDelta = TimeDelta::minutes(55);
/// How long the reader of a mail may take to confirm before anybody is told. The link in it is good for two days. Source:
/// Amazon SNS API Reference, `Subscribe`.
const TO_CONFIRM: TimeDelta = TimeDelta::hours(24);

/// For how long it is remembered that a message was sent.
const SENT_FOR: TimeDelta = TimeDelta::days(30);

/// All topics.
const TOPICS: [Topic; 4] = [Topic::Alerts, Topic::Events, Topic::Digest, Topic::Operations];

/// How many subscriptions a topic has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscribers {
    /// Those that messages are sent to.
    pub confirmed: u64,
    /// Those whose owner has not confirmed them yet.
    pub pending: u64,
}

/// Where topics have subscriptions. Files have none.
pub trait Subscriptions: Sync {
    /// How many subscriptions a topic has.
    ///
    /// Fails with [`PublishError::NotRead`] or [`PublishError::Refused`].
    fn subscribers(&self, topic: Topic) -> impl Future<Output = Result<Subscribers, PublishError>> + Send;
}

/// What was found, and what is to be told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionsState {
    outbox: Outbox,
    /// When topics were last asked about.
    asked_at: Option<DateTime<Utc>>,
    /// What is known of each, by its name.
    topics: BTreeMap<String, KnownTopic>,
}

/// What is known of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownTopic {
    /// How many confirmed subscriptions it had.
    confirmed: u64,
    /// Since when it has had none; none as long as it has one.
    without_since: Option<DateTime<Utc>>,
    /// Whether anybody ever subscribed, or was asked to confirm.
    is_expected: bool,
    /// Whether anybody ever confirmed.
    was_confirmed: bool,
    /// Whether others were told that it has none.
    is_told: bool,
}

impl KnownTopic {
    fn new(now: DateTime<Utc>) -> Self {
        let without_since = Some(now);
        Self { confirmed: 0, without_since, is_expected: false, was_confirmed: false, is_told: false }
    }

    fn learn(&mut self, Subscribers { confirmed, pending }: Subscribers, now: DateTime<Utc>) {
        self.confirmed = confirmed;
        self.is_expected |= confirmed + pending > 0;
        self.was_confirmed |= confirmed > 0;
        if confirmed > 0 {
            (self.without_since, self.is_told) = (None, false);
        } else {
            self.without_since.get_or_insert(now);
        }
    }

    fn lack(&self) -> Lack {
        match (self.was_confirmed, self.is_expected) {
            (true, _) => Lack::Gone,
            (false, true) => Lack::NotConfirmed,
            (false, false) => Lack::Never,
        }
    }

    /// Whether somebody should be reading it and nobody is: whoever was asked to confirm has had the time.
    fn is_missed(&self, now: DateTime<Utc>) -> bool {
        let had_time = self.without_since.is_some_and(|since| now.signed_duration_since(since) >= TO_CONFIRM);
        self.without_since.is_some() && self.is_expected && (self.was_confirmed || had_time)
    }

    /// Whether nobody was ever subscribed, and somebody should be told: many do without the topic of machines.
    fn was_never(&self, topic: Topic) -> bool {
        !self.is_expected && topic != Topic::Events
    }

    /// Whether others are to be told.
    fn is_news(&self, topic: Topic, now: DateTime<Utc>) -> bool {
        !self.is_told && (self.is_missed(now) || self.was_never(topic))
    }

    /// Whether somebody may be mending it, or is still to be told.
    fn is_open(&self, topic: Topic) -> bool {
        self.without_since.is_some() && (self.is_expected || (self.was_never(topic) && !self.is_told))
    }
}

impl Document for SubscriptionsState {
    const FORMAT: &'static str = "subscriptions";
    const VERSION: u32 = 1;
}

impl OutboxState for SubscriptionsState {
    const KEY: &'static str = STATE_KEY;

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

impl SubscriptionsState {
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        let is_open = |topic: Topic| self.topics.get(topic.as_str()).is_some_and(|known| known.is_open(topic));
        let wait = if TOPICS.into_iter().any(is_open) { HOUR } else { DAY };
        self.asked_at.is_none_or(|asked| now.signed_duration_since(asked).abs() >= wait)
    }

    /// Takes what was found, and queues what others are to be told.
    fn learn(&mut self, found: &BTreeMap<Topic, Subscribers>, now: DateTime<Utc>) {
        self.asked_at = Some(now);
        let mut news = Vec::new();
        for (topic, subscribers) in found {
            let known = self.topics.entry(topic.as_str().to_owned()).or_insert_with(|| KnownTopic::new(now));
            known.learn(*subscribers, now);
            if known.is_news(*topic, now) {
                news.push((*topic, known.lack()));
            }
        }
        // Machines read JSON from their topic, and this is none.
        let can_tell = |topic: &Topic| *topic != Topic::Events && found.get(topic).is_some_and(|of| of.confirmed > 0);
        let readers: BTreeSet<_> = TOPICS.into_iter().filter(can_tell).collect();
        if news.is_empty() || readers.is_empty() {
            return;
        }
        let names: Vec<_> = news.iter().map(|(topic, lack)| (topic.as_str(), *lack)).collect();
        let id = format!("unread:{}", now.format("%Y-%m-%dT%H:%M"));
        let text = Unread { topics: &names, now }.text();
        let attributes = Attributes {
            kind: "operations",
            severity: Severity::Notice.as_str(),
            alert_id: &id,
            incident_key: &id,
            ..Attributes::default()
        };
        let messages = readers.into_iter().map(|topic| attributes.message(topic, text.clone())).collect();
        self.outbox.queue(&id, messages, now);
        // No minute comes again.
        self.outbox.forget(now - SENT_FOR);
        for (topic, _) in news {
            if let Some(known) = self.topics.get_mut(topic.as_str()) {
                known.is_told = true;
            }
        }
    }
}

/// Why subscriptions are not known.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionsError {
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] OutboxError),
    /// A topic did not say.
    #[error(transparent)]
    Topic(#[from] PublishError),
}

impl Fault for SubscriptionsError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::State(error) => Says::As(error),
            Self::Topic(error) => Says::As(error),
        }
    }
}

/// Asks how many subscriptions each topic has, if that is due, and writes down what is to be told of it, which [`drain`]
/// sends. Returns how many topics were asked about.
///
/// Doing it again changes nothing.
pub async fn check<S: Store, N: Subscriptions>(
    store: &S,
    topics: &N,
    now: DateTime<Utc>,
) -> Result<usize, SubscriptionsError> {
    if !Held::<SubscriptionsState>::read(store).await?.state.is_due(now) {
        return Ok(0);
    }
    let mut found = BTreeMap::new();
    for topic in TOPICS {
        found.insert(topic, topics.subscribers(topic).await?);
    }
    update(store, |state: &mut SubscriptionsState| {
        // Somebody else may have asked in between.
        if state.is_due(now) {
            state.learn(&found, now);
        }
    })
    .await?;
    Ok(found.len())
}

/// Sends what is to be told.
pub async fn drain<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    outbox::drain::<SubscriptionsState, S, N>(store, notifier, lease, now).await
}

/// How many confirmed subscriptions each topic has that somebody should be reading, as the object at [`STATE_KEY`] says: by
/// the topic's name.
pub(crate) fn watched(bytes: &Bytes, now: DateTime<Utc>) -> Result<BTreeMap<String, u64>, DocumentError> {
    let state: SubscriptionsState = decode(STATE_KEY, bytes)?;
    let watched = state.topics.into_iter().filter(|(_, known)| known.confirmed > 0 || known.is_missed(now));
    Ok(watched.map(|(name, known)| (name, known.confirmed)).collect())
}

#[cfg(test)]
mod tests;
