//! Files of metering records as Parquet: what each tenant of a shared gateway used on each day. Which columns there are
//! is said in [`spend_core::allocation::metering::table::MeteringTable`]; text is read by `spend_ledger::chargeback::metering_csv`.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use spend_core::allocation::metering::record::MeteringRecord;
use spend_core::allocation::metering::table::{MeteringFileError, MeteringTable, Wanted};

use crate::parquet_file::guard::guarded;

/// Reads a metering file that is Parquet. `file` is how errors call it. Records are in the order of the file.
///
/// # Errors
///
/// [`MeteringFileError`]: nothing of a file is used of which something is wrong.
pub fn read(file: &str, bytes: &Bytes) -> Result<Vec<MeteringRecord>, MeteringFileError> {
    MeteringTable::read(file, bytes.len(), Wanted::default(), |table| fill(table, bytes))
}

/// Rows are counted from 0, as readers of Parquet do.
fn fill(table: &mut MeteringTable<'_>, bytes: &Bytes) -> Result<(), String> {
    let not_parquet = |reason: String| format!("it cannot be read as Parquet: {reason}: write it again");
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(bytes.clone())).map_err(not_parquet)?;
    let names: Vec<_> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    table.header(names.iter().map(String::as_str))?;
    let mut batches = guarded(|| builder.build()).map_err(not_parquet)?;
    let mut row = 0;
    while let Some(batch) = guarded(|| batches.next().transpose().map_err(ParquetError::from)).map_err(not_parquet)? {
        take(table, &batch, &mut row)?;
    }
    Ok(())
}

/// Every value as text, so that any type that shows a day or a plain number will do.
fn take(table: &mut MeteringTable<'_>, batch: &RecordBatch, row: &mut u64) -> Result<(), String> {
    let options = FormatOptions::default();
    let texts: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).map(|formatter| (column, formatter)))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("a column is of a type that cannot be read: {error}"))?;
    for index in 0..batch.num_rows() {
        table.record(&format!("row {row}"), |column| match texts.get(column) {
            Some((values, texts)) if values.is_valid(index) => texts.value(index).to_string(),
            _ => String::new(),
        })?;
        *row += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
