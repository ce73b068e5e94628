//! Reading CUR 2.0: the schema contract, Parquet chunks, manifests and the layout of a delivery.
//!
//! Bytes go in through [`source::ChunkSource`]; what comes out is the core's
//! [`Reduction`](spend_core::line::Reduction). How the bytes are decoded is nobody else's business.

pub mod chunk;
mod chunk_bytes;
mod columns;
mod describe;
pub mod error;
mod footer;
mod guard;
pub mod layout;
pub mod manifest;
mod parquet_rows;
mod rows;
mod scan;
pub mod schema;
pub mod source;
mod text;
#[cfg(any(test, feature = "write"))]
pub mod write;
