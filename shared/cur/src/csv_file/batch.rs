//! Text turned into batches of the types that Parquet gives, so that one scan and one reader serve both.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Builder, MapBuilder, RecordBatch, StringDictionaryBuilder, TimestampSecondBuilder,
};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use spend_core::bill::line::limits::MOST_ENTRIES;

use crate::columns::schema::Kind;
use crate::csv_file::columns::CsvColumn;
use crate::csv_file::records::Records;
use crate::error::{CurError, Place, Within, shown};
use crate::rows::refused::too_many_entries;

/// How many rows are looked at together.
const ROWS: usize = 4096;

/// How many bytes of fields are kept for that, at least before a row is added.
const BYTES: usize = 8 * 1024 * 1024;

/// Rows that were read and not looked at yet: the fields of the columns to read, one after the other.
#[derive(Default)]
pub(crate) struct Pending {
    fields: Vec<u8>,
    ends: Vec<usize>,
    places: Vec<Place>,
    /// How many rows between them were passed over.
    passed: usize,
    /// How many rows there were before the next.
    next_row: u64,
}

type TextBuilder = StringDictionaryBuilder<Int32Type>;

impl Pending {
    pub(crate) fn push(&mut self, record: &Records, columns: &[CsvColumn]) {
        for column in columns {
            self.fields.extend_from_slice(record.field(column.field));
            self.ends.push(self.fields.len());
        }
        self.places.push(Place { row: self.next_row, within: Within::Line(record.line()) });
        self.next_row += 1;
    }

    /// Counts a row that was passed over.
    pub(crate) fn pass_over(&mut self) {
        self.passed += 1;
        self.next_row += 1;
    }

    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    pub(crate) fn rows(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows() + self.passed >= ROWS || self.fields.len() >= BYTES
    }

    pub(crate) fn clear(&mut self) {
        self.fields.clear();
        self.ends.clear();
        self.places.clear();
        self.passed = 0;
    }

    pub(crate) fn place(&self, row: usize) -> Place {
        self.places.get(row).copied().unwrap_or(Place { row: self.next_row, within: Within::Line(0) })
    }

    /// A batch of those columns that are `asked` for, with these rows.
    pub(crate) fn batch(
        &self,
        file: &str,
        columns: &[CsvColumn],
        asked: impl Fn(&str) -> bool,
        rows: &[usize],
    ) -> Result<RecordBatch, CurError> {
        let corrupt = |error: ArrowError| CurError::corrupt(file, None, format!("its rows do not fit: {error}"));
        let mut arrays: Vec<(&str, ArrayRef)> = Vec::new();
        for (index, column) in columns.iter().enumerate().filter(|(_, column)| asked(&column.name)) {
            let bad = |row, reason| CurError::BadValue {
                file: file.to_owned(),
                place: self.place(row),
                column: shown(&column.name),
                reason,
            };
            let mut cells = Vec::with_capacity(rows.len());
            for row in rows {
                let text = str::from_utf8(self.field(row * columns.len() + index));
                cells.push((*row, text.map_err(|_| bad(*row, "is not UTF-8".to_owned()))?));
            }
            let failed = |(row, failure)| match failure {
                Failure::Value(reason) => bad(row, reason),
                Failure::Long(reason) => CurError::Overlong {
                    file: file.to_owned(),
                    place: self.place(row),
                    column: shown(&column.name),
                    reason,
                },
                Failure::Arrow(error) => corrupt(error),
            };
            arrays.push((&column.name, array(column.kind, &cells).map_err(failed)?));
        }
        RecordBatch::try_from_iter(arrays).map_err(corrupt)
    }

    fn field(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        start.zip(self.ends.get(index)).and_then(|(start, end)| self.fields.get(start..*end)).unwrap_or_default()
    }
}

