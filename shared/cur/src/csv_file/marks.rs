//! Where the bytes of text that part it lie: 64 bytes at a time, a bit for each.
//!
//! Most bytes of a bill are in fields that nobody reads, so what finds the end of a record looks at every byte and should
//! spend next to nothing on it. The loops here are written so that the compiler makes vector instructions of them.

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
        Self {
            quotes: positions(block, |byte| byte == b'"'),
            commas: positions(block, |byte| byte == b','),
            line_ends: positions(block, |byte| (byte == b'\n') | (byte == b'\r')),
        }
    }
}

/// A bit for each eight bytes of a block: the first eight have the lowest.
const ROWS: [u8; BLOCK] = {
    let mut rows = [0; BLOCK];
    let (mut left, mut row) = (rows.as_mut_slice(), 1_u8);
    while let Some((eight, rest)) = left.split_first_chunk_mut::<8>() {
        *eight = [row; 8];
        row = row.rotate_left(1);
        left = rest;
    }
    rows
};

/// The bytes that `is` holds for.
#[inline]
fn positions(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    let mut rows = [0; BLOCK];
    for ((found, byte), row) in rows.iter_mut().zip(block).zip(&ROWS) {
        *found = if is(*byte) { *row } else { 0 };
    }
    // Bit `r` of byte `c` stands for the byte `8 * r + c` of the block.
    let (eights, _) = rows.as_chunks::<8>();
    let columns = eights.iter().fold(0, |columns, row| columns | u64::from_le_bytes(*row));
    if columns == 0 { 0 } else { transposed(columns) }
}

/// Swaps rows and columns of eight by eight bits.
///
/// Source: Henry S. Warren, "Hacker's Delight", 7-3 "Transposing a Bit Matrix".
#[inline]
fn transposed(mut bits: u64) -> u64 {
    for (mask, distance) in [(0x00AA_00AA_00AA_00AA, 7), (0x0000_CCCC_0000_CCCC, 14), (0x0000_0000_F0F0_F0F0, 28)] {
        let swapped = (bits ^ (bits >> distance)) & mask;
        bits ^= swapped ^ (swapped << distance);
    }
    bits
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
