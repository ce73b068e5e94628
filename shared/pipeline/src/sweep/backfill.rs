//! How far the first sweep has come, for whoever must not take the past for news.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use spend_ledger::backfill::Backfill;
use spend_ledger::keys::Statement;
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
        let (newest, version) = match Backfill::read_version(ledger).await? {
            Some((done, _)) if done.left == 0 => return Ok(None),
            Some((begun, version)) => (begun.newest, Some(version)),
            None => (BTreeMap::new(), None),
        };
        let backfill = Backfill { at: now, left, newest };
        let written = backfill.write(ledger, version.as_ref()).await?;
        Ok(written.map(|version| Self { backfill, version }))
    }

    /// A delivery is ready. They come oldest first.
    pub(super) fn ready(&mut self, statement: &Statement, delivery_id: String) {
        self.backfill.newest.insert(statement.to_string(), delivery_id);
    }

    /// Writes down how many are left. It comes before what the sweep remembers: a sweep that remembers all does not look
    /// at it again.
    pub(super) async fn end<L: Store>(self, ledger: &L, left: usize, now: DateTime<Utc>) -> Result<(), PipelineError> {
        let Self { backfill, version } = self;
        Backfill { at: now, left, ..backfill }.write(ledger, Some(&version)).await?;
        Ok(())
    }
}
