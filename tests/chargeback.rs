//! `chargeback` and `report` on whole exports: every file sums to the bill, whatever is split and however names look.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bill::{session, usage};
use crate::bucket::{chunk_key, manifest_key, period};
use crate::commands::{Outcome, block_on, call, done};
use bedrock_ledger::cli::Cli;
use bedrock_ledger::sample::{SAMPLE_CONFIG, gateway_metering};
use clap::Parser;
use spend_core::errors::fault::Fault;
use spend_core::facts::fact::FactField;
use spend_core::facts::spend::Basis;
use spend_core::money::decimal::Decimal;
use spend_core::text::spreadsheet::restore;
use spend_cur::write::{self, FileShape, Row, Value};
use spend_ledger::state::committed;
use spend_ledger::store::directory::DirectoryStore;
use tempfile::TempDir;

const NOW: &str = "2026-11-20T06:00:00Z";
const GATEWAY: &str = "role/ai-gateway@444455556666";

/// The rows of a CSV text, by column.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

/// The sum of a column for each currency.
fn sums(rows: &[BTreeMap<String, String>], column: &str) -> BTreeMap<String, Decimal> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(row["currency"].clone()).or_default();
        *sum = sum.checked_add(row[column].parse().unwrap()).unwrap();
    }
    sums
}

/// A directory with an export, a ledger, a configuration and metering records in it.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = PathBuf::from(self.path(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn deliver(&self, rows: &[Row]) {
        let bytes = write::parquet(rows, &FileShape::default()).unwrap();
        self.put(&format!("export/{}", chunk_key(1)), bytes);
        let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
        let manifest = write::manifest(arn, "cur", Some("one"), &[], "acme", &[chunk_key(1)], period());
        self.put(&format!("export/{}", manifest_key()), manifest);
    }

    fn run(&self, export: &str, config: &str) {
        self.put("ledger.toml", config);
        let (ledger, config) = (self.path("ledger"), self.path("ledger.toml"));
        done(&["run", "--export", export, "--ledger", &ledger, "--config", &config, "--now", NOW]);
    }

    /// Writes the files; what people are told.
    fn chargeback(&self, period: &str, more: &[&str]) -> String {
        let (ledger, out) = (self.path("ledger"), self.path("out"));
        let fixed = ["chargeback", "--ledger", &ledger, "--period", period, "--out", &out];
        let Outcome { notes, result, .. } = call(&[&fixed[..], more].concat());
        result.unwrap_or_else(|error| panic!("{error}"));
        notes
    }

    fn file(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        rows(&fs::read_to_string(self.path(&format!("out/{name}"))).unwrap())
    }

    fn report(&self, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
        let ledger = self.path("ledger");
        rows(&done(&[&["report", "--ledger", &ledger, "--format", "csv"], arguments].concat()))
    }

    /// What the committed facts of a month come to, for each currency.
    fn facts(&self, period: &str, basis: Basis) -> BTreeMap<String, Decimal> {
        let store = DirectoryStore::open_read_only(self.path("ledger").into()).unwrap();
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for statement in block_on(committed::statements(&store)).unwrap() {
            if statement.period.to_string() != period {
                continue;
            }
            let (state, _) = block_on(committed::state(&store, &statement)).unwrap().unwrap();
            for fact in &state.facts {
                let sum = sums.entry(fact.get(FactField::Currency).to_owned()).or_default();
                *sum = sum.checked_add(basis.cost(fact)).unwrap();
            }
        }
        sums
    }

    /// Checks that every row of every file names the state of the file beside them.
    fn assert_one_state(&self) {
        let about: serde_json::Value = serde_json::from_slice(&fs::read(self.path("out/about.json")).unwrap()).unwrap();
        for file in about["files"].as_array().unwrap() {
            let rows = self.file(file["name"].as_str().unwrap());
            assert_eq!(file["rows"], rows.len());
            assert!(rows.iter().all(|row| row["state"] == about["state"]), "{file}");
        }
    }

    /// Checks that facts, report and every file of a month come to the same, to the last digit.
    fn assert_agreement(&self, period: &str, metering: &[&str]) {
        for basis in [Basis::Unblended, Basis::NetUnblended] {
            self.chargeback(period, &[&["--basis", basis.as_str()], metering].concat());
            let facts = self.facts(period, basis);
            assert!(!facts.is_empty());
            let arguments = ["--period", period, "--basis", basis.as_str(), "--by", "owner,identity"];
            assert_eq!(sums(&self.report(&arguments), "cost"), facts);
            let (showback, chargeback) = (self.file("showback.csv"), self.file("chargeback.csv"));
            assert_eq!(sums(&showback, "total"), facts);
            assert_eq!(sums(&chargeback, "total"), facts);
            assert_eq!(sums(&chargeback, "billed"), facts);
            assert!(sums(&chargeback, "allocated").values().all(|sum| sum.is_zero()));
            let cents: BTreeMap<_, _> = facts.iter().map(|(code, sum)| (code.clone(), sum.round_to(2))).collect();
            assert_eq!(sums(&chargeback, "invoice"), cents);
            let usage = ["--category", "usage", "--period", period, "--basis", basis.as_str(), "--by", "model"];
            let usage = sums(&self.report(&usage), "cost");
            assert_eq!(sums(&showback, "usage"), usage);
            assert_eq!(sums(&self.file("unit_costs.csv"), "cost"), usage);
            assert_eq!(sums(&self.file("tiers.csv"), "cost"), usage);
            self.assert_one_state();
            for category in ["discount", "credit", "refund", "fee", "tax", "other"] {
                assert_eq!(sums(&showback, category), sums(&chargeback, category), "{category}");
            }
            for row in &chargeback {
                let of = |column: &str| row[column].parse::<Decimal>().unwrap();
                assert_eq!(of("billed").checked_add(of("allocated")), Some(of("total")));
            }
        }
    }
}

