//! Reading one chunk: its Bedrock rows one by one, or summed.

use spend_core::bill::line::{KeptTags, LineTableBuilder, ScanCounts};
use spend_core::bill::reduction::{Reduction, ReductionBuilder};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::SumOutOfRange;

use crate::bytes::chunk_bytes::ChunkBytes;
pub use crate::bytes::describe::{ColumnInfo, Description, Format};
use crate::bytes::format;
use crate::bytes::source::ChunkSource;
use crate::error::CurError;
use crate::limits::MEMORY;
use crate::rows::bill_row::BillRow;
use crate::{csv_file, parquet_file};

/// Reduces one chunk to its Bedrock rows, summed by the bill's own fields. `name` is the object key, for errors;
/// `period` is the billing period of the folder it lies in; `kept` says which tags the lines have.
pub async fn reduce<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
) -> Result<Reduction, CurError> {
    reduce_with(name, period, kept, source, &mut |_| ()).await.map(ReductionBuilder::finish)
}

/// As [`reduce`], before the lines are taken out, and with every row shown to `look`.
///
/// # Errors
///
/// [`CurError`], as [`visit`]; [`CurError::TooMuch`] where the lines would take more memory than one file may.
pub async fn reduce_with<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
    look: &mut impl FnMut(&BillRow),
) -> Result<ReductionBuilder, CurError> {
    let mut builder = ReductionBuilder::default();
    let mut add = |row: BillRow| {
        look(&row);
        builder.add(&row.key, &row.measures)?;
        Ok(LineTableBuilder::BYTES_A_ROW.saturating_mul(builder.lines.len() as u64))
    };
    builder.counts = read(name, period, kept, source, MEMORY, &mut add).await?;
    Ok(builder)
}

/// Hands every Bedrock row of a chunk to `visit`, in the order of the file, and returns what the scan found. The rows
/// add up to the chunk's [`reduce`]d lines exactly: these are the same rows, summed.
///
/// # Errors
///
/// [`CurError`]: a file that is damaged, of another kind or of another period, a column that is missing or of the
/// wrong type, a value in a Bedrock row that cannot be counted, or a source that does not answer. Rows were visited
/// before the error; there is no partial result. [`SumOutOfRange`] from `visit` ends it too, as an error of that row.
pub async fn visit<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
    visit: &mut impl FnMut(BillRow) -> Result<(), SumOutOfRange>,
) -> Result<ScanCounts, CurError> {
    read(name, period, kept, source, MEMORY, &mut |row| visit(row).map(|()| 0)).await
}

/// As [`visit`], within so many bytes of memory; `visit` answers how many of them it uses by then.
async fn read<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
    memory: u64,
    visit: &mut impl FnMut(BillRow) -> Result<u64, SumOutOfRange>,
) -> Result<ScanCounts, CurError> {
    let mut chunk = ChunkBytes::new(name, source);
    match format::sniff(&mut chunk).await? {
        Format::Parquet => parquet_file::rows::visit(&mut chunk, period, kept, memory, visit).await,
        Format::Csv => csv_file::rows::visit(&mut chunk, period, kept, memory, visit).await,
    }
}

/// Says what a chunk is by its footer or its header alone. `name` is the object key, for errors.
///
/// # Errors
///
/// [`CurError`]: what would keep its rows from being read and shows without reading them, but for missing columns and
/// wrong types.
pub async fn describe<S: ChunkSource>(name: &str, source: S) -> Result<Description, CurError> {
    let mut chunk = ChunkBytes::new(name, source);
    match format::sniff(&mut chunk).await? {
        Format::Parquet => parquet_file::rows::describe(&mut chunk).await,
        Format::Csv => csv_file::rows::describe(&mut chunk).await,
    }
}

#[cfg(test)]
mod tests;
