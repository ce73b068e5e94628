//! Lines and columns: names on the left, amounts on the right, nothing wider than a line.

use crate::bill::category::Category;
use crate::money::decimal::Decimal;
use crate::text::{
    self, WIDTH, columns, formula_mark, money, name, number, or_none, pad_left, pad_right, shorten, wrap,
};

/// How many columns the labels of the first lines take.
const LABEL: usize = 12;
/// The least columns that a name keeps.
const LEAST_NAME: usize = 12;

/// The widths of the columns behind a name.
const AMOUNT: usize = 16;
const SHARE: usize = 8;
const CHANGE: usize = 14;

/// The columns behind a name, right-aligned: an amount, a share, a change.
pub(super) struct Cells<'a>(pub(super) &'a str, pub(super) &'a str, pub(super) &'a str);

impl Cells<'_> {
    fn line(&self, start: &str) -> String {
        let Self(amount, share, change) = self;
        // An amount may be wider than its column: a blank before each keeps them apart.
        let cell = |text: &str, width: usize| pad_left(&format!(" {text}"), width);
        let tail = format!("{}{}{}", cell(amount, AMOUNT), cell(share, SHARE), cell(change, CHANGE));
        let room = WIDTH.saturating_sub(columns(&tail)).max(LEAST_NAME);
        format!("{}{tail}", pad_right(&shorten(start, room), room)).trim_end().to_owned()
    }
}

/// The heading of a table.
pub(super) fn heading(title: &str, currency: &str, share: &str, change: &str) -> String {
    let room = WIDTH - AMOUNT - SHARE - CHANGE;
    if columns(title) > room && share.is_empty() && change.is_empty() {
        return shorten(title, WIDTH);
    }
    Cells(&text::currency(currency), share, change).line(title)
}

/// A row of a table with a title of ours.
pub(super) fn row(title: &str, cells: &Cells<'_>) -> String {
    cells.line(&format!("  {title}"))
}

/// A text of the configuration, such as a rule's name: no formula.
pub(super) fn inert(text: &str, limit: usize) -> String {
    shorten(&format!("{}{text}", formula_mark(text)), limit)
}

/// A row of a table about something that a bill names.
pub(super) fn row_of(of: &str, cells: &Cells<'_>) -> String {
    row(&name(or_none(of), WIDTH), cells)
}

pub(super) fn labelled(name: &str, text: &str) -> Vec<String> {
    wrap(&pad_right(name, LABEL), text)
}

/// The first of the texts that fits on one line behind its label; if none does the last, on several.
pub(super) fn fitting(name: &str, texts: &[String]) -> Vec<String> {
    let fits = |text: &&String| LABEL + columns(text) <= WIDTH;
    texts.iter().find(fits).or(texts.last()).map_or_else(Vec::new, |text| labelled(name, text))
}

/// An amount with its sign: `+$3.00`, `-$3.00`, `$0.00`.
pub(crate) fn signed(currency: &str, amount: Decimal) -> String {
    let plus = if amount > Decimal::ZERO { "+" } else { "" };
    format!("{plus}{}", money(currency, amount))
}

/// The same in whole units.
pub(super) fn signed_whole(currency: &str, amount: Decimal) -> String {
    let text = signed(currency, amount.round_to(0));
    text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
}

/// The same without a currency.
pub(super) fn signed_number(amount: Decimal) -> String {
    let plus = if amount > Decimal::ZERO { "+" } else { "" };
    format!("{plus}{}", number(amount))
}

/// `1 caller`, `2 callers`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// A category as a heading names it.
pub(crate) fn plural(category: Category) -> &'static str {
    match category {
        Category::Usage => "usage",
        Category::Discount => "discounts",
        Category::Credit => "credits",
        Category::Refund => "refunds",
        Category::Fee => "fees",
        Category::Tax => "tax",
        Category::Other => "other",
    }
}
