use proptest::prelude::*;
use spend_core::bill::category::Category;
use spend_core::bill::line::KeptTags;
use spend_core::errors::fault::Fault as _;
use spend_core::facts::spend::{Basis, CostPolicy};
use spend_core::money::decimal::Decimal;
use spend_core::rules::evaluation::Rules;
use spend_core::rules::rule::Severity;

use super::*;
use crate::config::parse::UNSUPPORTED;

mod rules;

fn parse(text: &str) -> Config {
    Config::parse("ledger.toml", text).unwrap()
}

/// What is wrong with a text: line, kind, message.
fn problems(text: &str) -> Vec<(usize, &'static str, String)> {
    let error = Config::parse("ledger.toml", text).unwrap_err();
    error.problems().iter().map(|problem| (problem.line, problem.kind, problem.message.clone())).collect()
}

/// Checks that a text has exactly one problem, on `line`, of `kind`, whose message holds every one of `words`.
fn assert_problem(text: &str, line: usize, kind: &str, words: &[&str]) {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{text}\n{found:?}");
    assert_eq!((found[0].0, found[0].1), (line, kind), "{text}\n{found:?}");
    for word in words {
        assert!(found[0].2.contains(word), "{word} is not in: {}", found[0].2);
    }
}

fn budget(lines: &str) -> String {
    format!("[[budget]]\nname = \"b\"\namount = \"10\"\n{lines}")
}

#[test]
fn an_empty_file_is_the_default() {
    let config = parse("");
    assert_eq!(config.cost, CostPolicy::default());
    assert_eq!(config.required_tags, ["iamPrincipal/team", "iamPrincipal/cost-center"]);
    assert_eq!(config.metrics, Config::default().metrics);
    assert_eq!((config.metrics.namespace.as_str(), config.metrics.top), ("BedrockLedger", 50));
    assert_eq!(config.metrics.tags, config.required_tags);
    assert_eq!(config.first_run, FirstRun::Send);
    assert_eq!(config.kept_tags(), KeptTags::default());
    assert!(config.rules.is_empty() && config.keep_sessions.is_empty() && config.model_aliases.is_empty());
}

#[test]
fn the_sample_is_a_valid_configuration() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/ledger.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let config = Config::parse("infra/ledger.toml", &text).unwrap();
    assert_eq!(config.rules.budgets.len(), 3);
    assert_eq!(config.first_run, FirstRun::Summary);
    // What is commented out says what holds without it: uncommented, it is valid and changes nothing.
    let uncomment =
        |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned();
    let full: Vec<_> = text.lines().map(uncomment).collect();
    let full = Config::parse("infra/ledger.toml", &full.join("\n")).unwrap();
    assert_eq!(full.model_aliases.len(), 1, "aliases have no default");
    let without_aliases = Config { model_aliases: config.model_aliases.clone(), ..full };
    assert_eq!(format!("{without_aliases:?}"), format!("{config:?}"));
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        [cost]
        basis = "net-unblended"
        [identity]
        keep_sessions = ["Okta*"]
        [models]
        "claude-sonnet-4.6" = "sonnet"
        [tags]
        required = ["costCategory/Team"]
        [export]
        copied = true
        [metrics]
        namespace = "Mine/Bedrock"
        top = 7
        tags = []
        [alerts]
        first_run = "silent"
        [[budget]]
        name = "search"
        match = { "tag:iamPrincipal/team" = "search*", model = "(none)" }
        each = "identity"
        window = "month"
        amount = 5_000
        currency = "CNY"
        thresholds = [100, 80]
        severity = "page"
        owner = "{member}"
        runbook = "https://example.com"
        [[budget.override]]
        member = "dana@example.com"
        amount = "9000.50"
        "#,
    );
    assert_eq!(config.cost, CostPolicy { basis: Basis::NetUnblended, count: vec![Category::Usage] });
    assert_eq!(config.keep_sessions, ["Okta*"]);
    assert_eq!(config.model_aliases.get("claude-sonnet-4.6").map(String::as_str), Some("sonnet"));
    assert_eq!(config.required_tags, ["costCategory/Team"]);
    assert!(config.copied);
    let metrics = MetricsConfig {
        namespace: "Mine/Bedrock".to_owned(),
        top: 7,
        cap: 16,
        max_monthly_cost: Decimal::from_integer(100),
        tags: Vec::new(),
    };
    assert_eq!(config.metrics, metrics);
    assert_eq!(config.first_run, FirstRun::Silent);
    let budget = &config.rules.budgets[0];
    let matches: Vec<_> = budget.rule.matches.iter().map(ToString::to_string).collect();
    assert_eq!(matches, ["model = (none)", "tag:iamPrincipal/team = search*"]);
    assert_eq!(budget.rule.each, "identity".parse().ok());
    assert_eq!((budget.amount.to_string().as_str(), budget.rule.currency.as_str()), ("5000", "CNY"));
    assert_eq!(budget.thresholds, [80, 100]);
    assert_eq!(budget.rule.severity, Severity::Page);
    assert_eq!(budget.rule.owner.as_ref().map(ToString::to_string).as_deref(), Some("{member}"));
    assert_eq!(budget.rule.runbook.as_deref(), Some("https://example.com"));
    assert_eq!(budget.amount_for(Some("dana@example.com")), "9000.5".parse().unwrap());
}

