//! Summing rows to a table.

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
use crate::table::combined::Combined;
use crate::table::field::Field;
use crate::table::measures::Measures;
use crate::table::numbers::Numbers;
use crate::table::order::{self, Ranks};
use crate::table::rows::{Row, Table};
use crate::table::sums::Sums;
use crate::table::tags::Tags;

/// What tells one row from another, as numbers of the builder: day, tags, what was used, who used it.
type Key = [u32; PARTS];

/// Sums rows. Their order does not matter.
#[derive(Clone, Debug)]
pub struct TableBuilder<F> {
    days: Numbers<NaiveDate>,
    texts: Vec<Numbers<Arc<str>>>,
    tags: Numbers<Arc<Tags>>,
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

impl<F: Field> Default for TableBuilder<F> {
    fn default() -> Self {
        let of_caller = F::ALL.iter().filter(|field| field.is_of_caller()).count();
        Self {
            days: Numbers::default(),
            texts: F::ALL.iter().map(|_| Numbers::default()).collect(),
            tags: Numbers::default(),
            used: Combinations::new(F::ALL.len() - of_caller),
            callers: Combinations::new(of_caller),
            keys: Vec::new(),
            found: HashTable::new(),
            sums: Sums::default(),
            parts: Vec::new(),
            fields: PhantomData,
        }
    }
}

/// A table's rows as a builder numbers them.
struct Renumbered {
    /// By the table's codes.
    days: Vec<u32>,
    tags: Vec<u32>,
    /// By row.
    used: Vec<u32>,
    callers: Vec<u32>,
}

fn hash(key: &Key) -> u64 {
    FixedState::default().hash_one(key)
}

impl<F: Field> TableBuilder<F> {
    /// What a row takes in memory at the most, without its texts and tags: its key and its sums as they are added to,
    /// its place in a hash table, and its order and columns at the end.
    pub const BYTES_A_ROW: u64 = 320;

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of a day.
    pub fn day(&mut self, day: NaiveDate) -> u32 {
        self.days.of(&day, || day)
    }

    /// The number of a field's text.
    pub fn text(&mut self, field: F, text: &str) -> u32 {
        self.texts.get_mut(field.place()).map_or(0, |texts| texts.of(text, || Arc::from(text)))
    }

    /// The same, of a text that is shared.
    pub fn shared_text(&mut self, field: F, text: &Arc<str>) -> u32 {
        self.texts.get_mut(field.place()).map_or(0, |texts| texts.of(&**text, || Arc::clone(text)))
    }

    /// The number of a set of tags.
    pub fn tags(&mut self, tags: &Arc<Tags>) -> u32 {
        self.tags.of(tags, || Arc::clone(tags))
    }

    /// The number of what was used, as `texts` in the order of [`Field::ALL`] say it: of those of callers nothing is read.
    pub(crate) fn used(&mut self, texts: &[u32]) -> u32 {
        self.parts.clear();
        self.parts.extend(F::ALL.iter().zip(texts).filter(|(field, _)| !field.is_of_caller()).map(|(_, text)| *text));
        self.used.of(&self.parts).0
    }

    /// The number of who used it, as `texts` in the order of [`Field::ALL`] say it: of the others nothing is read.
    pub(crate) fn caller(&mut self, texts: &[u32]) -> u32 {
        self.parts.clear();
        self.parts.extend(F::ALL.iter().zip(texts).filter(|(field, _)| field.is_of_caller()).map(|(_, text)| *text));
        self.callers.of(&self.parts).0
    }

    /// Makes room for so many rows more.
    pub(crate) fn reserve(&mut self, rows: usize) {
        let Self { keys, found, sums, .. } = self;
        keys.reserve(rows);
        sums.reserve(rows);
        found.reserve(rows, |row| keys.get(place(*row)).map_or(0, hash));
    }

