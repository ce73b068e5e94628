//! How spend and all else add up to the bill.

use super::html::{Table, currency_heading, exact, money, name, number, numbers, section as html_section, slug, words};
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::wording::plural;
use crate::facts::spend::Basis;
use crate::page::figures::PageFigures;
use crate::text::or_none;

pub(super) fn section(page: &PageFigures) -> String {
    let figures = &page.figures;
    let mut body = String::new();
    for found in &figures.currencies {
        body.push_str(&currency_heading(figures.currencies.len(), &found.totals.currency));
        body.push_str(&reconciled(figures, found));
    }
    if figures.currencies.is_empty() {
        body.push_str("<p>There is nothing on the bill.</p>\n");
    }
    let title = if figures.data.unverified { "It adds up to the files as found" } else { "It adds up to the bill" };
    html_section("bill", title, &body)
}

fn reconciled(figures: &Figures, found: &CurrencyFigures) -> String {
    let totals = &found.totals;
    let currency = or_none(&totals.currency);
    let is_spend = |category| figures.policy.count.contains(category);
    let shown = totals.categories.iter().filter(|(category, sum)| !sum.is_zero() || is_spend(category));
    let rows = shown.map(|(category, sum)| {
        let kind = if is_spend(category) { "spend" } else { "not spend" };
        vec![plural(*category).to_owned(), kind.to_owned(), number(*sum), exact(*sum)]
    });
    let table = Table {
        id: format!("bill-{}", slug(currency)),
        caption: format!("Amazon Bedrock on the bill, {currency}"),
        columns: vec![words("Kind of money"), words("Counts as"), numbers("Amount"), numbers("Exact")],
        rows: rows.collect(),
        foot: Some(vec!["together".to_owned(), String::new(), number(totals.bill), exact(totals.bill)]),
    };
    let others = totals.categories.iter().filter(|(category, sum)| !is_spend(category) && !sum.is_zero());
    let others: Vec<_> = others.map(|(category, sum)| format!(" + {} {}", plural(*category), exact(*sum))).collect();
    let others = others.concat();
    let verdict = if totals.reconciled(&figures.policy) == Ok(totals.bill) {
        let extent = if figures.data.unverified {
            " This is the sum of the files as they were found: nothing says that they are all of the bill."
        } else {
            ""
        };
        format!(
            "<p>Exactly: spend {}{others} = {} {}.{extent}</p>\n",
            exact(totals.spend),
            exact(totals.bill),
            name(&totals.currency)
        )
    } else {
        format!(
            "<p class=\"warning\"><strong>It does not add up:</strong> the parts are not {}. Do not post this; please \
             report it.</p>\n",
            money(&totals.currency, totals.bill)
        )
    };
    let net = match figures.policy.basis {
        Basis::Unblended => String::new(),
        Basis::NetUnblended => format!(
            "<p>At net cost, after discounts. Invoiced is the unblended cost: {}.</p>\n",
            exact(totals.unblended)
        ),
    };
    format!("{verdict}{net}{}", table.html())
}
