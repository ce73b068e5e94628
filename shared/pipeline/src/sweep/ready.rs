//! The sweep of ready deliveries: those that no event has had aggregated.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use spend_core::error_class::Class;
use spend_core::operations_text::Overlap;
use spend_ledger::committed;
use spend_ledger::keys::{self, Statement};
use spend_ledger::operations::{self, Note};
use spend_ledger::store::{ObjectSummary, Store};

use super::state::{self, Remembered, SweptReady};
use super::trial::{Left, NOTES_AT_ONCE, Trial};
use super::unusual::unusual;
use super::{RESERVE, has_begun, put_back, within};
use crate::aggregate::{self, Aggregated, Deriver};
use crate::error::PipelineError;

/// What to do about a ready delivery that no attempt at adding up comes to an end with.
const CURE: &str = "compare the size of the month with the others (Amazon S3, reductions/ of the ledger's bucket). If it is \
                    real, give aggregate more memory or time (MemorySize, Timeout in infra/template.yaml). If somebody makes \
                    up callers or exports, find out who; exports that are not yours are left out by count = [...] of [export] \
                    in config/ledger.toml.";

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
    /// How many are paused, because no attempt at them has come to an end.
    pub paused: usize,
    /// What a person must mend, which operations was told.
    pub troubles: Vec<PipelineError>,
    /// What may succeed if it is done again.
    pub failures: Vec<PipelineError>,
}

/// Aggregates every ready delivery that was not, and brings the facts file of each up to its state. Within a month the
/// order is that in which they became ready. The newest month comes first, and exports first that have a state; what an
/// attempt did not return from or failed with comes last. One delivery's failure keeps no other from being aggregated.
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
    remembered.document.trials.retain(|key, _| there.contains(key));
    let unreadable = revisit(ledger, &mut remembered, &mut counted, now).await?;
    tell_stuck(ledger, &mut remembered, now).await?;
    let mut queue = Vec::new();
    for (place, ((statement, delivery_id), key)) in found.into_iter().enumerate() {
        let trial = remembered.document.trials.get(&key);
        if remembered.document.done.contains(&key) {
            counted.known += 1;
        } else if unreadable.contains(&statement) || !has_begun(statement.period, now) {
            counted.waiting += 1;
        } else if trial.is_some_and(|trial| !trial.is_due(now)) {
            counted.paused += 1;
        } else {
            let is_known = remembered.document.has_state(&statement.export_id);
            let order = (trial.map_or(0, Trial::times), !is_known, Reverse(statement.period), place);
            queue.push((order, statement, delivery_id, key));
        }
    }
    queue.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    for (_, statement, delivery_id, key) in queue {
        if time_left() <= RESERVE {
            counted.left += 1;
            continue;
        }
        let before = remembered.document.trials.get(&key).cloned();
        let mark = Trial::begin(before.as_ref(), "", now);
        remembered.change({
            let key = key.clone();
            move |memory| drop(memory.trials.insert(key.clone(), mark.clone()))
        });
        remembered.save(ledger).await?;
        let began_with = time_left();
        let aggregated = aggregate::aggregate(ledger, &statement, &delivery_id, with, now);
        let outcome = match within(|| time_left() > RESERVE, aggregated).await {
            None => {
                // A delivery is added up as a whole: what had little time may have enough in the next sweep.
                if began_with.saturating_sub(time_left()) < began_with / 2 {
                    remembered.change(move |memory| put_back(&mut memory.trials, &key, before.as_ref()));
                }
                counted.left += 1;
                continue;
            }
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => {
                let failed = (error.class() == Class::Retry).then(|| error.to_string());
                remembered.change(move |memory| match (&failed, memory.trials.get_mut(&key)) {
                    (Some(error), Some(trial)) => trial.failed(error),
                    _ => drop(memory.trials.remove(&key)),
                });
                counted.failed(ledger, &statement, error, now).await?;
                continue;
            }
        };
        overlap(ledger, &statement, &outcome, now).await?;
        unusual(ledger, &statement, &delivery_id, &outcome, now).await?;
        match outcome {
            Aggregated::Applied { .. } => counted.applied += 1,
            Aggregated::Known => counted.known += 1,
            Aggregated::Older { .. } | Aggregated::Overlapping { .. } => counted.passed_over += 1,
        }
        remembered.change(move |memory| {
            memory.trials.remove(&key);
            memory.done.insert(key.clone());
        });
    }
    tell_left(ledger, &mut remembered, &counted, now).await?;
    remembered.save(ledger).await?;
    Ok(counted)
}

/// Tells operations, once, of each ready delivery that no attempt has come to an end with.
async fn tell_stuck<L: Store>(
    ledger: &L,
    remembered: &mut Remembered<SweptReady>,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let trials = remembered.document.trials.iter().filter(|(_, trial)| trial.is_to_be_told(now));
    let trials: Vec<_> = trials.take(NOTES_AT_ONCE).map(|(key, trial)| (key.clone(), trial.clone())).collect();
    for (key, trial) in trials {
        let statement = Statement::from_ready_key(&key).map_or_else(|| key.clone(), |(of, _)| of.to_string());
        let note = trial.note(&format!("adding up {statement}"), &key, CURE, now);
        operations::leave(ledger, &note, now).await?;
        remembered.change(move |memory| {
            if let Some(trial) = memory.trials.get_mut(&key) {
                trial.was_told();
            }
        });
    }
    Ok(())
}

/// Tells operations of ready deliveries that are left and do not become fewer.
async fn tell_left<L: Store>(
    ledger: &L,
    remembered: &mut Remembered<SweptReady>,
    counted: &Counted,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let count = counted.left + counted.paused + counted.failures.len();
    let left = Left::after(remembered.document.left.as_ref(), count, now);
    if let Some(note) = left.as_ref().and_then(|left| left.note("to add up", keys::DELIVERIES_PREFIX, count, now)) {
        operations::leave(ledger, &note, now).await?;
    }
    remembered.change(move |memory| memory.left.clone_from(&left));
    Ok(())
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
    remembered: &mut Remembered<SweptReady>,
    counted: &mut Counted,
    now: DateTime<Utc>,
) -> Result<BTreeSet<Statement>, PipelineError> {
    let remembered = &mut remembered.document;
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
