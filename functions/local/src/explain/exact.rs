//! Explained lines as CSV and JSON: every line as it is found, then the sums, every number exact.

use std::io::Write;

use serde_json::{Map, Value, json};
use spend_core::facts::fact::FactField;
use spend_pipeline::explain::{Explained, ExplainedRow, Tally};

use super::texts::{TEXTS, texts};
use crate::error::CommandError;

/// A record `line` for each line of the bill, then for each currency a record `sum` of them and a record `ledger` with
/// what the ledger's facts say. `row` counts from 0.
pub(super) struct Csv<'a, W: Write> {
    writer: csv::Writer<&'a mut W>,
    begun: bool,
}

impl<'a, W: Write> Csv<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Self {
        Self { writer: csv::Writer::from_writer(out), begun: false }
    }

    /// Nothing is written before there is something to show.
    fn begin(&mut self) -> Result<(), CommandError> {
        if !std::mem::replace(&mut self.begun, true) {
            let header = ["record", "chunk", "row"].into_iter().chain(TEXTS);
            self.writer.write_record(header.chain(["amount", "currency", "cost", "lines"]))?;
        }
        Ok(())
    }

    pub(super) fn row(&mut self, row: &ExplainedRow) -> Result<(), CommandError> {
        self.begin()?;
        let mut record = vec!["line".to_owned(), row.chunk.to_string(), row.row.row.to_string()];
        record.extend(texts(row));
        let measures = &row.row.measures;
        record.extend([measures.usage_amount.to_string(), row.fact.get(FactField::Currency).to_owned()]);
        record.extend([measures.unblended_cost.to_string(), measures.line_items.to_string()]);
        Ok(self.writer.write_record(record)?)
    }

    pub(super) fn finish(mut self, explained: &Explained) -> Result<(), CommandError> {
        self.begin()?;
        for (currency, (bill, ledger)) in &explained.sums {
            self.sum("sum", currency, *bill)?;
            self.sum("ledger", currency, *ledger)?;
        }
        Ok(self.writer.flush()?)
    }

    fn sum(&mut self, record: &str, currency: &str, tally: Tally) -> Result<(), CommandError> {
        let (cost, lines) = (tally.cost.to_string(), tally.line_items.to_string());
        let nothing = std::iter::repeat_n("", 2 + TEXTS.len() + 1);
        Ok(self.writer.write_record(std::iter::once(record).chain(nothing).chain([currency, &cost, &lines]))?)
    }
}

/// How the object begins; it is written when there is something to show.
const OPENING: &[u8] = b"{\n\"lines\": [\n";

/// An object with `lines`, and `sums` by currency beside what the ledger says. `row` counts from 0; amounts and costs
/// are strings.
pub(super) struct Json<'a, W: Write> {
    out: &'a mut W,
    lines: u64,
}

impl<'a, W: Write> Json<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Self {
        Self { out, lines: 0 }
    }

    pub(super) fn row(&mut self, row: &ExplainedRow) -> Result<(), CommandError> {
        let mut object = Map::from_iter([
            ("chunk".to_owned(), json!(&*row.chunk)),
            ("row".to_owned(), json!(row.row.row)),
            ("amount".to_owned(), json!(row.row.measures.usage_amount.to_string())),
            ("currency".to_owned(), json!(row.fact.get(FactField::Currency))),
            ("cost".to_owned(), json!(row.row.measures.unblended_cost.to_string())),
        ]);
        object.extend(TEXTS.into_iter().zip(texts(row)).map(|(name, text)| (name.to_owned(), Value::String(text))));
        let tags = row.fact.tags.iter().map(|(key, value)| (key.to_string(), json!(&**value)));
        object.insert("tags".to_owned(), Value::Object(tags.collect()));
        self.out.write_all(if self.lines == 0 { OPENING } else { b",\n" })?;
        self.lines += 1;
        Ok(serde_json::to_writer(&mut *self.out, &object)?)
    }

    pub(super) fn finish(self, explained: &Explained) -> Result<(), CommandError> {
        let sum = |(currency, (bill, ledger)): (&String, &(Tally, Tally))| {
            json!({
                "currency": currency,
                "lines": bill.line_items,
                "cost": bill.cost.to_string(),
                "ledger_lines": ledger.line_items,
                "ledger_cost": ledger.cost.to_string(),
            })
        };
        let sums: Vec<_> = explained.sums.iter().map(sum).collect();
        if self.lines == 0 {
            self.out.write_all(OPENING)?;
        }
        write!(self.out, "\n],\n\"sums\": ")?;
        serde_json::to_writer(&mut *self.out, &sums)?;
        Ok(writeln!(self.out, "\n}}")?)
    }
}
