//! Trying before trusting: `check`, `backtest` and `test-alert`, on the sample's ledger.

use std::path::PathBuf;

use bedrock_ledger::cli::Cli;
use bedrock_ledger::error::CommandError;
use bedrock_ledger::sample::{self, SAMPLE_CONFIG, SampleOptions};
use clap::Parser;
use serde_json::Value;
use tempfile::TempDir;

/// Rules for the sample: whoever runs away is told of, whoever has a rhythm is not.
const RULES: &str = r#"
[[anomaly]]
name = "odd days"
each = "identity"
minimum = "100"

[[delta]]
name = "team jumps"
each = "tag:iamPrincipal/team"
rise_percent = 300

[[hygiene]]
name = "nobody's"
lack = "principal"
percent = 90

[[budget]]
name = "nobody"
match = { "tag:iamPrincipal/team" = "nobody" }
amount = "1"
"#;

struct Ledger(TempDir);

fn execute(arguments: &[&str]) -> (String, Result<(), CommandError>) {
    let cli = Cli::try_parse_from(["bedrock-ledger"].iter().chain(arguments)).unwrap();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(bedrock_ledger::execute(&cli, &mut out, &mut notes));
    (String::from_utf8(out).unwrap(), result)
}

impl Ledger {
    fn new() -> Self {
        Self::of(1)
    }

    fn of(deliveries: usize) -> Self {
        let ledger = Self(tempfile::tempdir().unwrap());
        let export = ledger.0.path().join("export");
        sample::write(&SampleOptions { rows: 2_700, deliveries, ..SampleOptions::into(&export) }).unwrap();
        ledger.write("ledger.toml", &format!("{SAMPLE_CONFIG}{RULES}"));
        let (export, path, config) = (ledger.path("export"), ledger.path("ledger"), ledger.path("ledger.toml"));
        let now = sample::sample_now().to_rfc3339();
        let run = ["run", "--export", &export, "--ledger", &path, "--config", &config, "--now", &now];
        execute(&run).1.unwrap();
        ledger
    }

    fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }
}

#[test]
fn a_backtest_tells_of_the_runaway_on_the_first_day_that_its_data_allow_and_not_of_rhythms() {
    let ledger = Ledger::new();
    let (path, config) = (ledger.path("ledger"), ledger.path("ledger.toml"));
    let (out, result) = execute(&["backtest", "--ledger", &path, "--config", &config, "--format", "json"]);
    result.unwrap();
    let sent: Vec<Value> = serde_json::from_str(&out).unwrap();
    let odd: Vec<_> = sent.iter().filter(|alert| alert["kind"] == "anomaly").collect();
    let runaway: Vec<_> =
        odd.iter().map(|alert| (alert["day"].as_str().unwrap(), alert["member"].as_str().unwrap())).collect();
    // A day is in the bill 48 hours after its end: the agent's is the 17th; the summarizer's is the one that AWS restated,
    // the 12th. Everybody else's weeks, month's ends and quiet weekends are told by nothing.
    let expected = [("2026-11-15", "role/doc-summarizer@444455556666"), ("2026-11-20", "role/agent-exec@444455556666")];
    assert_eq!(runaway, expected, "{out}");
    assert!(sent.iter().any(|alert| alert["rule"] == "search" && alert["severity"] == "page"), "{out}");
    let (table, result) = execute(&["backtest", "--ledger", &path, "--config", &config]);
    result.unwrap();
    assert!(table.contains("     2  odd days\n") && table.contains("     0  nobody\n"), "{table}");
    assert!(!ledger.file("ledger/alerts/backtest").exists());
}

#[test]
fn deliveries_that_are_kept_are_gone_through_as_they_came() {
    let ledger = Ledger::of(2);
    let (path, config) = (ledger.path("ledger"), ledger.path("ledger.toml"));
    let (out, result) = execute(&["backtest", "--ledger", &path, "--config", &config, "--format", "json"]);
    result.unwrap();
    let sent: Vec<Value> = serde_json::from_str(&out).unwrap();
    let odd = sent.iter().filter(|alert| alert["kind"] == "anomaly");
    let odd: Vec<_> = odd.map(|alert| (alert["day"].as_str().unwrap(), alert["member"].as_str().unwrap())).collect();
    // The delivery of the 19th has the agent's 17th already; the summarizer's 12th was restated on the 20th.
    let expected = [("2026-11-19", "role/agent-exec@444455556666"), ("2026-11-20", "role/doc-summarizer@444455556666")];
    assert_eq!(odd, expected, "{out}");
}

