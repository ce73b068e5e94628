//! The gauges: month to date, put at the time of publishing, because alarms cannot see back-dated data.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::decimal::Decimal;
use spend_core::dimension::Dimension;
use spend_core::error_class::Class;
use spend_core::fact::FactField;
use spend_core::line::SumOutOfRange;
use spend_core::period::BillingPeriod;
use spend_core::{report, text};

use crate::book::Book;
use crate::config::Config;
use crate::document::{Document, DocumentError, decode, encode};
use crate::keys;
use crate::outputs::{Datum, Metrics, PublishError, Unit, batches};
use crate::store::{Put, Store, StoreError};

/// Spend of the month so far, in the currency of its `Currency` dimension.
const MONTH_TO_DATE: &str = "MonthToDateSpend";

/// Of which deliveries, and which rebuilds of them, the gauges of a period were last put, and by which settings:
/// written after they were put. A crash between the two puts them again, which a gauge does not mind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PutGauges {
    deliveries: BTreeMap<String, String>,
    /// What counts as spend, and which series there are.
    #[serde(default)]
    settings: String,
}

impl Document for PutGauges {
    const FORMAT: &'static str = "put-gauges";
    const VERSION: u32 = 1;
}

/// Why gauges were not put.
#[derive(Debug, thiserror::Error)]
pub enum GaugeError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was put before cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The metrics were not taken.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A sum is too large to be money.
    #[error(transparent)]
    Sum(#[from] SumOutOfRange),
}

impl GaugeError {
    /// The stable name of this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Publish(error) => error.class(),
            Self::Sum(_) => Class::Operator,
        }
    }
}

/// Puts the gauges of the month that contains `now`, unless they were put for the same deliveries by the same settings.
/// Returns how many.
///
/// # Errors
///
/// [`GaugeError`].
pub async fn publish<S: Store, M: Metrics>(
    store: &S,
    metrics: &M,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<usize, GaugeError> {
    let period = BillingPeriod::of(now.date_naive());
    let in_force = PutGauges {
        deliveries: book
            .periods
            .iter()
            .filter(|found| found.period == period)
            .map(|found| (found.export_id.clone(), found.commit()))
            .collect(),
        settings: format!("{:?} {:?}", config.cost, config.metrics),
    };
    if in_force.deliveries.is_empty() {
        return Ok(0);
    }
    let key = keys::gauges_key(period);
    let before = store.get(&key).await?;
    if let Some((bytes, _)) = &before {
        let put: PutGauges = decode(&key, bytes)?;
        if put == in_force {
            return Ok(0);
        }
    }
    let data = month_to_date(config, book, period, now)?;
    for data in batches(&data) {
        metrics.put(&config.metrics.namespace, data).await?;
    }
    let bytes = encode(&in_force)?;
    // Whoever wins this race has put the same gauges, or newer ones.
    let (Put::Written(_) | Put::Lost) = match before {
        None => store.put_if_absent(&key, bytes).await?,
        Some((_, etag)) => store.put_if_match(&key, bytes, &etag).await?,
    };
    Ok(data.len())
}

/// Spend over the usage days of `period`: in all, by identity, and by the first tag, largest first and the rest folded.
fn month_to_date(
    config: &Config,
    book: &Book,
    period: BillingPeriod,
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let mut groups = vec![None, Some((Dimension::Field(FactField::Identity), "Identity".to_owned()))];
    groups.extend(config.metrics.tags.first().map(|tag| Some((Dimension::Tag(tag.clone()), format!("Tag:{tag}")))));
    let facts = || book.facts().filter(|fact| period.contains(fact.key.usage_date));
    let mut data = Vec::new();
    for group in groups {
        let dimensions: Vec<_> = group.iter().map(|(dimension, _)| dimension.clone()).collect();
        let totals = report::totals(facts(), &dimensions, |fact| config.cost.spend(fact))?;
        for row in report::fold(totals, config.metrics.top)? {
            // Rows without a cost may be without a currency.
            let currency = text::or_none(&row.currency).to_owned();
            let mut dimensions = BTreeMap::from([("Currency".to_owned(), currency)]);
            if let (Some((_, name)), Some(member)) = (&group, row.keys.first()) {
                let member = text::or_none(member);
                dimensions.insert(name.clone(), member.to_owned());
            }
            data.push(gauge(dimensions, now, row.cost));
        }
    }
    Ok(data)
}

fn gauge(dimensions: BTreeMap<String, String>, now: DateTime<Utc>, value: Decimal) -> Datum {
    Datum { name: MONTH_TO_DATE.to_owned(), dimensions, timestamp: now, value, unit: Unit::None }
}

#[cfg(test)]
mod tests;
