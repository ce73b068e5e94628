//! A table in columns, and a row of it as a view.

use std::marker::PhantomData;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::money::decimal::Decimal;
use crate::table::coded::Coded;
use crate::table::codes::{number, place};
use crate::table::field::Field;
use crate::table::measures::Measures;
pub use crate::table::sums::SumColumns;
use crate::table::tags::Tags;

/// Rows that are sorted by day, texts and tags. The same rows make the same table, in whatever order they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<F> {
    pub(crate) rows: usize,
    pub(crate) days: Coded<NaiveDate>,
    /// In the order of [`Field::ALL`].
    pub(crate) texts: Vec<Coded<Arc<str>>>,
    pub(crate) tags: Coded<Arc<Tags>>,
    pub(crate) sums: SumColumns,
    pub(crate) fields: PhantomData<F>,
}

impl<F: Field> Default for Table<F> {
    fn default() -> Self {
        Self {
            rows: 0,
            days: Coded::default(),
            texts: F::ALL.iter().map(|_| Coded::default()).collect(),
            tags: Coded::default(),
            sums: SumColumns::default(),
            fields: PhantomData,
        }
    }
}

/// The columns of a table, taken apart.
#[derive(Clone, Debug)]
pub struct Columns {
    pub days: Coded<NaiveDate>,
    /// In the order of [`Field::ALL`].
    pub texts: Vec<Coded<Arc<str>>>,
    pub tags: Coded<Arc<Tags>>,
    pub sums: SumColumns,
}

/// Why columns are no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTable {
    #[error("column {column} has {found} entries for {rows} rows")]
    Length { column: &'static str, found: usize, rows: usize },
    /// A row refers to a value that is not there.
    #[error("column {column} has no value number {code}")]
    Code { column: &'static str, code: u32 },
    /// The values of a column are not in order, or one is there twice.
    #[error("the values of column {column} are not in order")]
    Values { column: &'static str },
    /// An amount is beyond what a decimal holds.
    #[error("column {column} has an amount out of range")]
    Amount { column: &'static str },
    /// The rows are not in the order of their keys.
    #[error("row {row} does not follow the one before it in the order of keys")]
    Unsorted {
        /// The row, from 0.
        row: usize,
    },
}

impl<F: Field> Table<F> {
    /// The table that has these columns, of `rows` rows.
    pub fn of_columns(rows: usize, columns: Columns) -> Result<Self, NoTable> {
        let Columns { days, texts, tags, sums } = columns;
        if texts.len() != F::ALL.len() {
            return Err(NoTable::Length { column: "columns", found: texts.len(), rows: F::ALL.len() });
        }
        check("days", rows, &days)?;
        for (field, column) in F::ALL.iter().zip(&texts) {
            check(field.name(), rows, column)?;
        }
        check("tags", rows, &tags)?;
        if let Some((column, found)) = sums.uneven(rows) {
            return Err(NoTable::Length { column, found, rows });
        }
        let amounts = [
            ("usage_amount", &sums.usage_amount),
            ("tokens", &sums.tokens.decimals),
            ("unblended_cost", &sums.unblended_cost),
            ("net_unblended_cost", &sums.net_unblended_cost),
            ("list_cost", &sums.list_cost.decimals),
        ];
        if let Some((column, _)) = amounts.into_iter().find(|(_, amounts)| !amounts.are_in_range()) {
            return Err(NoTable::Amount { column });
        }
        for (column, optional) in [("tokens", &sums.tokens), ("list_cost", &sums.list_cost)] {
            // A row has an amount or has none.
            if let Some(code) = optional.present.largest().filter(|code| *code > 1) {
                return Err(NoTable::Code { column, code });
            }
        }
        let table = Self { rows, days, texts, tags, sums, fields: PhantomData };
        // Who reads rows relies on their order. Equal keys would do no harm: what is made of rows are sums.
        match table.unsorted() {
            Some(row) => Err(NoTable::Unsorted { row }),
            None => Ok(table),
        }
    }

    /// The first row that does not follow the one before it. Column by column: the first few tell most rows apart, and
    /// a further column is looked at only where a row is the same as the one before in all of those.
    fn unsorted(&self) -> Option<usize> {
        let texts = self.texts.iter().map(|texts| &texts.codes);
        let columns = std::iter::once(&self.days.codes).chain(texts).chain(std::iter::once(&self.tags.codes));
        let mut same: Vec<u32> = (1..number(self.rows)).collect();
        let mut unsorted: Option<u32> = None;
        for codes in columns {
            codes.retain_same(&mut same, |row| unsorted = Some(unsorted.map_or(row, |first| first.min(row))));
        }
        unsorted.map(place)
    }

    /// The columns.
    pub fn into_columns(self) -> Columns {
        Columns { days: self.days, texts: self.texts, tags: self.tags, sums: self.sums }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// A row, from 0. One that is not there has no texts and sums of zero.
    #[inline]
    pub fn row(&self, row: usize) -> Row<'_, F> {
        Row { table: self, row }
    }

    /// Every row.
    pub fn rows(&self) -> Rows<'_, F> {
        Rows { table: self, next: 0 }
    }

    /// A column of texts.
    pub fn texts(&self, field: F) -> Option<&Coded<Arc<str>>> {
        self.texts.get(field.place())
    }

    /// The days.
    pub fn days(&self) -> &Coded<NaiveDate> {
        &self.days
    }

    /// The sets of tags.
    pub fn tags(&self) -> &Coded<Arc<Tags>> {
        &self.tags
    }

    /// The sums.
    pub fn sums(&self) -> &SumColumns {
        &self.sums
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`rows` says what there is to go through")]
impl<'a, F: Field> IntoIterator for &'a Table<F> {
    type Item = Row<'a, F>;
    type IntoIter = Rows<'a, F>;

    fn into_iter(self) -> Rows<'a, F> {
        self.rows()
    }
}

fn check<T: Ord>(column: &'static str, rows: usize, coded: &Coded<T>) -> Result<(), NoTable> {
    let found = coded.codes.len();
    if found != rows {
        return Err(NoTable::Length { column, found, rows });
    }
    if let Some(code) = coded.codes.largest().filter(|code| place(*code) >= coded.values.len()) {
        return Err(NoTable::Code { column, code });
    }
    if coded.values.is_sorted_by(|left, right| left < right) { Ok(()) } else { Err(NoTable::Values { column }) }
}

static NO_TAGS: Tags = Tags::new();

/// The rows of a table, one after the other.
#[derive(Debug)]
pub struct Rows<'a, F> {
    table: &'a Table<F>,
    next: usize,
}

impl<F> Clone for Rows<'_, F> {
    fn clone(&self) -> Self {
        Self { table: self.table, next: self.next }
    }
}

impl<'a, F> Iterator for Rows<'a, F> {
    type Item = Row<'a, F>;

    #[inline]
    fn next(&mut self) -> Option<Row<'a, F>> {
        let row = self.next;
        if row >= self.table.rows {
            return None;
        }
        self.next += 1;
        Some(Row { table: self.table, row })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.table.rows - self.next;
        (left, Some(left))
    }
}

