//! Many keyed rows as columns inside a JSON document: texts are written once each and the rows refer to them by
//! number, so that a month of bill lines or facts is small, quick to read, and needs no Parquet.
//!
//! - `serial`: how columns are read and written where serde's own way would be lax or slow.

mod serial;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use spend_core::bill::line::limits::{self, TooLong};
use spend_core::bill::line::{Interner, LineField, LineKey};
use spend_core::bill::reduction::{self, CodedLines};
use spend_core::facts::fact::{Fact, FactField, FactKey};
use spend_core::money::decimal::Decimal;
use spend_core::table::measures::Measures;
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
    /// The rows are not in the order of their keys.
    #[error("row {row} does not follow the one before it in the order of keys")]
    Unsorted {
        /// The row, from 0.
        row: usize,
    },
}

impl Columns {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns of `lines`, in the order of their keys: the same lines give the same columns in whatever order
    /// they come.
    pub fn of_lines(lines: &[(LineKey, Measures)]) -> Self {
        let rows = lines.iter().map(|(key, measures)| Row {
            day: key.usage_date,
            fields: &key.fields,
            tags: &key.tags,
            measures,
        });
        Self::of_rows(LineField::ALL.map(LineField::name), rows.collect())
    }

    /// The same columns, of lines that are columns already.
    pub fn of_coded_lines(lines: CodedLines) -> Self {
        let rows = lines.line_items.len();
        let fields = LineField::ALL.into_iter().zip(lines.fields);
        Self {
            rows,
            days: lines.days.into(),
            texts: fields.map(|(field, column)| (field.name().to_owned(), column.into())).collect(),
            tags: Coded { values: lines.tags.values.into_iter().map(TagSet).collect(), codes: lines.tags.codes },
            usage_amount: lines.usage_amount,
            tokens: vec![None; rows],
            unblended_cost: lines.unblended_cost,
            net_unblended_cost: lines.net_unblended_cost,
            list_cost: lines.list_cost,
            line_items: lines.line_items,
            lines_without_net: lines.lines_without_net,
        }
    }

    /// Refuses texts that are longer than any that is read from a bill, with the column that has one.
    ///
    /// # Errors
    ///
    /// The column, and how long the text is.
    pub fn check_texts(&self) -> Result<(), (String, TooLong)> {
        for (name, column) in &self.texts {
            let known = LineField::ALL.into_iter().map(LineField::name).find(|known| known == name);
            for text in &column.values {
                // A column that lines do not have may be called anything; reading the lines refuses it.
                limits::check_text(text).map_err(|error| (known.unwrap_or("of no line").to_owned(), error))?;
            }
        }
        for text in self.tags.values.iter().flat_map(|TagSet(tags)| tags.iter()).flat_map(|(key, value)| [key, value]) {
            limits::check_tag(text).map_err(|error| ("tags".to_owned(), error))?;
        }
        Ok(())
    }

    /// The columns of `facts`, in the order of their keys: the same facts give the same columns in whatever order
    /// they come.
    pub fn of_facts(facts: &[Fact]) -> Self {
        let rows = facts.iter().map(|Fact { key, measures }| Row {
            day: key.usage_date,
            fields: &key.fields,
            tags: &key.tags,
            measures,
        });
        Self::of_rows(FactField::ALL.map(FactField::name), rows.collect())
    }

    /// The bill lines, sorted by key; equal texts are shared.
    ///
    /// # Errors
    ///
    /// [`ColumnsError`] if these are not the columns of bill lines.
    pub fn into_lines(self) -> Result<Vec<(LineKey, Measures)>, ColumnsError> {
        self.into_rows(
            LineField::ALL.map(LineField::name),
            |usage_date, fields, tags, measures| (LineKey { usage_date, fields, tags }, measures),
            |(key, _)| key,
        )
    }

    /// The facts, sorted by key; equal texts are shared.
    ///
    /// # Errors
    ///
    /// [`ColumnsError`] if these are not the columns of facts.
    pub fn into_facts(self) -> Result<Vec<Fact>, ColumnsError> {
        self.into_rows(
            FactField::ALL.map(FactField::name),
            |usage_date, fields, tags, measures| Fact { key: FactKey { usage_date, fields, tags }, measures },
            |fact| &fact.key,
        )
    }

    /// Fills in a column that facts had not when they were stored, and that follows from another.
    pub(crate) fn derive(&mut self, field: FactField, from: FactField, value: impl Fn(&str) -> &'static str) {
        let Some(known) = self.texts.get(from.name()) else { return };
        let values: Vec<Arc<str>> = known.values.iter().map(|text| Arc::from(value(text))).collect();
        let of_row = |code: &u32| usize::try_from(*code).ok().and_then(|code| values.get(code));
        let derived = match known.codes.iter().map(of_row).collect::<Option<Vec<_>>>() {
            Some(rows) => Coded::of(rows.into_iter()),
            // Whoever reads the rows is told which value is not there.
            None => Coded { values, codes: known.codes.clone() },
        };
        self.texts.insert(field.name().to_owned(), derived);
    }

