//! Reading CUR 2.0: the schema contract, Parquet chunks, manifests and the layout of a delivery.
//!
//! Bytes go in through [`crate::bytes::source::ChunkSource`]; what comes out is the core's
//! [`Reduction`](spend_core::bill::reduction::Reduction). How the bytes are decoded is nobody else's business.

pub mod bytes;
pub mod chunk;
pub mod columns;
pub mod csv_file;
pub mod delivery;
pub mod error;
mod limits;
pub mod parquet_file;
pub mod rows;
#[cfg(any(test, feature = "write"))]
pub mod write;
