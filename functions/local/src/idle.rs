//! What of a configuration selects nothing in a ledger: most often names that are spelled otherwise on the bill. `run`
//! and `check` tell the same.

use std::collections::BTreeSet;

use spend_core::allocation::split::SplitWhat;
use spend_core::bill::model;
use spend_core::bill::principal::{Identity, IdentityKind, KeepSessions};
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::{Fact, FactField};
use spend_core::facts::grouping::distinct;
use spend_core::facts::matcher::Matcher;
use spend_core::facts::{people, selection};
use spend_core::rules::finding::Lack;
use spend_core::rules::mute::Mute;
use spend_core::rules::overrides::{BudgetOverride, compared};
use spend_core::rules::rule::Rule;
use spend_core::text;
use spend_ledger::config::Config;
use spend_ledger::state::book::Book;

/// How many members with a limit of their own are named of those that are not there.
const NAMED: usize = 5;

/// A line for each rule and setting that selects nothing in the months that rules look at.
pub(crate) fn all(config: &Config, book: &Book) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in config.rules.rules() {
        let name = text::clean(&rule.name);
        lines.extend(of_rule(rule, config, book).into_iter().map(|notice| format!("{name}: {notice}")));
    }
    for mute in &config.mutes {
        lines
            .extend(of_mute(mute, config, book).map(|notice| format!("mute of {}: {notice}", text::clean(&mute.rule))));
    }
    lines.extend(settings(config, book).into_iter().map(|(subject, notice)| format!("{subject}: {notice}")));
    lines
}

/// What of a rule selects nothing: the rule itself, or members with a limit of their own.
pub(crate) fn of_rule(rule: &Rule, config: &Config, book: &Book) -> Vec<String> {
    let matched = || book.facts().filter(|fact| rule.matches(*fact) && config.cost.spend(*fact).is_some());
    if matched().next().is_none() {
        let reasons = unmatched(&rule.matches, book);
        return vec![if reasons.is_empty() {
            "it matches nobody today".to_owned()
        } else {
            format!("it matches nobody today: {}", reasons.join("; "))
        }];
    }
    let mut notices: Vec<_> = tag_of(rule, config).and_then(|key| unknown(key, book)).into_iter().collect();
    let currencies: BTreeSet<_> = matched().map(|fact| fact.get(FactField::Currency)).collect();
    if !currencies.contains(rule.currency.as_str()) {
        let spent: Vec<_> = currencies.into_iter().map(text::shown).collect();
        notices.push(format!("nothing of it is spent in {}, but in {}", rule.currency, spent.join(", ")));
    }
    notices.extend(unlisted(rule, matched()));
    let budget = config.rules.budgets.iter().find(|budget| budget.rule.name == rule.name);
    let Some((budget, each)) = budget.zip(rule.each.as_ref()) else { return notices };
    let members: BTreeSet<_> = matched().map(|fact| each.value(fact)).collect();
    let known = |own: &&BudgetOverride| {
        let name = compared(&own.member, Some(each));
        members.contains(if name == text::NONE { "" } else { name.as_str() })
    };
    let unknown: Vec<_> = budget.overrides.iter().filter(|own| !known(own)).collect();
    for own in unknown.iter().take(NAMED) {
        let member = text::shown(&own.member);
        let meant = selection::meant(&own.member, members.iter().map(|member| &**member));
        let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
        notices.push(if own.member.contains(['*', '?']) {
            format!("{member} is no {each}: a limit of its own is for one member, by its exact name")
        } else {
            format!("it has no member {member}, who has a limit of its own{meant}")
        });
    }
    if let Some(more) = unknown.len().checked_sub(NAMED).filter(|more| *more > 0) {
        notices.push(format!("nor has it {more} more members, who have limits of their own"));
    }
    notices
}

/// Which values of the bill the rule's owner is not filled with.
fn unlisted<'a>(rule: &Rule, facts: impl Iterator<Item = Fact<'a>>) -> Option<String> {
    let owner = rule.owner.as_ref()?;
    let values: BTreeSet<_> = facts.filter_map(|fact| owner.unlisted(rule.each.as_ref(), fact)).collect();
    let named: Vec<_> = values.iter().take(NAMED).map(|value| text::shown(value)).collect();
    let more = match values.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!values.is_empty()).then(|| {
        format!(
            "its owner {owner} is not filled with {}{more}, which nothing in the configuration lists: the owner of the spend \
             or fallback_owner is called; list values in [tags.allowed] or whole owners in owners of [alerts]",
            named.join(", ")
        )
    })
}

/// The tag that tells a rule's members apart, or whose lack it is about.
fn tag_of<'a>(rule: &'a Rule, config: &'a Config) -> Option<&'a str> {
    let lacks = config.rules.hygiene.iter().find(|hygiene| hygiene.rule.name == rule.name).map(|hygiene| &hygiene.lack);
    match (&rule.each, lacks) {
        (Some(Dimension::Tag(key)), _) | (_, Some(Lack::Tag(key))) => Some(key),
        _ => None,
    }
}