/// Why a value does not become part of an array.
enum Failure {
    Value(String),
    Long(String),
    Arrow(ArrowError),
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// The cells of a column, each with its row, as an array of its kind.
fn array(kind: Kind, cells: &[(usize, &str)]) -> Result<ArrayRef, (usize, Failure)> {
    match kind {
        Kind::Text => {
            let mut builder = TextBuilder::new();
            for (row, text) in cells {
                append(&mut builder, Some(text)).map_err(|failure| (*row, failure))?;
            }
            Ok(Arc::new(builder.finish()))
        }
        Kind::Number => {
            let mut builder = Float64Builder::with_capacity(cells.len());
            for (row, text) in cells {
                builder.append_option(number(text).map_err(|reason| (*row, Failure::Value(reason)))?);
            }
            Ok(Arc::new(builder.finish()))
        }
        Kind::Time => {
            let mut builder = TimestampSecondBuilder::with_capacity(cells.len());
            for (row, text) in cells {
                builder.append_option(seconds(text).map_err(|reason| (*row, Failure::Value(reason)))?);
            }
            Ok(Arc::new(builder.finish()))
        }
        Kind::TextMap | Kind::NumberMap => {
            let mut builder = MapBuilder::new(None, TextBuilder::new(), TextBuilder::new());
            for (row, text) in cells {
                let entries = entries(text).map_err(|failure| (*row, failure))?;
                for (key, value) in entries {
                    builder.keys().append(&key).map_err(|error| (*row, error.into()))?;
                    append(builder.values(), value.as_deref()).map_err(|failure| (*row, failure))?;
                }
                builder.append(true).map_err(|error| (*row, error.into()))?;
            }
            Ok(Arc::new(builder.finish()))
        }
    }
}

/// Text has no null: what is missing is an empty field.
fn append(builder: &mut TextBuilder, text: Option<&str>) -> Result<(), Failure> {
    match text {
        Some(text) if !text.is_empty() => drop(builder.append(text)?),
        _ => builder.append_null(),
    }
    Ok(())
}

/// The double that the bill has, which the text is a decimal form of.
fn number(text: &str) -> Result<Option<f64>, String> {
    match text.trim() {
        "" => Ok(None),
        number => number.parse().map(Some).map_err(|_| "is no number".to_owned()),
    }
}

/// Seconds since 1970: `2026-11-01T00:00:00.000Z`, with a space, without parts of a second, or without a zone (UTC).
fn seconds(text: &str) -> Result<Option<i64>, String> {
    const FORMATS: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let time = text.trim();
    if time.is_empty() {
        return Ok(None);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(time) {
        return Ok(Some(time.timestamp()));
    }
    let local = time.strip_suffix("UTC").or_else(|| time.strip_suffix('Z')).unwrap_or(time).trim_end();
    let found = FORMATS.into_iter().find_map(|format| NaiveDateTime::parse_from_str(local, format).ok());
    let day = || NaiveDate::parse_from_str(local, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
    match found.or_else(day) {
        Some(time) => Ok(Some(time.and_utc().timestamp())),
        None => Err("is no time such as 2026-11-01T00:00:00.000Z".to_owned()),
    }
}

type Entries<'a> = Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>;

/// The entries of a JSON object, in its order. Numbers and truth values are their text; null is no value.
fn entries(text: &str) -> Result<Entries<'_>, Failure> {
    match text.trim() {
        "" | "{}" => Ok(Vec::new()),
        object => {
            let mut parser = serde_json::Deserializer::from_str(object);
            let too_many = Cell::new(false);
            let found =
                parser.deserialize_map(EntriesVisitor(&too_many)).and_then(|entries| parser.end().map(|()| entries));
            // What the parser says may have a part of the text in it.
            found.map_err(|error| match error.column() {
                _ if too_many.get() => Failure::Long(too_many_entries()),
                0 => Failure::Value("is no JSON object of texts".to_owned()),
                column => Failure::Value(format!("is no JSON object of texts, as its character {column} shows")),
            })
        }
    }
}

/// Notes whether there were too many entries.
struct EntriesVisitor<'a>(&'a Cell<bool>);

impl<'de> Visitor<'de> for EntriesVisitor<'_> {
    type Value = Entries<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Cow<'de, str>, serde_json::Value>()? {
            let value = match value {
                serde_json::Value::Null => None,
                serde_json::Value::String(text) => Some(Cow::Owned(text)),
                serde_json::Value::Number(number) => Some(Cow::Owned(number.to_string())),
                serde_json::Value::Bool(value) => Some(Cow::Owned(value.to_string())),
                _ => return Err(A::Error::custom("a value is no text")),
            };
            if entries.len() >= MOST_ENTRIES {
                self.0.set(true);
                return Err(A::Error::custom("too many entries"));
            }
            entries.push((key, value));
        }
        Ok(entries)
    }
}
