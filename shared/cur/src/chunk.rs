//! Reading one chunk: its Bedrock rows one by one, or summed.

use spend_core::bill::line::{KeptTags, ScanCounts};
use spend_core::bill::line_coder::LineCoder;
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
use crate::rows::receiver::{CodedRow, Receiver};
use crate::{csv_file, parquet_file};

/// Reduces one chunk to its Bedrock rows, summed by the bill's own fields. `name` is the object key, for errors;
/// `period` is the billing period of the folder it lies in; `kept` says which tags the lines have.
pub async fn reduce<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
) -> Result<Reduction, CurError> {
    sum(name, period, kept, source).await.map(ReductionBuilder::finish)
}

/// As [`reduce`], before the lines are taken out.
///
/// # Errors
///
/// [`CurError`], as [`visit`]; [`CurError::TooMuch`] where the lines would take more memory than one file may.
pub async fn sum<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
) -> Result<ReductionBuilder, CurError> {
    let mut sums = Sums(ReductionBuilder::default());
    sums.0.counts = read(name, period, kept, source, MEMORY, &mut sums).await?;
    Ok(sums.0)
}

/// As [`sum`], with every row shown to `look`.
pub async fn reduce_with<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
    look: &mut impl FnMut(&BillRow),
) -> Result<ReductionBuilder, CurError> {
    let mut shown = Shown { sums: Sums(ReductionBuilder::default()), look };
    shown.sums.0.counts = read(name, period, kept, source, MEMORY, &mut shown).await?;
    Ok(shown.sums.0)
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
    let mut visited = Visited { coder: LineCoder::default(), visit: |row| visit(row).map(|()| 0) };
    read(name, period, kept, source, MEMORY, &mut visited).await
}

/// Sums the rows.
struct Sums(ReductionBuilder);

impl Receiver for Sums {
    fn coder(&mut self) -> &mut LineCoder {
        &mut self.0.coder
    }

    fn expect(&mut self, rows: usize) {
        self.0.expect(rows);
    }

    fn take(&mut self, row: CodedRow) -> Result<u64, SumOutOfRange> {
        self.0.add_coded(&row.codes, &row.measures)?;
        Ok(ReductionBuilder::BYTES_A_LINE.saturating_mul(self.0.lines() as u64))
    }
}

/// Sums the rows and shows each.
struct Shown<'a, L> {
    sums: Sums,
    look: &'a mut L,
}

impl<L: FnMut(&BillRow)> Receiver for Shown<'_, L> {
    fn coder(&mut self) -> &mut LineCoder {
        self.sums.coder()
    }

    fn expect(&mut self, rows: usize) {
        self.sums.expect(rows);
    }

    fn take(&mut self, row: CodedRow) -> Result<u64, SumOutOfRange> {
        (self.look)(&in_texts(&row, self.sums.coder()));
        self.sums.take(row)
    }
}

/// Hands each row over; `visit` answers how much memory it uses.
struct Visited<V> {
    coder: LineCoder,
    visit: V,
}

impl<V: FnMut(BillRow) -> Result<u64, SumOutOfRange>> Receiver for Visited<V> {
    fn coder(&mut self) -> &mut LineCoder {
        &mut self.coder
    }

    fn take(&mut self, row: CodedRow) -> Result<u64, SumOutOfRange> {
        (self.visit)(in_texts(&row, &self.coder))
    }
}

/// A row with the texts that its codes stand for.
fn in_texts(row: &CodedRow, coder: &LineCoder) -> BillRow {
    BillRow {
        row: row.row,
        usage_start: row.usage_start,
        key: coder.key(&row.codes),
        measures: row.measures.clone(),
        rules: row.rules,
    }
}

/// Hands the rows to `receiver`, within so many bytes of memory.
async fn read<S: ChunkSource>(
    name: &str,
    period: BillingPeriod,
    kept: &KeptTags,
    source: S,
    memory: u64,
    receiver: &mut impl Receiver,
) -> Result<ScanCounts, CurError> {
    let mut chunk = ChunkBytes::new(name, source);
    match format::sniff(&mut chunk).await? {
        Format::Parquet => parquet_file::rows::visit(&mut chunk, period, kept, memory, receiver).await,
        Format::Csv => csv_file::rows::visit(&mut chunk, period, kept, memory, receiver).await,
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
