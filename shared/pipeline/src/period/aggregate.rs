//! The step aggregate: a ready delivery replaces its billing period's state, in one commit.
//!
//! Before the commit it writes what the delivery moves; after it, the facts file follows. A crash at any point leaves
//! either the old state or the new one, and doing the step again finishes what is missing.

use chrono::{DateTime, TimeDelta, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::derivation::Facts;
use spend_ledger::state::commit::{AppliedDelivery, CommitKind};
use spend_ledger::state::committed::{self, Committed};
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::conditional::ATTEMPTS;
use spend_ledger::store::{Store, StoreError};

use crate::error::PipelineError;
use crate::ingest::{self, Reductions};
use crate::period::aggregated::Aggregated;
use crate::period::claim;
use crate::period::commit::{self, Next, Outcome};
use crate::period::derive::derive;
use crate::period::deriver::Deriver;
use crate::period::publish::{publish_committed, publish_facts};

/// How long before its first day a period may be delivered: clocks and time zones are apart, months are not.
const EARLY: TimeDelta = TimeDelta::days(1);

/// Whether a month has begun or begins within a day. Before that nobody is billed for it.
pub(crate) fn has_begun(period: BillingPeriod, now: DateTime<Utc>) -> bool {
    period.start() <= now + EARLY
}

/// Applies the delivery if it is ready, new, and not older than the one in force.
///
/// # Errors
///
/// [`PipelineError`]; a delivery that is not ready is [`StoreError::NotFound`].
pub async fn aggregate<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery_id: &str,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<Aggregated, PipelineError> {
    Ok(aggregate_known(ledger, statement, delivery_id, Reductions::new(), with, now).await?.0)
}

/// The same for whoever has reductions of the delivery in memory, and goes on with the state: also answers what was
/// committed, if anything was.
///
/// # Errors
///
/// As [`aggregate`].
pub async fn aggregate_known<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery_id: &str,
    mut known: Reductions,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<(Aggregated, Option<Committed>), PipelineError> {
    if !with.counting.has_export(&statement.export_id) {
        return Ok((Aggregated::NotCounted { payer: None }, None));
    }
    if with.is_deployment && !has_begun(statement.period, now) {
        return Err(PipelineError::NotBegun { statement: statement.to_string(), begins: statement.period.start() });
    }
    let not_ready = || StoreError::NotFound { key: statement.ready_key(delivery_id) };
    let delivery = ingest::ready(ledger, statement, delivery_id).await?.ok_or_else(not_ready)?;
    let mut facts_of_lost_race: Option<Facts> = None;
    for _ in 0..ATTEMPTS {
        let stored = committed::stored(ledger, statement).await?;
        let outcome = match &stored {
            Some(stored) => Box::pin(standing(ledger, statement, &stored.head, &delivery)).await?,
            None => None,
        };
        if let Some(outcome) = outcome {
            Box::pin(publish_facts(ledger, statement)).await?;
            return Ok((outcome, None));
        }
        let facts = match facts_of_lost_race.take() {
            Some(facts) => facts,
            None => Box::pin(derive(ledger, statement, &delivery, &mut known, with)).await?,
        };
        if let Some(not_counted) = Box::pin(claim::claim(ledger, statement, &facts, with, now)).await? {
            return Ok((not_counted, None));
        }
        let committed = match stored {
            Some(stored) => Some((stored.state()?, stored.etag)),
            None => None,
        };
        let next = Next { kind: CommitKind::Delivery, delivery: &delivery, facts };
        match Box::pin(commit::commit(ledger, statement, committed.as_ref(), next, with, now)).await? {
            Outcome::Applied { sequence, committed } => {
                Box::pin(publish_committed(ledger, statement, &committed)).await?;
                return Ok((Aggregated::Applied { sequence }, Some(committed)));
            }
            Outcome::Lost(facts) => facts_of_lost_race = Some(facts),
        }
    }
    Err(PipelineError::Contended { key: statement.state_key(), attempts: ATTEMPTS })
}

/// Why the delivery is not applied, if it is not. It is compared with every delivery that was applied, not with the one in
/// force alone, whose time may say nothing (a copy). A delivery counts as older, too, than one that was sealed of the same
/// manifest after it.
async fn standing<L: Store>(
    ledger: &L,
    statement: &Statement,
    state: &PeriodState,
    delivery: &SealedDelivery,
) -> Result<Option<Aggregated>, PipelineError> {
    if state.has_applied(&delivery.delivery_id) {
        return Ok(Some(Aggregated::Known));
    }
    let mut is_older = state.deliveries.iter().any(|applied| !delivery.order.replaces(applied.order));
    let is_tied = |applied: &&AppliedDelivery| applied.order.at.timestamp() == delivery.order.at.timestamp();
    for tied in state.deliveries.iter().filter(is_tied) {
        let sealed_later = ingest::ready(ledger, statement, &tied.delivery_id).await?;
        is_older |= sealed_later.is_some_and(|later| later.replaces.contains(&delivery.delivery_id));
    }
    let current = state.current().filter(|_| is_older);
    Ok(current.map(|current| Aggregated::Older { in_force: current.delivery_id.clone() }))
}

#[cfg(test)]
mod tests;
