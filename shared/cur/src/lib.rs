//! Reading CUR 2.0: the schema contract, Parquet chunks, manifests and the layout of a delivery.

pub mod schema;
#[cfg(feature = "write")]
pub mod write;
