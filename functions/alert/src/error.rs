//! Why the function did not finish.

use spend_core::errors::fault::{Fault, Says};
use spend_ledger::alert::AlertError;
use spend_ledger::outputs::outbox::OutboxError;
use spend_ledger::outputs::subscriptions::SubscriptionsError;

/// Why the function did not finish. Doing it again is harmless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AlertingError {
    #[error("failed to alert: {0}")]
    Alert(#[from] AlertError),
    #[error("failed to tell operations: {0}")]
    Operations(#[from] OutboxError),
    #[error("failed to see who is subscribed: {0}")]
    Subscriptions(#[from] SubscriptionsError),
}

impl Fault for AlertingError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Alert(error) => Says::As(error),
            Self::Operations(error) => Says::As(error),
            Self::Subscriptions(error) => Says::As(error),
        }
    }
}
