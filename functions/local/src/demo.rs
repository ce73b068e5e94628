//! `demo`: a sample export, run through everything, and what comes out of it on a screen or two.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use serde::Deserialize;
use spend_core::bill::category::Category;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::FactField;
use spend_core::facts::spend::Basis;
use spend_core::reporting::report::Measure;
use spend_core::text;
use spend_ledger::state::history;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::{committed, restated};
use spend_ledger::store::directory::DirectoryStore;
use spend_ledger::store::private_files;

use crate::cli::{Demo, Page, Report, ReportFormat, Run};
use crate::error::CommandError;
use crate::progress::Progress;
use crate::sample::{self, SampleOptions};
use crate::{page, periods, report, run};

/// The file that says that a directory is a demo's, and may be replaced by the next one.
const MARKER: &str = ".bedrock-ledger-demo";

/// What the gateway counted of its tenants.
const METERING: &str = "gateway-metering.csv";
/// How much of the digest is shown.
const DIGEST_LINES: usize = 46;

/// Runs the demo. The story goes to `out`, progress to `notes`.
pub(crate) async fn demo(options: &Demo, out: &mut impl Write, notes: &mut impl Write) -> Result<(), CommandError> {
    let dir = &options.dir;
    prepare(dir)?;
    let (export, ledger_dir, config) = (dir.join("export"), dir.join("ledger"), dir.join("ledger.toml"));
    writeln!(notes, "writing a sample export to {} …", export.display())?;
    let progress = Progress::on_stderr();
    progress.show(|| "writing the sample export".to_owned());
    let written = sample::write(&SampleOptions::into(&export))?;
    drop(progress);
    for note in written.notes {
        writeln!(notes, "  {note}")?;
    }
    fs::write(&config, sample::SAMPLE_CONFIG).map_err(file("write", &config))?;
    let metering = dir.join(METERING);
    fs::write(&metering, sample::gateway_metering(SampleOptions::SEED)).map_err(file("write", &metering))?;
    let now = sample::sample_now();
    writeln!(notes, "running on it, as on {} …", now.format("%-d %B %Y"))?;
    let options = Run { export, ledger: ledger_dir.clone(), config: Some(config), now: Some(now) };
    Box::pin(run::run(&options, now, notes)).await?;
    writeln!(notes)?;
    let page = Page { ledger: ledger_dir.clone(), period: None, out: dir.join("page.html"), now: Some(now) };
    page::run(&page, now, notes).await?;
    show(dir, &ledger_dir, out, notes).await
}

async fn show(dir: &Path, ledger_dir: &Path, out: &mut impl Write, notes: &mut impl Write) -> Result<(), CommandError> {
    let store = periods::open(ledger_dir)?;
    let statements = committed::statements(&store).await?;
    let Some(statement) = statements.last() else { return Ok(()) };
    heading(out, &format!("Who used what in {}, before discounts", statement.period))?;
    spend_by(ledger_dir, statement.period, Dimension::Field(FactField::Identity), out, notes).await?;

    let messages = messages(ledger_dir)?;
    if let Some(alert) = messages.iter().rev().find(|message| message.topic == "alerts") {
        heading(out, "The last alert, as it would be mailed to on-call")?;
        writeln!(out, "Subject: {}\n\n{}", alert.subject, alert.body.trim_end())?;
    }
    if let Some(digest) = messages.iter().rev().find(|message| message.topic == "digest") {
        heading(out, "The digest, as it would be mailed to finance")?;
        let lines: Vec<_> = digest.body.trim_end().lines().collect();
        let shown = lines.get(..DIGEST_LINES).unwrap_or(&lines);
        writeln!(out, "Subject: {}\n\n{}", digest.subject, shown.join("\n"))?;
        if let Some(more) = lines.len().checked_sub(shown.len()).filter(|more| *more > 0) {
            let now = sample::sample_now().to_rfc3339_opts(SecondsFormat::Secs, true);
            writeln!(out, "\n  … and {more} lines more, why it changed among them:")?;
            writeln!(out, "  bedrock-ledger digest --ledger {} --now {now}", ledger_dir.display())?;
        }
    }
    heading(out, "What the last delivery restated")?;
    last_restated(&store, statement, out).await?;
    heading(out, "Where to look next")?;
    let (ledger, period) = (ledger_dir.display(), statement.period);
    let config = dir.join("ledger.toml");
    writeln!(out, "  {}: the budgets of this company; change one, remove {ledger}, and run again", config.display())?;
    for by in ["day,identity --category usage --top 15", "model,token --category usage", "category"] {
        writeln!(out, "  bedrock-ledger report --ledger {ledger} --period {period} --by {by}")?;
    }
    let (metering, out_dir) = (dir.join(METERING), dir.join("chargeback"));
    writeln!(out, "  bedrock-ledger chargeback --ledger {ledger} --period {period} \\")?;
    writeln!(out, "      --metering {} --out {}", metering.display(), out_dir.display())?;
    writeln!(out, "  {ledger}/{}", statement.facts_key())?;
    writeln!(out, "      the same facts for DuckDB, pandas or Athena")?;
    writeln!(out, "  {ledger}/out/metrics.jsonl, {ledger}/out/messages.jsonl: what this run would have sent")?;
    // Whoever has a release calls it by its name.
    if let Ok(program) = env::current_exe()
        && program.iter().any(|folder| folder == "target")
    {
        let here = env::current_dir().unwrap_or_default();
        writeln!(out, "  (`bedrock-ledger` is {} here)", program.strip_prefix(&here).unwrap_or(&program).display())?;
    }
    let page = fs::canonicalize(dir.join("page.html")).unwrap_or_else(|_| dir.join("page.html"));
    writeln!(out, "  the month as a page, to be looked at in a browser:")?;
    writeln!(out, "  file://{}", page.display())?;
    Ok(())
}

