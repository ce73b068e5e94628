//! Columns of values that repeat: the values that rows of a group have become its dictionary, and codes stay codes.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use chrono::NaiveDate;
use parquet::basic::Type;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::statistics::Statistics;
use spend_core::table::codes::{Codes, number, place};

use crate::period::facts_file::chunk::{ChunkWriter, DataPage, Values, checked};
use crate::period::facts_file::hybrid;

/// What codes stand for, in the order of the codes.
pub(super) trait Coding {
    /// How many codes there are.
    fn len(&self) -> usize;

    /// Whether a value is written as null.
    fn is_null(&self, code: u32) -> bool;

    /// A value as statistics have it.
    fn bare(&self, code: u32) -> Vec<u8>;

    /// Appends a value as the encoding PLAIN has it.
    fn plain(&self, code: u32, bytes: &mut Vec<u8>) -> Result<(), ParquetError>;

    /// The least and the greatest value, and how many rows have none.
    fn statistics(&self, bounds: Option<(u32, u32)>, nulls: u64) -> Statistics;

    /// How the column is stored.
    const TYPE: Type;
}

/// Texts. Where a column is nullable, the empty text is null.
pub(super) struct Texts<'a> {
    pub(super) values: &'a [Arc<str>],
    pub(super) is_nullable: bool,
}

impl Texts<'_> {
    fn get(&self, code: u32) -> &str {
        self.values.get(place(code)).map_or("", |text| text)
    }
}

impl Coding for Texts<'_> {
    const TYPE: Type = Type::BYTE_ARRAY;

    fn len(&self) -> usize {
        self.values.len()
    }

    fn is_null(&self, code: u32) -> bool {
        self.is_nullable && self.get(code).is_empty()
    }

    fn bare(&self, code: u32) -> Vec<u8> {
        self.get(code).as_bytes().to_vec()
    }

    fn plain(&self, code: u32, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
        text(self.get(code), bytes)
    }

    fn statistics(&self, bounds: Option<(u32, u32)>, nulls: u64) -> Statistics {
        let (least, greatest) = bounds.map(|(least, greatest)| (self.get(least), self.get(greatest))).unzip();
        Statistics::byte_array(least.map(ByteArray::from), greatest.map(ByteArray::from), None, Some(nulls), false)
    }
}

/// Days, as days since 1970.
pub(super) struct Days<'a>(pub(super) &'a [NaiveDate]);

impl Days<'_> {
    fn get(&self, code: u32) -> i32 {
        self.0.get(place(code)).copied().unwrap_or_default().to_epoch_days()
    }
}

impl Coding for Days<'_> {
    const TYPE: Type = Type::INT32;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_null(&self, _code: u32) -> bool {
        false
    }

    fn bare(&self, code: u32) -> Vec<u8> {
        self.get(code).to_le_bytes().to_vec()
    }

    fn plain(&self, code: u32, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
        bytes.extend_from_slice(&self.get(code).to_le_bytes());
        Ok(())
    }

    fn statistics(&self, bounds: Option<(u32, u32)>, nulls: u64) -> Statistics {
        let (least, greatest) = bounds.map(|(least, greatest)| (self.get(least), self.get(greatest))).unzip();
        Statistics::int32(least, greatest, None, Some(nulls), false)
    }
}

/// Counts.
struct Counts(Vec<u32>);

impl Counts {
    fn get(&self, code: u32) -> i64 {
        self.0.get(place(code)).copied().unwrap_or_default().into()
    }
}

impl Coding for Counts {
    const TYPE: Type = Type::INT64;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_null(&self, _code: u32) -> bool {
        false
    }

    fn bare(&self, code: u32) -> Vec<u8> {
        self.get(code).to_le_bytes().to_vec()
    }

    fn plain(&self, code: u32, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
        bytes.extend_from_slice(&self.get(code).to_le_bytes());
        Ok(())
    }

    fn statistics(&self, bounds: Option<(u32, u32)>, nulls: u64) -> Statistics {
        let (least, greatest) = bounds.map(|(least, greatest)| (self.get(least), self.get(greatest))).unzip();
        Statistics::int64(least, greatest, None, Some(nulls), false)
    }
}