#[test]
fn a_budget_needs_only_a_name_and_an_amount() {
    let budget = parse(&budget("")).rules.budgets.remove(0);
    assert_eq!(budget.thresholds, [50, 80, 100]);
    assert_eq!((budget.rule.currency.as_str(), budget.rule.severity), ("USD", Severity::Notice));
    assert!(budget.rule.matches.is_empty() && budget.rule.each.is_none() && budget.rule.owner.is_none());
}

#[test]
fn unknown_keys_are_errors_on_their_line() {
    assert_problem("[cost]\n\nbase = \"x\"", 3, "config.invalid", &["`base` of [cost]", "basis, count"]);
    assert_problem("\n[costs]\n", 2, "config.invalid", &["`costs`", "cost"]);
    assert_problem("top = 5", 1, "config.invalid", &["`top`"]);
    assert_problem(&budget("amont = 5"), 4, "config.invalid", &["`amont` of [[budget]]", "amount"]);
    let text = budget("each = \"identity\"\n[[budget.override]]\nmember = \"a\"\namount = \"1\"\nuntil = 5");
    assert_problem(&text, 8, "config.invalid", &["`until` of [[budget.override]]"]);
}

#[test]
fn what_is_missing_at_the_end_is_missing_on_the_last_line() {
    for text in ["[cost]\nbasis = [\n", "[cost]\nbasis = [", "[cost]\nbasis = \"\"\"\n\n"] {
        assert_problem(text, text.lines().count(), "config.syntax", &["this is not TOML"]);
    }
}

#[test]
fn what_this_release_does_not_evaluate_is_an_error() {
    for table in UNSUPPORTED {
        for text in [format!("\n[[{table}]]\nname = \"x\""), format!("\n[{table}]")] {
            assert_problem(&text, 2, "config.unsupported", &[table, "remove it"]);
        }
    }
    assert_problem(
        &budget("window = \"day\"\nforecast = [100]"),
        5,
        "config.invalid",
        &["`forecast`", "week or month"],
    );
    assert_problem(&budget("window = \"year\""), 4, "config.invalid", &["`year`", "month"]);
}

#[test]
fn wrong_types_say_what_is_expected() {
    assert_problem("cost = 5", 1, "config.invalid", &["a whole number", "[cost]"]);
    assert_problem("[cost]\ncount = \"usage\"", 2, "config.invalid", &["a text", "a list of texts"]);
    assert_problem("[tags]\nrequired = [5]", 2, "config.invalid", &["a whole number"]);
    assert_problem("[export]\ncopied = \"yes\"", 2, "config.invalid", &["a text", "true or false"]);
    assert_problem("[metrics]\ntop = \"5\"", 2, "config.invalid", &["a text"]);
    assert_problem("[budget]\nname = \"b\"", 1, "config.invalid", &["[[budget]]"]);
    assert_problem("[[budget]]\nname = \"b\"\namount = 10.5", 3, "config.invalid", &["\"5000.00\""]);
    assert_problem("[models]\nclaude-4.6 = \"x\"", 2, "config.invalid", &["quotes"]);
    assert_problem(&budget("thresholds = [80.5]"), 4, "config.invalid", &["a whole number"]);
    assert_problem(&budget("match = \"x\""), 4, "config.invalid", &["a table"]);
}

