//! The first look at a row group: which rows the columns that tell say to be Bedrock's.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;
use spend_core::bill::bedrock_line::{Rule, RuleSet};

use crate::parquet_file::direct::finder::Finder;
use crate::parquet_file::direct::gather::{Gathered, Gatherer};
use crate::parquet_file::direct::leaf::{Page, Shape, Visitor, walk};
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::values::Physical;

/// Adds `rule` to the rows whose text satisfies it.
pub(crate) fn test(
    rule: Rule,
    column: &ColumnChunkMetaData,
    bytes: &[u8],
    sets: &mut [RuleSet],
    buffer: &mut Vec<u8>,
) -> Result<(), Odd> {
    walk(column, bytes, Shape::Flat, buffer, &mut Marker { finder: Finder::of(rule), sets })
}

/// As [`test()`], of the last column that is looked at: gathers its texts of the rows that are Bedrock's by then, so that its
/// pages are decompressed once.
pub(crate) fn test_and_gather(
    rule: Rule,
    column: &ColumnChunkMetaData,
    bytes: &[u8],
    sets: &mut [RuleSet],
    memory: u64,
    buffer: &mut Vec<u8>,
) -> Result<Gathered, Odd> {
    let gatherer = Gatherer::new(Physical::Text, 0, memory);
    let mut last = Last { marker: Marker { finder: Finder::of(rule), sets }, gatherer };
    walk(column, bytes, Shape::Flat, buffer, &mut last)?;
    let count = last.marker.sets.iter().filter(|set| set.is_bedrock()).count();
    last.gatherer.finish(count)
}

struct Marker<'a> {
    finder: Finder,
    sets: &'a mut [RuleSet],
}

impl Visitor for Marker<'_> {
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.finder.dictionary(values, bytes)
    }

    fn wants(&mut self, _: &Range<usize>, is_coded: bool) -> bool {
        self.finder.finds_any() || !is_coded
    }

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd> {
        let Page { slots, present, values, .. } = page;
        let sets = self.sets.get_mut(slots).ok_or(Odd)?;
        let rule = self.finder.rule();
        self.finder.find(&present, sets.len(), values, &mut |slot| {
            if let Some(set) = sets.get_mut(slot) {
                set.insert(rule);
            }
        })
    }
}

struct Last<'a> {
    marker: Marker<'a>,
    gatherer: Gatherer,
}

impl Visitor for Last<'_> {
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.marker.dictionary(values, bytes)?;
        self.gatherer.dictionary(values, bytes)
    }

    fn wants(&mut self, slots: &Range<usize>, is_coded: bool) -> bool {
        let sets = || self.marker.sets.get(slots.clone()).unwrap_or_default();
        self.marker.finder.finds_any() || !is_coded || sets().iter().any(|set| set.is_bedrock())
    }

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd> {
        let slots = page.slots.clone();
        self.marker.page(page.clone())?;
        let sets = self.marker.sets.get(slots).ok_or(Odd)?;
        self.gatherer.page(page, runs(sets))
    }
}

/// Where rows stand together that are Bedrock's.
fn runs(sets: &[RuleSet]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + sets.get(at..)?.iter().position(|set| set.is_bedrock())?;
        let rest = sets.get(start..)?;
        at = start + rest.iter().position(|set| !set.is_bedrock()).unwrap_or(rest.len());
        Some(start..at)
    })
}
