//! Why something was not published.

use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::money::decimal::SumOutOfRange;

use crate::config::in_force::InForceError;
use crate::outputs::PublishError;
use crate::state::committed::CommittedError;
use crate::state::document::DocumentError;
use crate::store::StoreError;
use crate::store::conditional::ATTEMPTS;

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

impl Fault for MetricsError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Store(error) => Says::As(error),
            Self::Committed(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
            Self::Config(error) => Says::As(error),
            Self::Publish(error) => Says::As(error),
            Self::Sum(_) => Says::Itself("export.out_of_range", Class::Operator),
            Self::Contended { .. } => Says::Itself("store.conflict", Class::Retry),
        }
    }
}