#[test]
fn a_check_says_what_each_rule_says_and_whom_it_matches() {
    let ledger = Ledger::new();
    let (path, config) = (ledger.path("ledger"), ledger.path("ledger.toml"));
    let now = sample::sample_now().to_rfc3339();
    let (out, result) = execute(&["check", "--config", &config, "--ledger", &path, "--now", &now]);
    result.unwrap();
    for words in [
        "search: Pages when what matches tag:iamPrincipal/team = search spends 50%, 80% and 100% of $2,400.00",
        "odd days: Gives notice when a day of each identity is unusual: 6 deviations",
        "    role/agent-exec@",
        "nobody: Gives notice",
        "    notice: it matches nobody today",
        " series, predicted to cost $",
        "is a valid configuration",
    ] {
        assert!(out.contains(words), "{words} is not in\n{out}");
    }
}

#[test]
fn a_check_says_what_would_never_do_anything() {
    let ledger = Ledger::new();
    ledger.write(
        "idle.toml",
        r#"
        [[budget]]
        name = "euros"
        amount = "1"
        currency = "EUR"
        [[budget]]
        name = "teams"
        each = "tag:iamPrincipal/team"
        amount = "1"
        [[budget.override]]
        member = "serach"
        amount = "2"
        [[budget.override]]
        member = "search"
        amount = "2"
        [[mute]]
        rule = "teams"
        member = "serach*"
        until = 2026-12-01
        reason = "a slip"
        [[mute]]
        rule = "teams"
        member = "search*"
        until = 2026-12-01
        reason = "a load test"
        "#,
    );
    let (path, config) = (ledger.path("ledger"), ledger.path("idle.toml"));
    let now = sample::sample_now().to_rfc3339();
    let (out, result) = execute(&["check", "--config", &config, "--ledger", &path, "--now", &now]);
    result.unwrap();
    let notices: Vec<_> = out.lines().filter(|line| line.contains("notice: ")).map(str::trim).collect();
    let expected = [
        "notice: nothing of it is spent in EUR, but in USD",
        "notice: it has no member serach, who has a limit of its own; did you mean search?",
        "notice: it mutes nobody today",
    ];
    assert_eq!(notices, expected, "{out}");
}

#[test]
fn a_configuration_in_another_encoding_is_an_error_with_file_and_line() {
    let dir = Ledger(tempfile::tempdir().unwrap());
    std::fs::write(dir.file("latin.toml"), b"[cost]\n# f\xfcr alle\n").unwrap();
    let error = execute(&["check", "--config", &dir.path("latin.toml")]).1.unwrap_err().to_string();
    assert!(error.contains("latin.toml:2: this is not UTF-8"), "{error}");
}

