//! The footer of a Parquet file: found, bounded and checked before anything trusts it.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::file::metadata::{
    ColumnChunkMetaData, FooterTail, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy,
};

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::source::ChunkSource;
use crate::error::{CurError, shown};
use crate::limits::{self, FOOTER, TAIL};
use crate::parquet_file::footer_bounds;
use crate::parquet_file::guard::guarded;

/// What is known of a column chunk takes so many bytes in memory.
const BYTES_A_COLUMN_CHUNK: u64 = 448;

/// A footer, and how much memory it takes.
pub(crate) struct Footer {
    pub(crate) metadata: Arc<ParquetMetaData>,
    pub(crate) held: u64,
}

/// Reads the footer of a chunk that ends as Parquet does.
pub(crate) async fn read<S: ChunkSource>(chunk: &mut ChunkBytes<'_, S>) -> Result<Footer, CurError> {
    let name = chunk.name();
    let size = chunk.size();
    let start = size.saturating_sub(TAIL);
    let tail = chunk.read_tail(start).await?;
    let without = || CurError::corrupt(name, None, "it ends without a footer".to_owned());
    let end = tail.last_chunk::<8>().ok_or_else(without)?;
    let footer = FooterTail::try_new(end).map_err(|_| without())?;
    let length = footer.metadata_length();
    if length > FOOTER {
        let reason = format!("its footer claims {length} bytes, and at most {FOOTER} are read");
        return Err(CurError::oversized(name, None, reason));
    }
    let metadata_and_end = u64::try_from(length + end.len()).unwrap_or(u64::MAX);
    let Some(start) = size.checked_sub(metadata_and_end) else {
        return Err(CurError::corrupt(name, None, format!("its footer claims {length} bytes, the file has {size}")));
    };
    let bytes = if metadata_and_end <= TAIL {
        tail.slice(tail.len() - length - end.len()..)
    } else {
        chunk.read_tail(start).await?
    };
    decode(name, bytes.get(..length).unwrap_or_default(), size)
}

fn decode(name: &str, bytes: &[u8], size: u64) -> Result<Footer, CurError> {
    let column_chunks = footer_bounds::check(bytes).map_err(|unfit| unfit.into_error(name, None))?;
    let options = ParquetMetaDataOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let metadata = guarded(|| ParquetMetaDataReader::decode_metadata_with_options(bytes, Some(&options)))
        .map_err(|error| CurError::corrupt(name, None, format!("its footer: {error}")))?;
    check_rows(name, &metadata, size)?;
    check_columns(name, &metadata, size)?;
    let held = BYTES_A_COLUMN_CHUNK.saturating_mul(column_chunks as u64).saturating_add(bytes.len() as u64);
    Ok(Footer { metadata: Arc::new(metadata), held })
}

fn check_rows(name: &str, metadata: &ParquetMetaData, size: u64) -> Result<(), CurError> {
    let mut rows = 0_i64;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let negative = || CurError::corrupt(name, index, format!("it claims {} rows", group.num_rows()));
        rows = rows.checked_add(group.num_rows()).filter(|_| group.num_rows() >= 0).ok_or_else(negative)?;
    }
    if rows != metadata.file_metadata().num_rows() {
        let said = metadata.file_metadata().num_rows();
        return Err(CurError::corrupt(name, None, format!("its footer says {said} rows, its row groups {rows}")));
    }
    limits::check_rows(name, size, u64::try_from(rows).unwrap_or(u64::MAX))
}

/// The library trusts offsets, lengths and counts: negative ones would panic, and ones outside the file cannot be read.
fn check_columns(name: &str, metadata: &ParquetMetaData, size: u64) -> Result<(), CurError> {
    for (index, group) in metadata.row_groups().iter().enumerate() {
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let end = start.checked_add(column.compressed_size()).and_then(|end| u64::try_from(end).ok());
            let inside = start >= 0 && column.compressed_size() >= 0 && end.is_some_and(|end| end <= size);
            if !inside || column.file_path().is_some() {
                let reason = format!("column {} claims to lie outside the file", path_of(column));
                return Err(CurError::corrupt(name, index, reason));
            }
            // Without repetition every row is a value, be it null. The decoder would stop at the smaller number.
            let (values, rows) = (column.num_values(), group.num_rows());
            if values < 0 || (column.column_descr().max_rep_level() == 0 && values != rows) {
                let reason = format!("column {} claims {values} values in {rows} rows", path_of(column));
                return Err(CurError::corrupt(name, index, reason));
            }
            let most = limits::entries(rows);
            if values > most {
                let path = path_of(column);
                let reason =
                    format!("column {path} claims {values} values in {rows} rows, and at most {most} are read");
                return Err(CurError::oversized(name, index, reason));
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
                        column: path_of(column),
                        codec: codec.to_string(),
                    });
                }
            }
        }
    }
    Ok(())
}

/// Refuses column chunks that lie over each other, of the leaves that are to be read: whoever writes one page for thousands
/// of row groups has it decoded as often.
pub(crate) fn check_overlap(
    name: &str,
    metadata: &ParquetMetaData,
    is_read: impl Fn(usize) -> bool,
) -> Result<(), CurError> {
    let mut ranges = Vec::new();
    for (row_group, group) in metadata.row_groups().iter().enumerate() {
        let read = group.columns().iter().enumerate().filter(|(leaf, _)| is_read(*leaf));
        ranges.extend(read.map(|(leaf, column)| (column.byte_range(), row_group, leaf)));
    }
    ranges.retain(|((_, length), ..)| *length > 0);
    ranges.sort_unstable();
    let overlaps = |((start, length), ..): &Range, ((next, _), ..): &Range| start.saturating_add(*length) > *next;
    match ranges.iter().zip(ranges.iter().skip(1)).find(|(range, next)| overlaps(range, next)) {
        None => Ok(()),
        Some(((_, group, leaf), ((start, _), row_group, other))) => {
            let path = |group: usize, leaf: usize| {
                metadata.row_groups().get(group).and_then(|group| group.columns().get(leaf)).map(path_of)
            };
            let one = path(*group, *leaf).unwrap_or_default();
            let other = path(*row_group, *other).unwrap_or_default();
            let reason = format!(
                "column {other} claims to begin at byte {start}, within column {one} of row group {group}, and no byte is \
                 read twice"
            );
            Err(CurError::oversized(name, *row_group, reason))
        }
    }
}

/// Where a column chunk lies, and which it is.
type Range = ((u64, u64), usize, usize);

/// A leaf's path as errors show it.
pub(crate) fn path_of(column: &ColumnChunkMetaData) -> String {
    shown(&column.column_path().string())
}
