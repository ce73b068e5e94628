//! Why there is no digest.

use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::money::decimal::SumOutOfRange;

use crate::outputs::outbox::OutboxError;
use crate::state::committed::CommittedError;
use crate::state::document::DocumentError;

/// Why there is no digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// The state could not be changed, or messages were not sent.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What deliveries have changed could not be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// A document could not be read, or the event not be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A sum is too large to be money.
    #[error("failed to sum up the digest: {0}")]
    Sum(#[from] SumOutOfRange),
}

impl Fault for DigestError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Outbox(error) => Says::As(error),
            Self::Committed(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
            Self::Sum(_) => Says::Itself("bug.sum_out_of_range", Class::Operator),
        }
    }
}
