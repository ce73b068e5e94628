//! What the state was planned from: the newest commit of each statement, and the configuration. Nothing is planned from
//! older ones, because it would be told as news.
//!
//! Configuration and book are read after the state, so they can only be older if somebody has put an earlier version
//! back or lost an object. Then nothing is planned for [`PATIENCE`], of which operations is told; after it, alerts go by
//! what is there.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;

use crate::alert::sources::Known;
use crate::config::in_force::InForce;
use crate::state::book::BookPeriod;
use crate::state::commit::OrderSource;
use crate::state::keys::{self, Statement};

/// How far the clocks of two evaluators may be apart.
pub(super) const SKEW: TimeDelta = TimeDelta::hours(1);

/// For how long nothing is planned from what is older: time enough to put back what was lost by mistake.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// What the state was planned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// The newest commit of each export in each period of the book.
    commits: BTreeMap<BillingPeriod, BTreeMap<String, Commit>>,
    /// The configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<InForce>,
    /// Since when there is nothing but older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    older_since: Option<DateTime<Utc>>,
}

/// A commit of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Commit {
    sequence: u64,
    delivery: String,
    applied_at: DateTime<Utc>,
    /// When it was delivered, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivered_at: Option<DateTime<Utc>>,
}

/// Something that is older than what the state was planned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Older {
    /// The object.
    pub(super) key: String,
    /// What it has, and what it had.
    pub(super) what: String,
}

impl Commit {
    /// What of a period is in force; none where nothing orders its commits.
    fn of(found: &BookPeriod) -> Option<Self> {
        let applied = found.commits.last()?;
        let delivered_at = (applied.order.source != OrderSource::Arrival).then_some(applied.order.at);
        Some(Self {
            sequence: applied.sequence,
            delivery: found.commit(),
            applied_at: applied.applied_at,
            delivered_at,
        })
    }

    /// Whether this is an earlier commit than `known`. After a period was put back its next commit bears a number that
    /// another one had; the time tells that it is newer. Deliveries that are applied again then are newer by that time, and
    /// older by their own.
    fn is_older_than(&self, known: &Self) -> bool {
        let number = |commit: &Self| (commit.sequence, commit.applied_at, commit.delivery.clone());
        let is_put_back = self.sequence <= known.sequence && self.applied_at <= known.applied_at;
        let is_applied_again = self.delivered_at.zip(known.delivered_at).is_some_and(|(at, known)| at < known);
        number(self) != number(known) && is_put_back || is_applied_again
    }
}

impl Origin {
    /// What is older in `known`, or gone, if anything is.
    pub(super) fn older(&self, known: &Known<'_>) -> Option<Older> {
        let first = known.book().periods.iter().map(|found| found.period).min();
        // Months leave the book when newer ones come.
        let commits = self.commits.iter().filter(|(period, _)| first.is_none_or(|first| **period >= first));
        let mut commits = commits.flat_map(|(period, exports)| exports.iter().map(move |of| (*period, of)));
        let commit = commits.find_map(|(period, (export_id, remembered))| {
            let key = Statement { export_id: export_id.clone(), period }.state_key();
            let had = format!("commit {} ({})", remembered.sequence, remembered.delivery);
            let Some(found) = known.book().of(period).find(|found| found.export_id == *export_id) else {
                return Some(Older { key, what: format!("is gone; it had {had}") });
            };
            let has = Commit::of(found)?;
            let what = || format!("has commit {} ({}); it had {had}", has.sequence, has.delivery);
            has.is_older_than(remembered).then(|| Older { key, what: what() })
        });
        let config = || {
            let (has, had) = known.in_force().zip(self.config.as_ref())?;
            let is_older = has.etag != had.etag && has.written_at < had.written_at;
            let what = || format!("is of {}; there was one of {}", has.written_at, had.written_at);
            is_older.then(|| Older { key: keys::CONFIG_IN_FORCE.to_owned(), what: what() })
        };
        commit.or_else(config)
    }

    /// Whether one has waited long enough for what is newer.
    pub(super) fn has_waited(&self, now: DateTime<Utc>) -> bool {
        self.older_since.is_some_and(|since| since + PATIENCE <= now)
    }

    /// Begins to wait, unless that has begun. Returns until when.
    pub(super) fn wait(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        // What a clock that ran ahead has begun would last too long.
        let since = self.older_since.filter(|since| *since <= now + SKEW).unwrap_or(now);
        self.older_since = Some(since);
        since + PATIENCE
    }

    /// What is planned from now on.
    pub(super) fn remember(&mut self, known: &Known<'_>) {
        self.commits.clear();
        for found in &known.book().periods {
            if let Some(commit) = Commit::of(found) {
                self.commits.entry(found.period).or_default().insert(found.export_id.clone(), commit);
            }
        }
        self.config = known.in_force().cloned();
        self.older_since = None;
    }
}
