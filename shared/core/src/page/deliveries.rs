//! The deliveries of the month, and up to when each speaks.

use maud::{Markup, html};

use super::html::{Table, dash, ids, joined, money, name, section as html_section, signed_money, text, words};
use crate::digest::wording::as_of;
use crate::page::figures::{Delivery, PageFigures};
use crate::text::instant;

/// How many commits are listed.
const LISTED: usize = 40;

pub(super) fn section(page: &PageFigures) -> Markup {
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
    let more = page.deliveries.len().saturating_sub(LISTED);
    let body = html! {
        p {
            "Data as of " strong { (as_of(page.figures.data.as_of)) } "; this page was made on "
            (instant(page.figures.now)) "."
        }
        @if page.figures.data.unverified {
            p.warning {
                strong { "Unverified." }
                " The bill may be incomplete: compare it with AWS's console."
            }
        }
        (table.html())
        @if more > 0 { p { "And " (more) " more: bedrock-ledger history --ledger DIR." } }
    };
    html_section("deliveries", "Deliveries", &body)
}

fn row(delivery: &Delivery) -> Vec<Markup> {
    let mut states = Vec::new();
    if delivery.is_in_force {
        states.push("in force");
    }
    if delivery.is_rebuild {
        states.push("rebuilt");
    }
    if delivery.is_unverified {
        states.push("unverified");
    }
    let totals = delivery.moved.iter().flat_map(|moved| &moved.totals);
    let (mut then, mut change) = (Vec::new(), Vec::new());
    for (currency, before, after) in totals {
        then.push(money(currency, *after));
        change.push(signed_money(currency, after.checked_sub(*before).unwrap_or_default()));
    }
    let or_dash = |amounts: &[Markup]| if amounts.is_empty() { dash() } else { joined(amounts, "; ") };
    vec![
        text(&instant(delivery.delivered_at)),
        name(&delivery.export_id),
        name(&delivery.delivery_id),
        text(&as_of(delivery.data_as_of)),
        text(&states.join(", ")),
        or_dash(&then),
        or_dash(&change),
    ]
}
