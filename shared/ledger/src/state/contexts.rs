//! What zstd decompresses with, made once for each thread. Whenever zstd makes a context it asks the processor what it can
//! do; in a virtual machine, as Lambda's are, that takes longer than decompressing a small object. What is kept is at most
//! the window of an object, two megabytes.

use std::cell::Cell;
use std::io;

use zstd::bulk::Decompressor;
use zstd::zstd_safe::DCtx;

thread_local! {
    static OF_STREAMS: Cell<Option<DCtx<'static>>> = const { Cell::new(None) };
    static OF_FRAMES: Cell<Option<Decompressor<'static>>> = const { Cell::new(None) };
}

/// Decompresses all of `bytes`, but for what is more than `most` bytes.
pub(super) fn stream(bytes: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut context = OF_STREAMS.take().or_else(DCtx::try_create).ok_or(io::ErrorKind::OutOfMemory)?;
    let decoder = zstd::Decoder::with_context(bytes, &mut context);
    let mut found = Vec::new();
    let read = io::Read::read_to_end(&mut io::Read::take(decoder, most), &mut found);
    OF_STREAMS.set(Some(context));
    read.map(|_| found)
}

/// Decompresses a frame of at most `capacity` bytes.
pub(super) fn frame(bytes: &[u8], capacity: usize) -> io::Result<Vec<u8>> {
    let mut decompressor = OF_FRAMES.take().map_or_else(Decompressor::new, Ok)?;
    let found = decompressor.decompress(bytes, capacity);
    OF_FRAMES.set(Some(decompressor));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_or_damaged_leaves_nothing_to_what_is_read_next() {
        let text = "much the same, ".repeat(10_000);
        let whole = zstd::encode_all(text.as_bytes(), 3).unwrap();
        let (cut, mut damaged) = (&whole[..whole.len() / 2], whole.clone());
        damaged[0] ^= 0xff;
        for most in [0, 7, 100_000] {
            assert_eq!(stream(&whole, most).unwrap(), text.as_bytes()[..usize::try_from(most).unwrap()]);
            assert!(stream(cut, u64::MAX).is_err());
            assert!(stream(&damaged, u64::MAX).is_err());
            assert_eq!(stream(&whole, u64::MAX).unwrap(), text.as_bytes());
            assert!(frame(cut, text.len()).is_err());
            assert!(frame(&whole, text.len() - 1).is_err());
            assert_eq!(frame(&whole, text.len()).unwrap(), text.as_bytes());
        }
    }
}
