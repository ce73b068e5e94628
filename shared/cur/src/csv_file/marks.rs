//! Where the bytes of text that part it lie: 64 bytes at a time, a bit for each.
//!
//! Most bytes of a bill are in fields that nobody reads, so what finds the end of a record looks at every byte and should
//! spend next to nothing on it: eight bytes are looked at as one word. Vector instructions would do more at once, but a
//! program that is built for its size has none.

/// How many bytes are looked at together: as many as a word has bits.
pub(crate) const BLOCK: usize = 64;

/// Which bytes of a block are what; the lowest bit stands for the first byte.
pub(crate) struct Marks {
    pub(crate) quotes: u64,
    pub(crate) commas: u64,
    /// Line feeds and carriage returns.
    pub(crate) line_ends: u64,
}

impl Marks {
    #[inline]
    pub(crate) fn of(block: &[u8; BLOCK]) -> Self {
        let (mut quotes, mut commas, mut line_ends) = (0, 0, 0);
        let (words, _) = block.as_chunks::<8>();
        for (place, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let shift = 8 * place;
            quotes |= bits(equal(word, b'"')) << shift;
            commas |= bits(equal(word, b',')) << shift;
            line_ends |= bits(equal(word, b'\n') | equal(word, b'\r')) << shift;
        }
        Self { quotes, commas, line_ends }
    }
}

/// The highest bit of each byte of `word` that is `byte`.
///
/// Source: Henry S. Warren, "Hacker's Delight", 6-1 "Find First 0-Byte": exact for every byte.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let other = word ^ (u64::from(byte) * 0x0101_0101_0101_0101);
    !(((other & LOW) + LOW) | other | LOW)
}

/// The highest bits of eight bytes, side by side: that of the first byte is the lowest.
#[inline]
fn bits(highest: u64) -> u64 {
    // Each bit is moved to its place in the highest byte; no two meet on the way.
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_the_bit_of_its_place() {
        for place in 0..BLOCK {
            for (byte, expected) in [
                (b'"', [1, 0, 0]),
                (b',', [0, 1, 0]),
                (b'\n', [0, 0, 1]),
                (b'\r', [0, 0, 1]),
                (b'x', [0, 0, 0]),
                (0xa2, [0, 0, 0]),
            ] {
                let mut block = [b' '; BLOCK];
                block[place] = byte;
                let marks = Marks::of(&block);
                let found = [marks.quotes, marks.commas, marks.line_ends];
                assert_eq!(found, expected.map(|bit| bit << place), "{byte} at {place}");
            }
        }
    }
}