#[test]
fn contradictions_are_errors_with_their_cure() {
    let net = "[cost]\nbasis = \"net-unblended\"\ncount = [\"usage\", \"discount\"]";
    assert_problem(net, 3, "config.invalid", &["discount", "remove"]);
    assert_problem("[cost]\ncount = []", 2, "config.invalid", &["empty"]);
    assert_problem("[cost]\ncount = [\"usage\", \"usage\"]", 2, "config.invalid", &["twice"]);
    assert_problem("[cost]\ncount = [\"usages\"]", 2, "config.invalid", &["usage, discount, credit"]);
    assert_problem(&[budget(""), budget("")].concat(), 5, "config.invalid", &["`b`", "line 2"]);
    let text = budget("[[budget.override]]\nmember = \"a\"\namount = \"1\"");
    assert_problem(&text, 4, "config.invalid", &["`each`"]);
    let one = "[[budget.override]]\nmember = \"a\"\namount = \"1\"\n";
    let text = budget(&format!("each = \"identity\"\n{one}{one}"));
    assert_problem(&text, 9, "config.invalid", &["two overrides"]);
    assert_problem(&budget("thresholds = []"), 4, "config.invalid", &["never fire"]);
    assert_problem(&budget("thresholds = []\nforecast = []"), 4, "config.invalid", &["never fire"]);
    assert_problem(&budget("thresholds = [80, 0]"), 4, "config.invalid", &["0"]);
    assert_problem(&budget("thresholds = [-5]"), 4, "config.invalid", &["-5"]);
    assert_problem(&budget("thresholds = [80, 80]"), 4, "config.invalid", &["twice"]);
    assert_problem(&budget("owner = \"{member}\""), 4, "config.invalid", &["`each`"]);
    assert_problem(&budget("owner = \"{tag:team}\""), 4, "config.invalid", &["iamPrincipal/"]);
    assert_problem(&budget("owner = \"{team}\""), 4, "config.invalid", &["{tag:NAME}"]);
}

#[test]
fn amounts_and_currencies_are_checked() {
    for amount in ["\"0\"", "\"-5\"", "\"1e5\"", "\"5,000\"", "\"\"", "-5", "0"] {
        let text = format!("[[budget]]\nname = \"b\"\namount = {amount}");
        assert_problem(&text, 3, "config.invalid", &["amount"]);
    }
    for currency in ["usd", "US", "DOLLAR", "¥¥¥"] {
        assert_problem(&budget(&format!("currency = \"{currency}\"")), 4, "config.invalid", &[currency, "USD"]);
    }
    assert_problem("[[budget]]\nname = \"b\"", 1, "config.invalid", &["no amount"]);
    assert_problem("\n[[budget]]\namount = \"5\"", 2, "config.invalid", &["no name"]);
    assert_problem(&budget("runbook = \"a\\nb\""), 4, "config.invalid", &["one line"]);
    assert_problem("[[budget]]\nname = \" \"\namount = \"5\"", 2, "config.invalid", &["`name` is empty"]);
}

/// They stand in subjects and bodies of mails.
#[test]
fn what_a_configuration_calls_rules_people_and_pages_is_one_line() {
    for forged in ["a\\nWhat to do: pay", "a\\u001b[2J", &"a".repeat(1_000)] {
        let named = format!("[[budget]]\nname = \"{forged}\"\namount = \"5\"");
        assert_problem(&named, 2, "config.invalid", &["must be one line"]);
        assert_problem(&budget(&format!("runbook = \"{forged}\"")), 4, "config.invalid", &["must be one line"]);
        let team = format!("[[owner]]\nmatch = {{ identity = \"x\" }}\nteam = \"{forged}\"");
        assert_problem(&team, 3, "config.invalid", &["must be one line"]);
    }
}

