//! The sweep of ready deliveries: those that no event has had aggregated.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use spend_core::error_class::Class;
use spend_core::operations_text::Overlap;
use spend_ledger::committed;
use spend_ledger::keys::{self, Statement};
use spend_ledger::operations::{self, Note};
use spend_ledger::store::{ObjectSummary, Store};

use super::state::{self, SweptReady};
use super::unusual::unusual;
use super::{RESERVE, within};
use crate::aggregate::{self, Aggregated, Deriver};
use crate::error::PipelineError;

/// What a sweep of ready deliveries came to.
#[derive(Debug, Default)]
pub struct Counted {
    /// How many are there.
    pub found: usize,
    /// How many had nothing left to do.
    pub known: usize,
    /// How many were applied.
    pub applied: usize,
    /// How many are not in force, because a newer one is, or another export is counted.
    pub passed_over: usize,
    /// How many wait for reductions that are missing.
    pub waiting: usize,
    /// How many there was no time for: the next sweep goes on with them.
    pub left: usize,
    /// What a person must mend, which operations was told.
    pub troubles: Vec<PipelineError>,
    /// What may succeed if it is done again.
    pub failures: Vec<PipelineError>,
}

/// Aggregates every ready delivery that was not, in the order in which they became ready, and brings the facts file of
/// each up to its state. One delivery's failure keeps no other from being aggregated.
///
/// What is remembered of a period counts as long as its state is the one that it was remembered beside. A state that is
/// gone, or was put back from an earlier version, has every delivery that it does not know applied again.
///
/// # Errors
///
/// [`PipelineError`], if the deliveries cannot be listed, or the sweep's own state or a note cannot be written.
pub async fn ready<L: Store>(
    ledger: &L,
    with: &Deriver,
    now: DateTime<Utc>,
    time_left: impl Fn() -> Duration,
) -> Result<Counted, PipelineError> {
    let mut objects = ledger.list(keys::DELIVERIES_PREFIX).await?;
    objects.sort_by(|left, right| (left.last_modified, &left.key).cmp(&(right.last_modified, &right.key)));
    let is_ready = |ObjectSummary { key, .. }| Some((Statement::from_ready_key(&key)?, key));
    let found: Vec<_> = objects.into_iter().filter_map(is_ready).collect();
    let mut remembered = state::read::<SweptReady, L>(ledger).await?;
    let mut counted = Counted { found: found.len(), ..Counted::default() };
    let there: BTreeSet<&String> = found.iter().map(|(_, key)| key).collect();
    remembered.document.done.retain(|key| there.contains(key));
    let unreadable = revisit(ledger, &mut remembered.document, &mut counted, now).await?;
    let done = &mut remembered.document.done;
    for ((statement, delivery_id), key) in found {
        if done.contains(&key) {
            counted.known += 1;
            continue;
        }
        if unreadable.contains(&statement) {
            counted.waiting += 1;
            continue;
        }
        let aggregated = aggregate::aggregate(ledger, &statement, &delivery_id, with, now);
        match within(|| time_left() > RESERVE, aggregated).await {
            None => counted.left += 1,
            Some(Ok(outcome)) => {
                overlap(ledger, &statement, &outcome, now).await?;
                unusual(ledger, &statement, &delivery_id, &outcome, now).await?;
                match outcome {
                    Aggregated::Applied { .. } => counted.applied += 1,
                    Aggregated::Known => counted.known += 1,
                    Aggregated::Older { .. } | Aggregated::Overlapping { .. } => counted.passed_over += 1,
                }
                done.insert(key);
            }
            Some(Err(error)) => counted.failed(ledger, &statement, error, now).await?,
        }
    }
    state::write(ledger, remembered).await?;
    Ok(counted)
}

impl Counted {
    /// Counts what kept a period from being added up, and tells operations of what a person must mend.
    async fn failed<L: Store>(
        &mut self,
        ledger: &L,
        statement: &Statement,
        error: PipelineError,
        now: DateTime<Utc>,
    ) -> Result<(), PipelineError> {
        match error.class() {
            Class::Wait | Class::Ignore => self.waiting += 1,
            Class::Retry => self.failures.push(error),
            Class::Operator => {
                let (about, doing) = (statement.to_string(), format!("adding up {statement}"));
                let note = Note::of_error(error.kind(), &about, &doing, &error.to_string(), now);
                operations::leave(ledger, &note, now).await?;
                self.troubles.push(error);
            }
        }
        Ok(())
    }
}

/// Looks again at every period whose state is not the one that was remembered: of its deliveries those stay done with
/// that the state knows, and its facts file is brought up to it, as it is where the file is gone. Returns the periods
/// whose state cannot be read.
///
/// A state is remembered as it was listed before anything is done, so that a change which this sweep does not see is seen
/// by the next.
async fn revisit<L: Store>(
    ledger: &L,
    remembered: &mut SweptReady,
    counted: &mut Counted,
    now: DateTime<Utc>,
) -> Result<BTreeSet<Statement>, PipelineError> {
    let listed = ledger.list(keys::STATE_PREFIX).await?;
    let states: BTreeMap<_, _> = listed.iter().map(|object| (object.key.clone(), state::version(object))).collect();
    let facts: BTreeSet<_> = ledger.list(keys::FACTS_PREFIX).await?.into_iter().map(|object| object.key).collect();
    let mut unreadable = BTreeSet::new();
    let keys: BTreeSet<String> = states.keys().chain(remembered.states.keys()).cloned().collect();
    for key in keys {
        let Some(statement) = Statement::from_state_key(&key) else { continue };
        let is_remembered = states.get(&key) == remembered.states.get(&key);
        if is_remembered && facts.contains(&statement.facts_key()) {
            continue;
        }
        match look(ledger, &statement, remembered).await {
            Ok(()) => {
                remembered.states.remove(&key);
                remembered.states.extend(states.get(&key).map(|version| (key, version.clone())));
            }
            Err(error) => {
                counted.failed(ledger, &statement, error, now).await?;
                unreadable.insert(statement);
            }
        }
    }
    Ok(unreadable)
}

async fn look<L: Store>(ledger: &L, statement: &Statement, remembered: &mut SweptReady) -> Result<(), PipelineError> {
    let state = committed::state(ledger, statement).await?.map(|(state, _)| state);
    remembered.done.retain(|key| match Statement::from_ready_key(key) {
        Some((of, delivery_id)) if of == *statement => {
            state.as_ref().is_some_and(|state| state.has_applied(&delivery_id))
        }
        _ => true,
    });
    aggregate::publish_facts(ledger, statement).await
}

/// Tells operations, once for an export and period, that it is not counted because another one is.
///
/// # Errors
///
/// [`PipelineError`]; telling it again is harmless.
pub async fn overlap<L: Store>(
    ledger: &L,
    statement: &Statement,
    outcome: &Aggregated,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let Aggregated::Overlapping { payer, counted } = outcome else { return Ok(()) };
    let Statement { export_id, period } = statement;
    let text = Overlap { export_id, period: *period, payer, counted }.text();
    operations::leave(ledger, &Note { id: format!("overlap:{export_id}:{period}"), text }, now).await?;
    Ok(())
}
