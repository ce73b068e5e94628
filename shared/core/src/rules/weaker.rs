//! What a new configuration no longer tells, tells later, or tells more quietly than the one before: each in a sentence
//! without its end. Whoever may write the configuration can silence an alert this way; operations is told of it.

use std::collections::BTreeMap;
use std::fmt::Display;

use chrono::{DateTime, Utc};

use crate::facts::spend::{CostPolicy, counted};
use crate::money::decimal::Decimal;
use crate::rules::anomaly::Anomaly;
use crate::rules::budget::Budget;
use crate::rules::delta::Delta;
use crate::rules::evaluation::Rules;
use crate::rules::hygiene::Hygiene;
use crate::rules::mute::Mute;
use crate::rules::overrides::compared;
use crate::rules::rule::{Kind, Rule, Severity};
use crate::rules::sentence;
use crate::text::{money, name};

/// How many columns a name may take.
const NAME: usize = 64;
/// How many members of a budget are named.
const MEMBERS: usize = 5;

/// Rules that are gone, tell less or of less, in the order of the old configuration: those that are gone first.
pub fn rules(old: &Rules, new: &Rules) -> Vec<String> {
    let sentences: BTreeMap<_, _> = sentence::of_all(old).into_iter().map(|(rule, text)| (&rule.name, text)).collect();
    let is_gone = |(rule, kind): &(&Rule, Kind)| !new.all().any(|(found, of)| found.name == rule.name && of == *kind);
    let gone = old.all().filter(is_gone).map(|(rule, kind)| {
        let said =
            sentences.get(&rule.name).map(|text| format!(": {}", text.trim_end_matches('.'))).unwrap_or_default();
        format!("{} is gone{said}", called(rule, kind))
    });
    let mut said: Vec<String> = gone.collect();
    for (old, new) in pairs(&old.budgets, &new.budgets, |budget| &budget.rule) {
        said.extend(budget(old, new));
    }
    for (old, new) in pairs(&old.deltas, &new.deltas, |delta| &delta.rule) {
        said.extend(delta(old, new));
    }
    for (old, new) in pairs(&old.anomalies, &new.anomalies, |anomaly| &anomaly.rule) {
        said.extend(anomaly(old, new));
    }
    for (old, new) in pairs(&old.hygiene, &new.hygiene, |hygiene| &hygiene.rule) {
        said.extend(hygiene(old, new));
    }
    said
}

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
fn raised<T: PartialOrd + Display>(what: &str, old: &T, new: &T) -> Option<String> {
    if new > old { instead(what, old, new) } else { None }
}

/// Each old rule with the new one of its name.
fn pairs<'a, T>(old: &'a [T], new: &'a [T], rule: impl Fn(&T) -> &Rule) -> Vec<(&'a T, &'a T)> {
    let named = |of: &T| new.iter().find(|found| rule(found).name == rule(of).name);
    old.iter().filter_map(|of| Some((of, named(of)?))).collect()
}

/// `budget search`.
fn called(rule: &Rule, kind: Kind) -> String {
    format!("{kind} {}", name(&rule.name, NAME))
}

/// What every rule can lose. What it matches cannot be compared: another match is always told.
fn common(old: &Rule, new: &Rule, called: &str) -> Vec<String> {
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

fn budget(old: &Budget, new: &Budget) -> Vec<String> {
    let called = called(&old.rule, Kind::Budget);
    let mut said = common(&old.rule, &new.rule, &called);
    let of = |amount| money(&new.rule.currency, amount);
    if new.amount > old.amount {
        said.push(format!("{called} allows {}, before {}", of(new.amount), of(old.amount)));
    }
    said.extend(instead(&format!("{called} is for a"), &old.window, &new.window));
    said.extend(lost(&old.thresholds, &new.thresholds).map(|lost| format!("{called} no longer tells of {lost}")));
    let heading = lost(&old.forecast, &new.forecast);
    said.extend(heading.map(|lost| format!("{called} no longer tells that spend is heading past {lost}")));
    said.extend(overrides(old, new, &called));
    said
}

/// Members that may spend more than before, beyond what all may.
fn overrides(old: &Budget, new: &Budget, called: &str) -> Vec<String> {
    let limits = |budget: &Budget| -> BTreeMap<String, Decimal> {
        let each = budget.rule.each.as_ref();
        budget.overrides.iter().map(|own| (compared(&own.member, each), own.amount)).collect()
    };
    let (before, now) = (limits(old), limits(new));
    let mut more: Vec<_> = Vec::new();
    for member in before.keys().chain(now.keys().filter(|member| !before.contains_key(*member))) {
        let was = before.get(member).copied().unwrap_or(old.amount);
        let is = now.get(member).copied().unwrap_or(new.amount);
        if is > was {
            let of = |amount| money(&new.rule.currency, amount);
            more.push(format!("{called} allows {} {}, before {}", name(member, NAME), of(is), of(was)));
        }
    }
    let left_out = more.len().saturating_sub(MEMBERS);
    more.truncate(MEMBERS);
    if left_out > 0 {
        more.push(format!("{called} allows {left_out} more members more than before"));
    }
    more
}

/// The percents that are not there any more: `50% and 80%`.
fn lost(old: &[u32], new: &[u32]) -> Option<String> {
    let gone: Vec<_> =
        old.iter().filter(|percent| !new.contains(percent)).map(|percent| format!("{percent}%")).collect();
    let (last, others) = gone.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) })
}

fn delta(old: &Delta, new: &Delta) -> Vec<String> {
    let called = called(&old.rule, Kind::Delta);
    let of = |amount| money(&new.rule.currency, amount);
    let mut said = common(&old.rule, &new.rule, &called);
    said.extend(instead(&format!("{called} compares with"), &old.against, &new.against));
    let percent = raised(&format!("{called} needs a rise in percent of"), &old.rise_percent, &new.rise_percent);
    let amount = (new.rise_amount > old.rise_amount)
        .then(|| format!("{called} needs a rise of {}, before {}", of(new.rise_amount), of(old.rise_amount)));
    said.extend(percent.into_iter().chain(amount));
    said
}

fn anomaly(old: &Anomaly, new: &Anomaly) -> Vec<String> {
    let called = called(&old.rule, Kind::Anomaly);
    let of = |amount| money(&new.rule.currency, amount);
    let mut said = common(&old.rule, &new.rule, &called);
    let more = |what: &str, old: Decimal, new: Decimal| {
        (new > old).then(|| format!("{called} {what} {}, before {}", of(new), of(old)))
    };
    said.extend(more("needs at least", old.minimum, new.minimum));
    said.extend(raised(&format!("{called} needs deviations from the usual of"), &old.deviations, &new.deviations));
    said.extend(raised(&format!("{called} calls a day runaway from a multiple of"), &old.runaway, &new.runaway));
    said.extend(more("tells of new spenders above", old.new_above, new.new_above));
    said
}

fn hygiene(old: &Hygiene, new: &Hygiene) -> Vec<String> {
    let called = called(&old.rule, Kind::Hygiene);
    let of = |amount| money(&new.rule.currency, amount);
    let mut said = common(&old.rule, &new.rule, &called);
    said.extend(instead(&format!("{called} looks for spend without"), &old.lack.to_string(), &new.lack.to_string()));
    said.extend(raised(&format!("{called} needs a share in percent of"), &old.percent, &new.percent));
    if new.amount > old.amount {
        said.push(format!("{called} needs {}, before {}", of(new.amount), of(old.amount)));
    }
    said
}
