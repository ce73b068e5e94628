//! Pieces of HTML that several sections use. [`maud`] escapes every text that it is given; what comes from a bill or a
//! configuration is cleaned as well, and enters through [`text()`] and [`name`] alone.

use maud::{Markup, html};

use crate::digest::phrase::{Phrase, Piece};
use crate::money::decimal::Decimal;
use crate::text::{self, clean, columns, columns_of, grouped, or_none, without_links};

/// How many columns of a name are shown: its beginning and its end, where accounts stand.
const NAME: usize = 80;
const NAME_END: usize = 28;

/// Any text as it may be shown.
pub(super) fn text(text: &str) -> Markup {
    html! { (without_links(&clean(text))) }
}

/// A name as it may be shown: what is too long loses its middle.
pub(super) fn name(name: &str) -> Markup {
    html! { (fitted(name, NAME)) }
}

/// A name in at most so many columns.
pub(super) fn fitted(name: &str, limit: usize) -> String {
    let name = without_links(&clean(or_none(name))).into_owned();
    if columns(&name) <= limit {
        return name;
    }
    let end = NAME_END.min(limit / 3);
    let mut tail_width = 0;
    let tail: Vec<char> = name
        .chars()
        .rev()
        .take_while(|character| {
            tail_width += columns(character.encode_utf8(&mut [0; 4]));
            tail_width <= end
        })
        .collect();
    let mut head_width = 0;
    let head = name.chars().take_while(|character| {
        head_width += columns(character.encode_utf8(&mut [0; 4]));
        head_width + end < limit
    });
    let head: String = head.collect();
    format!("{head}…{}", tail.into_iter().rev().collect::<String>())
}

/// Several pieces, with `separator` between them.
pub(super) fn joined(parts: &[Markup], separator: &str) -> Markup {
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index > 0 { (separator) }
            (part)
        }
    }
}

/// What stands where there is no number.
pub(super) fn dash() -> Markup {
    html! { "–" }
}

/// A number for people, which carries the exact decimal for programs.
fn data(exact: Decimal, shown: &str) -> Markup {
    html! { data value=(exact) { (shown) } }
}

/// An amount whose currency stands elsewhere.
pub(super) fn number(amount: Decimal) -> Markup {
    data(amount, &text::number(amount))
}

pub(super) fn money(currency: &str, amount: Decimal) -> Markup {
    data(amount, &text::money(currency, amount))
}

/// By how much something changed.
pub(super) fn signed(amount: Decimal) -> Markup {
    data(amount, &format!("{}{}", plus(amount), text::number(amount)))
}

/// The same with its currency.
pub(super) fn signed_money(currency: &str, amount: Decimal) -> Markup {
    data(amount, &format!("{}{}", plus(amount), text::money(currency, amount)))
}

fn plus(amount: Decimal) -> &'static str {
    if amount > Decimal::ZERO { "+" } else { "" }
}

/// A sentence that the mail has too.
pub(super) fn phrase(phrase: &Phrase<'_>) -> Markup {
    html! {
        @for piece in &phrase.0 {
            @match piece {
                Piece::Words(words) => { (words) }
                Piece::Name(of) => { (name(of)) }
                Piece::Money(currency, amount) => { (money(currency, *amount)) }
                Piece::Number(amount) => { (number(*amount)) }
            }
        }
    }
}

/// A count of tokens.
pub(super) fn tokens(amount: Option<Decimal>) -> Markup {
    let Some(amount) = amount else { return dash() };
    let whole = amount.round_to(0).units().unsigned_abs() / Decimal::ONE.units().unsigned_abs();
    data(amount, &grouped(whole))
}

/// A price, to four places; there are prices of tenths of cents.
pub(super) fn price(amount: Option<Decimal>) -> Markup {
    const TENTHS: u128 = 10_u128.pow(Decimal::SCALE - 4);
    let Some(amount) = amount else { return dash() };
    let units = amount.round_to(4).units().unsigned_abs() / TENTHS;
    let sign = if amount.is_negative() { "-" } else { "" };
    data(amount, &format!("{sign}{}.{:04}", grouped(units / 10_000), units % 10_000))
}

