//! Reading a page as a program would: its tags, its tables, and every exact number that it shows.

use std::collections::BTreeMap;

use spend_core::money::decimal::Decimal;

/// A piece of a page.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    /// `<…>`, without the brackets.
    Tag(&'a str),
    /// What stands between tags.
    Text(&'a str),
}

/// The pieces of a page; what is between the tags of a script or a style is one text.
pub(crate) fn pieces(html: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), html);
    while let Some(start) = rest.find('<') {
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        pieces.push(Piece::Tag(tag));
        rest = &rest[end + 1..];
        for raw in ["script", "style"] {
            if tag == raw {
                let end = rest.find(&format!("</{raw}>")).unwrap();
                pieces.push(Piece::Text(&rest[..end]));
                rest = &rest[end..];
            }
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Text as it is read.
pub(crate) fn unescaped(text: &str) -> String {
    let known = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
    known.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// A cell: what it says, and its exact numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) numbers: Vec<Decimal>,
}

/// The rows of a table, its head and foot among them.
pub(crate) type Rows = Vec<Vec<Cell>>;

/// A page, read.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// By id.
    pub(crate) tables: BTreeMap<String, Rows>,
    /// Every exact number, and what is shown for it.
    pub(crate) numbers: Vec<(Decimal, String)>,
    /// The text outside of pictures, scripts, styles and numbers.
    pub(crate) words: String,
}

impl Page {
    pub(crate) fn read(html: &str) -> Self {
        let mut page = Self::default();
        let (mut table, mut in_cell) = (None, false);
        let mut exact: Option<Decimal> = None;
        let mut silent = 0_usize;
        for piece in pieces(html) {
            match piece {
                Piece::Tag(tag) => match tag.split(' ').next().unwrap() {
                    "svg" | "style" | "script" => silent += 1,
                    "/svg" | "/style" | "/script" => silent -= 1,
                    "table" => {
                        let id = tag.split('"').nth(1).unwrap().to_owned();
                        assert!(page.tables.insert(id.clone(), Rows::new()).is_none(), "{id} is there twice");
                        table = Some(id);
                    }
                    "/table" => table = None,
                    "tr" => page.tables.get_mut(table.as_ref().unwrap()).unwrap().push(Vec::new()),
                    "th" | "td" => {
                        page.tables.get_mut(table.as_ref().unwrap()).unwrap().last_mut().unwrap().push(Cell::default());
                        in_cell = true;
                    }
                    "/th" | "/td" => in_cell = false,
                    "data" => exact = Some(tag.split('"').nth(1).unwrap().parse().unwrap()),
                    "/data" => exact = None,
                    _ => page.words.push(' '),
                },
                Piece::Text(_) if silent > 0 => {}
                Piece::Text(text) => {
                    let text = unescaped(text);
                    if in_cell {
                        let rows = page.tables.get_mut(table.as_ref().unwrap()).unwrap();
                        let cell = rows.last_mut().unwrap().last_mut().unwrap();
                        cell.text.push_str(&text);
                        cell.numbers.extend(exact);
                    }
                    match exact {
                        Some(exact) => page.numbers.push((exact, text)),
                        None => page.words.push_str(&text),
                    }
                }
            }
        }
        page
    }

    /// A table's body rows: what each is about, and the exact number of a column.
    pub(crate) fn column(&self, table: &str, title: &str) -> Vec<(String, Option<Decimal>)> {
        let rows = self.tables.get(table).unwrap_or_else(|| panic!("{table} is not among {:?}", self.tables.keys()));
        let at = rows[0].iter().position(|head| head.text == title);
        let at = at.unwrap_or_else(|| panic!("{table} has no column {title}: {:?}", rows[0]));
        rows[1..].iter().map(|row| (row[0].text.clone(), row[at].numbers.first().copied())).collect()
    }
}