#[test]
fn a_rule_that_could_never_match_is_an_error() {
    assert_problem(&budget("match = { team = \"x\" }"), 4, "config.invalid", &["`team`", "tag:NAME"]);
    assert_problem(&budget("match = { owner = \"x\" }"), 4, "config.invalid", &["`owner`"]);
    assert_problem(&budget("match = { \"tag:team\" = \"x\" }"), 4, "config.invalid", &["`team`", "iamPrincipal/"]);
    assert_problem(&budget("match = { \"tag:iamPrincipal/\" = \"x\" }"), 4, "config.invalid", &["iamPrincipal/"]);
    assert_problem(&budget("match = { model = \"\" }"), 4, "config.invalid", &["empty"]);
    assert_problem(&budget("each = \"principal\""), 4, "config.invalid", &["`principal`", "identity, owner"]);
    assert_problem(&budget("each = \"tag:team\""), 4, "config.invalid", &["iamPrincipal/"]);
    assert_problem("[tags]\nrequired = [\"team\"]", 2, "config.invalid", &["`team`"]);
    assert_problem("[metrics]\ntags = [\"user:team\"]", 2, "config.invalid", &["`user:team`"]);
    assert_problem("[identity]\nkeep_sessions = [\"\"]", 2, "config.invalid", &["empty"]);
}

#[test]
fn metrics_keep_within_what_cloudwatch_takes() {
    for top in [0, -1, 501] {
        assert_problem(&format!("[metrics]\ntop = {top}"), 2, "config.invalid", &["1 to 500"]);
    }
    for namespace in ["AWS/Bedrock", ":x", "a\u{e9}"] {
        assert_problem(&format!("[metrics]\nnamespace = \"{namespace}\""), 2, "config.invalid", &["namespace"]);
    }
}

#[test]
fn all_problems_of_a_file_are_told_at_once_by_line() {
    let text = "[cost]\nbasis = \"gross\"\n[[budget]]\namount = \"0\"\nforecast = [0]\n[health]\n";
    let error = Config::parse("infra/ledger.toml", text).unwrap_err();
    let found: Vec<_> = error.problems().iter().map(|problem| (problem.line, problem.kind)).collect();
    let expected = [
        (2, "config.invalid"),
        (3, "config.invalid"),
        (4, "config.invalid"),
        (5, "config.invalid"),
        (6, "config.unsupported"),
    ];
    assert_eq!(found, expected);
    assert_eq!(error.kind(), "config.invalid");
    let first = error.to_string().lines().next().unwrap().to_owned();
    assert_eq!(first, "infra/ledger.toml:2: `basis` is `gross`: use one of unblended, net-unblended [config.invalid]");
}

#[test]
fn ten_different_mistakes_are_told_in_one_run() {
    let text = r#"
        [cost]
        basis = "gross"
        [[budget]]
        name = "search"
        amount = 5000.00
        window = "year"
        [[budget]]
        name = "search"
        each = "team"
        amount = "-1"
        [[delta]]
        name = "jumps"
        rise_percent = 0
        against = "yesterday"
        [[anomaly]]
        deviation = 3
        [[anomaly]]
        name = "jumps"
        [[hygiene]]
        name = "owned"
        lack = "owner"
        [[mute]]
        rule = "serach"
        until = "soon"
        [health]
        [alerts]
        max_per_run = 0
    "#;
    let found = problems(text);
    let lines: Vec<_> = found.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [3, 6, 7, 9, 10, 11, 14, 15, 16, 17, 19, 22, 23, 24, 25, 26, 28], "{found:#?}");
    let typo = found.iter().find(|(line, ..)| *line == 24).unwrap();
    assert!(typo.2.contains("`serach` is not a rule") && typo.2.contains("jumps"), "{typo:?}");
}

