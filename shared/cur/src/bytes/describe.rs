//! What a chunk is, without reading its rows.

/// How a chunk is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
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
    /// The writer that the footer names.
    pub created_by: Option<String>,
}

/// A column of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
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
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|found| found.name == column)
    }

    /// How many bytes of the columns are read at most, and how many there are; `None` where columns do not lie apart.
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
