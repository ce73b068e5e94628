//! Taking the facts of payers out of a period's state.

use chrono::{DateTime, Utc};
use spend_core::facts::derivation::Facts;
use spend_ledger::state::commit::{AppliedDelivery, CommitKind};
use spend_ledger::state::committed;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;
use spend_ledger::store::conditional::ATTEMPTS;

use crate::error::PipelineError;
use crate::period::claims::{payers_of, without};
use crate::period::commit::{self, Next, Outcome};
use crate::period::deriver::Deriver;
use crate::period::publish;

/// Takes the facts of some payers out of a state, by a commit that keeps the delivery: metrics, alerts and digests follow by
/// what differs. Doing it again changes nothing.
pub(crate) async fn void<L: Store>(
    ledger: &L,
    statement: &Statement,
    is_lost: impl Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> Result<bool, PipelineError> {
    for _ in 0..ATTEMPTS {
        let Some((state, etag)) = committed::state(ledger, statement).await? else { return Ok(false) };
        let Some(current) = state.current().cloned() else { return Ok(false) };
        if !payers_of(&state.facts).into_iter().any(&is_lost) {
            // An earlier attempt may have died between its commit and the facts file.
            publish::publish_facts(ledger, statement).await?;
            return Ok(false);
        }
        let before = Facts {
            rows: state.facts.clone(),
            counts: state.counts.clone(),
            unknown_usage_rows: state.unknown_usage_rows,
            folded: state.folded,
        };
        let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
        let facts = without(before, &is_lost).map_err(out_of_range)?;
        let with = Deriver { fingerprint: state.derivation.clone(), ..Deriver::default() };
        let delivery = as_sealed(statement, &current);
        let next = Next { kind: CommitKind::Rebuild, delivery: &delivery, facts };
        let outcome = commit::commit(ledger, statement, Some(&(state, etag)), next, &with, now).await?;
        if let Outcome::Applied { committed, .. } = outcome {
            publish::publish_committed(ledger, statement, &committed).await?;
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
