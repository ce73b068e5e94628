//! The facts file follows the committed state.

use bytes::Bytes;
use spend_ledger::state::committed;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::conditional::{ATTEMPTS, put_over};
use spend_ledger::store::{Put, Store};

use crate::error::PipelineError;
use crate::period::facts_file::{self, FactsOf};

/// Brings the facts file up to the committed state, and never back to an older one. The file is read before the state, and
/// written only if it is still the file that was read: so the state is at least as new as the file's. A file of a delivery
/// that the state does not know is of a state that somebody took back, and is replaced.
pub async fn publish_facts<L: Store>(ledger: &L, statement: &Statement) -> Result<(), PipelineError> {
    let key = statement.facts_key();
    for _ in 0..ATTEMPTS {
        let (published, etag) = ledger.get(&key).await?.unzip();
        let Some((state, _)) = committed::state(ledger, statement).await? else { return Ok(()) };
        let Some(current) = FactsOf::state(&state) else { return Ok(()) };
        if published.and_then(|bytes| facts_file::facts_of(&bytes)).as_ref() == Some(&current) {
            return Ok(());
        }
        let facts = facts_of(statement, &state, &current)?;
        if let Put::Written(_) = put_over(ledger, &key, facts, etag.as_ref()).await? {
            return Ok(());
        }
    }
    Err(PipelineError::Contended { key, attempts: ATTEMPTS })
}

/// The facts file of a state.
pub(crate) fn facts_of(statement: &Statement, state: &PeriodState, of: &FactsOf) -> Result<Bytes, PipelineError> {
    facts_file::write(&state.facts, of).map_err(|source| PipelineError::Facts { key: statement.facts_key(), source })
}
