//! What the metrics cost in a month, worked out before the bill says it.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;
use spend_core::text;

use crate::config::Config;
use crate::metrics::daily::Daily;
use crate::metrics::error::MetricsError;
use crate::metrics::gauges;
use crate::metrics::price::SeriesCount;
use crate::metrics::series::{Limits, Members, currencies, exports, health_series, limits, sums};
use crate::state::book::Book;
use crate::state::committed;
use crate::state::keys::METRIC_SERIES;
use crate::store::Store;

/// What the metrics of the current month cost, at `CloudWatch`'s list prices in US dollars. The formula is that of
/// [`crate::metrics::price`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictedCost {
    /// How many series there are.
    pub series: u64,
    /// What they cost in a month.
    pub monthly: Decimal,
    /// What they may cost: `[metrics] max_monthly_cost`.
    pub most: Decimal,
    /// How many members a dimension may have instead of what `[metrics] cap` says, where the cost is why.
    pub folded_to: Option<usize>,
}

impl fmt::Display for PredictedCost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (monthly, most) = (text::money("USD", self.monthly), text::money("USD", self.most));
        write!(formatter, "{} series, predicted to cost {monthly} a month in CloudWatch", self.series)?;
        if let Some(members) = self.folded_to {
            write!(
                formatter,
                "; to keep the most that they can come to below {most} (max_monthly_cost), a dimension has at most \
                 {members} members, and (other) takes the rest"
            )?;
        }
        if self.monthly > self.most {
            write!(formatter, "; totals alone cost more than {most} (max_monthly_cost), and are put all the same")?;
        }
        Ok(())
    }
}

/// What the metrics of the ledger would cost with `config`. Nothing is written.
pub async fn predict<S: Store>(store: &S, config: &Config, now: DateTime<Utc>) -> Result<PredictedCost, MetricsError> {
    let book = committed::book(store, now).await?;
    let mut members = Members::read(store.get(METRIC_SERIES).await?.as_ref().map(|(bytes, _)| bytes))?;
    let daily = Daily::of(&book, config)?;
    members.grow(&book, &daily, limits(config, &book))?;
    of(config, (&book, &daily, &members), now)
}

/// What the series of the month that contains `now` cost.
pub(super) fn of(
    config: &Config,
    (book, daily, members): (&Book, &Daily, &Members),
    now: DateTime<Utc>,
) -> Result<PredictedCost, MetricsError> {
    let month = BillingPeriod::of(now.date_naive());
    let spend = sums(daily.all(), |day| month.contains(day), members)?.len();
    let gauges = gauges::data(config, (book, daily, members), &BTreeSet::new(), now)?.len();
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let exports = exports(book).len();
    let series = SeriesCount {
        exports: count(exports),
        by_delivery: count(spend + gauges),
        hourly: count(health_series(exports, currencies(book).len())),
    };
    let Limits { members, by_cost, .. } = limits(config, book);
    Ok(PredictedCost {
        series: series.all(),
        monthly: series.monthly_cost(),
        most: config.metrics.max_monthly_cost,
        folded_to: by_cost.then_some(members),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_says_what_keeps_it_low_and_where_totals_alone_are_too_much() {
        let cost = |monthly: &str, folded_to| {
            let (monthly, most) = (monthly.parse().unwrap(), "10".parse().unwrap());
            PredictedCost { series: 7, monthly, most, folded_to }.to_string()
        };
        assert_eq!(cost("9.50", None), "7 series, predicted to cost $9.50 a month in CloudWatch");
        assert_eq!(cost("10", None), "7 series, predicted to cost $10.00 a month in CloudWatch");
        assert_eq!(
            cost("9.50", Some(3)),
            "7 series, predicted to cost $9.50 a month in CloudWatch; to keep the most that they can come to below $10.00 \
             (max_monthly_cost), a dimension has at most 3 members, and (other) takes the rest"
        );
        assert_eq!(
            cost("10.01", None),
            "7 series, predicted to cost $10.01 a month in CloudWatch; totals alone cost more than $10.00 \
             (max_monthly_cost), and are put all the same"
        );
    }
}
