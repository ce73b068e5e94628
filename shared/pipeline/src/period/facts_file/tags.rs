//! The two columns of the map of tags.

use std::collections::HashMap;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use spend_core::table::coded::Coded;
use spend_core::table::codes::{number, place};
use spend_core::table::tags::Tags;

use crate::period::facts_file::chunk::{ChunkWriter, DataPage, Values};
use crate::period::facts_file::{coded, hybrid};

/// Writes one part of the tags of the rows of these pages.
///
/// A row without tags stands there once, undefined; of any other, each tag after the first repeats the row. `defined` is
/// the definition level of a part that is there: a value could be missing where its key is not.
pub(super) fn write<'a, P>(
    mut chunk: ChunkWriter<'_>,
    tags: &'a Coded<Arc<Tags>>,
    pages: &[Range<usize>],
    defined: u32,
    part: impl Fn(&'a Tags) -> P,
) -> Result<(Bytes, ColumnCloseResult), ParquetError>
where
    P: Iterator<Item = &'a Arc<str>>,
{
    let mut sets = Vec::new();
    let mut is_used = vec![false; tags.values.len()];
    for rows in pages {
        coded::words(&tags.codes, rows.clone(), &mut sets);
        for set in &sets {
            if let Some(is_used) = is_used.get_mut(place(*set)) {
                *is_used = true;
            }
        }
    }
    let of_sets = || tags.values.iter().zip(&is_used).map(|(set, is_used)| is_used.then_some(&**set));
    let mut texts: Vec<&str> = of_sets().flatten().flat_map(&part).map(|text| &**text).collect();
    texts.sort_unstable();
    texts.dedup();
    let mut dictionary = Vec::new();
    for text in &texts {
        coded::text(text, &mut dictionary)?;
    }
    if !texts.is_empty() {
        chunk.dictionary(&dictionary, texts.len())?;
    }
    let width = hybrid::width(number(texts.len().saturating_sub(1)));
    let places: HashMap<&str, u32> = texts.iter().copied().zip(0..).collect();
    // For each set, its texts by their places in the dictionary.
    let of_set = |set: &'a Tags| part(set).map(|text| places.get(&**text).copied().unwrap_or_default()).collect();
    let sets_of_places: Vec<Vec<u32>> = of_sets().map(|set| set.map(&of_set).unwrap_or_default()).collect();
    let (mut codes, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    for rows in pages {
        codes.clear();
        definitions.clear();
        repetitions.clear();
        coded::words(&tags.codes, rows.clone(), &mut sets);
        for set in &sets {
            let of_row = sets_of_places.get(place(*set)).map(Vec::as_slice).unwrap_or_default();
            codes.extend_from_slice(of_row);
            definitions.extend(iter::repeat_n(if of_row.is_empty() { 0 } else { defined }, of_row.len().max(1)));
            repetitions.push(0);
            repetitions.extend(iter::repeat_n(1, of_row.len().saturating_sub(1)));
        }
        let values = if texts.is_empty() { Values::Plain(&[]) } else { Values::Codes { codes: &codes, width } };
        chunk.page(&DataPage { rows: rows.len(), repetitions: &repetitions, definitions: &definitions, values })?;
    }
    // Nobody asks for rows by all of their tags.
    chunk.close(Statistics::byte_array(None, None, None, None, false), None)
}
