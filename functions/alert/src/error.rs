//! Why the function did not finish.

use spend_aws::lambda::Failed;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_ledger::alert::AlertError;
use spend_ledger::outputs::outbox::OutboxError;

/// Why the function did not finish. Doing it again is harmless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AlertingError {
    /// Budgets were not evaluated or not told of.
    #[error("failed to alert: {0}")]
    Alert(#[from] AlertError),
    /// Operations was not told.
    #[error("failed to tell operations: {0}")]
    Operations(#[from] OutboxError),
}

impl AlertingError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Alert(error) => error.kind(),
            Self::Operations(error) => error.kind(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Alert(error) => error.class(),
            Self::Operations(error) => error.class(),
        }
    }
}

impl From<AlertingError> for Failed {
    fn from(error: AlertingError) -> Self {
        Self::new(error.kind(), error.class(), &error)
    }
}