#[test]
fn everything_agrees_on_the_sample_and_the_gateway_is_divided_among_its_tenants() {
    let bench = Bench::new();
    let (export, metering) = (bench.path("export"), bench.path("gateway.csv"));
    done(&["sample", "--out", &export, "--rows", "2700", "--deliveries", "1", "--metering", &metering]);
    assert_eq!(fs::read_to_string(&metering).unwrap(), gateway_metering(1));
    bench.run(&export, SAMPLE_CONFIG);
    for period in ["2026-10", "2026-11"] {
        bench.assert_agreement(period, &["--metering", &metering]);
        let notes = bench.chargeback(period, &["--metering", &metering]);
        assert!(!notes.contains("warning") && !notes.contains("metering records"), "{notes}");
        let of_gateway = |rows: Vec<BTreeMap<String, String>>| {
            rows.into_iter().filter(|row| row["identity"] == GATEWAY).collect::<Vec<_>>()
        };
        let billed = of_gateway(bench.report(&["--period", period, "--category", "usage", "--by", "identity"]));
        let tenants = of_gateway(bench.file("chargeback.csv"));
        assert_eq!(sums(&tenants, "shared"), sums(&billed, "cost"));
        assert!(sums(&tenants, "direct")["USD"].is_zero());
        let shared = tenants.iter().filter(|row| row["shared"] != "0");
        let owners: std::collections::BTreeSet<_> = shared.map(|row| row["owner"].as_str()).collect();
        assert_eq!(owners.into_iter().collect::<Vec<_>>(), ["fraud", "growth", "legal", "search"]);
        let search = tenants.iter().find(|row| row["owner"] == "search").unwrap();
        assert_eq!((search["owner_source"].as_str(), search["cost_center"].as_str()), ("split", "CC-100"));
    }
    let sources = bench.report(&["--by", "owner_source,cost_center", "--category", "usage"]);
    let sources: std::collections::BTreeSet<_> = sources.iter().map(|row| row["owner_source"].as_str()).collect();
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), ["account", "tag"]);
    assert!(
        bench.report(&["--by", "identity,cost_center"]).iter().any(|row| {
            row["identity"] == "api-key/BedrockAPIKey-k3q9@777788889999" && row["cost_center"] == "CC-500"
        })
    );
}

/// Further exports: `SPEND_EXPORTS` names a folder that has the trees `d1` and `d2`.
#[test]
fn everything_agrees_on_exports_of_another_writer() {
    let Ok(exports) = std::env::var("SPEND_EXPORTS") else { return };
    for tree in ["d1", "d2"] {
        let bench = Bench::new();
        bench.run(&format!("{exports}/{tree}"), SAMPLE_CONFIG);
        let periods = bench.report(&["--by", "day"]);
        let periods: std::collections::BTreeSet<_> = periods.iter().map(|row| row["day"][..7].to_owned()).collect();
        assert!(!periods.is_empty());
        for period in periods {
            bench.assert_agreement(&period, &[]);
        }
    }
}

