//! Why something was not published, and what is known of its effect.

use std::borrow::Cow;

use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};

/// Why something was not published or could not be read back, and what is known of its effect.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It may have been published: a timeout, a lost connection, a server's error.
    #[error("it is not known whether {what} was published: {source}; the next run decides by what the ledger says")]
    InDoubt {
        /// What was being published.
        what: String,
        /// Why that is not known.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was not published, and would not be if it were tried again.
    #[error("{what} was refused: {reason}; nothing was published")]
    Refused {
        /// What was being published.
        what: String,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// It was not published, and may be if it is tried again.
    #[error("{what} was not published: {source}")]
    NotSent {
        /// What was being published.
        what: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was published could not be read back.
    #[error("failed to read back {what}: {source}")]
    NotRead {
        /// What was being read.
        what: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Fault for PublishError {
    // What is in doubt is never blindly repeated: the caller's state settles it.
    fn says(&self) -> Says<'_> {
        match self {
            Self::InDoubt { .. } => Says::Itself("publish.in_doubt", Class::Wait),
            Self::Refused { .. } => Says::Itself("publish.refused", Class::Operator),
            Self::NotSent { .. } => Says::Itself("publish.not_sent", Class::Retry),
            Self::NotRead { .. } => Says::Itself("publish.not_read", Class::Retry),
        }
    }
}
