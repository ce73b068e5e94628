//! What is compared with what an earlier run has stored: texts of our own, which no release of a library and no new name
//! in the code changes. A configuration that gives another text derives other facts, or publishes other metrics.

use std::fmt::Display;

use spend_core::facts::owner::OwnerRule;
use spend_core::rules::budget::Budget;

use crate::config::settings::Config;

impl Config {
    /// A text that is equal for two configurations exactly if they derive the same facts from the same bill.
    pub fn derivation_fingerprint(&self) -> String {
        derivation(self)
    }

    /// A text that is equal for two configurations exactly if they publish the same metrics of the same facts.
    pub fn metrics_fingerprint(&self) -> String {
        metrics(self)
    }
}

/// Equal for two configurations exactly if they derive the same facts from the same bill. States and facts files hold it:
/// whatever is added to it must not change it for those who do not use what is new.
fn derivation(config: &Config) -> String {
    let mut sessions = config.keep_sessions.clone();
    sessions.sort_unstable();
    sessions.dedup();
    let aliases = config.model_aliases.iter().map(|(from, to)| format!("{}: {}", quoted(from), quoted(to)));
    let mut text = format!(
        "derivation/1 keep_sessions={} model_aliases={{{}}} owner_tags={} cost_center_tag={}",
        list(&sessions),
        aliases.collect::<Vec<_>>().join(", "),
        list(config.owner_tags()),
        quoted(&config.cost_center_tag)
    );
    for rule in &config.owner_rules {
        text.push_str(" owner_rule=");
        text.push_str(&owner_rule(rule));
    }
    let kept = config.kept_tags();
    let listed: Vec<_> = kept.listed().collect();
    if !listed.is_empty() {
        text.push_str(" kept_tags=");
        text.push_str(&list(&listed));
    }
    text
}

fn owner_rule(rule: &OwnerRule) -> String {
    let OwnerRule { matches, team, cost_center, from, to } = rule;
    let cost_center = cost_center.as_ref().map(|center| quoted(center));
    format!("({}, {}, {}, {}, {})", list(matches), some(*from), some(*to), quoted(team), some(cost_center))
}

/// Equal for two configurations exactly if they publish the same metrics of the same facts. A hash of it is stored beside
/// what was published: another text plans all metrics again, which puts what differs.
fn metrics(config: &Config) -> String {
    let count: Vec<_> = config.cost.count.iter().map(|category| category.as_str()).collect();
    let metrics = &config.metrics;
    let mut text = format!(
        "metrics/1 basis={} count={} namespace={} top={} cap={} max_monthly_cost={} tags={} required_tags={}",
        config.cost.basis.as_str(),
        list(&count),
        quoted(&metrics.namespace),
        metrics.top,
        metrics.cap,
        metrics.max_monthly_cost,
        list(&metrics.tags),
        list(&config.required_tags)
    );
    for budget in &config.rules.budgets {
        text.push_str(" budget=");
        text.push_str(&used(budget));
    }
    text
}

/// What the gauge of how much of a budget is used depends on: not when somebody is told of it, and not who.
fn used(budget: &Budget) -> String {
    let rule = &budget.rule;
    let each = rule.each.as_ref().map(|each| quoted(&each.to_string()));
    let overrides = budget.overrides.iter().map(|own| format!("{}: {}", quoted(&own.member), own.amount));
    format!(
        "({}, {}, {}, {}, {}, {}, {{{}}})",
        quoted(&rule.name),
        list(&rule.matches),
        some(each),
        quoted(&rule.currency),
        budget.window.as_str(),
        budget.amount,
        overrides.collect::<Vec<_>>().join(", ")
    )
}

fn some(value: Option<impl Display>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("Some({value})"))
}

fn list(texts: &[impl Display]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quoted(&text.to_string())).collect();
    format!("[{}]", quoted.join(", "))
}

/// In quotes, so that no two texts look alike: quotes and backslashes behind a backslash, control characters by number
/// or by their letter.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0' => quoted.push_str("\\0"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => quoted.extend(control.escape_unicode()),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse("ledger.toml", text).unwrap()
    }

    const FULL: &str = r#"
[cost]
basis = "net-unblended"
count = ["usage", "tax"]

[identity]
keep_sessions = ["sso-*", "dev?"]

[models]
"claude 4 \"sonnet\"" = "claude-sonnet-4"
nova = "größe\t"