#[test]
fn unknown_gateways_gaps_and_duplicates_are_told_and_nothing_of_the_bill_is_lost() {
    let bench = Bench::new();
    let sonnet = "USE1-Claude4.6Sonnet-output-tokens";
    bench.deliver(&[
        usage("2026-11-03", &session("ai-gateway", "pod-1"), sonnet, 0.1),
        usage("2026-11-04", &session("ai-gateway", "pod-1"), sonnet, 0.2),
        usage("2026-11-04", &session("app", "pod-1"), sonnet, 0.5),
    ]);
    bench.run(&bench.path("export"), SAMPLE_CONFIG);
    let records = [
        format!("2026-11-03,{GATEWAY},growth,1"),
        format!("2026-11-03,{GATEWAY},growth,1"),
        format!("2026-11-03,{GATEWAY},legal,2"),
        "2026-11-03,role/ai-gatway@444455556666,legal,2".to_owned(),
        "2026-11-03,role/app@444455556666,legal,2".to_owned(),
    ];
    bench.put("m.csv", format!("date,gateway,tenant,amount\n{}\n", records.join("\n")));
    bench.put("bad.csv", "date,gateway,tenant,amount\n2026-11-03,x,y,-1\n");
    let notes = bench.chargeback("2026-11", &["--metering", &bench.path("m.csv")]);
    for told in [
        "split identity = role/ai-gateway@444455556666 by file: $0.10 of $0.30 divided",
        "no metering records of role/ai-gateway@444455556666 for claude-sonnet-4.6 on 2026-11-04: $0.20 left where",
        "the bill has no identity role/ai-gatway@444455556666: 1 record is not used",
        "no [[split]] divides role/app@444455556666 by file: 1 record is not used",
        "2026-11-03, role/ai-gateway@444455556666, growth stands 2 times: 1 counts, 1 does not",
        "split category tax by usage: this bill has none of it",
        "billed 0.8 USD, charged 0.8 USD, invoices 0.8 USD",
    ] {
        assert!(notes.contains(told), "{told}\n{notes}");
    }
    let charged = bench.file("chargeback.csv");
    let of = |owner: &str, column: &str| {
        let rows: Vec<_> = charged.iter().filter(|row| row["owner"] == owner).cloned().collect();
        sums(&rows, column)["USD"].to_string()
    };
    assert_eq!(of("growth", "shared"), "0.033333333333333333");
    assert_eq!(of("legal", "shared"), "0.066666666666666667");
    assert_eq!(of("search", "direct"), "0.7");
    bench.assert_agreement("2026-11", &["--metering", &bench.path("m.csv")]);

    let (ledger, out, bad) = (bench.path("ledger"), bench.path("none"), bench.path("bad.csv"));
    let arguments = ["chargeback", "--ledger", &ledger, "--period", "2026-11", "--out", &out, "--metering", &bad];
    let result = call(&arguments).result;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        ("metering.invalid", format!("{bad}: line 2: the amount is below zero"))
    );
    assert!(!Path::new(&out).exists());
}

