//! What the state need not remember any more: windows that cannot be measured again.
//!
//! Rules look at three months, and at single days of the last two weeks. What lies before leaves the state once its
//! incident has ended, and the state remembers how far that went: nothing before it is ever looked at again, whatever
//! book comes, so that what was forgotten cannot be told as news.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use spend_core::rules::evaluation::DAYS_LOOKED_AT;
use spend_core::rules::finding::Measurement;

use crate::alert::crossing::{Crossing, EPISODE_GAP};
use crate::state::book::Book;
use crate::state::committed::MONTHS;

/// The first days that are still looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Horizon {
    /// By rules that look at all of the book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    windows: Option<NaiveDate>,
    /// By rules that look at days one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    days: Option<NaiveDate>,
}

impl Horizon {
    /// Whether what was measured is of windows that were forgotten.
    pub(super) fn has_passed(self, measured: &Measurement) -> bool {
        let first = if measured.day.is_some() { self.days } else { self.windows };
        first.is_some_and(|first| measured.last_day() < first)
    }

    /// The same of a crossing.
    pub(super) fn has_left(self, crossing: &Crossing) -> bool {
        let first = if crossing.kind.is_of_a_day(crossing.window.kind()) { self.days } else { self.windows };
        first.is_some_and(|first| crossing.last_day() < first)
    }

    /// Goes on with the book, never back.
    pub(super) fn advance(&mut self, book: &Book, newest: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        let months: BTreeSet<_> = book.months();
        // As long as there are fewer, older ones may still come.
        let first = months.first().filter(|_| months.len() >= MONTHS).map(|month| month.first_day());
        self.windows = self.windows.max(first);
        // A day joins an episode whose last day lies so far before.
        let back = DAYS_LOOKED_AT.saturating_add_signed(EPISODE_GAP.num_days());
        let day = newest.and_then(|newest| newest.min(now).date_naive().checked_sub_days(Days::new(back)));
        self.days = self.days.max(day);
    }
}

#[cfg(test)]
mod tests {
    use spend_core::rules::finding::Measurement;

    use super::*;
    use crate::config::Config;
    use crate::reaction_fixtures::{book, fact, period};

    /// What is found on the 12th of November by a rule that looks at days one by one.
    fn of_the_12th() -> Measurement {
        let config = Config::parse("t", "[[delta]]\nname = \"d\"\nagainst = \"trailing\"").unwrap();
        let facts = [fact("2026-11-12", "500", &[]), fact("2026-11-16", "1", &[])].to_vec();
        let book = book(vec![period("2026-10", Vec::new()), period("2026-11", facts)]);
        let found = config.rules.evaluate(&book.facts(), &config.cost, &book.span()).unwrap();
        found.measurements.into_iter().find(|measured| measured.day == "2026-11-12".parse().ok()).unwrap()
    }

    #[test]
    fn the_first_day_that_is_still_looked_at_has_not_passed() {
        let measured = of_the_12th();
        let from = |day: &str| Horizon { days: day.parse().ok(), windows: "2026-12-01".parse().ok() };
        assert!(!from("2026-11-12").has_passed(&measured));
        assert!(from("2026-11-13").has_passed(&measured));
    }
}
