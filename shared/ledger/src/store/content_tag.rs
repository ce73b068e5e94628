//! Version tags of stores that have none of their own: a hash of the content, so that equal bytes have equal tags on
//! every machine and in every copy.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::store::ETag;

/// How many bytes of the hash a tag keeps: 128 bits are far more than any number of versions needs.
const TAG_BYTES: usize = 16;

/// How much is read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// The tag of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> ETag {
    finish(Sha256::new_with_prefix(bytes))
}

/// The tag of everything that `reader` gives, whatever its length, in constant memory.
pub(crate) fn of_reader(mut reader: impl Read) -> io::Result<ETag> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(finish(hasher)),
            Ok(length) => hasher.update(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn finish(hasher: Sha256) -> ETag {
    ETag(hex(&hasher.finalize(), TAG_BYTES))
}

/// The first `length` bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8], length: usize) -> String {
    bytes.iter().take(length).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_half_of_the_sha_256_of_the_content() {
        assert_eq!(of(b"abc").0, "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn reading_in_pieces_gives_the_same_tag() {
        let bytes: Vec<u8> = (0..251).cycle().take(BUFFER_BYTES * 2 + 7).collect();
        assert_eq!(of_reader(bytes.as_slice()).unwrap(), of(&bytes));
    }
}
