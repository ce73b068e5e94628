//! Why the function did not finish.

use spend_core::errors::fault::{Fault, Says};
use spend_ledger::alert::AlertError;
use spend_ledger::outputs::outbox::OutboxError;

/// Why the function did not finish. Doing it again is harmless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AlertingError {
    #[error("failed to alert: {0}")]
    Alert(#[from] AlertError),
    #[error("failed to tell operations: {0}")]
    Operations(#[from] OutboxError),
}

impl Fault for AlertingError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Alert(error) => Says::As(error),
            Self::Operations(error) => Says::As(error),
        }
    }
}
