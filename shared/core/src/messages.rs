//! Plain text for people: alerts, digests and notes to operations.

pub mod alert;
pub mod chargeback;
pub mod digest;
pub mod operations;
pub mod unusual;
