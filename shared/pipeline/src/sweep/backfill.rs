//! How far the first sweep has come. Alerts and digests ask, so that they do not take the past for news.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use spend_ledger::state::backfill::Backfill;
use spend_ledger::store::{ETag, Store};

use crate::error::PipelineError;

/// The first sweep as it goes on.
pub(super) struct Progress {
    backfill: Backfill,
    version: ETag,
}

impl Progress {
    /// Writes down that deliveries are left, before the first of them is read. `None` once all that was found was read,
    /// and where another sweep writes at the same time.
    pub(super) async fn begin<L: Store>(
        ledger: &L,
        left: usize,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, PipelineError> {
        if left == 0 {
            return Ok(None);
        }
        let (at, newest, version) = match Backfill::read_version(ledger).await? {
            Some((done, _)) if done.left == 0 => return Ok(None),
            Some((begun, version)) => (begun.at, begun.newest, Some(version)),
            None => (now, BTreeMap::new(), None),
        };
        let backfill = Backfill { at, left, newest };
        let written = backfill.write(ledger, version.as_ref()).await?;
        Ok(written.map(|version| Self { backfill, version }))
    }

    /// Writes down how many are left: those that there was no time for, and those that wait or have failed. It comes
    /// before what the sweep remembers: a sweep that remembers all does not look at it again.
    ///
    /// What waits or fails for good must not keep the first run from ending, however many deliveries come meanwhile: it
    /// is heard of as long as there was no time for some, and others became ready.
    ///
    /// `newest` is the newest delivery of each statement that is ready by now.
    pub(super) async fn end<L: Store>(
        self,
        ledger: &L,
        newest: BTreeMap<String, String>,
        (untouched, unfinished): (usize, usize),
        now: DateTime<Utc>,
    ) -> Result<(), PipelineError> {
        let Self { backfill, version } = self;
        let left = untouched + unfinished;
        let mut all = backfill.newest.clone();
        all.extend(newest);
        let moved = all != backfill.newest || left < backfill.left;
        let at = if left == 0 || untouched > 0 && moved { now } else { backfill.at };
        Backfill { at, left, newest: all }.write(ledger, Some(&version)).await?;
        Ok(())
    }
}
