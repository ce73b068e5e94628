//! Reading CUR 2.0: bytes go in through [`bytes::source::ChunkSource`], and what comes out is the core's
//! [`Reduction`](spend_core::bill::reduction::Reduction).
//!
//! The rooms, from the ground up: `error` and `limits`; `bytes` and `columns`; `rows`; `csv_file` and `parquet_file`, side by
//! side; `chunk`, which reads a file of either format. `delivery` needs `error` alone. `write` makes files for samples and
//! tests, and needs `columns` alone.

pub mod bytes;
pub mod chunk;
pub mod columns;
mod csv_file;
pub mod delivery;
pub mod error;
mod limits;
pub mod parquet_file;
pub mod rows;
#[cfg(any(test, feature = "write"))]
pub mod write;
