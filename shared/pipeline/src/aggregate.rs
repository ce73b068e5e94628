//! The step aggregate: a ready delivery replaces its billing period's state, in one commit.
//!
//! Before the commit it writes what the delivery moves; after it, the facts file follows. A crash at any point leaves
//! either the old state or the new one, and doing the step again finishes what is missing.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::derivation::{Derivation, Facts};
use spend_ledger::config::{Config, Counting};
use spend_ledger::forgotten;
use spend_ledger::state::commit::{AppliedDelivery, CommitKind};
use spend_ledger::state::committed;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::{Put, Store, StoreError};

use crate::commit::{self, Next};
use crate::error::PipelineError;
use crate::facts_file::{self, FactsOf};
use crate::{claims, ingest};

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
    /// Which exports and payers count.
    pub counting: Counting,
    /// Whether deliveries come by themselves, from whoever may write to the export's bucket: then a month that has not
    /// begun is not counted, and a new month belongs to the export that its payer was counted from before. Where somebody
    /// names the files they are taken as they are.
    pub is_deployment: bool,
}

impl Deriver {
    /// What a deployment derives with: what the configuration counts, within what its stack does.
    pub fn of_deployment(config: &Config, bound: &Counting) -> Self {
        Self { counting: config.counting.clone().within(bound), is_deployment: true, ..Self::from(config) }
    }
}

impl From<&Config> for Deriver {
    fn from(config: &Config) -> Self {
        Self {
            derivation: config.derivation(),
            fingerprint: config.derivation_fingerprint(),
            kept_tags: config.kept_tags(),
            counting: config.counting.clone(),
            is_deployment: false,
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
    /// The configuration does not count it. Nothing changed, and nothing is claimed.
    NotCounted {
        /// The payer that is not counted; none if the export is not.
        payer: Option<String>,
    },
}

impl Aggregated {
    /// The name in logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Known => "known",
            Self::Older { .. } => "older",
            Self::Overlapping { .. } => "overlapping",
            Self::NotCounted { .. } => "not_counted",
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
            Self::NotCounted { payer: None } => {
                formatter.write_str("not counted: count of [export] in the configuration does not name the export")
            }
            Self::NotCounted { payer: Some(payer) } if payer.is_empty() => formatter
                .write_str("not counted: rows name no payer, and payers of [export] in the configuration names some"),
            Self::NotCounted { payer: Some(payer) } => {
                write!(formatter, "not counted: payers of [export] in the configuration does not name payer {payer}")
            }
        }
    }
}

/// How long before its first day a period may be delivered: clocks and time zones are apart, months are not.
const EARLY: TimeDelta = TimeDelta::days(1);

/// Whether a month has begun, or is about to: nobody is billed for one that has not.
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
    if !with.counting.has_export(&statement.export_id) {
        return Ok(Aggregated::NotCounted { payer: None });
    }
    if with.is_deployment && !has_begun(statement.period, now) {
        return Err(PipelineError::NotBegun { statement: statement.to_string(), begins: statement.period.start() });
    }
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
        if let Some(not_counted) = claims::claim(ledger, statement, &facts, with, now).await? {
            return Ok(not_counted);
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

/// Brings the facts file up to the committed state. It never goes back: the file is read before the state and written
/// if it is still the one that was read, so that the state is at least as new as the one that the file is of. A file
/// of which the state knows nothing is of a state that somebody took back.
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
