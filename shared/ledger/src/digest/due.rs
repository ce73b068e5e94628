//! Which digests are due, by the calendar and by what was told.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc, Weekday};
use spend_core::calendar::period::{BillingPeriod, CLOSED_AFTER_DAYS};
use spend_core::digest::extent::DigestKind;

use crate::config::Config;
use crate::digest::state::{DigestState, in_force};
use crate::state::book::Book;

/// From which day of the next month on a month that has not closed is told of: AWS closes most within a week.
const PRELIMINARY_DAY: u64 = 15;

/// A digest, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) kind: DigestKind,
    pub(super) period: BillingPeriod,
    pub(super) id: String,
}

impl Due {
    /// A week's digest is named by the day on which its week begins, a month's by the month.
    pub(super) fn new(kind: DigestKind, period: BillingPeriod, day: Weekday, now: DateTime<Utc>) -> Self {
        let window = match kind {
            DigestKind::Weekly => week(now, day).to_string(),
            DigestKind::Close | DigestKind::Preliminary => period.to_string(),
        };
        Self { kind, period, id: format!("digest:{kind}:{window}") }
    }
}

/// The first day of the week that contains `now`, if weeks begin on `day`.
fn week(now: DateTime<Utc>, day: Weekday) -> NaiveDate {
    let today = now.date_naive();
    let since = today.weekday().days_since(day);
    today.checked_sub_days(Days::new(since.into())).unwrap_or(today)
}

/// What is due; months first, so that a week with the same numbers is not told after them.
pub(super) fn find(state: &DigestState, config: &Config, book: &Book, now: DateTime<Utc>) -> Vec<Due> {
    let mut due = Vec::new();
    if let Some(first_seen) = state.first_seen {
        for found in monthly(book, now) {
            // A month that is delivered late, as on the first days, is none that anybody waits for.
            let is_old =
                found.period.end().checked_add_days(CLOSED_AFTER_DAYS).is_some_and(|closed| closed <= first_seen);
            let close = Due::new(DigestKind::Close, found.period, config.digest.day, now);
            if !is_old && ![&found.id, &close.id].into_iter().any(|id| is_known(state, id)) {
                due.push(found);
            }
        }
    }
    if let Some(period) = period_to_tell(book, DigestKind::Weekly, now) {
        let weekly = Due::new(DigestKind::Weekly, period, config.digest.day, now);
        let is_told = state.told.get(&period) == Some(&in_force(book, period))
            || due.iter().any(|monthly| monthly.period == period);
        if !is_told && !is_known(state, &weekly.id) {
            due.push(weekly);
        }
    }
    due
}

/// Remembers when there was something to tell for the first time, and that what was due by then is past.
pub(super) fn begin(state: &mut DigestState, book: &Book, now: DateTime<Utc>) {
    if state.first_seen.is_none() {
        state.first_seen = Some(now);
        state.passed.extend(monthly(book, now).map(|due| due.id));
    }
}

fn is_known(state: &DigestState, id: &str) -> bool {
    state.outbox.knows(id) || state.passed.contains(id)
}

/// The months that have ended with facts, and have closed or are late.
fn monthly(book: &Book, now: DateTime<Utc>) -> impl Iterator<Item = Due> {
    let ended = book.months().into_iter().filter(move |period| now >= period.end() && has_facts(book, *period));
    ended.filter_map(move |period| {
        let is_late = || period.end().checked_add_days(Days::new(PRELIMINARY_DAY - 1)).is_some_and(|late| now >= late);
        let kind = if book.status(period).closed {
            DigestKind::Close
        } else if is_late() {
            DigestKind::Preliminary
        } else {
            return None;
        };
        Some(Due::new(kind, period, Weekday::Mon, now))
    })
}

/// The month that a digest is about unless somebody names one. A week's: the month that contains `now` if it has facts,
/// else the newest that has some, else the newest. A month's: the newest that has ended with facts.
pub(super) fn period_to_tell(book: &Book, kind: DigestKind, now: DateTime<Utc>) -> Option<BillingPeriod> {
    let current = BillingPeriod::of(now.date_naive());
    let months = book.months();
    if kind != DigestKind::Weekly {
        return months.into_iter().rev().find(|period| now >= period.end() && has_facts(book, *period));
    }
    let newest = months.iter().rev().find(|period| has_facts(book, **period)).or(months.last());
    Some(current).filter(|period| has_facts(book, *period)).or(newest.copied())
}

fn has_facts(book: &Book, period: BillingPeriod) -> bool {
    book.of(period).any(|found| !found.facts.is_empty())
}
