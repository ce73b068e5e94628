//! Writing for people: money, shares, days and lines of plain text.
//!
//! Messages are read in mail clients and on phones, so lines are short. Tag values, names of sessions and most other
//! texts of a bill are chosen by strangers. They enter our sentences through [`name`] and our tables through [`shown`]:
//! there they forge no line, are no link, and are in quotes where they could be read as our own words.
//!
//! - `lines`: labels, subject and body of a message.
//! - `link`: texts of others without anything that a program makes a link of.
//! - `spreadsheet`: cells that are never formulas.
//! - `windows`: windows as people call them.
//! - `words`: the words of a name that is written in many ways.
//! - `near`: names that may have been meant.
//! - `likeness`: values that are probably one value.

use std::borrow::Cow;
use std::fmt::Display;

use chrono::{DateTime, NaiveDate, Utc};
use unicode_width::UnicodeWidthChar as _;

use crate::calendar::period::BillingPeriod;
use crate::money::decimal::Decimal;

pub mod likeness;
pub mod lines;
mod link;
pub mod near;
pub mod spreadsheet;
mod windows;
pub mod words;

pub use link::broken as without_links;

/// How many columns a line of a message has at most.
pub const WIDTH: usize = 78;

/// The most characters of a subject: SNS takes ASCII subjects of fewer than 100.
/// Source: Amazon SNS API reference, "Publish", parameter `Subject`.
pub const SUBJECT_LENGTH: usize = 99;

/// What a fact without a value is called in messages.
pub const NONE: &str = "(none)";

/// What everything together is called that has no name of its own, in facts, reports and metrics.
pub const OTHER: &str = "(other)";

/// What stands for a value where there are several.
pub const SEVERAL: &str = "(several)";

/// A message for people: what the mail's subject says, and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line of ASCII, at most [`SUBJECT_LENGTH`] characters.
    pub subject: String,
    /// Lines of at most [`WIDTH`] columns, except where a URL stands alone on its line.
    pub body: String,
}

/// An amount with its currency: `$2,431.20`, `CNY 2.50`, `-$3.00`; rounded to two places, half to even.
///
/// Only `USD` has a sign of its own: other countries' dollars and yuan would look like each other.
pub fn money(currency: &str, amount: Decimal) -> String {
    let number = number(amount);
    // The sign stands before the currency, and "<" before both.
    let digits = number.trim_start_matches(['<', '>', '-']);
    let sign = number.strip_suffix(digits).unwrap_or("");
    match currency {
        "USD" => format!("{sign}${digits}"),
        "" => format!("{sign}{digits} (no currency)"),
        code => format!("{sign}{} {digits}", crate::text::currency(code)),
    }
}

/// The most columns of a currency's code: real ones have three letters.
const CURRENCY: usize = 12;

/// A currency's code as it may be shown; [`NONE`] where there is none.
pub fn currency(code: &str) -> String {
    name(or_none(code), CURRENCY)
}

/// An amount without its currency: `2,431.20`; not zero, but rounded to zero, is `<0.01` or `>-0.01`.
pub fn number(amount: Decimal) -> String {
    const HUNDREDTH: u128 = 10_u128.pow(Decimal::SCALE - 2);
    let hundredths = amount.round_to(2).units().unsigned_abs() / HUNDREDTH;
    if hundredths == 0 && !amount.is_zero() {
        return if amount.is_negative() { ">-0.01" } else { "<0.01" }.to_owned();
    }
    let sign = if amount.is_negative() { "-" } else { "" };
    format!("{sign}{}.{:02}", grouped(hundredths / 100), hundredths % 100)
}

