//! How many entries the rows of a page of maps have, by the levels that say where a row begins: the decoder makes room for
//! all entries of a batch of rows.
//!
//! See <https://parquet.apache.org/docs/file-format/data-pages/encodings/>, "Run Length Encoding / Bit-Packing Hybrid".

use crate::parquet_file::thrift::{Malformed, Reader};

/// Counts the entries of rows, which may go on from page to page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    of_row: u64,
    most: u64,
}

impl Entries {
    /// The most entries of a row.
    pub(crate) fn most(self) -> u64 {
        self.most
    }

    /// Takes the levels of a page of `values`: of one bit each, 0 where a row begins.
    pub(crate) fn take(&mut self, bytes: &[u8], values: usize) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        let mut left = values as u64;
        while left > 0 {
            let head = reader.varint()?;
            let length = head >> 1;
            if length == 0 {
                return Err(Malformed);
            }
            if head & 1 == 0 {
                let (value, _) = reader.take(1)?.split_first().ok_or(Malformed)?;
                self.run(*value, length.min(left))?;
                left = left.saturating_sub(length);
            } else {
                let packed = reader.take(usize::try_from(length).map_err(|_| Malformed)?)?;
                for byte in packed {
                    for bit in 0..left.min(8) {
                        self.run(byte >> bit & 1, 1)?;
                    }
                    left = left.saturating_sub(8);
                }
            }
        }
        Ok(())
    }

    fn run(&mut self, level: u8, length: u64) -> Result<(), Malformed> {
        match level {
            0 => self.of_row = 1,
            1 => self.of_row = self.of_row.saturating_add(length),
            _ => return Err(Malformed),
        }
        self.most = self.most.max(self.of_row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(pages: &[(&[u8], usize)]) -> Result<u64, Malformed> {
        let mut entries = Entries::default();
        for (bytes, values) in pages {
            entries.take(bytes, *values)?;
        }
        Ok(entries.most())
    }

    #[test]
    fn the_most_entries_of_a_row_are_counted_in_runs_and_in_packed_bits() {
        // One row, then 200 more entries of it in a run.
        assert_eq!(most(&[(&[2, 0, 0x90, 0x03, 1], 201)]), Ok(201));
        // Rows of 1, 3 and 4 entries, the lowest bit first; the last goes on in the next page.
        assert_eq!(most(&[(&[3, 0b1110_1100], 8)]), Ok(4));
        assert_eq!(most(&[(&[3, 0b1110_1100], 8), (&[6, 1], 3)]), Ok(7));
        // Bits beyond the page's values are not looked at.
        assert_eq!(most(&[(&[3, 0b1111_1110], 2)]), Ok(2));
        assert_eq!(most(&[(&[0x80, 0x80, 0x01, 0], 8192)]), Ok(1), "rows of one entry each");
        assert_eq!(most(&[]), Ok(0));
    }

    #[test]
    fn levels_that_are_not_there_cannot_be_read() {
        for bytes in [&[][..], &[2], &[3], &[0, 0], &[1], &[4, 2], &[2, 0]] {
            assert_eq!(most(&[(bytes, 8)]), Err(Malformed), "{bytes:?}");
        }
    }
}
