//! Sums of rows that are numbers: whoever numbers the values says at the end what they stand for.

use std::hash::BuildHasher;
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::NaiveDate;
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::money::decimal::SumOutOfRange;
use crate::table::coded::Coded;
use crate::table::codes::{Codes, number, place};
use crate::table::combinations::Combinations;
use crate::table::field::Field;
use crate::table::measures::Measures;
use crate::table::order::{self, Ranks};
use crate::table::rows::Table;
use crate::table::sums::Sums;
use crate::table::tags::Tags;

/// What tells one row from another, as numbers of the builder: day, tags, what was used, who used it.
type Key = [u32; PARTS];

/// What numbers stand for, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    pub(crate) days: Vec<NaiveDate>,
    /// In the order of [`Field::ALL`].
    pub(crate) texts: Vec<Vec<Arc<str>>>,
    pub(crate) tags: Vec<Arc<Tags>>,
}

/// Sums rows by numbers. Their order does not matter.
#[derive(Clone, Debug)]
pub(crate) struct RowSums<F> {
    /// What was used, and who used it: combinations of the texts' numbers.
    used: Combinations,
    callers: Combinations,
    keys: Vec<Key>,
    found: HashTable<u32>,
    sums: Sums,
    /// Room for a combination.
    parts: Vec<u32>,
    fields: PhantomData<F>,
}

impl<F: Field> Default for RowSums<F> {
    fn default() -> Self {
        let of_callers = F::ALL.iter().filter(|field| field.is_of_caller()).count();
        Self {
            used: Combinations::new(F::ALL.len() - of_callers),
            callers: Combinations::new(of_callers),
            keys: Vec::new(),
            found: HashTable::new(),
            sums: Sums::default(),
            parts: Vec::new(),
            fields: PhantomData,
        }
    }
}

fn hash(key: &Key) -> u64 {
    FixedState::default().hash_one(key)
}

impl<F: Field> RowSums<F> {
    /// What a row takes in memory at the most, without its texts and tags: its key and its sums as they are added to,
    /// its place in a hash table, and its order and columns at the end.
    pub(crate) const BYTES_A_ROW: u64 = 320;

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The number of what was used, as `texts` in the order of [`Field::ALL`] say it: of those of callers nothing is read.
    pub(crate) fn used(&mut self, texts: &[u32]) -> u32 {
        self.take_parts(texts, false);
        self.used.of(&self.parts).0
    }

    /// The number of who used it, as `texts` in the order of [`Field::ALL`] say it: of the others nothing is read.
    pub(crate) fn caller(&mut self, texts: &[u32]) -> u32 {
        self.take_parts(texts, true);
        self.callers.of(&self.parts).0
    }

    fn take_parts(&mut self, texts: &[u32], of_callers: bool) {
        self.parts.clear();
        let of_fields = F::ALL.iter().zip(texts).filter(|(field, _)| field.is_of_caller() == of_callers);
        self.parts.extend(of_fields.map(|(_, text)| *text));
    }

