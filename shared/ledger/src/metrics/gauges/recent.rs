//! What was spent of late, for the alarm on spend that has fallen to zero.
//!
//! Neither of the other metrics can be alarmed: data of `Spend` are for days that have ended, which `CloudWatch` shows two
//! days after they were put, and `MonthToDateSpend` is zero wherever a month begins with a holiday.
//!
//! It is the spend of the month so far, and of the last [`DAYS`] at least: a young month without spend says nothing as long
//! as the one before ended with some. But if the month had spend and has none any more, nothing else hides that: then it is
//! zero at once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::text::or_none;

use crate::metrics::daily::Daily;
use crate::metrics::series::{CURRENCY, currencies};
use crate::metrics::told::Told;
use crate::outputs::{Datum, Unit};
use crate::state::book::Book;

/// The metric.
const RECENT: &str = "RecentSpend";

/// Longer than any holiday for which nearly everybody is away.
const DAYS: u64 = 14;

/// The currencies in which days of the month that contains `now` were put to `CloudWatch`, whatever they are now.
pub(crate) fn seen<'a>(told: impl Iterator<Item = &'a Told>, now: DateTime<Utc>) -> BTreeSet<String> {
    let month = BillingPeriod::of(now.date_naive());
    told.flat_map(|told| told.totals_of(month)).map(str::to_owned).collect()
}

/// What was spent of late in each currency of the book, and in each that was `seen` in this month.
pub(super) fn data(
    book: &Book,
    daily: &Daily,
    seen: &BTreeSet<String>,
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, SumOutOfRange> {
    let today = now.date_naive();
    let month = BillingPeriod::of(today);
    let since = today.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(today);
    // Of each currency: of this month, and of it and the last days.
    // Also those in which nothing counts as spend.
    let mut sums: BTreeMap<&str, (Decimal, Decimal)> =
        currencies(book).into_iter().map(|currency| (or_none(currency), Default::default())).collect();
    for (_, spent) in daily.all().filter(|(axis, _)| axis.is_none()) {
        let (of_month, recent) = sums.entry(or_none(&spent.currency)).or_default();
        for (day, spend) in &spent.days {
            let is_of_month = month.contains(*day);
            if !is_of_month && *day < since {
                continue;
            }
            *recent = recent.checked_add(*spend).ok_or(SumOutOfRange)?;
            if is_of_month {
                *of_month = of_month.checked_add(*spend).ok_or(SumOutOfRange)?;
            }
        }
    }
    for currency in seen {
        let (of_month, recent) = sums.entry(currency).or_default();
        if of_month.is_zero() {
            *recent = Decimal::ZERO;
        }
    }
    let datum = |(currency, (_, recent)): (&str, (Decimal, Decimal))| Datum {
        name: RECENT.to_owned(),
        dimensions: BTreeMap::from([(CURRENCY.to_owned(), currency.to_owned())]),
        timestamp: now,
        value: recent,
        unit: Unit::None,
    };
    Ok(sums.into_iter().map(datum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::metrics::series::SpendSeries;
    use crate::metrics::timing::window;
    use crate::reaction_fixtures::{at, book, fact, period};
    use crate::state::keys::Statement;

    fn recent(facts: &[(&str, &str)], seen: &[&str], now: &str) -> Vec<(String, String)> {
        let facts = facts.iter().map(|(day, cost)| fact(day, cost, &[])).collect();
        let seen = seen.iter().map(|currency| (*currency).to_owned()).collect();
        let book = book(vec![period("2026-11", facts)]);
        let daily = Daily::of(&book, &Config::default()).unwrap();
        let data = data(&book, &daily, &seen, at(now)).unwrap();
        data.into_iter().map(|datum| (datum.dimensions[CURRENCY].clone(), datum.value.to_string())).collect()
    }

    fn usd(value: &str) -> [(String, String); 1] {
        [("USD".to_owned(), value.to_owned())]
    }

    #[test]
    fn it_is_the_month_so_far_and_two_weeks_at_least() {
        let facts = [("2026-10-31", "1"), ("2026-11-02", "2"), ("2026-11-20", "4")];
        assert_eq!(recent(&facts, &["USD"], "2026-11-21T06:00:00Z"), usd("6"));
        assert_eq!(recent(&facts[..2], &["USD"], "2026-11-13T06:00:00Z"), usd("3"));
        assert_eq!(recent(&facts[..2], &["USD"], "2026-11-14T06:00:00Z"), usd("2"), "the 31st is 15 days ago");
    }

    #[test]
    fn a_month_that_begins_with_a_holiday_is_not_zero_and_one_without_any_spend_is_after_two_weeks() {
        let facts = [("2026-11-28", "5")];
        for (day, value) in [("01", "5"), ("02", "5"), ("11", "5"), ("12", "0")] {
            assert_eq!(recent(&facts, &[], &format!("2026-12-{day}T06:00:00Z")), usd(value), "{day}");
        }
    }

    #[test]
    fn what_was_told_of_this_month_is_seen() {
        let told = |currency: &str, day: &str| {
            let statement = Statement { export_id: "e".to_owned(), period: "2026-11".parse().unwrap() };
            let series = SpendSeries { currency: currency.to_owned(), of: None };
            let days = BTreeMap::from([(day.parse().unwrap(), Decimal::ONE)]);
            let (mut told, now) = (Told::nothing("n", &statement), at("2026-11-03T06:00:00Z"));
            told.plan(&BTreeMap::from([(series, days)]), |_| true, &window(now)).unwrap();
            told
        };
        let all = [told("USD", "2026-11-02"), told("EUR", "2026-10-31"), told("GBP", "2026-11-01")];
        let seen = seen(all.iter(), at("2026-11-03T06:00:00Z"));
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["GBP", "USD"]);
    }

    #[test]
    fn a_month_that_had_spend_and_has_none_any_more_is_zero_at_once() {
        let facts = [("2026-10-31", "5")];
        assert_eq!(recent(&facts, &["USD"], "2026-11-03T06:00:00Z"), usd("0"));
        assert_eq!(recent(&[], &["USD"], "2026-11-03T06:00:00Z"), usd("0"), "also where nothing else is left");
        assert_eq!(recent(&[], &[], "2026-11-03T06:00:00Z"), []);
    }
}
