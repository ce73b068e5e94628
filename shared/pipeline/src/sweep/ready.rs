//! The sweep of ready deliveries: those that no event has had aggregated.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_core::messages::operations::claims::{NotCounted, Overlap, QuietClaim};
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::state::committed;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{ObjectSummary, Store};

use super::state::{self, Contested, Remembered, SweptReady};
use super::trial::{Left, NOTES_AT_ONCE, Trial};
use super::unusual::unusual;
use crate::error::PipelineError;
use crate::period::aggregate::{self, has_begun};
use crate::period::aggregated::Aggregated;
use crate::period::deriver::Deriver;
use crate::period::{claims, counting, publish};
use crate::sweep::time::{RESERVE, within};
use crate::sweep::trial::put_back;

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
    // Anybody who may write to the export's bucket can have a delivery made ready: the rules of a deployment apply.
    let with = &Deriver { is_deployment: true, ..with.clone() };
    let mut objects = ledger.list(keys::DELIVERIES_PREFIX).await?;
    objects.sort_by(|left, right| (left.last_modified, &left.key).cmp(&(right.last_modified, &right.key)));
    let is_ready = |ObjectSummary { key, .. }| Some((Statement::from_ready_key(&key)?, key));
    let delivered = last_deliveries(&objects);
    let found: Vec<_> = objects.into_iter().filter_map(is_ready).collect();
    let mut remembered = state::read::<SweptReady, L>(ledger).await?;
    let mut counted = Counted { found: found.len(), ..Counted::default() };
    let there: BTreeSet<&String> = found.iter().map(|(_, key)| key).collect();
    remembered.document.done.retain(|key| there.contains(key));
    remembered.document.trials.retain(|key, _| there.contains(key));
    // Nobody is told of months that have long ended.
    remembered.document.contested.retain(|contested| !contested.period.is_closed(u64::MAX, now));
    announce(ledger, &mut remembered, with).await?;
    let unreadable = revisit(ledger, &mut remembered, &mut counted, with, now).await?;
    // If this fails, the next sweep tries it again; ready deliveries do not wait for it.
    counted.failures.extend(recount(ledger, &mut remembered, with, now).await.err());
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
    queue.sort_by_key(|(left, ..)| *left);
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
                // Adding up starts anew each time. An attempt that had less than half of the time may have enough in the next
                // sweep: its mark is taken back.
                if began_with.saturating_sub(time_left()) < began_with / 2 {
                    remembered.change(move |memory| put_back(&mut memory.trials, &key, before.as_ref()));
                }
                counted.left += 1;
                continue;
            }
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => {
                if let PipelineError::Incumbent { payer, counted, .. } = &error {
                    let outcome = Aggregated::Overlapping { payer: payer.clone(), counted: counted.clone() };
                    not_counted(ledger, &statement, &outcome, now).await?;
                    contest(&mut remembered, &statement, &outcome);
                }
                let failed = (error.class() == Class::Retry).then(|| error.to_string());
                remembered.change(move |memory| match (&failed, memory.trials.get_mut(&key)) {
                    (Some(error), Some(trial)) => trial.failed(error),
                    _ => drop(memory.trials.remove(&key)),
                });
                counted.failed(ledger, &statement, error, now).await?;
                continue;
            }
        };
        not_counted(ledger, &statement, &outcome, now).await?;
        contest(&mut remembered, &statement, &outcome);
        unusual(ledger, &statement, &delivery_id, &outcome, now).await?;
        match outcome {
            Aggregated::Applied { .. } => counted.applied += 1,
            Aggregated::Known => counted.known += 1,
            Aggregated::Older { .. } | Aggregated::Overlapping { .. } | Aggregated::NotCounted { .. } => {
                counted.passed_over += 1;
            }
        }
        remembered.change(move |memory| {
            memory.trials.remove(&key);
            memory.done.insert(key.clone());
        });
    }
    tell_quiet(ledger, &remembered.document, with, &delivered, now).await?;
    tell_left(ledger, &mut remembered, &counted, now).await?;
    remembered.save(ledger).await?;
    Ok(counted)
}

