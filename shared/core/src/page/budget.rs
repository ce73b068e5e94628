//! Spend against the budget, and where the forecast takes it.

use maud::{Markup, html};

use super::chart::{Columns, Key, Scale, Size, legend, line, path, picture, word};
use super::html::{
    Table, currency_heading, dash, figure, money, name, number, numbers, section as html_section, slug, text, words,
};
use crate::digest::decision;
use crate::digest::extent::Extent;
use crate::digest::figures::{AT_RISK, CurrencyFigures, Figures};
use crate::digest::wording::BUDGETS_NOT_KEPT;
use crate::forecast::{Forecast, Outlook};
use crate::money::decimal::Decimal;
use crate::page::figures::{PageFigures, Pictures};
use crate::rules::finding::Measurement;
use crate::text::{counted, day, used};

/// How many budgets are named.
const BUDGETS: usize = 50;

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    let body = html! {
        @for (found, pictures) in page.each() {
            @let currency = &found.totals.currency;
            (currency_heading(figures.currencies.len(), currency))
            @if pictures.course.is_empty() {
                p { "No day of the month has spend." }
            } @else {
                (course(figures, found, pictures))
            }
            (budgets(figures, currency))
        }
    };
    html_section("budget", "Spend against budget", &body)
}

fn forecast(found: &CurrencyFigures) -> Option<Forecast> {
    match found.outlook {
        Outlook::Forecast(forecast) => Some(forecast),
        Outlook::TooEarly { .. } | Outlook::Over => None,
    }
}

fn course(figures: &Figures, found: &CurrencyFigures, pictures: &Pictures) -> Markup {
    let currency = found.totals.currency.as_str();
    let title = format!("Cumulative spend, {}", crate::text::month(figures.period));
    let drawn = picture(&title, |size| draw(size, figures, found, pictures));
    let mut keys = vec![Key { class: "settled".to_owned(), said: text("spend so far") }];
    if pictures.course.iter().any(|found| found.is_provisional) {
        keys.push(Key { class: "hatched".to_owned(), said: text("days that may still change") });
    }
    if let Some(forecast) = forecast(found) {
        let said = html! {
            "forecast: " (money(currency, forecast.expected)) " by " (day(figures.period.last_day()))
            "; in four of five cases the month ends between " (money(currency, forecast.low)) " and " (money(currency, forecast.high))
        };
        keys.push(Key { class: "band".to_owned(), said });
    }
    if let Some(budget) = &found.budget {
        let said = html! { "budget " (name(&budget.rule)) ": " (money(currency, budget.amount)) };
        keys.push(Key { class: "limit".to_owned(), said });
    }
    figure(&title, &drawn, &html! { (legend(&keys)) (table(found, pictures, currency)) })
}

fn draw(size: Size, figures: &Figures, found: &CurrencyFigures, pictures: &Pictures) -> (Markup, f64) {
    let (forecast, budget) = (forecast(found), found.budget.as_ref().map(|budget| budget.amount));
    let to_date = pictures.course.iter().map(|course| course.to_date);
    let amounts = to_date.chain(forecast.map(|forecast| forecast.high)).chain(budget);
    let days: Vec<_> =
        figures.period.first_day().iter_days().take_while(|day| *day <= figures.period.last_day()).collect();
    let plot = Columns::new(size, Scale::of(amounts, &found.totals.currency, 4.0), days.len());
    let end_of = |slot: usize| plot.x(slot) + plot.slot_width();
    let points: Vec<_> = pictures
        .course
        .iter()
        .enumerate()
        .map(|(slot, course)| (end_of(slot), plot.y(course.to_date.to_f64()), course.is_provisional))
        .collect();
    let start = (plot.x(0), plot.y(0.0));
    let mut settled = points.iter().filter(|(_, _, is_provisional)| !is_provisional).map(|(x, y, _)| (*x, *y));
    let settled_course = line(std::iter::once(start).chain(settled.clone()));
    let last_settled = settled.next_back().unwrap_or(start);
    let open: Vec<_> = points
        .iter()
        .filter(|(x, _, is_provisional)| *is_provisional && *x > last_settled.0)
        .map(|(x, y, _)| (*x, *y))
        .collect();
    let drawn = html! {
        (provisional_ground(&plot, pictures.course.iter().map(|course| course.is_provisional)))
        (plot.axes(&weekly(days.iter().copied())))
        @if let (Some(forecast), Some((x, y, _))) = (forecast, points.last()) {
            @let end = end_of(days.len().saturating_sub(1));
            @let to = |amount: Decimal| (end, plot.y(amount.to_f64()));
            (path("band", &format!("{}Z", line([(*x, *y), to(forecast.high), to(forecast.low)].into_iter()))))
            (path("expected", &line([(*x, *y), to(forecast.expected)].into_iter())))
        }
        (path("course", &settled_course))
        @if !open.is_empty() { (path("course open", &line(std::iter::once(last_settled).chain(open)))) }
        @if let Some(budget) = budget {
            @let y = plot.y(budget.to_f64());
            (path("limit-line", &line([(plot.left, y), (plot.right, y)].into_iter())))
            (word("start on", plot.left + 4.0, y - 4.0, "budget"))
        }
    };
    (drawn, plot.height())
}

