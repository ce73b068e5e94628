//! What AWS has changed since the last digest, and how spend and all else add up to the bill.

use super::layout::{Cells, heading, row};
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::restated::RestatedPeriod;
use crate::digest::wording::{INVOICED, plural};
use crate::facts::spend::Basis;
use crate::text::lines::signed_number;
use crate::text::{currency, day, month, name, number, or_none, wrap};

/// How many moves of a restated month are named.
const MOVES: usize = 5;

pub(super) fn restated(found: &CurrencyFigures) -> Vec<String> {
    if found.restated.is_empty() {
        return Vec::new();
    }
    let currency = &found.totals.currency;
    let mut lines = vec![String::new(), heading("Restated since the last digest", currency, "", "change")];
    for restated in &found.restated {
        lines.extend(period(restated));
    }
    lines
}

fn period(restated: &RestatedPeriod) -> Vec<String> {
    let closed = if restated.after_close { ", AFTER IT HAD CLOSED" } else { "" };
    let title = format!("{}{closed}", month(restated.period));
    let mut lines = vec![row(&title, &Cells("", "", &signed_number(restated.amount)))];
    for (on, identity, amount) in restated.moves.iter().take(MOVES) {
        let name = format!("  {}, {}", day(*on), name(or_none(identity), 60));
        lines.push(row(&name, &Cells("", "", &signed_number(*amount))));
    }
    if let Some(more) = restated.moves.len().checked_sub(MOVES).filter(|more| *more > 0) {
        lines.push(format!("    and {more} more: see bedrock-ledger history --ledger DIR"));
    }
    lines
}

/// Credits, tax and the rest apart from spend, and the exact sum.
pub(super) fn on_the_bill(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let totals = &found.totals;
    let mut lines = vec![String::new(), heading("On the bill", &totals.currency, "", "")];
    for (category, sum) in &totals.categories {
        if !sum.is_zero() || figures.policy.count.contains(category) {
            let note = if figures.policy.count.contains(category) { "spend" } else { "" };
            lines.push(row(plural(*category), &Cells(&number(*sum), "", note)));
        }
    }
    lines.push(row("together", &Cells(&number(totals.bill), "", "")));
    let others =
        totals.categories.iter().filter(|(category, sum)| !figures.policy.count.contains(category) && !sum.is_zero());
    let others: Vec<_> = others.map(|(category, sum)| format!(" + {} {sum}", plural(*category))).collect();
    let others = others.concat();
    let sum = format!("spend {}{others} = {} {}", totals.spend, totals.bill, currency(&totals.currency));
    lines.extend(wrap("  exact: ", &sum));
    if figures.policy.basis == Basis::NetUnblended {
        lines.extend(wrap("  ", &format!("{INVOICED} {}", totals.unblended)));
    }
    lines
}
