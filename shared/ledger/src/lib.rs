//! The ledger's state and its ports: where objects are kept, where metrics and messages go, how state is written so
//! that doing a step again is harmless, and the steps that react to it.
//!
//! Rooms, from the ground up; each uses only those below it:
//!
//! - `build`: which build of the program this is;
//! - `store`: the port to stored objects, on a disk and in memory;
//! - `state`: what is stored of a bill, and how it is read back;
//! - `outputs`: the ports to metrics and messages, outboxes, notes to operations;
//! - `config`: the configuration, and the one in force;
//! - `metrics`, `alert`, `digest`, `chargeback`: the steps, side by side;
//! - `forgotten`, `formats`: names that are replaced in every kind of object, and every format in one list.
//!
//! For tests alone: `hostile_texts`, the worst texts of a bill through everything that people are told; `reaction_fixtures`,
//! what the tests of the steps need.

pub mod alert;
pub mod build;
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
