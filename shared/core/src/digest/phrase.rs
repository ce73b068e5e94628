//! Sentences about figures that stand in the mail and on the page. Each is written once, in pieces; the mail makes
//! plain text of them ([`Phrase::plain`]), the page HTML.

use std::borrow::Cow;

use crate::allocation::tag_contract::{Spend, TagFinding};
use crate::digest::callers::Nameless;
use crate::digest::left_out::LeftOut;
use crate::money::decimal::Decimal;
use crate::text::{day, money, name, number, or_none};

/// How many values or keys of a finding are named.
const VALUES: usize = 5;

/// A piece of a sentence.
pub(crate) enum Piece<'a> {
    /// Words of ours.
    Words(Cow<'a, str>),
    /// A name that a bill brings.
    Name(&'a str),
    Money(&'a str, Decimal),
    /// An amount whose currency stands elsewhere.
    Number(Decimal),
}

/// A sentence, or the part of one.
#[derive(Default)]
pub(crate) struct Phrase<'a>(pub(crate) Vec<Piece<'a>>);

impl<'a> Phrase<'a> {
    fn with(mut self, piece: Piece<'a>) -> Self {
        self.0.push(piece);
        self
    }

    fn words(self, words: impl Into<Cow<'a, str>>) -> Self {
        self.with(Piece::Words(words.into()))
    }

    fn name(self, name: &'a str) -> Self {
        self.with(Piece::Name(name))
    }

    fn money(self, currency: &'a str, amount: Decimal) -> Self {
        self.with(Piece::Money(currency, amount))
    }

    /// Several parts with `separator` between them.
    fn joined<T>(self, separator: &'a str, parts: impl Iterator<Item = T>, add: impl Fn(Self, T) -> Self) -> Self {
        parts
            .enumerate()
            .fold(self, |phrase, (index, part)| add(if index == 0 { phrase } else { phrase.words(separator) }, part))
    }

    /// Money in each of its currencies.
    fn spend(self, spend: &'a Spend) -> Self {
        self.joined(" and ", spend.iter(), |phrase, (currency, amount)| phrase.money(currency, *amount))
    }

    /// The first of some values or keys, each with its spend.
    fn values(self, values: &'a [(String, Spend)]) -> Self {
        self.joined(", ", values.iter().take(VALUES), |phrase, (value, spend)| {
            phrase.name(value).words(" (").spend(spend).words(")")
        })
    }

    /// The sentence as plain text, with names in at most `limit` columns.
    pub(crate) fn plain(&self, limit: usize) -> String {
        let plain = |piece: &Piece<'_>| match piece {
            Piece::Words(words) => words.clone().into_owned(),
            Piece::Name(of) => name(or_none(of), limit),
            Piece::Money(currency, amount) => money(currency, *amount),
            Piece::Number(amount) => number(*amount),
        };
        self.0.iter().map(plain).collect()
    }
}

/// What a finding about a tag says.
pub(crate) fn tag_finding(finding: &TagFinding) -> Phrase<'_> {
    let said = Phrase::default();
    match finding {
        TagFinding::Untagged { spend, .. } => said.words("missing on ").spend(spend),
        TagFinding::NearDuplicates { values, .. } => said.words("probably one value: ").values(values),
        TagFinding::OutOfContract { value, spend, .. } => {
            said.name(value).words(" (").spend(spend).words(") is not an agreed value")
        }
        TagFinding::TooManyValues { values, .. } => said.words(format!("it has {values} values")),
        TagFinding::SpeltOtherwise { others, .. } => {
            said.words("probably the same tag, under another key: ").values(others)
        }
        TagFinding::NotActive { first_seen: None, before, seen_as, .. } => {
            let said = said.words("no line of the bill has it");
            let said = if seen_as.is_empty() { said } else { said.words(", but ") };
            said.joined(", ", seen_as.iter().take(VALUES), |phrase, key| phrase.name(key))
                .words("; callers spent ")
                .spend(before)
        }
        TagFinding::NotActive { first_seen: Some(first), before, .. } => {
            said.words(format!("first seen on {}; callers spent ", day(*first))).spend(before).words(" before")
        }
    }
}

/// ` Ask account 111122223333 (300.50).`, naming at most `most` accounts. Nobody is asked about discounts.
pub(crate) fn accounts_to_ask(nameless: &Nameless, most: usize) -> Phrase<'_> {
    let said = Phrase::default();
    if !nameless.reason.has_somebody_to_ask() {
        return said;
    }
    let accounts = &nameless.accounts;
    let more = accounts.len().saturating_sub(most);
    said.words(if accounts.len() == 1 { " Ask account " } else { " Ask accounts " })
        .joined(", ", accounts.iter().take(most), |phrase, (account, spent)| {
            phrase.name(account).words(" (").with(Piece::Number(*spent)).words(")")
        })
        .words(if more > 0 { format!(" and {more} more.") } else { ".".to_owned() })
}

/// The largest of the days that a change leaves out: `$70.00 of role/app on 17 Nov (highest day compared: $10.00)`.
pub(crate) fn largest_left_out<'a>(currency: &'a str, left_out: &'a LeftOut) -> Option<Phrase<'a>> {
    let largest = left_out.callers.first()?;
    let said = Phrase::default().money(currency, largest.spend).words(" of ");
    let said =
        if largest.identity.is_empty() { said.words("what names no caller") } else { said.name(&largest.identity) };
    let said = said.words(format!(" on {} (", day(largest.day)));
    Some(if largest.compared.is_zero() {
        said.words("no spend on the days compared)")
    } else {
        said.words("highest day compared: ").money(currency, largest.compared).words(")")
    })
}
