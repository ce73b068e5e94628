//! The steps from an export drop to a committed period: map, seal, ready, aggregate; and the ways back: rebuild derives
//! a period again, explain follows a number down to the bill, history tells what moved. Each reads what is there and
//! writes what is missing, so that events may come twice, late and in any order, with a crash anywhere.

pub mod error;
pub mod examination;
pub mod explain;
pub mod files;
pub mod formats;
pub mod ingest;
pub mod ledger_examination;
pub mod period;
pub mod sweep;
