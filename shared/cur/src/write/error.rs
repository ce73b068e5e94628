//! Why a file was not written.

use chrono::{DateTime, Utc};
use parquet::errors::ParquetError;

use crate::columns::schema::Kind;
use crate::write::shape::Timestamps;

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A row or the shape names a column that the CUR 2.0 table does not have.
    #[error("writing a chunk: CUR 2.0 has no column {0}")]
    UnknownColumn(String),
    /// The shape names a column twice.
    #[error("writing a chunk: column {0} is selected twice")]
    RepeatedColumn(String),
    /// A cell holds something else than its column.
    #[error("writing a chunk: row {row}, column {column}: a {} cannot hold a {}", .expected.as_str(), .found.as_str())]
    WrongKind {
        column: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// What the column holds.
        expected: Kind,
        /// What the cell holds.
        found: Kind,
    },
    /// A time that the chosen storage cannot hold.
    #[error("writing a chunk: {0} cannot be stored as {1:?}")]
    TimeOutOfRange(DateTime<Utc>, Timestamps),
    /// The compressor failed.
    #[error("writing a chunk: {0}")]
    Compress(#[from] std::io::Error),
    /// The Parquet writer failed.
    #[error("writing a chunk: {0}")]
    Parquet(#[from] ParquetError),
}
