//! Which series `Spend` has: each dimension has one for each of its members, one for all others, and one for none.
//!
//! Members are counted by the month of the usage day. In a month they only become more: those at the top by spend join
//! whoever was a member before, up to a cap, and a month begins with the members of the one before that spent something
//! in it. A member's spend from before it joined moves to its series by differences like any other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use bytes::Bytes;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::fact::FactField;
use spend_core::facts::grouping::distinct;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::text::{NONE, OTHER, or_none};

use crate::config::{Config, RESTS};
use crate::metrics::daily::{Axis, Daily, Spent};
use crate::metrics::price::SeriesCount;
use crate::outputs::metric::Series;
use crate::state::basis::Basis;
use crate::state::book::Book;
use crate::state::document::{Document, DocumentError, decode, encode};
use crate::state::keys;

/// The metric.
pub(super) const SPEND: &str = "Spend";
/// The dimension that every metric of money has.
pub(super) const CURRENCY: &str = "Currency";

/// One series of `Spend`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct SpendSeries {
    pub(crate) currency: String,
    /// The name of the dimension and the member; none is the total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<(String, String)>,
}

impl SpendSeries {
    /// As `CloudWatch` knows it.
    pub(crate) fn series(&self) -> Series {
        let of = self.of.clone();
        let dimensions = of.into_iter().chain([(CURRENCY.to_owned(), self.currency.clone())]).collect();
        Series { name: SPEND.to_owned(), dimensions }
    }

    /// Whether it is the total of its currency.
    pub(crate) fn is_total(&self) -> bool {
        self.of.is_none()
    }
}

impl fmt::Display for SpendSeries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            None => write!(formatter, "{}", self.currency),
            Some((name, member)) => write!(formatter, "{} {name}={member}", self.currency),
        }
    }
}

/// Spend by series and usage day.
pub(crate) type Sums = BTreeMap<SpendSeries, BTreeMap<NaiveDate, Decimal>>;

/// How many members a dimension may have, besides [`RESTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How many join by their spend.
    pub(crate) top: usize,
    /// How many there ever are in a month.
    pub(crate) members: usize,
    /// Whether the cost lowered them.
    pub(crate) by_cost: bool,
}

/// How many series gauges and health have, of which the number of members is not that of [`Limits`].
const HEALTH_OF_EXPORT: usize = 5;
const HEALTH_OF_EXPORT_AND_CURRENCY: usize = 4;

impl Limits {
    /// Those of a configuration, lowered until the most that there can be costs no more than it allows.
    pub(crate) fn of(config: &Config, exports: usize, currencies: usize) -> Self {
        let metrics = &config.metrics;
        let most = metrics.cap.saturating_sub(RESTS);
        let affordable = |members: usize| {
            most_series(config, exports, currencies, members).monthly_cost() <= metrics.max_monthly_cost
        };
        // The cost grows with the members.
        let (mut members, mut too_many) = (0, most + 1);
        while too_many - members > 1 {
            let middle = usize::midpoint(members, too_many);
            if affordable(middle) { members = middle } else { too_many = middle }
        }
        Self { top: metrics.top.min(members), members, by_cost: members < most }
    }
}

/// The series of what a month is heading for, of each currency.
const FORECASTS: usize = 1;
/// The series of what was spent of late, of each currency.
const RECENT: usize = 1;

/// The most series that there can be with so many members of each dimension.
fn most_series(config: &Config, exports: usize, currencies: usize, members: usize) -> SeriesCount {
    let dimension = |dimensions: usize| 1 + dimensions * (members + RESTS);
    let spend = dimension(Axis::all(config).len());
    let month_to_date = dimension(1 + usize::from(!config.metrics.tags.is_empty()));
    let budgets: usize =
        config.rules.budgets.iter().map(|budget| if budget.rule.each.is_some() { members } else { 1 }).sum();
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    SeriesCount {
        exports: count(exports),
        by_delivery: count(currencies * (spend + month_to_date + FORECASTS + RECENT) + budgets),
        hourly: count(exports * (HEALTH_OF_EXPORT + currencies * HEALTH_OF_EXPORT_AND_CURRENCY)),
    }
}

