//! What changed and why: the terms of the change, which sum exactly, of all and of each owner.

use super::chart::{Key, Rows, Size, legend, path, picture};
use super::html::{
    Table, currency_heading, figure, name, number, numbers, section as html_section, signed, signed_money, slug, text,
    words,
};
use crate::digest::figures::{Change, CurrencyFigures, Figures};
use crate::digest::left_out::LeftOut;
use crate::digest::wording::{meaning, word};
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

pub(super) fn section(page: &PageFigures) -> String {
    let figures = &page.figures;
    let mut body = String::new();
    for found in &figures.currencies {
        body.push_str(&currency_heading(figures.currencies.len(), &found.totals.currency));
        match (&figures.windows, &found.change) {
            (Some(windows), Some(change)) => body.push_str(&explained(figures, found, windows, change)),
            _ => body.push_str("<p>Not known yet: there are no earlier days that are settled and known.</p>\n"),
        }
        body.push_str(&new_callers(found));
    }
    html_section("change", "What changed, and why", &body)
}

fn explained(figures: &Figures, found: &CurrencyFigures, windows: &Windows, change: &Change) -> String {
    let currency = found.totals.currency.as_str();
    let (later, earlier) =
        (days(windows.later.first, windows.later.last), days(windows.earlier.first, windows.earlier.last));
    let total = &change.total;
    let left_out = found.left_out.as_ref().map_or_else(String::new, |left_out| said_of(currency, left_out));
    let lead = format!(
        "<p>{later} against {earlier}: {} after {}, that is {}.{left_out}</p>\n",
        super::html::money(currency, total.after),
        super::html::money(currency, total.before),
        signed_money(currency, total.change())
    );
    let title = format!("Why spend changed: {later} against {earlier}");
    let terms = total.largest_terms();
    let table = terms_table(figures, change, currency);
    let said = total.terms.keys().filter_map(|term| meaning(*term)).map(|text| format!("<li>{text}</li>\n"));
    let said = said.collect::<Vec<_>>().concat();
    let meanings = if said.is_empty() { String::new() } else { format!("<ul class=\"note\">\n{said}</ul>\n") };
    let basis = match figures.policy.basis {
        Basis::Unblended => "",
        Basis::NetUnblended => "<p>What was restated since the last digest is not told apart at net cost.</p>\n",
    };
    if terms.is_empty() {
        return format!("{lead}{}", owners(figures, windows, change, currency));
    }
    let keys = [(RISE, "more spend"), (FALL, "less spend")];
    let keys = keys.map(|(class, said)| Key { class: class.to_owned(), said: said.to_owned() });
    let drawn = picture(&title, |size| draw(size, &figures.policy, currency, total));
    let picture = figure(&title, &drawn, &format!("{}{meanings}{basis}{}", legend(&keys), table.folded("The numbers")));
    format!("{lead}{picture}{}", owners(figures, windows, change, currency))
}

/// What the change does not tell of: days that may still change, and whose spend on them would change the picture.
fn said_of(currency: &str, left_out: &LeftOut) -> String {
    let span = days(left_out.first, left_out.last);
    let start = format!(" Left out: {span}, {}", super::html::money(currency, left_out.spend));
    let Some(largest) = left_out.callers.first() else { return format!("{start}.") };
    let who = if largest.identity.is_empty() { "what names no caller".to_owned() } else { name(&largest.identity) };
    let before = if largest.compared.is_zero() {
        "nothing on the days compared".to_owned()
    } else {
        format!("at most {} on a day compared", super::html::money(currency, largest.compared))
    };
    let spend = super::html::money(currency, largest.spend);
    format!("{start}, with {spend} of {who} on {} ({before}).", day(largest.day))
}

fn draw(size: Size, policy: &CostPolicy, currency: &str, total: &Variance) -> (String, f64) {
    let terms = total.largest_terms();
    let rows = Rows::new(size, terms.iter().map(|(_, amount)| *amount), currency, terms.len());
    let (mut up, mut down) = (String::new(), String::new());
    let mut drawn = rows.axes();
    for (row, (term, amount)) in terms.iter().enumerate() {
        let into = if amount.is_negative() { &mut down } else { &mut up };
        rows.part(row, 0.0, amount.to_f64(), into);
        drawn.push_str(&rows.name(row, word(*term, *amount, policy)));
    }
    drawn.push_str(&path(RISE, &up));
    drawn.push_str(&path(FALL, &down));
    (drawn, rows.height())
}

fn terms_table(figures: &Figures, change: &Change, currency: &str) -> Table {
    let terms = change.total.largest_terms().into_iter();
    Table {
        id: format!("terms-{}", slug(currency)),
        caption: format!("Terms of the change, {}", or_none(currency)),
        columns: vec![words("Term"), numbers("Change")],
        rows: terms
            .map(|(term, amount)| vec![word(term, amount, &figures.policy).to_owned(), signed(amount)])
            .collect(),
        foot: Some(vec!["together".to_owned(), signed(change.total.change())]),
    }
}

fn owners(figures: &Figures, windows: &Windows, change: &Change, currency: &str) -> String {
    let (later, earlier) =
        (days(windows.later.first, windows.later.last), days(windows.earlier.first, windows.earlier.last));
    let terms = |variance: &Variance| {
        let terms = variance.largest_terms().into_iter();
        let said: Vec<_> =
            terms.map(|(term, amount)| format!("{} {}", word(term, amount, &figures.policy), signed(amount))).collect();
        said.join(", ")
    };
    let row = |title: String, variance: &Variance| {
        vec![title, number(variance.before), number(variance.after), signed(variance.change()), terms(variance)]
    };
    let named: Vec<_> = change.owners.iter().filter(|owner| !owner.terms.is_empty()).collect();
    let mut rows: Vec<_> = named.iter().take(OWNERS).map(|owner| row(name(&owner.group), owner)).collect();
    let unchanged = change.owners.len().saturating_sub(named.len());
    if let Some(more) = named.len().checked_sub(OWNERS).filter(|more| *more > 0) {
        rows.push(vec![format!("and {more} more"), String::new(), String::new(), String::new(), String::new()]);
    }
    if unchanged > 0 {
        let said = format!("{unchanged} without a change");
        rows.push(vec![said, String::new(), String::new(), String::new(), String::new()]);
    }
    let table = Table {
        id: format!("owners-{}", slug(currency)),
        caption: format!("By owner, {}", or_none(currency)),
        columns: vec![words("Owner"), numbers(&earlier), numbers(&later), numbers("Change"), words("Because of")],
        rows,
        foot: Some(row("together".to_owned(), &change.total)),
    };
    table.html()
}

fn new_callers(found: &CurrencyFigures) -> String {
    if found.new_callers.is_empty() {
        return String::new();
    }
    let rows = found.new_callers.iter().take(NEW).map(|caller| {
        vec![name(&caller.identity), name(&caller.owner), text(&day(caller.first_day)), number(caller.spend)]
    });
    let more = found.new_callers.len().saturating_sub(NEW);
    let more = if more > 0 { format!("<p>And {more} more.</p>\n") } else { String::new() };
    let table = Table {
        id: format!("new-{}", slug(&found.totals.currency)),
        caption: format!("New callers, {}", or_none(&found.totals.currency)),
        columns: vec![words("Identity"), words("Owner"), words("First day"), numbers("Spend since")],
        rows: rows.collect(),
        foot: None,
    };
    format!("{}{more}", table.html())
}
