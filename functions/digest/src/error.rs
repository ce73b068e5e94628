//! Why the function did not finish.

use spend_core::errors::fault::{Fault, Says};
use spend_ledger::chargeback::ChargebackError;
use spend_ledger::config::in_force::InForceError;
use spend_ledger::digest::DigestError;
use spend_ledger::state::committed::CommittedError;

/// Why the function did not finish. Doing it again is harmless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TellingError {
    #[error("failed to send the digest: {0}")]
    Digest(#[from] DigestError),
    #[error("failed to write the page: {0}")]
    Page(#[source] DigestError),
    #[error("failed to write the chargeback files: {0}")]
    Chargeback(#[source] ChargebackError),
    #[error(transparent)]
    Committed(#[from] CommittedError),
    #[error(transparent)]
    Config(#[from] InForceError),
}

impl Fault for TellingError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Digest(error) | Self::Page(error) => Says::As(error),
            Self::Chargeback(error) => Says::As(error),
            Self::Committed(error) => Says::As(error),
            Self::Config(error) => Says::As(error),
        }
    }
}
