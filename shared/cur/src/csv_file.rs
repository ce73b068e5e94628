//! CSV compressed with gzip.
//!
//! `marks` tells quotes, commas and line ends from other bytes, `borders` finds the end of a record and some of its fields,
//! and `telling` says of which records these fields plainly are not Bedrock's. `records` passes over those and splits the
//! others into fields, `columns` says which fields are read, `batch` collects them into batches of rows, and `rows` reads a
//! whole file.

mod batch;
mod borders;
mod columns;
mod marks;
mod records;
pub(crate) mod rows;
mod telling;
