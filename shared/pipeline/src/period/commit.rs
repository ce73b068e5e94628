//! The commit: one conditional write that replaces a period's state, after the history entry that it names.

use chrono::{DateTime, Utc};
use spend_core::calendar::period;
use spend_core::facts::derivation::Facts;
use spend_ledger::state::commit::{AppliedDelivery, CommitKind, OrderSource};
use spend_ledger::state::committed::Committed;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::tabular;
use spend_ledger::store::{ETag, Put, Store};

use crate::error::PipelineError;
use crate::period::deriver::Deriver;
use crate::period::history::{self, Change};

/// What is to be committed.
pub(crate) struct Next<'a> {
    /// Whether the delivery is new or derived again.
    pub(crate) kind: CommitKind,
    pub(crate) delivery: &'a SealedDelivery,
    pub(crate) facts: Facts,
}

/// What became of a commit.
pub(crate) enum Outcome {
    Applied {
        sequence: u64,
        committed: Committed,
    },
    /// Somebody else committed first. The facts are as they were.
    Lost(Facts),
}

/// Commits `next` over the state that was read.
pub(crate) async fn commit<L: Store>(
    ledger: &L,
    statement: &Statement,
    committed: Option<&(PeriodState, ETag)>,
    next: Next<'_>,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<Outcome, PipelineError> {
    let previous = committed.map(|(state, _)| state);
    let order = next.delivery.order;
    // The times of copied files say nothing: such a delivery counts as known since this commit.
    let known_at = if order.source == OrderSource::Arrival { now } else { order.at.min(now) };
    let change = Change::of(statement, previous, next.kind, &next.facts.rows, known_at)?;
    let applied = applied(previous, &next, change.hash()?, now);
    let mut deliveries = previous.map(|state| state.deliveries.clone()).unwrap_or_default();
    deliveries.push(applied.clone());
    let Facts { rows, counts, unknown_usage_rows, folded } = next.facts;
    let state = PeriodState {
        export_id: statement.export_id.clone(),
        period: statement.period,
        deliveries,
        counts,
        unknown_usage_rows,
        folded,
        derivation: with.fingerprint.clone(),
        facts: rows,
    };
    let bytes = tabular::encode(&state)?;
    history::write(ledger, statement, &applied, change).await?;
    let put = match committed {
        None => ledger.put_if_absent(&statement.state_key(), bytes).await?,
        Some((_, etag)) => ledger.put_if_match(&statement.state_key(), bytes, etag).await?,
    };
    Ok(match put {
        Put::Written(etag) => Outcome::Applied { sequence: applied.sequence, committed: Committed { state, etag } },
        Put::Lost => {
            let PeriodState { facts: rows, counts, unknown_usage_rows, folded, .. } = state;
            Outcome::Lost(Facts { rows, counts, unknown_usage_rows, folded })
        }
    })
}

fn applied(previous: Option<&PeriodState>, next: &Next<'_>, moved: String, now: DateTime<Utc>) -> AppliedDelivery {
    let current = previous.and_then(PeriodState::current);
    let as_of = period::data_as_of(next.facts.counts.latest_usage_end, now);
    let (revision, data_as_of) = match (next.kind, current) {
        // A rebuild has the data of the delivery in force, so `data_as_of` stays as it was. Without any data left, because
        // another export counts all of it, there is none.
        (CommitKind::Rebuild, Some(current)) => {
            (current.revision + 1, as_of.and_then(|as_of| current.data_as_of.or(Some(as_of))))
        }
        _ => (0, as_of),
    };
    AppliedDelivery {
        sequence: current.map_or(0, |applied| applied.sequence) + 1,
        delivery_id: next.delivery.delivery_id.clone(),
        revision,
        moved,
        order: next.delivery.order,
        applied_at: now,
        data_as_of,
        unverified: next.delivery.unverified,
    }
}

#[cfg(test)]
mod tests;
