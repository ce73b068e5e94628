//! Which days are compared.

use chrono::{Datelike, Days, NaiveDate};

use crate::calendar::period::BillingPeriod;

/// Days, the last one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl Span {
    /// The `days` days that end with `last`; one at least.
    fn ending(last: NaiveDate, days: u64) -> Option<Self> {
        Some(Self { first: last.checked_sub_days(Days::new(days.checked_sub(1)?))?, last })
    }

    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }

    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take_while(move |day| *day <= self.last)
    }
}

/// Two spans of the same number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// What is compared with.
    pub earlier: Span,
    /// What is compared.
    pub later: Span,
}

impl Windows {
    /// The seven days that end with `last`, and the seven before: each has every day of the week once.
    pub fn weeks(last: NaiveDate) -> Option<Self> {
        let later = Span::ending(last, 7)?;
        Some(Self { earlier: Span::ending(later.first.pred_opt()?, 7)?, later })
    }

    /// The days of a month up to `last`, which is one of them, and the end of the month before; as many days of each as
    /// the shorter one has.
    pub fn months(last: NaiveDate) -> Option<Self> {
        let period = BillingPeriod::of(last);
        let length = |last: NaiveDate| last.day0() + 1;
        let before = period.previous().last_day();
        let days = u64::from(length(last).min(length(before)));
        Some(Self { earlier: Span::ending(before, days)?, later: Span::ending(last, days)? })
    }

    /// How many days each span has.
    pub fn length(&self) -> usize {
        self.later.days().count()
    }
}