/// The series that health has every hour.
pub(super) fn health_series(exports: usize, currencies: usize) -> usize {
    exports * (HEALTH_OF_EXPORT + currencies * HEALTH_OF_EXPORT_AND_CURRENCY)
}

/// The members of a dimension by currency.
type ByCurrency = BTreeMap<String, BTreeSet<String>>;

/// The members of each dimension, by month of usage: a stored document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    /// What they last grew by: they do not grow by older facts. Version 1 does not say.
    #[serde(default)]
    pub(super) from: Basis,
    months: BTreeMap<BillingPeriod, BTreeMap<String, ByCurrency>>,
}

impl Document for Members {
    const FORMAT: &'static str = "metric-series";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}

impl Members {
    pub(super) fn read(bytes: Option<&Bytes>) -> Result<Self, DocumentError> {
        bytes.map_or_else(|| Ok(Self::default()), |bytes| decode(keys::METRIC_SERIES, bytes))
    }

    /// As it is stored. Equal members are equal bytes.
    pub(super) fn encoded(&self) -> Result<Bytes, DocumentError> {
        encode(self)
    }

    /// The members of a dimension on a day.
    pub(crate) fn are(&self, month: BillingPeriod, axis: &Axis, currency: &str, value: &str) -> bool {
        let of_month = self.months.get(&month);
        let members = of_month.and_then(|axes| axes.get(&axis.name)).and_then(|currencies| currencies.get(currency));
        members.is_some_and(|members| members.contains(value))
    }

    /// What a value is called in a dimension: itself if it is a member.
    pub(crate) fn label<'a>(&self, month: BillingPeriod, axis: &Axis, currency: &str, value: &'a str) -> &'a str {
        if value.is_empty() {
            NONE
        } else if self.are(month, axis, currency, value) {
            value
        } else {
            OTHER
        }
    }

    /// Lets those join who have come to the top, and forgets months that the book has left.
    ///
    /// Doing it again changes nothing.
    pub(crate) fn grow(&mut self, book: &Book, daily: &Daily, limits: Limits) -> Result<(), SumOutOfRange> {
        let mut spend: BTreeMap<BillingPeriod, Spenders<'_>> = BTreeMap::new();
        for (axis, spent) in daily.all() {
            let (Some(axis), value, currency) = (axis, &*spent.value, or_none(&spent.currency)) else { continue };
            if value.is_empty() || value == OTHER || value == NONE {
                // A value with the name of a rest would be counted with it: it has no series of its own.
                continue;
            }
            for (month, days) in by_month(&spent.days) {
                let of_month = spend.entry(month).or_default();
                let sum = of_month.entry((&axis.name, currency)).or_default().entry(value).or_default();
                for (_, cost) in days {
                    *sum = sum.checked_add(*cost).ok_or(SumOutOfRange)?;
                }
            }
        }
        let oldest = book.periods.iter().map(|period| period.period).min();
        for (month, spenders) in &spend {
            let before = self.months.range(..month).next_back().map(|(month, members)| (*month, members.clone()));
            let is_new = !self.months.contains_key(month);
            for ((axis, currency), values) in spenders {
                let axes = self.months.entry(*month).or_default();
                let members = axes.entry((*axis).to_owned()).or_default().entry((*currency).to_owned()).or_default();
                if let Some((before, members_before)) = before.as_ref().filter(|_| is_new) {
                    let earlier = spend.get(before).and_then(|spenders| spenders.get(&(*axis, *currency)));
                    let inherited = members_before.get(*axis).and_then(|currencies| currencies.get(*currency));
                    let earlier = earlier.map_or_else(Vec::new, by_spend);
                    let inherited = earlier
                        .into_iter()
                        .filter(|value| inherited.is_some_and(|members| members.contains(*value)))
                        .take(limits.members);
                    members.extend(inherited.map(str::to_owned));
                }
                for value in by_spend(values).into_iter().take(limits.top) {
                    if members.len() < limits.members && !members.contains(value) {
                        members.insert(value.to_owned());
                    }
                }
            }
        }
        // A month without a fact of its own may still be what the next begins with.
        self.months.retain(|month, _| spend.contains_key(month) || oldest.is_some_and(|oldest| *month >= oldest));
        Ok(())
    }
}

