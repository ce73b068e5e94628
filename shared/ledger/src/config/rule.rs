//! Reading what every rule has: name, match, each, currency, severity, owner, runbook; amounts and numbers.

use spend_core::bill::line::KeptTags;
use spend_core::facts::dimension::Dimension;
use spend_core::facts::matcher::Matcher;
use spend_core::money::decimal::Decimal;
use spend_core::rules::owner_template::OwnerTemplate;
use spend_core::rules::rule::{Rule, Severity};

use crate::config::reader::{Reader, Section, Span};
use crate::config::tag_keys::tag_key_problem;

/// What a rule may match by, besides `tag:NAME`.
const MATCH_KEYS: [&str; 6] = ["identity", "principal", "account", "model", "feature", "token"];

/// What a rule may be for each of, besides `tag:NAME`.
const EACH_KEYS: [&str; 4] = ["identity", "owner", "account", "model"];

/// The longest name: it stands in subjects and ids.
const LONGEST_NAME: usize = 64;

/// The longest runbook: it is printed as it is.
const LONGEST_RUNBOOK: usize = 500;

/// What every rule has. `kind` is how problems call it.
pub(crate) fn read_rule(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, kind: &str) -> Option<Rule> {
    let header = section.span.clone();
    let name = read_name(section, reader, &header, kind);
    reader.names.extend(name.clone());
    let matches = read_matches(section, reader, &MATCH_KEYS);
    let has_each = section.position("each").is_some();
    let each = read_each(section, reader);
    let currency = read_currency(section, reader);
    let severities = [Severity::Page, Severity::Notice].map(|severity| (severity.as_str(), severity));
    let severity = section.choice(reader, "severity", &severities).unwrap_or_default();
    let owner = read_owner(section, reader, has_each);
    let runbook = read_runbook(section, reader);
    let (_, name) = name?;
    Some(Rule { name, matches, each, currency, severity, owner, runbook })
}

fn read_name(
    section: &mut Section<'_, '_>,
    reader: &mut Reader<'_>,
    header: &Span,
    kind: &str,
) -> Option<(Span, String)> {
    let Some((span, name)) = section.text(reader, "name") else {
        if section.position("name").is_none() {
            let article = if kind.starts_with('a') { "an" } else { "a" };
            reader.invalid(
                header,
                &format!("{article} {kind} has no name: add name = \"…\", it is how messages call it"),
            );
        }
        return None;
    };
    if name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        reader.invalid(&span, &format!("`name` must be one line of at most {LONGEST_NAME} characters"));
    }
    Some((span, name))
}

/// An amount: a text such as `"5000.00"`, or a whole number. Never a number with a point, which is a float in TOML.
/// `None` where the key is not there, or is a problem.
pub(crate) fn amount(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, key: &str) -> Option<Decimal> {
    let span = section.position(key)?;
    let (_, text) = section.number_text(reader, key)?;
    match amount_of(&text) {
        Ok(amount) => Some(amount),
        Err(problem) => {
            reader.invalid(&span, &format!("`{key}`{problem}"));
            None
        }
    }
}

/// An amount above zero, or what is wrong with it.
pub(crate) fn amount_of(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(amount) if amount > Decimal::ZERO => Ok(amount),
        Ok(amount) => Err(format!(" is {amount}: it must be above zero")),
        Err(error) => Err(format!(": {error}")),
    }
}

/// An amount that must be there.
pub(crate) fn required_amount(
    section: &mut Section<'_, '_>,
    reader: &mut Reader<'_>,
    header: &Span,
    of: &str,
) -> Option<Decimal> {
    if section.position("amount").is_none() {
        reader.invalid(header, &format!("this {of} has no amount: add amount = \"5000.00\""));
        return None;
    }
    amount(section, reader, "amount")
}

/// A whole number from `least` to `most`.
pub(crate) fn number(
    section: &mut Section<'_, '_>,
    reader: &mut Reader<'_>,
    key: &str,
    least: u32,
    most: u32,
) -> Option<u32> {
    let (span, value) = section.integer(reader, key)?;
    let number = u32::try_from(value).ok().filter(|number| (least..=most).contains(number));
    if number.is_none() {
        reader.invalid(&span, &format!("`{key}` is {value}: use a number from {least} to {most}"));
    }
    number
}

fn read_currency(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> String {
    let Some((span, currency)) = section.text(reader, "currency") else { return "USD".to_owned() };
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        reader.invalid(&span, &format!("`currency` is `{currency}`: use a code of three capitals, such as USD"));
    }
    currency
}

/// What a rule matches: all must hold. Besides `known` keys there is `tag:NAME`.
pub(crate) fn read_matches(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, known: &[&str]) -> Vec<Matcher> {
    let Some(mut table) = section.section(reader, "match") else { return Vec::new() };
    let mut matches = Vec::new();
    for key in table.keys() {
        let value = table.text(reader, &key);
        let Some(span) = table.position(&key) else { continue };
        if let Some(problem) = key_problem(&key, known, &reader.kept) {
            reader.invalid(&span, &format!("`match`: {problem}"));
        } else if let (Some((_, glob)), Ok(dimension)) = (value, key.parse::<Dimension>()) {
            matches.push(Matcher::new(dimension, &glob));
        }
    }
    matches
}

fn read_each(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Dimension> {
    let (span, key) = section.text(reader, "each")?;
    if let Some(problem) = key_problem(&key, &EACH_KEYS, &reader.kept) {
        reader.invalid(&span, &format!("`each`: {problem}"));
        return None;
    }
    key.parse().ok()
}

/// What is wrong with a key that is one of `known` or a tag.
fn key_problem(key: &str, known: &[&str], kept: &KeptTags) -> Option<String> {
    match key.strip_prefix("tag:") {
        Some(tag) => tag_key_problem(tag, kept),
        None if known.contains(&key) => None,
        None => Some(format!("`{key}` is not a key: use one of {} or tag:NAME", known.join(", "))),
    }
}

fn read_runbook(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Option<String> {
    let (span, runbook) = section.text(reader, "runbook")?;
    if runbook.chars().count() > LONGEST_RUNBOOK || runbook.contains(char::is_control) {
        reader.invalid(&span, &format!("`runbook` must be one line of at most {LONGEST_RUNBOOK} characters"));
    }
    Some(runbook)
}

fn read_owner(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, has_each: bool) -> Option<OwnerTemplate> {
    let (span, text) = section.text(reader, "owner")?;
    let owner = match text.parse::<OwnerTemplate>() {
        Ok(owner) => owner,
        Err(error) => {
            reader.invalid(&span, &format!("`owner`: {error}"));
            return None;
        }
    };
    if owner.needs_member() && !has_each {
        reader.invalid(&span, "`owner` holds {member}, but the rule has no members: give it an `each`");
    }
    for problem in owner.tags().filter_map(|tag| tag_key_problem(tag, &reader.kept)).collect::<Vec<_>>() {
        reader.invalid(&span, &format!("`owner`: {problem}"));
    }
    Some(owner)
}
