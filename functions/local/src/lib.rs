//! The command line `bedrock-ledger`: the same steps as the Lambdas, on one machine.

mod backtest;
mod chargeback;
mod check;
mod claim;
pub mod cli;
mod demo;
mod digest;
mod doctor;
pub mod error;
mod explain;
mod export_store;
mod forget;
mod history;
mod idle;
mod in_force;
mod ledger;
pub mod notes;
mod page;
mod periods;
mod progress;
mod rebuild;
mod report;
mod run;
pub mod sample;
mod sent;
mod summary;
pub mod terminal;
mod test_alert;
mod version_names;
mod whole_files;

use std::io::Write;

use chrono::Utc;

use crate::cli::{Cli, Command, Sample};
use crate::error::CommandError;
use crate::sample::SampleOptions;

/// Carries out a command. Data goes to `out`, progress and notes to `notes`.
pub async fn execute(cli: &Cli, out: &mut impl Write, notes: &mut impl Write) -> Result<(), CommandError> {
    match &cli.command {
        // On the heap, as what reads an export is below: it holds a lot.
        Command::Demo(options) => Box::pin(demo::demo(options, out, notes)).await,
        Command::Sample(options) => write_sample(options, notes),
        Command::Run(options) => Box::pin(run::run(options, Utc::now(), notes)).await,
        Command::Report(options) => report::run(options, out, notes).await,
        Command::Chargeback(options) => chargeback::run(options, Utc::now(), notes).await,
        Command::Doctor(options) => Box::pin(doctor::doctor(options, Utc::now(), out)).await,
        Command::Digest(options) => digest::run(options, Utc::now(), out, notes).await,
        Command::Page(options) => page::run(options, Utc::now(), notes).await,
        Command::Explain(options) => explain::run(options, out, notes).await,
        Command::History(options) => history::run(options, out).await,
        Command::Backtest(options) => backtest::run(options, out, notes).await,
        Command::Check(options) => check::run(options, Utc::now(), out).await,
        Command::TestAlert(options) => test_alert::run(options, Utc::now(), notes).await,
        Command::Rebuild(options) => rebuild::run(options, Utc::now(), notes).await,
        Command::Forget(options) => forget::run(options, notes).await,
        Command::Claim(options) => claim::run(options, Utc::now(), notes).await,
    }
}

fn write_sample(options: &Sample, notes: &mut impl Write) -> Result<(), CommandError> {
    let progress = progress::Progress::on_stderr();
    progress.show(|| format!("writing a sample export of {} rows a month", options.rows));
    let written = sample::write(&SampleOptions {
        out: options.out.clone(),
        seed: options.seed,
        rows: options.rows,
        principals: options.principals,
        bedrock_share: options.bedrock_share,
        deliveries: options.deliveries,
        format: options.format,
    })?;
    drop(progress);
    if let Some(path) = &options.metering {
        whole_files::write(&[(path.clone(), sample::gateway_metering(options.seed).as_bytes())])?;
    }
    for note in written.notes {
        writeln!(notes, "{note}")?;
    }
    Ok(())
}
