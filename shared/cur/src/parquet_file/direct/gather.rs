//! The values of chosen slots of a column chunk: of rows, or of entries of maps.

use std::collections::HashMap;
use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;

use crate::parquet_file::direct::bits::{Bits, Marks};
use crate::parquet_file::direct::codes::{NULL, NarrowCodes};
use crate::parquet_file::direct::leaf::{Page, Shape, Values, Visitor, walk};
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::values::{Physical, TextValues, double, seconds, skip_texts, split_text, width};

/// What was gathered, in the order of the slots.
pub(crate) enum Gathered {
    Texts {
        codes: NarrowCodes,
        values: TextValues,
    },
    /// Seconds since 1970.
    Times {
        codes: NarrowCodes,
        values: Vec<i64>,
    },
    Numbers {
        values: Vec<f64>,
        present: Bits,
    },
}

impl Gathered {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Texts { codes, .. } | Self::Times { codes, .. } => codes.len(),
            Self::Numbers { values, .. } => values.len(),
        }
    }

    /// How much memory it takes.
    pub(crate) fn held(&self) -> u64 {
        let bytes = match self {
            Self::Texts { codes, values } => codes.bytes() + values.held(),
            Self::Times { codes, values } => codes.bytes() + values.capacity() * 8,
            Self::Numbers { values, present } => values.capacity() * 8 + present.len() / 8,
        };
        bytes as u64
    }
}

/// Gathers the values of `slots`, which are sorted and of which there are `count`, within `memory`.
pub(crate) fn gather(
    column: &ColumnChunkMetaData,
    bytes: &[u8],
    physical: Physical,
    slots: &[Range<u32>],
    count: usize,
    memory: u64,
    buffer: &mut Vec<u8>,
) -> Result<Gathered, Odd> {
    let mut chosen = Chosen { gatherer: Gatherer::new(physical, count, memory), slots };
    walk(column, bytes, Shape::Flat, buffer, &mut chosen)?;
    chosen.gatherer.finish(count)
}

/// Gathers the values of slots that are known before.
struct Chosen<'a> {
    gatherer: Gatherer,
    /// Those that are still to come.
    slots: &'a [Range<u32>],
}

impl Visitor for Chosen<'_> {
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.gatherer.dictionary(values, bytes)
    }

    fn wants(&mut self, slots: &Range<usize>, _: bool) -> bool {
        self.slots.first().is_some_and(|next| wide(next).start < slots.end)
    }

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd> {
        let here = page.slots.clone();
        let mut slots = self.slots;
        let ranges = std::iter::from_fn(|| {
            let (next, rest) = slots.split_first()?;
            let next = wide(next);
            if next.start >= here.end {
                return None;
            }
            slots = rest;
            // What a page holds of a range that goes on in the next, or that began before.
            Some(next.start.max(here.start) - here.start..next.end.min(here.end) - here.start)
        });
        self.gatherer.page(page, ranges)?;
        let done = self.slots.iter().take_while(|range| wide(range).end <= here.end).count();
        self.slots = self.slots.get(done..).unwrap_or_default();
        Ok(())
    }
}

/// Gathers values page by page.
pub(crate) struct Gatherer {
    physical: Physical,
    into: Gathered,
    /// The dictionary of numbers.
    doubles: Vec<f64>,
    /// How many values there will be, if that is known.
    count: usize,
    /// How many values the dictionary has.
    dictionary: usize,
    /// The codes of times of plain pages.
    known: HashMap<i64, u32>,
    scratch: Vec<u32>,
    memory: u64,
}

pub(crate) fn wide(slots: &Range<u32>) -> Range<usize> {
    let wide = |slot: u32| usize::try_from(slot).unwrap_or(usize::MAX);
    wide(slots.start)..wide(slots.end)
}

impl Gatherer {
    /// For `count` values, if that is known, within `memory`.
    pub(crate) fn new(physical: Physical, count: usize, memory: u64) -> Self {
        let into = match physical {
            Physical::Text => Gathered::Texts { codes: NarrowCodes::new(0, count), values: TextValues::default() },
            Physical::Double => Gathered::Numbers { values: Vec::with_capacity(count), present: Bits::default() },
            Physical::Int96 | Physical::Time(_) => {
                Gathered::Times { codes: NarrowCodes::new(0, count), values: Vec::new() }
            }
        };
        let (doubles, known, scratch) = (Vec::new(), HashMap::new(), Vec::new());
        Self { physical, into, doubles, count, dictionary: 0, known, scratch, memory }
    }

    /// What was gathered: `count` values.
    pub(crate) fn finish(mut self, count: usize) -> Result<Gathered, Odd> {
        if let Gathered::Texts { codes, .. } | Gathered::Times { codes, .. } = &mut self.into {
            codes.fit();
        }
        if self.into.len() == count { Ok(self.into) } else { Err(Odd) }
    }

