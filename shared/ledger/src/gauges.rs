//! The gauges: month to date and budgets, put at the time of publishing, because alarms cannot see back-dated data. Only
//! for the month that contains that time: last month's refresh never lands in this month's series.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::budget::{self, Measurement};
use spend_core::decimal::Decimal;
use spend_core::line::SumOutOfRange;
use spend_core::period::BillingPeriod;

use crate::book::Book;
use crate::config::Config;
use crate::document::{Document, decode, encode};
use crate::keys;
use crate::metrics::series::{Axis, Members, sums};
use crate::metrics::{MetricsError, limits};
use crate::outputs::{Datum, Metrics, Unit, batches};
use crate::store::{Put, Store};

/// Spend of the month so far, in the currency of its `Currency` dimension.
const MONTH_TO_DATE: &str = "MonthToDateSpend";
/// Spend of the month so far in percent of a budget's amount.
const BUDGET_USED: &str = "BudgetUsedPercent";
/// The member of a budget that has none: `CloudWatch` takes no empty value.
const NO_MEMBER: &str = "-";

/// Of what the gauges of a month were last put: written after they were put. A crash between the two puts them again,
/// which a gauge does not mind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PutGauges {
    basis: String,
}

impl Document for PutGauges {
    const FORMAT: &'static str = "put-gauges";
    const VERSION: u32 = 1;
}

/// Whether the gauges of the month that contains `now` were last put of something else than `basis`.
pub(crate) async fn is_due<S: Store>(store: &S, now: DateTime<Utc>, basis: &str) -> Result<bool, MetricsError> {
    let key = keys::gauges_key(BillingPeriod::of(now.date_naive()));
    let Some((bytes, _)) = store.get(&key).await? else { return Ok(true) };
    let put: PutGauges = decode(&key, &bytes)?;
    Ok(put.basis != basis)
}

/// Puts the gauges of the month that contains `now`: how many.
pub(crate) async fn publish<S: Store, M: Metrics>(
    store: &S,
    metrics: &M,
    config: &Config,
    seen: (&Book, &Members),
    basis: &str,
    now: DateTime<Utc>,
) -> Result<usize, MetricsError> {
    let data = data(config, seen, now)?;
    for data in batches(&data) {
        metrics.put(&config.metrics.namespace, data).await?;
    }
    let key = keys::gauges_key(BillingPeriod::of(now.date_naive()));
    let bytes = encode(&PutGauges { basis: basis.to_owned() })?;
    // Whoever wins this race has put the same gauges, or newer ones.
    let (Put::Written(_) | Put::Lost) = match store.head(&key).await? {
        None => store.put_if_absent(&key, bytes).await?,
        Some(head) => store.put_if_match(&key, bytes, &head.etag).await?,
    };
    Ok(data.len())
}

/// The gauges: none for a month of which nothing was delivered.
pub(crate) fn data(
    config: &Config,
    (book, members): (&Book, &Members),
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let month = BillingPeriod::of(now.date_naive());
    if book.of(month).next().is_none() {
        return Ok(Vec::new());
    }
    let mut data = month_to_date(config, book, members, month, now)?;
    data.extend(budgets(config, book, month, now)?);
    Ok(data)
}

/// Spend over the usage days of `month`: in all, by identity, and by the first tag.
fn month_to_date(
    config: &Config,
    book: &Book,
    members: &Members,
    month: BillingPeriod,
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let tag = config.metrics.tags.first().map(|tag| Axis::tag(tag).name);
    let shown = |name: &str| name == "Identity" || tag.as_deref() == Some(name);
    let facts = book.facts().filter(|fact| month.contains(fact.key.usage_date));
    let mut data = Vec::new();
    for (series, days) in sums(&facts, config, members)? {
        if series.of.as_ref().is_none_or(|(name, _)| shown(name)) {
            let mut sum = Decimal::ZERO;
            for spend in days.into_values() {
                sum = sum.checked_add(spend).ok_or(SumOutOfRange)?;
            }
            data.push(gauge(MONTH_TO_DATE, series.series().dimensions, now, sum, Unit::None));
        }
    }
    Ok(data)
}

/// How much of each budget is used; of a budget with members those that have used most.
fn budgets(
    config: &Config,
    book: &Book,
    month: BillingPeriod,
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let mut used: BTreeMap<String, Vec<(Decimal, String)>> = BTreeMap::new();
    for measured in budget::evaluate(&config.budgets, book.facts(), &config.cost, month)? {
        if let Some(percent) = used_percent(&measured) {
            let member = measured.member.unwrap_or_else(|| NO_MEMBER.to_owned());
            used.entry(measured.rule).or_default().push((percent, member));
        }
    }
    let most = limits(config, book).top.max(1);
    let mut data = Vec::new();
    for (budget, mut members) in used {
        members.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        for (percent, member) in members.into_iter().take(most) {
            let dimensions = [("Budget", budget.clone()), ("Member", member)];
            let dimensions = dimensions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            data.push(gauge(BUDGET_USED, dimensions, now, percent, Unit::Percent));
        }
    }
    Ok(data)
}

/// In percent with one place, rounded down: 100 is never said of a budget that is not used up. None is out of range.
fn used_percent(measured: &Measurement) -> Option<Decimal> {
    let thousandths = measured.spent.checked_mul(1000)?.units().checked_div_euclid(measured.amount.units())?;
    thousandths.checked_mul(Decimal::ONE.units() / 10).and_then(Decimal::from_units)
}

fn gauge(name: &str, dimensions: BTreeMap<String, String>, now: DateTime<Utc>, value: Decimal, unit: Unit) -> Datum {
    Datum { name: name.to_owned(), dimensions, timestamp: now, value, unit }
}

#[cfg(test)]
mod tests;
