//! The month in one sentence, and what must be known of its data.

use maud::{Markup, html};

use super::html::{joined, money, name, signed_money, text};
use crate::digest::extent::Extent;
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::wording;
use crate::forecast::Outlook;
use crate::money::currencies::largest_first;
use crate::page::figures::PageFigures;
use crate::text::lines::capital;
use crate::text::{day, days, month, share, used};

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    html! {
        section id="month" aria-label="The month in one sentence" {
            @if figures.currencies.is_empty() {
                p.lead { (capital(&wording::no_line_items(figures.period))) "." }
            }
            @for found in &figures.currencies { p.lead { (sentence(figures, found)) } }
            @for found in &figures.currencies {
                @for restated in found.restated.iter().filter(|restated| restated.after_close) {
                    p.warning {
                        strong { "Restated after close." }
                        " " (month(restated.period)) " by "
                        (signed_money(&found.totals.currency, restated.amount)) "."
                    }
                }
            }
            p { (data_as_of(figures)) }
            @if let Some(open) = &figures.open_month {
                @let spends = largest_first(&open.spend).into_iter();
                @let spends: Vec<_> = spends.map(|(currency, spend)| money(currency, spend)).collect();
                p { (month(open.period)) " is not closed: " (joined(&spends, " and ")) "." }
            }
            @for warning in wording::warning_texts(figures) {
                p.warning { strong { "Warning." } " " (text(&warning)) }
            }
        }
    }
}

fn sentence(figures: &Figures, found: &CurrencyFigures) -> Markup {
    let totals = &found.totals;
    let currency = totals.currency.as_str();
    let reached = match found.outlook {
        Outlook::Forecast(forecast) => forecast.expected,
        Outlook::TooEarly { .. } | Outlook::Over => totals.spend,
    };
    html! {
        "Amazon Bedrock " (if figures.extent == Extent::ToDate { "has cost" } else { "cost" }) " "
        strong { (money(currency, totals.spend)) } " in " (month(figures.period))
        (match figures.extent {
            Extent::ToDate => " so far",
            Extent::NotClosed => ", which AWS has not closed yet",
            Extent::Closed => ", which is closed",
        })
        " (" (text(&wording::what_counts(&figures.policy))) ")"
        @match found.outlook {
            Outlook::Forecast(forecast) => {
                ", is heading for " (money(currency, forecast.expected)) " by " (day(figures.period.last_day()))
            }
            Outlook::TooEarly { .. } => { "; it is too early to say where it is heading" }
            Outlook::Over => {}
        }
        @if let Some(budget) = &found.budget {
            ", " (used(reached, budget.amount)) " of its budget of " (money(currency, budget.amount))
        }
        @if !(totals.usage.is_zero() && totals.unattributed().is_zero()) {
            "; " (share(totals.attributed, totals.usage)) " of usage names its caller"
        }
        "."
    }
}

fn data_as_of(figures: &Figures) -> Markup {
    html! {
        "Data as of " strong { (wording::as_of(figures.data.as_of)) } "."
        @for found in &figures.currencies {
            @let provisional = &found.totals.provisional;
            @if let (Some((first, _)), Some((last, _))) = (provisional.first_key_value(), provisional.last_key_value()) {
                " " span.provisional { (days(*first, *last)) }
                " (" (money(&found.totals.currency, found.totals.provisional_spend()))
                ") " (wording::MAY_CHANGE) "."
            }
        }
        @if figures.currencies.len() > 1 {
            @let names: Vec<_> = figures.currencies.iter().map(|found| name(&found.totals.currency)).collect();
            " Currencies are never added together: " (joined(&names, ", ")) "."
        }
    }
}
