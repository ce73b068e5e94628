//! The page of a month, for people who have no access to anything else: one file of HTML, and beside it its numbers.
//!
//! A page is made of what is committed, as a digest is, and is replaced by the next one. It is nobody's input.
//!
//! - `numbers`: the numbers of a page for programs, `pages/P.json`.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::digest::extent::DigestKind;
use spend_core::page::figures::{Delivery, DeliveryMoves, PageFigures};

use crate::config::Config;
use crate::digest::compose;
use crate::digest::due::{self, Due};
use crate::digest::error::DigestError;
use crate::digest::state::read;
use crate::state::book::{Book, BookPeriod};
use crate::state::commit::{AppliedDelivery, CommitKind};
use crate::state::committed::CommittedError;
use crate::state::document::encode;
use crate::state::history;
use crate::state::keys::{Statement, page_key, page_numbers_key};
use crate::state::restated;
use crate::store::conditional::put_over;
use crate::store::{Put, Store, StoreError};

pub(crate) mod numbers;

pub use numbers::{
    CommitNumbers, CourseNumbers, DailyNumbers, ModelNumbers, OwnerNumbers, PageNumbers, PictureNumbers,
    RestatedNumbers, TotalNumbers, TrendNumbers,
};

/// How many commits of each export have their history read, the newest: one is made up to three times a day.
const COMMITS: usize = 120;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The month.
    pub period: BillingPeriod,
    /// The page: a whole HTML document.
    pub html: String,
    /// Its numbers: a [`PageNumbers`] as JSON.
    pub json: Bytes,
}

/// The page of a month; without one of the month that a digest would be about now. `None` if the book has no such month.
/// Nothing is written.
pub async fn make<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    period: Option<BillingPeriod>,
    now: DateTime<Utc>,
) -> Result<Option<Page>, DigestError> {
    let period = match period {
        Some(period) => book.months().into_iter().find(|known| *known == period),
        None => due::period_to_tell(book, DigestKind::Weekly, now),
    };
    match period {
        Some(period) => of(store, config, book, period, now).await.map(Some),
        None => Ok(None),
    }
}

/// Writes the page of every month of the book into the ledger. Returns how many were written: a page that somebody else
/// has replaced meanwhile is as good.
///
/// Doing it again is harmless.
pub async fn write<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<usize, DigestError> {
    let mut written = 0;
    for period in book.months() {
        let Page { html, json, .. } = of(store, config, book, period, now).await?;
        let objects = [(page_numbers_key(period), json), (page_key(period), Bytes::from(html))];
        let mut is_written = true;
        for (key, bytes) in objects {
            is_written &= replace(store, &key, bytes).await.map_err(CommittedError::from)?;
        }
        written += usize::from(is_written);
    }
    Ok(written)
}

/// Whether the object was written, and not somebody else's at the same time.
async fn replace<S: Store>(store: &S, key: &str, bytes: Bytes) -> Result<bool, StoreError> {
    let there = store.head(key).await?.map(|head| head.etag);
    Ok(matches!(put_over(store, key, bytes, there.as_ref()).await?, Put::Written(_)))
}

async fn of<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    period: BillingPeriod,
    now: DateTime<Utc>,
) -> Result<Page, DigestError> {
    let kind = if now < period.end() {
        DigestKind::Weekly
    } else if book.status(period).closed {
        DigestKind::Close
    } else {
        DigestKind::Preliminary
    };
    let due = Due::new(kind, period, config.digest.day, now);
    let figures = compose::figures(store, config, book, &read(store).await?, &due, now).await?;
    let mut deliveries = Vec::new();
    for of_export in book.of(period) {
        deliveries.extend(commits(store, book, of_export).await?);
    }
    deliveries.sort_by_key(|delivery| std::cmp::Reverse((delivery.delivered_at, delivery.applied_at)));
    let page = PageFigures::of(figures, &book.facts_of(period), &book.all_facts(), deliveries)?;
    let json = encode(&PageNumbers::of(&page, book))?;
    Ok(Page { period, html: page.html(), json })
}

async fn commits<S: Store>(store: &S, book: &Book, found: &BookPeriod) -> Result<Vec<Delivery>, DigestError> {
    let statement = Statement { export_id: found.export_id.clone(), period: found.period };
    let in_force = found.commits.last().map(|last| last.sequence);
    let mut deliveries = Vec::new();
    for commit in found.commits.iter().rev().take(COMMITS) {
        deliveries.push(Delivery {
            export_id: found.export_id.clone(),
            delivery_id: commit.delivery_id.clone(),
            delivered_at: commit.order.at,
            applied_at: commit.applied_at,
            data_as_of: commit.data_as_of,
            is_unverified: commit.unverified,
            is_rebuild: commit.kind() == CommitKind::Rebuild,
            is_in_force: in_force == Some(commit.sequence),
            moved: moves(store, book, &statement, commit).await?,
        });
    }
    Ok(deliveries)
}

/// What a commit changed; none if its history is gone.
async fn moves<S: Store>(
    store: &S,
    book: &Book,
    statement: &Statement,
    commit: &AppliedDelivery,
) -> Result<Option<DeliveryMoves>, DigestError> {
    let Some(entry) = history::of(store, statement, commit).await? else { return Ok(None) };
    let restated = restated::of(&entry, book.commits(&statement.export_id));
    let totals = entry.totals.into_iter().map(|total| (total.currency, total.before, total.after));
    Ok(Some(DeliveryMoves { is_after_close: entry.after_close, totals: totals.collect(), restated }))
}

#[cfg(test)]
mod tests;
