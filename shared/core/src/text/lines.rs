//! Lines of a message: labels, subject and body, signed and counted words.

use crate::money::decimal::Decimal;
use crate::text::{SUBJECT_LENGTH, ascii, formula_mark, money, number, pad_right, shorten, wrap};

pub(crate) fn label(text: &str) -> String {
    pad_right(text, LABEL)
}

pub(crate) fn labelled(name: &str, text: &str) -> Vec<String> {
    wrap(&label(name), text)
}

/// A subject is one line of ASCII and not too long, whatever is in it.
pub(crate) fn subject(text: &str) -> String {
    shorten(&ascii(text), SUBJECT_LENGTH)
}

pub(crate) fn body(lines: &[String]) -> String {
    let mut body = lines.join("\n");
    body.push('\n');
    body
}

/// How many columns the labels on the left take.
pub(crate) const LABEL: usize = 12;

/// A text of the configuration, such as a rule's name: no formula.
pub(crate) fn inert(text: &str, limit: usize) -> String {
    shorten(&format!("{}{text}", formula_mark(text)), limit)
}

/// An amount with its sign: `+$3.00`, `-$3.00`, `$0.00`.
pub(crate) fn signed(currency: &str, amount: Decimal) -> String {
    let plus = if amount > Decimal::ZERO { "+" } else { "" };
    format!("{plus}{}", money(currency, amount))
}

/// The same in whole units.
pub(crate) fn signed_whole(currency: &str, amount: Decimal) -> String {
    let text = signed(currency, amount.round_to(0));
    text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
}

/// The same without a currency.
pub(crate) fn signed_number(amount: Decimal) -> String {
    let plus = if amount > Decimal::ZERO { "+" } else { "" };
    format!("{plus}{}", number(amount))
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