/// That no line has a tag, and which may have been meant.
fn unknown(key: &str, book: &Book) -> Option<String> {
    let known = selection::tags(book.facts());
    (!known.contains(key)).then(|| selection::unknown_tag(key, &known))
}

/// Whether there is anybody to mute.
pub(crate) fn of_mute(mute: &Mute, config: &Config, book: &Book) -> Option<String> {
    let rule = config.rules.rules().find(|rule| rule.name == mute.rule)?;
    let member = |fact: Fact<'_>| rule.each.as_ref().map(|each| text::or_none(&each.value(fact)).to_owned());
    let mutes =
        |fact: Fact<'_>| rule.matches(fact) && mute.matches(&rule.name, rule.each.as_ref(), member(fact).as_deref());
    (!book.facts().any(mutes)).then(|| "it mutes nobody today".to_owned())
}

/// Why none of `matches` alone matches anything.
fn unmatched(matches: &[Matcher], book: &Book) -> Vec<String> {
    matches.iter().filter_map(|matcher| selection::unmatched(matcher, book.facts())).collect()
}

/// Settings that are no rules, each with what is to be said of it, and roles that may be people whom no setting names.
pub(crate) fn settings(config: &Config, book: &Book) -> Vec<(String, String)> {
    let principals = distinct(book.facts(), FactField::Principal).into_iter().collect();
    let models = distinct(book.facts(), FactField::ModelAsBilled).into_iter().collect();
    let mut lines = names(config, &principals, &models);
    // Who has written nothing about tags need not have any.
    if config.required_tags != Config::default().required_tags {
        let unknown = config.required_tags.iter().filter_map(|key| unknown(key, book));
        lines.extend(unknown.map(|why| ("required of [tags]".to_owned(), why)));
    }
    let allowed = config.allowed_tags.keys().filter(|key| !config.required_tags.contains(key));
    lines.extend(allowed.filter_map(|key| unknown(key, book)).map(|why| ("[tags.allowed]".to_owned(), why)));
    for owner in &config.owner_rules {
        lines.extend(unmatched(&owner.matches, book).into_iter().map(|why| (format!("owner {owner}"), why)));
    }
    for split in &config.splits {
        if let SplitWhat::Identity(matcher) = &split.what {
            lines.extend(selection::unmatched(matcher, book.facts()).map(|why| (format!("split {split}"), why)));
        }
    }
    lines
}

fn names(config: &Config, principals: &BTreeSet<&str>, models: &BTreeSet<&str>) -> Vec<(String, String)> {
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
        let notice = format!("{glob} makes nobody a person in three months: no session of such a role has called");
        ("keep_sessions".to_owned(), notice)
    });
    let aliases = aliases.map(|alias| {
        let meant =
            selection::meant(alias, models.iter().copied()).map_or_else(String::new, |meant| format!("; {meant}"));
        let alias = text::shown(alias);
        let notice = format!(
            "{alias} is no model that the bill names in three months, neither as billed nor by its name{meant}"
        );
        ("models".to_owned(), notice)
    });
    let kept = KeepSessions::new(config.keep_sessions.iter().map(String::as_str));
    let roles = principals.iter().copied().filter(|arn| Identity::of(arn, &kept).kind == IdentityKind::Role);
    let people = people::find(roles).into_iter();
    let people = people.map(|role| ("keep_sessions".to_owned(), text::clean(&role.to_string()).into_owned()));
    sessions.chain(aliases).chain(people).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_is_named_and_what_changes_something_is_not() {
        let principals = [
            "",
            "arn:aws:sts::111122223333:assumed-role/OktaDevelopers/Frank",
            "arn:aws:sts::111122223333:assumed-role/OktaDevelopers/ana@example.com",
            "arn:aws:sts::111122223333:assumed-role/PingUsers/ana@example.com",
            "arn:aws:sts::111122223333:assumed-role/PingUsers/bo@example.com",
            "arn:aws:iam::111122223333:user/alice",
        ];
        let config = "[identity]\nkeep_sessions = [\"Okta*\", \"nope*\"]\n\
                      [models]\n\"claude-sonnet-4.6\" = \"a\"\n\"Claude4.6Sonnet\" = \"b\"\nfoo = \"c\"\n";
        let config = Config::parse("c.toml", config).unwrap();
        let lines = names(&config, &principals.into(), &["", "Claude4.6Sonnet"].into());
        let expected = [
            ("keep_sessions", "nope* makes nobody a person in three months: no session of such a role has called"),
            ("models", "foo is no model that the bill names in three months, neither as billed nor by its name"),
            (
                "keep_sessions",
                "PingUsers: 2 sessions look like people; if your identity provider sets them, add the role to keep_sessions",
            ),
        ];
        assert_eq!(lines, expected.map(|(subject, notice)| (subject.to_owned(), notice.to_owned())));
    }
}
