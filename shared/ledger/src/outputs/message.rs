//! The port to people and machines: a message, its attributes, and [`Notifier`]. On AWS it is SNS.

use std::collections::BTreeMap;
use std::future::Future;

use spend_core::text::{self, SUBJECT_LENGTH, Text};

use crate::outputs::publish_error::PublishError;

/// For whom a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Text for on-call.
    Alerts,
    /// JSON for machines.
    Events,
    /// Text for finance.
    Digest,
    /// Text for whoever operates this program.
    Operations,
}

impl Topic {
    /// The name in files and resource names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Events => "events",
            Self::Digest => "digest",
            Self::Operations => "operations",
        }
    }
}

/// A message, as plain strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// For whom it is.
    pub topic: Topic,
    /// One line of ASCII, shorter than 100 characters.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// What subscriptions filter by: at most [`MAX_ATTRIBUTES`], none of them empty (`-` for none).
    pub attributes: BTreeMap<String, String>,
}

/// The attribute by which an outbox keeps the messages of one incident in order.
pub(crate) const INCIDENT_KEY: &str = "incident_key";

/// What an attribute is that has no value.
pub const NOTHING: &str = "-";

/// The most columns of an attribute's value: more than the longest id has, because ids are never cut.
const LONGEST_VALUE: usize = 1200;

/// What subscriptions filter by: every message of alerts, digests, operations and tests has these attributes, and only this
/// type writes their names. What is left empty becomes [`NOTHING`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes<'a> {
    /// What kind of message it is.
    pub kind: &'a str,
    /// Whether something is found, changed or over.
    pub status: &'a str,
    /// The rule's name.
    pub rule: &'a str,
    /// The member of the rule.
    pub member: &'a str,
    /// How urgent it is.
    pub severity: &'a str,
    /// Whom to call.
    pub owner: &'a str,
    /// The message's id.
    pub alert_id: &'a str,
    /// What all messages about one thing have in common.
    pub incident_key: &'a str,
}

impl Attributes<'_> {
    /// A message with these attributes.
    pub(crate) fn message(&self, topic: Topic, text: Text) -> Message {
        Message { topic, subject: text.subject, body: text.body, attributes: self.map() }
    }

    /// One thing told twice under the same subject: to people on `topic`, and as `event` to machines.
    pub(crate) fn messages(&self, topic: Topic, text: Text, event: String) -> [Message; 2] {
        let event = Text { subject: text.subject.clone(), body: event };
        [self.message(topic, text), self.message(Topic::Events, event)]
    }

    /// The attributes of a message. None is empty.
    fn map(&self) -> BTreeMap<String, String> {
        let attributes = [
            ("kind", self.kind),
            ("status", self.status),
            ("rule", self.rule),
            ("member", self.member),
            ("severity", self.severity),
            ("owner", self.owner),
            ("alert_id", self.alert_id),
            (INCIDENT_KEY, self.incident_key),
        ];
        attributes.into_iter().map(|(name, value)| (name.to_owned(), or_dash(value))).collect()
    }
}

/// A value that a message attribute can have: not empty, not too long, and without control characters.
fn or_dash(value: &str) -> String {
    if value.trim().is_empty() { NOTHING.to_owned() } else { text::shorten(value, LONGEST_VALUE) }
}

/// The most attributes of a message: one with more never reaches an SQS queue that subscribed to raw messages. Source:
/// Amazon SNS Developer Guide, "Amazon SNS message attributes".
pub const MAX_ATTRIBUTES: usize = 10;

/// The most bytes of a message with its attributes. Source: Amazon SNS API Reference, `Publish`.
pub const MAX_MESSAGE_BYTES: usize = 262_144;

/// The most bytes of a body that may grow with what it tells: [`MAX_MESSAGE_BYTES`] without subject and attributes.
pub(crate) const MOST_BODY_BYTES: usize = 200_000;

impl Message {
    /// Whether it can be sent: whatever implementation is asked, it refuses what SNS would.
    pub fn check(&self) -> Result<(), PublishError> {
        let refuse = |reason: &'static str| Err(PublishError::Refused { what: self.name(), reason: reason.into() });
        let subject_fits = self.subject.len() <= SUBJECT_LENGTH
            && self.subject.starts_with(|char: char| char.is_ascii_graphic())
            && self.subject.chars().all(|char| char == ' ' || char.is_ascii_graphic());
        if !subject_fits {
            return refuse("a subject is one line of 1 to 99 ASCII characters that does not start with a blank");
        }
        if self.body.is_empty() {
            return refuse("its body is empty");
        }
        if self.attributes.len() > MAX_ATTRIBUTES {
            return refuse("more than 10 attributes");
        }
        if self.attributes.iter().any(|(name, value)| name.is_empty() || value.is_empty()) {
            return refuse("an attribute's name or value is empty; put `-` for none");
        }
        let attributes = self.attributes.iter().map(|(name, value)| name.len() + value.len() + "String".len());
        if self.body.len() + self.subject.len() + attributes.sum::<usize>() > MAX_MESSAGE_BYTES {
            return refuse("it has more than 262144 bytes");
        }
        Ok(())
    }

    pub(crate) fn name(&self) -> String {
        format!("the message {:?} to {}", self.subject, self.topic.as_str())
    }
}

/// Where messages are sent.
pub trait Notifier: Sync {
    /// Sends the message to the subscribers of its topic.
    ///
    /// Fails with a [`PublishError`], which says whether it may have had its effect all the same.
    fn send(&self, message: &Message) -> impl Future<Output = Result<(), PublishError>> + Send;
}
