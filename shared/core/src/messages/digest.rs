//! The mail for finance: six lines that stand alone, then whose spend it is, why it changed, whom to ask, and how it
//! adds up to the bill. Plain text, complete by itself. This file puts the sections in order; the others:
//!
//! - `head`: the first lines and the warnings;
//! - `decide`: what finance is asked to decide;
//! - `tables`: spend by caller, tag and model; budgets; mutes;
//! - `movers`: why spend changed, by owner;
//! - `asked`: new callers, nameless and untagged spend, shared callers, tags to mend;
//! - `bill`: restatements, and the sum of the bill;
//! - `layout`: columns and rows.

use crate::digest::extent::{DigestKind, Extent};
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::wording::ROUNDING;
use crate::text::lines::{body, subject};
use crate::text::{Text, currency, money, share, short_month, wrap};

mod asked;
mod bill;
mod decide;
pub(crate) mod head;
pub(crate) mod layout;
pub(crate) mod movers;
mod tables;

/// How many values of a tag are shown unless a message would be too long.
pub const SHOWBACK_ROWS: usize = 200;

/// What a digest says besides its figures.
#[derive(Clone, Copy, Debug)]
pub struct TextOptions<'a> {
    /// Where more is to be found: the month is put behind it.
    pub link_base: Option<&'a str>,
    /// How many values of a tag are shown; what is left of the others is one row.
    pub showback_rows: usize,
}

/// The message.
pub fn text(figures: &Figures, options: &TextOptions<'_>) -> Text {
    let mut lines = Vec::new();
    if figures.currencies.is_empty() {
        lines.extend(head::nothing(figures));
    }
    for (index, found) in figures.currencies.iter().enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        lines.extend(head::lines(figures, found));
    }
    lines.extend(head::data_as_of(figures));
    lines.extend(head::warnings(figures));
    lines.extend(decide::lines(figures));
    for found in &figures.currencies {
        if figures.currencies.len() > 1 {
            lines.extend([String::new(), format!("=== {} ===", currency(&found.totals.currency))]);
        }
        lines.extend(sections(figures, found, options));
    }
    lines.extend(tables::mutes(figures));
    lines.extend(asked::shared(figures));
    lines.extend(asked::people(figures));
    lines.extend(asked::tags(figures));
    lines.extend(closing(figures, options));
    Text { subject: subject_of(figures), body: body(&lines) }
}

fn sections(figures: &Figures, found: &CurrencyFigures, options: &TextOptions<'_>) -> Vec<String> {
    let mut lines = tables::callers(figures, found);
    lines.extend(tables::showback(found, options.showback_rows));
    lines.extend(tables::models(found));
    lines.extend(movers::lines(figures, found));
    lines.extend(asked::new_callers(found));
    lines.extend(tables::budgets(figures, found));
    lines.extend(asked::nameless(found));
    lines.extend(asked::untagged(found));
    lines.extend(bill::restated(found));
    lines.extend(bill::on_the_bill(figures, found));
    lines
}

fn closing(figures: &Figures, options: &TextOptions<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if !figures.currencies.is_empty() {
        lines.extend([String::new(), ROUNDING.to_owned()]);
    }
    lines.extend(files(figures));
    if let Some(base) = options.link_base {
        // A link stands alone on its line: a broken one is no link.
        lines.extend([String::new(), "More:".to_owned(), format!("{}/{}", base.trim_end_matches('/'), figures.period)]);
    }
    lines
}

/// Where the month's files are. Names of sessions and values of tags are anybody's: in these files alone no cell is a
/// formula, so that finance is never sent to another table.
pub(crate) fn files(figures: &Figures) -> Vec<String> {
    let what = match (figures.kind, figures.extent) {
        (DigestKind::Weekly, _) | (_, Extent::ToDate) if figures.currencies.is_empty() => return Vec::new(),
        (DigestKind::Weekly, _) | (_, Extent::ToDate) => "All rows as files",
        (_, Extent::NotClosed) => "Preliminary files",
        (_, Extent::Closed) => "Files to post",
    };
    let period = figures.period;
    let mut lines = vec![String::new()];
    lines.extend(wrap(
        "",
        &format!(
            "{what} (showback, chargeback, unit costs, tiers, cache): exact, and safe to open in a spreadsheet. On AWS they \
             are in the ledger's bucket, chargeback/period={period}/; about.json there says what they rest on. From a \
             ledger on disk:"
        ),
    ));
    lines.push(format!("  bedrock-ledger chargeback --ledger DIR --period {period} --out DIR"));
    lines
}

fn subject_of(figures: &Figures) -> String {
    let extent = match (figures.kind, figures.extent) {
        (DigestKind::Preliminary, Extent::NotClosed) => "preliminary, not closed",
        (_, Extent::ToDate) => "month to date",
        (_, Extent::NotClosed) => "not closed yet",
        (_, Extent::Closed) => "closed",
    };
    let end = format!("Amazon Bedrock, {} {extent}", short_month(figures.period));
    let restated: Vec<_> = figures.currencies.iter().flat_map(head::restated_months).collect();
    // What was posted is wrong: that is said first, and leaves no room for shares.
    let start = match restated.as_slice() {
        [] => String::new(),
        months => format!("Restated after close: {}; ", head::several(months)),
    };
    match figures.currencies.as_slice() {
        [] => subject(&format!("No line items: {end}")),
        [CurrencyFigures { totals, .. }] => {
            let attributed = match share(totals.attributed, totals.usage).as_str() {
                "-" => String::new(),
                _ if !start.is_empty() => String::new(),
                part => format!(", {part} attributed"),
            };
            subject(&format!("{start}{}: {end}{attributed}", money(&totals.currency, totals.spend)))
        }
        several => {
            let spends: Vec<_> =
                several.iter().map(|found| money(&found.totals.currency, found.totals.spend)).collect();
            subject(&format!("{start}{}: {end}", spends.join(" and ")))
        }
    }
}

#[cfg(test)]
mod tests;
