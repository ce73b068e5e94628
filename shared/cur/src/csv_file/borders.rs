//! Where a record of text ends and where some of its fields lie, without unquoting any.
//!
//! Quotes are told by counting: between an odd one and the next, commas and line ends are part of a field. That is what
//! `csv_core` makes of a record as long as quotes only open a field at its beginning. A record where one stands elsewhere
//! is called odd, and is left to `csv_core`.

use std::iter;

use crate::csv_file::marks::{BLOCK, Marks};

/// How far a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// To the first byte of its line end.
    Whole {
        /// With that byte.
        length: usize,
        fields: usize,
        /// How many line feeds there are in it, at its end or within quotes.
        line_feeds: u64,
    },
    /// Beyond the text.
    Open,
    Odd,
}

/// Finds some of the fields of records.
pub(crate) struct Borders {
    /// Which borders are looked for, in order: the comma or line end that ends the first field is 1.
    wanted: Vec<usize>,
    /// Where they are in the record that was looked at last.
    found: Vec<usize>,
}

impl Borders {
    /// Looks for the borders of these fields.
    pub(crate) fn of(fields: impl IntoIterator<Item = usize>) -> Self {
        let mut wanted: Vec<_> = fields.into_iter().flat_map(|field| [field, field + 1]).filter(|at| *at > 0).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Self { found: Vec::with_capacity(wanted.len()), wanted }
    }

    /// Looks at the record that `text` begins with.
    pub(crate) fn record(&mut self, text: &[u8]) -> Extent {
        self.found.clear();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut last = [0; BLOCK];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        let (mut offset, mut fields, mut line_feeds) = (0, 0, 0);
        // What the block before leaves: all bits if its end is within quotes, and a bit if its last byte lets a quote
        // follow.
        let (mut quoted, mut opens) = (0, 1);
        for block in blocks.iter().chain(iter::once(&last)) {
            let marks = Marks::of(block);
            // From each opening quote to the byte before the closing one.
            let inside = parity(marks.quotes) ^ quoted;
            let (commas, line_ends) = (marks.commas & !inside, marks.line_ends & !inside);
            let closing = marks.quotes & !inside;
            // A quote after a closing one is the second of two that stand for one.
            let before_quotes = commas | line_ends | closing;
            let odd = marks.quotes & inside & !(before_quotes << 1 | opens);
            let end = line_ends & line_ends.wrapping_neg();
            let before = end.wrapping_sub(1);
            if odd & before != 0 {
                return Extent::Odd;
            }
            let borders = commas & before | end;
            let known = fields;
            fields += borders.count_ones() as usize;
            let (mut left, mut passed) = (borders, known + 1);
            while let Some(border) = self.wanted.get(self.found.len()).filter(|border| **border <= fields) {
                while passed < *border {
                    left &= left.wrapping_sub(1);
                    passed += 1;
                }
                self.found.push(offset + left.trailing_zeros() as usize);
            }
            if marks.line_ends & (before | end) != 0 {
                let length = if end == 0 { BLOCK } else { end.trailing_zeros() as usize + 1 };
                line_feeds += block.iter().take(length).map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                if end != 0 {
                    return Extent::Whole { length: offset + length, fields, line_feeds };
                }
            }
            quoted = 0_u64.wrapping_sub(inside >> 63);
            opens = before_quotes >> 63;
            offset += BLOCK;
        }
        Extent::Open
    }

    /// A field of the record in `text` that was looked at last; as it is written, with its quotes.
    pub(crate) fn field<'a>(&self, text: &'a [u8], field: usize) -> Option<&'a [u8]> {
        let border = |number| self.found.get(self.wanted.binary_search(&number).ok()?).copied();
        let start = if field == 0 { 0 } else { border(field)? + 1 };
        text.get(start..border(field + 1)?)
    }
}

/// Of each bit whether the number of bits up to it and with it is odd.
#[inline]
fn parity(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}

#[cfg(test)]
mod tests {
    use csv_core::{ReadRecordResult, Reader};
    use proptest::prelude::*;

    use super::*;

    /// What parts fields and records, and what is in them: short, so that they meet in every way, and now and then as long
    /// as a block.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            4 => Just(b",".to_vec()),
            4 => Just(b"\"".to_vec()),
            2 => Just(b"\"\"".to_vec()),
            2 => Just(b"\",\"".to_vec()),
            1 => Just(b"\n".to_vec()),
            1 => Just(b"\r".to_vec()),
            4 => prop::collection::vec(prop::num::u8::ANY, 1..3),
            1 => (50_usize..70).prop_map(|length| vec![b'x'; length]),
        ];
        prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]
        #[test]
        fn a_record_goes_as_far_as_csv_core_reads_it(text in text(), wanted in prop::collection::vec(0_usize..6, 0..4)) {
            let line_ends = text.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let text = &text[line_ends..];
            let mut borders = Borders::of(wanted.iter().copied());
            let extent = borders.record(text);
            let (mut reader, mut bytes, mut ends) = (Reader::new(), [0; 2048], [0; 2048]);
            // Not at the beginning of a file, where a byte order mark is none of the text.
            reader.read_record(b"\n", &mut bytes, &mut ends);
            let before = reader.line();
            let (result, length, _, fields) = reader.read_record(text, &mut bytes, &mut ends);
            let is_whole = matches!(result, ReadRecordResult::Record);
            match extent {
                Extent::Whole { .. } => {
                    let line_feeds = reader.line() - before;
                    prop_assert_eq!(extent, Extent::Whole { length, fields, line_feeds });
                    prop_assert!(is_whole);
                    for field in wanted {
                        let start = if field == 0 { 0 } else { ends[field - 1] };
                        let expected = (field < fields).then(|| &bytes[start..ends[field]]);
                        // As `csv_core` reads it where it stands alone.
                        let (mut alone, mut content) = (Reader::new(), [0; 2048]);
                        let found = borders.field(text, field).map(|raw| {
                            alone.read_record(b"\n", &mut [0; 8], &mut [0; 8]);
                            let (_, _, length, _) = alone.read_record(raw, &mut content, &mut [0; 2048]);
                            &content[..length]
                        });
                        prop_assert_eq!(found, expected);
                    }
                }
                Extent::Open => prop_assert!(!is_whole),
                Extent::Odd => prop_assert!(text.contains(&b'"')),
            }
        }
    }

    #[test]
    fn quotes_are_odd_only_within_fields_that_do_not_begin_with_one() {
        for (text, is_odd) in [
            ("\"a,\n\",\"\",\"\"\"\"\n", false),
            ("\"a\"b,\"c\"\n", false),
            ("a\"b\",c\n", true),
            ("\"a\"b\"c\"\n", true),
            ("a\n\"\"b\"", false),
            (" \"a\"\n", true),
        ] {
            assert_eq!(Borders::of([0]).record(text.as_bytes()) == Extent::Odd, is_odd, "{text}");
        }
    }
}
