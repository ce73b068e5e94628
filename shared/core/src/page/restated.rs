//! What AWS has changed of days that were settled.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use super::html::{Table, money, name, number, numbers, section as html_section, signed, text, words};
use crate::facts::restated::Restated;
use crate::money::decimal::Decimal;
use crate::page::figures::PageFigures;
use crate::text::{day, instant};

/// How many changes are named.
const LISTED: usize = 100;

pub(super) fn section(page: &PageFigures) -> String {
    let with_moves = page.deliveries.iter().filter_map(|delivery| Some((delivery, delivery.moved.as_ref()?)));
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut count, mut after_close) = (0, false);
    for (delivery, moved) in with_moves {
        let mut restated: Vec<_> = moved.restated.iter().collect();
        restated.sort_by_key(|of_day| std::cmp::Reverse(change(of_day).abs()));
        count += restated.len();
        after_close |= moved.is_after_close && !restated.is_empty();
        for of_day in restated.into_iter().take(LISTED.saturating_sub(rows.len())) {
            rows.push(vec![
                format!("{}, {}", day(of_day.day), name(&of_day.identity)),
                text(of_day.category.as_str()),
                number(of_day.before),
                number(of_day.after),
                signed(change(of_day)),
                name(&of_day.currency),
                instant(delivery.delivered_at),
            ]);
        }
    }
    let lost = page.deliveries.iter().filter(|delivery| delivery.moved.is_none()).count();
    let mut body = if count == 0 {
        "<p>No delivery has changed a settled day of the month.</p>\n".to_owned()
    } else {
        let more = count.saturating_sub(rows.len());
        let more = if more > 0 {
            format!("<p>And {more} more: bedrock-ledger history --ledger DIR.</p>\n")
        } else {
            String::new()
        };
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
        format!("{}{more}", table.html())
    };
    if after_close {
        body.push_str("<p class=\"warning\"><strong>After close.</strong> The month had closed before: post the difference.</p>\n");
    }
    if lost > 0 {
        let _ = writeln!(
            body,
            "<p class=\"warning\">What {lost} of the deliveries changed is lost with their history.</p>"
        );
    }
    for found in &page.figures.currencies {
        for restated in &found.restated {
            let _ = writeln!(
                body,
                "<p>Since the last digest, {} has moved by {}{}.</p>",
                crate::text::month(restated.period),
                money(&found.totals.currency, restated.amount),
                if restated.after_close { ", after it had closed: post the difference" } else { "" }
            );
        }
    }
    html_section("restated", "Restatements", &body)
}

fn change(of_day: &Restated) -> Decimal {
    of_day.change().unwrap_or_default()
}
