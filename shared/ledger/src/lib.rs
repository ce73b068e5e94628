//! The ledger's state and its ports: where objects are kept, where metrics and messages go, how state is written so
//! that doing a step again is harmless, and the steps that react to it.

pub mod config;
pub mod store;
