//! Summing rows to lines.

use crate::bill::line::limits::{self, TooLong};
use crate::bill::line::{LineField, LineKey, LineTable, ScanCounts};
use crate::bill::line_coder::{LineCoder, LineCodes};
use crate::money::decimal::SumOutOfRange;
use crate::table::field::Field as _;
use crate::table::measures::Measures;
use crate::table::row_sums::RowSums;

/// A chunk's Bedrock rows, summed by the bill's own fields. Of the configuration it depends on
/// [`KeptTags`](crate::bill::line::KeptTags) alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reduction {
    /// What the scan found.
    pub counts: ScanCounts,
    /// The lines, each key once.
    pub lines: LineTable,
}

impl Reduction {
    /// Refuses texts that are longer than any that is read from a bill, with the column that has one.
    ///
    /// # Errors
    ///
    /// The column, and how long the text is.
    pub fn check_texts(&self) -> Result<(), (&'static str, TooLong)> {
        for field in LineField::ALL {
            for text in self.lines.texts(field).into_iter().flat_map(|column| &column.values) {
                limits::check_text(text).map_err(|error| (field.name(), error))?;
            }
        }
        for text in self.lines.tags().values.iter().flat_map(|tags| tags.iter()).flat_map(|(key, value)| [key, value]) {
            limits::check_tag(text).map_err(|error| ("tags", error))?;
        }
        Ok(())
    }
}

/// Sums rows into a [`Reduction`]. The order of the rows does not matter.
#[derive(Debug, Default)]
pub struct ReductionBuilder {
    /// What the scan finds; the reader fills it.
    pub counts: ScanCounts,
    /// What the codes of the lines stand for.
    pub coder: LineCoder,
    sums: RowSums<LineField>,
}

impl ReductionBuilder {
    /// What a line takes in memory at the most, without its texts and tags.
    pub const BYTES_A_LINE: u64 = RowSums::<LineField>::BYTES_A_ROW;

    pub fn lines(&self) -> usize {
        self.sums.len()
    }

    /// Makes room for so many lines more, up to a limit: whether they come is not known. Columns that grow by doubling leave
    /// holes in memory, and room in a column is no memory until it is used.
    pub fn expect(&mut self, lines: usize) {
        const MOST: usize = 1 << 20;
        self.sums.reserve(lines.min(MOST));
    }

    /// Adds one Bedrock row.
    pub fn add(&mut self, key: LineKey, measures: &Measures) -> Result<(), SumOutOfRange> {
        let codes = self.coder.codes(key);
        self.add_coded(&codes, measures)
    }

    /// Adds one Bedrock row whose codes are those of [`ReductionBuilder::coder`].
    pub fn add_coded(&mut self, codes: &LineCodes, measures: &Measures) -> Result<(), SumOutOfRange> {
        // Lines have no tokens: what counts as one is the configuration's business.
        let measures = Measures { tokens: None, ..*measures };
        self.sums.add(codes.day, &codes.fields, codes.tags, &measures)
    }

    pub fn finish(self) -> Reduction {
        Reduction { counts: self.counts, lines: self.sums.finish(self.coder.into_values()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use chrono::NaiveDate;

    use super::*;
    use crate::bill::line::LineField;
    use crate::money::decimal::Decimal;
    use crate::table::tags::Tags;

    fn key(day: u32, principal: &str, tag: &str) -> LineKey {
        let mut fields = LineField::ALL.map(|_| Arc::<str>::default());
        fields[LineField::Principal as usize] = Arc::from(principal);
        let tags = if tag.is_empty() { Tags::new() } else { Tags::from([(Arc::from("team"), Arc::from(tag))]) };
        LineKey { usage_date: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(), fields, tags: Arc::new(tags) }
    }

    fn measures(cost: i64, list: Option<i64>) -> Measures {
        let decimal = Decimal::from_integer;
        Measures {
            usage_amount: decimal(cost * 10),
            unblended_cost: decimal(cost),
            net_unblended_cost: decimal(cost),
            list_cost: list.map(decimal),
            line_items: 1,
            ..Measures::default()
        }
    }

    #[test]
    fn rows_in_any_order_become_the_lines_that_a_map_of_their_keys_has() {
        let mut rows = Vec::new();
        for row in 0..500_u32 {
            let (day, who, tag) = (1 + row * 7 % 5, format!("p{}", row * 13 % 17), ["", "b", "a"][(row % 3) as usize]);
            rows.push((key(day, &who, tag), measures(i64::from(row), (row % 4 == 0).then_some(i64::from(row)))));
        }
        let mut expected: BTreeMap<LineKey, Measures> = BTreeMap::new();
        for (key, sums) in &rows {
            expected.entry(key.clone()).or_default().add(sums).unwrap();
        }
        for _ in 0..2 {
            rows.reverse();
            let mut builder = ReductionBuilder::default();
            for (key, sums) in &rows {
                builder.add(key.clone(), sums).unwrap();
            }
            assert_eq!(builder.lines(), expected.len());
            let lines = builder.finish().lines;
            assert!(lines.rows().map(|line| (line.key(), line.measures())).eq(expected.clone()));
        }
    }

    #[test]
    fn a_sum_that_leaves_the_range_is_an_error() {
        let mut builder = ReductionBuilder::default();
        let most = crate::fixtures::decimal("99999999999999999999");
        let most = Measures { unblended_cost: most, ..Measures::default() };
        builder.add(key(1, "a", ""), &most).unwrap();
        assert_eq!(builder.add(key(1, "a", ""), &most), Err(SumOutOfRange));
    }

    #[test]
    fn a_text_of_any_column_and_a_tag_that_are_too_long_are_refused_with_their_column() {
        let check = |key: LineKey| {
            let mut builder = ReductionBuilder::default();
            // Behind a line that is well.
            builder.add(self::key(1, "a", "b"), &measures(1, None)).unwrap();
            builder.add(key, &measures(1, None)).unwrap();
            builder.finish().check_texts()
        };
        let most = limits::MOST_BYTES;
        for field in LineField::ALL {
            let with = |bytes: usize| {
                let mut key = key(2, "a", "b");
                key.fields[field as usize] = Arc::from("x".repeat(bytes));
                key
            };
            assert_eq!(check(with(most)), Ok(()));
            assert_eq!(check(with(most + 1)), Err((field.name(), TooLong::Text { bytes: most + 1 })));
        }
        let most = limits::MOST_TAG_CHARACTERS;
        let long = |characters: usize| "é".repeat(characters);
        let tagged = |name: String, value: String| LineKey {
            tags: Arc::new(Tags::from([(Arc::from(name), Arc::from(value))])),
            ..key(2, "a", "")
        };
        assert_eq!(check(tagged(long(most), long(most))), Ok(()));
        let refused = Err(("tags", TooLong::Tag { characters: most + 1 }));
        assert_eq!(check(tagged(long(most + 1), "b".to_owned())), refused);
        assert_eq!(check(tagged("team".to_owned(), long(most + 1))), refused);
    }

    #[test]
    fn nothing_is_no_lines() {
        assert_eq!(ReductionBuilder::default().finish(), Reduction::default());
    }
}
