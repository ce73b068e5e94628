//! Why spend changed: the terms of the change, which sum exactly, for all spend and by owner.

use maud::{Markup, html};

use super::chart::{Key, Rows, Size, legend, path, picture};
use super::html::{
    Table, currency_heading, figure, joined, money, name, number, numbers, phrase, section as html_section, signed,
    signed_money, slug, text, words,
};
use crate::digest::figures::{Change, CurrencyFigures, Figures};
use crate::digest::left_out::LeftOut;
use crate::digest::phrase::largest_left_out;
use crate::digest::wording::{NEW_CALLERS, RESTATED_AT_NET_COST, meaning, word};
use crate::facts::spend::{Basis, CostPolicy};
use crate::page::figures::PageFigures;
use crate::reporting::variance::Variance;
use crate::reporting::variance::windows::Windows;
use crate::text::{day, days, or_none};

/// How many owners, and how many new callers are named.
const OWNERS: usize = 30;
const NEW: usize = 30;

/// How rises and falls are drawn.
const RISE: &str = "s0";
const FALL: &str = "s1";

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    let body = html! {
        @for found in &figures.currencies {
            (currency_heading(figures.currencies.len(), &found.totals.currency))
            @if let (Some(windows), Some(change)) = (&figures.windows, &found.change) {
                (explained(figures, found, windows, change))
            } @else {
                p { "Not known yet: there are no earlier days that are settled and known." }
            }
            (new_callers(found))
        }
    };
    html_section("change", "What changed, and why", &body)
}

fn explained(figures: &Figures, found: &CurrencyFigures, windows: &Windows, change: &Change) -> Markup {
    let currency = found.totals.currency.as_str();
    let (later, earlier) =
        (days(windows.later.first, windows.later.last), days(windows.earlier.first, windows.earlier.last));
    let total = &change.total;
    let title = format!("Why spend changed: {later} against {earlier}");
    let keys = [(RISE, "more spend"), (FALL, "less spend")];
    let keys = keys.map(|(class, said)| Key { class: class.to_owned(), said: text(said) });
    let meanings: Vec<_> = total.terms.keys().filter_map(|term| meaning(*term)).collect();
    let below = html! {
        (legend(&keys))
        @if !meanings.is_empty() { ul.note { @for meaning in meanings { li { (meaning) } } } }
        @if figures.policy.basis == Basis::NetUnblended {
            p { (RESTATED_AT_NET_COST) }
        }
        (terms_table(figures, change, currency).folded("The numbers"))
    };
    html! {
        p {
            (later) ": " (money(currency, total.after)) ". " (earlier) ": " (money(currency, total.before)) ". "
            "Change: " (signed_money(currency, total.change())) "."
            @if let Some(left_out) = &found.left_out { " " (said_of(currency, left_out)) }
        }
        @if !total.largest_terms().is_empty() {
            (figure(&title, &picture(&title, |size| draw(size, &figures.policy, currency, total)), &below))
        }
        (owners(figures, windows, change, currency))
    }
}

/// What the change does not tell of: days that may still change, and whose spend on them would change the picture.
fn said_of(currency: &str, left_out: &LeftOut) -> Markup {
    html! {
        "Not compared yet: " (days(left_out.first, left_out.last)) ", " (money(currency, left_out.spend))
        @if let Some(largest) = largest_left_out(currency, left_out) { ", with " (phrase(&largest)) }
        "."
    }
}

fn draw(size: Size, policy: &CostPolicy, currency: &str, total: &Variance) -> (Markup, f64) {
    let terms = total.largest_terms();
    let rows = Rows::new(size, terms.iter().map(|(_, amount)| *amount), currency, terms.len());
    let (mut up, mut down) = (String::new(), String::new());
    for (row, (_, amount)) in terms.iter().enumerate() {
        let into = if amount.is_negative() { &mut down } else { &mut up };
        rows.part(row, 0.0, amount.to_f64(), into);
    }
    let drawn = html! {
        (rows.axes())
        @for (row, (term, amount)) in terms.iter().enumerate() {
            (rows.name(row, word(*term, *amount, policy)))
        }
        (path(RISE, &up))
        (path(FALL, &down))
    };
    (drawn, rows.height())
}

fn terms_table(figures: &Figures, change: &Change, currency: &str) -> Table {
    let terms = change.total.largest_terms().into_iter();
    Table {
        id: format!("terms-{}", slug(currency)),
        caption: format!("Terms of the change, {}", or_none(currency)),
        columns: vec![words("Term"), numbers("Change")],
        rows: terms.map(|(term, amount)| vec![text(word(term, amount, &figures.policy)), signed(amount)]).collect(),
        foot: Some(vec![text("together"), signed(change.total.change())]),
    }
}

fn owners(figures: &Figures, windows: &Windows, change: &Change, currency: &str) -> Markup {
    let (later, earlier) =
        (days(windows.later.first, windows.later.last), days(windows.earlier.first, windows.earlier.last));
    let terms = |variance: &Variance| {
        let terms = variance.largest_terms().into_iter();
        let said: Vec<_> =
            terms.map(|(term, amount)| html! { (word(term, amount, &figures.policy)) " " (signed(amount)) }).collect();
        joined(&said, ", ")
    };
    let row = |title: Markup, variance: &Variance| {
        vec![title, number(variance.before), number(variance.after), signed(variance.change()), terms(variance)]
    };
    let named: Vec<_> = change.owners.iter().filter(|owner| !owner.terms.is_empty()).collect();
    let mut rows: Vec<_> = named.iter().take(OWNERS).map(|owner| row(name(&owner.group), owner)).collect();
    let without_numbers = |said: String| {
        let mut cells = vec![text(&said)];
        cells.resize(5, Markup::default());
        cells
    };
    let unchanged = change.owners.len().saturating_sub(named.len());
    let more = named.len().saturating_sub(OWNERS);
    if more > 0 {
        rows.push(without_numbers(format!("and {more} more")));
    }
    if unchanged > 0 {
        rows.push(without_numbers(format!("{unchanged} without a change")));
    }
    let table = Table {
        id: format!("owners-{}", slug(currency)),
        caption: format!("By owner, {}", or_none(currency)),
        columns: vec![words("Owner"), numbers(&earlier), numbers(&later), numbers("Change"), words("Because of")],
        rows,
        foot: Some(row(text("together"), &change.total)),
    };
    table.html()
}

fn new_callers(found: &CurrencyFigures) -> Markup {
    if found.new_callers.is_empty() {
        return Markup::default();
    }
    let rows = found.new_callers.iter().take(NEW).map(|caller| {
        vec![name(&caller.identity), name(&caller.owner), text(&day(caller.first_day)), number(caller.spend)]
    });
    let more = found.new_callers.len().saturating_sub(NEW);
    let table = Table {
        id: format!("new-{}", slug(&found.totals.currency)),
        caption: format!("{NEW_CALLERS}, {}", or_none(&found.totals.currency)),
        columns: vec![words("Identity"), words("Owner"), words("First day"), numbers("Spend since")],
        rows: rows.collect(),
        foot: None,
    };
    html! {
        (table.html())
        @if more > 0 { p { "And " (more) " more." } }
    }
}
