//! Models and kinds of token: what they cost, what a million tokens cost, and what comes from the prompt cache.

use maud::{Markup, html};

use super::chart::{COLOURS, Key, Rows, Size, legend, path, picture};
use super::html::{
    Table, currency_heading, dash, figure, money, name, number, numbers, price, section as html_section, signed, slug,
    text, tokens, words,
};
use super::numbers::first_key;
use crate::bill::usage::kinds::Context;
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::money::decimal::Decimal;
use crate::page::figures::{PageFigures, Pictures};
use crate::reporting::report::Row;
use crate::text::{month, or_none, share};

/// How many models are drawn.
const DRAWN: usize = 8;
/// How many models are listed.
const LISTED: usize = 100;

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    let body = html! {
        @for (found, pictures) in page.each() {
            (currency_heading(figures.currencies.len(), &found.totals.currency))
            (mix(figures, found, pictures))
            (models(found, pictures).html())
            (kinds(found, pictures).html())
        }
    };
    html_section("models", "Models and tokens", &body)
}

/// What a kind of token is called.
fn kind_name(kind: &str) -> String {
    if kind.is_empty() { "no tokens".to_owned() } else { kind.replace('-', " ") }
}

/// The same where long contexts, which have prices of their own, stand in rows of their own.
fn kind_in_context(kind: &str, context: &str) -> String {
    let long = if context == Context::Long.as_str() { ", long context" } else { "" };
    format!("{}{long}", kind_name(kind))
}

fn mix(figures: &Figures, found: &CurrencyFigures, pictures: &Pictures) -> Markup {
    let title = format!("Spend by model and kind of token, {}", month(figures.period));
    let models: Vec<_> = found.models.iter().take(DRAWN).map(first_key).collect();
    // What has no colour of its own shares the last one.
    let place = |kind: &str| {
        let place = pictures.kinds.iter().position(|row| first_key(row) == kind).unwrap_or(COLOURS);
        place.min(COLOURS - 1)
    };
    let parts = |model: &str| {
        let of_model = pictures.mix.iter().filter(|row| row.keys.first().is_some_and(|key| key == model));
        let mut parts: Vec<_> = of_model
            .filter_map(|row| Some((place(row.keys.get(1)?), row.cost)))
            .filter(|(_, cost)| !cost.is_zero())
            .collect();
        parts.sort_by_key(|(place, _)| *place);
        parts
    };
    let drawn = picture(&title, |size| draw(size, found, &models, parts));
    let keys: Vec<_> = pictures
        .kinds
        .iter()
        .enumerate()
        .map(|(place, row)| Key {
            class: format!("s{}", place.min(COLOURS - 1)),
            said: html! { (name(&kind_name(&first_key(row)))) ": " (money(&found.totals.currency, row.cost)) },
        })
        .collect();
    let rest = found.models.len().saturating_sub(DRAWN);
    let below = html! {
        (legend(&keys))
        @if rest > 0 { p.note { "And " (rest) " more models, listed below." } }
        (table(found, pictures).folded("The numbers"))
    };
    figure(&title, &drawn, &below)
}

fn draw(
    size: Size,
    found: &CurrencyFigures,
    models: &[String],
    parts: impl Fn(&str) -> Vec<(usize, Decimal)>,
) -> (Markup, f64) {
    let by_model: Vec<_> = models.iter().map(|model| parts(model)).collect();
    let sum = |parts: &[(usize, Decimal)], is_negative: bool| {
        let parts = parts.iter().filter(|(_, cost)| cost.is_negative() == is_negative);
        parts.fold(Decimal::ZERO, |sum, (_, cost)| sum.checked_add(*cost).unwrap_or(sum))
    };
    let ends = by_model.iter().flat_map(|parts| [sum(parts, false), sum(parts, true)]);
    let rows = Rows::new(size, ends, &found.totals.currency, models.len());
    let mut paths = vec![String::new(); COLOURS];
    for (row, parts) in by_model.iter().enumerate() {
        let (mut above, mut below) = (0.0, 0.0);
        for (place, cost) in parts {
            let from = if cost.is_negative() { &mut below } else { &mut above };
            let to = *from + cost.to_f64();
            if let Some(into) = paths.get_mut(*place) {
                rows.part(row, *from, to, into);
            }
            *from = to;
        }
    }
    let drawn = html! {
        (rows.axes())
        @for (row, model) in models.iter().enumerate() { (rows.name(row, or_none(model))) }
        @for (place, parts) in paths.iter().enumerate() { (path(&format!("s{place}"), parts)) }
    };
    (drawn, rows.height())
}

