//! Reading a ledger on disk.

use spend_core::fact::Fact;
use spend_core::period::BillingPeriod;
use spend_ledger::document::decode_compressed;
use spend_ledger::keys::{STATE_PREFIX, Statement};
use spend_ledger::state::PeriodState;
use spend_ledger::store::Store;

use crate::error::CommandError;

/// The committed states of a ledger, narrowed to a period and an export where these are given, sorted.
///
/// # Errors
///
/// [`CommandError`].
pub async fn states<S: Store>(
    store: &S,
    period: Option<BillingPeriod>,
    export_id: Option<&str>,
) -> Result<Vec<(Statement, PeriodState)>, CommandError> {
    let mut states = Vec::new();
    for object in store.list(STATE_PREFIX).await? {
        let Some(statement) = Statement::from_state_key(&object.key) else { continue };
        let wanted = period.is_none_or(|period| statement.period == period)
            && export_id.is_none_or(|export_id| statement.export_id == export_id);
        if !wanted {
            continue;
        }
        if let Some((bytes, _)) = store.get(&object.key).await? {
            states.push((statement, decode_compressed(&object.key, &bytes)?));
        }
    }
    states.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(states)
}

/// The facts of a committed state.
///
/// # Errors
///
/// [`CommandError`] if the stored table is damaged.
pub fn facts(statement: &Statement, state: PeriodState) -> Result<Vec<Fact>, CommandError> {
    let damaged = |source| CommandError::Damaged { key: statement.state_key(), source };
    state.facts.into_facts().map_err(damaged)
}
