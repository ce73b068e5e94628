//! Claims: from which export a payer's month is counted. One bill is counted once.
//!
//! The first export that delivers a month of a payer claims it, by an object of its own, put if absent. A claim is no
//! trust: whoever may write to the export's bucket could claim. So
//!
//! - on AWS a month that has not begun is not claimed, and a new month belongs to the export that the payer was counted
//!   from before, as long as that one delivers;
//! - the configuration says which exports and payers count, and may choose the export of a month; a claim that is moved
//!   takes the other's facts out of the month, by a commit like that of a rebuild.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::derivation::Facts;
use spend_core::facts::fact::{Fact, FactField};
use spend_core::messages::operations::claims::NewPayer;
use spend_core::text::shorten;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::state::claim::Claim;
use spend_ledger::state::commit::{AppliedDelivery, CommitKind, OrderSource};
use spend_ledger::state::committed;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::document::{decode, encode};
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{ETag, ObjectSummary, Put, Store};

use crate::aggregate::{self, ATTEMPTS, Aggregated, Deriver};
use crate::commit::{self, Next};
use crate::error::PipelineError;
use crate::rebuild;

/// How long an export must have delivered nothing before it counts as quiet: AWS delivers at least daily.
pub(crate) const QUIET: TimeDelta = TimeDelta::hours(48);

/// How long all payers are new to a ledger: what the bucket held at deployment is told of by the first message.
const NEW_LEDGER: TimeDelta = TimeDelta::days(1);

/// How much of what is no payer is told.
const PAYER: usize = 40;

/// A claim that was found.
struct Found {
    key: String,
    payer: String,
    period: BillingPeriod,
    at: DateTime<Utc>,
}

