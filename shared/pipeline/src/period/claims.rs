//! Claims: from which export a payer's month is counted. One bill is counted once.
//!
//! The first export that delivers a month of a payer claims it, by an object of its own, put if absent. A claim proves
//! nothing: anybody who may write to the export's bucket can claim. So
//!
//! - on AWS a month that has not begun is not claimed, and a new month belongs to the export that the payer was counted
//!   from before, as long as that one delivers;
//! - the configuration says which exports and payers count, and may choose the export of a month; a claim that is moved
//!   takes the other's facts out of the month, by a commit like that of a rebuild.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::derivation::Facts;
use spend_core::facts::fact::{FactField, FactTable};
use spend_core::money::decimal::SumOutOfRange;
use spend_ledger::state::claim::Claim;
use spend_ledger::state::document::decode;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{ETag, ObjectSummary, Store};

use crate::error::PipelineError;
use crate::period::deriver::Deriver;

/// How long an export must have delivered nothing before it counts as quiet: AWS delivers at least daily.
pub(crate) const QUIET: TimeDelta = TimeDelta::hours(48);

/// A claim that was found.
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) payer: String,
    pub(crate) period: BillingPeriod,
    pub(crate) at: DateTime<Utc>,
}

pub(crate) async fn all<L: Store>(ledger: &L) -> Result<Vec<Found>, PipelineError> {
    let listed = ledger.list(keys::CLAIM_PREFIX).await?;
    let found = |object: ObjectSummary| {
        let (payer, period) = keys::claimed(&object.key).map(|(payer, period)| (payer.to_owned(), period))?;
        Some(Found { key: object.key, payer, period, at: object.last_modified })
    };
    Ok(listed.into_iter().filter_map(found).collect())
}

/// The export that the claim at `key` is of.
pub(crate) async fn holder<L: Store>(ledger: &L, key: &str) -> Result<Option<(String, ETag)>, PipelineError> {
    let Some((bytes, etag)) = ledger.get(key).await? else { return Ok(None) };
    let Claim { export_id } = decode(key, &bytes)?;
    Ok(Some((export_id, etag)))
}

/// Who pays for facts.
pub(crate) fn payers_of(facts: &FactTable) -> BTreeSet<&str> {
    let column = facts.texts(FactField::PayerAccountId);
    column.into_iter().flat_map(|column| &column.values).map(|payer| &**payer).collect()
}

/// The export that the configuration chooses for a payer's month, once it has a ready delivery of the month: before that,
/// choosing it would leave the month empty.
pub(crate) async fn chosen<'a, L: Store>(
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

/// The payers among those of `rows` that `statement` is not entitled to: they, or the export, do not count, or another
/// export has claimed them or is chosen.
pub(crate) async fn lost<L: Store>(
    ledger: &L,
    statement: &Statement,
    rows: &FactTable,
    with: &Deriver,
) -> Result<BTreeSet<String>, PipelineError> {
    let mut lost = BTreeSet::new();
    for payer in payers_of(rows) {
        let counts = with.counting.has_export(&statement.export_id) && with.counting.has_payer(payer);
        let counted = if let Some(chosen) = chosen(ledger, with, payer, statement.period).await? {
            Some(chosen.to_owned())
        } else {
            // A claim of an export that does not count holds nothing.
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
    without(facts, |payer| lost.contains(payer))
        .map_err(|source| PipelineError::Sum { statement: statement.to_string(), source })
}

/// Facts without those of some payers. Without any fact left, counts go too: they would say up to when the month is known.
pub(crate) fn without(facts: Facts, is_lost: impl Fn(&str) -> bool) -> Result<Facts, SumOutOfRange> {
    if !payers_of(&facts.rows).into_iter().any(&is_lost) {
        return Ok(facts);
    }
    let rows = facts.rows.only(|fact| !is_lost(fact.get(FactField::PayerAccountId)))?;
    Ok(if rows.is_empty() { Facts::default() } else { Facts { rows, ..facts } })
}

/// The payers of whom any month was ever counted.
pub async fn payers<L: Store>(ledger: &L) -> Result<BTreeSet<String>, PipelineError> {
    Ok(all(ledger).await?.into_iter().map(|found| found.payer).collect())
}

#[cfg(test)]
mod tests;
