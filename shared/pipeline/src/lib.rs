//! The steps from an export drop to a committed period: map, seal, ready, aggregate; and the ways back: rebuild derives
//! a period again, explain follows a number down to the bill, history tells what moved. Each reads what is there and
//! writes what is missing, so that events may come twice, late and in any order, with a crash anywhere.
//!
//! The rooms, from the ground up: `error`; `files`, what lies in an export; `ingest`, up to a ready delivery; side by side
//! `period`, its commits, and `examination`, what is wrong with an export; `explain` and `sweep`; `formats`, a list of all that
//! is stored; `ledger_examination`, what is wrong with a ledger. For tests alone: `fixtures`.

pub mod error;
pub mod examination;
pub mod explain;
pub mod files;
pub mod formats;
pub mod ingest;
pub mod ledger_examination;
pub mod period;
pub mod sweep;

#[cfg(test)]
mod fixtures;
