//! Tables that add up: by caller, by tag, by model; and budgets.

use super::layout::{Cells, heading, row};
use crate::digest::callers::Caller;
use crate::digest::decision;
use crate::digest::extent::Extent;
use crate::digest::figures::{AT_RISK, CurrencyFigures, Figures};
use crate::digest::wording::BUDGETS_NOT_KEPT;
use crate::money::decimal::Decimal;
use crate::reporting::report::Row;
use crate::reporting::variance::windows::Windows;
use crate::text::lines::{inert, signed_number};
use crate::text::{self, NONE, OTHER, WIDTH, clean, day, number, share, used, wrap};

/// How many callers are named.
const CALLERS: usize = 10;
/// How many models are named.
const MODELS: usize = 5;
/// How many mutes are told.
const MUTES: usize = 10;
/// How many budgets are named.
const BUDGETS: usize = 10;

/// Who spent it, and how that changed.
pub(super) fn callers(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let change = |windows: Windows| format!("{}d to {}", windows.length(), day(windows.later.last));
    let change = figures.windows.map_or_else(String::new, change);
    let mut lines = vec![String::new(), heading("Who spent it", &found.totals.currency, "share", &change)];
    let to_row =
        |caller: &Caller| TableRow { name: named(&caller.identity), amount: caller.spend, change: caller.change };
    lines.extend(rows(found, found.callers.iter().map(to_row).collect(), CALLERS));
    let total = found.change.as_ref().map(|change| signed_number(change.total.change())).unwrap_or_default();
    lines.push(row("together", &Cells(&number(found.totals.spend), "", &total)));
    lines
}

/// The spend by each tag.
pub(super) fn showback(found: &CurrencyFigures, top: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (tag, values) in &found.showback {
        let title = format!("Showback by {}", clean(tag));
        lines.extend(table(&title, found, values, top));
    }
    lines
}

/// The spend by model.
pub(super) fn models(found: &CurrencyFigures) -> Vec<String> {
    table("By model", found, &found.models, MODELS)
}

fn table(title: &str, found: &CurrencyFigures, values: &[Row], top: usize) -> Vec<String> {
    let mut lines = vec![String::new(), heading(title, &found.totals.currency, "share", "")];
    let to_row = |value: &Row| TableRow {
        name: value.keys.first().map(|key| named(key)).unwrap_or_default(),
        amount: value.cost,
        change: None,
    };
    lines.extend(rows(found, values.iter().map(to_row).collect(), top));
    lines.push(row("together", &Cells(&number(found.totals.spend), "", "")));
    lines
}

/// What a bill names, as a row's title; what has no name has no title.
fn named(text: &str) -> String {
    if text.is_empty() { String::new() } else { text::name(text, WIDTH) }
}

/// A row before it is written.
struct TableRow {
    name: String,
    amount: Decimal,
    change: Option<Decimal>,
}

/// The first `top` rows that have a name, what is left of those, and what has none. They add up to the spend.
fn rows(found: &CurrencyFigures, rows: Vec<TableRow>, top: usize) -> Vec<String> {
    let (nameless, mut named): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.name.is_empty());
    let rest = named.split_off(top.min(named.len()));
    let more = (!rest.is_empty()).then(|| TableRow {
        name: format!("{OTHER}, {} more", rest.len()),
        amount: sum(rest.iter().map(|row| row.amount)),
        change: rest.first().and_then(|row| row.change).map(|_| sum(rest.iter().filter_map(|row| row.change))),
    });
    let nameless = nameless.into_iter().map(|row| TableRow { name: NONE.to_owned(), ..row });
    let shown = named.into_iter().chain(more).chain(nameless);
    let line = |shown: TableRow| {
        let change = shown.change.map_or_else(String::new, signed_number);
        row(&shown.name, &Cells(&number(shown.amount), &share(shown.amount, found.totals.spend), &change))
    };
    shown.map(line).collect()
}

/// The sum of parts whose whole is known to be in range.
fn sum(amounts: impl Iterator<Item = Decimal>) -> Decimal {
    amounts.fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(sum))
}

/// The budgets that are used up, or nearly.
pub(super) fn budgets(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let currency = &found.totals.currency;
    let at_risk: Vec<_> = figures.budgets.iter().filter(|budget| budget.currency == *currency).collect();
    if at_risk.is_empty() {
        return Vec::new();
    }
    let title = match figures.extent {
        Extent::Closed => BUDGETS_NOT_KEPT.to_owned(),
        Extent::ToDate | Extent::NotClosed => format!("Budgets at risk ({AT_RISK}% used)"),
    };
    let mut lines = vec![String::new(), heading(&title, currency, "used", "of")];
    for budget in at_risk.iter().take(BUDGETS) {
        let rule = inert(&budget.rule, WIDTH);
        let name = match &budget.member {
            Some(member) => format!("{rule}: {}", text::name(member, WIDTH)),
            None => rule,
        };
        let (spent, amount) = (number(budget.spent), number(budget.amount));
        lines.push(row(&name, &Cells(&spent, &used(budget.spent, budget.amount), &amount)));
        if let Some(expected) = decision::heading(budget) {
            let (expected, part) = (number(expected), used(expected, budget.amount));
            lines.push(row(&format!("  by {} probably", day(budget.window.last_day())), &Cells(&expected, &part, "")));
        }
    }
    if let Some(more) = at_risk.len().checked_sub(BUDGETS).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines
}

/// What is not told of for a while, and why.
pub(super) fn mutes(figures: &Figures) -> Vec<String> {
    if figures.mutes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Mutes in force: nobody receives these alerts".to_owned()];
    for mute in figures.mutes.iter().take(MUTES) {
        let member = if mute.member == "*" { String::new() } else { format!(" of {}", inert(&mute.member, 40)) };
        let (rule, reason) = (inert(&mute.rule, 40), inert(&mute.reason, 120));
        lines.extend(wrap("  ", &format!("{rule}{member}, until {}: {reason}", day(mute.until))));
    }
    if let Some(more) = figures.mutes.len().checked_sub(MUTES).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines
}
