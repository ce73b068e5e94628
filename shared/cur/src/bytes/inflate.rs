//! Decompressing gzip as a stream: a buffer at a time, and no more than a real export can come to.

use std::io::{self, BufRead, ErrorKind, Read};

use bytes::{Buf, Bytes};
use flate2::bufread::MultiGzDecoder;

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::source::ChunkSource;
use crate::error::CurError;
use crate::limits;

/// How many compressed bytes are asked for at a time.
const READ: u64 = 1024 * 1024;

/// Compressed bytes that were read and not inflated yet. When they are used up more are read, unless these were the
/// last.
#[derive(Default)]
struct Feed {
    bytes: Bytes,
    is_last: bool,
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes.is_empty() && !self.is_last {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes)
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.advance(amount.min(self.bytes.len()));
    }
}

/// A chunk's decompressed bytes.
pub(crate) struct Inflated {
    decoder: MultiGzDecoder<Feed>,
    /// How many compressed bytes were read.
    position: u64,
    /// How many bytes came out of them.
    length: u64,
}

impl Inflated {
    pub(crate) fn new() -> Self {
        Self { decoder: MultiGzDecoder::new(Feed::default()), position: 0, length: 0 }
    }

    /// Fills `buffer` from its start with what comes next, and says how much that is; 0 at the end.
    pub(crate) async fn read<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        buffer: &mut [u8],
    ) -> Result<usize, CurError> {
        loop {
            match self.decoder.read(buffer) {
                Ok(length) => {
                    self.length = self.length.saturating_add(length as u64);
                    self.check(chunk)?;
                    return Ok(length);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let end = self.position.saturating_add(READ).min(chunk.size());
                    let bytes = chunk.read_once(self.position..end).await?;
                    self.position = end;
                    *self.decoder.get_mut() = Feed { bytes, is_last: end == chunk.size() };
                }
                Err(error) => {
                    let reason = match error.kind() {
                        ErrorKind::UnexpectedEof => "its gzip ends too early, so it was cut off".to_owned(),
                        _ => format!("its gzip: {error}"),
                    };
                    return Err(CurError::corrupt(chunk.name(), None, reason));
                }
            }
        }
    }

    fn check<S: ChunkSource>(&self, chunk: &ChunkBytes<'_, S>) -> Result<(), CurError> {
        let compressed = self.position.saturating_sub(self.decoder.get_ref().bytes.len() as u64);
        if self.length > limits::decoded(compressed) {
            return Err(CurError::Bomb { file: chunk.name().to_owned(), compressed, inflated: self.length });
        }
        Ok(())
    }
}
