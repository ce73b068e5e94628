//! Rows as columns inside a JSON document, as earlier versions of [`tabular`](crate::state::tabular) documents stored
//! them: texts are there once each and the rows refer to them by number. They are only read.
//!
//! - `serial`: how columns are read and written where serde's own way would be lax or slow.

mod serial;

pub(crate) use serial::unique_keys;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use spend_core::bill::line::Interner;
use spend_core::facts::fact::FactField;
use spend_core::money::decimal::Decimal;
use spend_core::table::builder::TableBuilder;
use spend_core::table::codes::place;
use spend_core::table::field::Field;
use spend_core::table::measures::Measures;
use spend_core::table::rows::Table;
use spend_core::table::tags::Tags;

/// Rows as columns: each column of texts as its values in the order in which rows first have them, and one number per
/// row. A part of a document's format: the document that holds it carries the version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    rows: usize,
    days: Coded<NaiveDate>,
    #[serde(rename = "columns", deserialize_with = "serial::unique_keys")]
    texts: BTreeMap<String, Coded<Arc<str>>>,
    tags: Coded<TagSet>,
    usage_amount: Vec<Decimal>,
    tokens: Vec<Option<Decimal>>,
    unblended_cost: Vec<Decimal>,
    net_unblended_cost: Vec<Decimal>,
    list_cost: Vec<Option<Decimal>>,
    line_items: Vec<u64>,
    lines_without_net: Vec<u64>,
}

/// Why stored columns are not rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// A column does not have one entry per row.
    #[error("column {column} has {found} entries for {rows} rows")]
    Length {
        column: String,
        /// How many entries it has.
        found: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// A row refers to a value that is not there.
    #[error("column {column}, row {row}: there is no value number {code}")]
    Code {
        column: String,
        /// The row, from 0.
        row: usize,
        /// The number.
        code: u32,
    },
    /// A column that rows of this kind have is not there.
    #[error("column {column} is missing")]
    Missing { column: &'static str },
    /// A column that rows of this kind do not have.
    #[error("column {column} is not known")]
    Unknown { column: String },
    /// The sums of rows with the same key are out of range.
    #[error("row {row} makes a sum that is out of range")]
    Amount {
        /// The row, from 0.
        row: usize,
    },
}

impl Columns {
    /// The table that has these columns.
    pub fn into_table<F: Field>(mut self) -> Result<Table<F>, ColumnsError> {
        self.check_lengths()?;
        let mut columns = Vec::with_capacity(F::ALL.len());
        for field in F::ALL {
            let column = self.texts.remove(field.name()).ok_or(ColumnsError::Missing { column: field.name() })?;
            columns.push((field.name(), column));
        }
        if let Some(column) = self.texts.into_keys().next() {
            return Err(ColumnsError::Unknown { column });
        }
        let mut builder = TableBuilder::<F>::default();
        let days: Vec<u32> = self.days.values.iter().map(|day| builder.day(*day)).collect();
        let tags = Coded { values: shared(&self.tags.values, &mut Interner::default()), codes: self.tags.codes };
        let tag_sets: Vec<u32> = tags.values.iter().map(|tags| builder.tags(tags)).collect();
        let mut known = Vec::with_capacity(columns.len());
        for (field, (_, column)) in F::ALL.iter().zip(&columns) {
            known.push(column.values.iter().map(|text| builder.shared_text(*field, text)).collect::<Vec<_>>());
        }
        let mut texts = vec![0; columns.len()];
        // Rows are stored in the order of their keys. Ranks are compared, not texts.
        for row in 0..self.rows {
            for ((slot, (name, column)), known) in texts.iter_mut().zip(&columns).zip(&known) {
                *slot = column.number(name, row, known)?;
            }
            let day = self.days.number("days", row, &days)?;
            let tags = tags.number("tags", row, &tag_sets)?;
            let at = |column: &[Decimal]| column.get(row).copied().unwrap_or_default();
            let measures = Measures {
                usage_amount: at(&self.usage_amount),
                tokens: self.tokens.get(row).copied().flatten(),
                unblended_cost: at(&self.unblended_cost),
                net_unblended_cost: at(&self.net_unblended_cost),
                list_cost: self.list_cost.get(row).copied().flatten(),
                line_items: self.line_items.get(row).copied().unwrap_or_default(),
                lines_without_net: self.lines_without_net.get(row).copied().unwrap_or_default(),
            };
            builder.add(day, &texts, tags, &measures).map_err(|_| ColumnsError::Amount { row })?;
        }
        Ok(builder.finish())
    }

    /// Fills in a column that facts had not when they were stored, and that follows from another.
    pub(crate) fn derive(&mut self, field: FactField, from: FactField, value: impl Fn(&str) -> &'static str) {
        let Some(known) = self.texts.get(from.name()) else { return };
        let values: Vec<Arc<str>> = known.values.iter().map(|text| Arc::from(value(text))).collect();
        // Values that are there twice are one to whoever reads the rows.
        self.texts.insert(field.name().to_owned(), Coded { values, codes: known.codes.clone() });
    }

    fn check_lengths(&self) -> Result<(), ColumnsError> {
        let texts = self.texts.iter().map(|(name, column)| (name.as_str(), column.codes.len()));
        let others = [
            ("days", self.days.codes.len()),
            ("tags", self.tags.codes.len()),
            ("usage_amount", self.usage_amount.len()),
            ("tokens", self.tokens.len()),
            ("unblended_cost", self.unblended_cost.len()),
            ("net_unblended_cost", self.net_unblended_cost.len()),
            ("list_cost", self.list_cost.len()),
            ("line_items", self.line_items.len()),
            ("lines_without_net", self.lines_without_net.len()),
        ];
        match texts.chain(others).find(|(_, found)| *found != self.rows) {
            Some((column, found)) => Err(ColumnsError::Length { column: column.to_owned(), found, rows: self.rows }),
            None => Ok(()),
        }
    }
}

/// A column whose values repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Coded<T> {
    /// Each value once, in the order of first use.
    values: Vec<T>,
    /// For each row, which value it has, from 0.
    codes: Vec<u32>,
}

impl<T> Default for Coded<T> {
    fn default() -> Self {
        Self { values: Vec::new(), codes: Vec::new() }
    }
}

impl<T> Coded<T> {
    /// What stands in `of_values` for the value of row `row`, which must be there.
    fn number(&self, column: &str, row: usize, of_values: &[u32]) -> Result<u32, ColumnsError> {
        let code = self.codes.get(row).copied().unwrap_or(u32::MAX);
        let number = of_values.get(place(code)).copied();
        number.ok_or_else(|| ColumnsError::Code { column: column.to_owned(), row, code })
    }
}

/// Tags in a document: an object that has each key once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TagSet(#[serde(deserialize_with = "serial::unique_tags")] pub(crate) Arc<Tags>);

/// The tag sets, with equal texts shared among them.
pub(crate) fn shared(sets: &[TagSet], interner: &mut Interner) -> Vec<Arc<Tags>> {
    let mut share = |TagSet(tags): &TagSet| {
        Arc::new(tags.iter().map(|(key, value)| (interner.intern(key), interner.intern(value))).collect())
    };
    sets.iter().map(&mut share).collect()
}
