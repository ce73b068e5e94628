//! `chargeback`: a month's bill as files for finance: as billed, as charged, and what a token costs.

mod files;
mod notes;

use std::fs;
use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use spend_core::chargeback::{self, is_split_identity};
use spend_core::fact::Fact;
use spend_core::metering::{Metering, MeteringRecord};
use spend_core::showback::showback;
use spend_core::unit_cost::{cache_use, unit_costs};
use spend_cur::metering_file;
use spend_ledger::committed;

use crate::cli::Chargeback;
use crate::error::CommandError;
use crate::{in_force, periods};

/// Writes the files; what was done, and what instead, goes to `notes`.
///
/// # Errors
///
/// [`CommandError`]: there is no ledger or nothing of the period in it, a metering file is not one, or a file cannot be
/// written.
pub(crate) async fn run(options: &Chargeback, notes: &mut impl Write) -> Result<(), CommandError> {
    let store = periods::open(&options.ledger)?;
    let statements = periods::of(&store, &options.ledger, Some(options.period), options.export_id.as_deref()).await?;
    let config = in_force::get(&store, options.config.as_deref()).await?;
    let records = read_metering(options)?;
    let mut facts: Vec<Fact> = Vec::new();
    for statement in &statements {
        let Some((state, _)) = committed::state(&store, statement).await? else { continue };
        if state.derivation != config.derivation_fingerprint() {
            writeln!(
                notes,
                "note: {statement}: owners are those of the configuration that it was derived with; `rebuild` derives \
                 them again"
            )?;
        }
        facts.extend(committed::facts(statement, state)?);
    }
    let metering = Metering::new(&records, options.period);
    let charged = chargeback::chargeback(&facts, options.basis, &config.splits, &metering)?;
    let findings = metering.findings(&facts, |fact| is_split_identity(&config.splits, fact, true));

    fs::create_dir_all(&options.out).map_err(failed("make", &options.out))?;
    let put = |name: &str, bytes: Vec<u8>| {
        let path = options.out.join(name);
        fs::write(&path, bytes).map_err(failed("write", &path))
    };
    put("showback.csv", files::showback(options.period, &showback(&facts, options.basis)?)?)?;
    put("chargeback.csv", files::chargeback(options.period, &charged.rows)?)?;
    put("unit_costs.csv", files::unit_costs(options.period, &unit_costs(&facts, options.basis)?)?)?;
    put("cache.csv", files::cache(options.period, &cache_use(&facts, options.basis)?)?)?;
    notes::tell(options, &config.splits, &charged, &findings, notes)
}

/// The records of all metering files, in their order.
fn read_metering(options: &Chargeback) -> Result<Vec<MeteringRecord>, CommandError> {
    let mut records = Vec::new();
    for path in &options.metering {
        let bytes = fs::read(path).map_err(failed("read the metering records", path))?;
        records.extend(metering_file::read(&path.display().to_string(), &Bytes::from(bytes))?);
    }
    Ok(records)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> CommandError {
    let path = path.to_owned();
    move |source| CommandError::File { action, path, source }
}
