//! What is wrong with an export, and how to mend it: found by looking at the tree, at the footers, and at the newest
//! delivery of the newest two billing periods. Nothing is written.
//!
//! - `finding`: a finding, its severity and its remedy. `words`: lists, counts and sizes in its text.
//! - `tree`: exports, periods, manifests and files, from a listing. `refusal`: files that are refused. `reading`: the rows of
//!   a period's newest delivery, read file by file.
//! - `files`, `columns`, `callers`, `money`: the findings about files, about columns, about callers, and about costs and tags.
//! - `export`: the whole examination, finding by finding.

mod callers;
mod columns;
mod export;
mod files;
pub(crate) mod finding;
mod money;
mod reading;
mod refusal;
mod tree;
mod words;

pub use crate::examination::export::{examine, examine_below};
pub use crate::examination::finding::{Examined, Finding, Severity, Step, left_out};
