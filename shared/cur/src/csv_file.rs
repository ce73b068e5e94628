//! CSV compressed with gzip.
//!
//! `records` splits the decompressed text into records, `batch` collects the fields that are read into batches of rows, and
//! `rows` reads a whole file.

pub(crate) mod batch;
pub(crate) mod records;
pub(crate) mod rows;
