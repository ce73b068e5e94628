//! Reading `[[hygiene]]`.

use spend_core::money::decimal::Decimal;
use spend_core::rules::finding::Lack;
use spend_core::rules::hygiene::Hygiene;

use crate::config::reader::{Reader, Section};
use crate::config::rule::{amount, number, read_rule};
use crate::config::tag_keys::tag_key_problem;

/// Which share of the spend is too much unless the rule says otherwise, in percent.
const PERCENT: u32 = 10;
/// And how much money.
const AMOUNT: i64 = 100;

pub(super) fn read(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Hygiene> {
    let header = section.span.clone();
    let rule = read_rule(&mut section, reader, "hygiene rule");
    let lack = match section.text(reader, "lack") {
        Some((_, lack)) if lack == "principal" => Some(Lack::Principal),
        Some((span, lack)) => {
            if let Some(tag) = lack.strip_prefix("tag:") {
                if let Some(problem) = tag_key_problem(tag, &reader.kept) {
                    reader.invalid(&span, &format!("`lack`: {problem}"));
                }
                Some(Lack::Tag(tag.to_owned()))
            } else {
                reader.invalid(&span, &format!("`lack` is `{lack}`: use principal or tag:NAME"));
                None
            }
        }
        None => {
            if section.position("lack").is_none() {
                reader.invalid(
                    &header,
                    "this hygiene rule does not say what is missing: add lack = \"principal\" or \"tag:NAME\"",
                );
            }
            None
        }
    };
    let percent = number(&mut section, reader, "percent", 1, 100).unwrap_or(PERCENT);
    let amount = amount(&mut section, reader, "amount").unwrap_or(Decimal::from_integer(AMOUNT));
    section.finish(reader, &[]);
    Some(Hygiene { rule: rule?, lack: lack?, percent, amount })
}
