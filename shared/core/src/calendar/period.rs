//! Billing periods and days: calendar months and days in UTC, and how final their numbers are.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A calendar month in UTC, the unit in which AWS delivers a bill. Written `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BillingPeriod {
    first_day: NaiveDate,
}

/// The text is not a month such as `2026-11`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a billing period: write the year and the month, such as 2026-11")]
pub struct PeriodError(String);

impl BillingPeriod {
    /// The period that `day` lies in.
    pub fn of(day: NaiveDate) -> Self {
        Self { first_day: day.with_day(1).unwrap_or(day) }
    }

    pub fn first_day(self) -> NaiveDate {
        self.first_day
    }

    pub fn last_day(self) -> NaiveDate {
        self.next().first_day.pred_opt().unwrap_or(self.first_day)
    }

    /// The instant it begins.
    pub fn start(self) -> DateTime<Utc> {
        midnight(self.first_day)
    }

    /// The instant it ends, which is the next one's first.
    pub fn end(self) -> DateTime<Utc> {
        self.next().start()
    }

    /// The month after.
    pub fn next(self) -> Self {
        Self { first_day: self.first_day.checked_add_months(Months::new(1)).unwrap_or(self.first_day) }
    }

    /// The month before.
    pub fn previous(self) -> Self {
        Self { first_day: self.first_day.checked_sub_months(Months::new(1)).unwrap_or(self.first_day) }
    }

    pub fn contains(self, day: NaiveDate) -> bool {
        Self::of(day) == self
    }

    /// Whether its numbers are final: it has ended, and either every usage line with cost carries an invoice id
    /// or [`CLOSED_AFTER_DAYS`] have passed since.
    pub fn is_closed(self, lines_without_invoice: u64, now: DateTime<Utc>) -> bool {
        let ended = now >= self.end();
        let waited = self.end().checked_add_days(CLOSED_AFTER_DAYS).is_some_and(|limit| now >= limit);
        ended && (lines_without_invoice == 0 || waited)
    }
}

/// A period without invoices counts as closed when it ended this many days ago: AWS refreshes a month for about two
/// weeks after its end and changes it later only for refunds, credits and corrections.
/// Source: AWS Data Exports user guide, "Understanding export delivery".
pub const CLOSED_AFTER_DAYS: Days = Days::new(20);

/// A day is settled when it ended this long before the delivery's data: usage reaches the bill 8 to 24 hours later,
/// lines billed through Marketplace were seen to change for more than 48.
pub const SETTLED_AFTER: TimeDelta = TimeDelta::hours(72);

/// How far a day's numbers can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayState {
    /// It ended less than [`SETTLED_AFTER`] before the data: it may prove an overspend, never a saving.
    Provisional,
    /// It may be compared with other days.
    Settled,
}

impl DayState {
    /// The state of `day` (UTC) in a delivery whose data is as of `data_as_of`.
    pub fn of(day: NaiveDate, data_as_of: DateTime<Utc>) -> Self {
        let settled =
            day.succ_opt().is_some_and(|next| data_as_of.signed_duration_since(midnight(next)) >= SETTLED_AFTER);
        if settled { Self::Settled } else { Self::Provisional }
    }
}

/// The instant up to which a delivery's numbers speak: the latest end of a usage row, at most `now`.
pub fn data_as_of(latest_usage_end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    latest_usage_end.map(|end| end.min(now))
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl fmt::Display for BillingPeriod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{:04}-{:02}", self.first_day.year(), self.first_day.month()))
    }
}

impl FromStr for BillingPeriod {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 7
            && bytes
                .iter()
                .enumerate()
                .all(|(index, byte)| if index == 4 { *byte == b'-' } else { byte.is_ascii_digit() });
        let first_day = shaped.then(|| format!("{text}-01").parse().ok()).flatten();
        first_day.map(|first_day| Self { first_day }).ok_or_else(|| PeriodError(text.to_owned()))
    }
}

impl From<BillingPeriod> for String {
    fn from(period: BillingPeriod) -> Self {
        period.to_string()
    }
}

impl TryFrom<String> for BillingPeriod {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_a_calendar_month_in_utc() {
        let period: BillingPeriod = "2026-12".parse().unwrap();
        assert_eq!(period.start(), at("2026-12-01T00:00:00Z"));
        assert_eq!(period.end(), at("2027-01-01T00:00:00Z"));
        assert_eq!(period.last_day(), day("2026-12-31"));
        assert_eq!(period.next().to_string(), "2027-01");
        assert_eq!(period.next().previous(), period);
        assert!(period.contains(day("2026-12-31")) && !period.contains(day("2027-01-01")));
    }

    #[test]
    fn only_year_and_month_are_read() {
        for text in ["", "2026", "2026-13", "2026-00", "2026-1", "2026-11-01", "26-11", "+026-11", "2026/11"] {
            assert!(text.parse::<BillingPeriod>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_settles_72_hours_after_its_end() {
        let data_as_of = at("2026-11-21T00:00:00Z");
        assert_eq!(DayState::of(day("2026-11-17"), data_as_of), DayState::Settled);
        assert_eq!(DayState::of(day("2026-11-18"), data_as_of), DayState::Provisional);
        assert_eq!(DayState::of(day("2026-11-25"), data_as_of), DayState::Provisional);
    }

    #[test]
    fn data_is_never_as_of_the_future() {
        let now = at("2026-11-21T10:00:00Z");
        assert_eq!(data_as_of(Some(at("2026-12-01T00:00:00Z")), now), Some(now));
        assert_eq!(data_as_of(Some(at("2026-11-20T00:00:00Z")), now), Some(at("2026-11-20T00:00:00Z")));
        assert_eq!(data_as_of(None, now), None);
    }

    #[test]
    fn a_period_closes_with_its_invoices_or_after_twenty_days() {
        let period: BillingPeriod = "2026-10".parse().unwrap();
        assert!(!period.is_closed(0, at("2026-10-31T23:59:59Z")), "it has not ended");
        assert!(period.is_closed(0, at("2026-11-01T00:00:00Z")));
        assert!(!period.is_closed(1, at("2026-11-20T23:59:59Z")));
        assert!(period.is_closed(1, at("2026-11-21T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<BillingPeriod>();
        }
    }
}
