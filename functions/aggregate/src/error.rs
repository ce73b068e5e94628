//! Why the function did not finish.

use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_ledger::config::in_force::InForceError;
use spend_ledger::metrics::{MetricsError, Withheld};
use spend_pipeline::error::PipelineError;

/// Why the function did not finish. Doing it again is harmless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AggregateError {
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("failed to put metrics: {0}")]
    Metrics(#[from] MetricsError),
    /// The metric `Spend` was not put, because it would be wrong.
    #[error("{0}")]
    Withheld(Withheld),
    #[error(transparent)]
    Config(#[from] InForceError),
}

impl Fault for AggregateError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Pipeline(error) => Says::As(error),
            Self::Metrics(error) => Says::As(error),
            Self::Withheld(_) => Says::Itself("metrics.withheld", Class::Operator),
            Self::Config(error) => Says::As(error),
        }
    }
}
