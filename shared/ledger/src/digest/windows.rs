//! Which days of a book can be compared: those that are settled and known.

use chrono::{DateTime, Days, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::digest::extent::DigestKind;
use spend_core::reporting::variance::windows::Windows;

use crate::state::book::Book;

/// How many days are looked through for the last that is settled.
const FURTHEST: u64 = 45;

/// The spans to compare, all of whose days are settled and in months that the book has; `None` if there are none.
pub(super) fn find(book: &Book, kind: DigestKind, period: BillingPeriod, now: DateTime<Utc>) -> Option<Windows> {
    let settled = book.span();
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
