//! Reading a Parquet chunk, row group by row group: page by page where that can be done, else with the library.

use std::collections::{HashMap, HashSet};

use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::RowGroupMetaData;
use spend_core::bill::line::{KeptTags, ScanCounts};
use spend_core::calendar::period::BillingPeriod;

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::describe::{ColumnInfo, Description, Format};
use crate::bytes::source::ChunkSource;
use crate::columns::plan::Plan;
use crate::error::{CurError, shown};
use crate::parquet_file::by_library;
use crate::parquet_file::by_page::ByPage;
use crate::parquet_file::columns::{self, ChunkColumns};
use crate::parquet_file::footer::{self, Footer};
use crate::parquet_file::page_bounds::PageBounds;
use crate::rows::receiver::Receiver;
use crate::rows::row_reader::RowReader;

/// Hands every Bedrock row of the chunk to `receiver`.
pub(crate) async fn visit<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    period: BillingPeriod,
    kept: &KeptTags,
    memory: u64,
    receiver: &mut impl Receiver,
) -> Result<ScanCounts, CurError> {
    visit_by(chunk, period, kept, memory, receiver, true).await.map(|(counts, _)| counts)
}

/// The same, page by page where that is asked for and can be done. Answers how many row groups were read so.
pub(crate) async fn visit_by<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    period: BillingPeriod,
    kept: &KeptTags,
    memory: u64,
    receiver: &mut impl Receiver,
    by_pages: bool,
) -> Result<(ScanCounts, usize), CurError> {
    let name = chunk.name();
    let Footer { metadata, held } = footer::read(chunk).await?;
    let inferred = columns::infer(name, &metadata)?;
    let plan = Plan::of(name, &roots(&inferred), kept)?;
    plan.require(name)?;
    let columns = ChunkColumns::resolve(name, &metadata, &inferred, &plan)?;
    let mut reader = RowReader::new(name, period, &plan, memory);
    let mut bounds = PageBounds::within(memory);
    let mut by_page = ByPage::new(&columns, &plan, memory);
    let mut read_by_page = 0;
    for row_group in 0..columns.row_groups() {
        reader.held = held;
        if by_pages && by_page.visit_row_group(chunk, row_group, &mut bounds, &mut reader, receiver).await? {
            read_by_page += 1;
        } else {
            reader.held = held;
            by_library::visit_row_group(chunk, &columns, row_group, &plan, &mut bounds, &mut reader, receiver).await?;
        }
        bounds.next_row_group();
        chunk.release();
    }
    Ok((reader.counts, read_by_page))
}

/// The names of the columns.
fn roots(inferred: &ArrowReaderMetadata) -> HashSet<&str> {
    inferred.schema().fields().iter().map(|field| field.name().as_str()).collect()
}

/// Says what the chunk is by its footer alone.
pub(crate) async fn describe<S: ChunkSource>(chunk: &mut ChunkBytes<'_, S>) -> Result<Description, CurError> {
    let Footer { metadata, .. } = footer::read(chunk).await?;
    let mut compressed: HashMap<&str, u64> = HashMap::new();
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let root = column.column_path().parts().first().map_or("", String::as_str);
        let bytes = compressed.entry(root).or_default();
        *bytes = bytes.saturating_add(u64::try_from(column.compressed_size()).unwrap_or(0));
    }
    let inferred = columns::infer(chunk.name(), &metadata)?;
    let plan = Plan::of(chunk.name(), &roots(&inferred), &KeptTags::default())?;
    let columns = inferred.schema().fields().iter().map(|field| ColumnInfo {
        name: field.name().clone(),
        kind: shown(&columns::spelled(field.data_type())),
        compressed: Some(compressed.get(field.name().as_str()).copied().unwrap_or(0)),
        is_read: plan.columns.contains_key(field.name()),
    });
    Ok(Description {
        format: Format::Parquet,
        rows: u64::try_from(metadata.file_metadata().num_rows()).ok(),
        columns: columns.collect(),
        size: chunk.size(),
        created_by: metadata.file_metadata().created_by().map(shown),
    })
}