    /// Makes room for so many rows more.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.reserve_apart(rows);
        let Self { keys, found, .. } = self;
        found.reserve(rows, |row| keys.get(place(*row)).map_or(0, hash));
    }

    /// Makes room for so many rows more that are appended.
    pub(crate) fn reserve_apart(&mut self, rows: usize) {
        self.keys.reserve(rows);
        self.sums.reserve(rows);
    }

    /// Adds a row: the numbers of its day, of its texts in the order of [`Field::ALL`], and of its tags.
    pub(crate) fn add(&mut self, day: u32, texts: &[u32], tags: u32, measures: &Measures) -> Result<(), SumOutOfRange> {
        let (used, caller) = (self.used(texts), self.caller(texts));
        self.add_numbered(day, used, caller, tags, measures)
    }

    /// As [`RowSums::add_numbered`], of a row whose key no other row has, before this one or after it: none is looked for.
    pub(crate) fn append_numbered(
        &mut self,
        day: u32,
        used: u32,
        caller: u32,
        tags: u32,
        measures: &Measures,
    ) -> Result<(), SumOutOfRange> {
        self.keys.push([day, tags, used, caller]);
        self.sums.add(self.keys.len() - 1, measures)
    }

    /// Adds a row: the numbers of its day, of what was used, of who used it, and of its tags.
    pub(crate) fn add_numbered(
        &mut self,
        day: u32,
        used: u32,
        caller: u32,
        tags: u32,
        measures: &Measures,
    ) -> Result<(), SumOutOfRange> {
        let key = [day, tags, used, caller];
        let Self { keys, found, sums, .. } = self;
        let hashed = hash(&key);
        let known = found.find(hashed, |row| keys.get(place(*row)) == Some(&key)).copied();
        let row = known.unwrap_or_else(|| {
            let next = number(keys.len());
            keys.push(key);
            found.insert_unique(hashed, next, |row| keys.get(place(*row)).map_or(0, hash));
            next
        });
        sums.add(place(row), measures)
    }

    /// The table of what was added, where the numbers stand for `values`.
    pub(crate) fn finish(self, values: Values) -> Table<F> {
        let Self { used, callers, keys, found, sums, fields, .. } = self;
        let Values { days, texts, tags } = values;
        drop(found);
        // Of the values that have numbers, a table has those of its rows alone.
        let of_keys = |part: usize| keys.iter().filter_map(move |key| key.get(part)).copied();
        let (days, day_ranks) = ranked(days, of_keys(DAY));
        let (tags, tag_ranks) = ranked(tags, of_keys(TAGS));
        let used_in_rows = marked(used.len(), of_keys(USED));
        let callers_in_rows = marked(callers.len(), of_keys(CALLER));
        let mut values = Vec::with_capacity(texts.len());
        // For each field, the rank of its text by combination: of what was used, or of who used it.
        let mut ranks_of: Vec<(usize, Vec<u32>)> = Vec::with_capacity(texts.len());
        let (mut used_place, mut callers_place) = (0, 0);
        for (field, texts) in F::ALL.iter().zip(texts) {
            let (part, combinations, in_rows, at) = if field.is_of_caller() {
                (CALLER, &callers, &callers_in_rows, &mut callers_place)
            } else {
                (USED, &used, &used_in_rows, &mut used_place)
            };
            let numbers = || combinations.iter().filter_map(|parts| parts.get(*at)).copied();
            let of_rows = numbers().zip(in_rows).filter(|(_, is_in_rows)| **is_in_rows).map(|(text, _)| text);
            let (sorted, ranks) = ranked(texts, of_rows);
            let rank = |text: u32| ranks.get(place(text)).copied().unwrap_or_default();
            ranks_of.push((part, numbers().map(rank).collect()));
            *at += 1;
            values.push(sorted);
        }
        drop((used, callers));
        let mut columns = vec![(DAY, days.len(), day_ranks.as_slice())];
        columns.extend(values.iter().zip(&ranks_of).map(|(values, (part, ranks))| (*part, values.len(), &**ranks)));
        columns.push((TAGS, tags.len(), &tag_ranks));
        let ordering: Vec<_> =
            columns.iter().map(|(part, count, ranks)| Ranks { part: *part, count: *count, of_number: ranks }).collect();
        let order = order::of(&keys, &ordering);
        // The parts of each row, in order: columns are read off them one after the other.
        let mut parts: [Vec<u32>; PARTS] = Default::default();
        for (part, ordered) in parts.iter_mut().enumerate() {
            let of_row = |row: &u32| keys.get(place(*row)).and_then(|key| key.get(part)).copied().unwrap_or_default();
            ordered.extend(order.iter().map(of_row));
        }
        drop(keys);
        let codes = |part: usize, count: usize, ranks: &[u32]| {
            let ordered = parts.get(part).map(Vec::as_slice).unwrap_or_default();
            let rank = |known: &u32| ranks.get(place(*known)).copied().unwrap_or_default();
            Codes::of(ordered.iter().map(rank), number(count.saturating_sub(1)))
        };
        let day_codes = codes(DAY, days.len(), &day_ranks);
        let tag_codes = codes(TAGS, tags.len(), &tag_ranks);
        let text_codes: Vec<_> =
            values.iter().zip(&ranks_of).map(|(values, (part, ranks))| codes(*part, values.len(), ranks)).collect();
        Table {
            rows: order.len(),
            days: Coded { values: days, codes: day_codes },
            texts: values.into_iter().zip(text_codes).map(|(values, codes)| Coded { values, codes }).collect(),
            tags: Coded { values: tags, codes: tag_codes },
            sums: sums.ordered(&order),
            fields,
        }
    }
}

/// The parts of a key.
pub(crate) const PARTS: usize = 4;
const DAY: usize = 0;
const TAGS: usize = 1;
const USED: usize = 2;
const CALLER: usize = 3;

/// The values whose numbers are `used`, in order, and for each number where its value is among them.
fn ranked<T: Clone + Ord>(values: Vec<T>, used: impl Iterator<Item = u32>) -> (Vec<T>, Vec<u32>) {
    let is_used = marked(values.len(), used);
    let mut sorted: Vec<(T, usize)> = values
        .into_iter()
        .enumerate()
        .filter(|(known, _)| is_used.get(*known) == Some(&true))
        .map(|(known, value)| (value, known))
        .collect();
    sorted.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let mut ranks = vec![0; is_used.len()];
    for (rank, (_, known)) in sorted.iter().enumerate() {
        if let Some(slot) = ranks.get_mut(*known) {
            *slot = number(rank);
        }
    }
    (sorted.into_iter().map(|(value, _)| value).collect(), ranks)
}

/// Which of so many numbers are among `used`.
fn marked(count: usize, used: impl Iterator<Item = u32>) -> Vec<bool> {
    let mut is_used = vec![false; count];
    for known in used {
        if let Some(slot) = is_used.get_mut(place(known)) {
            *slot = true;
        }
    }
    is_used
}
