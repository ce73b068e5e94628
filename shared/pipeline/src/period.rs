//! A billing period: from a ready delivery to the committed state, and the ways back.
//!
//! - `deriver` and `derive`: what facts are derived with, and deriving them. `aggregated`: what becomes of a delivery.
//! - `history`: what a commit moves. `commit`: the one write that replaces the state. `facts_file` and `publish`: the Parquet
//!   file that follows the state. `unusual`: what of a commit must not pass in silence.
//! - `claims`: from which export a payer's month is counted. `void`: taking a payer's facts out of a month. `claim`: claiming a
//!   month before it is committed.
//! - `aggregate` and `rebuild`: a delivery replaces the state; the delivery in force is derived again. `counting`: months follow
//!   what the configuration counts.
//! - `forget`: a person's name is replaced in everything.

pub mod aggregate;
pub mod aggregated;
mod claim;
pub mod claims;
mod commit;
pub mod counting;
mod derive;
pub mod deriver;
pub mod facts_file;
pub mod forget;
pub mod history;
pub mod publish;
pub mod rebuild;
pub mod unusual;
mod void;
