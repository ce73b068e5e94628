//! Pieces of HTML. What comes from a bill or a configuration enters through [`text()`] and [`name`] alone.

use crate::money::decimal::Decimal;
use crate::text::{self, clean, columns, grouped, or_none, without_links};

/// How many columns of a name are shown: its beginning and its end, where accounts stand.
const NAME: usize = 80;
const NAME_END: usize = 28;

/// Text as it may stand between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Any text as it may be shown.
pub(super) fn text(text: &str) -> String {
    escape(&without_links(&clean(text)))
}

/// A name as it may be shown: what is too long loses its middle.
pub(super) fn name(name: &str) -> String {
    escape(&fitted(name, NAME))
}

/// A name in at most so many columns.
pub(super) fn fitted(name: &str, limit: usize) -> String {
    let name = without_links(&clean(or_none(name))).into_owned();
    if columns(&name) <= limit {
        return name;
    }
    let end = NAME_END.min(limit / 3);
    let mut width = 0;
    let tail: Vec<char> = name
        .chars()
        .rev()
        .take_while(|character| {
            width += columns(character.encode_utf8(&mut [0; 4]));
            width <= end
        })
        .collect();
    let mut width = 0;
    let head = name.chars().take_while(|character| {
        width += columns(character.encode_utf8(&mut [0; 4]));
        width + end < limit
    });
    let head: String = head.collect();
    format!("{head}…{}", tail.into_iter().rev().collect::<String>())
}

fn data(exact: Decimal, shown: &str) -> String {
    format!("<data value=\"{exact}\">{}</data>", escape(shown))
}

/// An amount whose currency stands elsewhere.
pub(super) fn number(amount: Decimal) -> String {
    data(amount, &text::number(amount))
}

pub(super) fn money(currency: &str, amount: Decimal) -> String {
    data(amount, &text::money(currency, amount))
}

/// By how much something changed.
pub(super) fn signed(amount: Decimal) -> String {
    let plus = if amount > Decimal::ZERO { "+" } else { "" };
    data(amount, &format!("{plus}{}", text::number(amount)))
}

/// The same with its currency.
pub(super) fn signed_money(currency: &str, amount: Decimal) -> String {
    let plus = if amount > Decimal::ZERO { "+" } else { "" };
    data(amount, &format!("{plus}{}", text::money(currency, amount)))
}

/// A count of tokens.
pub(super) fn tokens(amount: Option<Decimal>) -> String {
    let Some(amount) = amount else { return "–".to_owned() };
    let whole = amount.round_to(0).units().unsigned_abs() / Decimal::ONE.units().unsigned_abs();
    data(amount, &grouped(whole))
}

/// A price, to four places; there are prices of tenths of cents.
pub(super) fn price(amount: Option<Decimal>) -> String {
    const TENTHS: u128 = 10_u128.pow(Decimal::SCALE - 4);
    let Some(amount) = amount else { return "–".to_owned() };
    let units = amount.round_to(4).units().unsigned_abs() / TENTHS;
    let sign = if amount.is_negative() { "-" } else { "" };
    data(amount, &format!("{sign}{}.{:04}", grouped(units / 10_000), units % 10_000))
}

pub(super) fn exact(amount: Decimal) -> String {
    data(amount, &amount.to_string())
}

/// A column of a table.
pub(super) struct Column {
    title: String,
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

/// A table: of each row the first cell is what it is about. Cells are HTML.
pub(super) struct Table {
    /// What programs know it by.
    pub(super) id: String,
    /// What it shows.
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<String>>,
    /// A last row with sums.
    pub(super) foot: Option<Vec<String>>,
}

impl Table {
    /// The table in a box of its own, which scrolls where it is too wide.
    pub(super) fn html(&self) -> String {
        let class = |column: &Column| if column.holds == Holds::Numbers { " class=\"n\"" } else { "" };
        let head =
            self.columns.iter().map(|column| format!("<th scope=\"col\"{}>{}</th>", class(column), column.title));
        let head: String = head.collect();
        let row = |cells: &Vec<String>| {
            let cells = cells.iter().zip(&self.columns).enumerate().map(|(index, (cell, column))| {
                match (index, column.holds) {
                    (0, _) if longest(cell, "") > LONG => format!("<th scope=\"row\" class=\"l\">{cell}</th>"),
                    (0, _) => format!("<th scope=\"row\">{cell}</th>"),
                    // Most cells are numbers: that is what a cell is unless it says otherwise.
                    (_, Holds::Numbers) => format!("<td>{cell}</td>"),
                    (_, Holds::Words) if longest(cell, " ") > LONG_WORD => format!("<td class=\"w l\">{cell}</td>"),
                    (_, Holds::Words) => format!("<td class=\"w\">{cell}</td>"),
                    (_, Holds::Ids) if longest(cell, "") > LONG => format!("<td class=\"w i l\">{cell}</td>"),
                    (_, Holds::Ids) => format!("<td class=\"w i\">{cell}</td>"),
                }
            });
            format!("<tr>{}</tr>\n", cells.collect::<String>())
        };
        let body: String = self.rows.iter().map(row).collect();
        let foot = self.foot.as_ref().map_or_else(String::new, |foot| format!("<tfoot>{}</tfoot>", row(foot)));
        let caption = text(&self.caption);
        format!(
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{caption}\">\
             <table id=\"{}\"><caption>{caption}</caption><thead><tr>{head}</tr></thead>\
             <tbody>\n{body}</tbody>{foot}</table></div>\n",
            escape(&self.id)
        )
    }

    /// The table, to be opened.
    pub(super) fn folded(&self, summary: &str) -> String {
        format!("<details><summary>{}</summary>\n{}</details>\n", text(summary), self.html())
    }
}

/// Names that are longer than this have no room on one line of paper, and words in a cell of words.
const LONG: usize = 44;
const LONG_WORD: usize = 26;

/// How long what a cell shows is, or the longest part of it between `separators`.
fn longest(cell: &str, separators: &str) -> usize {
    let (mut longest, mut length, mut is_tag) = (0, 0, false);
    for character in cell.chars() {
        match character {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if is_tag => {}
            _ if separators.contains(character) => length = 0,
            _ => length += 1,
        }
        longest = longest.max(length);
    }
    longest
}

/// A picture with its title and what stands below it.
pub(super) fn figure(title: &str, picture: &str, below: &str) -> String {
    format!("<figure><figcaption>{}</figcaption>\n{picture}{below}</figure>\n", text(title))
}

/// A section of the page.
pub(super) fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section id=\"{id}\"><h2>{}</h2>\n{body}</section>\n", text(title))
}

/// The heading of a currency, where there are several.
pub(super) fn currency_heading(count: usize, currency: &str) -> String {
    if count > 1 { format!("<h3>{}</h3>\n", name(currency)) } else { String::new() }
}

/// A name for ids: letters and digits alone.
pub(super) fn slug(text: &str) -> String {
    let slug: String = text.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    if slug.is_empty() { "none".to_owned() } else { slug.to_ascii_lowercase() }
}
