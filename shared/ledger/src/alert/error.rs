//! Why rules were not evaluated, or not told of.

use chrono::{DateTime, Utc};
use spend_core::errors::class::Class;
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

impl AlertError {
    /// The stable name of this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbox(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Note(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::Older { .. } => "store.older_version",
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    pub fn class(&self) -> Class {
        match self {
            Self::Outbox(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Note(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Config(error) => error.class(),
            Self::Older { .. } => Class::Wait,
            Self::Sum(_) => Class::Operator,
        }
    }
}
