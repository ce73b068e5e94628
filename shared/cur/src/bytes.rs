//! Bytes of a file: ranges of its source, what kind of file they are, and how they are inflated within bounds.

pub(crate) mod chunk_bytes;
pub(crate) mod describe;
pub(crate) mod format;
pub(crate) mod inflate;
pub mod source;
