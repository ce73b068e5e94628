//! Writing CUR 2.0 files, for samples and tests: as AWS writes them, and in the other shapes that a reader must bear.
//!
//! AWS's writer is Spark's (parquet-mr): `INT96` timestamps, optional columns, v1 data pages, dictionaries, snappy. Arrow
//! cannot write `INT96`, so this writes columns with their levels. One difference remains: dictionary-encoded pages
//! are marked `RLE_DICTIONARY`, where parquet-mr marks the same bytes `PLAIN_DICTIONARY`.

mod columns;
mod manifest;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parquet::basic::{GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::columns::schema::{self, COLUMNS, Kind};
pub use crate::write::manifest::manifest;
pub use crate::write::text::csv_gz;

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

/// How timestamps are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// `INT96`: nanoseconds of the day and the Julian day. What AWS writes.
    Int96,
    /// `INT64` milliseconds since 1970.
    Millis,
    /// `INT64` microseconds since 1970.
    Micros,
    /// `INT64` nanoseconds since 1970: the years 1677 to 2262 only.
    Nanos,
}

/// The version of data pages, and with it the fallback encodings (v1 `PLAIN`, v2 the delta encodings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageVersion {
    /// What AWS writes.
    V1,
    /// What newer writers write.
    V2,
}

/// How pages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// What AWS writes.
    Snappy,
    /// Gzip at its default level.
    Gzip,
    /// Zstandard at its default level.
    Zstd,
}

/// A map's key as a column of its own, as the dot operator of an export's query lays it flat: `tags.team`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flattened {
    /// The map column, which need not be selected itself.
    pub map: &'static str,
    pub key: String,
    /// What the column is called.
    pub column: String,
}

/// The physical shape of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileShape {
    /// Which columns, in this order, as the query of an export selects them. Cells of other columns are left out.
    pub columns: Vec<&'static str>,
    /// Columns of text besides them, after them.
    pub flattened: Vec<Flattened>,
    /// How timestamps are stored.
    pub timestamps: Timestamps,
    /// Whether columns are `REQUIRED`: what is null is then an empty text, 0, 1970 or an empty map.
    pub required: bool,
    /// The version of data pages.
    pub page_version: PageVersion,
    /// Whether columns have dictionaries.
    pub dictionary: bool,
    /// How pages are compressed.
    pub compression: Compression,
    /// At most this many rows in a row group; 0 means 1. A file without rows has no row group.
    pub rows_per_group: usize,
    /// Who the footer says wrote the file.
    pub created_by: String,
}

impl Default for FileShape {
    /// As AWS writes: all 131 columns, `INT96`, optional, v1 pages, dictionaries, snappy.
    fn default() -> Self {
        Self {
            columns: COLUMNS.iter().map(|column| column.name).collect(),
            flattened: Vec::new(),
            timestamps: Timestamps::Int96,
            required: false,
            page_version: PageVersion::V1,
            dictionary: true,
            compression: Compression::Snappy,
            rows_per_group: 1_000_000,
            created_by: "parquet-mr version 1.13.1 (build db4183109d5b734ec5930d870cdae161e408ddba)".to_owned(),
        }
    }
}

impl FileShape {
    /// The same without `columns`, as an export whose query does not select them.
    pub fn without(mut self, columns: &[&str]) -> Self {
        self.columns.retain(|column| !columns.contains(column));
        self
    }

