//! Why the function did not finish.

use spend_aws::lambda::Failed;
use spend_core::error_class::Class;
use spend_ledger::alert::AlertError;
use spend_ledger::committed::CommittedError;
use spend_ledger::in_force::InForceError;
use spend_ledger::outbox::OutboxError;

/// Why the function did not finish. Doing it again is harmless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AlertingError {
    /// Budgets were not evaluated or not told of.
    #[error("failed to alert: {0}")]
    Alert(#[from] AlertError),
    /// Operations was not told.
    #[error("failed to tell operations: {0}")]
    Operations(#[from] OutboxError),
    /// The committed periods cannot be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// There is no configuration to go by.
    #[error(transparent)]
    Config(#[from] InForceError),
}

impl AlertingError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Alert(error) => error.kind(),
            Self::Operations(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Config(error) => error.kind(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Alert(error) => error.class(),
            Self::Operations(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Config(error) => error.class(),
        }
    }
}

impl From<AlertingError> for Failed {
    fn from(error: AlertingError) -> Self {
        Self::new(error.kind(), error.class(), &error)
    }
}
