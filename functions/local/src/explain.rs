//! `explain`: the lines of the bill that a number is made of, and whether they come to what the ledger says.
//!
//! - `table`: for people, on a terminal of 80 columns; `exact`: as CSV and JSON;
//! - `summary`: what the lines come to by day, model, session and role;
//! - `texts`: what a line says in words.

mod exact;
mod summary;
mod table;
mod texts;

use std::io::Write;
use std::sync::Arc;

use spend_core::text;
use spend_pipeline::explain::{self, Caller, Explained, ExplainedRow, Question};
use spend_pipeline::period::deriver::Deriver;

use crate::cli::{Explain, ReportFormat};
use crate::error::CommandError;
use crate::progress::Progress;
use crate::{in_force, periods, run, version_names};

/// How people write that the bill names nobody.
const NOBODY: &str = "(none)";

/// Writes the lines and their sums to `out`, warnings to `notes`.
///
/// # Errors
///
/// [`CommandError`]: nothing matches, the export does not hold the delivery in force, or the lines do not come to what
/// the ledger says.
pub(crate) async fn run(options: &Explain, out: &mut impl Write, notes: &mut impl Write) -> Result<(), CommandError> {
    let ledger = periods::open(&options.ledger)?;
    let export = Arc::new(run::open(&options.export).await?);
    version_names::keep(export.store(), &ledger).await?;
    let statements = periods::of(&ledger, &options.ledger, Some(options.period), None).await?;
    let with = Deriver::from(&in_force::put(&ledger, None).await?);
    let question = question(options);
    let mut sink = Sink::new(options, out);
    // The reader of the bill knows no output: the first refusal is kept, and ends the command.
    let mut refused = None;
    let progress = Progress::on_stderr();
    // The other formats write rows as they are found.
    if options.format == ReportFormat::Table {
        progress.show(|| format!("reading the bill of {}", options.period));
    }
    let mut take = |row: ExplainedRow| {
        if refused.is_none() {
            refused = sink.row(row).err();
        }
    };
    let explained = Box::pin(explain::explain(&export, &ledger, &statements, &question, &with, &mut take)).await;
    progress.clear();
    let explained = explained?;
    if let Some(error) = refused {
        return Err(error);
    }
    sink.finish(&explained)?;
    for statement in &explained.derived_otherwise {
        writeln!(
            notes,
            "WARNING: {statement} was derived with another configuration than the one in force: identities, owners and \
             models may differ; bedrock-ledger rebuild --ledger {} derives it again",
            options.ledger.display()
        )?;
    }
    check(&explained)
}

fn question(options: &Explain) -> Question {
    let name = |text: &String| if text == NOBODY { String::new() } else { text.clone() };
    let caller = match (&options.principal, &options.identity) {
        (Some(principal), _) => Caller::Principal(name(principal)),
        (None, identity) => Caller::Identity(identity.as_ref().map(name).unwrap_or_default()),
    };
    Question { caller, day: options.day }
}

fn check(explained: &Explained) -> Result<(), CommandError> {
    let differences: Vec<_> = explained
        .disagreements()
        .map(|(currency, bill, ledger)| {
            let currency = text::currency(currency);
            format!(
                "{currency} {} in {} of the bill, {} in {} of the ledger",
                bill.cost,
                texts::lines(bill.line_items),
                ledger.cost,
                ledger.line_items
            )
        })
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    let cure = if explained.derived_otherwise.is_empty() {
        "run again on this export"
    } else {
        "run bedrock-ledger rebuild, for the configuration has changed"
    };
    Err(CommandError::Disagreement { differences: differences.join("; "), cure })
}

/// Where lines go as they are found.
enum Sink<'a, W: Write> {
    Table(table::Table<'a, W>),
    Csv(Box<exact::Csv<'a, W>>),
    Json(exact::Json<'a, W>),
}

impl<'a, W: Write> Sink<'a, W> {
    fn new(options: &Explain, out: &'a mut W) -> Self {
        match options.format {
            ReportFormat::Table => Self::Table(table::Table::new(out, options.all)),
            ReportFormat::Csv => Self::Csv(Box::new(exact::Csv::new(out))),
            ReportFormat::Json => Self::Json(exact::Json::new(out)),
        }
    }

    fn row(&mut self, row: ExplainedRow) -> Result<(), CommandError> {
        match self {
            Self::Table(table) => table.row(row),
            Self::Csv(csv) => csv.row(&row),
            Self::Json(json) => json.row(&row),
        }
    }

    fn finish(self, explained: &Explained) -> Result<(), CommandError> {
        match self {
            Self::Table(table) => table.finish(explained),
            Self::Csv(csv) => csv.finish(explained),
            Self::Json(json) => json.finish(explained),
        }
    }
}
