//! Reading a row group with the library, whatever its pages hold.
//!
//! It is read in two looks: the first reads the columns that tell Bedrock rows from others, the second the rest of the
//! columns for those rows alone. Memory holds the compressed columns of one row group, one decoded batch and the runs of
//! Bedrock rows found so far.

use arrow::array::RecordBatch;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowGroupSelection, RowSelection};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::source::ChunkSource;
use crate::columns::plan::Plan;
use crate::error::{CurError, Place, Within};
use crate::limits::{self, BYTES_A_RUN};
use crate::parquet_file::columns::ChunkColumns;
use crate::parquet_file::guard::guarded;
use crate::parquet_file::page_bounds::PageBounds;
use crate::rows::receiver::Receiver;
use crate::rows::row_reader::{Found, RowReader};
use crate::rows::scan::Scan;

/// Hands the Bedrock rows of a row group to `receiver`.
pub(crate) async fn visit_row_group<S: ChunkSource>(
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