impl<F> ExactSizeIterator for Rows<'_, F> {}

/// A row of a table.
#[derive(Debug)]
pub struct Row<'a, F> {
    pub(crate) table: &'a Table<F>,
    pub(crate) row: usize,
}

impl<F> Clone for Row<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Row<'_, F> {}

impl<'a, F: Field> Row<'a, F> {
    /// The table that it is of.
    pub fn table(self) -> &'a Table<F> {
        self.table
    }

    /// Which row of the table it is, from 0.
    pub fn place(self) -> usize {
        self.row
    }

    /// The day (UTC) of the usage.
    pub fn day(self) -> NaiveDate {
        self.table.days.get(self.row).copied().unwrap_or_default()
    }

    /// A field's text; empty if there is none.
    #[inline]
    pub fn get(self, field: F) -> &'a str {
        self.table.texts.get(field.place()).and_then(|texts| texts.get(self.row)).map_or("", |text| text)
    }

    /// The same, shared.
    pub fn text(self, field: F) -> Arc<str> {
        let texts = self.table.texts.get(field.place());
        texts.and_then(|texts| texts.get(self.row)).map(Arc::clone).unwrap_or_default()
    }

    /// Which of the column's values a field has.
    #[inline]
    pub fn code(self, field: F) -> u32 {
        self.table.texts.get(field.place()).and_then(|texts| texts.codes.get(self.row)).unwrap_or_default()
    }

    /// Which of the table's days it is on.
    #[inline]
    pub fn day_code(self) -> u32 {
        self.table.days.codes.get(self.row).unwrap_or_default()
    }

    /// Which of the table's sets of tags it has.
    #[inline]
    pub fn tags_code(self) -> u32 {
        self.table.tags.codes.get(self.row).unwrap_or_default()
    }

    /// The tags.
    pub fn tags(self) -> &'a Tags {
        self.table.tags.get(self.row).map_or(&NO_TAGS, |tags| tags)
    }

    /// The same, shared.
    pub fn shared_tags(self) -> Arc<Tags> {
        self.table.tags.get(self.row).map(Arc::clone).unwrap_or_default()
    }

    /// A tag's value; empty if the row does not have it.
    pub fn tag(self, key: &str) -> &'a str {
        self.tags().get(key).map_or("", |value| value)
    }

    /// What it sums.
    pub fn measures(self) -> Measures {
        self.table.sums.get(self.row)
    }

    /// See [`Measures::unblended_cost`].
    #[inline]
    pub fn unblended_cost(self) -> Decimal {
        self.table.sums.unblended_cost.get(self.row)
    }

    /// See [`Measures::net_unblended_cost`].
    #[inline]
    pub fn net_unblended_cost(self) -> Decimal {
        self.table.sums.net_unblended_cost.get(self.row)
    }

    /// See [`Measures::list_cost`].
    pub fn list_cost(self) -> Option<Decimal> {
        self.table.sums.list_cost.get(self.row)
    }

    /// See [`Measures::usage_amount`].
    pub fn usage_amount(self) -> Decimal {
        self.table.sums.usage_amount.get(self.row)
    }

    /// See [`Measures::tokens`].
    pub fn tokens(self) -> Option<Decimal> {
        self.table.sums.tokens.get(self.row)
    }

    /// See [`Measures::line_items`].
    pub fn line_items(self) -> u64 {
        self.table.sums.line_items.get(self.row).unwrap_or_default().into()
    }

    /// See [`Measures::lines_without_net`].
    pub fn lines_without_net(self) -> u64 {
        self.table.sums.lines_without_net.get(self.row).unwrap_or_default().into()
    }
}
