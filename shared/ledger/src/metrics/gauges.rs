//! The gauges: month to date, where it is heading, budgets, and what was spent of late, put at the time of publishing,
//! because alarms cannot see back-dated data. All but the last only for the month that contains that time: last month's
//! refresh never lands in this month's series. Where there was a value and is none any more, they are put as zero, see
//! [`shown`].

pub(crate) mod recent;
pub(crate) mod shown;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::{Window, WindowKind};
use spend_core::forecast::{self, Outlook};
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::rules::budget::{self, Used};
use spend_core::text::or_none;

use crate::config::Config;
use crate::metrics::daily::{Axis, Daily};
use crate::metrics::error::MetricsError;
use crate::metrics::scene::Scene;
use crate::metrics::series::{Members, SpendSeries, currencies, limits, sums};
use crate::outputs::{Datum, Series, Unit};
use crate::state::book::Book;
use crate::store::Store;

pub(crate) use recent::seen;
pub(crate) use shown::{Announced, Kept, is_due, read};

/// Spend of the month so far, in the currency of its `Currency` dimension.
const MONTH_TO_DATE: &str = "MonthToDateSpend";
/// What the month is likely to come to; none as long as too few days have settled to say.
const FORECAST: &str = "ForecastSpend";
/// Spend of the window so far in percent of a budget's amount.
const BUDGET_USED: &str = "BudgetUsedPercent";
/// The member of a budget that has none: `CloudWatch` takes no empty value.
const NO_MEMBER: &str = "-";

/// The gauges of the windows that contain `now`, announced over what was read before anything that they are made from,
/// and zeros where there was a value and is none any more. `seen` are the currencies of [`recent::seen`]. None if somebody else has announced theirs since.
pub(crate) async fn announce<S: Store>(
    store: &S,
    config: &Config,
    before: Option<Kept>,
    (scene, seen): (&Scene, &BTreeSet<String>),
    now: DateTime<Utc>,
) -> Result<Option<(Vec<Datum>, Announced)>, MetricsError> {
    let mut data = data(config, (&scene.book, &scene.daily, &scene.members), seen, now)?;
    let namespace = &config.metrics.namespace;
    let Some(announced) = shown::announce(store, namespace, before, &data, &scene.basis, now).await? else {
        return Ok(None);
    };
    let zero = |gone: Series| {
        let unit = if gone.name == BUDGET_USED { Unit::Percent } else { Unit::None };
        gauge(&gone.name, gone.dimensions, now, Decimal::ZERO, unit)
    };
    data.extend(announced.gone(&data).into_iter().map(zero));
    Ok(Some((data, announced)))
}

/// The gauges: for a month of which nothing was delivered, what was spent of late and nothing else.
pub(crate) fn data(
    config: &Config,
    (book, daily, members): (&Book, &Daily, &Members),
    seen: &BTreeSet<String>,
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let month = BillingPeriod::of(now.date_naive());
    let mut data = recent::data(book, daily, seen, now)?;
    if book.of(month).next().is_none() {
        return Ok(data);
    }
    data.extend(month_to_date(config, (book, daily, members), month, now)?);
    data.extend(forecast((book, daily, members), now)?);
    data.extend(budgets(config, book, now)?);
    Ok(data)
}

/// Spend over the usage days of `month`: in all, by identity, and by the first tag. In all it is put also where it is zero:
/// an alarm looks past missing data as long as older data are in its evaluation range. Source: Amazon `CloudWatch` User
/// Guide, "Configuring how CloudWatch alarms treat missing data".
fn month_to_date(
    config: &Config,
    (book, daily, members): (&Book, &Daily, &Members),
    month: BillingPeriod,
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let tag = config.metrics.tags.first().map(|tag| Axis::tag(tag).name);
    let shown = |name: &str| name == "Identity" || tag.as_deref() == Some(name);
    let spent = daily.all().filter(|(axis, _)| axis.is_none_or(|axis| shown(&axis.name)));
    let mut data = Vec::new();
    let mut found = sums(spent, |day| month.contains(day), members)?;
    for currency in currencies(book) {
        found.entry(SpendSeries { currency: or_none(currency).to_owned(), of: None }).or_default();
    }
    for (series, days) in found {
        let mut sum = Decimal::ZERO;
        for spend in days.into_values() {
            sum = sum.checked_add(spend).ok_or(SumOutOfRange)?;
        }
        data.push(gauge(MONTH_TO_DATE, series.series().dimensions, now, sum, Unit::None));
    }
    Ok(data)
}

/// What the spend of the month that contains `now` is heading for, in each currency.
fn forecast(
    (book, daily, members): (&Book, &Daily, &Members),
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let (month, span) = (Window::of(WindowKind::Month, now.date_naive()), book.span());
    let mut data = Vec::new();
    let in_all = daily.all().filter(|(axis, _)| axis.is_none());
    for (series, days) in sums(in_all, |_| true, members)? {
        if let Outlook::Forecast(forecast) = forecast::outlook(&days, month, &span)? {
            data.push(gauge(FORECAST, series.series().dimensions, now, forecast.expected, Unit::None));
        }
    }
    Ok(data)
}

/// How much of each budget is used in the window that contains `now`; of a budget with members those that have used
/// most.
fn budgets(config: &Config, book: &Book, now: DateTime<Utc>) -> Result<Vec<Datum>, SumOutOfRange> {
    let mut used: BTreeMap<&str, Vec<(Decimal, String)>> = BTreeMap::new();
    for of_member in budget::used(&config.rules.budgets, &book.facts(), &config.cost, now.date_naive())? {
        if let Some(percent) = used_percent(&of_member) {
            let member = of_member.member.unwrap_or_else(|| NO_MEMBER.to_owned());
            used.entry(of_member.rule).or_default().push((percent, member));
        }
    }
    let most = limits(config, book).top.max(1);
    let mut data = Vec::new();
    for (budget, mut members) in used {
        members.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        for (percent, member) in members.into_iter().take(most) {
            let dimensions = [("Budget", budget.to_owned()), ("Member", member)];
            let dimensions = dimensions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            data.push(gauge(BUDGET_USED, dimensions, now, percent, Unit::Percent));
        }
    }
    Ok(data)
}

/// In percent with one place, rounded down: 100 is never said of a budget that is not used up. None is out of range.
fn used_percent(used: &Used<'_>) -> Option<Decimal> {
    let thousandths = used.spent.checked_mul(1000)?.units().checked_div_euclid(used.amount.units())?;
    thousandths.checked_mul(Decimal::ONE.units() / 10).and_then(Decimal::from_units)
}

fn gauge(name: &str, dimensions: BTreeMap<String, String>, now: DateTime<Utc>, value: Decimal, unit: Unit) -> Datum {
    Datum { name: name.to_owned(), dimensions, timestamp: now, value, unit }
}

#[cfg(test)]
mod tests;
