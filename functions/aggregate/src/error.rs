//! Why the function did not finish.

use spend_aws::lambda::Failed;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_ledger::config::in_force::InForceError;
use spend_ledger::metrics::{MetricsError, Withheld};
use spend_pipeline::error::PipelineError;

/// Why the function did not finish. Doing it again is harmless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AggregateError {
    /// A delivery was not added up.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The metrics were not put.
    #[error("failed to put metrics: {0}")]
    Metrics(#[from] MetricsError),
    /// The metric `Spend` was not put, because it would be wrong.
    #[error("{0}")]
    Withheld(Withheld),
    /// There is no configuration to go by.
    #[error(transparent)]
    Config(#[from] InForceError),
}

impl AggregateError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Pipeline(error) => error.kind(),
            Self::Metrics(error) => error.kind(),
            Self::Withheld(_) => "metrics.withheld",
            Self::Config(error) => error.kind(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Pipeline(error) => error.class(),
            Self::Metrics(error) => error.class(),
            Self::Withheld(_) => Class::Operator,
            Self::Config(error) => error.class(),
        }
    }
}

impl From<AggregateError> for Failed {
    fn from(error: AggregateError) -> Self {
        Self::new(error.kind(), error.class(), &error)
    }
}
