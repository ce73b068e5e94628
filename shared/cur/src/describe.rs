//! What a chunk is, without reading its rows.

use std::collections::BTreeMap;

use parquet::file::metadata::RowGroupMetaData;

use crate::chunk_bytes::ChunkBytes;
use crate::columns::wanted;
use crate::error::CurError;
use crate::footer;
use crate::source::ChunkSource;

/// What a chunk's footer says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its columns; of a map the column, with its keys and values.
    pub columns: Vec<ColumnInfo>,
}

/// A column of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The name.
    pub name: String,
    /// How many bytes of the file hold it; `None` where columns do not lie apart.
    pub compressed: Option<u64>,
    /// Whether reducing the chunk needs it.
    pub is_read: bool,
}

/// Says what a chunk is by its footer alone. `name` is the object key, for errors.
///
/// # Errors
///
/// [`CurError`]: a file that is damaged or of another kind, or a source that does not answer.
pub async fn describe<S: ChunkSource>(name: &str, source: S) -> Result<Description, CurError> {
    let mut chunk = ChunkBytes::new(name, source);
    let metadata = footer::read(&mut chunk).await?;
    let mut bytes: BTreeMap<&str, u64> = BTreeMap::new();
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let root = column.column_path().parts().first().map_or("", String::as_str);
        *bytes.entry(root).or_default() += u64::try_from(column.compressed_size()).unwrap_or(0);
    }
    let read = wanted();
    let root = metadata.file_metadata().schema_descr().root_schema();
    let columns = root.get_fields().iter().map(|field| ColumnInfo {
        name: field.name().to_owned(),
        compressed: Some(bytes.get(field.name()).copied().unwrap_or(0)),
        is_read: read.contains(field.name()),
    });
    Ok(Description { columns: columns.collect() })
}
