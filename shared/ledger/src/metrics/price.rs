//! What custom metrics cost: `CloudWatch` charges each series for the hours in which data were put to it.
//!
//! The formula, in US dollars of a month of 730 hours:
//!
//! ```text
//! metric-hours = 730 × (hourly + by delivery × min(24, 3 × exports) / 24)
//! cost         = price of metric-hours / 730 metric-months, tier by tier
//! ```
//!
//! A series to which data are put with every delivery has three hours a day, because AWS delivers an export up to three
//! times a day, whatever number of usage days the data are for; several exports deliver at hours of their own. It is an
//! upper estimate where a series has nothing new. Calls of the API are left out: a thousand cost a cent.
//!
//! Source: Amazon `CloudWatch` pricing, "Metrics" (us-east-1): all custom metrics charges are prorated by the hour and
//! metered only when metrics are sent. That page fills in its table of prices by a script; the tiers in [`TIERS`] are from
//! a copy of it (nishinoshake/aws-rough on GitHub, issue 37), of which other pages repeat the first two. AWS Data Exports user guide, "Export
//! delivery": at least once a day.

use spend_core::money::decimal::Decimal;

/// Up to how many metrics a month costs how many cents each. Source: Amazon `CloudWatch` pricing, "Metrics".
pub(crate) const TIERS: [(u64, i64); 4] = [(10_000, 30), (250_000, 10), (1_000_000, 5), (u64::MAX, 2)];
/// The hours of a month, as AWS's price calculator has them.
pub(crate) const HOURS_PER_MONTH: u64 = 730;
/// How often an export is delivered on a day, at most as seen.
pub(crate) const DELIVERIES_PER_DAY: u64 = 3;

/// How many series there are, by how often data are put to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeriesCount {
    /// The exports that deliver.
    pub(crate) exports: u64,
    /// Series to which data are put with each delivery.
    pub(crate) by_delivery: u64,
    /// Series to which data are put every hour.
    pub(crate) hourly: u64,
}

impl SeriesCount {
    /// All of them.
    pub(crate) fn all(self) -> u64 {
        self.by_delivery.saturating_add(self.hourly)
    }

    /// The hours of a month in which data are put, over all series.
    pub(crate) fn metric_hours(self) -> u64 {
        let hours_a_day = self.exports.saturating_mul(DELIVERIES_PER_DAY).min(24);
        let by_delivery = self.by_delivery.saturating_mul(hours_a_day).saturating_mul(HOURS_PER_MONTH).div_ceil(24);
        self.hourly.saturating_mul(HOURS_PER_MONTH).saturating_add(by_delivery)
    }

    /// What a month of them costs, in US dollars, rounded up to a cent.
    pub(crate) fn monthly_cost(self) -> Decimal {
        let mut left = u128::from(self.metric_hours());
        let mut cent_hours = 0_u128;
        let mut below = 0;
        for (end, cents) in TIERS {
            let tier = u128::from(end - below) * u128::from(HOURS_PER_MONTH);
            let here = left.min(tier);
            cent_hours += here * u128::from(cents.unsigned_abs());
            left -= here;
            below = end;
        }
        let cents = cent_hours.div_ceil(u128::from(HOURS_PER_MONTH));
        // 2⁶⁴ metric-hours cost less than 10¹⁸ cents, which a decimal holds.
        let units = i128::try_from(cents).ok().and_then(|cents| cents.checked_mul(Decimal::ONE.units() / 100));
        units.and_then(Decimal::from_units).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn hourly(series: u64) -> Decimal {
        SeriesCount { exports: 1, by_delivery: 0, hourly: series }.monthly_cost()
    }

    #[test]
    fn a_series_with_data_every_hour_costs_the_price_of_its_tier() {
        for (series, cost) in [
            (0, "0"),
            (1, "0.3"),
            (10_000, "3000"),
            (10_001, "3000.1"),
            (250_000, "27000"),
            (1_000_000, "64500"),
            (1_000_001, "64500.02"),
        ] {
            assert_eq!(hourly(series), decimal(cost), "{series}");
        }
    }

    #[test]
    fn a_series_with_data_three_times_a_day_costs_an_eighth() {
        let by_delivery = |exports, series| SeriesCount { exports, by_delivery: series, hourly: 0 }.monthly_cost();
        assert_eq!(by_delivery(1, 800), decimal("30"));
        assert_eq!(by_delivery(2, 800), decimal("60"));
        assert_eq!(by_delivery(8, 800), decimal("240"));
        assert_eq!(by_delivery(9, 800), decimal("240"), "a day has no more hours");
        assert_eq!(by_delivery(1, 1), decimal("0.04"), "rounded up");
    }

    #[test]
    fn no_count_overflows() {
        let most = SeriesCount { exports: u64::MAX, by_delivery: u64::MAX, hourly: u64::MAX };
        assert!(most.monthly_cost() > decimal("1000000"));
    }
}
