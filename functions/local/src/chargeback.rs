//! `chargeback`: a month's bill as files for finance: as billed, as charged, and what a token costs.

use std::fs;
use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use spend_core::text::currency;
use spend_cur::parquet_file;
use spend_ledger::chargeback::metering::{self, MeteringFiles, PARQUET};
use spend_ledger::chargeback::{self, About, Files, metering_csv};
use spend_ledger::state::committed;
use spend_ledger::store::{Store, private_files};

use crate::cli::Chargeback;
use crate::error::CommandError;
use crate::{in_force, periods, whole_files};

/// Writes the files; what was done, and what instead, goes to `notes`.
///
/// # Errors
///
/// [`CommandError`]: there is no ledger or nothing of the period in it, a metering file that is named is not one, or a
/// file cannot be written.
pub(crate) async fn run(options: &Chargeback, now: DateTime<Utc>, notes: &mut impl Write) -> Result<(), CommandError> {
    let store = periods::open(&options.ledger)?;
    let statements = periods::of(&store, &options.ledger, Some(options.period), options.export_id.as_deref()).await?;
    let config = in_force::get(&store, options.config.as_deref()).await?;
    let metering = metering_of(&store, options).await?;
    let now = options.now.unwrap_or(now).trunc_subsecs(0);
    let mut found = Vec::new();
    for statement in &statements {
        if let Some((state, _)) = committed::state(&store, statement).await? {
            found.extend(committed::period(statement, state, now)?);
        }
    }
    let found: Vec<_> = found.iter().collect();
    let basis = options.basis.unwrap_or(config.cost.basis);
    let Files { files, about, .. } = chargeback::make(options.period, &found, &config, basis, &metering, now)?;
    private_files::create_folders(&options.out).map_err(failed("make", &options.out))?;
    let files: Vec<_> = files.iter().map(|(name, bytes)| (options.out.join(name), bytes.as_ref())).collect();
    whole_files::write(&files)?;
    tell(options, &about, notes)
}

/// The metering files that are named; without one those of the ledger.
async fn metering_of<S: Store>(store: &S, options: &Chargeback) -> Result<MeteringFiles, CommandError> {
    if options.metering.is_empty() {
        return Ok(metering::read(store, &[options.period].into()).await?);
    }
    let mut files = MeteringFiles::default();
    for path in &options.metering {
        let bytes = Bytes::from(fs::read(path).map_err(failed("read the metering records", path))?);
        let name = path.display().to_string();
        let is_parquet = bytes.starts_with(PARQUET);
        let records =
            if is_parquet { parquet_file::metering::read(&name, &bytes) } else { metering_csv::read(&name, &bytes) };
        files.add(&name, records?);
    }
    Ok(files)
}

/// Tells what is told beside the files.
fn tell(options: &Chargeback, about: &About, notes: &mut impl Write) -> Result<(), CommandError> {
    for note in &about.notes {
        writeln!(notes, "{note}")?;
    }
    for total in &about.totals {
        let (currency, billed) = (currency(&total.currency), total.billed);
        let (charged, invoices) = (total.charged, total.invoices);
        writeln!(notes, "billed {billed} {currency}, charged {charged} {currency}, invoices {invoices} {currency}")?;
    }
    let names: Vec<_> = about.files.iter().map(|file| file.name.as_str()).collect();
    let (names, out) = (names.join(", "), options.out.display());
    writeln!(notes, "{}, {}: wrote {names} and {} to {out}", about.period, about.extent, chargeback::ABOUT)?;
    Ok(())
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> CommandError {
    let path = path.to_owned();
    move |source| CommandError::File { action, path, source }
}
