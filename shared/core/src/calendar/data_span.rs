//! How far the data of several months can be trusted, day by day.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::calendar::data_status::DataStatus;
use crate::calendar::period::{BillingPeriod, DayState};
use crate::calendar::window::Window;

/// The state of the data of the months that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSpan {
    months: BTreeMap<BillingPeriod, DataStatus>,
    /// Up to when any export speaks, where that is later than all of them do.
    reaches: Option<DateTime<Utc>>,
}

impl DataSpan {
    /// The state of each month.
    pub fn new(months: BTreeMap<BillingPeriod, DataStatus>) -> Self {
        Self { months, reaches: None }
    }

    /// The same where one of several exports speaks up to this instant.
    #[must_use]
    pub fn reaching(self, reaches: Option<DateTime<Utc>>) -> Self {
        Self { reaches, ..self }
    }

    /// The months, in order.
    pub fn months(&self) -> impl DoubleEndedIterator<Item = BillingPeriod> {
        self.months.keys().copied()
    }

    /// The first day of the first month.
    pub fn first_day(&self) -> Option<NaiveDate> {
        self.months.keys().next().map(|month| month.first_day())
    }

    /// Up to when the data of a month speaks. A month's rows end with it, but what is delivered of a later month tells
    /// that time has passed for the earlier one too: AWS refreshes both side by side.
    fn as_of(&self, month: BillingPeriod) -> Option<DateTime<Utc>> {
        self.months.range(month..).filter_map(|(_, status)| status.as_of).max()
    }

    /// Up to when all of the data speaks.
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        self.months.values().filter_map(|status| status.as_of).max()
    }

    /// The status of the data in a window: the worst of its months that are known.
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
    pub fn is_settled(&self, day: NaiveDate) -> bool {
        self.is_settled_in(BillingPeriod::of(day), day)
    }

    /// The same of what the bill of `month` says of `day`: a bill may have lines of a day before it.
    fn is_settled_in(&self, month: BillingPeriod, day: NaiveDate) -> bool {
        self.months.get(&month).is_some_and(|status| {
            status.closed || self.as_of(month).is_some_and(|as_of| DayState::of(day, as_of) == DayState::Settled)
        })
    }

    /// Whether a delivery of `month` restates what it changes of `day`, where this is what was known before it: the day
    /// had settled, or the month had closed.
    ///
    /// Amounts that are not of their day (`is_of_its_day`), the taxes and credits of an open month, are no restatement: they
    /// stand on one of its days, and move with every delivery. What a month that is not known had of a day is not known either.
    pub fn is_restated(&self, month: BillingPeriod, day: NaiveDate, is_of_its_day: bool) -> bool {
        let is_closed = self.months.get(&month).is_some_and(|status| status.closed);
        is_closed || (self.is_settled_in(month, day) && is_of_its_day)
    }

    /// The last settled day such that every known day before it is settled too.
    pub fn last_settled(&self) -> Option<NaiveDate> {
        let newest = self.newest()?.date_naive();
        newest.iter_days().rev().take(40).find(|day| self.is_settled(*day))
    }

    /// Whether a window has begun in the data of any export: one that delivers no more must not hide what is spent by the
    /// others. Where a later window is heading is not told: whoever is told of it before it has begun is not told when it
    /// comes.
    pub fn has_begun(&self, window: Window) -> bool {
        self.newest().max(self.reaches).is_none_or(|newest| window.start() < newest)
    }

    /// Whether every month that a window lies in is known, as far as the data has come: only then can a window be said
    /// to have less than something.
    pub fn covers(&self, window: Window) -> bool {
        let newest = self.months.keys().next_back().copied();
        window.periods().all(|month| self.months.contains_key(&month) || newest.is_some_and(|newest| month > newest))
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike as _;

    use super::*;
    use crate::bill::category::Category;
    use crate::calendar::window::WindowKind;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn span(months: &[(&str, &str)]) -> DataSpan {
        let status = |as_of: &str| DataStatus { as_of: as_of.parse().ok(), ..DataStatus::default() };
        DataSpan::new(months.iter().map(|(month, as_of)| (month.parse().unwrap(), status(as_of))).collect())
    }

    #[test]
    fn a_window_has_begun_once_the_data_goes_beyond_its_start() {
        let week = Window::of(WindowKind::Week, day("2026-11-02"));
        assert!(!span(&[("2026-11", "2026-11-02T00:00:00Z")]).has_begun(week));
        assert!(span(&[("2026-11", "2026-11-02T00:00:01Z")]).has_begun(week));
        let ahead = "2026-11-02T00:00:01Z".parse().ok();
        assert!(span(&[("2026-11", "2026-11-01T00:00:00Z")]).reaching(ahead).has_begun(week), "by another export");
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
    fn a_change_of_a_settled_day_or_a_closed_month_is_a_restatement() {
        let both = span(&[("2026-10", "2026-11-01T00:00:00Z"), ("2026-11", "2026-11-03T00:00:00Z")]);
        let restated = |span: &DataSpan, category: Category| {
            let days = (27..=31).map(|day| format!("2026-10-{day}"));
            let (month, days) = ("2026-10".parse().unwrap(), days.map(|text| day(&text)));
            days.filter(|day| span.is_restated(month, *day, category.is_of_its_day()))
                .map(|day| day.day())
                .collect::<Vec<_>>()
        };
        assert_eq!(restated(&both, Category::Usage), [27, 28, 29, 30]);
        assert_eq!(restated(&both, Category::Refund), [27, 28, 29, 30]);
        assert_eq!(restated(&both, Category::Tax), [], "it stands on one day, and is of all");
        let closed = DataStatus { closed: true, ..DataStatus::default() };
        let closed = DataSpan::new([("2026-10".parse().unwrap(), closed)].into());
        for category in Category::ALL {
            assert_eq!(restated(&closed, category), [27, 28, 29, 30, 31]);
        }
        assert_eq!(restated(&DataSpan::default(), Category::Usage), [], "nothing was known before");
        let november = "2026-11".parse().unwrap();
        assert!(both.is_restated(november, day("2026-10-30"), true), "a line of a day before the bill's month");
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