async fn spend_by(
    ledger: &Path,
    period: BillingPeriod,
    by: Dimension,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), CommandError> {
    let options = Report {
        ledger: ledger.to_owned(),
        period: Some(period),
        by: vec![by, Dimension::Field(FactField::Owner)],
        measure: vec![Measure::Cost],
        category: vec![Category::Usage],
        matches: Vec::new(),
        from: None,
        to: None,
        basis: Basis::Unblended,
        export_id: None,
        top: Some(12),
        format: ReportFormat::Table,
    };
    report::run(&options, out, notes).await
}

async fn last_restated(
    store: &DirectoryStore,
    statement: &Statement,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let Some(state) = committed::head(store, statement).await? else { return Ok(()) };
    let Some(delivery) = state.current() else { return Ok(()) };
    let Some(entry) = history::of(store, statement, delivery).await? else { return Ok(()) };
    for total in &entry.totals {
        let (before, after) = (text::money(&total.currency, total.before), text::money(&total.currency, total.after));
        writeln!(out, "  {} of Amazon Bedrock: {before} before, {after} now", entry.period)?;
    }
    let commits = committed::commits(store, &statement.export_id, statement.period).await?;
    let restated = restated::of(&entry, commits.iter().map(|(period, commit)| (*period, commit)));
    if restated.is_empty() {
        writeln!(out, "  no day that was settled has changed")?;
    }
    for of_day in restated {
        let money = |amount| text::money(&of_day.currency, amount);
        let (before, after) = (money(of_day.before), money(of_day.after));
        let identity = text::or_none(&of_day.identity);
        writeln!(out, "  {}  {identity}, {}: {before} → {after}", of_day.day, of_day.category)?;
    }
    Ok(())
}

/// A message as `out/messages.jsonl` has it.
#[derive(Debug, Deserialize)]
struct Mail {
    topic: String,
    subject: String,
    body: String,
}

fn messages(ledger: &Path) -> Result<Vec<Mail>, CommandError> {
    let path = ledger.join("out/messages.jsonl");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(file("read", &path)(error)),
    };
    text.lines().map(|line| serde_json::from_str(line).map_err(CommandError::Json)).collect()
}

fn heading(out: &mut impl Write, text: &str) -> Result<(), CommandError> {
    writeln!(out, "\n━━ {text} {}", "━".repeat(74_usize.saturating_sub(text.chars().count())))?;
    Ok(())
}

/// Makes `dir` empty, if it is an earlier demo's or new. Anything else is left alone.
fn prepare(dir: &Path) -> Result<(), CommandError> {
    let marker = dir.join(MARKER);
    let is_empty = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(file("look into", dir)(error)),
    };
    if !is_empty && !marker.exists() {
        return Err(CommandError::Unsupported(format!(
            "{} is not empty and was not written by a demo: name another directory with --dir",
            dir.display()
        )));
    }
    for part in ["export", "ledger"] {
        let path = dir.join(part);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(file("replace", &path)(error)),
            _ => {}
        }
    }
    private_files::create_folders(dir).map_err(file("make", dir))?;
    fs::write(&marker, "made by `bedrock-ledger demo`, which may replace what is here\n")
        .map_err(file("write", &marker))
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> CommandError {
    let path: PathBuf = path.to_owned();
    move |source| CommandError::File { action, path, source }
}
