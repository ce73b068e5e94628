//! What a function does about an error, by its class: the same four answers in every function.

use chrono::{DateTime, Utc};
use lambda_runtime::tracing;
use spend_core::errors::class::Class;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::store::Store;

use crate::lambda::Failed;

/// What was being done, for logs and for operations.
#[derive(Clone, Copy, Debug)]
pub struct Doing<'a> {
    /// What it concerns: one note a week and kind of error tells of it, such as `cur 2026-11`.
    pub about: &'a str,
    /// In words, such as `reading the delivery of cur 2026-11`.
    pub what: &'a str,
}

/// What is to be done again is an error; what waits or is none of our business is logged; what a person must mend is
/// noted to operations, and logged as an error. Nothing but the first is brought again.
///
/// # Errors
///
/// What is to be done again, and a note that could not be left.
pub async fn settle<S: Store, T, E: Into<Failed>>(
    ledger: &S,
    doing: Doing<'_>,
    outcome: Result<T, E>,
    now: DateTime<Utc>,
) -> Result<Option<T>, Failed> {
    let failed = match outcome {
        Ok(done) => return Ok(Some(done)),
        Err(error) => error.into(),
    };
    let Doing { about, what } = doing;
    match failed.class {
        Class::Retry => return Err(failed),
        Class::Wait => tracing::info!(kind = failed.kind, about, outcome = "waiting", "{what}: {failed}"),
        Class::Ignore => tracing::info!(kind = failed.kind, about, outcome = "ignored", "{what}: {failed}"),
        Class::Operator => {
            tracing::error!(kind = failed.kind, about, outcome = "told", "{what}: {failed}");
            let note = Note::of_error(failed.kind, about, what, &failed.to_string(), now);
            let left = operations::leave(ledger, &note, now).await;
            left?;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use spend_ledger::state::keys::NOTES_PREFIX;
    use spend_ledger::store::StoreError;
    use spend_ledger::store::faulty::{Fault, FaultyStore};
    use spend_ledger::store::memory::MemoryStore;

    use super::*;

    const DOING: Doing<'static> = Doing { about: "cur 2026-11", what: "reading the delivery of cur 2026-11" };

    async fn settled<S: Store>(ledger: &S, class: Class) -> Result<Option<()>, Failed> {
        let error = StoreError::NotFound { key: "x".to_owned() };
        let now = "2026-11-20T06:00:00Z".parse().unwrap();
        settle(ledger, DOING, Err(Failed::new("test", class, &error)), now).await
    }

    #[tokio::test]
    async fn only_what_may_succeed_is_brought_again_and_only_what_a_person_must_mend_is_told() {
        for (class, comes_again, notes) in
            [(Class::Retry, true, 0), (Class::Wait, false, 0), (Class::Ignore, false, 0), (Class::Operator, false, 1)]
        {
            let ledger = MemoryStore::default();
            for _ in 0..2 {
                assert_eq!(settled(&ledger, class).await.is_err(), comes_again, "{class}");
            }
            assert_eq!(ledger.list(NOTES_PREFIX).await.unwrap().len(), notes, "{class}");
        }
    }

    #[tokio::test]
    async fn what_nobody_could_be_told_of_comes_again() {
        let memory = MemoryStore::default();
        let ledger = FaultyStore::crashing(&memory, 1, Fault::Before);
        assert_eq!(settled(&ledger, Class::Operator).await.unwrap_err().kind, "store.unavailable");
    }
}
