//! The callers with the most spend, and their spend by day.

use maud::{Markup, html};

use super::chart::{count, line, path};
use super::html::{
    Table, currency_heading, dash, figure, name, number, numbers, section as html_section, signed, slug, text, words,
};
use crate::digest::callers::Caller;
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::money::decimal::Decimal;
use crate::page::figures::{PageFigures, Pictures, Trend};
use crate::reporting::variance::windows::Windows;
use crate::text::{day, days, or_none, share};

/// How many callers are listed; those beyond are one row.
const LISTED: usize = 400;
/// How many columns the roles of a person may take.
const ROLES: usize = 120;
/// The size of a trend.
const WIDTH: f64 = 112.0;
const HEIGHT: f64 = 28.0;

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    let body = html! {
        @for (found, pictures) in page.each() {
            (currency_heading(figures.currencies.len(), &found.totals.currency))
            (top(figures, found, pictures))
            (all(figures, found).folded(&format!("All {} callers", found.callers.len())))
        }
    };
    html_section("identities", "Top identities", &body)
}

/// What the column of changes is called: by its days.
fn change_of(figures: &Figures) -> String {
    let of = |windows: Windows| format!("Change, {}", days(windows.later.first, windows.later.last));
    figures.windows.map_or_else(|| "Change".to_owned(), of)
}

fn top(figures: &Figures, found: &CurrencyFigures, pictures: &Pictures) -> Markup {
    let (Some(first), Some(last)) = (pictures.trend_days.first(), pictures.trend_days.last()) else {
        return html! { p { "No caller has spent anything." } };
    };
    let currency = or_none(&found.totals.currency);
    let caller_of = |trend: &Trend| found.callers.iter().find(|caller| caller.identity == trend.identity);
    let row = |trend: &Trend| {
        let caller = caller_of(trend);
        let spend = caller.map(|caller| caller.spend).unwrap_or_default();
        let (peak, peak_day) = peak(trend, pictures);
        vec![
            name(&trend.identity),
            sparkline(trend, pictures),
            number(peak),
            text(&peak_day),
            number(spend),
            text(&share(spend, found.totals.spend)),
            caller.and_then(|caller| caller.change).map_or_else(dash, signed),
        ]
    };
    let span = days(first.day, last.day);
    let table = Table {
        id: format!("top-{}", slug(currency)),
        caption: format!("The month's spend and the days {span}, {currency}"),
        columns: vec![
            words("Identity"),
            words("Trend"),
            numbers("Highest day"),
            words("On"),
            numbers("Spend"),
            numbers("Share"),
            numbers(&change_of(figures)),
        ],
        rows: pictures.trends.iter().map(row).collect(),
        foot: None,
    };
    let with_roles = with_roles(table, found, pictures.trends.iter().map(caller_of));
    let title = format!("The callers with the most spend, by day, {span}");
    let below = html! {
        p.note { "Each line goes from zero to the caller's own highest day. Dotted days may still change." }
        (by_day(found, pictures).folded("The numbers of the lines"))
    };
    figure(&title, &with_roles.html(), &below)
}

/// Adds the roles that people came through behind the other cells, where anybody is a person: one cell for each row.
fn with_roles<'a>(table: Table, found: &CurrencyFigures, callers: impl Iterator<Item = Option<&'a Caller>>) -> Table {
    let Table { mut columns, mut rows, mut foot, .. } = table;
    if found.callers.iter().any(|caller| !caller.roles.is_empty()) {
        columns.push(words("Through roles"));
        let roles = callers.map(|caller| caller.filter(|caller| !caller.roles.is_empty()));
        let cells = roles.map(|caller| caller.map_or_else(Markup::default, |caller| text(&caller.roles.within(ROLES))));
        for (row, cell) in rows.iter_mut().zip(cells.chain(std::iter::repeat(Markup::default()))) {
            row.push(cell);
        }
        if let Some(foot) = &mut foot {
            foot.push(Markup::default());
        }
    }
    Table { columns, rows, foot, ..table }
}

fn peak(trend: &Trend, pictures: &Pictures) -> (Decimal, String) {
    let days = trend.days.iter().zip(&pictures.trend_days);
    let peak = days.max_by_key(|(spend, on)| (**spend, on.day));
    peak.map_or_else(|| (Decimal::ZERO, String::new()), |(spend, on)| (*spend, day(on.day)))
}

