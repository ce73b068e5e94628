//! Settings of a configuration that change nothing in a ledger: most often names that are spelled otherwise on the bill.

use std::collections::BTreeSet;

use spend_core::fact::{Fact, FactField};
use spend_core::model;
use spend_core::principal::{Identity, KeepSessions};
use spend_core::text;
use spend_ledger::config::Config;

/// What a ledger has that settings may name.
#[derive(Debug, Default)]
pub(super) struct Billed<'a> {
    principals: BTreeSet<&'a str>,
    models: BTreeSet<&'a str>,
}

impl<'a> Billed<'a> {
    pub(super) fn of(facts: impl Iterator<Item = &'a Fact>) -> Self {
        let mut billed = Self::default();
        for fact in facts {
            billed.principals.insert(fact.key.get(FactField::Principal));
            billed.models.insert(fact.key.get(FactField::ModelAsBilled));
        }
        billed
    }
}

/// A line for each.
pub(super) fn settings(config: &Config, billed: &Billed<'_>) -> Vec<String> {
    let Billed { principals, models } = billed;
    let nobody = KeepSessions::default();
    let sessions = config.keep_sessions.iter().filter(|glob| {
        let kept = KeepSessions::new([glob.as_str()]);
        !principals.iter().any(|principal| Identity::of(principal, &kept) != Identity::of(principal, &nobody))
    });
    let aliases = config.model_aliases.keys().filter(|alias| {
        !models.iter().any(|billed| *billed == alias.as_str() || model::canonical(billed).name == **alias)
    });
    let sessions = sessions.map(|glob| {
        let glob = text::shown(glob);
        format!(
            "keep_sessions: notice: {glob} makes nobody a person in three months: no session of such a role has called"
        )
    });
    let aliases = aliases.map(|alias| {
        let alias = text::shown(alias);
        format!(
            "models: notice: {alias} is no model that the bill names in three months, neither as billed nor by its name"
        )
    });
    sessions.chain(aliases).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_is_named_and_what_changes_something_is_not() {
        let billed = Billed {
            principals: [
                "",
                "arn:aws:sts::111122223333:assumed-role/OktaDevelopers/Frank",
                "arn:aws:iam::111122223333:user/alice",
            ]
            .into(),
            models: ["", "Claude4.6Sonnet"].into(),
        };
        let config = "[identity]\nkeep_sessions = [\"Okta*\", \"nope*\"]\n\
                      [models]\n\"claude-sonnet-4.6\" = \"a\"\n\"Claude4.6Sonnet\" = \"b\"\nfoo = \"c\"\n";
        let config = Config::parse("c.toml", config).unwrap();
        let lines = settings(&config, &billed);
        let expected = [
            "keep_sessions: notice: nope* makes nobody a person in three months: no session of such a role has called",
            "models: notice: foo is no model that the bill names in three months, neither as billed nor by its name",
        ];
        assert_eq!(lines, expected);
    }
}
