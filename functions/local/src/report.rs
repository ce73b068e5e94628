//! `report`: totals of the committed facts.
//!
//! - `about`: what a report is of, and what it leaves out.

mod about;

use std::io::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::Value;
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::Fact;
use spend_core::facts::fact_set::FactSet;
use spend_core::money::currencies;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::reporting::report::{self, Measure, Row};
use spend_core::text::{self, OTHER};
use spend_ledger::state::committed;

use crate::cli::{Report, ReportFormat};
use crate::error::CommandError;
use crate::periods;
use crate::report::about::{About, is_in};

/// What the last row of a currency is called.
const TOTAL: &str = "total";

/// Writes the report to `out`. What it is of stands above a table, and in `notes` where `out` is read by programs.
pub(crate) async fn run(options: &Report, out: &mut impl Write, notes: &mut impl Write) -> Result<(), CommandError> {
    let store = periods::open(&options.ledger)?;
    let statements = periods::of(&store, &options.ledger, options.period, options.export_id.as_deref()).await?;
    let (mut tables, mut about) = (Vec::new(), About::of(options));
    for statement in &statements {
        if let Some((state, _)) = committed::state(&store, statement).await? {
            about.add(statement, &state);
            tables.push(state.facts);
        }
    }
    let facts: FactSet<'_> = tables.iter().collect();
    about::check_names(&store, options, &facts).await?;
    let selected = || facts.iter().filter(|fact| is_selected(options, *fact));
    about.count(selected())?;
    let is_counted = |fact: Fact<'_>| options.category.is_empty() || is_in(options, fact);
    let cost = |fact: Fact<'_>| is_counted(fact).then(|| options.basis.cost(fact));
    let mut rows = report::totals(selected(), &options.by, cost)?;
    if let Some(top) = options.top {
        let named = |rows: &[Row]| rows.iter().filter(|row| row.has_name()).count();
        about.folded = named(&rows);
        rows = report::fold(rows, top)?;
        about.folded -= named(&rows);
    }
    if options.format == ReportFormat::Table {
        about.lines().iter().try_for_each(|line| writeln!(out, "{line}"))?;
        return table(&options.by, &options.measure, &rows, out);
    }
    about.lines().iter().try_for_each(|line| writeln!(notes, "note: {line}"))?;
    let rows = measured(rows, &options.measure)?;
    match options.format {
        ReportFormat::Csv => csv(&options.by, &options.measure, &rows, out),
        _ => json(&options.by, &options.measure, &rows, out),
    }
}

/// Whether a fact is of the days and the values that are asked for.
fn is_selected(options: &Report, fact: Fact<'_>) -> bool {
    let day = fact.day();
    options.from.is_none_or(|from| from <= day)
        && options.to.is_none_or(|to| day <= to)
        && options.matches.iter().all(|matcher| matcher.matches(fact))
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

/// For people: the largest currency first, its total last, and days in their order where they are the first key.
fn table(by: &[Dimension], measures: &[Measure], rows: &[Row], out: &mut impl Write) -> Result<(), CommandError> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header(by, measures));
    for column in (by.len() + 1..).take(measures.len()) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (mut rows, total) in by_currency(rows)? {
        if by.first() == Some(&Dimension::Day) {
            // What is folded is of no day, and stands last.
            rows.sort_by_key(|row| row.keys.first().map(|day| (day == OTHER, day.clone())));
        }
        let rows = measured(rows, measures)?;
        for row in rows.iter().chain(&measured(vec![total], measures)?) {
            let numbers = measures.iter().zip(&row.values);
            let numbers = numbers.map(|(measure, value)| value.map_or(String::new(), |value| number(*measure, value)));
            table.add_row(row.keys().map(text::shown).chain(numbers));
        }
    }
    writeln!(out, "{table}")?;
    Ok(())
}

fn number(measure: Measure, value: Decimal) -> String {
    match measure {
        // Tokens are whole.
        Measure::Tokens => text::number(value).trim_end_matches(".00").to_owned(),
        Measure::Share | Measure::TokenShare => format!("{value}%"),
        _ => text::number(value),
    }
}

/// The rows of each currency with their total.
fn by_currency(rows: &[Row]) -> Result<Vec<(Vec<Row>, Row)>, SumOutOfRange> {
    let mut totals = report::fold(rows.to_vec(), 0)?;
    totals.sort_by(|left, right| currencies::order((&left.currency, left.cost), (&right.currency, right.cost)));
    let with_rows = |total: Row| {
        let of_currency = rows.iter().filter(|row| row.currency == total.currency).cloned().collect();
        // Words for what a total is of: only its first key is a name.
        let keys = (0..total.keys.len()).map(|index| if index == 0 { TOTAL.to_owned() } else { "-".to_owned() });
        (of_currency, Row { keys: keys.collect(), ..total })
    };
    Ok(totals.into_iter().map(with_rows).collect())
}
