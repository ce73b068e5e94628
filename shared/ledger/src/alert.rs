//! The step that tells people of what rules find: each crossing once, never lost.
//!
//! One object, [`STATE_KEY`], says which crossings are known and which messages are to be sent. A crossing and its
//! messages are written in one conditional write, before anything is sent; see [`crate::outputs::outbox`]. So the same book
//! twice sends nothing twice, and of two evaluators that race one writes and the other finds it written. Configuration
//! and book are read after the state, and all of it again after a lost race; the state remembers which they were, and
//! nothing is planned from older ones.
//!
//! A crossing is *armed* until it is found; then it is *pending* until its messages are *sent*, or muted, or, where it
//! was there before its rule, known and never told. When the bill proves that it is true no more it is *resolved* and
//! armed again: its next time has the next number in its id.
//!
//! - `step`: [`react`], [`drain`], [`test()`]; one evaluation, again after a lost race;
//! - `sources`: where an evaluation finds configuration and book;
//! - `plan`: which crossings are new, and what is done about each: sent, summarised, muted, seeded;
//! - `tell`: the messages of what is new; `undo`: what is true no more, and the messages of that;
//! - `levels`: which levels rules ask for, and since when; `episodes`: days in a row that are unlike their past;
//! - `restated`: what the newest deliveries restated of a day; `silence`: rules that match nobody;
//! - `crossing`, `state`, `stored`, `horizon`: what is remembered, how it is stored, and when it is forgotten;
//! - `origin`: the commits and the configuration that the state was planned from;
//! - `ids`: names of incidents, crossings and alerts; `event`: what machines are told;
//! - `error`: why rules were not evaluated.

mod crossing;
mod episodes;
mod error;
pub(crate) mod event;
mod horizon;
mod ids;
mod levels;
mod origin;
mod plan;
mod restated;
mod silence;
mod sources;
pub(crate) mod state;
mod step;
mod stored;
mod tell;
#[cfg(test)]
mod tests;
mod undo;

pub use error::AlertError;
pub use event::{
    AlertEvent, DetailEvent, DriverEvent, FindingEvent, PeakEvent, RiseEvent, SummarisedEvent, SummaryEvent, TestEvent,
    WindowEvent,
};
pub use plan::AlertSummary;
pub use sources::{Deployed, Given, Known, Sources};
pub use state::STATE_KEY;
pub use step::{drain, react, test};

pub use crate::outputs::data_event::{DataEvent, DeliveryEvent};
