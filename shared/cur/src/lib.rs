//! Reading CUR 2.0: the schema contract, Parquet chunks, manifests and the layout of a delivery.
//!
//! Bytes go in through [`source::ChunkSource`]; what comes out is the core's
//! [`Reduction`](spend_core::line::Reduction). How the bytes are decoded is nobody else's business.

pub mod chunk;
mod chunk_bytes;
mod columns;
mod csv_batch;
mod csv_records;
mod csv_rows;
mod delta;
mod describe;
pub mod error;
mod footer;
mod footer_bounds;
mod format;
mod guard;
mod inflate;
mod kept_texts;
pub mod layout;
mod levels;
mod limits;
pub mod manifest;
pub mod metering_parquet;
mod other_tables;
mod page_bounds;
mod page_header;
mod parquet_rows;
mod plan;
mod row_tags;
mod rows;
mod scan;
pub mod schema;
pub mod source;
mod tag_sources;
mod text;
mod thrift;
#[cfg(any(test, feature = "write"))]
pub mod write;
