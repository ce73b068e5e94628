//! What a plan was made from: the newest commit of each statement, and the configuration.
//!
//! Several processes make plans from committed facts: of metrics, of alerts. The slowest of them may have read an older
//! book, and must not undo what a newer one has led to. Two rules see to that:
//!
//! 1. **The state is read first, the configuration and the book after it.** Stores are strongly consistent, so what is
//!    read then is no older than what the state was made from. The state is replaced only if it is still the one that was
//!    read; after a lost race all of it is read again. This alone orders configurations, which have no numbers.
//! 2. **The state remembers its [`Basis`].** A book that lacks one of its commits is older than the state, and nothing is
//!    planned from it: all is read again. Commits are only ever added to a period, so if the commit is still missing,
//!    somebody has put the period back to an earlier version. Then the plan follows what is committed, and says so: see
//!    [`SetBack`]. It is said once, because the next plan remembers the earlier commit.
//!
//! Source of the consistency of reads after writes: Amazon S3 User Guide, "What is Amazon S3", "Amazon S3 data
//! consistency model".

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::text;

use crate::state::book::{Book, BookPeriod};
use crate::state::commit::AppliedDelivery;
use crate::state::keys::Statement;

/// See the module. The default is that of a state which does not say what it was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// A fingerprint of what the plan needs of the configuration.
    configuration: String,
    /// The newest commit of each statement, sorted.
    commits: Vec<Newest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Newest {
    export_id: String,
    period: BillingPeriod,
    commit: Commit,
}

/// Which commit of a statement it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its number among the commits of the statement, from 1.
    pub sequence: u64,
    pub delivery_id: String,
    /// How often the delivery was derived again by then.
    pub revision: u64,
}

impl From<&AppliedDelivery> for Commit {
    fn from(applied: &AppliedDelivery) -> Self {
        Self { sequence: applied.sequence, delivery_id: applied.delivery_id.clone(), revision: applied.revision }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "commit {} (delivery {})", self.sequence, text::shown(&self.delivery_id))
    }
}

/// A statement was put back to an earlier version, or removed: the commit that a plan was made from is not in it any
/// more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetBack {
    pub statement: Statement,
    /// What the plan was made from.
    pub from: Commit,
    /// What the statement has now; none if it has no state.
    pub to: Option<Commit>,
}

impl fmt::Display for SetBack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statement, from, to } = self;
        let key = statement.state_key();
        match to {
            Some(to) => write!(formatter, "{key} was put back from {from} to {to}"),
            None => write!(formatter, "{key} was removed, or put back to before its first commit; it was at {from}"),
        }
    }
}

impl Basis {
    /// What is made of `book` and of a configuration with this fingerprint.
    pub fn of(book: &Book, configuration: &str) -> Self {
        let newest = |period: &BookPeriod| {
            let commit = Commit::from(period.commits.last()?);
            Some(Newest { export_id: period.export_id.clone(), period: period.period, commit })
        };
        let mut commits: Vec<_> = book.periods.iter().filter_map(newest).collect();
        commits.sort_by(|left, right| (&left.export_id, left.period).cmp(&(&right.export_id, right.period)));
        Self { configuration: configuration.to_owned(), commits }
    }

    /// The fingerprint of the configuration.
    pub fn configuration(&self) -> &str {
        &self.configuration
    }

    /// The statements of which `book`, as of `now`, lacks the commit that this was made from: it is older, or they were
    /// put back. Months that the book does not look at any more, or not yet by this clock, are none of them.
    pub fn missing_from(&self, book: &Book, now: DateTime<Utc>) -> Vec<SetBack> {
        let Some(oldest) = book.periods.iter().map(|period| period.period).min() else { return Vec::new() };
        let months = oldest..=BillingPeriod::of(now.date_naive());
        let missing = |newest: &Newest| {
            let Newest { export_id, period, commit } = newest;
            let mut found = book.of(*period).filter(|found| found.export_id == *export_id);
            let commits = found.next().map(|found| found.commits.as_slice()).unwrap_or_default();
            let is_known = commits.iter().any(|applied| Commit::from(applied) == *commit);
            (!is_known && months.contains(period)).then(|| SetBack {
                statement: Statement { export_id: export_id.clone(), period: *period },
                from: commit.clone(),
                to: commits.last().map(Commit::from),
            })
        };
        self.commits.iter().filter_map(missing).collect()
    }
}

#[cfg(test)]
mod tests;
