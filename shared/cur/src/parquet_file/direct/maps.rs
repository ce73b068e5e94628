//! The entries of chosen rows of a column of maps: those whose keys matter.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;
use spend_core::bill::line::limits::MOST_ENTRIES;

use crate::parquet_file::direct::bits::Marks;
use crate::parquet_file::direct::codes::NarrowCodes;
use crate::parquet_file::direct::gather::{Gathered, check, gather, wide};
use crate::parquet_file::direct::leaf::{Page, Shape, Values, Visitor, walk};
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::values::{Physical, TextValues, skip_texts, split_text};

/// The entries of the rows, one row after the other.
pub(crate) struct GatheredMaps {
    /// How many entries each row has.
    pub(crate) lengths: NarrowCodes,
    pub(crate) keys: NarrowCodes,
    pub(crate) key_values: TextValues,
    pub(crate) values: NarrowCodes,
    pub(crate) value_values: TextValues,
}

impl GatheredMaps {
    pub(crate) fn held(&self) -> u64 {
        let bytes = self.lengths.bytes()
            + self.keys.bytes()
            + self.key_values.held()
            + self.values.bytes()
            + self.value_values.held();
        bytes as u64
    }
}

/// A column of maps: its leaves as they lie in the file.
#[derive(Clone, Copy)]
pub(crate) struct MapLeaves<'a> {
    pub(crate) key: (&'a ColumnChunkMetaData, &'a [u8]),
    pub(crate) value: (&'a ColumnChunkMetaData, &'a [u8]),
    pub(crate) shape: Shape,
    /// Whether an entry may lack its key.
    pub(crate) keys_may_lack: bool,
}

/// Gathers the maps of `rows`, which are sorted and of which there are `count`, within `memory`: of entries whose key does
/// not matter only the first of each key.
pub(crate) fn gather_maps(
    leaves: MapLeaves<'_>,
    rows: &[Range<u32>],
    count: usize,
    matters: &dyn Fn(&str) -> bool,
    memory: u64,
    buffer: &mut Vec<u8>,
) -> Result<GatheredMaps, Odd> {
    let mut keys = Keys {
        rows,
        begun: 0,
        entries: 0,
        is_open: false,
        keys_may_lack: leaves.keys_may_lack,
        matters,
        states: Vec::new(),
        dictionary: 0,
        codes: NarrowCodes::new(0, 0),
        values: TextValues::default(),
        lengths: NarrowCodes::new(0, count),
        closed: 0,
        slots: Vec::new(),
        scratch: Vec::new(),
        memory,
    };
    let (column, bytes) = leaves.key;
    walk(column, bytes, leaves.shape, buffer, &mut keys)?;
    keys.close()?;
    if !keys.rows.is_empty() || keys.lengths.len() != count {
        return Err(Odd);
    }
    let Keys { mut codes, values: key_values, mut lengths, slots, .. } = keys;
    codes.fit();
    lengths.fit();
    let (column, bytes) = leaves.value;
    let held = (codes.bytes() + key_values.held() + lengths.bytes() + slots.capacity() * 8) as u64;
    let left = memory.checked_sub(held).ok_or(Odd)?;
    match gather(column, bytes, Physical::Text, &slots, codes.len(), left, buffer)? {
        Gathered::Texts { codes: value_codes, values } => {
            Ok(GatheredMaps { lengths, keys: codes, key_values, values: value_codes, value_values: values })
        }
        Gathered::Times { .. } | Gathered::Numbers { .. } => Err(Odd),
    }
}

/// What is done with the entries of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyState {
    Unknown,
    Matters,
    /// It does not matter, and no entry of it was seen.
    Unseen,
    Seen,
}

struct Keys<'a> {
    /// The rows that are still to come, or are being read.
    rows: &'a [Range<u32>],
    /// How many rows have begun before the page.
    begun: usize,
    /// How many entries the row that is being read has so far.
    entries: usize,
    /// Whether a chosen row is being read: it may go on in the next page.
    is_open: bool,
    keys_may_lack: bool,
    matters: &'a dyn Fn(&str) -> bool,
    states: Vec<KeyState>,
    dictionary: usize,
    codes: NarrowCodes,
    values: TextValues,
    lengths: NarrowCodes,
    /// How many entries the rows have that were read.
    closed: usize,
    /// Where the entries are among the column's values.
    slots: Vec<Range<u32>>,
    scratch: Vec<u32>,
    memory: u64,
}

