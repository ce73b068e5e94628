//! Version tags of stores that have none of their own: a hash of the content, so that equal bytes have equal tags on
//! every machine and in every copy.
//!
//! A tag says by its form how it was made, so that a version which an earlier release named can still be compared with.
//! `docs/decisions/large-files-have-a-fast-version.md` says why there are two ways.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use twox_hash::XxHash3_128;

use crate::store::ETag;

/// How many bytes of the SHA-256 a tag keeps: 128 bits are far more than any number of versions needs.
const TAG_BYTES: usize = 16;

/// The largest content whose tag is of its SHA-256. Small objects are most of what is stored, and their tags are part of
/// names, such as that of a delivery without an execution id.
pub(crate) const SMALL: u64 = 1024 * 1024;

/// How large the parts of larger content are. A part fits into the second-level cache of a processor.
pub(crate) const PART: usize = 256 * 1024;

/// What the tags of larger content begin with.
const OF_PARTS: &str = "xxh3-";

/// How a tag is made of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    /// The first half of the SHA-256, in hex.
    Sha256,
    /// `xxh3-` and the XXH3 of 128 bits, in hex, of the XXH3s of the content's parts, each in big-endian order.
    Parts,
}

impl Scheme {
    /// How content of `size` bytes is named.
    pub(crate) fn of_size(size: u64) -> Self {
        if size > SMALL { Self::Parts } else { Self::Sha256 }
    }

    /// How content of `size` bytes is named to be compared with `tag`. Releases before named content of any size by its
    /// SHA-256.
    pub(crate) fn to_compare_with(tag: &ETag, size: u64) -> Self {
        if is_sha256(tag) { Self::Sha256 } else { Self::of_size(size) }
    }
}

/// Whether `tag` can be of a SHA-256.
pub(crate) fn is_sha256(tag: &ETag) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    tag.0.len() == 2 * TAG_BYTES && tag.0.bytes().all(is_digit)
}

/// The tag of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> ETag {
    match Scheme::of_size(bytes.len() as u64) {
        Scheme::Sha256 => sha256(Sha256::new_with_prefix(bytes)),
        Scheme::Parts => of_parts(bytes.chunks(PART).map(part)),
    }
}

/// The tag by SHA-256 of everything that `reader` gives, whatever its length, in constant memory.
pub(crate) fn sha256_of(mut reader: impl Read) -> io::Result<ETag> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; PART];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(sha256(hasher)),
            Ok(length) => hasher.update(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn sha256(hasher: Sha256) -> ETag {
    ETag(hex(&hasher.finalize(), TAG_BYTES))
}

/// The hash of one part.
pub(crate) fn part(bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot(bytes)
}

/// The tag of content whose parts have these hashes.
pub(crate) fn of_parts(parts: impl IntoIterator<Item = u128>) -> ETag {
    let hashes: Vec<u8> = parts.into_iter().flat_map(u128::to_be_bytes).collect();
    ETag(format!("{OF_PARTS}{}", hex(&part(&hashes).to_be_bytes(), usize::MAX)))
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

    /// Bytes that no two parts have in common.
    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251).to_le_bytes()[0] ^ (at / PART).to_le_bytes()[0]).collect()
    }

    fn small() -> usize {
        usize::try_from(SMALL).unwrap()
    }

    #[test]
    fn the_tag_of_a_small_object_is_half_of_the_sha_256_of_the_content() {
        assert_eq!(of(b"abc").0, "ba7816bf8f01cfea414140de5dae2223");
        assert!(is_sha256(&of(&bytes(small()))));
    }

    #[test]
    fn the_tag_of_a_large_object_says_that_it_is_no_sha_256() {
        // From Python's xxhash, see the decision.
        let tag = of(&bytes(small() + 1));
        assert_eq!(tag.0, "xxh3-5184fcf1863d61a3c4dbac23561cfe25");
        assert!(!is_sha256(&tag));
    }

    #[test]
    fn every_byte_of_a_large_object_is_in_its_tag() {
        let length = small() + PART / 2;
        let tag = of(&bytes(length));
        assert_ne!(of(&bytes(length + 1)), tag);
        for at in [0, PART - 1, PART, small(), length - 1] {
            let mut other = bytes(length);
            other[at] ^= 1;
            assert_ne!(of(&other), tag, "byte {at}");
        }
        let mut swapped = bytes(length);
        let (first, rest) = swapped.split_at_mut(PART);
        first.swap_with_slice(&mut rest[..PART]);
        assert_ne!(of(&swapped), tag, "two parts that changed places");
    }

    #[test]
    fn a_tag_is_compared_with_by_the_way_that_it_was_made() {
        let (large, old) = (bytes(small() + 1), sha256_of(bytes(small() + 1).as_slice()).unwrap());
        let size = large.len() as u64;
        assert_eq!(Scheme::to_compare_with(&old, size), Scheme::Sha256);
        assert_eq!(Scheme::to_compare_with(&of(&large), size), Scheme::Parts);
        for stranger in ["", "x", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcdef-2"] {
            assert_eq!(Scheme::to_compare_with(&ETag(stranger.to_owned()), size), Scheme::Parts, "{stranger}");
        }
    }

    #[test]
    fn reading_in_pieces_gives_the_same_sha_256() {
        let bytes = bytes(PART * 2 + 7);
        assert_eq!(sha256_of(bytes.as_slice()).unwrap(), sha256(Sha256::new_with_prefix(&bytes)));
    }
}
