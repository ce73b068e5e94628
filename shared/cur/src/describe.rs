//! What a chunk is, without reading its rows.

use std::collections::HashMap;

use arrow::datatypes::DataType;

use parquet::file::metadata::RowGroupMetaData;

use crate::chunk_bytes::ChunkBytes;
use crate::columns::ChunkColumns;
use crate::error::CurError;
use crate::footer;
use crate::schema::Kind;
use crate::source::ChunkSource;

/// How a chunk is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet.
    Parquet,
    /// Text, compressed with gzip.
    Csv,
}

/// What a chunk's footer or header says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// How it is written.
    pub format: Format,
    /// How many rows it has; `None` if only reading all of it would tell.
    pub rows: Option<u64>,
    /// Its columns, in the order of the file.
    pub columns: Vec<ColumnInfo>,
    /// The size of the file in bytes.
    pub size: u64,
    /// Who says to have written it.
    pub created_by: Option<String>,
}

/// A column of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The name.
    pub name: String,
    /// The type as manifests spell it (`string`, `double`, `timestamp`, `map<string,string>`), else as the decoder
    /// does. In text every column is `text`.
    pub kind: String,
    /// How many bytes of the file hold it; `None` where columns do not lie apart.
    pub compressed: Option<u64>,
    /// Whether reducing the chunk needs it.
    pub is_read: bool,
}

impl Description {
    /// Whether there is a column of that name.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|found| found.name == column)
    }

    /// How many bytes of the columns are read at most, and how many there are; `None` where columns do not lie apart.
    #[must_use]
    pub fn bytes_read(&self) -> Option<(u64, u64)> {
        let mut sums = (0_u64, 0_u64);
        for column in &self.columns {
            let bytes = column.compressed?;
            sums.0 = sums.0.saturating_add(if column.is_read { bytes } else { 0 });
            sums.1 = sums.1.saturating_add(bytes);
        }
        Some(sums)
    }
}

/// Says what a chunk is by its footer or its header alone. `name` is the object key, for errors.
///
/// # Errors
///
/// [`CurError`]: what would keep its rows from being read and shows without reading them, but for missing columns.
pub async fn describe<S: ChunkSource>(name: &str, source: S) -> Result<Description, CurError> {
    let mut chunk = ChunkBytes::new(name, source);
    let metadata = footer::read(&mut chunk).await?;
    let mut compressed: HashMap<&str, u64> = HashMap::new();
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let root = column.column_path().parts().first().map_or("", String::as_str);
        let bytes = compressed.entry(root).or_default();
        *bytes = bytes.saturating_add(u64::try_from(column.compressed_size()).unwrap_or(0));
    }
    let fields = ChunkColumns::infer(name, &metadata)?;
    let columns = fields.schema().fields().iter().map(|field| ColumnInfo {
        name: field.name().clone(),
        kind: kind(field.data_type()),
        compressed: Some(compressed.get(field.name().as_str()).copied().unwrap_or(0)),
        is_read: crate::columns::wanted().contains(field.name().as_str()),
    });
    Ok(Description {
        format: Format::Parquet,
        rows: u64::try_from(metadata.file_metadata().num_rows()).ok(),
        columns: columns.collect(),
        size: chunk.size(),
        created_by: metadata.file_metadata().created_by().map(str::to_owned),
    })
}

fn kind(data_type: &DataType) -> String {
    let known = match data_type {
        DataType::Utf8 | DataType::Binary => Kind::Text,
        DataType::Float64 => Kind::Number,
        DataType::Timestamp(..) => Kind::Time,
        DataType::Map(entries, _) | DataType::List(entries) => match entries.data_type() {
            DataType::Struct(fields) => match fields.get(1).map(|value| value.data_type()) {
                Some(DataType::Utf8 | DataType::Binary) => Kind::TextMap,
                Some(DataType::Float64) => Kind::NumberMap,
                _ => return data_type.to_string(),
            },
            _ => return data_type.to_string(),
        },
        _ => return data_type.to_string(),
    };
    known.as_str().to_owned()
}