#[test]
fn every_rule_is_read() {
    let config = parse(
        r#"
        [alerts]
        max_per_run = 5
        [[budget]]
        name = "week"
        window = "week"
        amount = "10"
        forecast = [120, 100]
        [[delta]]
        name = "jumps"
        each = "tag:iamPrincipal/team"
        against = "trailing"
        rise_percent = 80
        rise_amount = "20.5"
        severity = "page"
        [[anomaly]]
        name = "odd"
        each = "identity"
        minimum = 5
        deviations = 4
        runaway = 20
        new_above = "7"
        [[hygiene]]
        name = "owned"
        lack = "tag:iamPrincipal/team"
        percent = 20
        amount = "3"
        [[mute]]
        rule = "odd"
        member = "d*"
        until = 2026-12-01
        reason = "load test"
        "#,
    );
    let Rules { budgets, deltas, anomalies, hygiene } = &config.rules;
    assert_eq!(config.max_per_run, 5);
    assert_eq!((budgets[0].window.as_str(), budgets[0].forecast.as_slice()), ("week", &[100, 120][..]));
    assert_eq!((deltas[0].against.as_str(), deltas[0].rise_percent), ("trailing", 80));
    assert_eq!((deltas[0].rise_amount.to_string().as_str(), deltas[0].rule.severity), ("20.5", Severity::Page));
    let odd = &anomalies[0];
    assert_eq!((odd.deviations, odd.runaway), (4, 20));
    assert_eq!((odd.minimum.to_string(), odd.new_above.to_string()), ("5".to_owned(), "7".to_owned()));
    assert_eq!((hygiene[0].lack.key().as_str(), hygiene[0].percent), ("tag:iamPrincipal/team", 20));
    let now = "2026-11-30T12:00:00Z".parse().unwrap();
    assert_eq!(config.mutes_in_force(now).map(|mute| mute.reason.as_str()).collect::<Vec<_>>(), ["load test"]);
    assert_eq!(config.mutes_in_force(now + chrono::TimeDelta::days(1)).count(), 0);
}

