//! The first look at a row group: which rows the columns that tell say to be Bedrock's.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;
use spend_core::bill::bedrock_line::{Rule, RuleSet};

use crate::parquet_file::direct::bits::Marks;
use crate::parquet_file::direct::hybrid::{Run, unpack};
use crate::parquet_file::direct::leaf::{Page, Shape, Values, Visitor, only_codes, walk};
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::values::{TextValues, split_text};

/// Which of the texts of a dictionary page satisfy `rule`.
pub(crate) fn matches(rule: Rule, values: usize, bytes: &[u8]) -> Result<Vec<bool>, Odd> {
    let texts = TextValues::of(values, bytes)?;
    (0..texts.len()).map(|code| matches_text(rule, texts.get(code).ok_or(Odd)?)).collect()
}

fn matches_text(rule: Rule, text: &[u8]) -> Result<bool, Odd> {
    str::from_utf8(text).map(|text| rule.matches(text)).map_err(|_| Odd)
}

/// Adds `rule` to the rows whose text satisfies it.
pub(crate) fn test(
    rule: Rule,
    column: &ColumnChunkMetaData,
    bytes: &[u8],
    sets: &mut [RuleSet],
    buffer: &mut Vec<u8>,
) -> Result<(), Odd> {
    let mark = |slot: usize| {
        if let Some(set) = sets.get_mut(slot) {
            set.insert(rule);
        }
    };
    walk(column, bytes, Shape::Flat, buffer, &mut Finder::new(rule, mark))
}

/// The rows of a column of maps that have a value that satisfies `rule`, whatever its key.
pub(crate) fn candidates(
    rule: Rule,
    column: &ColumnChunkMetaData,
    bytes: &[u8],
    shape: Shape,
    buffer: &mut Vec<u8>,
) -> Result<Vec<Range<u32>>, Odd> {
    let mut rows = Rows { begun: 0, rows: Vec::new(), is_odd: false };
    let has_others = !only_codes(bytes)?;
    let mut finder = MapFinder { finder: Finder::new(rule, ()), has_others, rows: &mut rows };
    walk(column, bytes, shape, buffer, &mut finder)?;
    if rows.is_odd { Err(Odd) } else { Ok(rows.rows) }
}

/// Finds the slots whose text satisfies a rule.
struct Finder<F> {
    rule: Rule,
    matches: Vec<bool>,
    is_any: bool,
    scratch: Vec<u32>,
    found: F,
}

impl<F> Finder<F> {
    fn new(rule: Rule, found: F) -> Self {
        Self { rule, matches: Vec::new(), is_any: false, scratch: Vec::new(), found }
    }

    fn take_dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.matches = matches(self.rule, values, bytes)?;
        self.is_any = self.matches.contains(&true);
        Ok(())
    }

    /// Calls `found` with those of a page's slots, counted from the page's first, whose text satisfies the rule.
    fn find(
        &mut self,
        present: &Marks,
        count: usize,
        values: Values<'_>,
        found: &mut dyn FnMut(usize),
    ) -> Result<(), Odd> {
        let with_value = present.count(0..count);
        let is_whole = with_value == count;
        // Where the value is that was found last: its number among those that are there, and its slot.
        let mut last = (0, if is_whole { 0 } else { present.find(0, 0) });
        let mut tell = |value: usize| {
            if is_whole {
                return found(value);
            }
            last = (value, present.find(last.1, value - last.0));
            found(last.1);
        };
        match values {
            Values::Codes(mut codes) => {
                let mut at = 0;
                while at < with_value {
                    let (run, length) = codes.next(with_value - at)?;
                    let is_match = |code: u32| -> Result<bool, Odd> {
                        self.matches.get(usize::try_from(code).map_err(|_| Odd)?).copied().ok_or(Odd)
                    };
                    match run {
                        Run::Same(code) => {
                            if is_match(code)? {
                                (at..at + length).for_each(&mut tell);
                            }
                        }
                        Run::Packed(packed, from) => {
                            self.scratch.clear();
                            unpack(packed, codes.width(), from, length, &mut self.scratch);
                            for (index, code) in self.scratch.iter().enumerate() {
                                if is_match(*code)? {
                                    tell(at + index);
                                }
                            }
                        }
                    }
                    at += length;
                }
            }
            Values::Plain(mut bytes) => {
                for value in 0..with_value {
                    let (text, rest) = split_text(bytes)?;
                    if matches_text(self.rule, text)? {
                        tell(value);
                    }
                    bytes = rest;
                }
            }
        }
        Ok(())
    }
}

impl<F: FnMut(usize)> Visitor for Finder<F> {
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.take_dictionary(values, bytes)
    }

    fn wants(&mut self, _: &Range<usize>, is_coded: bool) -> bool {
        self.is_any || !is_coded
    }

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd> {
        let Page { slots, present, values, .. } = page;
        let mut slots_found = Vec::new();
        self.find(&present, slots.len(), values, &mut |slot| slots_found.push(slots.start + slot))?;
        slots_found.into_iter().for_each(&mut self.found);
        Ok(())
    }
}

/// Rows of which a value was found.
struct Rows {
    begun: usize,
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

struct MapFinder<'a, F> {
    finder: Finder<F>,
    /// Whether there are texts beside the dictionary's.
    has_others: bool,
    rows: &'a mut Rows,
}

impl<F> Visitor for MapFinder<'_, F> {
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.finder.take_dictionary(values, bytes)
    }

    /// Rows are counted by the levels of every page, unless nothing can be found.
    fn wants(&mut self, _: &Range<usize>, _: bool) -> bool {
        self.finder.is_any || self.has_others
    }

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd> {
        let Page { slots, starts, present, values, .. } = page;
        let starts = starts.ok_or(Odd)?;
        let (count, rows) = (slots.len(), &mut *self.rows);
        let begun = rows.begun;
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
        rows.begun = begun + starts.count(0..count);
        Ok(())
    }
}
