//! What a new configuration no longer tells, tells later, or tells more quietly than the one before: each in a sentence
//! without its end. Whoever may write the configuration can silence an alert this way; operations is told of it.

use std::fmt::Display;

use chrono::{DateTime, Utc};

use crate::facts::spend::{CostPolicy, counted};
use crate::rules::mute::Mute;
use crate::rules::rule::{Kind, Rule, Severity};
use crate::rules::sentence;
use crate::text::name;

pub(crate) const NAME: usize = 64;

/// Mutes that withhold messages at `now` and are new, longer or of more members.
pub fn mutes(old: &[Mute], new: &[Mute], now: DateTime<Utc>) -> Vec<String> {
    let is_known = |mute: &Mute| {
        let covers = |known: &Mute| known.member == "*" || known.member == mute.member;
        old.iter().any(|known| known.rule == mute.rule && covers(known) && known.until >= mute.until)
    };
    let told = new.iter().filter(|mute| mute.is_in_force(now) && !is_known(mute)).map(|mute| {
        let whom = if mute.member == "*" { String::new() } else { format!(" for {}", name(&mute.member, NAME)) };
        let (rule, until) = (name(&mute.rule, NAME), mute.until.format("%-d %b %Y"));
        format!("rule {rule} is muted{whom} until {until}, because: {}", name(&mute.reason, 2 * NAME))
    });
    told.collect()
}

/// Whether other costs count as spend.
pub fn cost(old: &CostPolicy, new: &CostPolicy) -> Option<String> {
    instead("what counts as spend is", &counted(old), &counted(new))
}

/// `WHAT NEW, before OLD`, where they differ.
pub fn instead<T: PartialEq + Display>(what: &str, old: &T, new: &T) -> Option<String> {
    (old != new).then(|| format!("{what} {new}, before {old}"))
}

/// The same where the new number is the larger one.
pub(crate) fn raised<T: PartialOrd + Display>(what: &str, old: &T, new: &T) -> Option<String> {
    if new > old { instead(what, old, new) } else { None }
}

/// `budget search`.
pub(crate) fn called(rule: &Rule, kind: Kind) -> String {
    format!("{kind} {}", name(&rule.name, NAME))
}

/// What every rule can lose. What it matches cannot be compared: another match is always told.
pub(crate) fn common(old: &Rule, new: &Rule, called: &str) -> Vec<String> {
    let whom =
        |rule: &Rule| rule.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| name(&owner.to_string(), NAME));
    let quieter = (old.severity == Severity::Page && new.severity == Severity::Notice)
        .then(|| format!("{called} no longer pages: its severity is notice"));
    let changes = [
        quieter,
        instead(&format!("{called} is about"), &sentence::whom(old), &sentence::whom(new)),
        instead(&format!("{called} counts"), &name(&old.currency, NAME), &name(&new.currency, NAME)),
        instead(&format!("{called} calls"), &whom(old), &whom(new)),
    ];
    changes.into_iter().flatten().collect()
}