pub(super) fn exact(amount: Decimal) -> Markup {
    data(amount, &amount.to_string())
}

/// A column of a table.
pub(super) struct Column {
    title: Markup,
    holds: Holds,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Words,
    Ids,
    Numbers,
}

/// A column of words, on the left.
pub(super) fn words(title: &str) -> Column {
    Column { title: name(title), holds: Holds::Words }
}

/// A column of names for programs, on the left, which paper does not break.
pub(super) fn ids(title: &str) -> Column {
    Column { title: name(title), holds: Holds::Ids }
}

/// A column of numbers, on the right.
pub(super) fn numbers(title: &str) -> Column {
    Column { title: name(title), holds: Holds::Numbers }
}

/// A table: of each row the first cell is what it is about.
pub(super) struct Table {
    /// What programs know it by.
    pub(super) id: String,
    /// What it shows.
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Markup>>,
    /// A last row with sums.
    pub(super) foot: Option<Vec<Markup>>,
}

impl Table {
    /// The table in a box of its own, which scrolls where it is too wide.
    pub(super) fn html(&self) -> Markup {
        let caption = text(&self.caption);
        html! {
            div.scroll role="group" tabindex="0" aria-label=(caption) {
                table id=(self.id) {
                    caption { (caption) }
                    thead {
                        tr {
                            @for column in &self.columns {
                                th scope="col" class=[(column.holds == Holds::Numbers).then_some("n")] {
                                    (column.title)
                                }
                            }
                        }
                    }
                    tbody { @for cells in &self.rows { (self.row(cells)) } }
                    @if let Some(cells) = &self.foot { tfoot { (self.row(cells)) } }
                }
            }
        }
    }

    fn row(&self, cells: &[Markup]) -> Markup {
        let is_long = |cell: &Markup| longest(cell, "") > LONG;
        html! {
            tr {
                @for (index, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
                    @match (index, column.holds) {
                        (0, _) => { th scope="row" class=[is_long(cell).then_some("l")] { (cell) } }
                        // Most cells are numbers: that is what a cell is unless it says otherwise.
                        (_, Holds::Numbers) => { td { (cell) } }
                        (_, Holds::Words) => { td.w.l[longest(cell, " ") > LONG_WORD] { (cell) } }
                        (_, Holds::Ids) => { td.w.i.l[is_long(cell)] { (cell) } }
                    }
                }
            }
        }
    }

    /// The table, to be opened.
    pub(super) fn folded(&self, summary: &str) -> Markup {
        html! { details { summary { (text(summary)) } (self.html()) } }
    }
}

/// Names that are longer than this have no room on one line of paper, and words in a cell of words.
const LONG: usize = 44;
const LONG_WORD: usize = 24;

/// How many columns what a cell shows takes, or the longest part of it between `separators`.
fn longest(cell: &Markup, separators: &str) -> usize {
    let (mut longest, mut length, mut hidden_until) = (0, 0, None);
    for character in cell.0.chars() {
        match (hidden_until, character) {
            (Some(end), character) if end == character => hidden_until = None,
            (Some(_), _) => {}
            (None, '<') => hidden_until = Some('>'),
            (None, character) if separators.contains(character) => length = 0,
            (None, character) => {
                // An escaped character is shown as one.
                hidden_until = (character == '&').then_some(';');
                length += columns_of(character);
            }
        }
        longest = longest.max(length);
    }
    longest
}

/// A picture with its title and what stands below it.
pub(super) fn figure(title: &str, picture: &Markup, below: &Markup) -> Markup {
    html! { figure { figcaption { (text(title)) } (picture) (below) } }
}

/// A section of the page.
pub(super) fn section(id: &str, title: &str, body: &Markup) -> Markup {
    html! { section id=(id) { h2 { (text(title)) } (body) } }
}

/// The heading of a currency, where there are several.
pub(super) fn currency_heading(count: usize, currency: &str) -> Markup {
    html! { @if count > 1 { h3 { (name(currency)) } } }
}

/// A name for ids: letters and digits alone.
pub(super) fn slug(text: &str) -> String {
    let slug: String = text.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    if slug.is_empty() { "none".to_owned() } else { slug.to_ascii_lowercase() }
}
