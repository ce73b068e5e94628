//! The first look at a column of maps: which rows have a product's name that says Bedrock.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;
use spend_core::bill::bedrock_line::Rule;

use crate::parquet_file::direct::finder::Finder;
use crate::parquet_file::direct::leaf::{Page, Shape, Visitor, only_codes, walk};
use crate::parquet_file::direct::maps::{MapLeaves, gather_maps};
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::values::TextValues;
use crate::rows::scan::{NameKey, name_key};

/// Calls `found` with the rows that have a name that satisfies `rule`. Where a map has a key twice, the last counts.
pub(crate) fn test_names(
    rule: Rule,
    leaves: MapLeaves<'_>,
    memory: u64,
    buffer: &mut Vec<u8>,
    mut found: impl FnMut(usize),
) -> Result<(), Odd> {
    let rows = candidates(rule, leaves.value.0, leaves.value.1, leaves.shape, buffer)?;
    if rows.is_empty() {
        return Ok(());
    }
    let count = rows.iter().map(ExactSizeIterator::len).sum();
    let maps = gather_maps(leaves, &rows, count, &|key| name_key(key).is_some(), memory, buffer)?;
    // What depends on a text alone is worked out once for each.
    let (keys, values) = (&maps.key_values, &maps.value_values);
    let names = (0..keys.len()).map(|code| text_at(keys, code).map(name_key));
    let names: Vec<_> = names.collect::<Result<_, _>>()?;
    let says = (0..values.len()).map(|code| text_at(values, code).map(|value| rule.matches(value)));
    let says: Vec<_> = says.collect::<Result<_, _>>()?;
    let mut entry = 0;
    for (index, row) in rows.into_iter().flatten().enumerate() {
        let end = entry + maps.lengths.get(index).ok_or(Odd)?;
        let (mut product_name, mut service_name) = (false, false);
        for entry in entry..end {
            let says_bedrock = || maps.values.get(entry).is_some_and(|value| says.get(value) == Some(&true));
            match maps.keys.get(entry).and_then(|key| names.get(key).copied().flatten()) {
                Some(NameKey::ProductName) => product_name = says_bedrock(),
                Some(NameKey::ServiceName) => service_name = says_bedrock(),
                None => {}
            }
        }
        if product_name || service_name {
            found(usize::try_from(row).map_err(|_| Odd)?);
        }
        entry = end;
    }
    Ok(())
}

fn text_at(values: &TextValues, code: usize) -> Result<&str, Odd> {
    values.get(code).and_then(|text| str::from_utf8(text).ok()).ok_or(Odd)
}

/// The rows that have a value that satisfies `rule`, whatever its key.
fn candidates(
    rule: Rule,
    column: &ColumnChunkMetaData,
    bytes: &[u8],
    shape: Shape,
    buffer: &mut Vec<u8>,
) -> Result<Vec<Range<u32>>, Odd> {
    let has_others = !only_codes(bytes)?;
    let mut finder =
        MapFinder { finder: Finder::of(rule), has_others, begun: 0, rows: Rows { rows: Vec::new(), is_odd: false } };
    walk(column, bytes, shape, buffer, &mut finder)?;
    if finder.rows.is_odd { Err(Odd) } else { Ok(finder.rows.rows) }
}

/// Rows of which a value was found.
struct Rows {
    rows: Vec<Range<u32>>,
    is_odd: bool,
}

impl Rows {
    fn add(&mut self, row: usize) {
        match (u32::try_from(row), self.rows.last_mut()) {
            (Ok(row), Some(last)) if last.end == row + 1 => {}
            (Ok(row), Some(last)) if last.end == row => last.end += 1,
            (Ok(row), _) => self.rows.push(row..row + 1),
            (Err(_), _) => self.is_odd = true,
        }
    }
}

struct MapFinder {
    finder: Finder,
    /// Whether there are texts beside the dictionary's.
    has_others: bool,
    /// How many rows have begun before the page.
    begun: usize,
    rows: Rows,
}

impl Visitor for MapFinder {
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.finder.dictionary(values, bytes)
    }

    /// Rows are counted by the levels of every page, unless nothing can be found.
    fn wants(&mut self, _: &Range<usize>, _: bool) -> bool {
        self.finder.finds_any() || self.has_others
    }

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd> {
        let Page { slots, starts, present, values, .. } = page;
        let starts = starts.ok_or(Odd)?;
        let (count, begun, rows) = (slots.len(), self.begun, &mut self.rows);
        let mut last = (0, 0);
        self.finder.find(&present, count, values, &mut |slot| {
            // The row that a slot belongs to is the last that began at it or before.
            let more = starts.count(last.0..slot + 1);
            last = (slot + 1, last.1 + more);
            match (begun + last.1).checked_sub(1) {
                Some(row) => rows.add(row),
                None => rows.is_odd = true,
            }
        })?;
        self.begun = begun + starts.count(0..count);
        Ok(())
    }
}
