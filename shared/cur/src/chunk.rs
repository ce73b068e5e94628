//! Reading one chunk: its Bedrock rows one by one, or summed.

use chrono::{DateTime, Utc};
use spend_core::bedrock_line::RuleSet;
use spend_core::line::{KeptTags, LineKey, Measures, Reduction, ReductionBuilder, ScanCounts, SumOutOfRange};
use spend_core::period::BillingPeriod;

use crate::chunk_bytes::ChunkBytes;
pub use crate::describe::{ColumnInfo, Description, Format};
use crate::error::CurError;
use crate::source::ChunkSource;
use crate::{csv_rows, format, parquet_rows};

/// A Bedrock row of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// Which row of the file it is, counted from 0; a header is no row.
    pub row: u64,
    /// When the usage interval starts. A bill line keeps the day alone.
    pub usage_start: DateTime<Utc>,
    /// The bill line that a reduction adds it to.
    pub key: LineKey,
    /// What it adds: `line_items` is 1.
    pub measures: Measures,
    /// The rules that make it a Bedrock row, at least one.
    pub rules: RuleSet,
}

/// Reduces one chunk to its Bedrock rows, summed by the bill's own fields. `name` is the object key, for errors;
/// `period` is the billing period of the folder it lies in; `kept` says which tags the lines have.
///
/// # Errors
///
/// [`CurError`], as [`visit`].
pub async fn reduce<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
) -> Result<Reduction, CurError> {
    let mut builder = ReductionBuilder::default();
    let counts = visit(name, period, kept, source, &mut |row| builder.add(row.key, &row.measures)).await?;
    builder.counts = counts;
    Ok(builder.finish())
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
    let mut chunk = ChunkBytes::new(name, source);
    match format::sniff(&mut chunk).await? {
        Format::Parquet => parquet_rows::visit(&mut chunk, period, kept, visit).await,
        Format::Csv => csv_rows::visit(&mut chunk, period, kept, visit).await,
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
        Format::Parquet => parquet_rows::describe(&mut chunk).await,
        Format::Csv => csv_rows::describe(&mut chunk).await,
    }
}

#[cfg(test)]
mod tests;