#[test]
fn an_owner_is_named_by_tag_then_by_the_first_rule_on_its_days_then_by_account() {
    let bench = Bench::new();
    let sonnet = "USE1-Claude4.6Sonnet-output-tokens";
    let used = |day: &str, role: &str, team: Option<&str>| {
        let mut row = usage(day, &session(role, "pod-1"), sonnet, 0.25);
        let team = team.map(|team| ("iamPrincipal/team".to_owned(), team.to_owned()));
        row.insert("tags", Value::Map(team.into_iter().collect()));
        row
    };
    bench.deliver(&[
        used("2026-11-02", "app", None),
        used("2026-11-03", "app", None),
        used("2026-11-04", "app", Some("search")),
        used("2026-11-05", "app", Some("")),
        used("2026-11-03", "batch", None),
        used("2026-11-03", "other", Some("ads")),
    ]);
    let config = r#"
[tags]
required = ["iamPrincipal/team"]
[[owner]]
match = { identity = "role/app@*" }
team = "growth"
cost_center = "CC-7"
from = 2026-11-03
to = 2026-11-05
[[owner]]
match = { identity = "role/*a*@*" }
team = "later"
from = 2026-11-03
to = 2026-11-04
"#;
    bench.run(&bench.path("export"), config);
    let rows = bench.report(&["--by", "day,identity,owner,owner_source,cost_center"]);
    let mut told: Vec<_> = rows
        .iter()
        .map(|row| {
            let name = row["identity"].split(['/', '@']).nth(1).unwrap();
            format!("{} {name}: {} by {} {}", row["day"], row["owner"], row["owner_source"], row["cost_center"])
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            // Before the first rule's days.
            "2026-11-02 app: account/444455556666 by account ",
            "2026-11-03 app: growth by rule CC-7",
            "2026-11-03 batch: later by rule ",
            "2026-11-03 other: ads by tag ",
            // The tag is the owner, the rule says where it is booked.
            "2026-11-04 app: search by tag CC-7",
            // The rule's last day is the one before `to`; an empty tag is none.
            "2026-11-05 app: account/444455556666 by account ",
        ]
    );
    bench.chargeback("2026-11", &[]);
    let sources: std::collections::BTreeSet<_> =
        bench.file("showback.csv").iter().map(|row| row["owner_source"].clone()).collect();
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), ["account", "rule", "tag"]);
}

#[test]
fn hostile_names_are_harmless_cells_and_the_report_keeps_them_exact() {
    let bench = Bench::new();
    let names = [
        "=HYPERLINK(\"http://evil.example\",\"click\")",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1,2)",
        "\t=1",
        "a\r\n=1,forged,row",
        "\u{202e}gpj.exe\u{202c}",
        "<script>alert(1)</script>",
        "'already quoted",
        "quote\" and, comma",
    ];
    let bill: Vec<_> = names
        .iter()
        .map(|name| {
            let mut row = usage("2026-11-03", &session("app", "x"), "USE1-Claude4.6Sonnet-output-tokens", 0.1);
            row.insert("tags", Value::Map(vec![("iamPrincipal/team".to_owned(), (*name).to_owned())]));
            row
        })
        .collect();
    bench.deliver(&bill);
    bench.run(&bench.path("export"), "");
    let notes = bench.chargeback("2026-11", &[]);
    for file in ["showback.csv", "chargeback.csv"] {
        let rows = bench.file(file);
        let mut restored: Vec<_> = rows.iter().map(|row| restore(&row["owner"])).collect();
        restored.sort();
        let mut expected = names.map(str::to_owned);
        expected.sort();
        assert_eq!(restored, expected);
        for row in &rows {
            let owner = &row["owner"];
            assert!(!owner.trim_start().starts_with(['=', '+', '-', '@']), "{owner}");
            assert!(!owner.contains(|c: char| c.is_control() || c == '\u{202e}'), "{owner}");
        }
        let text = fs::read_to_string(bench.path(&format!("out/{file}"))).unwrap();
        assert_eq!(text.lines().count(), names.len() + 1, "one line for each row");
    }
    assert!(notes.contains("billed 1 USD"), "{notes}");
    let about = fs::read(bench.path("out/about.json")).unwrap();
    assert!(about.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "{}", String::from_utf8_lossy(&about));
    let exact: std::collections::BTreeSet<_> =
        bench.report(&["--by", "owner"]).into_iter().map(|row| row["owner"].clone()).collect();
    assert_eq!(exact, names.map(str::to_owned).into());
}