    fn of_rows<const N: usize>(names: [&'static str; N], mut rows: Vec<Row<'_, N>>) -> Self {
        // Rows come sorted; to find that out is quick.
        rows.sort_by(|left, right| left.key().cmp(&right.key()));
        let texts = names.into_iter().enumerate().map(|(index, name)| {
            let empty = Arc::default();
            let column = rows.iter().map(|row| row.fields.get(index).unwrap_or(&empty));
            (name.to_owned(), Coded::of(column))
        });
        let tags: Coded<Arc<Tags>> = Coded::of(rows.iter().map(|row| row.tags));
        let measures = || rows.iter().map(|row| row.measures);
        Self {
            rows: rows.len(),
            days: Coded::of(rows.iter().map(|row| &row.day)),
            texts: texts.collect(),
            tags: Coded { values: tags.values.into_iter().map(TagSet).collect(), codes: tags.codes },
            usage_amount: measures().map(|sums| sums.usage_amount).collect(),
            tokens: measures().map(|sums| sums.tokens).collect(),
            unblended_cost: measures().map(|sums| sums.unblended_cost).collect(),
            net_unblended_cost: measures().map(|sums| sums.net_unblended_cost).collect(),
            list_cost: measures().map(|sums| sums.list_cost).collect(),
            line_items: measures().map(|sums| sums.line_items).collect(),
            lines_without_net: measures().map(|sums| sums.lines_without_net).collect(),
        }
    }

    fn into_rows<const N: usize, R, K: Ord>(
        mut self,
        names: [&'static str; N],
        row: impl Fn(NaiveDate, [Arc<str>; N], Arc<Tags>, Measures) -> R,
        key: impl Fn(&R) -> &K,
    ) -> Result<Vec<R>, ColumnsError> {
        self.check_lengths()?;
        let columns = names.map(|name| (name, self.texts.remove(name)));
        if let Some((column, _)) = columns.iter().find(|(_, column)| column.is_none()) {
            return Err(ColumnsError::Missing { column });
        }
        if let Some(column) = self.texts.into_keys().next() {
            return Err(ColumnsError::Unknown { column });
        }
        let mut interner = Interner::default();
        let tags = Coded { values: shared(&self.tags.values, &mut interner), codes: self.tags.codes };
        let columns = columns.map(|(name, column)| (name, column.unwrap_or_default()));
        let measures = self
            .usage_amount
            .into_iter()
            .zip(self.tokens)
            .zip(self.unblended_cost.into_iter().zip(self.net_unblended_cost))
            .zip(self.list_cost.into_iter().zip(self.line_items).zip(self.lines_without_net));
        let empty: Arc<str> = Arc::default();
        let mut rows = Vec::with_capacity(self.rows);
        for (index, (((usage_amount, tokens), costs), ((list_cost, line_items), lines_without_net))) in
            measures.enumerate()
        {
            let day = *self.days.get("days", index)?;
            let tags = Arc::clone(tags.get("tags", index)?);
            let mut damage = None;
            let fields = columns.each_ref().map(|(name, column)| match column.get(name, index) {
                Ok(text) => Arc::clone(text),
                Err(error) => {
                    damage = Some(error);
                    Arc::clone(&empty)
                }
            });
            if let Some(error) = damage {
                return Err(error);
            }
            let (unblended_cost, net_unblended_cost) = costs;
            rows.push(row(
                day,
                fields,
                tags,
                Measures {
                    usage_amount,
                    tokens,
                    unblended_cost,
                    net_unblended_cost,
                    list_cost,
                    line_items,
                    lines_without_net,
                },
            ));
        }
        // Who reads rows relies on their order. Equal keys would do no harm: what is made of rows are sums.
        match rows.iter().zip(rows.iter().skip(1)).position(|(one, next)| key(one) > key(next)) {
            Some(before) => Err(ColumnsError::Unsorted { row: before + 1 }),
            None => Ok(rows),
        }
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

/// A row of either kind.
#[derive(Clone, Copy)]
struct Row<'a, const N: usize> {
    day: NaiveDate,
    fields: &'a [Arc<str>; N],
    tags: &'a Arc<Tags>,
    measures: &'a Measures,
}

impl<const N: usize> Row<'_, N> {
    /// What the keys of bill lines and facts compare by.
    fn key(&self) -> impl Ord {
        (self.day, self.fields, self.tags)
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

impl<T> From<reduction::Coded<T>> for Coded<T> {
    fn from(reduction::Coded { values, codes }: reduction::Coded<T>) -> Self {
        Self { values, codes }
    }
}

impl<T: Clone + Eq + Hash> Coded<T> {
    fn of<'a>(rows: impl Iterator<Item = &'a T>) -> Self
    where
        T: 'a,
    {
        let mut coded = Self::default();
        let mut known: HashMap<&T, u32> = HashMap::new();
        let mut last: Option<(&T, u32)> = None;
        for value in rows {
            // Sorted rows often have the value of the row before.
            let code = match last {
                Some((same, code)) if same == value => code,
                _ => *known.entry(value).or_insert_with(|| {
                    // More values than that do not fit in any memory; reading would find the number out of range.
                    let code = u32::try_from(coded.values.len()).unwrap_or(u32::MAX);
                    coded.values.push(value.clone());
                    code
                }),
            };
            last = Some((value, code));
            coded.codes.push(code);
        }
        coded
    }
}

impl<T> Coded<T> {
    /// The value of row `index`, which must be there.
    fn get(&self, column: &str, index: usize) -> Result<&T, ColumnsError> {
        let code = self.codes.get(index).copied().unwrap_or(u32::MAX);
        let value = usize::try_from(code).ok().and_then(|code| self.values.get(code));
        value.ok_or_else(|| ColumnsError::Code { column: column.to_owned(), row: index, code })
    }
}

/// Tags in a document: an object that has each key once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct TagSet(#[serde(deserialize_with = "serial::unique_tags")] Arc<Tags>);

/// The tag sets, with equal texts shared among them.
fn shared(sets: &[TagSet], interner: &mut Interner) -> Vec<Arc<Tags>> {
    let mut share = |TagSet(tags): &TagSet| {
        Arc::new(tags.iter().map(|(key, value)| (interner.intern(key), interner.intern(value))).collect())
    };
    sets.iter().map(&mut share).collect()
}
