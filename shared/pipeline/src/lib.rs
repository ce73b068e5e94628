//! The steps from an export drop to a committed period: map, seal, ready, aggregate. Each reads what is there and
//! writes what is missing, so that events may come twice, late and in any order, with a crash anywhere.

pub mod aggregate;
pub mod error;
pub mod examination;
pub mod facts_file;
mod history;
pub mod ingest;
pub mod inventory;
mod pinned;
pub mod tree;
