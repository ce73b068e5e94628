//! The sums of a facts file, by the Parquet project's reader.

use bytes::Bytes;
use chrono::{Days, NaiveDate};
use parquet::data_type::AsBytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use crate::model::amounts::Sums;
use crate::model::forgotten::Alias;

/// Whose facts a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    pub delivery_id: String,
    pub revision: u64,
}

/// Whose facts it holds, and their sums.
pub fn read(bytes: &Bytes, alias: &Alias) -> (Of, Sums) {
    let file = SerializedFileReader::new(bytes.clone()).unwrap();
    let said = file.metadata().file_metadata().key_value_metadata().unwrap();
    let value = |key: &str| {
        let found = said.iter().find(|said| said.key == format!("bedrock-ledger.{key}"));
        found.and_then(|said| said.value.clone()).unwrap()
    };
    let of = Of { delivery_id: value("delivery_id"), revision: value("revision").parse().unwrap() };
    let mut sums = Sums::new();
    for row in file.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let identity = alias.undone(&text(&row, "identity")).into_owned();
        let key = (text(&row, "currency"), text(&row, "category"), identity, day(&row));
        let sum = sums.entry(key).or_default();
        sum.0 += amount(&row, "unblended_cost");
        sum.1 += match field(&row, "line_items") {
            Field::Long(items) => u64::try_from(*items).unwrap(),
            other => panic!("line_items is {other:?}"),
        };
    }
    (of, sums)
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(found, _)| *found == name).unwrap().1
}

fn text(row: &Row, name: &str) -> String {
    match field(row, name) {
        Field::Str(text) => text.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

fn day(row: &Row) -> NaiveDate {
    match field(row, "usage_date") {
        Field::Date(days) => NaiveDate::default() + Days::new(u64::try_from(*days).unwrap()),
        other => panic!("usage_date is {other:?}"),
    }
}

fn amount(row: &Row, name: &str) -> i128 {
    match field(row, name) {
        Field::Decimal(decimal) => {
            // Big-endian, in two's complement. Source: Apache Parquet, "Logical Types", DECIMAL.
            let bytes = decimal.as_bytes();
            let first = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
            bytes.iter().fold(first, |sum: i128, byte| (sum << 8) | i128::from(*byte))
        }
        other => panic!("{name} is {other:?}"),
    }
}