/// What marks days that may still change, behind them.
pub(super) fn provisional_ground(plot: &Columns, days: impl Iterator<Item = bool>) -> Markup {
    let mut ground = String::new();
    for (slot, _) in days.enumerate().filter(|(_, is_provisional)| *is_provisional) {
        super::chart::bar(&mut ground, plot.x(slot), plot.top, plot.slot_width(), plot.bottom - plot.top);
    }
    path("hatched", &ground)
}

/// A word for every seventh day, and the month with the first.
pub(super) fn weekly(days: impl Iterator<Item = chrono::NaiveDate>) -> Vec<(usize, String)> {
    let words = days.enumerate().step_by(7);
    words.map(|(slot, on)| (slot, if slot == 0 { day(on) } else { on.format("%-d").to_string() })).collect()
}

fn table(found: &CurrencyFigures, pictures: &Pictures, currency: &str) -> Markup {
    let mut rows: Vec<_> = pictures
        .course
        .iter()
        .map(|course| {
            let state = if course.is_provisional { "may still change" } else { "settled" };
            vec![text(&day(course.day)), number(course.spend), number(course.to_date), text(state)]
        })
        .collect();
    if let Some(forecast) = forecast(found) {
        let ends = [("expected", forecast.expected), ("low", forecast.low), ("high", forecast.high)];
        let from = format!("from {}", counted(forecast.settled_days, "settled day", "settled days"));
        rows.extend(ends.map(|(end, amount)| {
            vec![text(&format!("forecast, {end}")), Markup::default(), number(amount), text(&from)]
        }));
    }
    let table = Table {
        id: format!("course-{}", slug(currency)),
        caption: format!("Spend by day, {}", crate::text::or_none(currency)),
        columns: vec![words("Day"), numbers("Spend"), numbers("To date"), words("State")],
        rows,
        foot: None,
    };
    table.folded("The numbers")
}

fn budgets(figures: &Figures, currency: &str) -> Markup {
    let measured = figures.budgets_measured.get(currency).copied().unwrap_or_default();
    let is_closed = figures.extent == Extent::Closed;
    let at_risk: Vec<_> = figures.budgets.iter().filter(|budget| budget.currency == currency).collect();
    if at_risk.is_empty() {
        let said = match (measured, is_closed) {
            (0, _) => "No budget is set: add a [[budget]] to the configuration.".to_owned(),
            (1, true) => "The one budget was kept.".to_owned(),
            (count, true) => format!("All {count} budgets were kept."),
            (1, false) => format!("The one budget is below {AT_RISK}% and is not heading beyond its amount."),
            (count, false) => {
                format!("All {count} budgets are below {AT_RISK}%, and none is heading beyond its amount.")
            }
        };
        return html! { p { (said) } };
    }
    let row = |budget: &&Measurement| {
        let title = html! {
            (name(&budget.rule))
            @if let Some(member) = &budget.member { ": " (name(member)) }
        };
        let heading = decision::heading(budget);
        let to = heading.map_or_else(dash, number);
        let reached = heading.unwrap_or(budget.spent);
        vec![
            title,
            text(&budget.window.long()),
            number(budget.spent),
            number(budget.amount),
            text(&used(budget.spent, budget.amount)),
            to,
            text(&used(reached, budget.amount)),
            budget.owner.as_deref().map_or_else(dash, |owner| {
                html! {
                    (name(owner))
                    @if budget.is_owner_of_spend { " (owner of the spend)" }
                }
            }),
        ]
    };
    let table = Table {
        id: format!("budgets-{}", slug(currency)),
        caption: if is_closed {
            BUDGETS_NOT_KEPT.to_owned()
        } else {
            format!("Budgets at risk: {AT_RISK}% used, or heading beyond their amount")
        },
        columns: vec![
            words("Budget"),
            words("Of"),
            numbers("Spent"),
            numbers("Budget"),
            numbers("Used"),
            numbers("Heading for"),
            numbers("That is"),
            words("Ask"),
        ],
        rows: at_risk.iter().take(BUDGETS).map(row).collect(),
        foot: None,
    };
    let more = at_risk.len().saturating_sub(BUDGETS);
    html! {
        p { (at_risk.len()) " of " (measured) " budgets " (if is_closed { "not kept" } else { "at risk" }) "." }
        (table.html())
        @if more > 0 { p { "And " (more) " more." } }
    }
}
