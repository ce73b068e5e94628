//! Rules that nobody matches: what is silent is told to operations, once for each silence.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::calendar::window::end_of;
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::Fact;
use spend_core::facts::matcher::Matcher;
use spend_core::messages::operations::silent::{SilentRule, UnmatchedPart};
use spend_core::rules::rule::Rule;
use spend_core::text::near::near;

use crate::alert::state::AlertState;
use crate::config::Config;
use crate::outputs::operations::Note;
use crate::state::book::Book;

/// How long a rule may match nobody: a team on holiday is no mistake.
const SILENT_FOR: TimeDelta = TimeDelta::days(14);

/// How many values are named where none is like what was written.
const NAMED: usize = 5;

/// The last day of each combination of values that rules can match by, with a fact that has them: few, however many
/// facts there are, so that rules are held against them and not against every fact.
pub(super) struct Values<'a>(Vec<(Fact<'a>, NaiveDate)>);

impl<'a> Values<'a> {
    /// Those of what counts as spend.
    pub(super) fn of(config: &Config, book: &'a Book) -> Self {
        let matchers = config.rules.rules().flat_map(|rule| &rule.matches);
        let dimensions: BTreeSet<&Dimension> = matchers.map(Matcher::dimension).collect();
        let mut last: HashMap<Vec<Cow<'a, str>>, (Fact<'a>, NaiveDate)> = HashMap::new();
        if dimensions.is_empty() {
            return Self(Vec::new());
        }
        for fact in book.facts().filter(|fact| config.cost.spend(*fact).is_some()) {
            let values = dimensions.iter().map(|dimension| dimension.value(fact)).collect();
            let (_, day) = last.entry(values).or_insert((fact, fact.day()));
            *day = fact.day().max(*day);
        }
        Self(last.into_values().collect())
    }

    /// The last day on which each rule that is not about everything matched somebody, in the months of the book.
    pub(super) fn last_matched(&self, config: &Config) -> BTreeMap<String, Option<NaiveDate>> {
        let narrow = config.rules.rules().filter(|rule| !rule.matches.is_empty());
        let last = |rule: &Rule| {
            let matched = self.0.iter().filter(|(fact, _)| rule.matches(*fact));
            matched.map(|(_, day)| *day).max()
        };
        narrow.map(|rule| (rule.name.clone(), last(rule))).collect()
    }

    /// What there is in the place of a part of a match that nobody matches.
    fn unmatched(&self, part: &Matcher) -> Option<UnmatchedPart> {
        if self.0.iter().any(|(fact, _)| part.matches(*fact)) {
            return None;
        }
        let values: BTreeSet<String> =
            self.0.iter().map(|(fact, _)| part.dimension().value(*fact).into_owned()).collect();
        let values: Vec<_> = values.into_iter().filter(|value| !value.is_empty()).collect();
        let written = part.glob().replace(['*', '?'], "");
        let similar = if written.is_empty() { Vec::new() } else { near(&written, values.iter().map(String::as_str)) };
        Some(UnmatchedPart { part: part.to_string(), similar, values: values.into_iter().take(NAMED).collect() })
    }
}

/// The notes to leave of rules that had matched nobody for two weeks when the newest data was made.
pub(super) fn notes(
    state: &AlertState,
    config: &Config,
    values: &Values<'_>,
    newest: Option<DateTime<Utc>>,
) -> Vec<Note> {
    let Some(newest) = newest else { return Vec::new() };
    let mut notes = Vec::new();
    for kind in config.rules.all() {
        let rule = kind.rule();
        let Some(known) = state.rules.get(&rule.name).filter(|_| !rule.matches.is_empty()) else { continue };
        let since = known.matched.map_or(known.first_seen, |day| end_of(day).max(known.first_seen));
        if newest < since + SILENT_FOR {
            continue;
        }
        let unmatched: Vec<_> = rule.matches.iter().filter_map(|part| values.unmatched(part)).collect();
        let silent = SilentRule {
            rule: &rule.name,
            sentence: &kind.sentence(),
            first_seen: known.first_seen,
            matched: known.matched,
            unmatched: &unmatched,
        };
        let id = format!("rule-silent:{}:{}", rule.name, since.date_naive());
        notes.push(Note { id, text: silent.text() });
    }
    notes
}
