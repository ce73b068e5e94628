//! The port to metrics: a datum, its series, what one call may put, and [`Metrics`]. On AWS it is CloudWatch.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::money::decimal::Decimal;

use crate::outputs::publish_error::PublishError;
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
pub(crate) const MAX_VALUE: usize = 1024;

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
pub(crate) const ENVELOPE_BYTES: usize = 1000;

/// No less than the bytes that a datum takes in a call.
pub(crate) fn datum_bytes(datum: &Datum) -> usize {
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
