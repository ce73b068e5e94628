//! Why there is no digest.

use spend_core::errors::class::Class;
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

impl DigestError {
    /// The stable name of this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbox(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    pub fn class(&self) -> Class {
        match self {
            Self::Outbox(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Sum(_) => Class::Operator,
        }
    }
}