    pub(crate) fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.dictionary = values;
        match (&mut self.into, self.physical) {
            (Gathered::Texts { codes, values: texts }, _) => {
                (*codes, *texts) = (NarrowCodes::new(values, self.count), TextValues::of(values, bytes)?);
            }
            (Gathered::Numbers { .. }, _) => {
                self.doubles = bytes.chunks_exact(8).take(values).map(double).collect::<Result<_, _>>()?;
            }
            (Gathered::Times { codes, values: times }, physical) => {
                let found = bytes.chunks_exact(width(physical)).take(values);
                *codes = NarrowCodes::new(values, self.count);
                *times = found.map(|bytes| seconds(physical, bytes)).collect::<Result<_, _>>()?;
            }
        }
        Ok(())
    }

    /// Gathers the values at `ranges` of a page, which are counted from its first.
    pub(crate) fn page(&mut self, page: Page<'_>, ranges: impl Iterator<Item = Range<usize>>) -> Result<(), Odd> {
        let Page { present, mut values, .. } = page;
        let mut at = 0;
        for range in ranges {
            self.skip(&mut values, present.count(at..range.start))?;
            at = range.end;
            self.take(&mut values, &present, range)?;
        }
        if self.into.held() > self.memory { Err(Odd) } else { Ok(()) }
    }

    fn skip(&self, values: &mut Values<'_>, count: usize) -> Result<(), Odd> {
        match values {
            Values::Codes(codes) => Ok(codes.skip(count)?),
            Values::Plain(bytes) => {
                *bytes = match self.physical {
                    Physical::Text => skip_texts(bytes, count)?,
                    physical => bytes.get(count.saturating_mul(width(physical))..).ok_or(Odd)?,
                };
                Ok(())
            }
        }
    }

    fn take(&mut self, values: &mut Values<'_>, present: &Marks, range: Range<usize>) -> Result<(), Odd> {
        let count = present.count(range.clone());
        let physical = self.physical;
        match (&mut self.into, values) {
            (Gathered::Texts { codes, .. } | Gathered::Times { codes, .. }, Values::Codes(from)) => {
                self.scratch.clear();
                from.read(count, &mut self.scratch)?;
                check(&self.scratch, self.dictionary)?;
                spread(codes, &self.scratch, present, range);
            }
            (Gathered::Texts { codes, values }, Values::Plain(bytes)) => {
                self.scratch.clear();
                for _ in 0..count {
                    let (text, rest) = split_text(bytes)?;
                    self.scratch.push(values.code(text)?);
                    *bytes = rest;
                }
                spread(codes, &self.scratch, present, range);
            }
            (Gathered::Times { codes, values }, Values::Plain(bytes)) => {
                self.scratch.clear();
                for _ in 0..count {
                    let (time, rest) = bytes.split_at_checked(width(physical)).ok_or(Odd)?;
                    let time = seconds(physical, time)?;
                    let next = u32::try_from(values.len()).map_err(|_| Odd)?;
                    self.scratch.push(*self.known.entry(time).or_insert_with(|| {
                        values.push(time);
                        next
                    }));
                    *bytes = rest;
                }
                spread(codes, &self.scratch, present, range);
            }
            (Gathered::Numbers { values, present: marks }, from) => {
                let before = values.len();
                match from {
                    Values::Codes(from) => {
                        self.scratch.clear();
                        from.read(count, &mut self.scratch)?;
                        check(&self.scratch, self.doubles.len())?;
                        let number = |code: &u32| usize::try_from(*code).ok().and_then(|code| self.doubles.get(code));
                        values.extend(self.scratch.iter().map(|code| number(code).copied().unwrap_or_default()));
                    }
                    Values::Plain(bytes) => {
                        let (taken, rest) = bytes.split_at_checked(count.saturating_mul(8)).ok_or(Odd)?;
                        *bytes = rest;
                        values.extend(taken.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)));
                    }
                }
                if count == range.len() {
                    marks.push_run(true, count);
                } else {
                    let there = values.split_off(before);
                    let mut there = there.iter();
                    for slot in range {
                        let is_present = present.get(slot);
                        marks.push_run(is_present, 1);
                        values.push(if is_present { *there.next().ok_or(Odd)? } else { 0.0 });
                    }
                }
            }
        }
        Ok(())
    }
}

/// Refuses codes that no value of the dictionary has.
pub(crate) fn check(codes: &[u32], values: usize) -> Result<(), Odd> {
    match codes.iter().max() {
        Some(most) if usize::try_from(*most).map_or(true, |most| most >= values) => Err(Odd),
        _ => Ok(()),
    }
}

/// Appends the codes of those of `range` that are present, and the others as null.
fn spread(into: &mut NarrowCodes, codes: &[u32], present: &Marks, range: Range<usize>) {
    const TOGETHER: usize = 64;
    if codes.len() == range.len() {
        return into.extend(codes);
    }
    if codes.is_empty() {
        return into.push_run(NULL, range.len());
    }
    let mut codes = codes.iter();
    let mut spread = [NULL; TOGETHER];
    for start in range.clone().step_by(TOGETHER) {
        let slots = start..range.end.min(start + TOGETHER);
        let count = slots.len();
        for (code, slot) in spread.iter_mut().zip(slots) {
            *code = if present.get(slot) { codes.next().copied().unwrap_or(NULL) } else { NULL };
        }
        into.extend(spread.get(..count).unwrap_or_default());
    }
}
