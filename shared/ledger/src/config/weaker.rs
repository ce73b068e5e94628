//! What a configuration tells less of than the one before it.

use std::collections::BTreeSet;
use std::fmt::Display;

use chrono::{DateTime, Utc};
use spend_core::rules::weaker;
use spend_core::text::name;

use crate::config::settings::{Config, FirstRun};

/// How many columns a name may take.
const NAME: usize = 64;
/// How many names of a list that changed are told.
const NAMES: usize = 5;

/// What alerts no longer tell of, or tell later, more quietly or to others, once `new` is in force: a sentence each
/// without its end. What is only added or lowered is not told.
pub(crate) fn changes(old: &Config, new: &Config, now: DateTime<Utc>) -> Vec<String> {
    let mut said = old.rules.weaker(&new.rules);
    said.extend(weaker::mutes(&old.mutes, &new.mutes, now));
    said.extend(weaker::cost(&old.cost, &new.cost));
    said.extend(people(old, new));
    said.extend(first_run(old.first_run, new.first_run));
    said.extend(owners(old, new));
    said.extend(weaker::instead("what counts is", &old.counting.to_string(), &new.counting.to_string()));
    if new.max_per_run < old.max_per_run {
        said.extend(weaker::instead("the most alerts at once are", &old.max_per_run, &new.max_per_run));
    }
    let aliases = |config: &Config| list(config.model_aliases.iter().map(|(from, to)| format!("{from} = {to}")));
    if old.model_aliases != new.model_aliases {
        said.extend(weaker::instead("rules match models by the aliases", &aliases(old), &aliases(new)));
    }
    said
}

/// Who is a person has a budget of their own, and leaves that of the role.
fn people(old: &Config, new: &Config) -> Option<String> {
    let of = |config: &Config| list(config.keep_sessions.iter().collect::<BTreeSet<_>>());
    weaker::instead("people are sessions of Identity Center and of the roles", &of(old), &of(new))
}

fn first_run(old: FirstRun, new: FirstRun) -> Option<String> {
    let rank = |run| match run {
        FirstRun::Send => 0,
        FirstRun::Summary => 1,
        FirstRun::Silent => 2,
    };
    let what = match new {
        FirstRun::Silent => "is not told at all",
        FirstRun::Summary | FirstRun::Send => "is told in one summary",
    };
    (rank(new) > rank(old)).then(|| format!("what is past a threshold when a rule is new {what}"))
}

/// Who is called.
fn owners(old: &Config, new: &Config) -> Vec<String> {
    let mut said = Vec::new();
    let fallback =
        |config: &Config| config.fallback_owner.as_ref().map_or("nobody".to_owned(), |owner| name(owner, NAME));
    said.extend(weaker::instead("the fallback owner is", &fallback(old), &fallback(new)));
    let tag = |config: &Config| config.required_tags.first().map_or("none".to_owned(), |tag| name(tag, NAME));
    said.extend(weaker::instead("the tag that names the owner of spend is", &tag(old), &tag(new)));
    if old.owner_rules != new.owner_rules {
        let (old, new) = (old.owner_rules.len(), new.owner_rules.len());
        said.push(format!("who owns spend without a tag has changed: [[owner]] rules, {new} now and {old} before"));
    }
    let of_tags = |config: &Config| -> BTreeSet<String> {
        let allowed = config.allowed_tags.iter();
        allowed.flat_map(|(tag, values)| values.iter().map(move |value| format!("{value} of {tag}"))).collect()
    };
    let named = |config: &Config| -> BTreeSet<String> { config.owners.iter().cloned().collect() };
    let gone: Vec<_> =
        of_tags(old).difference(&of_tags(new)).chain(named(old).difference(&named(new))).cloned().collect();
    if !gone.is_empty() {
        said.push(format!("owners are filled no longer with {}", list(gone)));
    }
    said
}