/// When the last delivery of each export became ready.
fn last_deliveries(objects: &[ObjectSummary]) -> BTreeMap<String, DateTime<Utc>> {
    // They come oldest first.
    let ready =
        objects.iter().filter_map(|object| Some((Statement::from_ready_key(&object.key)?, object.last_modified)));
    ready.map(|((statement, _), at)| (statement.export_id, at)).collect()
}

/// What is remembered while months do not follow the configuration yet: no configuration has it for its fingerprint.
const UNFINISHED: &str = "unfinished";

/// Where others count than at the last sweep, that is written down before anything is taken out: a sweep that ends halfway
/// has taken out what may count again by the next.
async fn announce<L: Store>(
    ledger: &L,
    remembered: &mut Remembered<SweptReady>,
    with: &Deriver,
) -> Result<(), PipelineError> {
    if remembered.document.counting == with.counting.fingerprint() {
        return Ok(());
    }
    remembered.change(|memory| UNFINISHED.clone_into(&mut memory.counting));
    remembered.save(ledger).await
}

/// Lets all months follow what the configuration counts, where nothing else sweeps. It costs one read where the same counts
/// as the last time.
///
/// # Errors
///
/// [`PipelineError`]; doing it again is harmless, and goes on where it ended.
pub async fn follow<L: Store>(ledger: &L, with: &Deriver, now: DateTime<Utc>) -> Result<(), PipelineError> {
    let mut remembered = state::read::<SweptReady, L>(ledger).await?;
    announce(ledger, &mut remembered, with).await?;
    recount(ledger, &mut remembered, with, now).await?;
    remembered.save(ledger).await
}

/// Where others count than at the last sweep, everything is looked at again.
async fn recount<L: Store>(
    ledger: &L,
    remembered: &mut Remembered<SweptReady>,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    if remembered.document.counting == with.counting.fingerprint() {
        return Ok(());
    }
    counting::follow(ledger, with, now).await?;
    let counting = with.counting.fingerprint();
    remembered.change(move |memory| {
        memory.counting.clone_from(&counting);
        memory.done.clear();
        memory.contested.clear();
    });
    Ok(())
}

/// Remembers whether a month is counted from another export.
fn contest(remembered: &mut Remembered<SweptReady>, statement: &Statement, outcome: &Aggregated) {
    let Statement { export_id, period } = statement.clone();
    let contested = match outcome {
        Aggregated::Overlapping { payer, counted } => {
            let (export_id, payer, counted) = (export_id.clone(), payer.clone(), counted.clone());
            Some(Contested { export_id, period, payer, counted })
        }
        _ => None,
    };
    remembered.change(move |memory| {
        memory.contested.retain(|other| other.export_id != export_id || other.period != period);
        memory.contested.extend(contested.clone());
    });
}