/// A text as the encoding PLAIN has it: its length in four bytes, and its bytes.
pub(super) fn text(text: &str, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
    let length: u32 = checked(text.len())?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The numbers of some rows, as words.
pub(super) fn words(codes: &Codes, rows: Range<usize>, words: &mut Vec<u32>) {
    words.clear();
    match codes {
        Codes::Zeros(_) => words.extend(iter::repeat_n(0, rows.len())),
        Codes::Bytes(codes) => words.extend(codes.get(rows).unwrap_or_default().iter().copied().map(u32::from)),
        Codes::Shorts(codes) => words.extend(codes.get(rows).unwrap_or_default().iter().copied().map(u32::from)),
        Codes::Words(codes) => words.extend_from_slice(codes.get(rows).unwrap_or_default()),
    }
}

/// Writes a column of the rows of these pages.
pub(super) fn write<C: Coding>(
    mut chunk: ChunkWriter<'_>,
    coding: &C,
    codes: &Codes,
    pages: &[Range<usize>],
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let mut page_codes = Vec::new();
    let mut is_used = vec![false; coding.len()];
    for rows in pages {
        words(codes, rows.clone(), &mut page_codes);
        for code in &page_codes {
            if let Some(is_used) = is_used.get_mut(place(*code)) {
                *is_used = true;
            }
        }
    }
    // Each code's place in the dictionary of the group. Values are in order, and so are their places.
    let (mut places, mut dictionary, mut values) = (Vec::with_capacity(is_used.len()), Vec::new(), 0_u32);
    for (code, is_used) in (0..).zip(is_used) {
        places.push(values);
        if is_used && !coding.is_null(code) {
            coding.plain(code, &mut dictionary)?;
            values += 1;
        }
    }
    if values > 0 {
        chunk.dictionary(&dictionary, place(values))?;
    }
    let width = hybrid::width(values.saturating_sub(1));
    let null = (0..number(coding.len())).find(|code| coding.is_null(*code));
    let mut index = ColumnIndexBuilder::new(C::TYPE);
    let (mut bounds, mut nulls): (Option<(u32, u32)>, u64) = (None, 0);
    let mut definitions = Vec::new();
    for rows in pages {
        words(codes, rows.clone(), &mut page_codes);
        if chunk.is_nullable() {
            definitions.clear();
            definitions.extend(page_codes.iter().map(|code| u32::from(Some(*code) != null)));
            page_codes.retain(|code| Some(*code) != null);
        }
        let page_bounds = page_codes.iter().min().copied().zip(page_codes.iter().max().copied());
        let page_nulls = rows.len() - page_codes.len();
        let (least, greatest) =
            page_bounds.map(|(least, greatest)| (coding.bare(least), coding.bare(greatest))).unwrap_or_default();
        index.append(page_bounds.is_none(), least, greatest, checked(page_nulls)?, None);
        nulls += checked::<_, u64>(page_nulls)?;
        bounds = match (bounds, page_bounds) {
            (Some((least, greatest)), Some((lower, higher))) => Some((least.min(lower), greatest.max(higher))),
            (one, other) => one.or(other),
        };
        for code in &mut page_codes {
            *code = places.get(place(*code)).copied().unwrap_or_default();
        }
        // A group without any value has no dictionary to refer to.
        let values = if values == 0 { Values::Plain(&[]) } else { Values::Codes { codes: &page_codes, width } };
        chunk.page(&DataPage { rows: rows.len(), repetitions: &[], definitions: &definitions, values })?;
    }
    chunk.close(coding.statistics(bounds, nulls), Some(index))
}

/// Writes a column of counts.
pub(super) fn write_counts(
    chunk: ChunkWriter<'_>,
    counts: &Codes,
    pages: &[Range<usize>],
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    // Small counts are codes already.
    const SMALL: u32 = 1 << 16;
    let largest = counts.largest().unwrap_or_default();
    if largest < SMALL {
        return write(chunk, &Counts((0..=largest).collect()), counts, pages);
    }
    let mut distinct: Vec<_> = counts.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let code = |count: u32| number(distinct.partition_point(|other| *other < count));
    let codes = Codes::of(counts.iter().map(code), number(distinct.len()));
    write(chunk, &Counts(distinct), &codes, pages)
}