/// `a, b and 3 more`, or `none`.
fn list(names: impl IntoIterator<Item = impl Display>) -> String {
    let names: Vec<_> = names.into_iter().map(|text| name(&text.to_string(), NAME)).collect();
    let shown = names.get(..NAMES).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(NAMES) {
        0 if names.is_empty() => "none".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"
[identity]
keep_sessions = ["OktaDevelopers"]

[tags.allowed]
"iamPrincipal/team" = ["search", "growth"]

[alerts]
first_run = "send"
fallback_owner = "platform-oncall"

[[budget]]
name = "search"
match = { "tag:iamPrincipal/team" = "search" }
amount = "5000"
severity = "page"
owner = "search-oncall"
thresholds = [80, 100]

[[budget]]
name = "people"
each = "identity"
amount = "500"
forecast = [100]
[[budget.override]]
member = "dana@example.com"
amount = "2000"

[[delta]]
name = "team jumps"
each = "tag:iamPrincipal/team"

[[anomaly]]
name = "odd days"
each = "identity"

[[hygiene]]
name = "owned"
lack = "principal"

[[mute]]
rule = "people"
member = "bo@example.com"
until = 2026-12-05
reason = "load test"
"#;

    fn changes_of(edits: &[(&str, &str)]) -> Vec<String> {
        let new = edits.iter().fold(OLD.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let of = |text: &str| Config::parse("ledger.toml", text).unwrap();
        changes(&of(OLD), &of(&new), "2026-11-20T06:00:00Z".parse().unwrap())
    }

    /// Each is an attack by somebody who may write the configuration, or a mistake.
    #[test]
    fn whatever_makes_alerts_rarer_quieter_or_somebody_elses_is_a_sentence() {
        for (from, to, said) in [
            ("amount = \"5000\"", "amount = \"9000\"", "budget search allows $9,000.00, before $5,000.00"),
            ("severity = \"page\"", "", "budget search no longer pages: its severity is notice"),
            ("[80, 100]", "[100]", "budget search no longer tells of 80%"),
            ("[80, 100]", "[120]", "budget search no longer tells of 80% and 100%"),
            ("owner = \"search-oncall\"", "", "budget search calls nobody, before search-oncall"),
            (
                "= \"search\" }",
                "= \"serach\" }",
                "budget search is about what matches tag:iamPrincipal/team = serach, before what",
            ),
            ("forecast = [100]", "", "budget people no longer tells that spend is heading past 100%"),
            ("forecast = [100]", "window = \"week\"\nforecast = [100]", "budget people is for a week, before month"),
            ("\"2000\"", "\"3000\"", "budget people allows dana@example.com $3,000.00, before $2,000.00"),
            (
                "[[delta]]",
                "[[budget.override]]\nmember = \"Bo@example.com\"\namount = 700\n[[delta]]",
                "budget people allows bo@example.com $700.00, before $500.00",
            ),
            ("name = \"team jumps\"", "name = \"team jumps\"\nrise_percent = 900", "delta \"team jumps\" needs a rise"),
            (
                "name = \"odd days\"",
                "name = \"odd days\"\nnew_above = 9999",
                "anomaly \"odd days\" tells of new spenders",
            ),
            (
                "lack = \"principal\"",
                "lack = \"principal\"\npercent = 99",
                "hygiene owned needs a share in percent of 99",
            ),
            (
                "2026-12-05",
                "2027-12-05",
                "rule people is muted for bo@example.com until 5 Dec 2027, because: \"load test\"",
            ),
            ("bo@example.com", "*", "rule people is muted until 5 Dec 2026, because: \"load test\""),
            ("OktaDevelopers", "Okta*", "people are sessions of Identity Center and of the roles Okta*, before Okta"),
            (
                "[identity]",
                "[cost]\ncount = [\"tax\"]\n[identity]",
                "what counts as spend is tax, unblended, before usage",
            ),
            ("\"send\"", "\"silent\"", "what is past a threshold when a rule is new is not told at all"),
            ("fallback_owner = \"platform-oncall\"", "", "the fallback owner is nobody, before platform-oncall"),
            (", \"growth\"]", "]", "owners are filled no longer with \"growth of iamPrincipal/team\""),
            (
                "[identity]",
                "[tags]\nrequired = [\"iamPrincipal/cost-center\"]\n[identity]",
                "the tag that names the owner of spend is iamPrincipal/cost-center, before iamPrincipal/team",
            ),
            (
                "[identity]",
                "[models]\nx = \"y\"\n[identity]",
                "rules match models by the aliases \"x = y\", before none",
            ),
        ] {
            let found = changes_of(&[(from, to)]);
            assert!(found.len() == 1 && found[0].starts_with(said), "{from} -> {to}\n{found:#?}");
        }
    }

    #[test]
    fn a_rule_that_is_gone_is_told_with_what_it_did() {
        let start = OLD.find("[[budget]]").unwrap();
        let end = OLD.find("[[budget]]\nname = \"people\"").unwrap();
        let found = changes_of(&[(&OLD[start..end], "")]);
        let gone = "budget search is gone: Pages when what matches tag:iamPrincipal/team = search spends 80% and 100% of \
                    $5,000.00 in a calendar month";
        assert_eq!(found, [gone]);
    }

    #[test]
    fn what_is_added_or_lowered_is_not_told_and_an_old_mute_neither() {
        for (from, to) in [
            ("amount = \"5000\"", "amount = \"4000\""),
            ("[80, 100]", "[50, 80, 100]"),
            ("\"2000\"", "\"1000\""),
            ("lack = \"principal\"", "lack = \"principal\"\nseverity = \"page\""),
            ("2026-12-05", "2026-11-20"),
            ("[[anomaly]]", "[[budget]]\nname = \"more\"\namount = 1\n[[anomaly]]"),
            ("[[mute]]", "[[mute]]\nrule = \"owned\"\nmember = \"*\"\nuntil = 2026-11-20\nreason = \"over\"\n[[mute]]"),
            ("\"growth\"]", "\"growth\", \"web\"]"),
        ] {
            assert_eq!(changes_of(&[(from, to)]), Vec::<String>::new(), "{from} -> {to}");
        }
    }

    #[test]
    fn a_file_of_overrides_that_raises_everybody_is_a_few_lines() {
        let raised: Vec<String> = (0..5_000)
            .map(|index| format!("[[budget.override]]\nmember = \"p{index}@example.com\"\namount = 900\n"))
            .collect();
        let raised = raised.concat();
        let found = changes_of(&[("[[delta]]", &format!("{raised}[[delta]]"))]);
        assert_eq!(found.len(), 6);
        assert_eq!(found[5], "budget people allows 4995 more members more than before");
    }
}
