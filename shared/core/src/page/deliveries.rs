//! What was delivered, and up to when it speaks.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use super::html::{self, Table, ids, name, section as html_section, signed_money, words};
use crate::page::figures::{Delivery, PageFigures};
use crate::text::instant;

/// How many commits are listed.
const LISTED: usize = 40;

pub(super) fn section(page: &PageFigures) -> String {
    let as_of = page.figures.data.as_of.map_or_else(|| "not known".to_owned(), instant);
    let mut body =
        format!("<p>Data as of <strong>{as_of}</strong>; this page was made on {}.</p>\n", instant(page.figures.now));
    if page.figures.data.unverified {
        body.push_str("<p class=\"warning\"><strong>Unverified.</strong> Nothing says that the bill is complete: check it with AWS's console.</p>\n");
    }
    let table = Table {
        id: "deliveries".to_owned(),
        caption: "Deliveries of the month, the newest first; totals are unblended".to_owned(),
        columns: vec![
            words("Delivered"),
            ids("Export"),
            ids("Delivery"),
            words("Data as of"),
            words("State"),
            words("The bill then"),
            words("Change"),
        ],
        rows: page.deliveries.iter().take(LISTED).map(row).collect(),
        foot: None,
    };
    body.push_str(&table.html());
    if let Some(more) = page.deliveries.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(body, "<p>And {more} more: bedrock-ledger history --ledger DIR.</p>");
    }
    html_section("deliveries", "Deliveries", &body)
}

fn row(delivery: &Delivery) -> Vec<String> {
    let mut states = Vec::new();
    if delivery.is_in_force {
        states.push("in force");
    }
    if delivery.is_rebuild {
        states.push("derived again");
    }
    if delivery.is_unverified {
        states.push("unverified");
    }
    let totals = delivery.moved.iter().flat_map(|moved| &moved.totals);
    let (mut then, mut change) = (Vec::new(), Vec::new());
    for (currency, before, after) in totals {
        then.push(html::money(currency, *after));
        change.push(signed_money(currency, after.checked_sub(*before).unwrap_or_default()));
    }
    let or_dash = |texts: Vec<String>| if texts.is_empty() { "–".to_owned() } else { texts.join("; ") };
    vec![
        instant(delivery.delivered_at),
        name(&delivery.export_id),
        name(&delivery.delivery_id),
        delivery.data_as_of.map_or_else(|| "not known".to_owned(), instant),
        states.join(", "),
        or_dash(then),
        or_dash(change),
    ]
}
