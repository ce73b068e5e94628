//! The ports to what a run publishes: metrics, and messages to people and machines. On AWS they are CloudWatch and
//! SNS; on one machine they are two files of the ledger.

mod files;
pub mod operations;
pub mod outbox;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::errors::class::Class;
use spend_core::money::decimal::Decimal;
use spend_core::text;

pub use files::{MessageFile, MetricsFile};

use crate::state::keys;

/// A metric's unit, as CloudWatch names it. Source: Amazon CloudWatch API Reference, `MetricDatum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// No unit that CloudWatch knows: money, whose currency is a dimension, and hours.
    None,
    /// A number of things.
    Count,
    Percent,
}

impl Unit {
    /// CloudWatch's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Count => "Count",
            Self::Percent => "Percent",
        }
    }
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datum {
    /// The metric's name.
    pub name: String,
    /// What it is of. A text that CloudWatch cannot take is put as [`dimension_text`] makes it.
    pub dimensions: BTreeMap<String, String>,
    pub timestamp: DateTime<Utc>,
    /// The value, in `unit`. CloudWatch keeps doubles: the nearest one is put.
    pub value: Decimal,
    pub unit: Unit,
}

/// A series of a metric: what its data share. Two are one for CloudWatch exactly if name and dimensions are equal as
/// [`dimension_text`] makes them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// The metric's name.
    pub name: String,
    /// What it is of.
    pub dimensions: BTreeMap<String, String>,
}

/// The most data that one call puts. Source: Amazon CloudWatch API Reference, `PutMetricData`.
pub const MAX_DATA: usize = 1000;
/// The most bytes of one call, before they are compressed. Source: Amazon CloudWatch User Guide, "CloudWatch service
/// quotas", which says 1 MB and not of what: this is the smallest that it can mean.
pub const MAX_PUT_BYTES: usize = 1_000_000;
/// The longest that one put takes: whoever implements [`Metrics`] gives it up by then. [`crate::metrics::publish`] claims
/// what is to be put only if there is that much time.
pub const PUT_TAKES: Duration = Duration::from_secs(30);
/// How far back a datum's timestamp may lie, and how far ahead. Source: Amazon CloudWatch API Reference, `MetricDatum`.
pub const MAX_AGE: TimeDelta = TimeDelta::weeks(2);
/// See [`MAX_AGE`].
pub const MAX_AHEAD: TimeDelta = TimeDelta::hours(2);
/// The most dimensions of a datum. Source: Amazon CloudWatch API Reference, `MetricDatum`.
pub const MAX_DIMENSIONS: usize = 30;
/// The most characters of a metric's name, of a namespace and of a dimension's name. Source: the same, `Dimension`.
pub(crate) const MAX_NAME: usize = 255;
/// The most characters of a dimension's value. Source: the same.
const MAX_VALUE: usize = 1024;
/// How much of a hash tells texts apart that are too long.
const HASH_DIGITS: usize = 16;

/// The text as CloudWatch takes it for a dimension's value: ASCII without control characters, not only blanks, and not
/// longer than it may be. What is not becomes `\u{…}`, and so does the backslash; of what is too long a hash of the
/// text takes the place of the end: so different texts stay different.
pub fn dimension_text(text: &str) -> Cow<'_, str> {
    let taken = |char: char| char == ' ' || (char.is_ascii_graphic() && char != '\\');
    let blank = !text.is_empty() && text.chars().all(|char| char == ' ');
    if !blank && text.len() <= MAX_VALUE && text.chars().all(taken) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if taken(char) && !blank {
            escaped.push(char);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{}", char.escape_unicode());
        }
    }
    if escaped.len() > MAX_VALUE {
        escaped.truncate(MAX_VALUE - 2 - HASH_DIGITS);
        escaped.push_str("\\#");
        escaped.extend(keys::hash(&[text]).chars().take(HASH_DIGITS));
    }
    Cow::Owned(escaped)
}

/// Whether one call can put these data: whatever implementation is asked, it refuses what CloudWatch would.
pub fn check_data(namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
    let refuse = |name: &str, reason: &'static str| {
        let what = format!("the metric {name} in the namespace {namespace}");
        Err(PublishError::Refused { what, reason: reason.into() })
    };
    // A namespace may not take AWS's own, nor start with a colon. Source: the same, `PutMetricData` and `Metric`.
    if !is_name(namespace) || namespace.starts_with("AWS/") {
        return refuse("", "the namespace must be 1 to 255 ASCII characters, not starting with `AWS/` or a colon");
    }
    if data.len() > MAX_DATA {
        return refuse("", "more than 1000 data in one call");
    }
    if data.iter().map(datum_bytes).sum::<usize>() > MAX_PUT_BYTES - ENVELOPE_BYTES {
        return refuse("", "more than 1 MB in one call; put what batches() gives");
    }
    for datum in data {
        if !is_name(&datum.name) {
            return refuse(&datum.name, "the name must be 1 to 255 ASCII characters, not starting with a colon");
        }
        if datum.dimensions.len() > MAX_DIMENSIONS {
            return refuse(&datum.name, "more than 30 dimensions");
        }
        for (name, value) in &datum.dimensions {
            let (name, value) = (dimension_text(name), dimension_text(value));
            if !is_name(&name) {
                return refuse(
                    &datum.name,
                    "a dimension's name must be 1 to 255 characters, not starting with a colon",
                );
            }
            if value.is_empty() || value.len() > MAX_VALUE {
                return refuse(&datum.name, "a dimension's value must be 1 to 1024 characters; put `(none)` for none");
            }
        }
    }
    Ok(())
}