impl Visitor for Keys<'_> {
    fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.dictionary = values;
        self.codes = NarrowCodes::new(values, 0);
        self.values = TextValues::of(values, bytes)?;
        self.states = vec![KeyState::Unknown; values];
        Ok(())
    }

    fn wants(&mut self, _: &Range<usize>, _: bool) -> bool {
        self.is_open || !self.rows.is_empty()
    }

    fn page(&mut self, page: Page<'_>) -> Result<(), Odd> {
        let Page { slots, starts, exists, present, mut values } = page;
        let (starts, exists) = (starts.ok_or(Odd)?, exists.ok_or(Odd)?);
        let count = slots.len();
        let rows_here = starts.count(0..count);
        // Before it begins, its first slots may be those of the row before.
        let first_start = starts.find(0, 0);
        if self.begun == 0 && first_start > 0 {
            return Err(Odd);
        }
        let mut at = 0;
        if self.is_open {
            self.take(&slots, &starts, &exists, &present, &mut values, 0..first_start)?;
            at = first_start;
            if first_start < count {
                self.close()?;
            }
        }
        let (begun, mut row, mut row_at) = (self.begun, self.begun, first_start);
        while let Some((next, rest)) = self.rows.split_first() {
            let next = wide(next);
            let end = begun + rows_here;
            if next.start >= end {
                break;
            }
            let from = next.start.max(row);
            let start = starts.find(row_at, from - row);
            let to = next.end.min(end);
            let stop = if to == end { count } else { starts.find(start, to - from) };
            skip(&mut values, present.count(at..start))?;
            self.take(&slots, &starts, &exists, &present, &mut values, start..stop)?;
            (at, row, row_at) = (stop, to, stop);
            if to < end {
                self.close()?;
            }
            if next.end > end {
                break;
            }
            self.rows = rest;
        }
        self.begun += rows_here;
        let held = self.codes.bytes() + self.values.held() + self.lengths.bytes() + self.slots.capacity() * 8;
        if held as u64 > self.memory { Err(Odd) } else { Ok(()) }
    }
}

fn skip(values: &mut Values<'_>, count: usize) -> Result<(), Odd> {
    match values {
        Values::Codes(codes) => codes.skip(count)?,
        Values::Plain(bytes) => *bytes = skip_texts(bytes, count)?,
    }
    Ok(())
}

impl Keys<'_> {
    /// Takes the entries in `range` of a page, all of which belong to chosen rows.
    fn take(
        &mut self,
        slots: &Range<usize>,
        starts: &Marks,
        exists: &Marks,
        present: &Marks,
        values: &mut Values<'_>,
        range: Range<usize>,
    ) -> Result<(), Odd> {
        let mut codes = std::mem::take(&mut self.scratch);
        codes.clear();
        let count = present.count(range.clone());
        match values {
            Values::Codes(from) => {
                from.read(count, &mut codes)?;
                check(&codes, self.dictionary)?;
            }
            Values::Plain(bytes) => {
                for _ in 0..count {
                    let (text, rest) = split_text(bytes)?;
                    codes.push(self.values.code(text)?);
                    *bytes = rest;
                }
                self.states.resize(self.values.len(), KeyState::Unknown);
            }
        }
        let mut next = codes.iter();
        for slot in range {
            if starts.get(slot) {
                self.close()?;
                self.is_open = true;
            }
            if !exists.get(slot) {
                continue;
            }
            self.entries += 1;
            if !present.get(slot) {
                if self.keys_may_lack {
                    continue;
                }
                return Err(Odd);
            }
            let code = *next.next().ok_or(Odd)?;
            if self.is_taken(code)? {
                self.codes.push_run(code, 1);
                let slot = u32::try_from(slots.start + slot).map_err(|_| Odd)?;
                match self.slots.last_mut() {
                    Some(last) if last.end == slot => last.end += 1,
                    _ => self.slots.push(slot..slot + 1),
                }
            }
        }
        self.scratch = codes;
        Ok(())
    }

    fn is_taken(&mut self, code: u32) -> Result<bool, Odd> {
        let code = usize::try_from(code).map_err(|_| Odd)?;
        let state = self.states.get_mut(code).ok_or(Odd)?;
        if *state == KeyState::Unknown {
            let text = self.values.get(code).and_then(|text| str::from_utf8(text).ok()).ok_or(Odd)?;
            *state = if (self.matters)(text) { KeyState::Matters } else { KeyState::Unseen };
        }
        Ok(match *state {
            KeyState::Matters => true,
            KeyState::Unseen => {
                *state = KeyState::Seen;
                true
            }
            KeyState::Unknown | KeyState::Seen => false,
        })
    }

    /// Ends the row that is being read, if one is.
    fn close(&mut self) -> Result<(), Odd> {
        if self.is_open {
            // A row with more is refused, with its place: the library's rows say it.
            if self.entries > MOST_ENTRIES {
                return Err(Odd);
            }
            let taken = self.codes.len();
            self.lengths.push_run(u32::try_from(taken - self.closed).map_err(|_| Odd)?, 1);
            self.closed = taken;
            (self.is_open, self.entries) = (false, 0);
        }
        Ok(())
    }
}
