//! Models and kinds of token: what they cost, what a million tokens cost, and what comes from the prompt cache.

use super::chart::{COLOURS, Key, Rows, Size, legend, path, picture};
use super::html::{
    Table, currency_heading, figure, name, number, numbers, price, section as html_section, signed, slug, text, tokens,
    words,
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

pub(super) fn section(page: &PageFigures) -> String {
    let figures = &page.figures;
    let mut body = String::new();
    for (found, pictures) in page.each() {
        body.push_str(&currency_heading(figures.currencies.len(), &found.totals.currency));
        body.push_str(&mix(figures, found, pictures));
        body.push_str(&models(found, pictures).html());
        body.push_str(&kinds(found, pictures).html());
    }
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

fn mix(figures: &Figures, found: &CurrencyFigures, pictures: &Pictures) -> String {
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
            said: format!(
                "{}: {}",
                name(&kind_name(&first_key(row))),
                super::html::money(&found.totals.currency, row.cost)
            ),
        })
        .collect();
    let rest = found.models.len().saturating_sub(DRAWN);
    let rest =
        if rest > 0 { format!("<p class=\"note\">And {rest} more models, listed below.</p>\n") } else { String::new() };
    figure(&title, &drawn, &format!("{}{rest}{}", legend(&keys), table(found, pictures).folded("The numbers")))
}

fn draw(
    size: Size,
    found: &CurrencyFigures,
    models: &[String],
    parts: impl Fn(&str) -> Vec<(usize, Decimal)>,
) -> (String, f64) {
    let by_model: Vec<_> = models.iter().map(|model| parts(model)).collect();
    let sum = |parts: &[(usize, Decimal)], is_negative: bool| {
        let parts = parts.iter().filter(|(_, cost)| cost.is_negative() == is_negative);
        parts.fold(Decimal::ZERO, |sum, (_, cost)| sum.checked_add(*cost).unwrap_or(sum))
    };
    let ends = by_model.iter().flat_map(|parts| [sum(parts, false), sum(parts, true)]);
    let rows = Rows::new(size, ends, &found.totals.currency, models.len());
    let mut paths = vec![String::new(); COLOURS];
    let mut drawn = rows.axes();
    for (row, (model, parts)) in models.iter().zip(&by_model).enumerate() {
        let (mut above, mut below) = (0.0, 0.0);
        for (place, cost) in parts {
            let from = if cost.is_negative() { &mut below } else { &mut above };
            let to = *from + cost.to_f64();
            if let Some(into) = paths.get_mut(*place) {
                rows.part(row, *from, to, into);
            }
            *from = to;
        }
        drawn.push_str(&rows.name(row, or_none(model)));
    }
    for (place, parts) in paths.iter().enumerate() {
        drawn.push_str(&path(&format!("s{place}"), parts));
    }
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
            hits.map_or_else(|| "–".to_owned(), |hits| text(&hits)),
            cache.and_then(|cache| cache.saving).map_or_else(|| "–".to_owned(), signed),
        ]
    };
    let mut rows: Vec<_> = found.models.iter().take(LISTED).map(row).collect();
    if let Some(more) = found.models.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let mut cells = vec![format!("and {more} more")];
        cells.resize(7, String::new());
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

fn unit_row(name: Vec<String>, row: &Row, whole: Decimal) -> Vec<String> {
    let mut cells = name;
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
            "together".to_owned(),
            number(found.totals.spend),
            String::new(),
            String::new(),
            String::new(),
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
