//! Notes to operations about what must not pass in silence of a delivery.

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::messages::unusual::Unusual;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::state::committed;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;

use crate::error::PipelineError;
use crate::period::aggregated::Aggregated;
use crate::period::unusual;

/// Tells operations what is unusual about a delivery that is in force, once for each delivery, or once for the month
/// where every delivery of it says the same. Spend of the current
/// month that is gone has an alarm of its own.
///
/// # Errors
///
/// [`PipelineError`]; telling it again is harmless, and after a crash it is told when the delivery is met again.
pub async fn unusual<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery_id: &str,
    outcome: &Aggregated,
    now: DateTime<Utc>,
) -> Result<(), PipelineError> {
    if !matches!(outcome, Aggregated::Applied { .. } | Aggregated::Known) {
        return Ok(());
    }
    let Some(state) = committed::head(ledger, statement).await? else { return Ok(()) };
    if state.current().is_none_or(|current| current.delivery_id != delivery_id) {
        return Ok(());
    }
    let Statement { export_id, period } = statement;
    let is_current = *period == BillingPeriod::of(now.date_naive());
    for found in unusual::of(ledger, statement, &state).await? {
        if is_current && matches!(found, Unusual::SpendGone { .. }) {
            continue;
        }
        let mut id = format!("{}:{statement}", found.name());
        if !found.is_of_the_month() {
            id = format!("{id}:{delivery_id}");
        }
        let note = Note { id, text: found.text(export_id, *period) };
        operations::leave(ledger, &note, now).await?;
    }
    Ok(())
}