#[test]
fn overrides_come_from_a_file_and_stay_in_force_without_it() {
    let text = budget("each = \"identity\"\noverrides_file = \"people.csv\" # of finance\n");
    let csv = "member,amount\n# leads\ndana@example.com,9000.00\n\n\"a, \"\"b\"\"\",7\n";
    assert_eq!(Config::files(&text), ["people.csv"]);
    assert_problem(&text, 5, "config.invalid", &["`people.csv` is not there", "beside the configuration"]);
    let files = [("people.csv".to_owned(), csv.to_owned())].into();
    let (config, in_force) = Config::adopt("ledger.toml", &text, &files).unwrap();
    for config in [config, parse(&in_force)] {
        let budget = &config.rules.budgets[0];
        assert_eq!(budget.amount_for(Some("dana@example.com")), "9000".parse().unwrap());
        assert_eq!(budget.amount_for(Some("a, \"b\"")), "7".parse().unwrap());
    }
    assert!(in_force.contains("# of finance"), "{in_force}");
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_name_and_line() {
    let text = budget("each = \"identity\"\noverrides_file = \"people.csv\"");
    let files = [("people.csv".to_owned(), "member,amount\ndana\nsam,-1\nsam,3\nsam,4\n,5".to_owned())].into();
    let error = Config::adopt("ledger.toml", &text, &files).unwrap_err().to_string();
    let lines: Vec<_> = error.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(lines, ["people.csv:2:", "people.csv:3:", "people.csv:5:", "people.csv:6:"], "{error}");
}

/// What a budget for each identity says of a file of overrides.
fn people(csv: &str) -> Result<Config, String> {
    let text = budget("each = \"identity\"\noverrides_file = \"people.csv\"");
    let files = [("people.csv".to_owned(), csv.to_owned())].into();
    Config::adopt("ledger.toml", &text, &files).map(|(config, _)| config).map_err(|error| error.to_string())
}

#[test]
fn a_file_of_overrides_is_read_as_spreadsheets_write_it() {
    for csv in [
        "Member,AMOUNT\r\nDana@Example.com,9000.00\r\n,\r\n",
        "\u{feff}\"member\",\"amount\"\n\"dana@example.com\",\"9000.00\"\n",
        "amount,member\n9000.00,dana@example.com\n",
        " dana@example.com , 9000.00 \n   \n",
    ] {
        let config = people(csv).unwrap_or_else(|error| panic!("{csv:?}: {error}"));
        let [budget] = config.rules.budgets.as_slice() else { panic!("one budget") };
        assert_eq!(budget.overrides.len(), 1, "{csv:?}");
        assert_eq!(budget.amount_for(Some("dana@example.com")), "9000".parse().unwrap(), "{csv:?}");
    }
}

#[test]
fn a_file_of_overrides_that_could_be_read_otherwise_is_refused_with_its_line_and_the_cure() {
    for (csv, line, said) in [
        ("member,amount\n\n# people\ndana@example.com,\"2,100.00\"\n", 4, "write 2100.00, without separators"),
        ("dana@example.com,2,100.00\n", 1, "this has 3 fields, and must have two"),
        ("member;amount\ndana@example.com;2100.00\n", 1, "separate them by a comma"),
        ("member,amount\n\"dana@example.com,2100.00\nsam@example.com,1\n", 2, "this has 1 field"),
        ("member,amount\n\"dana@example.com\nsam\",1\n", 2, "close its quotes"),
        ("member,amount\ndana@example.com,$2100\n", 2, "`$2100` is not a plain decimal"),
        ("email,amount\ndana@example.com,1\n", 1, "`amount` is not a plain decimal"),
        ("dana@example.com,1\nDana@Example.com,2\n", 2, "`Dana@Example.com` has two overrides"),
    ] {
        let error = people(csv).unwrap_err();
        assert!(error.starts_with(&format!("people.csv:{line}: ")) && error.contains(said), "{csv:?}: {error}");
    }
}

/// In force it would be an empty text, and the configuration could not be read any more.
#[test]
fn an_empty_file_of_overrides_is_refused_and_one_without_anybody_is_not() {
    for csv in ["", "\n", " \r\n\r\n", "\u{feff}", "\u{feff}\n"] {
        let error = people(csv).unwrap_err();
        assert!(
            error.contains("people.csv:1: this file is empty: where nobody has an override write the header"),
            "{csv:?}: {error}"
        );
    }
    for csv in ["member,amount\n", "# nobody yet\n"] {
        let text = budget("each = \"identity\"\noverrides_file = \"people.csv\"");
        let files = [("people.csv".to_owned(), csv.to_owned())].into();
        let (_, in_force) = Config::adopt("ledger.toml", &text, &files).unwrap();
        assert!(parse(&in_force).rules.budgets[0].overrides.is_empty(), "{csv:?}");
    }
}

#[test]
fn what_is_not_toml_says_where() {
    assert_problem("[cost]\nbasis = \n", 2, "config.syntax", &["not TOML"]);
    assert_problem("[cost]\n[cost]\n", 2, "config.syntax", &["not TOML"]);
}

#[test]
fn the_fingerprint_follows_what_facts_depend_on_and_nothing_else() {
    let fingerprint = |text: &str| parse(text).derivation_fingerprint();
    let base = fingerprint("");
    assert_eq!(base, fingerprint("[alerts]\nfirst_run = \"silent\"\n[metrics]\ntop = 3\n[cost]\ncount = [\"usage\"]"));
    assert_eq!(base, fingerprint("[tags]\nrequired = [\"iamPrincipal/team\"]"), "the second tag names no owner");
    assert_eq!(
        fingerprint("[identity]\nkeep_sessions = [\"a\", \"b\"]"),
        fingerprint("[identity]\nkeep_sessions = [\"b\", \"a\"]")
    );
    for different in [
        "[identity]\nkeep_sessions = [\"a\"]",
        "[identity]\nkeep_sessions = [\"a\\\", \\\"b\"]",
        "[models]\na = \"b\"",
        "[tags]\nrequired = [\"iamPrincipal/squad\"]",
        "[tags]\nrequired = []",
    ] {
        assert_ne!(base, fingerprint(different), "{different}");
    }
}

#[test]
fn tags_that_are_listed_are_kept_and_may_be_used() {
    let text = "[tags]\nkeep = [\"resourceTags/team\", \"iamPrincipal/x\"]\nrequired = [\"resourceTags/team\"]\n\
                [metrics]\ntags = [\"resourceTags/team\"]\n";
    let text = format!("{text}{}", budget("match = { \"tag:resourceTags/team\" = \"a\" }"));
    let config = parse(&text);
    assert_eq!(config.kept_tags(), KeptTags::new(["iamPrincipal/x", "resourceTags/team"]));
    assert_eq!(config.derivation().owner_tags, ["resourceTags/team"]);
    assert_ne!(
        parse("[tags]\nkeep = [\"resourceTags/team\"]").derivation_fingerprint(),
        parse("").derivation_fingerprint()
    );
}

#[test]
fn tags_that_are_not_kept_are_errors_with_the_cure() {
    let message = |text: &str| Config::parse("ledger.toml", text).unwrap_err().to_string();
    assert_eq!(
        message("[tags]\nrequired = [\"resourceTags/team\"]"),
        "ledger.toml:2: `resourceTags/team` is no tag that the ledger keeps: list it in `keep` of [tags] [config.invalid]"
    );
    assert_eq!(
        message("[tags]\nkeep = [\"resourceTags/other\"]\n[metrics]\ntags = [\"team\"]"),
        "ledger.toml:4: `team` is no tag that the ledger keeps: write it as the bill does, with one of iamPrincipal/, \
         userAttribute/, accountTag/, costCategory/ before its name [config.invalid]"
    );
    for key in ["user_team", "resourceTags/"] {
        assert_eq!(
            message(&format!("[tags]\nkeep = [\"{key}\"]")),
            format!(
                "ledger.toml:2: `{key}` is no tag: write it as the bill does, with resourceTags/ before its name, or one \
                 of iamPrincipal/, userAttribute/, accountTag/, costCategory/ [config.invalid]"
            )
        );
    }
}

#[test]
fn only_the_first_required_tag_names_an_owner() {
    assert_eq!(Config::default().derivation().owner_tags, ["iamPrincipal/team"]);
    assert!(parse("[tags]\nrequired = []").derivation().owner_tags.is_empty());
}

#[test]
fn the_tagging_contract_is_the_required_tags_and_those_with_a_vocabulary() {
    let text = "[tags.allowed]\n\"iamPrincipal/team\" = [\"search\", \"grow*\"]\n\"userAttribute/x\" = [\"1\"]\n";
    let contract = parse(text).tag_contract();
    let rules: Vec<_> = contract.iter().map(|rule| (rule.key.as_str(), rule.is_required, rule.allowed.len())).collect();
    let expected =
        [("iamPrincipal/team", true, 2), ("iamPrincipal/cost-center", true, 0), ("userAttribute/x", false, 1)];
    assert_eq!(rules, expected);
    assert_problem("[tags.allowed]\nteam = [\"a\"]", 2, "config.invalid", &["iamPrincipal/"]);
    assert_problem("[tags.allowed]\n\"iamPrincipal/team\" = []", 2, "config.invalid", &["is empty"]);
    assert_problem("[tags]\ncost_center = \"team\"", 2, "config.invalid", &["iamPrincipal/"]);
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\[\\[?(cost|budget|budget.override|models|owner|split|tags|tags.allowed)\\]?\\]\n|(name|amount|count|each|match|a.b) = (5|\"x\"|\\[\\]|\\{\\}|1979-05-27|nan)\n|.{0,5}){0,12}") {
        let _ = Config::parse("x", &text);
    }
}

#[test]
fn the_cap_of_series_has_room_for_the_top_and_the_rest() {
    let cap = |text: &str| Config::parse("t", &format!("[metrics]\n{text}")).map(|config| config.metrics.cap);
    assert_eq!(cap("top = 10").unwrap(), 22);
    assert_eq!(cap("top = 10\ncap = 12").unwrap(), 12);
    assert_eq!(cap("cap = 1002\ntop = 500").unwrap(), 1002);
    for text in ["top = 10\ncap = 11", "cap = 1003", "cap = 51", "cap = -1"] {
        let error = cap(text).unwrap_err().to_string();
        assert!(error.contains("use a number from") && error.contains("[config.invalid]"), "{error}");
    }
}

#[test]
fn what_metrics_may_cost_is_an_amount() {
    let cost = |text: &str| {
        let config = Config::parse("t", &format!("[metrics]\nmax_monthly_cost = {text}"));
        config.map(|config| config.metrics.max_monthly_cost.to_string())
    };
    assert_eq!(cost("\"12.50\"").unwrap(), "12.5");
    assert_eq!(cost("0").unwrap(), "0");
    for text in ["\"-1\"", "\"much\""] {
        assert!(cost(text).unwrap_err().to_string().contains("US dollars in quotes"));
    }
}
