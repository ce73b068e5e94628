//! Letting months follow what the configuration counts: claims are moved, facts leave and come back.

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_ledger::state::claim::Claim;
use spend_ledger::state::committed;
use spend_ledger::state::document::encode;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::{Put, Store};

use crate::error::PipelineError;
use crate::period::aggregated::Aggregated;
use crate::period::claims::{chosen, holder, lost, payers_of};
use crate::period::deriver::Deriver;
use crate::period::void::void;
use crate::period::{aggregate, rebuild};

/// Lets all months follow what the configuration says of who counts: claims are moved to the exports that were chosen, what
/// is not counted any more leaves its month, and what was taken out and counts again comes back. A month that cannot be read
/// keeps no other from leaving, nor one that cannot be derived any other from coming back; but nothing comes back until all
/// have left, so that nothing is counted twice.
///
/// # Errors
///
/// [`PipelineError`]; doing it again is harmless, and mends what a crash has left undone.
pub async fn follow<L: Store>(ledger: &L, with: &Deriver, now: DateTime<Utc>) -> Result<(), PipelineError> {
    let statements = committed::statements(ledger).await?;
    let mut failed = None;
    for (payer, period, export_id) in with.counting.choices() {
        if chosen(ledger, with, payer, period).await?.is_some() {
            failed = failed.or(move_claim(ledger, payer, period, export_id, now).await.err());
        }
    }
    for statement in &statements {
        failed = failed.or(enforce(ledger, statement, with, now).await.err());
    }
    if let Some(error) = failed {
        return Err(error);
    }
    for statement in &statements {
        failed = failed.or(restore(ledger, statement, with, now).await.err());
    }
    failed.map_or(Ok(()), Err)
}

/// Takes what `statement` is not entitled to out of its state. Returns whether there was something.
pub(crate) async fn enforce<L: Store>(
    ledger: &L,
    statement: &Statement,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<bool, PipelineError> {
    let Some((state, _)) = committed::state(ledger, statement).await? else { return Ok(false) };
    let lost = lost(ledger, statement, &state.facts, with).await?;
    if lost.is_empty() {
        return Ok(false);
    }
    void(ledger, statement, |payer| lost.contains(payer), now).await
}

/// A claim that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The export that the month was counted from; none if nobody had claimed it.
    pub was: Option<String>,
    /// The exports whose facts have left the month.
    pub left: Vec<String>,
}

/// Counts a payer's month from `export_id` from now on: the facts of the payer leave every other export's month, and the
/// claim is moved. The export's own deliveries are counted by [`recount`] or by the next sweep.
///
/// # Errors
///
/// [`PipelineError`]; doing it again is harmless, and mends what a crash has left undone.
pub async fn move_claim<L: Store>(
    ledger: &L,
    payer: &str,
    period: BillingPeriod,
    export_id: &str,
    now: DateTime<Utc>,
) -> Result<Moved, PipelineError> {
    let (key, claim) = (keys::claim_key(payer, period), encode(&Claim { export_id: export_id.to_owned() })?);
    let was = holder(ledger, &key).await?;
    let mut left = void_others(ledger, payer, period, export_id, now).await?;
    let put = match &was {
        Some((was, _)) if was == export_id => None,
        Some((_, etag)) => Some(ledger.put_if_match(&key, claim, etag).await?),
        None => Some(ledger.put_if_absent(&key, claim).await?),
    };
    if put == Some(Put::Lost) {
        return Err(PipelineError::Contended { key, attempts: 1 });
    }
    // Facts that others committed between the first pass and the moved claim leave too.
    left.extend(void_others(ledger, payer, period, export_id, now).await?);
    Ok(Moved { was: was.map(|(was, _)| was), left })
}

async fn void_others<L: Store>(
    ledger: &L,
    payer: &str,
    period: BillingPeriod,
    export_id: &str,
    now: DateTime<Utc>,
) -> Result<Vec<String>, PipelineError> {
    let mut left = Vec::new();
    let others = committed::statements(ledger).await?.into_iter();
    for other in others.filter(|other| other.period == period && other.export_id != export_id) {
        if void(ledger, &other, |of| of == payer, now).await? {
            left.push(other.export_id);
        }
    }
    Ok(left)
}

/// Counts again what was taken out of a state, if `statement` is entitled to it by now. States that nothing was taken out of
/// are left as they were derived.
///
/// # Errors
///
/// As of [`rebuild::rebuild`].
pub(crate) async fn restore<L: Store>(
    ledger: &L,
    statement: &Statement,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    // What is not entitled to anything need not be derived, which it may be too old for.
    if !with.counting.has_export(&statement.export_id) {
        return Ok(());
    }
    let Some(state) = committed::head(ledger, statement).await? else { return Ok(()) };
    if state.current().is_none_or(|current| current.revision == 0) {
        return Ok(());
    }
    rebuild::rebuild(ledger, statement, with, now).await?;
    let Some((state, _)) = committed::state(ledger, statement).await? else { return Ok(()) };
    for payer in payers_of(&state.facts) {
        let key = keys::claim_key(payer, statement.period);
        if holder(ledger, &key).await?.is_none_or(|(export_id, _)| export_id != statement.export_id) {
            move_claim(ledger, payer, statement.period, &statement.export_id, now).await?;
        }
    }
    Ok(())
}

/// The same of a state that everything was taken out of. Others are left as they are: to derive them again takes long.
pub(crate) async fn restore_emptied<L: Store>(
    ledger: &L,
    statement: &Statement,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let state = committed::head(ledger, statement).await?;
    let current = state.as_ref().and_then(PeriodState::current);
    // Without anything left a month has no data.
    if current.is_some_and(|current| current.revision > 0 && current.data_as_of.is_none()) {
        restore(ledger, statement, with, now).await?;
    }
    Ok(())
}

/// Counts what `statement` has: what was taken out of it, and every ready delivery, in the order in which they became
/// ready. Returns what became of each delivery, by its id.
pub async fn recount<L: Store>(
    ledger: &L,
    statement: &Statement,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<Vec<(String, Aggregated)>, PipelineError> {
    restore(ledger, statement, with, now).await?;
    let mut objects = ledger.list(&statement.deliveries_prefix()).await?;
    objects.sort_by(|left, right| (left.last_modified, &left.key).cmp(&(right.last_modified, &right.key)));
    let mut outcomes = Vec::new();
    for (of, delivery_id) in objects.iter().filter_map(|object| Statement::from_ready_key(&object.key)) {
        let outcome = aggregate::aggregate(ledger, &of, &delivery_id, with, now).await?;
        outcomes.push((delivery_id, outcome));
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests;
