//! What happens next.

use crate::history::configuration::Configuration;
use crate::history::delivery::Delivery;
use crate::history::trouble::{At, Trouble};

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes.
    Pass { minutes: u32 },
    /// The owner writes `config/ledger.toml`.
    Configure(Configuration),
    /// Releases before this one have written what the ledger holds: about so many of a hundred objects.
    Upgrade { percent: u8 },
    /// Some are at work at once, in turns.
    Round(Round),
}

/// Some who are at work at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Decides whose turn it is.
    pub pace: u64,
    pub actors: Vec<Actor>,
}

/// Somebody who is at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub does: Does,
    /// How many seconds its clock is ahead.
    pub clock: i16,
    /// After how many of its calls its time is over, if that is not long.
    pub hurried: Option<u16>,
    /// What goes wrong with which of its calls, from 1.
    pub troubles: Vec<(At, Trouble)>,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// AWS writes a delivery.
    Deliver(Delivery),
    /// A function takes so many of the events that wait in its queue.
    Take(Function, u8),
    /// A function's schedule strikes.
    Sweep(Function),
    /// The schedule of the digest strikes.
    Digest,
    /// The owner lets the ledger forget a person, while nobody else is at work: [`PERSON`](crate::history::bill::PERSON).
    /// Whatever fails or dies is done again at once.
    Forget,
}

/// One of the four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    Ingest,
    Aggregate,
    Alert,
    Digest,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Aggregate, Self::Alert, Self::Digest];

    /// After how many seconds the platform kills it: `Timeout` in `infra/template.yaml`.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Ingest => 600,
            Self::Aggregate => 300,
            Self::Alert | Self::Digest => 120,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Aggregate => "aggregate",
            Self::Alert => "alert",
            Self::Digest => "digest",
        }
    }
}
