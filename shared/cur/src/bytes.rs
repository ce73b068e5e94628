//! A file's bytes, whatever they mean.
//!
//! `source` is the port through which they are read, `chunk_bytes` reads them in few ranges, `describe` says what a file is
//! without reading its rows, `format` tells Parquet and gzip from everything else, and `inflate` decompresses within bounds.

pub(crate) mod chunk_bytes;
pub(crate) mod describe;
pub(crate) mod format;
pub(crate) mod inflate;
pub mod source;
