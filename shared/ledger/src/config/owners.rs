//! Reading `[[owner]]`.

use std::collections::BTreeSet;

use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::FactField;
use spend_core::facts::matcher::Matcher;
use spend_core::facts::owner::OwnerRule;
use spend_core::facts::owner_names::OwnerNames;
use spend_core::rules::owner_template::OwnerTemplate;
use spend_core::text::NONE;
use wildmatch::WildMatch;

use crate::config::reader::{Reader, Section};
use crate::config::rule::read_matches;
use crate::config::settings::Config;

/// What an owner's rule may match by, besides `tag:NAME`.
const MATCH_KEYS: [&str; 3] = ["identity", "principal", "account"];
/// The longest name of a team or cost center: it stands in tables and file columns.
const LONGEST_NAME: usize = 64;

pub(super) fn read(root: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Vec<OwnerRule> {
    root.sections(reader, "owner").into_iter().filter_map(|section| read_rule(section, reader)).collect()
}

/// The rule; `None` after a problem without which it cannot be made.
fn read_rule(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<OwnerRule> {
    let header = section.span.clone();
    let match_span = section.position("match");
    let matches = read_matches(&mut section, reader, &MATCH_KEYS);
    if match_span.is_none() || (matches.is_empty() && section.is_empty_table("match")) {
        let cure = "an owner needs to match something, or it would own everything: add match = { identity = \"…\" }";
        reader.invalid(&match_span.unwrap_or_else(|| header.clone()), cure);
    }
    let team = read_name(&mut section, reader, "team");
    if team.is_none() && section.position("team").is_none() {
        reader.invalid(&header, "this owner has no team: add team = \"…\", it is whom the spend belongs to");
    }
    let cost_center = read_name(&mut section, reader, "cost_center");
    let from = section.date(reader, "from");
    let to = section.date(reader, "to");
    if let (Some((_, from)), Some((span, to))) = (&from, &to)
        && from >= to
    {
        let cure = "the rule covers no day: `to` is the first day that it covers no more";
        reader.invalid(span, &format!("`to` is {to}, which is not after `from`, {from}: {cure}"));
    }
    section.finish(reader, &[]);
    let (from, to) = (from.map(|(_, day)| day), to.map(|(_, day)| day));
    Some(OwnerRule { matches, team: team?, cost_center, from, to })
}

pub(super) fn read_name(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, key: &str) -> Option<String> {
    let (span, name) = section.text(reader, key)?;
    if name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        reader.invalid(&span, &format!("`{key}` must be one line of at most {LONGEST_NAME} characters"));
    }
    Some(name)
}

/// What the owners of rules may be filled with: what the file spells out.
pub(super) fn names(config: &Config) -> OwnerNames {
    let globs = |texts: &[String]| texts.iter().map(|glob| WildMatch::new(glob)).collect::<Vec<_>>();
    let mut named: BTreeSet<String> = config.owner_rules.iter().map(|rule| rule.team.clone()).collect();
    let mut values = named.clone();
    named.extend(config.fallback_owner.clone());
    for rule in config.rules.rules() {
        named.extend(rule.owner.as_ref().and_then(OwnerTemplate::literal).map(str::to_owned));
        let of_owner = |matcher: &&Matcher| {
            matches!(matcher.dimension(), Dimension::Tag(_) | Dimension::Field(FactField::Owner | FactField::Identity))
        };
        let globs = rule.matches.iter().filter(of_owner).map(Matcher::glob);
        values.extend(globs.filter(|glob| glob != NONE && !glob.contains(['*', '?'])));
    }
    values.extend(config.rules.budgets.iter().flat_map(|budget| budget.overrides.iter()).map(|own| own.member.clone()));
    OwnerNames {
        tag_values: config.allowed_tags.iter().map(|(tag, allowed)| (tag.clone(), globs(allowed))).collect(),
        owner_tag: config.required_tags.first().cloned(),
        named,
        values,
        owners: globs(&config.owners),
        fallback: config.fallback_owner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::settings::Config;

    fn problem(text: &str) -> String {
        Config::parse("ledger.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_rule_says_everything_of_an_owner() {
        let text = "[[owner]]\nmatch = { identity = \"role/ai-*\", \"tag:userAttribute/Department\" = \"Search\" }\n\
                    team = \"search\"\ncost_center = \"CC-1\"\nfrom = 2026-10-01\nto = 2026-11-01\n\
                    [[owner]]\nmatch = { account = \"444455556666\" }\nteam = \"growth\"\n";
        let config = Config::parse("ledger.toml", text).unwrap();
        let [first, second] = &config.owner_rules[..] else { panic!("{:?}", config.owner_rules) };
        assert_eq!(
            first.to_string(),
            "identity = role/ai-* and tag:userAttribute/Department = Search, from 2026-10-01, before 2026-11-01"
        );
        assert_eq!((first.team.as_str(), first.cost_center.as_deref()), ("search", Some("CC-1")));
        assert_eq!(second.to_string(), "account = 444455556666");
        assert_eq!((second.team.as_str(), &second.cost_center), ("growth", &None));
        assert_eq!(config.derivation().owner_rules, config.owner_rules);
        let other = Config::parse("ledger.toml", &text.replace("2026-11-01", "2026-11-02")).unwrap();
        assert_ne!(config.derivation_fingerprint(), other.derivation_fingerprint());
    }

    #[test]
    fn a_rule_that_would_own_everything_or_nothing_is_an_error_with_its_line() {
        for (text, error) in [
            ("[[owner]]\nteam = \"x\"", "ledger.toml:1: an owner needs to match something"),
            ("[[owner]]\nteam = \"x\"\nmatch = {}", "ledger.toml:3: an owner needs to match something"),
            ("[[owner]]\nmatch = { account = \"1\" }", "ledger.toml:1: this owner has no team"),
            ("[[owner]]\nmatch = { model = \"1\" }\nteam = \"x\"", "ledger.toml:2: `match`: `model` is not a key"),
            (
                "[[owner]]\nmatch = { account = \"1\" }\nteam = \"x\"\nfrom = \"October\"",
                "ledger.toml:4: `from` of [[owner]] is a text: it must be a day",
            ),
            (
                "[[owner]]\nmatch = { account = \"1\" }\nteam = \"x\"\nfrom = 2026-10-01\nto = 2026-10-01",
                "ledger.toml:5: `to` is 2026-10-01, which is not after `from`",
            ),
            ("[owner]\nteam = \"x\"", "ledger.toml:1: `owner` is a table: it must be a list of tables"),
        ] {
            let found = problem(text);
            assert!(found.starts_with(error) && found.lines().count() == 1, "{text}\n{found}");
        }
    }
}
