//! Rules that nobody matches: what is silent is told to operations, once for each silence.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::near::near;
use spend_core::operations_text::{SilentRule, UnmatchedPart};
use spend_core::rule::{Matcher, Rule};
use spend_core::sentence;
use spend_core::window::end_of;

use super::state::AlertState;
use crate::book::Book;
use crate::config::Config;
use crate::operations::Note;

/// How long a rule may match nobody: a team on holiday is no mistake.
const SILENT_FOR: TimeDelta = TimeDelta::days(14);

/// How many values are named where none is like what was written.
const NAMED: usize = 5;

/// The last day on which each rule that is not about everything matched somebody, in the months of the book.
pub(super) fn last_matched(config: &Config, book: &Book) -> BTreeMap<String, Option<NaiveDate>> {
    let narrow = config.rules.all().filter(|(rule, _)| !rule.matches.is_empty());
    let last = |rule: &Rule| {
        let matched = book.facts().filter(|fact| rule.matches(&fact.key) && config.cost.spend(fact).is_some());
        matched.map(|fact| fact.key.usage_date).max()
    };
    narrow.map(|(rule, _)| (rule.name.clone(), last(rule))).collect()
}

/// The notes to leave of rules that had matched nobody for two weeks when the newest data was made.
pub(super) fn notes(state: &AlertState, config: &Config, book: &Book, newest: Option<DateTime<Utc>>) -> Vec<Note> {
    let Some(newest) = newest else { return Vec::new() };
    let mut notes = Vec::new();
    for (rule, sentence) in sentence::of_all(&config.rules) {
        let Some(known) = state.rules.get(&rule.name).filter(|_| !rule.matches.is_empty()) else { continue };
        let since = known.matched.map_or(known.first_seen, |day| end_of(day).max(known.first_seen));
        if newest < since + SILENT_FOR {
            continue;
        }
        let unmatched: Vec<_> = rule.matches.iter().filter_map(|part| unmatched(part, config, book)).collect();
        let silent = SilentRule {
            rule: &rule.name,
            sentence: &sentence,
            first_seen: known.first_seen,
            matched: known.matched,
            unmatched: &unmatched,
        };
        let id = format!("rule-silent:{}:{}", rule.name, since.date_naive());
        notes.push(Note { id, text: silent.text() });
    }
    notes
}

/// What there is in the place of a part of a match that nobody matches.
fn unmatched(part: &Matcher, config: &Config, book: &Book) -> Option<UnmatchedPart> {
    let counted = || book.facts().filter(|fact| config.cost.spend(fact).is_some());
    if counted().any(|fact| part.matches(&fact.key)) {
        return None;
    }
    let values: BTreeSet<String> = counted().map(|fact| part.dimension().value(&fact.key).into_owned()).collect();
    let values: Vec<_> = values.into_iter().filter(|value| !value.is_empty()).collect();
    let written = part.glob().replace(['*', '?'], "");
    let similar = if written.is_empty() { Vec::new() } else { near(&written, values.iter().map(String::as_str)) };
    Some(UnmatchedPart { part: part.to_string(), similar, values: values.into_iter().take(NAMED).collect() })
}
