//! The month in one sentence, and what must be known of its data.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use super::html::{escape, money, name, signed_money, text};
use crate::digest::extent::Extent;
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::wording;
use crate::forecast::Outlook;
use crate::money::currencies::largest_first;
use crate::page::figures::PageFigures;
use crate::text::{day, days, instant, month, share, used};

pub(super) fn section(page: &PageFigures) -> String {
    let figures = &page.figures;
    let mut body = String::new();
    if figures.currencies.is_empty() {
        let _ = writeln!(
            body,
            "<p class=\"lead\">The bill has no Amazon Bedrock line items for {}.</p>",
            month(figures.period)
        );
    }
    for found in &figures.currencies {
        let _ = writeln!(body, "<p class=\"lead\">{}</p>", sentence(figures, found));
    }
    for found in &figures.currencies {
        for restated in found.restated.iter().filter(|restated| restated.after_close) {
            let _ = writeln!(
                body,
                "<p class=\"warning\"><strong>Restated after close.</strong> {} by {}.</p>",
                month(restated.period),
                signed_money(&found.totals.currency, restated.amount)
            );
        }
    }
    let _ = writeln!(body, "<p>{}</p>", data_as_of(figures));
    if let Some(open) = &figures.open_month {
        let spends = largest_first(&open.spend).into_iter();
        let spends = spends.map(|(currency, spend)| money(currency, spend)).collect::<Vec<_>>();
        let _ = writeln!(body, "<p>{} is not closed: {}.</p>", month(open.period), spends.join(" and "));
    }
    for warning in wording::warning_texts(figures) {
        let _ = writeln!(body, "<p class=\"warning\"><strong>Warning.</strong> {}</p>", text(&warning));
    }
    format!("<section id=\"month\" aria-label=\"The month in one sentence\">\n{body}</section>\n")
}

fn sentence(figures: &Figures, found: &CurrencyFigures) -> String {
    let totals = &found.totals;
    let (currency, spend) = (totals.currency.as_str(), money(&totals.currency, totals.spend));
    let counted = text(&wording::what_counts(&figures.policy));
    let month = month(figures.period);
    let mut sentence = match figures.extent {
        Extent::ToDate => format!("Amazon Bedrock has cost <strong>{spend}</strong> in {month} so far"),
        Extent::NotClosed => {
            format!("Amazon Bedrock cost <strong>{spend}</strong> in {month}, which AWS has not closed yet")
        }
        Extent::Closed => format!("Amazon Bedrock cost <strong>{spend}</strong> in {month}, which is closed"),
    };
    let _ = write!(sentence, " ({counted})");
    let reached = match found.outlook {
        Outlook::Forecast(forecast) => {
            let last = day(figures.period.last_day());
            let _ = write!(sentence, ", is heading for {} by {last}", money(currency, forecast.expected));
            forecast.expected
        }
        Outlook::TooEarly { .. } => {
            sentence.push_str("; it is too early to say where it is heading");
            totals.spend
        }
        Outlook::Over => totals.spend,
    };
    if let Some(budget) = &found.budget {
        let part = escape(&used(reached, budget.amount));
        let _ = write!(sentence, ", {part} of its budget of {}", money(currency, budget.amount));
    }
    if totals.usage.is_zero() && totals.unattributed().is_zero() {
        return format!("{sentence}.");
    }
    let part = escape(&share(totals.attributed, totals.usage));
    format!("{sentence}; {part} of usage names its caller.")
}

fn data_as_of(figures: &Figures) -> String {
    let as_of = figures.data.as_of.map_or_else(|| "not known".to_owned(), instant);
    let mut said = format!("Data as of <strong>{as_of}</strong>.");
    for found in &figures.currencies {
        let provisional = &found.totals.provisional;
        if let (Some((first, _)), Some((last, _))) = (provisional.first_key_value(), provisional.last_key_value()) {
            let sum = money(&found.totals.currency, found.totals.provisional_spend());
            let _ = write!(
                said,
                " <span class=\"provisional\">{}</span> ({sum}) may still change, as a rule upwards.",
                days(*first, *last)
            );
        }
    }
    if figures.currencies.len() > 1 {
        let names: Vec<_> = figures.currencies.iter().map(|found| name(&found.totals.currency)).collect();
        let _ = write!(said, " Currencies are never added together: {}.", names.join(", "));
    }
    said
}
