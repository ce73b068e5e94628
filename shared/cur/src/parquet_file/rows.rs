//! Reading a Parquet chunk.
//!
//! Row group by row group, in two looks: the first reads the columns that tell Bedrock rows from others, the second
//! the rest of the columns for those rows alone. Memory holds the compressed columns of one row group, one decoded
//! batch and the runs of Bedrock rows found so far.

use std::collections::{HashMap, HashSet};

use arrow::array::RecordBatch;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowGroupSelection, RowSelection};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;
use parquet::file::metadata::RowGroupMetaData;
use spend_core::bill::line::{KeptTags, ScanCounts};
use spend_core::calendar::period::BillingPeriod;

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::describe::{ColumnInfo, Description, Format};
use crate::bytes::source::ChunkSource;
use crate::columns::plan::Plan;
use crate::error::{CurError, Place, Within, shown};
use crate::limits;
use crate::parquet_file::columns::{self, ChunkColumns};
use crate::parquet_file::footer::{self, Footer};
use crate::parquet_file::guard::guarded;
use crate::parquet_file::page_bounds::PageBounds;
use crate::rows::receiver::Receiver;
use crate::rows::row_reader::{Found, RowReader};
use crate::rows::scan::Scan;

/// What a run of Bedrock rows takes in memory, as it is found and as the decoder is told of it. Measured.
const BYTES_A_RUN: u64 = 88;

/// Hands every Bedrock row of the chunk to `receiver`.
pub(crate) async fn visit<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    period: BillingPeriod,
    kept: &KeptTags,
    memory: u64,
    receiver: &mut impl Receiver,
) -> Result<ScanCounts, CurError> {
    let name = chunk.name();
    let Footer { metadata, held } = footer::read(chunk).await?;
    let inferred = columns::infer(name, &metadata)?;
    let plan = Plan::of(name, &roots(&inferred), kept)?;
    plan.require(name)?;
    let columns = ChunkColumns::resolve(name, &metadata, &inferred, &plan)?;
    let mut reader = RowReader::new(name, period, &plan, memory);
    let mut bounds = PageBounds::within(memory);
    for row_group in 0..columns.row_groups() {
        reader.held = held;
        visit_row_group(chunk, &columns, row_group, &plan, &mut bounds, &mut reader, receiver).await?;
        bounds.next_row_group();
        chunk.release();
    }
    Ok(reader.counts)
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

async fn visit_row_group<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    columns: &ChunkColumns,
    row_group: usize,
    plan: &Plan,
    bounds: &mut PageBounds,
    reader: &mut RowReader<'_>,
    receiver: &mut impl Receiver,
) -> Result<(), CurError> {
    let expected = columns.rows_of(row_group);
    let name = chunk.name();
    let corrupt = |reason| CurError::corrupt(name, row_group, reason);
    let short = |found, said| corrupt(format!("it has {found} rows where {said} are said to be"));
    let before = reader.bytes();
    let mut scan = Scan::new(plan);
    let all = RowGroupSelection::new(row_group, None);
    let telling = columns.projection(|column| plan.tells(column));
    let needs = bounds.check(chunk, row_group, columns.chunks_of(row_group), &telling, before).await?;
    decode(chunk, columns, needs.batch, all, telling, |batch| {
        scan.test(batch).map_err(corrupt)?;
        limits::check_runs(name, row_group, scan.selected.len())?;
        Ok(before)
    })
    .await?;
    if scan.rows != expected {
        return Err(short(scan.rows, expected));
    }

    let first_row = reader.counts.rows;
    let selected_rows = scan.selected_count();
    scan.count_into(&mut reader.counts);
    if selected_rows == 0 {
        return Ok(());
    }
    let selection = RowSelection::from_consecutive_ranges(scan.selected.iter().map(|(run, _)| run.clone()), expected);
    let selected = RowGroupSelection::new(row_group, Some(selection));
    let mut rows = scan.selected_rows().map(|(row, rules)| Found {
        place: Place { row: first_row + row as u64, within: Within::RowGroup(row_group) },
        rules,
    });
    let mut found = 0;
    let runs = BYTES_A_RUN.saturating_mul(scan.selected.len() as u64);
    let projection = columns.projection(|_| true);
    let held = before.saturating_add(runs);
    let needs = bounds.check(chunk, row_group, columns.chunks_of(row_group), &projection, held).await?;
    reader.held = reader.held.saturating_add(runs).saturating_add(needs.bytes);
    decode(chunk, columns, needs.batch, selected, projection, |batch| {
        found += batch.num_rows();
        reader.read(batch, Some(row_group), &mut rows, receiver)?;
        Ok(reader.bytes())
    })
    .await?;
    if found != selected_rows {
        return Err(short(found, selected_rows));
    }
    Ok(())
}

/// Decodes the selected rows of the projected columns, batch by batch. `on_batch` answers how much memory is used by then.
async fn decode<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    columns: &ChunkColumns,
    batch: usize,
    selection: RowGroupSelection,
    projection: ProjectionMask,
    mut on_batch: impl FnMut(&RecordBatch) -> Result<u64, CurError>,
) -> Result<(), CurError> {
    let row_group = selection.row_group_index();
    let name = chunk.name();
    let corrupt = |reason| CurError::corrupt(name, row_group, reason);
    let builder = ParquetPushDecoderBuilder::new_with_metadata(columns.reader.clone())
        .with_batch_size(batch)
        .with_projection(projection)
        .with_row_group_selections(vec![selection]);
    let mut decoder = guarded(|| builder.build()).map_err(corrupt)?;
    loop {
        match guarded(|| decoder.try_decode()).map_err(corrupt)? {
            DecodeResult::NeedsData(ranges) => {
                let bytes = chunk.get(&ranges).await?;
                guarded(|| decoder.push_ranges(ranges, bytes)).map_err(corrupt)?;
            }
            DecodeResult::Data(batch) => chunk.grow(on_batch(&batch)?).await,
            DecodeResult::Finished => return Ok(()),
        }
    }
}
