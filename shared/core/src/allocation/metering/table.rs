//! Tables of metering records, whatever file they stand in: which columns there are, and what may stand in them.
//!
//! Columns, by name and in any order: `date` (`2026-11-20`, UTC), `gateway` (the identity as the ledger names it),
//! `tenant` (the owner to charge), `amount` (zero or more, in the gateway's own unit), and optionally `model` (the
//! canonical name; empty for all models without records of their own). Nothing else: a misspelt column would silently
//! divide by other numbers.

use std::collections::BTreeSet;

use crate::allocation::metering::record::MeteringRecord;
use crate::bill::line::limits::{MOST_BYTES, check_text};
use crate::calendar::period::BillingPeriod;
use crate::errors::class::Class;
use crate::errors::fault::{Fault, Says};
use crate::money::decimal::{Decimal, DecimalError};
use crate::text::shorten;

/// The columns, of which the last may be missing.
const COLUMNS: [&str; 5] = ["date", "gateway", "tenant", "amount", "model"];
const REQUIRED: usize = 4;

/// The largest file in bytes: a gateway with a hundred tenants and ten models writes a few megabytes a month.
pub const LARGEST_FILE: usize = 64 * 1024 * 1024;
/// The most records of a file: Parquet may hold far more than its size says.
const MOST_RECORDS: usize = 1_000_000;
/// How much of a column's name is shown.
const SHOWN: usize = 64;
/// How many problems are told.
const MOST_PROBLEMS: usize = 10;

/// A file that is no metering file, with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}", .problems.join("; "))]
pub struct MeteringFileError {
    pub file: String,
    /// What is wrong, each with its cure; at most ten, and how many more there are.
    pub problems: Vec<String>,
}

impl Fault for MeteringFileError {
    fn says(&self) -> Says<'_> {
        Says::Itself("metering.invalid", Class::Operator)
    }
}

/// Which records of a file are kept, and how many at the most.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Those of these months; `None` is all.
    pub months: Option<&'a BTreeSet<BillingPeriod>>,
    /// No more than so many: a file that has more is refused.
    pub most: usize,
}

impl Default for Wanted<'_> {
    /// All that a file may have.
    fn default() -> Self {
        Self { months: None, most: MOST_RECORDS }
    }
}

/// A table while it is read, row by row.
#[derive(Debug, Default)]
pub struct MeteringTable<'a> {
    wanted: Wanted<'a>,
    /// Where each of [`COLUMNS`] stands.
    columns: [Option<usize>; COLUMNS.len()],
    records: Vec<MeteringRecord>,
    problems: Vec<String>,
    more: usize,
}

impl<'a> MeteringTable<'a> {
    /// The records that are `wanted` of a file of `size` bytes, whose table `rows_into` reads: its header first. `file` is
    /// how errors call it. Records are in the order of the file.
    ///
    /// # Errors
    ///
    /// [`MeteringFileError`]: nothing of a file is used of which something is wrong.
    pub fn read(
        file: &str,
        size: usize,
        wanted: Wanted<'a>,
        rows_into: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<Vec<MeteringRecord>, MeteringFileError> {
        let mut table = Self { wanted, ..Self::default() };
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
    pub fn header<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Result<(), String> {
        let known = COLUMNS.join(", ");
        for (index, name) in names.enumerate() {
            let place = COLUMNS.iter().position(|column| *column == name).and_then(|at| self.columns.get_mut(at));
            match place {
                Some(place @ None) => *place = Some(index),
                Some(Some(_)) => return Err(format!("it has two columns `{name}`: remove one")),
                None => {
                    let name = shorten(name, SHOWN);
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
        let [date, gateway, tenant, amount, model] = self.columns.map(|column| column.map(&value).unwrap_or_default());
        match parse([&date, &gateway, &tenant, &amount, &model]) {
            Ok(record)
                if self.wanted.months.is_some_and(|months| !months.contains(&BillingPeriod::of(record.date))) => {}
            Ok(_) if self.records.len() >= self.wanted.most => {
                let most = self.wanted.most;
                return Err(format!(
                    "it has more than {most} records, which are the most that can be used{}: write one file a month, \
                     without records of other gateways, and sum them by day",
                    if most < MOST_RECORDS { " beside those of the files before it" } else { "" }
                ));
            }
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
        .ok_or("the date is not written as 2026-11-20")?;
    let amount: Decimal = amount.parse().map_err(|error| match error {
        DecimalError::OutOfRange(_) => "the amount is outside the range of decimal(38,18)",
        _ => "the amount is not a plain decimal with at most 18 places, such as 5000.00",
    })?;
    if amount.is_negative() {
        return Err("the amount is below zero".to_owned());
    }
    for (name, text) in [("gateway", gateway), ("tenant", tenant)] {
        if text.is_empty() {
            return Err(format!("the {name} is empty"));
        }
    }
    for (name, text) in [("gateway", gateway), ("tenant", tenant), ("model", model)] {
        check_text(text).map_err(|_| format!("the {name} has more than {MOST_BYTES} bytes"))?;
    }
    let [gateway, tenant, model] = [gateway, tenant, model].map(str::to_owned);
    Ok(MeteringRecord { date, gateway, tenant, model, amount })
}