/// Digits in groups of three: `1,234,567`.
pub(crate) fn grouped(value: u128) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How much of a limit is used, in whole percent rounded down, so that `100%` is never said of less: `101%`.
pub fn used(part: Decimal, limit: Decimal) -> String {
    let (part, limit) = (part.units(), limit.units());
    if limit <= 0 {
        return "-".to_owned();
    }
    let (whole, rest) = (part.div_euclid(limit), part.rem_euclid(limit));
    // Where a hundredfold leaves the range, limits are beyond 10¹⁸ and the last percent does not matter.
    let percent = rest.checked_mul(100).map_or_else(|| (rest / (limit / 100)).min(99), |scaled| scaled / limit);
    format!("{}%", whole.saturating_mul(100).saturating_add(percent))
}

/// A part of a whole with one place: `78.2%`; `100.0%` and `0.0%` are said only of all and of nothing.
pub fn share(part: Decimal, whole: Decimal) -> String {
    let Some(percent) = part.percent_of(whole) else { return "-".to_owned() };
    let hundred = Decimal::from_integer(100);
    if percent.is_zero() && !part.is_zero() {
        return if part.is_negative() == whole.is_negative() { "<0.1%" } else { ">-0.1%" }.to_owned();
    }
    if percent == hundred && part != whole {
        return if part.abs() < whole.abs() { ">99.9%" } else { "100.1%" }.to_owned();
    }
    let tenths = percent.units() / (Decimal::ONE.units() / 10);
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}%", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}

/// A day without its year: `17 Nov`.
pub fn day(day: NaiveDate) -> String {
    day.format("%-d %b").to_string()
}

/// The days from `first` to `last`, without their year: `17 Nov`, `1 to 20 Nov`, `30 Oct to 2 Nov`.
pub fn days(first: NaiveDate, last: NaiveDate) -> String {
    if first == last {
        day(first)
    } else if BillingPeriod::of(first) == BillingPeriod::of(last) {
        format!("{} to {}", first.format("%-d"), day(last))
    } else {
        format!("{} to {}", day(first), day(last))
    }
}

/// An instant: `20 Nov 2026 23:00 UTC`.
pub fn instant(instant: DateTime<Utc>) -> String {
    instant.format("%-d %b %Y %H:%M UTC").to_string()
}

/// A month: `November 2026`.
pub fn month(period: BillingPeriod) -> String {
    period.first_day().format("%B %Y").to_string()
}

/// A month where there is little room: `Nov 2026`.
pub fn short_month(period: BillingPeriod) -> String {
    period.first_day().format("%b %Y").to_string()
}

/// A number of things: `1 delivery`, `2 deliveries`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    format!("{count} {}", if count == N::from(1) { one } else { many })
}

/// What has no value by its name for people.
pub fn or_none(text: &str) -> &str {
    if text.is_empty() { NONE } else { text }
}

/// `text` on one line: what would end the line, move the cursor or turn the direction of writing becomes `?`. For texts
/// of others this is not enough: see [`name`] and [`shown`].
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_unsafe) { Cow::Owned(text.replace(is_unsafe, "?")) } else { Cow::Borrowed(text) }
}

/// `text` with everything spelt out that ends the line, moves the cursor, turns the direction of writing or cannot be
/// seen: `\u{1b}[31m`.
pub fn spelt_out(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character ends the line, moves the cursor, turns the direction of writing or cannot be seen.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
                | '\u{FFFE}'..='\u{FFFF}' | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// The most columns of a text of others in a table, so that one cell cannot fill a screen.
const CELL: usize = 512;

/// A text of others in a cell of its own: [`or_none`], on one line, no link, and not without end.
pub fn shown(text: &str) -> String {
    shorten(&without_links(&clean(or_none(text))), CELL)
}

/// What begins a formula where a message is pasted into a spreadsheet.
const FORMULA_STARTS: [char; 4] = ['=', '+', '-', '@'];

/// What keeps `text` from being taken for a formula: an apostrophe where it needs one.
pub(crate) fn formula_mark(text: &str) -> &'static str {
    if text.starts_with(FORMULA_STARTS) { "'" } else { "" }
}

