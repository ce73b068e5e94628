//! Which days of a book can be compared: those that are settled and known.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use spend_core::digest::DigestKind;
use spend_core::period::{BillingPeriod, DayState};
use spend_core::variance::Windows;

use crate::book::Book;

/// How many days are looked through for the last that is settled.
const FURTHEST: u64 = 45;

/// The spans to compare, all of whose days are settled and in months that the book has; `None` if there are none.
pub(super) fn find(book: &Book, kind: DigestKind, period: BillingPeriod, now: DateTime<Utc>) -> Option<Windows> {
    let settled = Settled::of(book);
    let newest = period.last_day().min(now.date_naive());
    let mut last = newest;
    while !settled.is_settled(last) {
        last = last.pred_opt()?;
        if newest.checked_sub_days(Days::new(FURTHEST)).is_none_or(|oldest| last < oldest) {
            return None;
        }
    }
    let windows = match kind {
        DigestKind::Weekly => Windows::weeks(last)?,
        DigestKind::Close | DigestKind::Preliminary if period.contains(last) => Windows::months(last)?,
        DigestKind::Close | DigestKind::Preliminary => return None,
    };
    let mut days = windows.earlier.days().chain(windows.later.days());
    days.all(|day| settled.is_settled(day)).then_some(windows)
}

/// Up to when each export speaks, in whichever month.
pub(super) struct Settled<'a> {
    book: &'a Book,
    as_of: BTreeMap<&'a str, DateTime<Utc>>,
}

impl<'a> Settled<'a> {
    pub(super) fn of(book: &'a Book) -> Self {
        let mut as_of: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
        for found in &book.periods {
            if let Some(data_as_of) = found.data_as_of {
                let latest = as_of.entry(&found.export_id).or_insert(data_as_of);
                *latest = (*latest).max(data_as_of);
            }
        }
        Self { book, as_of }
    }

    /// The last days of a month settle by what the next month says: its own data never speaks beyond its end.
    fn is_settled(&self, day: NaiveDate) -> bool {
        let mut exports = self.book.of(BillingPeriod::of(day)).peekable();
        let has_any = exports.peek().is_some();
        has_any
            && exports.all(|found| {
                let as_of = self.as_of.get(found.export_id.as_str());
                found.closed || as_of.is_some_and(|as_of| DayState::of(day, *as_of) == DayState::Settled)
            })
    }
}
