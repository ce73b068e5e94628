//! Daily spend, stacked by owner.

use maud::{Markup, html};

use super::budget::{provisional_ground, weekly};
use super::chart::{Columns, Key, Scale, Size, bar, legend, path, picture};
use super::html::{
    Table, currency_heading, figure, money, name, number, numbers, section as html_section, slug, text, words,
};
use super::numbers::is_rest;
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::money::decimal::Decimal;
use crate::page::figures::{OwnerDay, PageFigures, Pictures};
use crate::text::{counted, day, month};

/// What all owners without a colour of their own are called.
const REST: &str = "all other owners";

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    let body = html! {
        @for (found, pictures) in page.each() {
            (currency_heading(figures.currencies.len(), &found.totals.currency))
            (stacked(figures, found, pictures))
        }
    };
    html_section("daily", "Daily spend by owner", &body)
}

fn stacked(figures: &Figures, found: &CurrencyFigures, pictures: &Pictures) -> Markup {
    let currency = found.totals.currency.as_str();
    let title = format!("Spend by usage day and owner, {}", month(figures.period));
    let is_shown = |day: &&OwnerDay| figures.period.contains(day.day);
    let shown: Vec<_> = pictures.days.iter().filter(is_shown).collect();
    let drawn = picture(&title, |size| draw(size, figures, currency, &shown));
    let mut keys: Vec<_> = pictures
        .owners
        .iter()
        .enumerate()
        .map(|(place, (owner, spend))| Key {
            class: format!("s{place}"),
            said: html! { (name(owner_name(pictures, place, owner))) ": " (money(currency, *spend)) },
        })
        .collect();
    if shown.iter().any(|day| day.is_provisional) {
        let said = html! { "hatched and pale: days that may still change" };
        keys.push(Key { class: "hatched".to_owned(), said });
    }
    let outside = pictures.days.len().saturating_sub(shown.len());
    let below = html! {
        (legend(&keys))
        @if outside > 0 {
            p { "The bill also has line items of " (counted(outside, "day", "days")) " outside the month. Only the numbers have them." }
        }
        (table(found, pictures).folded("The numbers"))
    };
    figure(&title, &drawn, &below)
}

fn owner_name<'a>(pictures: &Pictures, place: usize, owner: &'a str) -> &'a str {
    if is_rest(&pictures.owners, place) { REST } else { owner }
}

fn draw(size: Size, figures: &Figures, currency: &str, days: &[&OwnerDay]) -> (Markup, f64) {
    let sum = |day: &OwnerDay, is_negative: bool| {
        let parts = day.by_owner.iter().filter(|part| part.is_negative() == is_negative);
        parts.fold(Decimal::ZERO, |sum, part| sum.checked_add(*part).unwrap_or(sum))
    };
    let ends = days.iter().flat_map(|day| [sum(day, false), sum(day, true)]);
    let month: Vec<_> =
        figures.period.first_day().iter_days().take_while(|day| *day <= figures.period.last_day()).collect();
    let plot = Columns::new(size, Scale::of(ends, currency, 4.0), month.len());
    let of_day = |on: &chrono::NaiveDate| days.iter().find(|day| day.day == *on);
    let is_provisional = |on: &chrono::NaiveDate| of_day(on).is_some_and(|day| day.is_provisional);
    let owners = days.first().map_or(0, |day| day.by_owner.len());
    let mut settled = vec![String::new(); owners];
    let mut provisional = settled.clone();
    for (slot, day) in month.iter().enumerate().filter_map(|(slot, on)| Some((slot, of_day(on)?))) {
        let (mut above, mut below) = (0.0, 0.0);
        let paths = if day.is_provisional { &mut provisional } else { &mut settled };
        for (part, path) in day.by_owner.iter().zip(paths).filter(|(part, _)| !part.is_zero()) {
            let from = if part.is_negative() { &mut below } else { &mut above };
            let to = *from + part.to_f64();
            let (y, other) = (plot.y(*from), plot.y(to));
            *from = to;
            let gap = plot.slot_width() * 0.12;
            bar(path, plot.x(slot) + gap, y.min(other), plot.slot_width() - 2.0 * gap, (y - other).abs());
        }
    }
    let drawn = html! {
        (provisional_ground(&plot, month.iter().map(is_provisional)))
        (plot.axes(&weekly(month.iter().copied())))
        @for (place, (settled, provisional)) in settled.iter().zip(&provisional).enumerate() {
            (path(&format!("s{place}"), settled))
            (path(&format!("s{place} pale"), provisional))
        }
    };
    (drawn, plot.height())
}

fn table(found: &CurrencyFigures, pictures: &Pictures) -> Table {
    let currency = &found.totals.currency;
    let mut columns = vec![words("Day"), numbers("All")];
    columns.extend(
        pictures.owners.iter().enumerate().map(|(place, (owner, _))| numbers(owner_name(pictures, place, owner))),
    );
    columns.push(words("State"));
    let row = |of_day: &OwnerDay| {
        let state = if of_day.is_provisional { "may still change" } else { "settled" };
        let mut cells = vec![text(&day(of_day.day)), number(of_day.spend)];
        cells.extend(of_day.by_owner.iter().map(|part| number(*part)));
        cells.push(text(state));
        cells
    };
    let mut foot = vec![text("together"), number(found.totals.spend)];
    foot.extend(pictures.owners.iter().map(|(_, spend)| number(*spend)));
    foot.push(Markup::default());
    Table {
        id: format!("daily-{}", slug(currency)),
        caption: format!("Spend by usage day and owner, {}", crate::text::or_none(currency)),
        columns,
        rows: pictures.days.iter().map(row).collect(),
        foot: Some(foot),
    }
}
