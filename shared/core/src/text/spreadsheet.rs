//! Texts that a spreadsheet may open: a cell is never a formula and hides nothing, and its text can be had back.
//!
//! Names of sessions and values of tags are anybody's. What would begin a formula gets an apostrophe before it, which
//! spreadsheets take for "this is text"; what cannot be seen or turns the direction of writing is spelt out.

use crate::text;

/// What a formula or a command can begin with. Source: OWASP, "CSV Injection", and the full-width forms that some
/// spreadsheets take for the same.
const FORMULA_STARTS: [char; 10] = ['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠'];
/// What keeps a cell a text.
const TEXT_MARK: char = '\'';
/// How a character is spelt out: `\u{202e}`.
const ESCAPE: &str = "\\u{";

/// `text` as a cell: harmless, and [`restore`] gives it back.
pub fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 1);
    let first = text.chars().find(|letter| !letter.is_whitespace());
    if first.is_some_and(|first| FORMULA_STARTS.contains(&first)) || text.starts_with(TEXT_MARK) {
        cell.push(TEXT_MARK);
    }
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if text::is_unsafe(letter) || rest.starts_with(ESCAPE) {
            cell.push_str(&letter.escape_unicode().to_string());
        } else {
            cell.push(letter);
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    cell
}

/// The text behind a cell that [`cell`] made.
pub fn restore(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut rest = cell.strip_prefix(TEXT_MARK).unwrap_or(cell);
    while let Some((before, after)) = rest.split_once(ESCAPE) {
        text.push_str(before);
        let letter = after.split_once('}').and_then(|(digits, behind)| {
            let letter = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
            Some((letter, behind))
        });
        if let Some((letter, behind)) = letter {
            text.push(letter);
            rest = behind;
        } else {
            text.push_str(ESCAPE);
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_be_a_formula_or_could_not_be_seen_is_a_text_that_can() {
        for (text, expected) in [
            ("search", "search"),
            ("role/ai-gateway@444455556666", "role/ai-gateway@444455556666"),
            ("=HYPERLINK(\"http://x\",\"y\")", "'=HYPERLINK(\"http://x\",\"y\")"),
            ("+1", "'+1"),
            ("-1+2", "'-1+2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("|cmd", "'|cmd"),
            ("＝1", "'＝1"),
            ("'quoted", "''quoted"),
            ("\t=1", "'\\u{9}=1"),
            ("a\r\n=b", "a\\u{d}\\u{a}=b"),
            ("\u{202e}gpj", "\\u{202e}gpj"),
            ("\u{0}\u{7f}", "\\u{0}\\u{7f}"),
            ("CORP\\user", "CORP\\user"),
            ("\\u{41}", "\\u{5c}u{41}"),
            ("<b>é</b>", "<b>é</b>"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
            assert_eq!(restore(expected), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_no_cell_is_a_formula(text in "([=+@'|%\\\\u{}\u{202e}\t\n -]|.)*") {
            let cell = cell(&text);
            prop_assert_eq!(restore(&cell), text);
            prop_assert!(!cell.trim_start().starts_with(FORMULA_STARTS));
            prop_assert!(!cell.contains(text::is_unsafe));
        }

        #[test]
        fn no_cell_panics(cell in ".*") {
            let _ = restore(&cell);
        }
    }
}