/// A line of a caller's days; beside it stand the numbers.
fn sparkline(trend: &Trend, pictures: &Pictures) -> Markup {
    let highest = trend.days.iter().map(|spend| spend.to_f64()).fold(0.0, f64::max);
    let lowest = trend.days.iter().map(|spend| spend.to_f64()).fold(0.0, f64::min);
    let range = if highest - lowest > 0.0 { highest - lowest } else { 1.0 };
    let step = (WIDTH - 6.0) / count(trend.days.len().saturating_sub(1).max(1));
    let points: Vec<_> = trend
        .days
        .iter()
        .zip(&pictures.trend_days)
        .enumerate()
        .map(|(index, (spend, on))| {
            let y = HEIGHT - 3.0 - (spend.to_f64() - lowest) / range * (HEIGHT - 6.0);
            (3.0 + count(index) * step, y, on.is_provisional)
        })
        .collect();
    let settled = points.iter().filter(|(_, _, is_provisional)| !is_provisional).map(|(x, y, _)| (*x, *y));
    let open = points.iter().filter(|(_, _, is_provisional)| *is_provisional).map(|(x, y, _)| (*x, *y));
    let open = settled.clone().next_back().into_iter().chain(open);
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } aria-hidden="true" {
            (path("course", &line(settled)))
            (path("course open", &line(open)))
        }
    }
}

fn by_day(found: &CurrencyFigures, pictures: &Pictures) -> Table {
    let currency = or_none(&found.totals.currency);
    let mut columns = vec![words("Day")];
    columns.extend(pictures.trends.iter().map(|trend| numbers(&trend.identity)));
    columns.push(words("State"));
    let row = |(index, on): (usize, &crate::page::figures::TrendDay)| {
        let mut cells = vec![text(&day(on.day))];
        cells.extend(pictures.trends.iter().map(|trend| number(trend.days.get(index).copied().unwrap_or_default())));
        cells.push(text(if on.is_provisional { "may still change" } else { "settled" }));
        cells
    };
    Table {
        id: format!("trends-{}", slug(currency)),
        caption: format!("Spend by day and identity, {currency}"),
        columns,
        rows: pictures.trend_days.iter().enumerate().map(row).collect(),
        foot: None,
    }
}

fn all(figures: &Figures, found: &CurrencyFigures) -> Table {
    let currency = or_none(&found.totals.currency);
    let against = |windows: Windows| {
        let (earlier, later) = (windows.earlier, windows.later);
        let (earlier, later) = (days(earlier.first, earlier.last), days(later.first, later.last));
        format!("; the change is that of {later} against {earlier}")
    };
    let against = figures.windows.map_or_else(String::new, against);
    let of = |caller: &Caller| {
        vec![
            name(&caller.identity),
            number(caller.spend),
            text(&share(caller.spend, found.totals.spend)),
            caller.change.map_or_else(dash, signed),
        ]
    };
    let mut rows: Vec<_> = found.callers.iter().take(LISTED).map(of).collect();
    let rest = found.callers.get(LISTED..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = |amounts: &mut dyn Iterator<Item = Decimal>| {
            amounts.fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(sum))
        };
        let spend = sum(&mut rest.iter().map(|caller| caller.spend));
        let changes = sum(&mut rest.iter().filter_map(|caller| caller.change));
        let change = if figures.windows.is_some() { signed(changes) } else { dash() };
        let part = text(&share(spend, found.totals.spend));
        rows.push(vec![text(&format!("{} more", rest.len())), number(spend), part, change]);
    }
    let total = found.change.as_ref().map_or_else(dash, |change| signed(change.total.change()));
    let table = Table {
        id: format!("callers-{}", slug(currency)),
        caption: format!("Spend by identity, {currency}{against}"),
        columns: vec![words("Identity"), numbers("Spend"), numbers("Share"), numbers(&change_of(figures))],
        rows,
        foot: Some(vec![text("together"), number(found.totals.spend), Markup::default(), total]),
    };
    with_roles(table, found, found.callers.iter().take(LISTED).map(Some))
}