    /// Adds a row: the numbers of its day, of its texts in the order of [`Field::ALL`], and of its tags.
    pub fn add(&mut self, day: u32, texts: &[u32], tags: u32, measures: &Measures) -> Result<(), SumOutOfRange> {
        let (used, caller) = (self.used(texts), self.caller(texts));
        self.add_numbered(day, used, caller, tags, measures)
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

    /// Adds a row that stands alone: its texts in the order of [`Field::ALL`].
    pub fn add_row(
        &mut self,
        day: NaiveDate,
        texts: &[Arc<str>],
        tags: &Arc<Tags>,
        measures: &Measures,
    ) -> Result<(), SumOutOfRange> {
        let texts: Vec<u32> = F::ALL.iter().zip(texts).map(|(field, text)| self.shared_text(*field, text)).collect();
        let (day, tags) = (self.day(day), self.tags(tags));
        self.add(day, &texts, tags, measures)
    }

    /// Adds every row of a table.
    pub fn add_table(&mut self, table: &Table<F>) -> Result<(), SumOutOfRange> {
        if self.is_empty() {
            self.reserve(table.len());
        }
        self.add_rows(table.rows())
    }

    /// Adds rows of tables. Those of one table should follow each other: its values are looked up once.
    pub fn add_rows<'a>(&mut self, rows: impl Iterator<Item = Row<'a, F>>) -> Result<(), SumOutOfRange>
    where
        F: 'a,
    {
        let at = |numbers: &[u32], place: usize| numbers.get(place).copied().unwrap_or_default();
        let mut last: Option<(&Table<F>, Renumbered)> = None;
        for row in rows {
            let numbers = match last.take().filter(|(table, _)| std::ptr::eq(*table, row.table())) {
                Some((_, numbers)) => numbers,
                None => self.renumbered(row.table()),
            };
            let (day, tags) = (at(&numbers.days, place(row.day_code())), at(&numbers.tags, place(row.tags_code())));
            let (used, caller) = (at(&numbers.used, row.row), at(&numbers.callers, row.row));
            self.add_numbered(day, used, caller, tags, &row.measures())?;
            last = Some((row.table(), numbers));
        }
        Ok(())
    }

    /// The numbers that a table's rows have here.
    fn renumbered(&mut self, table: &Table<F>) -> Renumbered {
        let days = table.days.values.iter().map(|day| self.day(*day)).collect();
        let tags = table.tags.values.iter().map(|tags| self.tags(tags)).collect();
        let mut texts = Vec::with_capacity(table.texts.len());
        for (field, column) in F::ALL.iter().zip(&table.texts) {
            texts.push(column.values.iter().map(|text| self.shared_text(*field, text)).collect::<Vec<u32>>());
        }
        let mut numbered = |is_of_caller: bool| {
            let columns = F::ALL.iter().zip(&table.texts).filter(|(field, _)| field.is_of_caller() == is_of_caller);
            let columns = columns.map(|(_, column)| (&column.codes, column.values.len()));
            let Combined { of_row, rows } = Combined::of(table.rows, columns);
            let mut numbers = Vec::with_capacity(rows.len());
            for row in rows {
                let code = |column: &Coded<Arc<str>>| place(column.codes.get(row).unwrap_or_default());
                let of_row: Vec<u32> = texts
                    .iter()
                    .zip(&table.texts)
                    .map(|(known, column)| known.get(code(column)).copied().unwrap_or_default())
                    .collect();
                numbers.push(if is_of_caller { self.caller(&of_row) } else { self.used(&of_row) });
            }
            of_row.iter().map(|combination| numbers.get(place(*combination)).copied().unwrap_or_default()).collect()
        };
        let (used, callers) = (numbered(false), numbered(true));
        Renumbered { days, tags, used, callers }
    }

    /// The table of what was added.
    pub fn finish(self) -> Table<F> {
        let Self { days, texts, tags, used, callers, keys, found, sums, parts: _, fields } = self;
        drop(found);
        // Of the values that have numbers, a table has those of its rows alone.
        let of_keys = |part: usize| keys.iter().filter_map(move |key| key.get(part)).copied();
        let (days, day_ranks) = days.ranked(of_keys(DAY));
        let (tags, tag_ranks) = tags.ranked(of_keys(TAGS));
        let mut values = Vec::with_capacity(texts.len());
        // For each field, the rank of its text by combination: of what was used, or of who used it.
        let mut ranks_of: Vec<(usize, Vec<u32>)> = Vec::with_capacity(texts.len());
        let (mut used_place, mut callers_place) = (0, 0);
        for (field, texts) in F::ALL.iter().zip(texts) {
            let (part, combinations, at) = if field.is_of_caller() {
                (CALLER, &callers, &mut callers_place)
            } else {
                (USED, &used, &mut used_place)
            };
            let numbers = || combinations.iter().filter_map(|parts| parts.get(*at)).copied();
            let (sorted, ranks) = texts.ranked(numbers());
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
            columns.iter().map(|(part, count, ranks)| Ranks { part: *part, count: *count, ranks }).collect();
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