/// A text of others among our words, in at most `limit` columns: on one line, no link, no markup and no formula. It is
/// in quotes unless it is a single word, so that a tag value such as `AWS: pay here` does not speak for us. Identities,
/// account ids, e-mail addresses and canonical model names are single words and stay exactly as they are.
pub fn name(text: &str, limit: usize) -> String {
    let text = clean(text);
    let mark = formula_mark(&text);
    let harmless = without_links(&text).replace('<', "[<]");
    if !harmless.contains(|character: char| character.is_whitespace() || character == '"') {
        return shorten(&format!("{mark}{harmless}"), limit);
    }
    let inner = format!("{mark}{}", harmless.replace('"', "'"));
    format!("\"{}\"", shorten(&inner, limit.saturating_sub(2)))
}

/// `text` in printable ASCII, for subjects: every other character becomes `?`.
pub fn ascii(text: &str) -> String {
    text.chars().map(|character| if matches!(character, ' '..='~') { character } else { '?' }).collect()
}

/// How many columns `text` takes: East Asian wide characters and emoji take two, all others are counted as one.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

pub(crate) fn columns_of(character: char) -> usize {
    // A mark that takes no column counts too: else a name of thousands of them would pass every limit.
    character.width().unwrap_or(1).max(1)
}

/// `text`, on one line, in at most `limit` columns; what is cut off is marked with `...`. Texts of others go through
/// [`name`].
pub fn shorten(text: &str, limit: usize) -> String {
    const MARK: &str = "...";
    let text = clean(text);
    if columns(&text) <= limit {
        return text.into_owned();
    }
    let (mut kept, _) = split_columns(&text, limit.saturating_sub(MARK.len()));
    kept = kept.trim_end();
    format!("{kept}{MARK}")
}

/// The longest beginning of `text` with at most `limit` columns, and the rest.
fn split_columns(text: &str, limit: usize) -> (&str, &str) {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, character)| {
        taken += columns_of(*character);
        taken > limit
    });
    end.and_then(|(index, _)| text.split_at_checked(index)).unwrap_or((text, ""))
}

/// `text` padded with spaces on the right to `width` columns.
pub fn pad_right(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// `text` padded with spaces on the left to `width` columns.
pub fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// `text` in lines of at most [`WIDTH`] columns, broken between words, and within a word only where it is longer than
/// a line. What stands in quotes stays on one line where it fits: else a name with blanks could begin a line as if it were
/// ours. The first line begins with `first`, the others are indented as far.
pub fn wrap(first: &str, text: &str) -> Vec<String> {
    let indent = columns(first);
    let room = WIDTH.saturating_sub(indent).max(3);
    let mut lines = Vec::new();
    let mut line = String::new();
    let text = clean(text);
    for word in words(&text, room) {
        let mut word = word.as_ref();
        let spaced = if line.is_empty() { 0 } else { columns(&line) + 1 };
        if !line.is_empty() && spaced + columns(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        while columns(word) > room {
            let (head, tail) = split_columns(word, room);
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    let indented = |(index, line): (usize, String)| {
        let start = if index == 0 { first.to_owned() } else { " ".repeat(indent) };
        format!("{start}{line}").trim_end_matches(' ').to_owned()
    };
    lines.into_iter().enumerate().map(indented).collect()
}

/// The words of a text; what stands in quotes is one where it fits into `room` columns.
fn words(text: &str, room: usize) -> Vec<Cow<'_, str>> {
    let is_open = |text: &str| text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    let mut rest = text.split(' ').filter(|word| !word.is_empty());
    while let Some(word) = rest.next() {
        if !is_open(word) {
            words.push(Cow::Borrowed(word));
            continue;
        }
        let mut quoted = vec![word];
        let behind = rest.clone().position(is_open).map_or(0, |end| end + 1);
        quoted.extend(rest.clone().take(behind));
        let joined = quoted.join(" ");
        if behind > 0 && columns(&joined) <= room {
            words.push(Cow::Owned(joined));
            rest.by_ref().nth(behind - 1);
        } else {
            words.push(Cow::Borrowed(word));
        }
    }
    words
}

#[cfg(test)]
mod tests;
