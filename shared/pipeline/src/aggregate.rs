//! The step aggregate: a ready delivery replaces its billing period's state, in one commit.
//!
//! Before the commit it writes what the delivery moves; after it, the facts file follows. A crash at any point leaves
//! either the old state or the new one, and doing the step again finishes what is missing.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use spend_core::fact::{Derivation, FactField, Facts};
use spend_core::line::KeptTags;
use spend_ledger::committed;
use spend_ledger::config::Config;
use spend_ledger::document::{decode, encode};
use spend_ledger::forgotten;
use spend_ledger::keys::{self, Statement};
use spend_ledger::state::{AppliedDelivery, Claim, CommitKind, PeriodState, SealedDelivery};
use spend_ledger::store::{Put, Store, StoreError};

use crate::commit::{self, Next};
use crate::error::PipelineError;
use crate::facts_file::{self, FactsOf};
use crate::ingest;

/// How often a lost race is run again before giving up.
pub(crate) const ATTEMPTS: usize = 16;

/// What facts are derived with.
#[derive(Clone, Debug, Default)]
pub struct Deriver {
    /// How.
    pub derivation: Derivation,
    /// The same as a text, so that a change of configuration shows.
    pub fingerprint: String,
    /// The tags that the reductions keep.
    pub kept_tags: KeptTags,
}

impl From<&Config> for Deriver {
    fn from(config: &Config) -> Self {
        Self {
            derivation: config.derivation(),
            fingerprint: config.derivation_fingerprint(),
            kept_tags: config.kept_tags(),
        }
    }
}

/// What became of a ready delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregated {
    /// It is the period's state now, as commit number `sequence`.
    Applied {
        /// Which commit of the period it is.
        sequence: u64,
    },
    /// It was applied before, and is in force or was replaced since. Nothing changed.
    Known,
    /// A newer delivery is in force. Nothing changed.
    Older {
        /// The delivery in force.
        in_force: String,
    },
    /// Another export is counted for the same payer and period, so that nothing is counted twice. Nothing changed.
    Overlapping {
        /// The payer; empty if one of the two exports does not name its payer.
        payer: String,
        /// The export that is counted.
        counted: String,
    },
}

impl Aggregated {
    /// The name in logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Known => "known",
            Self::Older { .. } => "older",
            Self::Overlapping { .. } => "overlapping",
        }
    }
}

/// What happened, in words.
impl fmt::Display for Aggregated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { sequence } => write!(formatter, "applied as commit {sequence} of its period"),
            Self::Known => formatter.write_str("already known, nothing to do"),
            Self::Older { in_force } => write!(formatter, "older than {in_force}, which stays in force"),
            Self::Overlapping { payer, counted } => {
                let payer = if payer.is_empty() { "that may be this one" } else { payer };
                write!(formatter, "not counted: export {counted} already covers payer {payer} in this period")
            }
        }
    }
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
    let not_ready = || StoreError::NotFound { key: statement.ready_key(delivery_id) };
    let delivery = ingest::ready(ledger, statement, delivery_id).await?.ok_or_else(not_ready)?;
    let mut facts_of_lost_race: Option<Facts> = None;
    for _ in 0..ATTEMPTS {
        let committed = committed::state(ledger, statement).await?;
        let outcome = match &committed {
            Some((state, _)) => standing(ledger, statement, state, &delivery).await?,
            None => None,
        };
        if let Some(outcome) = outcome {
            publish_facts(ledger, statement).await?;
            return Ok(outcome);
        }
        let facts = match facts_of_lost_race.take() {
            Some(facts) => facts,
            None => derive(ledger, statement, &delivery, with).await?,
        };
        if let Some(overlap) = claim(ledger, statement, &facts).await? {
            return Ok(overlap);
        }
        let next = Next { kind: CommitKind::Delivery, delivery: &delivery, facts: &facts };
        if let Some(applied) = commit::commit(ledger, statement, committed.as_ref(), &next, with, now).await? {
            publish_facts(ledger, statement).await?;
            return Ok(Aggregated::Applied { sequence: applied.sequence });
        }
        facts_of_lost_race = Some(facts);
    }
    Err(PipelineError::Contended { key: statement.state_key(), attempts: ATTEMPTS })
}

/// Why the delivery is not to be applied, if so. It is asked of all that were: one whose time says nothing may be in
/// force, and a delivery that is older than any other is none the newer for it. So is one that was sealed of the same
/// manifest as another, before that one.
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

