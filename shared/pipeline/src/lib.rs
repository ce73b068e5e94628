//! The steps from an export drop to a committed period: map, seal, ready, aggregate; and the ways back: rebuild derives
//! a period again, explain follows a number down to the bill, history tells what moved. Each reads what is there and
//! writes what is missing, so that events may come twice, late and in any order, with a crash anywhere.

pub mod aggregate;
pub mod claims;
mod commit;
pub mod error;
pub mod examination;
pub mod explain;
pub mod facts_file;
pub mod forget;
pub mod formats;
pub mod history;
pub mod ingest;
pub mod inventory;
mod pinned;
pub mod rebuild;
pub mod sweep;
pub mod tree;
pub mod unusual;
