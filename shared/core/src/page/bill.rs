//! How spend and all else add up to the bill.

use maud::{Markup, html};

use super::html::{
    Table, currency_heading, exact, money, name, number, numbers, section as html_section, slug, text, words,
};
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::wording::{INVOICED, plural};
use crate::facts::spend::Basis;
use crate::page::figures::PageFigures;
use crate::text::or_none;

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    let body = html! {
        @for found in &figures.currencies {
            (currency_heading(figures.currencies.len(), &found.totals.currency))
            (reconciled(figures, found))
        }
        @if figures.currencies.is_empty() { p { "There is nothing on the bill." } }
    };
    let title = if figures.data.unverified { "It adds up to the files as found" } else { "It adds up to the bill" };
    html_section("bill", title, &body)
}

fn reconciled(figures: &Figures, found: &CurrencyFigures) -> Markup {
    let totals = &found.totals;
    let currency = or_none(&totals.currency);
    let is_spend = |category| figures.policy.count.contains(category);
    let shown = totals.categories.iter().filter(|(category, sum)| !sum.is_zero() || is_spend(category));
    let rows = shown.map(|(category, sum)| {
        let kind = if is_spend(category) { "spend" } else { "not spend" };
        vec![text(plural(*category)), text(kind), number(*sum), exact(*sum)]
    });
    let table = Table {
        id: format!("bill-{}", slug(currency)),
        caption: format!("Amazon Bedrock on the bill, {currency}"),
        columns: vec![words("Kind of money"), words("Counts as"), numbers("Amount"), numbers("Exact")],
        rows: rows.collect(),
        foot: Some(vec![text("together"), Markup::default(), number(totals.bill), exact(totals.bill)]),
    };
    let others = totals.categories.iter().filter(|(category, sum)| !is_spend(category) && !sum.is_zero());
    let is_reconciled = totals.reconciled(&figures.policy) == Ok(totals.bill);
    html! {
        @if is_reconciled {
            p {
                "Exactly: spend " (exact(totals.spend))
                @for (category, sum) in others { " + " (plural(*category)) " " (exact(*sum)) }
                " = " (exact(totals.bill)) " " (name(&totals.currency)) "."
                @if figures.data.unverified {
                    " This is the sum of the files as found; they may be incomplete."
                }
            }
        } @else {
            p.warning {
                strong { "It does not add up:" }
                " the sum of the parts is not " (money(&totals.currency, totals.bill)) ". Do not post it; report this as a bug."
            }
        }
        @if figures.policy.basis == Basis::NetUnblended {
            p { (INVOICED) " " (exact(totals.unblended)) "." }
        }
        (table.html())
    }
}
