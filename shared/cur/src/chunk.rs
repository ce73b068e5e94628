//! Reducing one Parquet chunk to its Bedrock rows.
//!
//! Row group by row group, in two looks: the first reads the columns that tell Bedrock rows from others, the second
//! the rest of the columns for those rows alone. Memory holds the compressed columns of one row group, one decoded
//! batch and the lines found so far.

use arrow::array::RecordBatch;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowGroupSelection, RowSelection};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;
use spend_core::line::Reduction;
use spend_core::period::BillingPeriod;

use crate::chunk_bytes::ChunkBytes;
use crate::columns::{ChunkColumns, wanted};
use crate::error::CurError;
use crate::footer;
use crate::guard::guarded;
use crate::rows::{RowReducer, places};
use crate::scan::Scan;
use crate::source::ChunkSource;

/// How many rows are decoded at a time.
const BATCH: usize = 8192;

/// Reduces one Parquet chunk to its Bedrock rows. `name` is the object key, for errors; `period` is the billing
/// period of the folder it lies in.
///
/// # Errors
///
/// [`CurError`]: a file that is damaged, of another kind or of another period, a column that is missing or of the
/// wrong type, a value in a Bedrock row that cannot be counted, or a source that does not answer. There is no partial
/// result.
pub async fn reduce_parquet<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    source: S,
) -> Result<Reduction, CurError> {
    let mut chunk = ChunkBytes::new(name, source);
    let metadata = footer::read(&mut chunk).await?;
    let columns = ChunkColumns::resolve(name, &metadata)?;
    let mut reducer = RowReducer::new(name, period);
    reducer.counts().missing_columns.clone_from(&columns.missing);
    for row_group in 0..columns.row_groups() {
        reduce_row_group(&mut chunk, &columns, row_group, &mut reducer).await?;
        chunk.release();
    }
    Ok(reducer.finish())
}

async fn reduce_row_group<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    columns: &ChunkColumns,
    row_group: usize,
    reducer: &mut RowReducer<'_>,
) -> Result<(), CurError> {
    let expected = columns.rows_of(row_group);
    let name = chunk.name();
    let corrupt = |reason| CurError::Corrupt { file: name.to_owned(), row_group: Some(row_group), reason };
    let short = |found, said| corrupt(format!("it has {found} rows where {said} are said to be"));
    let mut scan = Scan::default();
    let all = RowGroupSelection::new(row_group, None);
    let telling = columns.projection(Scan::columns());
    decode(chunk, columns, all, telling, |batch| scan.test(batch).map_err(corrupt)).await?;
    if scan.rows != expected {
        return Err(short(scan.rows, expected));
    }

    let first_row = reducer.counts().rows;
    let selected_rows = scan.selected_rows();
    let counts = reducer.counts();
    counts.rows += scan.rows as u64;
    counts.bedrock_rows += selected_rows as u64;
    counts.rules.merge(&scan.rules);
    if selected_rows == 0 {
        return Ok(());
    }
    let selection = RowSelection::from_consecutive_ranges(scan.selected.iter().cloned(), expected);
    let selected = RowGroupSelection::new(row_group, Some(selection));
    let mut places = places(row_group, first_row, &scan.selected);
    let mut found = 0;
    decode(chunk, columns, selected, columns.projection(wanted()), |batch| {
        found += batch.num_rows();
        reducer.add(batch, row_group, &mut places)
    })
    .await?;
    if found != selected_rows {
        return Err(short(found, selected_rows));
    }
    Ok(())
}

/// Decodes the selected rows of the projected columns, batch by batch.
async fn decode<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    columns: &ChunkColumns,
    selection: RowGroupSelection,
    projection: ProjectionMask,
    mut on_batch: impl FnMut(&RecordBatch) -> Result<(), CurError>,
) -> Result<(), CurError> {
    let row_group = selection.row_group_index();
    let name = chunk.name();
    let corrupt = |reason| CurError::Corrupt { file: name.to_owned(), row_group: Some(row_group), reason };
    let builder = ParquetPushDecoderBuilder::new_with_metadata(columns.reader.clone())
        .with_batch_size(BATCH)
        .with_projection(projection)
        .with_row_group_selections(vec![selection]);
    let mut decoder = guarded(|| builder.build()).map_err(corrupt)?;
    loop {
        match guarded(|| decoder.try_decode()).map_err(corrupt)? {
            DecodeResult::NeedsData(ranges) => {
                let bytes = chunk.get(&ranges).await?;
                guarded(|| decoder.push_ranges(ranges, bytes)).map_err(corrupt)?;
            }
            DecodeResult::Data(batch) => on_batch(&batch)?,
            DecodeResult::Finished => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
