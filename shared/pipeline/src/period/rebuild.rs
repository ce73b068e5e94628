//! The step rebuild: a period's facts are derived again from the reductions of the delivery in force, after a change of
//! the configuration or of the release.
//!
//! It is as safe as the step aggregate: one commit, the entry of what it moves before it, the facts file after it. A
//! new delivery that is committed meanwhile wins, and is what is then derived again. Where nothing differs nothing is
//! written.

use std::fmt;

use chrono::{DateTime, Utc};
use spend_core::facts::derivation::Facts;
use spend_ledger::state::commit::CommitKind;
use spend_ledger::state::committed;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::conditional::ATTEMPTS;
use spend_ledger::store::{Store, StoreError};

use crate::error::PipelineError;
use crate::ingest::{self, Reductions};
use crate::period::commit::{self, Next, Outcome};
use crate::period::deriver::Deriver;
use crate::period::{claims, derive, publish};

/// What deriving a period again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebuilt {
    /// The facts, or what they are derived with, are others now: commit number `sequence`.
    Applied {
        /// Which commit of the period it is.
        sequence: u64,
        /// The delivery that was derived again.
        delivery_id: String,
    },
    /// It is what it would be. Nothing was written.
    Unchanged,
}

/// What happened, in words.
impl fmt::Display for Rebuilt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { sequence, delivery_id } => {
                write!(formatter, "delivery {delivery_id} derived again, commit {sequence} of its period")
            }
            Self::Unchanged => formatter.write_str("derived again, nothing differs, nothing written"),
        }
    }
}

/// Derives the period again from the reductions of the delivery in force.
///
/// # Errors
///
/// [`PipelineError`]; a reduction that is gone is [`PipelineError::Unreduced`], a period without a state
/// [`StoreError::NotFound`].
pub async fn rebuild<L: Store>(
    ledger: &L,
    statement: &Statement,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<Rebuilt, PipelineError> {
    let mut of_lost_race: Option<(SealedDelivery, Facts)> = None;
    for _ in 0..ATTEMPTS {
        let not_found = || StoreError::NotFound { key: statement.state_key() };
        let committed = committed::state(ledger, statement).await?.ok_or_else(not_found)?;
        let current = committed.0.current().ok_or_else(not_found)?.delivery_id.clone();
        let (delivery, facts) = match of_lost_race.take() {
            Some((delivery, facts)) if delivery.delivery_id == current => (delivery, facts),
            _ => derive(ledger, statement, &current, with)
                .await
                .map_err(|error| unreduced(error, statement, &current))?,
        };
        // Payers that another export counts by now do not come back.
        let facts = claims::entitled(ledger, statement, facts, with).await?;
        if is_derived(&committed.0, &facts, with) {
            publish::publish_facts(ledger, statement).await?;
            return Ok(Rebuilt::Unchanged);
        }
        let next = Next { kind: CommitKind::Rebuild, delivery: &delivery, facts };
        match commit::commit(ledger, statement, Some(&committed), next, with, now).await? {
            Outcome::Applied { sequence, committed } => {
                publish::publish_committed(ledger, statement, &committed).await?;
                return Ok(Rebuilt::Applied { sequence, delivery_id: delivery.delivery_id });
            }
            Outcome::Lost(facts) => of_lost_race = Some((delivery, facts)),
        }
    }
    Err(PipelineError::Contended { key: statement.state_key(), attempts: ATTEMPTS })
}

/// A delivery and its facts, derived again; nothing is written.
///
/// # Errors
///
/// [`PipelineError`]; what is gone of it is [`StoreError::NotFound`].
pub async fn derive<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery_id: &str,
    with: &Deriver,
) -> Result<(SealedDelivery, Facts), PipelineError> {
    let not_found = || StoreError::NotFound { key: statement.ready_key(delivery_id) };
    let delivery = ingest::ready(ledger, statement, delivery_id).await?.ok_or_else(not_found)?;
    let facts = derive::derive(ledger, statement, &delivery, &mut Reductions::new(), with).await?;
    Ok((delivery, facts))
}

fn unreduced(error: PipelineError, statement: &Statement, delivery_id: &str) -> PipelineError {
    match error {
        PipelineError::Store(StoreError::NotFound { key }) => {
            PipelineError::Unreduced { key, statement: statement.to_string(), delivery_id: delivery_id.to_owned() }
        }
        other => other,
    }
}

/// Whether the state is what would be derived. The configuration counts even where it moves nothing: a state says what
/// it was derived with.
fn is_derived(state: &PeriodState, facts: &Facts, with: &Deriver) -> bool {
    state.derivation == with.fingerprint
        && state.counts == facts.counts
        && state.unknown_usage_rows == facts.unknown_usage_rows
        && state.folded == facts.folded
        && state.facts == facts.rows
}

#[cfg(test)]
mod tests;