/// Claims the period for each payer in the facts; an export that comes second is named, not counted, and claims
/// nothing. A crash after the claim leaves it to the same export, which commits when the step is done again.
///
/// Rows that do not name their payer may be of any: an export with such rows is counted where no other is, and alone.
///
/// A claim gives way to an export that the configuration chooses, and to any where it is of an export that does not count:
/// the other's facts leave the month before the claim is another's, so that nothing is counted twice after a crash.
pub(crate) async fn claim<L: Store>(
    ledger: &L,
    statement: &Statement,
    facts: &Facts,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<Option<Aggregated>, PipelineError> {
    let (own, period) = (statement.export_id.as_str(), statement.period);
    let payers: BTreeSet<&str> = facts.rows.iter().map(payer_of).collect();
    // A payer becomes a part of a key: what is none is refused before anything is written.
    if let Some(payer) = payers.iter().find(|payer| !payer.is_empty() && !is_account(payer)) {
        return Err(PipelineError::Payer { statement: statement.to_string(), payer: shorten(payer, PAYER) });
    }
    if let Some(payer) = payers.iter().find(|payer| !with.counting.has_payer(payer)) {
        return Ok(Some(Aggregated::NotCounted { payer: Some((*payer).to_owned()) }));
    }
    let mut chosen = None;
    for payer in &payers {
        chosen =
            chosen.or(crate::claims::chosen(ledger, with, payer, period).await?.map(|export_id| (*payer, export_id)));
    }
    if let Some((payer, counted)) = chosen.filter(|(_, counted)| *counted != own) {
        return Ok(Some(Aggregated::Overlapping { payer: payer.to_owned(), counted: counted.to_owned() }));
    }
    let overlaps =
        |payer: &str| payers.contains(payer) || (payer.is_empty() && !payers.is_empty()) || payers.contains("");
    let (claims, others): (Vec<_>, Vec<_>) = all(ledger).await?.into_iter().partition(|found| overlaps(&found.payer));
    let (mut is_ours, mut moved) = (false, Vec::new());
    for found in claims.iter().filter(|found| found.period == period) {
        let Some((counted, etag)) = holder(ledger, &found.key).await? else { continue };
        let is_chosen = match found.payer.as_str() {
            "" => chosen.is_some(),
            payer => with.counting.chosen(payer, period).is_some_and(|chosen| chosen == own),
        };
        if counted == own {
            is_ours = true;
        } else if is_chosen || !with.counting.has_export(&counted) {
            moved.push((found, counted, etag));
        } else {
            let payer = if payers.contains(found.payer.as_str()) { found.payer.clone() } else { String::new() };
            return Ok(Some(Aggregated::Overlapping { payer, counted }));
        }
    }
    if with.is_deployment && !is_ours && chosen.is_none() && moved.is_empty() {
        incumbent(ledger, statement, &claims, with, now).await?;
    }
    let claim = Claim { export_id: own.to_owned() };
    for (found, counted, etag) in moved {
        let loser = Statement { export_id: counted, period };
        void(ledger, &loser, overlaps, now).await?;
        if let Put::Lost = ledger.put_if_match(&found.key, encode(&claim)?, &etag).await? {
            return Err(PipelineError::Contended { key: found.key.clone(), attempts: 1 });
        }
    }
    for payer in payers {
        let is_known = claims.iter().any(|found| found.payer == payer);
        if with.is_deployment && !is_known && others.iter().any(|found| now - found.at > NEW_LEDGER) {
            let text = NewPayer { export_id: own, payer, period }.text();
            operations::leave(ledger, &Note { id: format!("payer:{payer}"), text }, now).await?;
        }
        let key = keys::claim_key(payer, period);
        if let Put::Written(_) = ledger.put_if_absent(&key, encode(&claim)?).await? {
            continue;
        }
        if let Some((counted, _)) = holder(ledger, &key).await?.filter(|(counted, _)| counted != own) {
            return Ok(Some(Aggregated::Overlapping { payer: payer.to_owned(), counted }));
        }
    }
    Ok(None)
}

/// An export that a payer was counted from before, and that still delivers, has the payer's next month.
async fn incumbent<L: Store>(
    ledger: &L,
    statement: &Statement,
    claims: &[Found],
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    let earlier = claims.iter().filter(|found| found.period < statement.period);
    let Some(last) = earlier.max_by_key(|found| found.period) else { return Ok(()) };
    let Some((counted, _)) = holder(ledger, &last.key).await? else { return Ok(()) };
    if counted == statement.export_id || !with.counting.has_export(&counted) {
        return Ok(());
    }
    // Also of a month in which nobody has used Bedrock yet, and nothing could be claimed.
    let mut delivered_at: Option<DateTime<Utc>> = None;
    for of in committed::statements(ledger).await? {
        if of.export_id == counted && of.period >= last.period {
            let Some((state, _)) = committed::state(ledger, &of).await? else { continue };
            // The times of a copy say nothing of when it was delivered.
            let delivered = state.current().filter(|current| current.order.source != OrderSource::Arrival);
            delivered_at = delivered_at.max(delivered.map(|current| current.order.at));
        }
    }
    match delivered_at.filter(|at| now.signed_duration_since(*at) < QUIET) {
        None => Ok(()),
        Some(delivered_at) => Err(PipelineError::Incumbent {
            statement: statement.to_string(),
            payer: last.payer.clone(),
            counted,
            delivered_at,
        }),
    }
}

async fn all<L: Store>(ledger: &L) -> Result<Vec<Found>, PipelineError> {
    let listed = ledger.list(keys::CLAIM_PREFIX).await?;
    let found = |object: ObjectSummary| {
        let (payer, period) = keys::claimed(&object.key).map(|(payer, period)| (payer.to_owned(), period))?;
        Some(Found { key: object.key, payer, period, at: object.last_modified })
    };
    Ok(listed.into_iter().filter_map(found).collect())
}

/// The export that the claim at `key` is of.
async fn holder<L: Store>(ledger: &L, key: &str) -> Result<Option<(String, ETag)>, PipelineError> {
    let Some((bytes, etag)) = ledger.get(key).await? else { return Ok(None) };
    let Claim { export_id } = decode(key, &bytes)?;
    Ok(Some((export_id, etag)))
}

fn payer_of(fact: &Fact) -> &str {
    fact.key.get(FactField::PayerAccountId)
}

/// The export that the configuration chooses for a payer's month. One that has delivered nothing of it would leave the month
/// empty: until it does, nothing is chosen.
async fn chosen<'a, L: Store>(
    ledger: &L,
    with: &'a Deriver,
    payer: &str,
    period: BillingPeriod,
) -> Result<Option<&'a str>, PipelineError> {
    let Some(export_id) = with.counting.chosen(payer, period) else { return Ok(None) };
    let of = Statement { export_id: export_id.to_owned(), period };
    let listed = ledger.list(&of.deliveries_prefix()).await?;
    let is_there = listed.iter().any(|object| Statement::from_ready_key(&object.key).is_some());
    Ok((is_there && with.counting.has_export(export_id)).then_some(export_id))
}

fn is_account(payer: &str) -> bool {
    payer.len() == 12 && payer.bytes().all(|byte| byte.is_ascii_digit())
}

/// The payers among those of `rows` that `statement` is not entitled to: they, or the export, do not count, or another
/// export has claimed them or is chosen.
async fn lost<L: Store>(
    ledger: &L,
    statement: &Statement,
    rows: &[Fact],
    with: &Deriver,
) -> Result<BTreeSet<String>, PipelineError> {
    let mut lost = BTreeSet::new();
    for payer in rows.iter().map(payer_of).collect::<BTreeSet<_>>() {
        let counts = with.counting.has_export(&statement.export_id) && with.counting.has_payer(payer);
        let counted = if let Some(chosen) = chosen(ledger, with, payer, statement.period).await? {
            Some(chosen.to_owned())
        } else {
            // A claim of an export that does not count gives way.
            let holder = holder(ledger, &keys::claim_key(payer, statement.period)).await?;
            holder.map(|(export_id, _)| export_id).filter(|export_id| with.counting.has_export(export_id))
        };
        if !counts || counted.is_some_and(|counted| counted != statement.export_id) {
            lost.insert(payer.to_owned());
        }
    }
    Ok(lost)
}

