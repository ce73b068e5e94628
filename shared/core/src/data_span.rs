//! How far the data of several months can be trusted, day by day.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::data_status::DataStatus;
use crate::period::{BillingPeriod, DayState};
use crate::window::Window;

/// The state of the data of the months that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSpan {
    months: BTreeMap<BillingPeriod, DataStatus>,
}

impl DataSpan {
    /// The state of each month.
    #[must_use]
    pub fn new(months: BTreeMap<BillingPeriod, DataStatus>) -> Self {
        Self { months }
    }

    /// The months, in order.
    #[must_use]
    pub fn months(&self) -> impl DoubleEndedIterator<Item = BillingPeriod> {
        self.months.keys().copied()
    }

    /// The first day of the first month.
    #[must_use]
    pub fn first_day(&self) -> Option<NaiveDate> {
        self.months.keys().next().map(|month| month.first_day())
    }

    /// Up to when the data of a month speaks. A month's rows end with it, but what is delivered of a later month tells
    /// that time has passed for the earlier one too: AWS refreshes both side by side.
    fn as_of(&self, month: BillingPeriod) -> Option<DateTime<Utc>> {
        self.months.range(month..).filter_map(|(_, status)| status.as_of).max()
    }

    /// Up to when all of the data speaks.
    #[must_use]
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        self.months.values().filter_map(|status| status.as_of).max()
    }

    /// The status of the data in a window: the worst of its months that are known.
    #[must_use]
    pub fn status(&self, window: Window) -> DataStatus {
        let known = window.periods().filter_map(|month| {
            let status = self.months.get(&month)?;
            Some(DataStatus { as_of: self.as_of(month), ..*status })
        });
        // The newest word counts: of two months in a week the earlier one speaks no longer than to its end.
        let worst = known.reduce(|left, right| DataStatus { as_of: left.as_of.max(right.as_of), ..left.and(right) });
        worst.unwrap_or_default()
    }

    /// Whether the amounts of `day` may be compared with those of other days.
    #[must_use]
    pub fn is_settled(&self, day: NaiveDate) -> bool {
        let month = BillingPeriod::of(day);
        self.months.get(&month).is_some_and(|status| {
            status.closed || self.as_of(month).is_some_and(|as_of| DayState::of(day, as_of) == DayState::Settled)
        })
    }

    /// The last settled day such that every known day before it is settled too.
    #[must_use]
    pub fn last_settled(&self) -> Option<NaiveDate> {
        let newest = self.newest()?.date_naive();
        newest.iter_days().rev().take(40).find(|day| self.is_settled(*day))
    }

    /// Whether every month that a window lies in is known, as far as the data has come: only then can a window be said
    /// to have less than something.
    #[must_use]
    pub fn covers(&self, window: Window) -> bool {
        let newest = self.months.keys().next_back().copied();
        window.periods().all(|month| self.months.contains_key(&month) || newest.is_some_and(|newest| month > newest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::WindowKind;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn span(months: &[(&str, &str)]) -> DataSpan {
        let status = |as_of: &str| DataStatus { as_of: as_of.parse().ok(), ..DataStatus::default() };
        DataSpan::new(months.iter().map(|(month, as_of)| (month.parse().unwrap(), status(as_of))).collect())
    }

    #[test]
    fn the_days_at_a_months_end_settle_while_the_next_one_goes_on() {
        let alone = span(&[("2026-10", "2026-11-01T00:00:00Z")]);
        assert!(!alone.is_settled(day("2026-10-31")));
        let both = span(&[("2026-10", "2026-11-01T00:00:00Z"), ("2026-11", "2026-11-05T00:00:00Z")]);
        assert!(both.is_settled(day("2026-10-31")) && both.is_settled(day("2026-11-01")));
        assert!(!both.is_settled(day("2026-11-02")));
        assert_eq!(both.last_settled(), Some(day("2026-11-01")));
    }

    #[test]
    fn a_week_is_covered_once_both_of_its_months_are_known_or_to_come() {
        let november = span(&[("2026-11", "2026-11-05T00:00:00Z")]);
        let week = |text: &str| Window::of(WindowKind::Week, day(text));
        assert!(!november.covers(week("2026-11-01")), "October is not known");
        assert!(november.covers(week("2026-11-02")));
        assert!(november.covers(week("2026-11-30")), "December is to come");
    }
}