#[test]
fn the_mix_of_tiers_is_told_in_its_file_and_by_report() {
    let bench = Bench::new();
    let session = session("app", "x");
    let mut batch = usage("2026-11-03", &session, "USE1-Claude4.6Sonnet-output-tokens-batch", 0.125);
    batch.insert("line_item_usage_amount", Value::Number(25.0));
    bench.deliver(&[
        usage("2026-11-03", &session, "USE1-Claude4.6Sonnet-output-tokens", 0.25),
        batch,
        usage("2026-11-04", "", "USE1-Guardrail-TextPolicyUnitsConsumed", 1.5),
    ]);
    bench.run(&bench.path("export"), "");
    bench.chargeback("2026-11", &[]);
    let tiers = bench.file("tiers.csv");
    let told: Vec<_> = tiers
        .iter()
        .filter(|row| row["model"] == "claude-sonnet-4.6")
        .map(|row| {
            ["tier", "cost", "cost_percent", "tokens", "tokens_percent", "per_million"].map(|key| row[key].as_str())
        })
        .collect();
    // Each is 25 units of a thousand tokens.
    assert_eq!(
        told,
        [["batch", "0.125", "33.3", "25000", "50", "5"], ["on-demand", "0.25", "66.7", "25000", "50", "10"]]
    );
    let batch = tiers.iter().find(|row| row["tier"] == "batch").unwrap();
    assert_eq!((batch["estimated_saving"].as_str(), batch["tokens_not_estimated"].as_str()), ("0.125", "0"));
    let ledger = bench.path("ledger");
    let command = ["report", "--ledger", &ledger, "--by", "tier", "--measure", "cost,share,token_share", "--format"];
    let csv = done(&[&command[..], &["csv"]].concat());
    assert!(csv.starts_with("tier,currency,cost,share,token_share\n"), "{csv}");
    for row in ["on-demand,USD,1.75,93.3,87.5", "batch,USD,0.125,6.7,12.5"] {
        assert!(csv.lines().any(|line| line == row), "{csv}");
    }
    assert!(done(&[&command[..], &["table"]].concat()).contains("93.3%"));
}

#[test]
fn metering_records_in_the_ledger_are_used_where_none_are_named_and_parquet_there_is_told() {
    let bench = Bench::new();
    bench.deliver(&[usage("2026-11-03", &session("ai-gateway", "pod-1"), "USE1-Claude4.6Sonnet-output-tokens", 0.25)]);
    bench.run(&bench.path("export"), SAMPLE_CONFIG);
    let text = format!("date,gateway,tenant,amount\n2026-11-03,{GATEWAY},growth,1\n");
    bench.put("ledger/metering/gateway.csv", &text);
    bench.put("ledger/metering/more.parquet", "PAR1");
    let notes = bench.chargeback("2026-11", &[]);
    assert!(notes.contains("by file: $0.25 of $0.25 divided"), "{notes}");
    assert!(notes.contains("metering/more.parquet is not used: it is Parquet"), "{notes}");
    let charged = fs::read(bench.path("out/chargeback.csv")).unwrap();
    bench.put("named.csv", text);
    let notes = bench.chargeback("2026-11", &["--metering", &bench.path("named.csv")]);
    assert!(!notes.contains("Parquet"), "{notes}");
    assert_eq!(fs::read(bench.path("out/chargeback.csv")).unwrap(), charged, "the same records, the same file");
}

#[test]
fn a_report_says_tokens_and_what_a_million_of_them_cost() {
    let bench = Bench::new();
    bench.deliver(&[
        usage("2026-11-03", &session("app", "x"), "USE1-Claude4.6Sonnet-output-tokens", 0.25),
        usage("2026-11-04", "", "USE1-Guardrail-TextPolicyUnitsConsumed", 1.5),
    ]);
    bench.run(&bench.path("export"), "");
    let report = |arguments: &[&str]| {
        let ledger = bench.path("ledger");
        done(&[&["report", "--ledger", &ledger, "--by", "feature"], arguments].concat())
    };
    // 25 units of a thousand tokens for 0.25.
    let csv = report(&["--measure", "cost,tokens,per_million", "--format", "csv"]);
    assert!(csv.contains("\ninference,USD,0.25,25000,10\n"), "{csv}");
    assert!(csv.starts_with("feature,currency,cost,tokens,per_million\nguardrails,USD,1.5,"), "{csv}");
    let json = report(&["--measure", "per_million,list_cost", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let inference = serde_json::json!({
        "feature": "inference", "currency": "USD", "per_million": "10", "list_cost": null
    });
    assert_eq!(json[1], inference);
    let table = report(&["--measure", "tokens,per_million"]);
    assert!(table.contains("25,000 ") && table.contains("10.00"), "{table}");
    let (ledger, by) = (bench.path("ledger"), ["--by", "model", "--measure", "price"]);
    assert!(Cli::try_parse_from(["bedrock-ledger", "report", "--ledger", &ledger].iter().copied().chain(by)).is_err());
}
