//! Writing rows as gzipped text.

use std::io::Write as _;

use flate2::write::GzEncoder;

use crate::columns::schema::Kind;
use crate::write::cells::{Row, Value, flatten, pivot};
use crate::write::error::WriteError;
use crate::write::shape::FileShape;

/// Writes `rows` as AWS writes text: a header, gzip, maps as JSON objects, nothing for null. Of the shape only which
/// columns there are counts. The same rows in the same shape are the same bytes.
pub fn csv_gz(rows: &[Row], shape: &FileShape) -> Result<Vec<u8>, WriteError> {
    let flat = flatten(rows, shape);
    let columns = pivot(rows, shape, &flat)?;
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
    let names: Vec<_> = columns.iter().map(|cells| quoted(&cells.name)).collect();
    writeln!(gzip, "{}", names.join(","))?;
    for row in 0..rows.len() {
        let cells = columns.iter().map(|cells| {
            let value = cells.values.get(row).copied().flatten();
            quoted(&value.map_or_else(|| absent(cells.kind), text))
        });
        writeln!(gzip, "{}", cells.collect::<Vec<_>>().join(","))?;
    }
    Ok(gzip.finish()?)
}

fn absent(kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Number | Kind::Time => String::new(),
        Kind::TextMap | Kind::NumberMap => "{}".to_owned(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => format!("{number:?}"),
        Value::Time(time) => time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        Value::Map(map) => {
            object(map.iter().map(|(key, value)| (key, serde_json::Value::from(value.as_str()).to_string())))
        }
        Value::Numbers(map) => object(map.iter().map(|(key, number)| (key, format!("{number:?}")))),
    }
}

/// Written by hand, because the order of entries and keys that are there twice are part of a row.
fn object<'a>(entries: impl Iterator<Item = (&'a String, String)>) -> String {
    let entries: Vec<_> =
        entries.map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str()))).collect();
    format!("{{{}}}", entries.join(","))
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
