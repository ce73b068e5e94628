//! `report`: totals of the committed facts.

use std::io::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use spend_core::dimension::Dimension;
use spend_core::fact::{Fact, FactField};
use spend_core::report::{self, Row};
use spend_core::text;
use spend_ledger::committed;

use crate::cli::{Report, ReportFormat};
use crate::error::CommandError;
use crate::periods;

/// Writes the report to `out`.
///
/// # Errors
///
/// [`CommandError`]: there is no ledger, nothing in it matches, or it cannot be read.
pub(crate) async fn run(options: &Report, out: &mut impl Write) -> Result<(), CommandError> {
    let store = periods::open(&options.ledger)?;
    let statements = periods::of(&store, &options.ledger, options.period, options.export_id.as_deref()).await?;
    let mut facts = Vec::new();
    for statement in &statements {
        if let Some((state, _)) = committed::state(&store, statement).await? {
            facts.extend(committed::facts(statement, state)?);
        }
    }
    let in_category = |fact: &Fact| match options.category {
        Some(category) => fact.key.get(FactField::Category) == category.as_str(),
        None => true,
    };
    let mut rows =
        report::totals(&facts, &options.by, |fact| in_category(fact).then(|| options.basis.cost(&fact.measures)))?;
    if let Some(top) = options.top {
        rows = report::fold(rows, top)?;
    }
    match options.format {
        ReportFormat::Table => table(&options.by, &rows, out),
        ReportFormat::Csv => csv(&options.by, &rows, out),
        ReportFormat::Json => json(&options.by, &rows, out),
    }
}

fn header(by: &[Dimension]) -> Vec<String> {
    by.iter().map(ToString::to_string).chain(["currency".to_owned(), "cost".to_owned()]).collect()
}

fn csv(by: &[Dimension], rows: &[Row], out: &mut impl Write) -> Result<(), CommandError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(header(by))?;
    for row in rows {
        let cost = row.cost.to_string();
        writer.write_record(row.keys.iter().chain([&row.currency, &cost]))?;
    }
    writer.flush()?;
    Ok(())
}

fn json(by: &[Dimension], rows: &[Row], out: &mut impl Write) -> Result<(), CommandError> {
    let names = header(by);
    let object = |row: &Row| {
        let cost = row.cost.to_string();
        let values = row.keys.iter().chain([&row.currency, &cost]).cloned();
        let fields = names.iter().cloned().zip(values.map(serde_json::Value::String));
        serde_json::Value::Object(fields.collect())
    };
    let rows: Vec<_> = rows.iter().map(object).collect();
    serde_json::to_writer_pretty(&mut *out, &rows)?;
    writeln!(out)?;
    Ok(())
}

fn table(by: &[Dimension], rows: &[Row], out: &mut impl Write) -> Result<(), CommandError> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header(by));
    if let Some(cost) = table.column_mut(by.len() + 1) {
        cost.set_cell_alignment(CellAlignment::Right);
    }
    for row in rows {
        let shown = row.keys.iter().chain([&row.currency]).map(|key| text::shown(key));
        table.add_row(shown.chain([text::number(row.cost)]));
    }
    writeln!(out, "{table}")?;
    Ok(())
}
