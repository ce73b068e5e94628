//! What a delivery in force has that must not pass in silence, told from the history entry of its commit.

use std::collections::BTreeSet;

use spend_core::bill::bedrock_line::Rule;
use spend_core::facts::folding::Folded;
use spend_core::messages::unusual::Unusual;
use spend_ledger::state::commit::{AppliedDelivery, CommitKind};
use spend_ledger::state::history::HistoryEntry;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::Store;

use crate::error::PipelineError;
use crate::period::history;

/// What is unusual about the delivery in force: more callers than are kept apart, and what differs from the delivery that it
/// replaced. The first delivery of a month replaces none, and a rebuild is not a delivery: both differ in nothing.
///
/// # Errors
///
/// [`PipelineError`]; a history entry that is gone is [`PipelineError::NoHistory`].
pub async fn of<L: Store>(
    ledger: &L,
    statement: &Statement,
    state: &PeriodState,
) -> Result<Vec<Unusual>, PipelineError> {
    // Sessions are no reason: containers and functions bring a new name for each task.
    let folded = Folded { sessions: 0, ..state.folded };
    let mut found: Vec<_> = (!folded.is_empty()).then_some(Unusual::CallersFolded { folded }).into_iter().collect();
    let is_delivery = |commit: &&AppliedDelivery| commit.kind() == CommitKind::Delivery && commit.sequence > 1;
    let Some(current) = state.current().filter(is_delivery) else { return Ok(found) };
    found.extend(between(&history::entry(ledger, statement, current).await?, state));
    Ok(found)
}

fn between(entry: &HistoryEntry, state: &PeriodState) -> Vec<Unusual> {
    let mut found = Vec::new();
    let spent = entry.totals.iter().filter(|total| !total.before.is_zero());
    let before: Vec<_> = spent.map(|total| (total.currency.clone(), total.before)).collect();
    if state.counts.bedrock_rows == 0 {
        if !before.is_empty() {
            found.push(Unusual::SpendGone { before });
        }
    } else if state.counts.rules.iter().all(|(rule, rows, _)| rule != Rule::Principal || rows == 0) {
        // A caller whose name is gone shows as spend that moved to nothing.
        let had_spend = entry.moved.iter().filter(|moved| !moved.before.is_zero());
        let named: BTreeSet<_> = had_spend.filter_map(|moved| moved.identity.as_deref()).collect();
        let callers = named.into_iter().filter(|identity| !identity.is_empty()).count();
        if callers > 0 {
            let column_is_gone = state.counts.lacks_principal_column();
            found.push(Unusual::CallersGone { before: callers, column_is_gone });
        }
    }
    if entry.is_restated_after_close() {
        let moved = entry.totals.iter().filter(|total| total.before != total.after);
        let totals = moved.map(|total| (total.currency.clone(), total.before, total.after)).collect();
        found.push(Unusual::RestatedAfterClose { totals });
    }
    found
}
