//! How far the first sweep of an export's bucket has come. It reads every delivery that is there, the oldest first, so
//! until it is done the ledger tells of a past that deliveries which are there already make another one.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::state::book::{Book, BookPeriod};
use crate::state::commit::OrderSource;
use crate::state::committed::CommittedError;
use crate::state::document::{Document, decode, encode};
use crate::state::keys::{self, Statement};
use crate::store::conditional::put_over;
use crate::store::{ETag, Put, Store};

/// How old the data of an export may be if nothing says that its newest delivery is in: AWS delivers at least daily, and
/// the bill knows usage a day late.
const FRESH: TimeDelta = TimeDelta::hours(48);

/// For how long nothing must have been committed of an export whose data is older: then nothing more comes.
const QUIET: TimeDelta = TimeDelta::hours(6);

/// How long a sweep that is not done is waited for after it was last heard of: every 15 minutes as long as it gets on.
const GONE_AFTER: TimeDelta = TimeDelta::days(1);

/// How far the first sweep has come. Written by the sweep of the export's bucket until that is done, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// When it was last heard of that the sweep gets on with what it found, or was done.
    pub at: DateTime<Utc>,
    /// How many deliveries are left to read.
    pub left: usize,
    /// The newest delivery of each statement that is ready, by the statement's name.
    pub newest: BTreeMap<String, String>,
}

impl Document for Backfill {
    const FORMAT: &'static str = "backfill";
    const VERSION: u32 = 1;
}

impl Backfill {
    /// How far the sweep has come, if one was ever begun.
    ///
    /// # Errors
    ///
    /// [`CommittedError`], of the store or the document.
    pub async fn read<S: Store>(store: &S) -> Result<Option<Self>, CommittedError> {
        Ok(Self::read_version(store).await?.map(|(backfill, _)| backfill))
    }

    /// The same with its version.
    pub async fn read_version<S: Store>(store: &S) -> Result<Option<(Self, ETag)>, CommittedError> {
        let Some((bytes, etag)) = store.get(keys::BACKFILL).await? else { return Ok(None) };
        Ok(Some((decode(keys::BACKFILL, &bytes)?, etag)))
    }

    /// Writes it over the version that was read. Returns the new one; of a lost race nothing, because another sweep has
    /// written as much.
    pub async fn write<S: Store>(&self, store: &S, over: Option<&ETag>) -> Result<Option<ETag>, CommittedError> {
        let bytes = encode(self)?;
        Ok(match put_over(store, keys::BACKFILL, bytes, over).await? {
            Put::Written(etag) => Some(etag),
            Put::Lost => None,
        })
    }

    /// Whether the newest deliveries that the exports have are in the book: those that the sweep has found. Where no
    /// sweep tells, an export's newest is taken to be in if its data is fresh, or nothing more of it has come for hours.
    pub fn newest_is_in(backfill: Option<&Self>, book: &Book, now: DateTime<Utc>) -> bool {
        match backfill.filter(|backfill| backfill.left == 0 || now < backfill.at + GONE_AFTER) {
            Some(backfill) => backfill.is_in(book, now),
            None => is_fresh_or_quiet(book, now),
        }
    }

    /// Whether it is done, and what it found is committed. What was not a day later has failed, and is not waited for.
    fn is_in(&self, book: &Book, now: DateTime<Utc>) -> bool {
        let has = |found: &BookPeriod, delivery_id: &String| {
            found.commits.iter().any(|applied| applied.delivery_id == *delivery_id)
        };
        let is_in = |found: &BookPeriod| {
            let statement = Statement { export_id: found.export_id.clone(), period: found.period };
            self.newest.get(&statement.to_string()).is_none_or(|newest| has(found, newest))
        };
        self.left == 0 && (book.periods.iter().all(is_in) || now >= self.at + GONE_AFTER)
    }
}

fn is_fresh_or_quiet(book: &Book, now: DateTime<Utc>) -> bool {
    let mut exports: BTreeMap<&str, Vec<&BookPeriod>> = BTreeMap::new();
    for found in &book.periods {
        exports.entry(&found.export_id).or_default().push(found);
    }
    exports.values().all(|periods| {
        let is_fresh = |found: &&BookPeriod| {
            // A folder bears the time of its delivery; files in place may bear that of a copy.
            let delivered = found.commits.last().filter(|applied| applied.order.source == OrderSource::Folder);
            let known = found.data_as_of.into_iter().chain(delivered.map(|applied| applied.order.at));
            known.max().is_some_and(|at| now - at < FRESH)
        };
        let committed = periods.iter().filter_map(|found| found.commits.last()).map(|applied| applied.applied_at).max();
        periods.iter().any(is_fresh) || committed.is_none_or(|at| now - at >= QUIET)
    })
}

#[cfg(test)]
mod tests;
