//! Why something was not published.

use spend_core::errors::class::Class;
use spend_core::money::decimal::SumOutOfRange;

use crate::config::in_force::InForceError;
use crate::metrics::timing::ATTEMPTS;
use crate::outputs::PublishError;
use crate::state::committed::CommittedError;
use crate::state::document::DocumentError;
use crate::store::StoreError;

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something committed cannot be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// What was put before cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// There is no configuration to go by.
    #[error(transparent)]
    Config(#[from] InForceError),
    /// The metrics were not taken, or not for certain.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A sum is too large to be money.
    #[error(transparent)]
    Sum(#[from] SumOutOfRange),
    /// Others kept changing the same object.
    #[error("{key} was changed by others each of {ATTEMPTS} times that it was to be written: the next run goes on")]
    Contended {
        /// The object.
        key: String,
    },
}

impl MetricsError {
    /// A stable name for logs, alarms and tests.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Sum(_) => "export.out_of_range",
            Self::Contended { .. } => "store.conflict",
        }
    }

    /// How it is to be handled.
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Config(error) => error.class(),
            Self::Publish(error) => error.class(),
            Self::Sum(_) => Class::Operator,
            Self::Contended { .. } => Class::Retry,
        }
    }
}
