//! Explained lines for people: the largest, then the sums.

use std::cmp::Reverse;
use std::io::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table as Grid};
use spend_core::decimal::Decimal;
use spend_core::fact::FactField;
use spend_core::line::LineField;
use spend_core::text;
use spend_core::usage::Context;
use spend_pipeline::explain::{Explained, ExplainedRow};

use super::{owner_by, rules};
use crate::error::CommandError;

/// How many lines are shown.
const MOST: usize = 40;

/// Keeps the largest lines by absolute cost, or all, in the order in which they were found.
pub(super) struct Table<'a, W: Write> {
    out: &'a mut W,
    all: bool,
    found: u64,
    kept: Vec<(u64, ExplainedRow)>,
}

impl<'a, W: Write> Table<'a, W> {
    pub(super) fn new(out: &'a mut W, all: bool) -> Self {
        Self { out, all, found: 0, kept: Vec::new() }
    }

    pub(super) fn row(&mut self, row: ExplainedRow) {
        self.kept.push((self.found, row));
        self.found += 1;
        // Now and then is enough to stay small.
        if !self.all && self.kept.len() >= 16 * MOST {
            self.keep_largest();
        }
    }

    fn keep_largest(&mut self) {
        let cost = |row: &ExplainedRow| row.row.measures.unblended_cost.abs();
        self.kept.sort_by_key(|(number, row)| (Reverse(cost(row)), *number));
        self.kept.truncate(MOST);
    }

    pub(super) fn finish(mut self, explained: &Explained) -> Result<(), CommandError> {
        if !self.all {
            self.keep_largest();
        }
        let mut grid = Grid::new();
        grid.load_style(UTF8_FULL_CONDENSED).set_header([
            "chunk, row from 0",
            "day, account",
            "principal, identity",
            "type, usage type, operation",
            "model as billed, model",
            "amount",
            "cost",
            "owner by, Bedrock by",
        ]);
        for number in 5..7 {
            if let Some(column) = grid.column_mut(number) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for (_, row) in &self.kept {
            grid.add_row(cells(row));
        }
        writeln!(self.out, "{grid}")?;
        let shown = self.kept.len() as u64;
        if let Some(more) = self.found.checked_sub(shown).filter(|more| *more > 0) {
            writeln!(
                self.out,
                "the {shown} largest lines; {more} more are in the sum: see them with --all, or --format csv"
            )?;
        }
        for (currency, (bill, ledger)) in &explained.sums {
            writeln!(self.out, "sum of {} lines of the bill: {currency} {}", bill.line_items, bill.cost)?;
            let verdict = if bill == ledger { "the same" } else { "NOT THE SAME" };
            writeln!(self.out, "the ledger says {currency} {} in {} lines: {verdict}", ledger.cost, ledger.line_items)?;
        }
        Ok(())
    }
}

fn cells(row: &ExplainedRow) -> [String; 8] {
    let line = |field| text::shown(row.row.key.get(field));
    let fact = |field| text::shown(row.fact.get(field));
    let measures = &row.row.measures;
    let cost: Decimal = measures.unblended_cost;
    // In a delivery the file's name tells chunks apart; the whole key stands in the other formats.
    let file = row.chunk.rsplit('/').next().unwrap_or_default();
    [
        format!("{}\nrow {}", text::clean(file), row.row.row),
        format!("{}\n{}", row.fact.usage_date, line(LineField::AccountId)),
        format!("{}\n{}", line(LineField::Principal), fact(FactField::Identity)),
        format!(
            "{} ({})\n{}\n{}",
            line(LineField::LineItemType),
            fact(FactField::Category),
            line(LineField::UsageType),
            line(LineField::Operation)
        ),
        format!("{}\n{}{}", fact(FactField::ModelAsBilled), fact(FactField::Model), long_context(row)),
        format!("{}\n{}", measures.usage_amount, line(LineField::PricingUnit)),
        format!("{}\n{cost}", fact(FactField::Currency)),
        format!("{}\n{}\n{}", fact(FactField::Owner), text::clean(&owner_by(row)), rules(row.row.rules)),
    ]
}

/// Why the price may be another than the model's usual one.
fn long_context(row: &ExplainedRow) -> &'static str {
    if row.fact.get(FactField::Context) == Context::Long.as_str() { "\nlong context" } else { "" }
}