/// Tells operations, every day until somebody decides, of exports that are counted and quiet while another delivers the
/// same bill. Months that have long ended are left as they are.
async fn tell_quiet<L: Store>(
    ledger: &L,
    remembered: &SweptReady,
    with: &Deriver,
    delivered: &BTreeMap<String, DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let mut quiet: BTreeMap<(&str, &str, &str), Vec<BillingPeriod>> = BTreeMap::new();
    for Contested { export_id, period, payer, counted } in &remembered.contested {
        let (Some(last), counted_last) = (delivered.get(export_id), delivered.get(counted)) else { continue };
        let is_quiet = counted_last.is_none_or(|at| now.signed_duration_since(*at) >= claims::QUIET && at < last);
        let is_decided = with.counting.chosen(payer, *period).is_some();
        if is_quiet && !is_decided && !period.is_closed(u64::MAX, now) {
            quiet.entry((payer, counted, export_id)).or_default().push(*period);
        }
    }
    for ((payer, counted, export_id), periods) in quiet {
        let Some(last) = delivered.get(export_id).copied() else { continue };
        let counted_last = delivered.get(counted).copied();
        let text = QuietClaim { payer, periods: &periods, counted, counted_last, export_id, last }.text();
        let id = format!("quiet-claim:{payer}:{counted}:{export_id}:{}", now.date_naive());
        operations::leave(ledger, &Note { id, text }, now).await?;
    }
    Ok(())
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
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<BTreeSet<Statement>, PipelineError> {
    let remembered = &mut remembered.document;
    let listed = ledger.list(keys::STATE_PREFIX).await?;
    let states: BTreeMap<_, _> = listed.iter().map(|object| (object.key.clone(), state::version(object))).collect();
    let facts: BTreeSet<_> = ledger.list(keys::FACTS_PREFIX).await?.into_iter().map(|object| object.key).collect();
    let mut unreadable = BTreeSet::new();
    let keys: BTreeSet<String> = states.keys().chain(remembered.states.keys()).cloned().collect();
    let mut changed = Vec::new();
    for key in keys {
        let Some(statement) = Statement::from_state_key(&key) else { continue };
        let is_remembered = states.get(&key) == remembered.states.get(&key);
        if is_remembered && facts.contains(&statement.facts_key()) {
            continue;
        }
        match look(ledger, &statement, remembered, with, now).await {
            Ok(()) => {
                remembered.states.remove(&key);
                remembered.states.extend(states.get(&key).map(|version| (key, version.clone())));
                changed.push(statement);
            }
            Err(error) => {
                counted.failed(ledger, &statement, error, now).await?;
                unreadable.insert(statement);
            }
        }
    }
    // Another sweep, whose configuration was older, may have taken out what counts. Where others count than at the last
    // sweep, nothing comes back before all have left.
    if remembered.counting == with.counting.fingerprint() {
        for statement in changed {
            if let Err(error) = counting::restore_emptied(ledger, &statement, with, now).await {
                remembered.states.remove(&statement.state_key());
                counted.failed(ledger, &statement, error, now).await?;
            }
        }
    }
    Ok(unreadable)
}

async fn look<L: Store>(
    ledger: &L,
    statement: &Statement,
    remembered: &mut SweptReady,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    // Two exports may have committed the same payer while its claim was moved: the one without the claim gives it up.
    counting::enforce(ledger, statement, with, now).await?;
    let state = committed::head(ledger, statement).await?;
    remembered.done.retain(|key| match Statement::from_ready_key(key) {
        Some((of, delivery_id)) if of == *statement => {
            state.as_ref().is_some_and(|state| state.has_applied(&delivery_id))
        }
        _ => true,
    });
    publish::publish_facts(ledger, statement).await
}

/// Tells operations that an export is not counted: once for each period, if another one is; once, if the configuration does
/// not count it.
///
/// # Errors
///
/// [`PipelineError`]; telling it again is harmless.
pub async fn not_counted<L: Store>(
    ledger: &L,
    statement: &Statement,
    outcome: &Aggregated,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let Statement { export_id, period } = statement;
    match outcome {
        Aggregated::Overlapping { payer, counted } => {
            let text = Overlap { export_id, period: *period, payer, counted }.text();
            operations::leave(ledger, &Note { id: format!("overlap:{export_id}:{period}"), text }, now).await?;
        }
        Aggregated::NotCounted { payer } => tell_not_counted(ledger, export_id, payer.as_deref(), now).await?,
        Aggregated::Applied { .. } | Aggregated::Known | Aggregated::Older { .. } => {}
    }
    Ok(())
}

/// Tells operations, once, that the configuration does not count an export, or a payer in it.
pub(super) async fn tell_not_counted<L: Store>(
    ledger: &L,
    export_id: &str,
    payer: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let id = match payer {
        None => format!("not-counted:{export_id}"),
        Some(payer) => format!("not-counted:{export_id}:{payer}"),
    };
    let text = NotCounted { export_id, payer }.text();
    operations::leave(ledger, &Note { id, text }, now).await?;
    Ok(())
}