fn models(found: &CurrencyFigures, pictures: &Pictures) -> Table {
    let currency = or_none(&found.totals.currency);
    let row = |row: &Row| {
        let model = first_key(row);
        let cache = pictures.cache.iter().find(|cache| cache.model == model && cache.currency == found.totals.currency);
        // Of tokens: those that were read from the cache, of all that the prompts had.
        let hits = cache.and_then(|cache| Some(share(cache.read, cache.prompt()?)));
        vec![
            name(&model),
            number(row.cost),
            text(&share(row.cost, found.totals.spend)),
            tokens(row.units.tokens),
            price(row.units.per_million()),
            hits.map_or_else(dash, |hits| text(&hits)),
            cache.and_then(|cache| cache.saving).map_or_else(dash, signed),
        ]
    };
    let mut rows: Vec<_> = found.models.iter().take(LISTED).map(row).collect();
    let more = found.models.len().saturating_sub(LISTED);
    if more > 0 {
        let mut cells = vec![text(&format!("and {more} more"))];
        cells.resize(7, Markup::default());
        rows.push(cells);
    }
    Table {
        id: format!("models-{}", slug(currency)),
        caption: format!("Models, {currency}"),
        columns: vec![
            words("Model"),
            numbers("Spend"),
            numbers("Share"),
            numbers("Tokens"),
            numbers("Per million tokens"),
            numbers("Prompt from cache"),
            numbers("Cache saved (estimate)"),
        ],
        rows,
        foot: None,
    }
}

fn unit_row(names: Vec<Markup>, row: &Row, whole: Decimal) -> Vec<Markup> {
    let mut cells = names;
    cells.extend([
        number(row.cost),
        text(&share(row.cost, whole)),
        tokens(row.units.tokens),
        price(row.units.per_million()),
    ]);
    cells
}

fn kinds(found: &CurrencyFigures, pictures: &Pictures) -> Table {
    let currency = or_none(&found.totals.currency);
    let row = |row: &Row| unit_row(vec![name(&kind_name(&first_key(row)))], row, found.totals.spend);
    Table {
        id: format!("kinds-{}", slug(currency)),
        caption: format!("Kinds of token, {currency}"),
        columns: vec![
            words("Kind"),
            numbers("Spend"),
            numbers("Share"),
            numbers("Tokens"),
            numbers("Per million tokens"),
        ],
        rows: pictures.kinds.iter().map(row).collect(),
        foot: Some(vec![
            text("together"),
            number(found.totals.spend),
            Markup::default(),
            Markup::default(),
            Markup::default(),
        ]),
    }
}

fn table(found: &CurrencyFigures, pictures: &Pictures) -> Table {
    let currency = or_none(&found.totals.currency);
    let row = |row: &Row| {
        let key = |index: usize| row.keys.get(index).map_or("", String::as_str);
        unit_row(vec![name(key(0)), name(&kind_in_context(key(1), key(2)))], row, found.totals.spend)
    };
    Table {
        id: format!("mix-{}", slug(currency)),
        caption: format!("Spend by model and kind of token, {currency}"),
        columns: vec![
            words("Model"),
            words("Kind"),
            numbers("Spend"),
            numbers("Share"),
            numbers("Tokens"),
            numbers("Per million tokens"),
        ],
        rows: pictures.mix.iter().take(LISTED * 3).map(row).collect(),
        foot: None,
    }
}
