//! What is written: rows of cells, turned into columns.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::columns::schema::{self, COLUMNS, Kind};
use crate::write::error::WriteError;
use crate::write::shape::{FileShape, Flattened};

/// What a cell holds. Its kind must be its column's.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// For [`Kind::Text`].
    Text(String),
    /// For [`Kind::Number`].
    Number(f64),
    /// For [`Kind::Time`].
    Time(DateTime<Utc>),
    /// For [`Kind::TextMap`]; entries in this order.
    Map(Vec<(String, String)>),
    /// For [`Kind::NumberMap`]; entries in this order.
    Numbers(Vec<(String, f64)>),
}

impl Value {
    fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Number(_) => Kind::Number,
            Self::Time(_) => Kind::Time,
            Self::Map(_) => Kind::TextMap,
            Self::Numbers(_) => Kind::NumberMap,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<DateTime<Utc>> for Value {
    fn from(time: DateTime<Utc>) -> Self {
        Self::Time(time)
    }
}

/// One line item: its cells by column. A column that is not there is null.
pub type Row = BTreeMap<&'static str, Value>;

/// A column of the file with its cells, one per row.
pub(crate) struct Cells<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: Kind,
    pub(crate) values: Vec<Option<&'a Value>>,
}

/// Turns rows into columns, and checks every cell's column and kind.
pub(crate) fn pivot<'a>(
    rows: &'a [Row],
    shape: &'a FileShape,
    flat: &'a [Vec<Option<Value>>],
) -> Result<Vec<Cells<'a>>, WriteError> {
    let selected = &shape.columns;
    let mut positions: HashMap<&str, Option<usize>> = COLUMNS.iter().map(|column| (column.name, None)).collect();
    let mut columns = Vec::with_capacity(selected.len());
    for (position, name) in selected.iter().enumerate() {
        let unknown = || WriteError::UnknownColumn((*name).to_owned());
        let column = schema::column(name).ok_or_else(unknown)?;
        if positions.insert(column.name, Some(position)).flatten().is_some() {
            return Err(WriteError::RepeatedColumn((*name).to_owned()));
        }
        columns.push(Cells { name: column.name.into(), kind: column.kind, values: vec![None; rows.len()] });
    }
    for (index, row) in rows.iter().enumerate() {
        for (name, value) in row {
            let unknown = || WriteError::UnknownColumn((*name).to_owned());
            let Some(position) = *positions.get(name).ok_or_else(unknown)? else { continue };
            let Some(cells) = columns.get_mut(position) else { continue };
            if value.kind() != cells.kind {
                return Err(WriteError::WrongKind {
                    column: name,
                    row: index,
                    expected: cells.kind,
                    found: value.kind(),
                });
            }
            if let Some(cell) = cells.values.get_mut(index) {
                *cell = Some(value);
            }
        }
    }
    for (Flattened { column, .. }, values) in shape.flattened.iter().zip(flat) {
        if columns.iter().any(|cells| cells.name == *column) {
            return Err(WriteError::RepeatedColumn(column.clone()));
        }
        let values = values.iter().map(Option::as_ref).collect();
        columns.push(Cells { name: column.into(), kind: Kind::Text, values });
    }
    Ok(columns)
}

/// The cells of the flattened columns.
pub(crate) fn flatten(rows: &[Row], shape: &FileShape) -> Vec<Vec<Option<Value>>> {
    let cell = |row: &Row, flattened: &Flattened| match row.get(flattened.map) {
        Some(Value::Map(map)) => {
            map.iter().rev().find(|(key, _)| *key == flattened.key).map(|(_, value)| Value::Text(value.clone()))
        }
        _ => None,
    };
    shape.flattened.iter().map(|flattened| rows.iter().map(|row| cell(row, flattened)).collect()).collect()
}
