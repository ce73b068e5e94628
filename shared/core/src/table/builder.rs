//! Summing rows to a table.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::money::decimal::SumOutOfRange;
use crate::table::coded::Coded;
use crate::table::codes::place;
use crate::table::combined::Combined;
use crate::table::field::Field;
use crate::table::measures::Measures;
use crate::table::numbers::Numbers;
use crate::table::row_sums::{RowSums, Values};
use crate::table::rows::{Row, Table};
use crate::table::tags::Tags;

/// Sums rows. Their order does not matter.
#[derive(Clone, Debug)]
pub struct TableBuilder<F> {
    days: Numbers<NaiveDate>,
    texts: Vec<Numbers<Arc<str>>>,
    tags: Numbers<Arc<Tags>>,
    sums: RowSums<F>,
}

impl<F: Field> Default for TableBuilder<F> {
    fn default() -> Self {
        Self {
            days: Numbers::default(),
            texts: F::ALL.iter().map(|_| Numbers::default()).collect(),
            tags: Numbers::default(),
            sums: RowSums::default(),
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

impl<F: Field> TableBuilder<F> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
        self.sums.used(texts)
    }

    /// The number of who used it, as `texts` in the order of [`Field::ALL`] say it: of the others nothing is read.
    pub(crate) fn caller(&mut self, texts: &[u32]) -> u32 {
        self.sums.caller(texts)
    }

    /// Makes room for so many rows more.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.sums.reserve(rows);
    }

    /// Adds a row: the numbers of its day, of its texts in the order of [`Field::ALL`], and of its tags.
    pub fn add(&mut self, day: u32, texts: &[u32], tags: u32, measures: &Measures) -> Result<(), SumOutOfRange> {
        self.sums.add(day, texts, tags, measures)
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
        self.sums.add_numbered(day, used, caller, tags, measures)
    }

    /// Makes room for so many rows more that are appended.
    pub(crate) fn reserve_apart(&mut self, rows: usize) {
        self.sums.reserve_apart(rows);
    }

    /// As [`TableBuilder::add_numbered`], of a row whose key no other row has.
    pub(crate) fn append_numbered(
        &mut self,
        day: u32,
        used: u32,
        caller: u32,
        tags: u32,
        measures: &Measures,
    ) -> Result<(), SumOutOfRange> {
        self.sums.append_numbered(day, used, caller, tags, measures)
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
        let Self { days, texts, tags, sums } = self;
        let texts = texts.into_iter().map(Numbers::into_values).collect();
        sums.finish(Values { days: days.into_values(), texts, tags: tags.into_values() })
    }
}
