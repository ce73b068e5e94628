//! CSV, plain or gzip: records, and batches of the columns that are wanted.

pub(crate) mod batch;
pub(crate) mod records;
pub(crate) mod rows;
