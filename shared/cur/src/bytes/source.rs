//! The port through which a chunk's bytes are read.

pub use crate::error::SourceError;
use std::future::{self, Future};
use std::ops::Range;

use bytes::Bytes;

/// A chunk's bytes, read by range. The implementation pins them to one version.
pub trait ChunkSource: Send + Sync + 'static {
    /// The length of that version in bytes.
    fn size(&self) -> u64;

    /// The bytes in `range`, which lies within the chunk: all of them, or an error. Several ranges may be read at a time.
    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<Bytes, SourceError>> + Send;

    /// Called once, before reading takes more memory than several chunks may take at a time. Reading goes on when this
    /// returns: a caller that reads several chunks at a time lets one grow and makes the others wait.
    fn grow(&mut self) -> impl Future<Output = ()> + Send {
        future::ready(())
    }
}
