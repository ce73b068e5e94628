//! How far a month's numbers can be trusted: what every message says beside its amounts.

use chrono::{DateTime, NaiveDate, Utc};

use crate::calendar::period::DayState;

/// The state of the data behind a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataStatus {
    /// Up to which instant the bill speaks; `None` if it has no usage yet. Of several exports the earliest counts.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether a delivery was taken as found, without AWS's word that it is complete.
    pub unverified: bool,
    /// Whether the month is closed: AWS changes it only by refunds, credits and corrections.
    pub closed: bool,
}

impl DataStatus {
    /// The status of these and `other` data together: the worse of the two.
    pub fn and(self, other: Self) -> Self {
        let as_of = match (self.as_of, other.as_of) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (one, None) | (None, one) => one,
        };
        Self { as_of, unverified: self.unverified || other.unverified, closed: self.closed && other.closed }
    }

    /// Whether the amounts of `day` may still change: always while it is not known up to when the data speaks.
    pub fn is_provisional(&self, day: NaiveDate) -> bool {
        !self.closed && self.as_of.is_none_or(|as_of| DayState::of(day, as_of) == DayState::Provisional)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_data_and_the_worse_word_count() {
        let early = DataStatus { as_of: "2026-11-19T00:00:00Z".parse().ok(), unverified: true, closed: true };
        let late = DataStatus { as_of: "2026-11-21T00:00:00Z".parse().ok(), unverified: false, closed: false };
        let expected = DataStatus { as_of: early.as_of, unverified: true, closed: false };
        assert_eq!(early.and(late), expected);
        assert_eq!(late.and(early), expected);
        assert_eq!(late.and(DataStatus::default()).as_of, late.as_of);
    }

    #[test]
    fn no_day_of_a_closed_month_is_provisional() {
        let day = "2026-11-30".parse().unwrap();
        let open = DataStatus { as_of: "2026-12-01T00:00:00Z".parse().ok(), ..DataStatus::default() };
        assert!(open.is_provisional(day));
        assert!(!DataStatus { closed: true, ..open }.is_provisional(day));
        assert!(DataStatus::default().is_provisional(day), "it is not known up to when the data speaks");
    }
}