/// What a call has beside its data: a namespace, and the names of its fields.
const ENVELOPE_BYTES: usize = 1000;

/// No less than the bytes that a datum takes in a call.
fn datum_bytes(datum: &Datum) -> usize {
    /// The names of its fields, the time, the value and the unit: 66 bytes and three numbers of 9.
    const DATUM: usize = 128;
    /// The names of a dimension's two fields, and the lengths of its texts.
    const DIMENSION: usize = 24;
    let dimensions = datum.dimensions.iter();
    let texts = dimensions.map(|(name, value)| dimension_text(name).len() + dimension_text(value).len() + DIMENSION);
    DATUM + datum.name.len() + texts.sum::<usize>()
}

/// The data in parts that one call each can put, in their order.
pub fn batches(data: &[Datum]) -> impl Iterator<Item = &[Datum]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let mut bytes = ENVELOPE_BYTES;
        let fits = |datum: &&Datum| {
            bytes += datum_bytes(datum);
            bytes <= MAX_PUT_BYTES
        };
        let count = rest.iter().take(MAX_DATA).take_while(fits).count();
        // One alone always goes: 30 dimensions are far from a megabyte.
        let (batch, left) = rest.split_at_checked(count.max(1))?;
        rest = left;
        Some(batch)
    })
}

fn is_name(text: &str) -> bool {
    let ascii = text.chars().all(|char| char == ' ' || char.is_ascii_graphic());
    ascii && !text.trim().is_empty() && text.len() <= MAX_NAME && !text.starts_with(':')
}

/// Where metrics are put.
pub trait Metrics: Sync {
    /// Puts all of `data`, at most [`MAX_DATA`], or none of it: they share one fate. No data is no call. It takes no
    /// longer than [`PUT_TAKES`].
    ///
    /// Fails with a [`PublishError`], which says whether it may have had its effect all the same.
    fn put(&self, namespace: &str, data: &[Datum]) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// The `Sum` of each series on each UTC day of `days`, as the namespace holds it: one map for each of `series`, in
    /// their order. A day without data is not in it. What was put a while ago is there; what was put just now may not be.
    ///
    /// Fails with [`PublishError::NotRead`].
    fn daily_sums(
        &self,
        namespace: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> impl Future<Output = Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError>> + Send;
}

/// A borrowed implementation is one: several wrappers can stand around one.
impl<M: Metrics> Metrics for &M {
    fn put(&self, namespace: &str, data: &[Datum]) -> impl Future<Output = Result<(), PublishError>> + Send {
        (**self).put(namespace, data)
    }

    fn daily_sums(
        &self,
        namespace: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> impl Future<Output = Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError>> + Send {
        (**self).daily_sums(namespace, series, days)
    }
}

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

/// What an attribute is that has no value.
pub const NOTHING: &str = "-";

/// The most columns of an attribute's value: more than the longest id has, because ids are never cut.
const LONGEST_VALUE: usize = 1200;

/// What subscriptions filter by: the same of every message.
#[derive(Clone, Copy, Debug)]
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
    /// The attributes of a message. None is empty.
    pub fn map(&self) -> BTreeMap<String, String> {
        let attributes = [
            ("kind", self.kind),
            ("status", self.status),
            ("rule", self.rule),
            ("member", self.member),
            ("severity", self.severity),
            ("owner", self.owner),
            ("alert_id", self.alert_id),
            ("incident_key", self.incident_key),
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
/// The end of a subject's length, exclusive. Source: Amazon SNS API Reference, `Publish`.
const SUBJECT_END: usize = 100;
/// The most bytes of a message with its attributes. Source: the same.
pub const MAX_MESSAGE_BYTES: usize = 262_144;

impl Message {
    /// Whether it can be sent: whatever implementation is asked, it refuses what SNS would.
    pub fn check(&self) -> Result<(), PublishError> {
        let refuse = |reason: &'static str| Err(PublishError::Refused { what: self.name(), reason: reason.into() });
        let subject_fits = self.subject.len() < SUBJECT_END
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

    fn name(&self) -> String {
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

/// Why something was not published or could not be read back, and what is known of its effect.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It may have been published: a timeout, a lost connection, a server's error.
    #[error("it is not known whether {what} was published: {source}; the next run decides by what the ledger says")]
    InDoubt {
        /// What was being published.
        what: String,
        /// Why that is not known.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was not published, and would not be if it were tried again.
    #[error("{what} was refused: {reason}; nothing was published")]
    Refused {
        /// What was being published.
        what: String,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// It was not published, and may be if it is tried again.
    #[error("{what} was not published: {source}")]
    NotSent {
        /// What was being published.
        what: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was published could not be read back.
    #[error("failed to read back {what}: {source}")]
    NotRead {
        /// What was being read.
        what: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl PublishError {
    /// The stable name of this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InDoubt { .. } => "publish.in_doubt",
            Self::Refused { .. } => "publish.refused",
            Self::NotSent { .. } => "publish.not_sent",
            Self::NotRead { .. } => "publish.not_read",
        }
    }

    /// How to handle it. What is in doubt is never blindly repeated: the caller's state settles it.
    pub fn class(&self) -> Class {
        match self {
            Self::InDoubt { .. } => Class::Wait,
            Self::Refused { .. } => Class::Operator,
            Self::NotSent { .. } | Self::NotRead { .. } => Class::Retry,
        }
    }
}
