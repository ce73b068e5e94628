//! Claiming the month of a payer for an export, before its first commit.

use chrono::{DateTime, TimeDelta, Utc};
use spend_core::facts::derivation::Facts;
use spend_core::messages::operations::claims::NewPayer;
use spend_core::text::shorten;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::state::claim::Claim;
use spend_ledger::state::commit::OrderSource;
use spend_ledger::state::committed;
use spend_ledger::state::document::encode;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{Put, Store};

use crate::error::PipelineError;
use crate::period::aggregated::Aggregated;
use crate::period::claims::{Found, QUIET, all, holder, payers_of};
use crate::period::deriver::Deriver;
use crate::period::void::void;

/// How long all payers are new to a ledger: what the bucket held at deployment is told of by the first message.
const NEW_LEDGER: TimeDelta = TimeDelta::days(1);

/// How much of what is no payer is told.
const PAYER: usize = 40;

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
    let payers = payers_of(&facts.rows);
    // The payer becomes part of a key: what is not an account id is refused before anything is written.
    if let Some(payer) = payers.iter().find(|payer| !payer.is_empty() && !is_account(payer)) {
        return Err(PipelineError::Payer { statement: statement.to_string(), payer: shorten(payer, PAYER) });
    }
    if let Some(payer) = payers.iter().find(|payer| !with.counting.has_payer(payer)) {
        return Ok(Some(Aggregated::NotCounted { payer: Some((*payer).to_owned()) }));
    }
    let mut chosen = None;
    for payer in &payers {
        chosen = chosen
            .or(crate::period::claims::chosen(ledger, with, payer, period).await?.map(|export_id| (*payer, export_id)));
    }
    if let Some((payer, counted)) = chosen.filter(|(_, counted)| *counted != own) {
        return Ok(Some(Aggregated::Overlapping { payer: payer.to_owned(), counted: counted.to_owned() }));
    }
    // Rows without a payer may be of any payer, so they overlap with every claim.
    let overlaps =
        |payer: &str| payers.contains(payer) || (payer.is_empty() && !payers.is_empty()) || payers.contains("");
    let (claims, others): (Vec<_>, Vec<_>) = all(ledger).await?.into_iter().partition(|found| overlaps(&found.payer));
    let (mut is_ours, mut moved) = (false, Vec::new());
    for found in claims.iter().filter(|found| found.period == period) {
        let Some((counted, etag)) = holder(ledger, &found.key).await? else { continue };
        // A claim without a payer gives way if any payer of this delivery was given to this export.
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
    // The loser's facts leave the month before the claim moves. A crash between the two leaves the month too small for a
    // while, and never counts it twice.
    for (found, counted, etag) in moved {
        let loser = Statement { export_id: counted, period };
        void(ledger, &loser, overlaps, now).await?;
        if let Put::Lost = ledger.put_if_match(&found.key, encode(&claim)?, &etag).await? {
            return Err(PipelineError::Contended { key: found.key.clone(), attempts: 1 });
        }
    }
    for payer in payers {
        // Operations is told of a payer that was never counted before, except on the ledger's first day.
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

/// An export that a payer was counted from before, and that still delivers, has the payer's next month; unless the
/// configuration says that it is retired.
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
    let is_out = !with.counting.has_export(&counted) || with.counting.is_retired(&counted);
    if counted == statement.export_id || is_out {
        return Ok(());
    }
    // A delivery of a month without any Bedrock row claims nothing, but shows that the export still delivers.
    let mut delivered_at: Option<DateTime<Utc>> = None;
    for of in committed::statements(ledger).await? {
        if of.export_id == counted && of.period >= last.period {
            let Some(state) = committed::head(ledger, &of).await? else { continue };
            // The times of copied files do not say when they were delivered.
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

fn is_account(payer: &str) -> bool {
    payer.len() == 12 && payer.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
