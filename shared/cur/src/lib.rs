//! Reading CUR 2.0: the schema contract, Parquet chunks, manifests and the layout of a delivery.
//!
//! Bytes go in through [`source::ChunkSource`]; what comes out is the core's
//! [`Reduction`](spend_core::line::Reduction). How the bytes are decoded is nobody else's business.

pub mod error;
pub mod layout;
pub mod manifest;
pub mod source;
