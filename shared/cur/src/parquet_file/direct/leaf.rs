//! The pages of a column chunk, decompressed and taken apart where they are wanted.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;

use crate::limits::DICTIONARY_VALUES;
use crate::parquet_file::direct::bits::Marks;
use crate::parquet_file::direct::hybrid::{Hybrid, marks};
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::page_header::{Holds, Levels, PageHeader};
use crate::parquet_file::page_sizes::size_of;
use crate::parquet_file::pages::{Pages, body_into, split_levels};

/// Parquet's numbers for encodings.
const PLAIN: i32 = 0;
const DICTIONARY_CODES: [i32; 2] = [2, 8];
const RLE: i32 = 3;

/// The largest page that is decompressed here.
const MOST: usize = 64 * 1024 * 1024;

/// A page of data.
#[derive(Clone)]
pub(crate) struct Page<'a> {
    /// Which of the column chunk's values it holds, with nulls: rows, or entries of maps.
    pub(crate) slots: Range<usize>,
    /// Where the rows of a column of maps begin.
    pub(crate) starts: Option<Marks>,
    /// Which of a column of maps are entries: the others stand for a map without any.
    pub(crate) exists: Option<Marks>,
    /// Which have a value.
    pub(crate) present: Marks,
    pub(crate) values: Values<'a>,
}

/// The values of those that have one.
#[derive(Clone)]
pub(crate) enum Values<'a> {
    Codes(Hybrid<'a>),
    Plain(&'a [u8]),
}

/// What is made of the pages.
pub(crate) trait Visitor {
    /// The dictionary, of so many values.
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd>;

    /// Whether a page is to be decompressed that holds `slots`, as codes of the dictionary or not.
    fn wants(&mut self, slots: &Range<usize>, is_coded: bool) -> bool;

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd>;
}

/// How the levels of a column of maps are read.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// One value for each row; or of maps whose rows do not matter.
    Flat,
    /// Entries are there from this level on.
    Map { exists_from: u32 },
}

/// Whether all pages of data are codes of the dictionary.
pub(crate) fn only_codes(bytes: &[u8]) -> Result<bool, Odd> {
    for page in Pages::of(bytes) {
        let (_, header, _) = page.map_err(|_| Odd)?;
        if let Holds::Data { encoding, .. } = header.holds
            && !DICTIONARY_CODES.contains(&encoding)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The dictionary at the beginning of a column chunk, of which `bytes` may be the beginning alone: how many values it has,
/// and the values.
pub(crate) fn dictionary<'a>(
    column: &ColumnChunkMetaData,
    bytes: &'a [u8],
    buffer: &'a mut Vec<u8>,
) -> Result<(usize, &'a [u8]), Odd> {
    let (_, header, page) = Pages::of(bytes).next().ok_or(Odd)?.map_err(|_| Odd)?;
    match header.holds {
        Holds::Dictionary { values } if values <= DICTIONARY_VALUES => {
            size_of(column.compression(), &header, page).map_err(|_| Odd)?;
            Ok((values, body(column, &header, page, buffer)?))
        }
        _ => Err(Odd),
    }
}

/// Walks the pages of a column chunk whose headers were checked.
pub(crate) fn walk(
    column: &ColumnChunkMetaData,
    bytes: &[u8],
    shape: Shape,
    buffer: &mut Vec<u8>,
    visitor: &mut impl Visitor,
) -> Result<(), Odd> {
    let mut first = 0_usize;
    for page in Pages::of(bytes) {
        let (_, header, page) = page.map_err(|_| Odd)?;
        match header.holds {
            Holds::Index => {}
            Holds::Dictionary { values } => {
                if first > 0 {
                    return Err(Odd);
                }
                visitor.dictionary(values, body(column, &header, page, buffer)?)?;
            }
            Holds::Data { values: count, encoding, levels, .. } => {
                let is_coded = DICTIONARY_CODES.contains(&encoding);
                if !is_coded && encoding != PLAIN {
                    return Err(Odd);
                }
                let slots = first..first.checked_add(count).ok_or(Odd)?;
                first = slots.end;
                if count > 0 && visitor.wants(&slots, is_coded) {
                    let body = body(column, &header, page, buffer)?;
                    visitor.page(take_apart(column, levels, page, body, slots, shape, is_coded)?)?;
                }
            }
        }
    }
    Ok(())
}

fn body<'a>(
    column: &ColumnChunkMetaData,
    header: &PageHeader,
    page: &'a [u8],
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], Odd> {
    if header.uncompressed > MOST {
        return Err(Odd);
    }
    body_into(column, header, page, buffer).map_err(|_| Odd)
}

fn take_apart<'a>(
    column: &ColumnChunkMetaData,
    levels: Levels,
    page: &'a [u8],
    body: &'a [u8],
    slots: Range<usize>,
    shape: Shape,
    is_coded: bool,
) -> Result<Page<'a>, Odd> {
    let descriptor = column.column_descr();
    let most = |level: i16| u32::try_from(level).map_err(|_| Odd);
    let (most_repetition, most_definition) = (most(descriptor.max_rep_level())?, most(descriptor.max_def_level())?);
    let (repetition, definition, values) = match levels {
        Levels::Before { all, repetition } => {
            let repetition_bytes = page.get(..repetition).ok_or(Odd)?;
            (repetition_bytes, page.get(repetition..all).ok_or(Odd)?, body)
        }
        Levels::Inside { definition, repetition } => {
            let (mut repetition_bytes, mut definition_bytes, mut rest) = (&[][..], &[][..], body);
            if most_repetition > 0 {
                (repetition_bytes, rest) = split_levels(repetition, rest).filter(|_| repetition == RLE).ok_or(Odd)?;
            }
            if most_definition > 0 {
                (definition_bytes, rest) = split_levels(definition, rest).filter(|_| definition == RLE).ok_or(Odd)?;
            }
            (repetition_bytes, definition_bytes, rest)
        }
    };
    let count = slots.len();
    let present = match most_definition {
        0 => Marks::All(count),
        most => marks(definition, most, most, count)?,
    };
    let (starts, exists) = match shape {
        Shape::Flat => (None, None),
        Shape::Map { exists_from } => {
            let starts = marks(repetition, most_repetition, most_repetition, count)?;
            let exists = if exists_from == most_definition {
                present.clone()
            } else {
                marks(definition, most_definition, exists_from, count)?
            };
            (Some(starts.inverted()), Some(exists))
        }
    };
    let values = if is_coded {
        match values.split_first() {
            Some((width, codes)) => Values::Codes(Hybrid::new(codes, u32::from(*width))?),
            None => Values::Codes(Hybrid::new(&[], 0)?),
        }
    } else {
        Values::Plain(values)
    };
    Ok(Page { slots, starts, exists, present, values })
}