/// The spend of each value of each dimension and currency.
type Spenders<'a> = BTreeMap<(&'a str, &'a str), HashMap<&'a str, Decimal>>;

/// The values, largest spend first.
fn by_spend<'a>(values: &HashMap<&'a str, Decimal>) -> Vec<&'a str> {
    let mut values: Vec<_> = values.iter().map(|(value, spend)| (std::cmp::Reverse(*spend), *value)).collect();
    values.sort_unstable();
    values.into_iter().map(|(_, value)| value).collect()
}

/// Days of one month after those of another.
fn by_month(days: &[(NaiveDate, Decimal)]) -> impl Iterator<Item = (BillingPeriod, &[(NaiveDate, Decimal)])> {
    let month = |(day, _): &(NaiveDate, Decimal)| BillingPeriod::of(*day);
    let months = days.chunk_by(move |left, right| month(left) == month(right));
    months.filter_map(move |days| Some((month(days.first()?), days)))
}

/// What a series is told apart by: its currency, and its dimension and label.
type Key<'a> = (&'a str, Option<(&'a str, &'a str)>);

/// The exact spend of the days that `is_in` holds of, by series and day.
pub(crate) fn sums<'a>(
    spent: impl Iterator<Item = (Option<&'a Axis>, &'a Spent)>,
    is_in: impl Fn(NaiveDate) -> bool,
    members: &Members,
) -> Result<Sums, SumOutOfRange> {
    let mut found: BTreeMap<Key<'_>, BTreeMap<NaiveDate, Decimal>> = BTreeMap::new();
    for (axis, spent) in spent {
        let currency = or_none(&spent.currency);
        for (month, days) in by_month(&spent.days) {
            let label = |axis: &'a Axis| (&*axis.name, members.label(month, axis, currency, &spent.value));
            let mut days = days.iter().filter(|(day, _)| is_in(*day)).peekable();
            if days.peek().is_none() {
                continue;
            }
            let sums = found.entry((currency, axis.map(label))).or_default();
            for (day, cost) in days {
                let sum = sums.entry(*day).or_default();
                *sum = sum.checked_add(*cost).ok_or(SumOutOfRange)?;
            }
        }
    }
    let series = |(currency, of): Key<'_>| SpendSeries {
        currency: currency.to_owned(),
        of: of.map(|(name, label)| (name.to_owned(), label.to_owned())),
    };
    Ok(found.into_iter().map(|(found, days)| (series(found), days)).collect())
}

/// How many values of a month are counted in `(other)`, over all dimensions.
pub(super) fn folded<'a>(
    spent: impl Iterator<Item = (Option<&'a Axis>, &'a Spent)>,
    members: &Members,
    month: BillingPeriod,
) -> usize {
    let mut folded: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for (axis, spent) in spent {
        let (Some(axis), currency) = (axis, or_none(&spent.currency)) else { continue };
        let is_of_month = spent.days.iter().any(|(day, _)| month.contains(*day));
        if is_of_month && members.label(month, axis, currency, &spent.value) == OTHER {
            folded.insert((&axis.name, currency, &spent.value));
        }
    }
    folded.len()
}

#[cfg(test)]
mod tests;

/// How many members dimensions may have, with the exports and currencies that there are.
pub(crate) fn limits(config: &Config, book: &Book) -> Limits {
    Limits::of(config, exports(book).len(), currencies(book).len())
}

pub(crate) fn exports(book: &Book) -> std::collections::BTreeSet<&str> {
    book.periods.iter().map(|period| period.export_id.as_str()).collect()
}

pub(crate) fn currencies(book: &Book) -> std::collections::BTreeSet<&str> {
    distinct(book.facts(), FactField::Currency).into_iter().collect()
}
