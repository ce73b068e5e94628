//! Files of metering records, CSV or Parquet: what each tenant of a shared gateway used on each day.
//!
//! Columns, by name and in any order: `date` (`2026-11-20`, UTC), `gateway` (the identity as the ledger names it),
//! `tenant` (the owner to charge), `amount` (zero or more, in the gateway's own unit), and optionally `model` (the
//! canonical name; empty for all models without records of their own). Nothing else: a misspelt column would silently
//! divide by other numbers.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use spend_core::decimal::Decimal;
use spend_core::metering::MeteringRecord;

use crate::guard::guarded;

/// The columns, of which the last may be missing.
const COLUMNS: [&str; 5] = ["date", "gateway", "tenant", "amount", "model"];
const REQUIRED: usize = 4;

/// The largest file: a gateway with a hundred tenants and ten models writes a few megabytes a month.
const LARGEST_FILE: usize = 64 * 1024 * 1024;
/// The most records of a file: Parquet may hold far more than its size says.
const MOST_RECORDS: usize = 2_000_000;
/// How many problems are told.
const MOST_PROBLEMS: usize = 10;

/// A file that is no metering file, with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}", .problems.join("; "))]
pub struct MeteringFileError {
    /// The file.
    pub file: String,
    /// What is wrong, each with its cure; at most ten, and how many more there are.
    pub problems: Vec<String>,
}

impl MeteringFileError {
    /// The stable name of this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        "metering.invalid"
    }
}

/// Reads a metering file. `file` is how errors call it. Records are in the order of the file.
///
/// # Errors
///
/// [`MeteringFileError`]: nothing of a file is used of which something is wrong.
pub fn read(file: &str, bytes: &Bytes) -> Result<Vec<MeteringRecord>, MeteringFileError> {
    let mut reader = Reader { columns: [None; COLUMNS.len()], records: Vec::new(), problems: Vec::new(), more: 0 };
    let outcome = if bytes.len() > LARGEST_FILE {
        Err(format!("it is larger than {} MiB: write one file a month", LARGEST_FILE / 1024 / 1024))
    } else if bytes.starts_with(b"PAR1") {
        reader.parquet(bytes)
    } else {
        reader.csv(bytes)
    };
    if let Err(problem) = outcome {
        reader.problems.push(problem);
    }
    if reader.more > 0 {
        reader.problems.push(format!("and {} more", reader.more));
    }
    let Reader { records, problems, .. } = reader;
    if problems.is_empty() { Ok(records) } else { Err(MeteringFileError { file: file.to_owned(), problems }) }
}

struct Reader {
    /// Where each of [`COLUMNS`] stands.
    columns: [Option<usize>; COLUMNS.len()],
    records: Vec<MeteringRecord>,
    problems: Vec<String>,
    more: usize,
}

impl Reader {
    /// Reads text: lines are counted from 1, the header among them.
    fn csv(&mut self, bytes: &[u8]) -> Result<(), String> {
        // What spreadsheets write before UTF-8.
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let header = reader.headers().map_err(|error| format!("it is not CSV in UTF-8: {error}"))?.clone();
        self.header(header.iter())?;
        for record in reader.records() {
            let record = record.map_err(|error| format!("it is not CSV in UTF-8: {error}"))?;
            let line = record.position().map_or(0, csv::Position::line);
            self.record(&format!("line {line}"), |column| record.get(column).unwrap_or_default().to_owned())?;
        }
        Ok(())
    }

    /// Reads Parquet: rows are counted from 0, as its readers do.
    fn parquet(&mut self, bytes: &Bytes) -> Result<(), String> {
        let not_parquet = |reason: String| format!("it cannot be read as Parquet: {reason}: write it again");
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(bytes.clone())).map_err(not_parquet)?;
        let names: Vec<_> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        self.header(names.iter().map(String::as_str))?;
        let mut batches = guarded(|| builder.build()).map_err(not_parquet)?;
        let mut row = 0;
        while let Some(batch) =
            guarded(|| batches.next().transpose().map_err(ParquetError::from)).map_err(not_parquet)?
        {
            self.batch(&batch, &mut row)?;
        }
        Ok(())
    }

    /// Every value as text, so that any type that shows a day or a plain number will do.
    fn batch(&mut self, batch: &RecordBatch, row: &mut u64) -> Result<(), String> {
        let options = FormatOptions::default();
        let texts: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).map(|formatter| (column, formatter)))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("a column is of a type that cannot be read: {error}"))?;
        for index in 0..batch.num_rows() {
            self.record(&format!("row {row}"), |column| match texts.get(column) {
                Some((values, texts)) if values.is_valid(index) => texts.value(index).to_string(),
                _ => String::new(),
            })?;
            *row += 1;
        }
        Ok(())
    }

    fn header<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let known = COLUMNS.join(", ");
        for (index, name) in names.enumerate() {
            let place = COLUMNS.iter().position(|column| *column == name).and_then(|at| self.columns.get_mut(at));
            match place {
                Some(place @ None) => *place = Some(index),
                Some(Some(_)) => return Err(format!("it has two columns `{name}`: remove one")),
                None => {
                    return Err(format!("it has a column `{name}`: use {known}, separated by commas, and no other"));
                }
            }
        }
        let missing = COLUMNS.iter().zip(&self.columns).take(REQUIRED).find(|(_, place)| place.is_none());
        missing.map_or(Ok(()), |(column, _)| Err(format!("it has no column `{column}`: its columns are {known}")))
    }

    fn record(&mut self, place: &str, value: impl Fn(usize) -> String) -> Result<(), String> {
        if self.records.len() >= MOST_RECORDS {
            return Err(format!("it has more than {MOST_RECORDS} records: write one file a month"));
        }
        let [date, gateway, tenant, amount, model] = self.columns.map(|column| column.map(&value).unwrap_or_default());
        match parse([&date, &gateway, &tenant, &amount, &model]) {
            Ok(record) => self.records.push(record),
            Err(problem) if self.problems.len() < MOST_PROBLEMS => self.problems.push(format!("{place}: {problem}")),
            Err(_) => self.more += 1,
        }
        Ok(())
    }
}

/// A record from the texts of [`COLUMNS`].
fn parse([date, gateway, tenant, amount, model]: [&str; COLUMNS.len()]) -> Result<MeteringRecord, String> {
    let date = date
        .parse()
        .ok()
        .filter(|_| date.len() == "2026-11-20".len())
        .ok_or_else(|| format!("the date `{date}` is not written as 2026-11-20"))?;
    let amount: Decimal = amount.parse().map_err(|error| format!("the amount: {error}"))?;
    if amount.is_negative() {
        return Err(format!("the amount {amount} is below zero"));
    }
    for (name, text) in [("gateway", gateway), ("tenant", tenant)] {
        if text.is_empty() {
            return Err(format!("the {name} is empty"));
        }
    }
    let [gateway, tenant, model] = [gateway, tenant, model].map(str::to_owned);
    Ok(MeteringRecord { date, gateway, tenant, model, amount })
}

#[cfg(test)]
mod tests;
