//! Texts that are encoded by what they share with the one before, checked before the decoder has them: it makes room
//! for as many as a page's first bytes claim, and repeats what they share as often as they say.
//!
//! See <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use crate::parquet_file::thrift::{Malformed, Reader};

/// Parquet's number for texts with their lengths before them.
pub(crate) const DELTA_LENGTH_BYTE_ARRAY: i32 = 6;

/// Parquet's number for texts with the lengths of their shared beginnings before them.
pub(crate) const DELTA_BYTE_ARRAY: i32 = 7;

/// The largest block of lengths. Writers use 128.
const BLOCK_LIMIT: u64 = 1 << 16;

/// How many bytes the texts of a page come to, of which there are `most` at the most, and the most that one can come to.
/// `bytes` are what follows its levels.
pub(crate) fn texts(encoding: i32, bytes: &[u8], most: usize) -> Result<(u64, u64), Malformed> {
    let mut shared = Lengths::default();
    let mut rest = bytes;
    if encoding == DELTA_BYTE_ARRAY {
        rest = shared.read(rest, most)?;
    }
    let mut own = Lengths::default();
    own.read(rest, most)?;
    if encoding == DELTA_BYTE_ARRAY && shared.count != own.count {
        return Err(Malformed);
    }
    Ok((shared.sum.saturating_add(own.sum), shared.longest.saturating_add(own.longest)))
}

/// A run of lengths.
#[derive(Default)]
struct Lengths {
    count: u64,
    sum: u64,
    longest: u64,
}

impl Lengths {
    /// Reads the lengths that `bytes` begin with, and answers what follows them.
    fn read<'a>(&mut self, bytes: &'a [u8], most: usize) -> Result<&'a [u8], Malformed> {
        let mut reader = Reader::new(bytes);
        let (block, minis, count) = (reader.varint()?, reader.varint()?, reader.varint()?);
        let mut length = reader.zigzag()?;
        let fits = (1..=BLOCK_LIMIT).contains(&block) && minis > 0 && block.is_multiple_of(minis);
        if !fits || usize::try_from(count).map_or(true, |count| count > most) {
            return Err(Malformed);
        }
        let in_mini = block / minis;
        self.count = count;
        let mut left = count;
        if left > 0 {
            self.add(length)?;
            left -= 1;
        }
        while left > 0 {
            let least = reader.zigzag()?;
            let widths = reader.take(usize::try_from(minis).map_err(|_| Malformed)?)?;
            for width in widths.iter().copied().map(u64::from) {
                if left == 0 {
                    break;
                }
                // A length has 32 bits; so many can be packed for the difference of two.
                if width > 32 {
                    return Err(Malformed);
                }
                let packed = reader.take(usize::try_from(width * in_mini / 8).map_err(|_| Malformed)?)?;
                let mut bits = Bits::of(packed);
                for _ in 0..in_mini.min(left) {
                    let step = least.checked_add_unsigned(bits.next(width)?).ok_or(Malformed)?;
                    length = length.checked_add(step).ok_or(Malformed)?;
                    self.add(length)?;
                    left -= 1;
                }
            }
        }
        Ok(reader.rest())
    }

    fn add(&mut self, length: i64) -> Result<(), Malformed> {
        let length = u64::from(u32::try_from(length).map_err(|_| Malformed)?);
        self.sum = self.sum.saturating_add(length);
        self.longest = self.longest.max(length);
        Ok(())
    }
}

/// Numbers of some bits each, the lowest bit first.
struct Bits<'a> {
    bytes: &'a [u8],
    held: u64,
    count: u64,
}

impl<'a> Bits<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, held: 0, count: 0 }
    }

    /// The next number of `width` bits, 32 at the most.
    fn next(&mut self, width: u64) -> Result<u64, Malformed> {
        while self.count < width {
            let (byte, rest) = self.bytes.split_first().ok_or(Malformed)?;
            self.held |= u64::from(*byte) << self.count;
            self.bytes = rest;
            self.count += 8;
        }
        let number = self.held & ((1 << width) - 1);
        self.held >>= width;
        self.count -= width;
        Ok(number)
    }
}