/// The facts of a delivery, from its reductions.
pub(crate) async fn derive<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery: &SealedDelivery,
    with: &Deriver,
) -> Result<Facts, PipelineError> {
    let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
    let (forgotten, _) = forgotten::read::<_, PipelineError>(ledger).await?;
    let mut reductions = Vec::new();
    for chunk in &delivery.chunks {
        let mut reduction = ingest::load_reduction(ledger, statement, chunk, &with.kept_tags).await?;
        // One that was being made when somebody was forgotten has the name.
        reduction.lines = forgotten.lines(reduction.lines).map_err(out_of_range)?;
        reductions.push(reduction);
    }
    let derived = with.derivation.derive(&reductions);
    derived.map_err(out_of_range)
}

/// Claims the period for each payer in the facts; an export that comes second is named, not counted, and claims
/// nothing. A crash after the claim leaves it to the same export, which commits when the step is done again.
///
/// Rows that do not name their payer may be of any: an export with such rows is counted where no other is, and alone.
async fn claim<L: Store>(
    ledger: &L,
    statement: &Statement,
    facts: &Facts,
) -> Result<Option<Aggregated>, PipelineError> {
    let payers: BTreeSet<&str> = facts.rows.iter().map(|fact| fact.key.get(FactField::PayerAccountId)).collect();
    let claim = Claim { export_id: statement.export_id.clone() };
    for object in ledger.list(keys::CLAIM_PREFIX).await? {
        let Some((payer, period)) = keys::claimed(&object.key) else { continue };
        let overlaps = payers.contains(payer) || (payer.is_empty() && !payers.is_empty()) || payers.contains("");
        if period != statement.period || !overlaps {
            continue;
        }
        if let Some(counted) = claimant(ledger, &object.key).await?.filter(|counted| *counted != claim.export_id) {
            let payer = if payers.contains(payer) { payer.to_owned() } else { String::new() };
            return Ok(Some(Aggregated::Overlapping { payer, counted }));
        }
    }
    for payer in payers {
        let key = keys::claim_key(payer, statement.period);
        if let Put::Written(_) = ledger.put_if_absent(&key, encode(&claim)?).await? {
            continue;
        }
        if let Some(counted) = claimant(ledger, &key).await?.filter(|counted| *counted != claim.export_id) {
            return Ok(Some(Aggregated::Overlapping { payer: payer.to_owned(), counted }));
        }
    }
    Ok(None)
}

/// The export that the claim at `key` is of.
async fn claimant<L: Store>(ledger: &L, key: &str) -> Result<Option<String>, PipelineError> {
    let Some((bytes, _)) = ledger.get(key).await? else { return Ok(None) };
    let Claim { export_id } = decode(key, &bytes)?;
    Ok(Some(export_id))
}

/// Brings the facts file up to the committed state. It never goes back: the file is read before the state and written
/// if it is still the one that was read, so that the state is at least as new as the one that the file is of. A file
/// of which the state knows nothing is of a state that somebody took back.
///
/// # Errors
///
/// [`PipelineError`].
pub async fn publish_facts<L: Store>(ledger: &L, statement: &Statement) -> Result<(), PipelineError> {
    let key = statement.facts_key();
    for _ in 0..ATTEMPTS {
        let published = ledger.get(&key).await?;
        let Some((state, _)) = committed::state(ledger, statement).await? else { return Ok(()) };
        let Some(current) = FactsOf::state(&state) else { return Ok(()) };
        let put = match published {
            None => ledger.put_if_absent(&key, facts_of(statement, state, &current)?).await?,
            Some((bytes, _)) if facts_file::facts_of(&bytes).as_ref() == Some(&current) => return Ok(()),
            Some((_, etag)) => ledger.put_if_match(&key, facts_of(statement, state, &current)?, &etag).await?,
        };
        if let Put::Written(_) = put {
            return Ok(());
        }
    }
    Err(PipelineError::Contended { key, attempts: ATTEMPTS })
}

/// The facts file of a state.
pub(crate) fn facts_of(statement: &Statement, state: PeriodState, of: &FactsOf) -> Result<Bytes, PipelineError> {
    let facts =
        state.facts.into_facts().map_err(|source| PipelineError::Columns { key: statement.state_key(), source })?;
    facts_file::write(&facts, of).map_err(|source| PipelineError::Facts { key: statement.facts_key(), source })
}
