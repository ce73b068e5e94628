//! What must be true, from rows of bills alone. The model shares no code with what it judges, but for reading the program's
//! own state: amounts are whole numbers of its own, sums are its own, and Parquet is read by the Parquet project's reader.
//!
//! - `amounts`: exact sums, rounding, reading decimals;
//! - `bills`: what each export's bucket held of a month, and when;
//! - `forgotten`: a person by whose alias the ledger knows them;
//! - `facts_file`: the sums of a facts file;
//! - `course`: the log followed from the beginning: each commit is one whole delivery, and none goes back;
//! - `jumps`: days on which somebody spent a good deal more than before;
//! - `ledger`, `metrics`, `alerts`, `operations`: what must be true in the end;
//! - `judge`: all of it; `end`: what is left in the end, for comparing two histories.

mod alerts;
mod amounts;
mod bills;
mod course;
mod end;
mod facts_file;
mod forgotten;
mod judge;
mod jumps;
mod ledger;
mod metrics;
mod operations;

pub use end::end;
pub use judge::judge;

/// What is not as it must be, in words.
pub type Violation = String;
