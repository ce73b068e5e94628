//! The ledger's state and its ports: where objects are kept, where metrics and messages go, how state is written so
//! that doing a step again is harmless, and the steps that react to it.

pub mod alert;
pub mod backfill;
pub mod basis;
pub mod book;
pub mod chargeback;
pub mod columns;
pub mod committed;
pub mod config;
mod content_tag;
pub mod digest;
pub mod directory_store;
pub mod document;
pub mod faulty_store;
pub mod forgotten;
pub mod formats;
mod gauges;
#[cfg(test)]
mod hostile_texts;
pub mod in_force;
pub mod keys;
pub mod memory_store;
pub mod metering_csv;
pub mod metrics;
pub mod objects;
pub mod operations;
pub mod outbox;
pub mod outputs;
pub mod private_files;
#[cfg(test)]
mod racing;
#[cfg(test)]
mod reaction_fixtures;
pub mod restated;
pub mod state;
pub mod store;
#[cfg(any(test, feature = "contract"))]
pub mod store_contract;