    /// The same with the key of a map as a column of its own besides.
    pub fn with_flattened(mut self, map: &'static str, key: &str, column: &str) -> Self {
        self.flattened.push(Flattened { map, key: key.to_owned(), column: column.to_owned() });
        self
    }
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A row or the shape names a column that the CUR 2.0 table does not have.
    #[error("writing a chunk: CUR 2.0 has no column {0}")]
    UnknownColumn(String),
    /// The shape names a column twice.
    #[error("writing a chunk: column {0} is selected twice")]
    RepeatedColumn(String),
    /// A cell holds something else than its column.
    #[error("writing a chunk: row {row}, column {column}: a {} cannot hold a {}", .expected.as_str(), .found.as_str())]
    WrongKind {
        column: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// What the column holds.
        expected: Kind,
        /// What the cell holds.
        found: Kind,
    },
    /// A time that the chosen storage cannot hold.
    #[error("writing a chunk: {0} cannot be stored as {1:?}")]
    TimeOutOfRange(DateTime<Utc>, Timestamps),
    /// The compressor failed.
    #[error("writing a chunk: {0}")]
    Compress(#[from] std::io::Error),
    /// The Parquet writer failed.
    #[error("writing a chunk: {0}")]
    Parquet(#[from] ParquetError),
}

/// A column of the file with its cells, one per row.
struct Cells<'a> {
    name: Cow<'a, str>,
    kind: Kind,
    values: Vec<Option<&'a Value>>,
}

/// Writes `rows` as one Parquet file. The same rows in the same shape are the same bytes.
///
/// # Errors
///
/// [`WriteError`]: a column that CUR 2.0 does not have, a cell of another kind than its column, a time out of range.
pub fn parquet(rows: &[Row], shape: &FileShape) -> Result<Vec<u8>, WriteError> {
    let flat = flatten(rows, shape);
    let columns = pivot(rows, shape, &flat)?;
    let schema = Arc::new(parse_message_type(&message_type(&columns, shape))?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties(shape)))?;
    let rows_per_group = shape.rows_per_group.max(1);
    for first in (0..rows.len()).step_by(rows_per_group) {
        let last = first.saturating_add(rows_per_group).min(rows.len());
        let mut group = file.next_row_group()?;
        for cells in &columns {
            columns::write(&mut group, cells.kind, cells.values.get(first..last).unwrap_or_default(), shape)?;
        }
        group.close()?;
    }
    Ok(file.into_inner()?)
}

/// Turns rows into columns, and checks every cell's column and kind.
fn pivot<'a>(
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
fn flatten(rows: &[Row], shape: &FileShape) -> Vec<Vec<Option<Value>>> {
    let cell = |row: &Row, flattened: &Flattened| match row.get(flattened.map) {
        Some(Value::Map(map)) => {
            map.iter().rev().find(|(key, _)| *key == flattened.key).map(|(_, value)| Value::Text(value.clone()))
        }
        _ => None,
    };
    shape.flattened.iter().map(|flattened| rows.iter().map(|row| cell(row, flattened)).collect()).collect()
}

/// The schema, in the notation of Parquet's documentation. Maps are grouped as Spark groups them.
fn message_type(columns: &[Cells<'_>], shape: &FileShape) -> String {
    let repetition = if shape.required { "required" } else { "optional" };
    let time = match shape.timestamps {
        Timestamps::Int96 => ("int96", ""),
        Timestamps::Millis => ("int64", " (TIMESTAMP(MILLIS,true))"),
        Timestamps::Micros => ("int64", " (TIMESTAMP(MICROS,true))"),
        Timestamps::Nanos => ("int64", " (TIMESTAMP(NANOS,true))"),
    };
    let mut text = String::from("message spark_schema {\n");
    for Cells { name, kind, .. } in columns {
        let line = match kind {
            Kind::Text => format!("{repetition} binary {name} (STRING);"),
            Kind::Number => format!("{repetition} double {name};"),
            Kind::Time => format!("{repetition} {} {name}{};", time.0, time.1),
            Kind::TextMap => format!(
                "{repetition} group {name} (MAP) {{ repeated group key_value {{ \
                 required binary key (STRING); {repetition} binary value (STRING); }} }}"
            ),
            Kind::NumberMap => format!(
                "{repetition} group {name} (MAP) {{ repeated group key_value {{ \
                 required binary key (STRING); {repetition} double value; }} }}"
            ),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {line}");
    }
    text.push('}');
    text
}

fn properties(shape: &FileShape) -> WriterProperties {
    let version = match shape.page_version {
        PageVersion::V1 => WriterVersion::PARQUET_1_0,
        PageVersion::V2 => WriterVersion::PARQUET_2_0,
    };
    let compression = match shape.compression {
        Compression::None => parquet::basic::Compression::UNCOMPRESSED,
        Compression::Snappy => parquet::basic::Compression::SNAPPY,
        Compression::Gzip => parquet::basic::Compression::GZIP(GzipLevel::default()),
        Compression::Zstd => parquet::basic::Compression::ZSTD(ZstdLevel::default()),
    };
    WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(compression)
        .set_dictionary_enabled(shape.dictionary)
        .set_created_by(shape.created_by.clone())
        .build()
}
