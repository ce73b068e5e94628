//! `report`: totals of the committed facts.

use std::io::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::Value;
use spend_core::decimal::Decimal;
use spend_core::dimension::Dimension;
use spend_core::fact::{Fact, FactField};
use spend_core::line::SumOutOfRange;
use spend_core::report::{self, Measure, Row};
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
    let rows = measured(rows, &options.measure)?;
    match options.format {
        ReportFormat::Table => table(&options.by, &options.measure, &rows, out),
        ReportFormat::Csv => csv(&options.by, &options.measure, &rows, out),
        ReportFormat::Json => json(&options.by, &options.measure, &rows, out),
    }
}

/// A group, and its measures in the order asked.
struct Measured {
    row: Row,
    values: Vec<Option<Decimal>>,
}

impl Measured {
    /// The group's names, and the currency.
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.row.keys.iter().chain([&self.row.currency]).map(String::as_str)
    }
}

fn measured(rows: Vec<Row>, measures: &[Measure]) -> Result<Vec<Measured>, SumOutOfRange> {
    let mut columns = Vec::new();
    for measure in measures {
        columns.push(measure.of(&rows)?.into_iter());
    }
    let values = |row| Measured { row, values: columns.iter_mut().map(|column| column.next().flatten()).collect() };
    Ok(rows.into_iter().map(values).collect())
}

fn header(by: &[Dimension], measures: &[Measure]) -> Vec<String> {
    let measures = measures.iter().map(|measure| measure.as_str().to_owned());
    by.iter().map(ToString::to_string).chain(["currency".to_owned()]).chain(measures).collect()
}

fn csv(by: &[Dimension], measures: &[Measure], rows: &[Measured], out: &mut impl Write) -> Result<(), CommandError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(header(by, measures))?;
    for row in rows {
        let numbers = row.values.iter().map(|value| value.map(|value| value.to_string()).unwrap_or_default());
        writer.write_record(row.keys().map(str::to_owned).chain(numbers))?;
    }
    writer.flush()?;
    Ok(())
}

fn json(by: &[Dimension], measures: &[Measure], rows: &[Measured], out: &mut impl Write) -> Result<(), CommandError> {
    let names = header(by, measures);
    let object = |row: &Measured| {
        let keys = row.keys().map(|key| Value::String(key.to_owned()));
        let number = |value: &Option<Decimal>| value.map_or(Value::Null, |value| Value::String(value.to_string()));
        let fields = names.iter().cloned().zip(keys.chain(row.values.iter().map(number)));
        Value::Object(fields.collect())
    };
    let rows: Vec<_> = rows.iter().map(object).collect();
    serde_json::to_writer_pretty(&mut *out, &rows)?;
    writeln!(out)?;
    Ok(())
}

fn table(by: &[Dimension], measures: &[Measure], rows: &[Measured], out: &mut impl Write) -> Result<(), CommandError> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header(by, measures));
    for column in (by.len() + 1..).take(measures.len()) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let number = |measure: Measure, value| match measure {
        // Tokens are whole.
        Measure::Tokens => text::number(value).trim_end_matches(".00").to_owned(),
        Measure::Share | Measure::TokenShare => format!("{value}%"),
        _ => text::number(value),
    };
    for row in rows {
        let shown = row.keys().map(text::shown);
        let values = measures.iter().zip(&row.values);
        let numbers = values.map(|(measure, value)| value.map_or(String::new(), |value| number(*measure, value)));
        table.add_row(shown.chain(numbers));
    }
    writeln!(out, "{table}")?;
    Ok(())
}
