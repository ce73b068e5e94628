//! Which levels the rules of a configuration have, and since when: whatever is new about a rule is silent on windows
//! that had ended before.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use spend_core::facts::spend::CostPolicy;
use spend_core::money::decimal::Decimal;
use spend_core::rules::finding::Level;
use spend_core::rules::rule::{Kind, Rule};

use crate::alert::crossing::{CrossedLevel, Crossing, Told};
use crate::alert::state::{AlertState, RuleState};
use crate::config::Config;
use crate::state::keys;

/// What a rule asks for.
pub(super) struct Asked {
    /// A hash of what it is about: with another one every level is another.
    definition: String,
    /// What can be crossed, by [`name`].
    pub(super) levels: BTreeSet<String>,
}

/// What a level is known by within its rule.
pub(super) fn name(kind: Kind, level: &str, amount: Decimal) -> String {
    format!("{kind}:{level}:{amount}")
}

/// What the rules of a configuration ask for, by name.
pub(super) fn asked(config: &Config) -> BTreeMap<String, Asked> {
    let asked = config.rules.all().map(|rule| {
        let levels = rule.levels().into_iter().map(|(kind, level, amount)| name(kind, &level, amount)).collect();
        let definition = definition(rule.rule(), &rule.about(), &config.cost);
        (rule.rule().name.clone(), Asked { definition, levels })
    });
    asked.collect()
}

fn definition(rule: &Rule, about: &str, cost: &CostPolicy) -> String {
    let each = rule.each.as_ref().map(ToString::to_string).unwrap_or_default();
    let count: Vec<_> = cost.count.iter().map(|category| category.as_str()).collect();
    keys::hash(&[&rule.scope(), &each, &rule.currency, about, cost.basis.as_str(), &count.join(",")])
}

impl AlertState {
    /// Gets to know what is asked for now, and forgets what is not: it is new when it comes back.
    pub(super) fn meet(&mut self, asked: BTreeMap<String, Asked>, now: DateTime<Utc>) {
        self.rules.retain(|name, _| asked.contains_key(name));
        for (name, asked) in asked {
            let rule = self.rules.entry(name).or_insert_with(|| RuleState::first_seen(now));
            // A clock that ran ahead then made months look over that are not.
            rule.first_seen = rule.first_seen.min(now);
            if rule.definition != asked.definition {
                // Where none was kept, the rule is as it was.
                if !rule.definition.is_empty() {
                    (rule.first_seen, rule.matched) = (now, None);
                }
                rule.levels = asked.levels.iter().map(|level| (level.clone(), rule.first_seen)).collect();
                rule.definition = asked.definition;
            }
            rule.levels.retain(|level, _| asked.levels.contains(level));
            for level in asked.levels {
                let since = rule.levels.entry(level).or_insert(now);
                *since = (*since).min(now);
            }
        }
    }

    /// Since when a level of a rule is asked for.
    pub(super) fn level_since(&self, rule: &str, kind: Kind, level: &str, amount: Decimal) -> Option<DateTime<Utc>> {
        self.rules.get(rule)?.levels.get(&name(kind, level, amount)).copied()
    }

    /// Whether a level is past only because its amount was raised: with a smaller amount a higher one of the same
    /// incident is known, and until this evaluation one at least as high was crossed. What was crossed is armed again by
    /// the evaluation that finds another amount, so what is crossed later is news.
    pub(super) fn was_known_higher(&self, incident: &str, level: &Level) -> bool {
        let Ok(asked) = level.name.parse::<CrossedLevel>() else { return false };
        let smaller = || self.of_incident(incident).filter(|known| known.amount < level.amount);
        smaller().any(|known| known.told != Told::Muted && known.level > asked)
            && smaller().any(|known| known.told != Told::Muted && known.is_crossed && known.level >= asked)
    }

    /// What is known of an incident.
    fn of_incident(&self, incident: &str) -> impl Iterator<Item = &Crossing> {
        let prefix = format!("{incident}:");
        let from = self.crossings.range(prefix.clone()..);
        from.take_while(move |(key, _)| key.starts_with(&prefix)).map(|(_, crossing)| crossing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both are stored: another text makes every rule and every level a new one.
    #[test]
    fn what_rules_and_levels_are_known_by_stays_what_it_is() {
        let config = "[[budget]]\nname = \"b\"\nmatch = { model = \"claude*\" }\neach = \"identity\"\namount = 100\nthresholds = [80]\n\
                      [[delta]]\nname = \"d\"\n[[anomaly]]\nname = \"a\"\n[[hygiene]]\nname = \"h\"\nlack = \"principal\"\n";
        let asked = asked(&Config::parse("ledger.toml", config).unwrap());
        let found: Vec<_> = asked.values().map(|asked| (asked.definition.as_str(), asked.levels.clone())).collect();
        let levels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let anomaly = levels(&["anomaly:new:100", "anomaly:runaway:50", "anomaly:spike:50"]);
        assert_eq!(
            found,
            [
                ("27d0e069d92d64c57b85da77753ce21912f672a4682a04c94b9ad98ee790b408", anomaly),
                ("d9f98ad89ca46f3137210ef3f46c51c6cb508d65f26c3c92742cc79f6c4d24b6", levels(&["budget:80:100"])),
                ("a9fce3729dc79c0778741868738e89ce46fa6beb2910ba9d26514c3966c0446a", levels(&["delta:50:100"])),
                ("ab66dcff9bdd741548eec0041ce2e0da3bfc45c3267649818baf2cd916a23b82", levels(&["hygiene:10:100"])),
            ]
        );
    }
}
