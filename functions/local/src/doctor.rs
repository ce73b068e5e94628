//! `doctor`: what is wrong with an export or a ledger, and how to mend it.

#[cfg(test)]
mod tests;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use spend_core::text::{clean, columns, counted};
use spend_pipeline::examination::{self, Examined, Finding, Severity};
use spend_pipeline::files::tree::Tree;
use spend_pipeline::ledger_examination;

use crate::cli::{Doctor, DoctorFormat};
use crate::error::CommandError;
use crate::export_store::{ExportStore, S3};
use crate::progress::Progress;
use crate::{periods, run};

/// How many columns a line has at most.
const WIDTH: usize = 100;

/// Writes the findings to `out`.
///
/// # Errors
///
/// [`CommandError::Unusable`] after the findings were written, if there are problems among them; others, if the tree
/// cannot be read.
pub(crate) async fn doctor(options: &Doctor, now: DateTime<Utc>, out: &mut impl Write) -> Result<(), CommandError> {
    let mut findings = Vec::new();
    if let Some(export) = &options.export {
        findings.extend(of_export(export, options.now.unwrap_or(now)).await?);
    }
    if let Some(ledger) = &options.ledger {
        findings.extend(of_ledger(ledger).await?);
    }
    findings.sort_by_key(|finding| finding.severity);
    match options.format {
        DoctorFormat::Table => write!(out, "{}", text(&findings))?,
        DoctorFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &findings)?;
            writeln!(out)?;
        }
    }
    match findings.iter().filter(|finding| finding.severity == Severity::Problem).count() {
        0 => Ok(()),
        problems => {
            out.flush()?;
            Err(CommandError::Unusable { problems })
        }
    }
}

async fn of_export(path: &Path, now: DateTime<Utc>) -> Result<Vec<Finding>, CommandError> {
    let progress = Progress::on_stderr();
    progress.show(|| "listing the export".to_owned());
    let export = Arc::new(match run::open(path).await {
        // What `run` refuses is looked at as it is: that is what a doctor is for.
        Err(CommandError::Tree(_)) => Tree::whole(ExportStore::open(path).await?.0),
        opened => opened?,
    });
    let is_bucket = path.to_string_lossy().starts_with(S3);
    let what = if is_bucket { Examined::Bucket } else { Examined::Copy };
    let findings = examination::examine(&export, what, now, |step| {
        progress.show(|| {
            let (export, period, rows) = (&step.export, step.period, step.rows);
            format!("reading {export} {period}: chunk {} of {}, {rows} rows so far", step.chunk, step.chunks)
        });
    });
    let mut findings = findings.await?;
    findings.extend(export.store().left_out().map(examination::left_out));
    Ok(findings)
}

async fn of_ledger(path: &Path) -> Result<Vec<Finding>, CommandError> {
    let (progress, ledger) = (Progress::on_stderr(), periods::open(path)?);
    let findings = ledger_examination::examine(&ledger, |object, objects| {
        progress.show(|| format!("reading the ledger: object {object} of {objects}"));
    });
    Ok(findings.await?)
}

/// For people: problems first, then notices, then what is well.
fn text(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    for severity in [Severity::Problem, Severity::Notice] {
        for finding in findings.iter().filter(|finding| finding.severity == severity) {
            let word = if severity == Severity::Problem { "PROBLEM" } else { "notice" };
            lines.extend(wrap(&format!("{word} {}{}", finding.id, about(finding)), 0, ""));
            lines.extend(wrap(&finding.what, 2, ""));
            lines.extend(wrap(&finding.why, 2, "why:   "));
            lines.extend(wrap(&finding.cure, 2, "cure:  "));
            lines.extend(wrap(&finding.takes, 2, "takes: "));
            lines.push(String::new());
        }
    }
    let mut told = None;
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Ok) {
        let about = about(finding);
        if told.as_ref() != Some(&about) || finding.id == "ledger" {
            let place = if about.is_empty() && finding.id == "ledger" {
                ": the ledger"
            } else if about.is_empty() {
                ": the tree"
            } else {
                &about
            };
            lines.extend(wrap(&format!("ok{place}"), 0, ""));
            told = Some(about);
        }
        lines.extend(wrap(&finding.what, 2, "ok: "));
    }
    if told.is_some() {
        lines.push(String::new());
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    lines.push(format!(
        "{}, {}, {} ok",
        counted(count(Severity::Problem), "problem", "problems"),
        counted(count(Severity::Notice), "notice", "notices"),
        count(Severity::Ok)
    ));
    lines.into_iter().fold(String::new(), |text, line| text + &line + "\n")
}

/// What the finding is about: `: EXPORT 2026-11`.
fn about(finding: &Finding) -> String {
    let period = finding.period.map(|period| period.to_string());
    let parts: Vec<_> = finding.export.iter().chain(period.as_ref()).map(String::as_str).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(" ")) }
}

/// `words` in lines, indented; the first begins with `label`. A word that is longer than a line stands alone on its
/// own, so that it can be copied.
fn wrap(words: &str, indent: usize, label: &str) -> Vec<String> {
    let margin = " ".repeat(indent + columns(label));
    let mut lines = Vec::new();
    let mut line = format!("{}{label}", " ".repeat(indent));
    let mut is_empty = true;
    for word in clean(words).split_whitespace() {
        if !is_empty && columns(&line) + 1 + columns(word) > WIDTH {
            lines.push(std::mem::replace(&mut line, margin.clone()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}