/// The facts that `statement` is entitled to.
pub(crate) async fn entitled<L: Store>(
    ledger: &L,
    statement: &Statement,
    facts: Facts,
    with: &Deriver,
) -> Result<Facts, PipelineError> {
    let lost = lost(ledger, statement, &facts.rows, with).await?;
    Ok(without(facts, |payer| lost.contains(payer)))
}

/// Lets all months follow what the configuration says of who counts: claims are moved to the exports that were chosen, what
/// is not counted any more leaves its month, and what was taken out and counts again comes back. A month that cannot be read
/// keeps no other from leaving; but nothing comes back until all have left, so that nothing is counted twice.
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
        restore(ledger, statement, with, now).await?;
    }
    Ok(())
}

/// Takes what `statement` is not entitled to out of its state. Returns whether there was something.
pub(crate) async fn enforce<L: Store>(
    ledger: &L,
    statement: &Statement,
    with: &Deriver,
    now: DateTime<Utc>,
) -> Result<bool, PipelineError> {
    let Some((state, _)) = committed::state(ledger, statement).await? else { return Ok(false) };
    let lost = lost(ledger, statement, &committed::facts(statement, state)?, with).await?;
    if lost.is_empty() {
        return Ok(false);
    }
    void(ledger, statement, |payer| lost.contains(payer), now).await
}

/// Facts without those of some payers. Where nothing is left, nothing of the delivery is: it must not say up to when the
/// month is known, either.
fn without(facts: Facts, is_lost: impl Fn(&str) -> bool) -> Facts {
    let Facts { mut rows, counts, unknown_usage_rows, folded } = facts;
    let before = rows.len();
    rows.retain(|fact| !is_lost(payer_of(fact)));
    if rows.is_empty() && before > 0 {
        return Facts { rows, ..Facts::default() };
    }
    Facts { rows, counts, unknown_usage_rows, folded }
}

/// Takes the facts of some payers out of a state, by a commit that keeps the delivery: metrics, alerts and digests follow by
/// what differs. Doing it again changes nothing.
async fn void<L: Store>(
    ledger: &L,
    statement: &Statement,
    is_lost: impl Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> Result<bool, PipelineError> {
    for _ in 0..ATTEMPTS {
        let Some((state, etag)) = committed::state(ledger, statement).await? else { return Ok(false) };
        let Some(current) = state.current().cloned() else { return Ok(false) };
        let rows = committed::facts(statement, state.clone())?;
        if !rows.iter().any(|fact| is_lost(payer_of(fact))) {
            // An earlier attempt may have died before it.
            aggregate::publish_facts(ledger, statement).await?;
            return Ok(false);
        }
        let facts = Facts {
            rows,
            counts: state.counts.clone(),
            unknown_usage_rows: state.unknown_usage_rows,
            folded: state.folded,
        };
        let facts = without(facts, &is_lost);
        let with = Deriver { fingerprint: state.derivation.clone(), ..Deriver::default() };
        let delivery = as_sealed(statement, &current);
        let next = Next { kind: CommitKind::Rebuild, delivery: &delivery, facts: &facts };
        if commit::commit(ledger, statement, Some(&(state, etag)), &next, &with, now).await?.is_some() {
            aggregate::publish_facts(ledger, statement).await?;
            return Ok(true);
        }
    }
    Err(PipelineError::Contended { key: statement.state_key(), attempts: ATTEMPTS })
}

/// What a commit needs of a delivery that is committed already.
fn as_sealed(statement: &Statement, applied: &AppliedDelivery) -> SealedDelivery {
    SealedDelivery {
        export_id: statement.export_id.clone(),
        period: statement.period,
        delivery_id: applied.delivery_id.clone(),
        execution: String::new(),
        order: applied.order,
        manifest: String::new(),
        unverified: applied.unverified,
        chunks: Vec::new(),
        earlier: Vec::new(),
        replaces: Vec::new(),
    }
}

/// The payers of whom any month was ever counted.
pub async fn payers<L: Store>(ledger: &L) -> Result<BTreeSet<String>, PipelineError> {
    Ok(all(ledger).await?.into_iter().map(|found| found.payer).collect())
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
    // What was committed between the two.
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
    let Some((state, _)) = committed::state(ledger, statement).await? else { return Ok(()) };
    if state.current().is_none_or(|current| current.revision == 0) {
        return Ok(());
    }
    rebuild::rebuild(ledger, statement, with, now).await?;
    let Some((state, _)) = committed::state(ledger, statement).await? else { return Ok(()) };
    let rows = committed::facts(statement, state)?;
    for payer in rows.iter().map(payer_of).collect::<BTreeSet<_>>() {
        let key = keys::claim_key(payer, statement.period);
        if holder(ledger, &key).await?.is_none_or(|(export_id, _)| export_id != statement.export_id) {
            move_claim(ledger, payer, statement.period, &statement.export_id, now).await?;
        }
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
