//! Why rules were not evaluated, or not told of.

use chrono::{DateTime, Utc};
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::money::decimal::SumOutOfRange;

use crate::config::in_force::InForceError;
use crate::outputs::operations::NoteError;
use crate::outputs::outbox::OutboxError;
use crate::state::committed::CommittedError;
use crate::state::document::DocumentError;
use crate::store::StoreError;

/// Why rules were not evaluated, or not told of.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The state could not be changed, or messages were not sent.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// An event cannot be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The history could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Operations was not left a note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The committed periods cannot be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// There is no configuration to go by.
    #[error(transparent)]
    Config(#[from] InForceError),
    /// What there is is older than what was evaluated before.
    #[error(
        "nothing was evaluated: {key} {what}. Somebody has put back an earlier version of it, or it is lost: put back the \
         newest. What comes next mends it too, a delivery or a configuration; if nothing does, alerts go by what is \
         there from {until} on, and may tell again what they have told"
    )]
    Older {
        /// The object.
        key: String,
        /// What it has, and what it had.
        what: String,
        /// Until when is waited.
        until: DateTime<Utc>,
    },
    /// A sum is too large to be money.
    #[error("failed to evaluate the rules: {0}")]
    Sum(#[from] SumOutOfRange),
}

impl Fault for AlertError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Outbox(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
            Self::Store(error) => Says::As(error),
            Self::Note(error) => Says::As(error),
            Self::Committed(error) => Says::As(error),
            Self::Config(error) => Says::As(error),
            Self::Older { .. } => Says::Itself("store.older_version", Class::Wait),
            Self::Sum(_) => Says::Itself("bug.sum_out_of_range", Class::Operator),
        }
    }
}
