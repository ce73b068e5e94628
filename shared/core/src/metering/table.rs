//! Tables of metering records, whatever file they stand in: which columns there are, and what may stand in them.
//!
//! Columns, by name and in any order: `date` (`2026-11-20`, UTC), `gateway` (the identity as the ledger names it),
//! `tenant` (the owner to charge), `amount` (zero or more, in the gateway's own unit), and optionally `model` (the
//! canonical name; empty for all models without records of their own). Nothing else: a misspelt column would silently
//! divide by other numbers.

use super::MeteringRecord;
use crate::decimal::Decimal;

/// The columns, of which the last may be missing.
const COLUMNS: [&str; 5] = ["date", "gateway", "tenant", "amount", "model"];
const REQUIRED: usize = 4;

/// The largest file in bytes: a gateway with a hundred tenants and ten models writes a few megabytes a month.
pub const LARGEST_FILE: usize = 64 * 1024 * 1024;
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

/// A table while it is read, row by row.
#[derive(Debug, Default)]
pub struct MeteringTable {
    /// Where each of [`COLUMNS`] stands.
    columns: [Option<usize>; COLUMNS.len()],
    records: Vec<MeteringRecord>,
    problems: Vec<String>,
    more: usize,
}

impl MeteringTable {
    /// The records of a file of `size` bytes, whose table `rows_into` reads: its header first. `file` is how errors call it.
    /// Records are in the order of the file.
    ///
    /// # Errors
    ///
    /// [`MeteringFileError`]: nothing of a file is used of which something is wrong.
    pub fn read(
        file: &str,
        size: usize,
        rows_into: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<Vec<MeteringRecord>, MeteringFileError> {
        let mut table = Self::default();
        let outcome = if size > LARGEST_FILE {
            Err(format!("it is larger than {} MiB: write one file a month", LARGEST_FILE / 1024 / 1024))
        } else {
            rows_into(&mut table)
        };
        let Self { records, mut problems, more, .. } = table;
        problems.extend(outcome.err());
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        if problems.is_empty() { Ok(records) } else { Err(MeteringFileError { file: file.to_owned(), problems }) }
    }

    /// Takes the names of the columns.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and the cure.
    pub fn header<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
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

    /// Takes a row: `place` is how people find it, `value` its texts by column. What is wrong with it is kept, so that all
    /// of a file is told at once.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn record(&mut self, place: &str, value: impl Fn(usize) -> String) -> Result<(), String> {
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