[tags]
required = ["iamPrincipal/team", "iamPrincipal/project"]
keep = ["resourceTags/env"]
cost_center = "iamPrincipal/cc"

[metrics]
namespace = "Spend"
top = 7
cap = 20
max_monthly_cost = "12.5"
tags = ["iamPrincipal/team"]

[[owner]]
match = { account = "1111*", "tag:iamPrincipal/team" = "(none)" }
team = "search"
cost_center = "cc-1"
from = 2026-10-01
to = 2026-12-01

[[owner]]
match = { identity = "batch" }
team = "data"

[[budget]]
name = "all"
amount = 1000

[[budget]]
name = "each team"
match = { model = "claude*" }
each = "tag:iamPrincipal/team"
currency = "EUR"
window = "week"
amount = "100.5"
severity = "page"
owner = "{member}-leads"
runbook = "https://example.com"
thresholds = [80]
forecast = [100]

[[budget.override]]
member = "search"
amount = 250
"#;

    /// States hold this text: another one would call for a rebuild of every ledger that there is.
    #[test]
    fn what_facts_are_derived_with_is_this_text_for_ever() {
        assert_eq!(
            parse("").derivation_fingerprint(),
            "derivation/1 keep_sessions=[] model_aliases={} owner_tags=[\"iamPrincipal/team\"] \
             cost_center_tag=\"iamPrincipal/cost-center\""
        );
        assert_eq!(
            parse(FULL).derivation_fingerprint(),
            "derivation/1 keep_sessions=[\"dev?\", \"sso-*\"] model_aliases={\"claude 4 \\\"sonnet\\\"\": \
             \"claude-sonnet-4\", \"nova\": \"größe\\t\"} owner_tags=[\"iamPrincipal/team\"] \
             cost_center_tag=\"iamPrincipal/cc\" owner_rule=([\"account = 1111*\", \"tag:iamPrincipal/team = (none)\"], \
             Some(2026-10-01), Some(2026-12-01), \"search\", Some(\"cc-1\")) owner_rule=([\"identity = batch\"], None, None, \
             \"data\", None) kept_tags=[\"resourceTags/env\"]"
        );
    }

    /// A hash of this text is stored: another one plans every metric again.
    #[test]
    fn what_metrics_are_made_with_is_this_text() {
        assert_eq!(
            parse("").metrics_fingerprint(),
            "metrics/1 basis=unblended count=[\"usage\", \"discount\"] namespace=\"BedrockLedger\" top=50 cap=102 \
             max_monthly_cost=100 tags=[\"iamPrincipal/team\", \"iamPrincipal/cost-center\"] \
             required_tags=[\"iamPrincipal/team\", \"iamPrincipal/cost-center\"]"
        );
        assert_eq!(
            parse(FULL).metrics_fingerprint(),
            "metrics/1 basis=net-unblended count=[\"usage\", \"tax\"] namespace=\"Spend\" top=7 cap=20 \
             max_monthly_cost=12.5 tags=[\"iamPrincipal/team\"] required_tags=[\"iamPrincipal/team\", \
             \"iamPrincipal/project\"] budget=(\"all\", [], None, \"USD\", month, 1000, {}) budget=(\"each team\", \
             [\"model = claude*\"], Some(\"tag:iamPrincipal/team\"), \"EUR\", week, 100.5, {\"search\": 250})"
        );
    }

    #[test]
    fn who_is_told_of_a_budget_and_when_changes_no_metric() {
        let fingerprint = |budget: &str| parse(&format!("[[budget]]\nname = \"all\"\n{budget}")).metrics_fingerprint();
        let plain = fingerprint("amount = 10");
        for same in ["severity = \"page\"", "owner = \"me\"", "runbook = \"https://example.com\"", "thresholds = [1]"] {
            assert_eq!(fingerprint(&format!("amount = 10\n{same}")), plain, "{same}");
        }
        for other in [
            "amount = 11",
            "amount = 10\nwindow = \"day\"",
            "amount = 10\ncurrency = \"EUR\"",
            "amount = 10\neach = \"model\"",
        ] {
            assert_ne!(fingerprint(other), plain, "{other}");
        }
    }

    #[test]
    fn texts_in_quotes_are_told_apart() {
        assert_eq!(quoted("a\"b\\c\u{7}\u{80}é"), "\"a\\\"b\\\\c\\u{7}\\u{80}é\"");
        assert_ne!(list(&["a", "b"]), list(&["a\", \"b"]));
    }
}
