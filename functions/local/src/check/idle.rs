//! Settings of a configuration that change nothing in a ledger: most often names that are spelled otherwise on the bill.

use std::collections::BTreeSet;

use spend_core::fact::{Fact, FactField};
use spend_core::principal::{Identity, IdentityKind, KeepSessions};
use spend_core::{model, people, text};
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

/// A line for each, and for each role that may be people whom no setting names.
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
    let kept = KeepSessions::new(config.keep_sessions.iter().map(String::as_str));
    let roles = principals.iter().copied().filter(|arn| Identity::of(arn, &kept).kind == IdentityKind::Role);
    let people = people::find(roles)
        .into_iter()
        .map(|role| format!("keep_sessions: notice: {}", text::clean(&role.to_string())));
    sessions.chain(aliases).chain(people).collect()
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
                "arn:aws:sts::111122223333:assumed-role/OktaDevelopers/ana@example.com",
                "arn:aws:sts::111122223333:assumed-role/PingUsers/ana@example.com",
                "arn:aws:sts::111122223333:assumed-role/PingUsers/bo@example.com",
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
            "keep_sessions: notice: PingUsers: 2 sessions look like people; if your identity provider sets them, add the \
             role to keep_sessions",
        ];
        assert_eq!(lines, expected);
    }
}
