//! Windows: the spans of usage days that rules are about.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::calendar::period::BillingPeriod;
use crate::named;

named! {
    /// How long a window is.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum WindowKind is "a window" {
        /// A calendar month, UTC.
        #[default]
        Month = "month",
        /// Seven days from Monday on, UTC; it may lie in two months.
        Week = "week",
        /// A day, UTC.
        Day = "day",
    }
}

/// A month, a week or a day of usage dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    pub(crate) kind: WindowKind,
    pub(crate) start: NaiveDate,
}

impl Window {
    /// The window of a kind that `day` lies in.
    pub fn of(kind: WindowKind, day: NaiveDate) -> Self {
        let start = match kind {
            WindowKind::Month => BillingPeriod::of(day).first_day(),
            WindowKind::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
            WindowKind::Day => day,
        };
        Self { kind, start }
    }

    /// How long it is.
    pub fn kind(self) -> WindowKind {
        self.kind
    }

    pub fn first_day(self) -> NaiveDate {
        self.start
    }

    pub fn last_day(self) -> NaiveDate {
        match self.kind {
            WindowKind::Month => BillingPeriod::of(self.start).last_day(),
            WindowKind::Week => self.start.checked_add_days(Days::new(6)).unwrap_or(self.start),
            WindowKind::Day => self.start,
        }
    }

    /// The instant it begins.
    pub fn start(self) -> DateTime<Utc> {
        self.start.and_time(NaiveTime::MIN).and_utc()
    }

    /// The instant it ends, which is the next one's first.
    pub fn end(self) -> DateTime<Utc> {
        end_of(self.last_day())
    }

    pub fn contains(self, day: NaiveDate) -> bool {
        (self.first_day()..=self.last_day()).contains(&day)
    }

    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        let last = self.last_day();
        self.start.iter_days().take_while(move |day| *day <= last)
    }

    /// The billing periods that it lies in: one, or two.
    pub fn periods(self) -> impl Iterator<Item = BillingPeriod> {
        let (first, last) = (BillingPeriod::of(self.start), BillingPeriod::of(self.last_day()));
        std::iter::once(first).chain((last != first).then_some(last))
    }
}

impl From<BillingPeriod> for Window {
    fn from(period: BillingPeriod) -> Self {
        Self::of(WindowKind::Month, period.first_day())
    }
}

/// The instant at which a day has ended.
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_week_begins_on_monday_and_may_lie_in_two_months() {
        let week = Window::of(WindowKind::Week, day("2026-12-02"));
        assert_eq!((week.first_day(), week.last_day()), (day("2026-11-30"), day("2026-12-06")));
        assert_eq!(week.periods().map(|period| period.to_string()).collect::<Vec<_>>(), ["2026-11", "2026-12"]);
        assert_eq!(week.end().to_string(), "2026-12-07 00:00:00 UTC");
        assert!(week.contains(day("2026-11-30")) && !week.contains(day("2026-12-07")));
        assert_eq!(week.days().count(), 7);
    }

    #[test]
    fn every_day_is_in_the_window_that_is_its() {
        for start in day("2026-01-25").iter_days().take(800) {
            for kind in WindowKind::ALL {
                let window = Window::of(kind, start);
                assert!(window.contains(start));
                assert_eq!(Window::of(kind, window.last_day()), window);
                assert_eq!(kind.as_str().parse(), Ok(kind));
            }
        }
    }
}
