//! Lines that alerts, summaries and resolved alerts have in common.

use chrono::{DateTime, Utc};

use crate::calendar::data_status::DataStatus;
use crate::facts::spend::{Basis, CostPolicy};
use crate::text::lines::{label, labelled};
use crate::text::{NONE, SEVERAL, WIDTH, columns, instant, name, shorten, without_links};

/// How many columns a name may take before it is cut.
pub(crate) const NAME: usize = 54;

/// Whom to call; `is_of_spend` says that the rule could not name anybody.
pub(crate) fn owner(owner: Option<&str>, is_of_spend: bool) -> String {
    match owner {
        // A call list that says "(several)" helps nobody.
        Some(owner) if owner.contains(SEVERAL) => {
            let whose = if is_of_spend { "the spend has several owners" } else { "the tags disagree" };
            format!("{}: {whose}", name(owner, 48))
        }
        Some(owner) if is_of_spend => {
            format!("{}: owns the spend; the bill lacks the name that the rule asks for", name(owner, 48))
        }
        Some(owner) if owner.contains(NONE) => "not known: the bill does not name one".to_owned(),
        Some(owner) => format!("{}: call them first", name(owner, 48)),
        None => "none: the rule names no owner".to_owned(),
    }
}

/// Up to when the bill speaks, how old that is, and since when it could be known.
pub(crate) fn data_lines(data: &DataStatus, known_since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Vec<String> {
    let as_of = data.as_of.map_or_else(
        || "not known".to_owned(),
        |as_of| {
            let hours = (now - as_of).num_hours().max(0);
            let age = if hours < 72 { format!("{hours} h") } else { format!("{} days", hours / 24) };
            format!("{}, {age} old", instant(as_of))
        },
    );
    let known = known_since.map_or_else(String::new, |at| format!("; known since {}", at.format("%-d %b %H:%M")));
    let mut lines = labelled("Data as of", &format!("{as_of}{known}"));
    if data.unverified {
        lines.extend(labelled("Unverified", "the bill was counted as found; it may be incomplete"));
    }
    lines
}

/// What a report of what counts as spend begins with, in parts that a line may be broken between.
pub(crate) fn words(by: &str, policy: &CostPolicy) -> Vec<String> {
    let categories: Vec<_> = policy.count.iter().map(|category| category.as_str()).collect();
    let mut words = vec!["bedrock-ledger report --ledger DIR".to_owned(), format!("--by {by}")];
    words.push(format!("--category {}", categories.join(",")));
    if policy.basis == Basis::NetUnblended {
        words.push(format!("--basis {}", policy.basis.as_str()));
    }
    words
}

/// A command on lines that can be pasted together.
pub(crate) fn command(words: Vec<String>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = label("Reproduce");
    let mut is_empty = true;
    for word in words {
        // Room for what says that the command goes on.
        if !is_empty && columns(&line) + 1 + columns(&word) > WIDTH - 2 {
            lines.push(format!("{line} \\"));
            line = format!("{}  ", label(""));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(&word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// An alert's id: names of members are parts of it.
pub(crate) fn id(alert_id: &str) -> String {
    shorten(&without_links(alert_id), 2 * NAME)
}
