//! Settled days that later deliveries changed.

use maud::{Markup, html};

use super::html::{Table, money, name, number, numbers, section as html_section, signed, text, words};
use crate::facts::restated::Restated;
use crate::money::decimal::Decimal;
use crate::page::figures::PageFigures;
use crate::text::{day, instant, month};

/// How many changes are named.
const LISTED: usize = 100;

pub(super) fn section(page: &PageFigures) -> Markup {
    let with_moves = page.deliveries.iter().filter_map(|delivery| Some((delivery, delivery.moved.as_ref()?)));
    let mut rows: Vec<Vec<Markup>> = Vec::new();
    let (mut count, mut after_close) = (0, false);
    for (delivery, moved) in with_moves {
        let mut restated: Vec<_> = moved.restated.iter().collect();
        restated.sort_by_key(|of_day| std::cmp::Reverse(change(of_day).abs()));
        count += restated.len();
        after_close |= moved.is_after_close && !restated.is_empty();
        for of_day in restated.into_iter().take(LISTED.saturating_sub(rows.len())) {
            rows.push(vec![
                html! { (day(of_day.day)) ", " (name(&of_day.identity)) },
                text(of_day.category.as_str()),
                number(of_day.before),
                number(of_day.after),
                signed(change(of_day)),
                name(&of_day.currency),
                text(&instant(delivery.delivered_at)),
            ]);
        }
    }
    let lost = page.deliveries.iter().filter(|delivery| delivery.moved.is_none()).count();
    let more = count.saturating_sub(rows.len());
    let table = Table {
        id: "restated".to_owned(),
        caption: "What deliveries changed of settled days, in unblended cost".to_owned(),
        columns: vec![
            words("Day and caller"),
            words("Of"),
            numbers("Before"),
            numbers("After"),
            numbers("Change"),
            words("Currency"),
            words("Delivered"),
        ],
        rows,
        foot: None,
    };
    let body = html! {
        @if count == 0 { p { "No delivery has changed a settled day of the month." } } @else { (table.html()) }
        @if more > 0 { p { "And " (more) " more: bedrock-ledger history --ledger DIR." } }
        @if after_close {
            p.warning { strong { "After close." } " The month had closed before: post the difference." }
        }
        @if lost > 0 {
            p.warning { "The history of " (lost) (if lost == 1 { " delivery" } else { " deliveries" }) " is lost: what changed there is not known." }
        }
        @for found in &page.figures.currencies {
            @for restated in &found.restated {
                p {
                    "Since the last digest, " (month(restated.period)) " has moved by "
                    (money(&found.totals.currency, restated.amount))
                    @if restated.after_close { ", after it had closed: post the difference" }
                    "."
                }
            }
        }
    };
    html_section("restated", "Restatements", &body)
}

fn change(of_day: &Restated) -> Decimal {
    of_day.change().unwrap_or_default()
}
