//! Reading the rules of every kind.

use std::collections::BTreeMap;

use spend_core::rules::evaluation::Rules;

use crate::config::reader::{Reader, Section};
use crate::config::{anomalies, budgets, deltas, hygiene};

/// Reads the rules of every kind. Names are unique over all of them: mutes and messages call a rule by its name alone.
pub(super) fn read(root: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Rules {
    let budgets = sections(root, reader, "budget", budgets::read);
    let deltas = sections(root, reader, "delta", deltas::read);
    let anomalies = sections(root, reader, "anomaly", anomalies::read);
    let hygiene = sections(root, reader, "hygiene", hygiene::read);
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = reader.names.clone();
    names.sort_by_key(|(span, _)| span.start);
    for (span, name) in names {
        let line = reader.line(&span);
        match lines.get(&name) {
            Some(earlier) => {
                reader
                    .invalid(&span, &format!("the rule `{name}` stands on line {earlier} too: give one another name"));
            }
            None => drop(lines.insert(name, line)),
        }
    }
    Rules { budgets, deltas, anomalies, hygiene }
}

/// What reads one rule; `None` after a problem without which it cannot be made.
type ReadRule<T> = fn(Section<'_, '_>, &mut Reader<'_>) -> Option<T>;

fn sections<T>(root: &mut Section<'_, '_>, reader: &mut Reader<'_>, key: &str, read: ReadRule<T>) -> Vec<T> {
    root.sections(reader, key).into_iter().filter_map(|section| read(section, reader)).collect()
}
