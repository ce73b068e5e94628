//! The ledger's state and its ports: where objects are kept, where metrics and messages go, how state is written so
//! that doing a step again is harmless, and the steps that react to it.

pub mod alert;
pub mod chargeback;
pub mod config;
pub mod digest;
pub mod forgotten;
pub mod formats;
#[cfg(test)]
mod hostile_texts;
pub mod metrics;
pub mod outputs;
#[cfg(test)]
mod reaction_fixtures;
pub mod state;
pub mod store;
