//! Which periods of a ledger a command is about.

use std::path::Path;

use spend_core::period::BillingPeriod;
use spend_ledger::committed;
use spend_ledger::directory_store::DirectoryStore;
use spend_ledger::keys::Statement;

use crate::error::CommandError;

/// The committed statements of `period`, or of all periods; of each export one.
///
/// # Errors
///
/// [`CommandError::NothingFound`] if there is none, with what there is.
pub(crate) async fn of(
    store: &DirectoryStore,
    ledger: &Path,
    period: Option<BillingPeriod>,
) -> Result<Vec<Statement>, CommandError> {
    let statements = committed::statements(store).await?;
    let is_wanted = |statement: &&Statement| period.is_none_or(|period| statement.period == period);
    let wanted: Vec<_> = statements.iter().filter(is_wanted).cloned().collect();
    if !wanted.is_empty() {
        return Ok(wanted);
    }
    let ledger = ledger.display();
    Err(CommandError::NothingFound(if statements.is_empty() {
        format!("{ledger} holds no ledger: make one with bedrock-ledger run --export DIR --ledger {ledger}")
    } else {
        let known: Vec<_> = statements.iter().map(ToString::to_string).collect();
        format!("{ledger} has nothing of that period; it has {}", known.join(", "))
    }))
}
