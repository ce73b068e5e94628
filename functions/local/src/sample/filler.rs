//! The rest of the bill: rows that are not Bedrock's, which a reader has to pass over.

use std::rc::Rc;

use chrono::NaiveDate;
use spend_cur::write::Row;

use super::cast::{Account, TEAMS};
use super::products;
use super::rng::Rng;
use super::rows::{self, Bill};
use super::story::{Line, at, usage};

/// Makes rows that are not Bedrock's. Most of a row follows from what is sold to which account and team.
pub(super) struct Filler {
    seed: u64,
    days: Vec<NaiveDate>,
    templates: Vec<Template>,
}

struct Template {
    line: Line,
    row: Row,
    amount: f64,
}

impl Filler {
    /// Rows of the bill from its first day through `last`.
    pub(super) fn new(seed: u64, bill: Bill, last: NaiveDate) -> Self {
        let first = bill.period.first_day();
        let mut rng = Rng::of(seed, &[4_000]);
        let mut templates = Vec::new();
        for (sku, amount) in products::others() {
            let sku = Rc::new(sku);
            for account in [Account::Prod, Account::Research] {
                for team in TEAMS {
                    let tags = vec![
                        ("resourceTags/cost-center".to_owned(), team.1.to_owned()),
                        ("resourceTags/team".to_owned(), team.0.to_owned()),
                    ];
                    let line = usage(first, 0, Rc::clone(&sku), 0.0, &mut rng);
                    let line = Line { account, tags: Rc::new(tags), streamed: false, ..line };
                    templates.push(Template { row: rows::row(&line, bill), line, amount });
                }
            }
        }
        Self { seed, days: first.iter_days().take_while(|day| *day <= last).collect(), templates }
    }

    /// On which day the `index`th row is. It is the same in every delivery.
    pub(super) fn day(&self, index: usize) -> NaiveDate {
        self.rng(index).pick(&self.days).copied().unwrap_or_default()
    }

    /// The `index`th row, without an id.
    pub(super) fn row(&self, index: usize) -> Row {
        let mut rng = self.rng(index);
        let day = rng.pick(&self.days).copied().unwrap_or_default();
        let Some(template) = rng.pick(&self.templates) else { return Row::new() };
        let hour = rng.below(24);
        let sku = &template.line.sku;
        let amount = (template.amount * rng.between(0.2, 1.8) * sku.pieces).round().max(1.0) / sku.pieces;
        let line = Line { amount, cost: amount * sku.rate, ..template.line.clone() };
        let mut row = template.row.clone();
        rows::interval(&mut row, at(day, hour), at(day, hour + 1));
        rows::cost(&mut row, &line);
        row
    }

    fn rng(&self, index: usize) -> Rng {
        Rng::of(self.seed, &[5_000, index as u64])
    }
}
