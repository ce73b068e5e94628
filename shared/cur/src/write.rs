//! Writing CUR 2.0 files, for samples and tests: as AWS writes them, and in the other shapes that a reader must bear.
//!
//! AWS's writer is Spark's (parquet-mr): `INT96` timestamps, optional columns, v1 data pages, dictionaries, snappy. Arrow
//! cannot write `INT96`, so this writes columns with their levels. One difference remains: dictionary-encoded pages
//! are marked `RLE_DICTIONARY`, where parquet-mr marks the same bytes `PLAIN_DICTIONARY`.
//!
//! `cells` turns rows into columns, `shape` says in which physical shape they are written, `columns` writes the columns of a
//! Parquet file, `text` writes gzip-compressed CSV, `manifest` the manifest, and `error` says why a file was not written.

mod cells;
mod columns;
mod error;
mod manifest;
mod shape;
#[cfg(test)]
mod tests;
mod text;

use std::fmt::Write as _;
use std::sync::Arc;

use parquet::basic::{GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::columns::schema::Kind;
use crate::write::cells::{Cells, flatten, pivot};
pub use crate::write::cells::{Row, Value};
pub use crate::write::error::WriteError;
pub use crate::write::manifest::manifest;
pub use crate::write::shape::{Compression, FileShape, Flattened, PageVersion, Timestamps};
pub use crate::write::text::csv_gz;

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
    let mut properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(compression)
        .set_dictionary_enabled(shape.dictionary)
        .set_created_by(shape.created_by.clone());
    if shape.rows_per_page > 0 {
        properties = properties.set_data_page_row_count_limit(shape.rows_per_page);
        properties = properties.set_write_batch_size(shape.rows_per_page);
    }
    if shape.dictionary_bytes > 0 {
        properties = properties.set_dictionary_page_size_limit(shape.dictionary_bytes);
    }
    properties.build()
}
