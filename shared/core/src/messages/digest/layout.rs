//! Lines and columns: names on the left, amounts on the right, nothing wider than a line.

use crate::text::lines::{LABEL, labelled};
use crate::text::{self, WIDTH, columns, name, or_none, pad_left, pad_right, shorten};
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

/// A row of a table about something that a bill names.
pub(super) fn row_of(of: &str, cells: &Cells<'_>) -> String {
    row(&name(or_none(of), WIDTH), cells)
}

/// The first of the texts that fits on one line behind its label; if none does the last, on several.
pub(super) fn fitting(name: &str, texts: &[String]) -> Vec<String> {
    let fits = |text: &&String| LABEL + columns(text) <= WIDTH;
    texts.iter().find(fits).or(texts.last()).map_or_else(Vec::new, |text| labelled(name, text))
}