#[test]
fn a_rule_that_nobody_matches_is_told_where_operations_messages_go() {
    let ledger = Ledger::new();
    let run = |now: &str| {
        let (export, path, config) = (ledger.path("export"), ledger.path("ledger"), ledger.path("ledger.toml"));
        execute(&["run", "--export", &export, "--ledger", &path, "--config", &config, "--now", now]).1.unwrap();
        let messages = std::fs::read_to_string(ledger.file("ledger/out/messages.jsonl")).unwrap();
        let sent: Vec<Value> = messages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = sent.iter().filter(|message| message["topic"] == "operations");
        told.map(|message| message["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let path = ledger.path("ledger/alerts/state.json");
    assert!(run(&sample::sample_now().to_rfc3339()).is_empty(), "the rules have just been seen");
    // As if they had been seen two weeks earlier.
    let state = std::fs::read_to_string(&path).unwrap();
    let mut state: serde_json::Map<String, Value> = serde_json::from_str(&state).unwrap();
    state["rules"]["nobody"]["first_seen"] = Value::from("2026-10-20T00:00:00Z");
    state.remove("format");
    let rest = serde_json::to_string(&state).unwrap();
    std::fs::write(&path, format!("{{\"format\":\"alert-state/1\",{}", rest.strip_prefix('{').unwrap())).unwrap();
    let told = ["Rule nobody has matched nobody for two weeks"];
    assert_eq!(run(&sample::sample_now().to_rfc3339()), told);
    assert_eq!(run(&sample::sample_now().to_rfc3339()), told, "once");
}

#[test]
fn nothing_is_known_since_a_time_that_is_still_to_come() {
    let ledger = Ledger::new();
    let ahead = std::time::SystemTime::from(sample::sample_now() + chrono::TimeDelta::days(3650));
    let mut folders = vec![ledger.file("export")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                std::fs::File::options().append(true).open(path).unwrap().set_modified(ahead).unwrap();
            }
        }
    }
    let (export, path, config) = (ledger.path("export"), ledger.path("another"), ledger.path("ledger.toml"));
    let now = sample::sample_now();
    let run = ["run", "--export", &export, "--ledger", &path, "--config", &config, "--now", &now.to_rfc3339()];
    execute(&run).1.unwrap();
    let messages = std::fs::read_to_string(ledger.file("another/out/messages.jsonl")).unwrap();
    let sent: Vec<Value> = messages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events =
        sent.iter().filter(|message| message["topic"] == "events" && message["attributes"]["kind"] == "budget");
    let mut deliveries = 0;
    for event in events {
        let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
        for delivery in body["data"]["deliveries"].as_array().unwrap() {
            let at: chrono::DateTime<chrono::Utc> = delivery["delivered_at"].as_str().unwrap().parse().unwrap();
            assert!(at <= now, "{delivery}");
            deliveries += 1;
        }
    }
    assert!(deliveries > 0, "{messages}");
}

#[test]
fn a_check_names_every_mistake_with_file_and_line_in_one_run() {
    let dir = Ledger(tempfile::tempdir().unwrap());
    dir.write("wrong.toml", "[cost]\nbasis = \"gross\"\n[[budget]]\nname = \"b\"\neach = \"identity\"\namount = \"1\"\noverrides_file = \"people.csv\"\n");
    dir.write("people.csv", "dana,1\nsam\n");
    let error = execute(&["check", "--config", &dir.path("wrong.toml")]).1.unwrap_err().to_string();
    assert!(error.contains("wrong.toml:2: `basis`") && error.contains("people.csv:2: "), "{error}");
}

#[test]
fn overrides_beside_the_configuration_are_in_force_after_a_run() {
    let ledger = Ledger::new();
    ledger.write("people.csv", "member,amount\nsearch,1.00\n");
    let budget = "[[budget]]\nname = \"teams\"\neach = \"tag:iamPrincipal/team\"\namount = \"1000000\"\noverrides_file = \"people.csv\"\n";
    ledger.write("ledger.toml", budget);
    let (export, path, config) = (ledger.path("export"), ledger.path("ledger"), ledger.path("ledger.toml"));
    let now = sample::sample_now().to_rfc3339();
    execute(&["run", "--export", &export, "--ledger", &path, "--config", &config, "--now", &now]).1.unwrap();
    std::fs::remove_file(ledger.file("people.csv")).unwrap();
    execute(&["run", "--export", &export, "--ledger", &path, "--now", &now]).1.unwrap();
    let messages = std::fs::read_to_string(ledger.file("ledger/out/messages.jsonl")).unwrap();
    assert!(messages.contains("of $1.00"), "{messages}");
}

#[test]
fn a_test_alert_is_marked_and_joins_the_messages() {
    let ledger = Ledger::new();
    let path = ledger.path("ledger");
    execute(&["test-alert", "--ledger", &path, "--now", "2026-11-21T06:00:00Z"]).1.unwrap();
    let messages = std::fs::read_to_string(ledger.file("ledger/out/messages.jsonl")).unwrap();
    let sent: Vec<Value> = messages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tests: Vec<_> = sent.iter().filter(|message| message["attributes"]["kind"] == "test").collect();
    assert_eq!(tests.iter().map(|test| test["topic"].as_str().unwrap()).collect::<Vec<_>>(), ["alerts", "events"]);
    assert!(execute(&["test-alert", "--ledger", &ledger.path("elsewhere")]).1.is_err());
}
