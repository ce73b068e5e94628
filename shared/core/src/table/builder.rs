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
use crate::table::field::Field;
use crate::table::measures::Measures;
use crate::table::numbers::Numbers;
use crate::table::order::{self, Ranks};
use crate::table::rows::{Row, Table};
use crate::table::sums::Sums;
use crate::table::tags::Tags;

/// What tells one row from another, as numbers of the builder: day, tags, what was used, who used it.
type Key = [u32; 4];

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
    /// Room for a row's combinations.
    parts: [Vec<u32>; 2],
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
            parts: Default::default(),
            fields: PhantomData,
        }
    }
}

/// For each code of a table's columns, the number of its value in a builder.
struct Renumbered {
    days: Vec<u32>,
    texts: Vec<Vec<u32>>,
    tags: Vec<u32>,
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

    /// Adds a row: the numbers of its day, of its texts in the order of [`Field::ALL`], and of its tags.
    pub fn add(&mut self, day: u32, texts: &[u32], tags: u32, measures: &Measures) -> Result<(), SumOutOfRange> {
        let [used, callers] = &mut self.parts;
        used.clear();
        callers.clear();
        for (field, text) in F::ALL.iter().zip(texts) {
            if field.is_of_caller() { callers.push(*text) } else { used.push(*text) }
        }
        let key = [day, tags, self.used.of(used).0, self.callers.of(callers).0];
        self.add_to(key, measures)
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

    fn add_to(&mut self, key: Key, measures: &Measures) -> Result<(), SumOutOfRange> {
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

    /// Adds every row of a table.
    pub fn add_table(&mut self, table: &Table<F>) -> Result<(), SumOutOfRange> {
        self.add_rows(table.rows())
    }

    /// Adds rows of tables. Those of one table should follow each other: its values are looked up once.
    pub fn add_rows<'a>(&mut self, rows: impl Iterator<Item = Row<'a, F>>) -> Result<(), SumOutOfRange>
    where
        F: 'a,
    {
        let at = |numbers: &[u32], code: u32| numbers.get(place(code)).copied().unwrap_or_default();
        let mut last: Option<(&Table<F>, Renumbered)> = None;
        let mut texts = vec![0; F::ALL.len()];
        for row in rows {
            let numbers = match last.take().filter(|(table, _)| std::ptr::eq(*table, row.table())) {
                Some((_, numbers)) => numbers,
                None => self.renumbered(row.table()),
            };
            for ((slot, numbers), column) in texts.iter_mut().zip(&numbers.texts).zip(&row.table().texts) {
                *slot = at(numbers, column.codes.get(row.row).unwrap_or_default());
            }
            let (day, tags) = (at(&numbers.days, row.day_code()), at(&numbers.tags, row.tags_code()));
            self.add(day, &texts, tags, &row.measures())?;
            last = Some((row.table(), numbers));
        }
        Ok(())
    }

    /// The numbers that a table's values have here.
    fn renumbered(&mut self, table: &Table<F>) -> Renumbered {
        let days = table.days.values.iter().map(|day| self.day(*day)).collect();
        let mut texts = Vec::with_capacity(table.texts.len());
        for (field, column) in F::ALL.iter().zip(&table.texts) {
            texts.push(column.values.iter().map(|text| self.shared_text(*field, text)).collect());
        }
        Renumbered { days, texts, tags: table.tags.values.iter().map(|tags| self.tags(tags)).collect() }
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
        let rank = |part: usize, ranks: &[u32], row: usize| {
            let known = keys.get(row).and_then(|key| key.get(part)).and_then(|known| ranks.get(place(*known)));
            known.copied().unwrap_or_default()
        };
        let ordering: Vec<_> = columns
            .iter()
            .map(|(part, count, ranks)| Ranks { count: *count, of: move |row| rank(*part, ranks, row) })
            .collect();
        let order = order::of(keys.len(), &ordering);
        let codes = |part: usize, count: usize, ranks: &[u32]| {
            Codes::of(order.iter().map(|row| rank(part, ranks, place(*row))), number(count.saturating_sub(1)))
        };
        let day_codes = codes(DAY, days.len(), &day_ranks);
        let tag_codes = codes(TAGS, tags.len(), &tag_ranks);
        let text_codes: Vec<_> =
            values.iter().zip(&ranks_of).map(|(values, (part, ranks))| codes(*part, values.len(), ranks)).collect();
        Table {
            rows: keys.len(),
            days: Coded { values: days, codes: day_codes },
            texts: values.into_iter().zip(text_codes).map(|(values, codes)| Coded { values, codes }).collect(),
            tags: Coded { values: tags, codes: tag_codes },
            sums: sums.ordered(&order),
            fields,
        }
    }
}

/// The parts of a key.
const DAY: usize = 0;
const TAGS: usize = 1;
const USED: usize = 2;
const CALLER: usize = 3;
