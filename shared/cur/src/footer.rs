//! The footer of a Parquet file: found, bounded and checked before anything trusts it.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::file::metadata::{
    FooterTail, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};

use crate::chunk_bytes::ChunkBytes;
use crate::error::CurError;
use crate::footer_bounds::{self, VALUE_LIMIT, entry_limit};
use crate::guard::guarded;
use crate::source::ChunkSource;

/// How much of the end is read at first: the footer of 131 columns and one row group takes 20 KB, of ten 150 KB.
pub(crate) const TAIL: u64 = 64 * 1024;

/// The largest footer that is read. One this large has over a thousand row groups.
const FOOTER_LIMIT: usize = 32 * 1024 * 1024;

/// Reads the footer of a chunk that ends as Parquet does.
pub(crate) async fn read<S: ChunkSource>(chunk: &mut ChunkBytes<'_, S>) -> Result<Arc<ParquetMetaData>, CurError> {
    let name = chunk.name();
    let size = chunk.size();
    let start = size.saturating_sub(TAIL);
    let tail = chunk.read_tail(start).await?;
    let without = || corrupt(name, "it ends without a footer".to_owned());
    let end = tail.last_chunk::<8>().ok_or_else(without)?;
    let footer = FooterTail::try_new(end).map_err(|_| without())?;
    let length = footer.metadata_length();
    if length > FOOTER_LIMIT {
        return Err(corrupt(name, format!("its footer is said to have {length} bytes")));
    }
    let metadata_and_end = u64::try_from(length + end.len()).unwrap_or(u64::MAX);
    let Some(start) = size.checked_sub(metadata_and_end) else {
        return Err(corrupt(name, format!("its footer is said to have {length} bytes, the file has {size}")));
    };
    let bytes = if metadata_and_end <= TAIL {
        tail.slice(tail.len() - length - end.len()..)
    } else {
        chunk.read_tail(start).await?
    };
    decode(name, bytes.get(..length).unwrap_or_default(), size)
}

fn decode(name: &str, bytes: &[u8], size: u64) -> Result<Arc<ParquetMetaData>, CurError> {
    footer_bounds::check(bytes).map_err(|reason| corrupt(name, reason))?;
    let options = ParquetMetaDataOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let metadata = guarded(|| ParquetMetaDataReader::decode_metadata_with_options(bytes, Some(&options)))
        .map_err(|error| corrupt(name, format!("its footer: {error}")))?;
    check_rows(name, &metadata)?;
    check_columns(name, &metadata, size)?;
    Ok(Arc::new(metadata))
}

fn check_rows(name: &str, metadata: &ParquetMetaData) -> Result<(), CurError> {
    let mut rows = 0_i64;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let negative = || corrupt_group(name, index, format!("it is said to have {} rows", group.num_rows()));
        rows = rows.checked_add(group.num_rows()).filter(|_| group.num_rows() >= 0).ok_or_else(negative)?;
    }
    if let Some((index, group)) =
        metadata.row_groups().iter().enumerate().find(|(_, group)| group.num_rows() > VALUE_LIMIT)
    {
        let reason = format!("it is said to have {} rows, and {VALUE_LIMIT} are read", group.num_rows());
        return Err(oversized(name, index, reason));
    }
    if rows != metadata.file_metadata().num_rows() {
        let said = metadata.file_metadata().num_rows();
        return Err(corrupt(name, format!("its footer says {said} rows, its row groups {rows}")));
    }
    Ok(())
}

/// The library trusts offsets, lengths and counts: negative ones would panic, and ones outside the file cannot be read.
fn check_columns(name: &str, metadata: &ParquetMetaData, size: u64) -> Result<(), CurError> {
    for (index, group) in metadata.row_groups().iter().enumerate() {
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let end = start.checked_add(column.compressed_size()).and_then(|end| u64::try_from(end).ok());
            let inside = start >= 0 && column.compressed_size() >= 0 && end.is_some_and(|end| end <= size);
            if !inside || column.file_path().is_some() {
                let reason = format!("column {} is said to lie outside the file", column.column_path().string());
                return Err(corrupt_group(name, index, reason));
            }
            // Without repetition every row is a value, be it null. The decoder would stop at the smaller number.
            let (values, rows) = (column.num_values(), group.num_rows());
            if values < 0 || (column.column_descr().max_rep_level() == 0 && values != rows) {
                let reason =
                    format!("column {} is said to have {values} values in {rows} rows", column.column_path().string());
                return Err(corrupt_group(name, index, reason));
            }
            let most = entry_limit(rows);
            if values > most {
                let path = column.column_path().string();
                let reason =
                    format!("column {path} is said to have {values} values in {rows} rows, and {most} are read");
                return Err(oversized(name, index, reason));
            }
        }
    }
    Ok(())
}

/// Refuses a codec that this build does not have, for the leaves that are to be read.
pub(crate) fn check_codecs(
    name: &str,
    metadata: &ParquetMetaData,
    is_read: impl Fn(usize) -> bool,
) -> Result<(), CurError> {
    for (row_group, group) in metadata.row_groups().iter().enumerate() {
        for (_, column) in group.columns().iter().enumerate().filter(|(leaf, _)| is_read(*leaf)) {
            match column.compression() {
                Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_) => {}
                codec => {
                    return Err(CurError::UnsupportedCodec {
                        file: name.to_owned(),
                        row_group,
                        column: column.column_path().string(),
                        codec: codec.to_string(),
                    });
                }
            }
        }
    }
    Ok(())
}

fn corrupt(name: &str, reason: String) -> CurError {
    CurError::Corrupt { file: name.to_owned(), row_group: None, reason }
}

fn corrupt_group(name: &str, row_group: usize, reason: String) -> CurError {
    CurError::Corrupt { file: name.to_owned(), row_group: Some(row_group), reason }
}

fn oversized(name: &str, row_group: usize, reason: String) -> CurError {
    CurError::Oversized { file: name.to_owned(), row_group, reason }
}
