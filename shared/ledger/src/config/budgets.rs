//! Reading `[[budget]]`.

use std::collections::BTreeMap;

use spend_core::budget::{Budget, BudgetOverride, Matcher, OwnerTemplate, Severity};
use spend_core::decimal::Decimal;
use spend_core::dimension::Dimension;
use spend_core::line::KeptTags;

use super::reader::{Reader, Section, Span};
use super::tag_key_problem;

/// What a budget may match by, besides `tag:NAME`.
const MATCH_KEYS: [&str; 6] = ["identity", "principal", "account", "model", "feature", "token"];
/// What a budget may be for each of, besides `tag:NAME`.
const EACH_KEYS: [&str; 4] = ["identity", "owner", "account", "model"];
/// What a budget warns at unless it says otherwise, in percent.
const THRESHOLDS: [u32; 3] = [50, 80, 100];
/// The longest name: it stands in subjects and ids.
const LONGEST_NAME: usize = 64;
/// The longest runbook: it is printed as it is.
const LONGEST_RUNBOOK: usize = 500;

pub(super) fn read(root: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Vec<Budget> {
    let mut budgets = Vec::new();
    let mut lines_of_names: BTreeMap<String, usize> = BTreeMap::new();
    for section in root.sections(reader, "budget") {
        let Some((span, budget)) = read_budget(section, reader) else { continue };
        let line = reader.line(&span);
        match lines_of_names.get(&budget.name) {
            Some(earlier) => {
                let name = &budget.name;
                reader.invalid(
                    &span,
                    &format!("the budget `{name}` stands on line {earlier} too: give one another name"),
                );
            }
            None => drop(lines_of_names.insert(budget.name.clone(), line)),
        }
        budgets.push(budget);
    }
    budgets
}

/// The budget, with where its name stands; `None` after a problem without which it cannot be made.
fn read_budget(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<(Span, Budget)> {
    let header = section.span.clone();
    let name = read_name(&mut section, reader, &header);
    let amount = read_amount(&mut section, reader, &header, "budget");
    let matches = read_matches(&mut section, reader, &MATCH_KEYS);
    let each_span = section.position("each");
    let each = read_each(&mut section, reader);
    let overrides = read_overrides(&mut section, reader, each_span.is_some());
    let currency = read_currency(&mut section, reader);
    let thresholds = read_thresholds(&mut section, reader);
    let severities = [Severity::Page, Severity::Notice].map(|severity| (severity.as_str(), severity));
    let severity = section.choice(reader, "severity", &severities).unwrap_or_default();
    let owner = read_owner(&mut section, reader, each_span.is_some());
    let runbook = read_runbook(&mut section, reader);
    if let Some((span, window)) = section.text(reader, "window") {
        match window.as_str() {
            "month" => {}
            "week" | "day" => reader.unsupported(&span, &format!("the window `{window}`")),
            _ => reader.invalid(&span, &format!("`window` is `{window}`: use month")),
        }
    }
    section.finish(reader, &["forecast"]);
    let ((span, name), amount) = (name?, amount?);
    let budget = Budget { name, matches, each, amount, currency, thresholds, severity, owner, runbook, overrides };
    Some((span, budget))
}

fn read_name(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, header: &Span) -> Option<(Span, String)> {
    let Some((span, name)) = section.text(reader, "name") else {
        if section.position("name").is_none() {
            reader.invalid(header, "a budget has no name: add name = \"…\", it is how messages call it");
        }
        return None;
    };
    if name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        reader.invalid(&span, &format!("`name` must be one line of at most {LONGEST_NAME} characters"));
    }
    Some((span, name))
}

/// An amount: a text such as `"5000.00"`, or a whole number. Never a number with a point, which is a float in TOML.
fn read_amount(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, header: &Span, of: &str) -> Option<Decimal> {
    let Some(span) = section.position("amount") else {
        reader.invalid(header, &format!("this {of} has no amount: add amount = \"5000.00\""));
        return None;
    };
    let (_, text) = section.number_text(reader, "amount")?;
    match text.parse::<Decimal>() {
        Ok(amount) if amount > Decimal::ZERO => Some(amount),
        Ok(amount) => {
            reader.invalid(&span, &format!("`amount` is {amount}: it must be above zero"));
            None
        }
        Err(error) => {
            reader.invalid(&span, &format!("`amount`: {error}"));
            None
        }
    }
}

fn read_currency(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> String {
    let Some((span, currency)) = section.text(reader, "currency") else { return "USD".to_owned() };
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        reader.invalid(&span, &format!("`currency` is `{currency}`: use a code of three capitals, such as USD"));
    }
    currency
}

fn read_thresholds(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Vec<u32> {
    let cure = ", so the budget would never fire: name percents, such as [80, 100]";
    let Some(values) = section.integers(reader, "thresholds", cure) else { return THRESHOLDS.to_vec() };
    let mut thresholds = Vec::new();
    for (span, value) in values {
        match u32::try_from(value) {
            Ok(0) | Err(_) => reader.invalid(&span, &format!("the threshold {value} is not a percent above zero")),
            Ok(percent) if thresholds.contains(&percent) => {
                reader.invalid(&span, &format!("the threshold {percent} stands twice: remove one"));
            }
            Ok(percent) => thresholds.push(percent),
        }
    }
    thresholds.sort_unstable();
    thresholds
}

/// What a rule matches: all must hold. Besides `known` keys there is `tag:NAME`.
pub(super) fn read_matches(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, known: &[&str]) -> Vec<Matcher> {
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

fn read_overrides(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, has_each: bool) -> Vec<BudgetOverride> {
    let mut overrides: Vec<BudgetOverride> = Vec::new();
    for mut table in section.sections(reader, "override") {
        let header = table.span.clone();
        if !has_each {
            reader.invalid(&header, "an override needs members: give the budget an `each`, or remove the override");
        }
        let member = table.text(reader, "member");
        if member.is_none() && table.position("member").is_none() {
            reader.invalid(&header, "this override has no member: add member = \"…\", the exact name");
        }
        let amount = read_amount(&mut table, reader, &header, "override");
        table.finish(reader, &[]);
        let (Some((span, member)), Some(amount)) = (member, amount) else { continue };
        if overrides.iter().any(|earlier| earlier.member == member) {
            reader.invalid(&span, &format!("`{member}` has two overrides: remove one"));
        }
        overrides.push(BudgetOverride { member, amount });
    }
    overrides
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
        reader.invalid(&span, "`owner` holds {member}, but the budget has no members: give it an `each`");
    }
    for problem in owner.tags().filter_map(|tag| tag_key_problem(tag, &reader.kept)).collect::<Vec<_>>() {
        reader.invalid(&span, &format!("`owner`: {problem}"));
    }
    Some(owner)
}
