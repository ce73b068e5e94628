//! Explained lines for people, on a terminal of 80 columns: what they come to, the largest, then the exact sums.

use std::cmp::Reverse;
use std::io::Write;

use spend_core::bill::line::LineField;
use spend_core::bill::usage::kinds::Context;
use spend_core::facts::fact::FactField;
use spend_core::money::currencies;
use spend_core::text::{self, pad_left, wrap};
use spend_pipeline::explain::{Explained, ExplainedRow};

use super::summary::{Summary, session};
use super::texts::{lines, owner_by, rules};
use crate::error::CommandError;

/// How many lines are shown.
const MOST: usize = 40;

/// Keeps the largest lines by absolute cost, or all, in the order in which they were found.
pub(super) struct Table<'a, W: Write> {
    out: &'a mut W,
    all: bool,
    found: u64,
    summary: Summary,
    kept: Vec<(u64, ExplainedRow)>,
}

impl<'a, W: Write> Table<'a, W> {
    pub(super) fn new(out: &'a mut W, all: bool) -> Self {
        Self { out, all, found: 0, summary: Summary::default(), kept: Vec::new() }
    }

    pub(super) fn row(&mut self, row: ExplainedRow) -> Result<(), CommandError> {
        self.summary.add(&row)?;
        self.kept.push((self.found, row));
        self.found += 1;
        // Now and then is enough to stay small.
        if !self.all && self.kept.len() >= 16 * MOST {
            self.keep_largest();
        }
        Ok(())
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
        for line in self.summary.lines()? {
            writeln!(self.out, "{line}")?;
        }
        for (_, row) in &self.kept {
            for line in block(row) {
                writeln!(self.out, "{line}")?;
            }
        }
        let shown = self.kept.len() as u64;
        if let Some(more) = self.found.checked_sub(shown).filter(|more| *more > 0) {
            let hidden =
                format!("the {shown} largest lines; {more} more are in the sum: see them with --all, or --format csv");
            for line in wrap("", &hidden) {
                writeln!(self.out, "{line}")?;
            }
        }
        let mut sums: Vec<_> = explained.sums.iter().collect();
        sums.sort_by(|left, right| currencies::order((left.0, left.1.0.cost), (right.0, right.1.0.cost)));
        for (currency, (bill, ledger)) in sums {
            let currency = text::currency(currency);
            writeln!(self.out, "sum of {} of the bill: {currency} {}", lines(bill.line_items), bill.cost)?;
            let verdict = if bill == ledger { "the same" } else { "NOT THE SAME" };
            let (cost, lines) = (ledger.cost, lines(ledger.line_items));
            writeln!(self.out, "the ledger says {currency} {cost} in {lines}: {verdict}")?;
        }
        Ok(())
    }
}

/// A line of the bill: when and how much, what of, who, and why it is where it is.
fn block(row: &ExplainedRow) -> Vec<String> {
    let line = |field| text::shown(row.row.key.get(field));
    let fact = |field| text::shown(row.fact.get(field));
    let measures = &row.row.measures;
    // In a delivery the file's name tells chunks apart; the whole key stands in the other formats.
    let file = row.chunk.rsplit('/').next().unwrap_or_default();
    let cost = format!("{} {}", fact(FactField::Currency), measures.unblended_cost);
    let place = format!("{} row {}", text::clean(file), row.row.row);
    let model = match (row.fact.get(FactField::ModelAsBilled), row.fact.get(FactField::Model)) {
        ("", "") => String::new(),
        (billed, model) => {
            format!(", {} billed as {}{}", text::shown(model), text::shown(billed), long_context(row))
        }
    };
    let mut lines = wrap(&format!("{} {}  ", row.fact.usage_date, pad_left(&cost, 22)), &place);
    for said in [
        format!(
            "{} ({}), {} {}{model}",
            line(LineField::LineItemType),
            fact(FactField::Category),
            measures.usage_amount,
            line(LineField::PricingUnit),
        ),
        format!("{}, {}", line(LineField::UsageType), line(LineField::Operation)),
        format!(
            "{} ({}), account {}",
            text::shown(session(row.row.key.get(LineField::Principal))),
            fact(FactField::Identity),
            line(LineField::AccountId)
        ),
        format!(
            "owner {} by {}; Bedrock by {}",
            fact(FactField::Owner),
            text::shown(&owner_by(row)),
            rules(row.row.rules)
        ),
    ] {
        lines.extend(wrap("    ", &said));
    }
    lines
}

/// Why the price may be another than the model's usual one.
fn long_context(row: &ExplainedRow) -> &'static str {
    if row.fact.get(FactField::Context) == Context::Long.as_str() { ", long context" } else { "" }
}
