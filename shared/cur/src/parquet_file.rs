//! Parquet: footer and pages checked against limits before they are decoded, then read as rows.

pub(crate) mod delta_lengths;
pub(crate) mod footer;
pub(crate) mod footer_bounds;
pub(crate) mod guard;
pub(crate) mod levels;
pub mod metering;
pub(crate) mod page_bounds;
pub(crate) mod page_header;
pub(crate) mod rows;
pub(crate) mod thrift;
