//! The command line as people use it: `sample`, `run`, `report`, on whole exports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bill::{session, usage};
use crate::bucket::{chunk_key, manifest_key, period};
use crate::commands::{Outcome, call};
use crate::gzip;
use bedrock_ledger::cli::Cli;
use clap::Parser;
use spend_core::errors::fault::Fault as _;
use spend_cur::write::{self, FileShape, Row, Value};
use tempfile::TempDir;

const NOW: &str = "2026-11-20T06:00:00Z";

/// A directory with an export and a ledger in it.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a delivery of the export `cur`.
    fn deliver(&self, execution_id: &str, chunks: &[Vec<Row>], shape: &FileShape) {
        let keys: Vec<_> = (1..=chunks.len()).map(chunk_key).collect();
        for (key, rows) in keys.iter().zip(chunks) {
            self.put(key, &write::parquet(rows, shape).unwrap());
        }
        let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
        self.put(&manifest_key(), &write::manifest(arn, "cur", Some(execution_id), &[], "acme", &keys, period()));
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.0.path().join("export").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn run(&self) -> Outcome {
        call(&["run", "--export", &self.path("export"), "--ledger", &self.path("ledger"), "--now", NOW])
    }

    fn report(&self, arguments: &[&str]) -> Outcome {
        let mut all = vec!["report", "--ledger"];
        let ledger = self.path("ledger");
        all.push(&ledger);
        all.extend(arguments);
        call(&all)
    }

    fn csv(&self, arguments: &[&str]) -> String {
        let outcome = self.report(&[arguments, &["--format", "csv"]].concat());
        outcome.result.unwrap();
        outcome.out
    }
}

/// Every file below a directory.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

fn three_rows() -> Vec<Row> {
    let sonnet = "USE1-Claude4.6Sonnet-output-tokens";
    vec![
        usage("2026-11-03", &session("app", "pod-1"), sonnet, 0.1),
        usage("2026-11-03", &session("app", "pod-2"), sonnet, 0.2),
        usage("2026-11-04", "", "USE1-Guardrail-TextPolicyUnitsConsumed", 1.5),
    ]
}

#[test]
fn a_run_then_a_report_adds_up_to_the_bill() {
    let bench = Bench::new();
    bench.deliver("one", &[three_rows()], &FileShape::default());
    bench.run().result.unwrap();
    let by_identity = "identity,currency,cost\n,USD,1.5\nrole/app@444455556666,USD,0.3\n";
    assert_eq!(bench.csv(&["--by", "identity"]), by_identity);
    let by_day_and_model = "day,model,currency,cost\n2026-11-04,,USD,1.5\n2026-11-03,claude-sonnet-4.6,USD,0.3\n";
    assert_eq!(bench.csv(&["--by", "day,model"]), by_day_and_model);
    let top = "principal,currency,cost\n,USD,1.5\n(other),USD,0.3\n";
    assert_eq!(bench.csv(&["--by", "principal", "--top", "1"]), top);
    assert_eq!(bench.csv(&["--by", "category", "--category", "tax"]), "category,currency,cost\n");
    let json = bench.report(&["--by", "tag:iamPrincipal/team", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected = serde_json::json!([{ "tag:iamPrincipal/team": "search", "currency": "USD", "cost": "1.8" }]);
    assert_eq!(json, expected);
    let table = bench.report(&["--by", "identity"]).out;
    assert!(table.contains("(none)") && table.contains("1.50"), "{table}");
}

#[test]
fn running_again_changes_no_byte_of_the_ledger() {
    let bench = Bench::new();
    bench.deliver("one", &[three_rows(), three_rows()], &FileShape::default());
    bench.run().result.unwrap();
    let before = files(&bench.0.path().join("ledger"));
    let again = bench.run();
    again.result.unwrap();
    assert!(again.notes.contains("already known, nothing to do"), "{}", again.notes);
    assert!(files(&bench.0.path().join("ledger")) == before);
    let (export, ledger) = (bench.path("export"), bench.path("ledger"));
    call(&["run", "--export", &export, "--ledger", &ledger, "--now", "2026-11-28T06:00:00Z"]).result.unwrap();
    // Health is told every hour, and CloudWatch's window moves with the days.
    let but_metrics = |files: BTreeMap<PathBuf, Vec<u8>>| {
        let kept = files.into_iter().filter(|(path, _)| {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            !parts.iter().any(|part| ["metrics", "gauges", "metrics.jsonl"].contains(&&**part))
        });
        kept.collect::<BTreeMap<_, _>>()
    };
    assert!(but_metrics(files(&bench.0.path().join("ledger"))) == but_metrics(before), "nor a week later");
}

#[test]
fn a_delivery_replaces_the_one_before_and_is_the_same_as_alone() {
    let (both, alone) = (Bench::new(), Bench::new());
    both.deliver("one", &[three_rows(), three_rows()], &FileShape::default());
    both.run().result.unwrap();
    for bench in [&both, &alone] {
        bench.deliver("two", &[three_rows(), Vec::new()], &FileShape::default());
        bench.run().result.unwrap();
    }
    let facts = "ledger/facts/export=cur/billing_period=2026-11/facts.parquet";
    assert!(fs::read(both.path(facts)).unwrap() == fs::read(alone.path(facts)).unwrap());
    assert_eq!(both.csv(&["--by", "identity"]), alone.csv(&["--by", "identity"]));
    // The first one again, as from a backup: it was applied, and is never applied again.
    both.deliver("one", &[three_rows(), three_rows()], &FileShape::default());
    both.run().result.unwrap();
    assert_eq!(both.csv(&["--by", "identity"]), alone.csv(&["--by", "identity"]));
}

#[test]
fn a_chunk_that_cannot_be_read_keeps_its_own_delivery_from_being_published_and_no_other() {
    let bench = Bench::new();
    bench.deliver("one", &[three_rows()], &FileShape::default());
    let broken = "other/data/BILLING_PERIOD=2026-10/other-00001.snappy.parquet";
    bench.put(broken, b"PAR1 is how it begins, and then it is cut");
    let manifest = br#"{"executionId": "bad", "dataFiles":
        ["s3://acme/other/data/BILLING_PERIOD=2026-10/other-00001.snappy.parquet"]}"#;
    bench.put("other/metadata/BILLING_PERIOD=2026-10/other-Manifest.json", manifest);
    let outcome = bench.run();
    let error = outcome.result.unwrap_err();
    assert_eq!(error.kind(), "export.unpublished");
    assert_eq!(error.to_string(), "1 of 2 deliveries was not published, see above; the others were");
    assert!(outcome.notes.contains(broken) && outcome.notes.contains("not published"), "{}", outcome.notes);
    assert_eq!(bench.csv(&["--by", "currency"]), "currency,currency,cost\nUSD,USD,1.8\n");

    // Mended under the same execution id, it is published.
    let mended: Vec<_> =
        three_rows().into_iter().map(|row| with(row, "bill_payer_account_id", "999988887777")).collect();
    bench.put(broken, &write::parquet(&mended, &FileShape::default()).unwrap());
    bench.run().result.unwrap();
    assert_eq!(bench.csv(&["--by", "currency"]), "currency,currency,cost\nUSD,USD,3.6\n");
}

fn with(mut row: Row, column: &'static str, text: &str) -> Row {
    row.insert(column, text.into());
    row
}

#[test]
fn without_the_principal_column_all_is_unattributed_and_loudly_said() {
    let bench = Bench::new();
    bench.deliver("one", &[three_rows()], &FileShape::default().without(&["line_item_iam_principal"]));
    let outcome = bench.run();
    outcome.result.unwrap();
    assert!(outcome.notes.contains("WARNING: this export has no column line_item_iam_principal"), "{}", outcome.notes);
    assert_eq!(bench.csv(&["--by", "identity"]), "identity,currency,cost\n,USD,1.8\n");
}

#[test]
fn a_missing_required_column_is_an_error_with_file_and_cure() {
    let bench = Bench::new();
    bench.deliver("one", &[three_rows()], &FileShape::default().without(&["line_item_unblended_cost"]));
    let outcome = bench.run();
    assert!(outcome.result.is_err());
    for part in [chunk_key(1).as_str(), "line_item_unblended_cost", "export.missing_column", "add it"] {
        assert!(outcome.notes.contains(part), "{part} in {}", outcome.notes);
    }
}

#[test]
fn a_table_shows_no_character_that_a_terminal_obeys() {
    let bench = Bench::new();
    let row = with(three_rows().remove(0), "line_item_iam_principal", "\u{1b}[2Jx");
    bench.deliver("one", &[vec![row]], &FileShape::default());
    bench.run().result.unwrap();
    let table = bench.report(&["--by", "identity,principal"]).out;
    assert!(table.contains("?[2Jx") && !table.contains('\u{1b}'), "{table}");
}

#[test]
fn a_budget_alerts_once_and_gauges_follow_the_month() {
    let bench = Bench::new();
    bench.deliver("one", &[three_rows()], &FileShape::default());
    let config = bench.path("ledger.toml");
    fs::write(&config, "[[budget]]\nname = \"all\"\namount = \"2.00\"\nthresholds = [50, 80, 100]\n").unwrap();
    let arguments = ["run", "--export", &bench.path("export"), "--ledger", &bench.path("ledger"), "--now", NOW];
    for _ in 0..2 {
        call(&[&arguments[..], &["--config", &config]].concat()).result.unwrap();
    }
    // The configuration stays in force without being named again.
    bench.run().result.unwrap();
    let messages = fs::read_to_string(bench.path("ledger/out/messages.jsonl")).unwrap();
    let messages: Vec<serde_json::Value> = messages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let topics: Vec<_> = messages.iter().map(|message| message["topic"].as_str().unwrap()).collect();
    assert_eq!(topics, ["alerts", "events", "digest", "events"], "50% and 80% are one alert, told once");
    assert!(messages[0]["subject"].as_str().unwrap().starts_with("$1.80 of $2.00 (90%)"), "{}", messages[0]);
    let gauges = fs::read_to_string(bench.path("ledger/out/metrics.jsonl")).unwrap();
    let total = r#""dimensions":{"Currency":"USD"},"timestamp":"2026-11-20T06:00:00Z","value":1.8,"unit":"None""#;
    let total = |name: &str| gauges.lines().filter(|line| line.contains(name) && line.contains(total)).count();
    assert_eq!([total("\"MonthToDateSpend\""), total("\"RecentSpend\"")], [1, 1], "{gauges}");
}

#[test]
fn no_alert_and_no_digest_waits_for_a_metric_that_cannot_be_put() {
    let bench = Bench::new();
    bench.deliver("one", &[three_rows()], &FileShape::default());
    let config = bench.path("ledger.toml");
    fs::write(&config, "[[budget]]\nname = \"all\"\namount = \"1\"\n").unwrap();
    // Something else is where metrics are put.
    fs::create_dir_all(bench.path("ledger/out/metrics.jsonl")).unwrap();
    let (export, ledger) = (bench.path("export"), bench.path("ledger"));
    let error = call(&["run", "--export", &export, "--ledger", &ledger, "--now", NOW, "--config", &config]).result;
    assert!(error.unwrap_err().to_string().contains("failed to put the metrics"));
    let messages = fs::read_to_string(bench.path("ledger/out/messages.jsonl")).unwrap();
    assert!(messages.contains(r#""topic":"alerts""#) && messages.contains(r#""topic":"digest""#), "{messages}");
}

#[test]
fn an_empty_tree_and_an_empty_ledger_say_what_to_do() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("export")).unwrap();
    let error = bench.run().result.unwrap_err().to_string();
    assert!(error.contains("no delivery of a CUR 2.0 export") && error.contains("point --export at"), "{error}");
    let error = bench.report(&["--by", "day"]).result.unwrap_err().to_string();
    assert!(error.contains("holds no ledger: make one with bedrock-ledger run"), "{error}");
}

#[test]
fn files_of_another_kind_are_named_wherever_they_lie() {
    let legacy =
        "identity/LineItemId,bill/PayerAccountId,lineItem/UnblendedCost,lineItem/ProductCode\na,1,0.5,AmazonS3\n";
    let focus = "BilledCost,BillingAccountId,ChargePeriodStart,ServiceName\n0.5,1,2026-11-01T00:00:00Z,S3\n";
    for (text, what) in [(legacy, "this is a legacy Cost and Usage Report"), (focus, "this is a FOCUS export")] {
        let in_export = "cur/data/BILLING_PERIOD=2026-11/cur-00001.csv.gz";
        for (key, kind) in [("report-00001.csv.gz", "export.not_cur2"), (in_export, "export.unpublished")] {
            let bench = Bench::new();
            bench.put(key, &gzip::stored(text));
            let outcome = bench.run();
            let error = outcome.result.unwrap_err();
            assert_eq!(error.kind(), kind, "{key}: {error}");
            let said = format!("{error} {}", outcome.notes);
            assert!(said.contains(what) && said.contains("create a CUR 2.0 export"), "{key}: {said}");
        }
    }
}

#[test]
fn a_listed_tag_is_kept_and_reported_by() {
    let bench = Bench::new();
    let tags = vec![("resourceTags/app".to_owned(), "checkout".to_owned())];
    let rows: Vec<Row> = three_rows()
        .into_iter()
        .map(|mut row| {
            row.insert("tags", Value::Map(tags.clone()));
            row
        })
        .collect();
    bench.deliver("one", &[rows], &FileShape::default());
    let by_app = ["--by", "tag:resourceTags/app"];
    bench.run().result.unwrap();
    let error = bench.report(&by_app).result.unwrap_err().to_string();
    assert!(error.contains("the ledger has no tag at all") && error.contains("`keep` of [tags]"), "{error}");

    let config = bench.path("ledger.toml");
    fs::write(&config, "[tags]\nkeep = [\"resourceTags/app\"]\n").unwrap();
    let arguments = ["run", "--export", &bench.path("export"), "--ledger", &bench.path("ledger"), "--now", NOW];
    call(&[&arguments[..], &["--config", &config]].concat()).result.unwrap();
    call(&["rebuild", "--ledger", &bench.path("ledger"), "--now", NOW]).result.unwrap();
    assert_eq!(bench.csv(&by_app), "tag:resourceTags/app,currency,cost\ncheckout,USD,1.8\n");
}

#[test]
fn the_sample_says_the_same_as_text() {
    let bench = Bench::new();
    let reports = ["parquet", "csv"].map(|format| {
        let (export, ledger) = (bench.path(&format!("export-{format}")), bench.path(&format!("ledger-{format}")));
        let sample = ["sample", "--out", &export, "--rows", "2700", "--format", format];
        call(&sample).result.unwrap();
        let ending = if format == "csv" { ".csv.gz" } else { ".snappy.parquet" };
        let written = files(Path::new(&export));
        assert_eq!(written.keys().filter(|path| path.to_str().unwrap().ends_with(ending)).count(), 9);
        call(&["run", "--export", &export, "--ledger", &ledger, "--now", NOW]).result.unwrap();
        call(&["report", "--ledger", &ledger, "--by", "category,principal,usage_type,day", "--format", "csv"]).out
    });
    assert!(reports[0].lines().count() > 1_000);
    assert!(reports[0] == reports[1]);
}

#[test]
fn wrong_usage_names_what_is_right() {
    let parse = |arguments: &[&str]| Cli::try_parse_from(arguments).unwrap_err();
    let error = parse(&["bedrock-ledger", "report", "--ledger", "x", "--by", "team"]);
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("tag:NAME"), "{error}");
    assert_eq!(parse(&["bedrock-ledger", "report", "--ledger", "x"]).exit_code(), 2);
    let error = parse(&["bedrock-ledger", "run", "--export", "x", "--ledger", "y", "--now", "today"]);
    assert!(error.to_string().contains("2026-11-20T06:00:00Z"), "{error}");
}

#[test]
fn the_demo_tells_the_story() {
    let bench = Bench::new();
    // It replaces what an earlier demo wrote, and nothing else.
    let marker = bench.path("demo/.bedrock-ledger-demo");
    for (file, contents) in [("export/of-an-earlier-demo.txt", ""), ("mine.txt", "mine"), (".bedrock-ledger-demo", "")]
    {
        let path = bench.path(&format!("demo/{file}"));
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    let outcome = call(&["demo", "--dir", &bench.path("demo")]);
    outcome.result.unwrap();
    assert!(!Path::new(&bench.path("demo/export/of-an-earlier-demo.txt")).exists());
    assert_eq!(fs::read_to_string(bench.path("demo/mine.txt")).unwrap(), "mine");
    assert_ne!(fs::read_to_string(marker).unwrap(), "", "the next demo may replace this one");
    for part in [
        "Who used what in 2026-11, before discounts",
        "role/agent-exec@444455556666",
        "of $2,400.00",
        "17 Nov",
        "Showback by iamPrincipal/team",
        "2026-11-12  role/doc-summarizer@444455556666, usage: $54.06 → $234.06",
        "Where to look next",
    ] {
        assert!(outcome.out.contains(part), "{part} in {}", outcome.out);
    }
    let dir = bench.path("demo");
    let widest = outcome.out.lines().map(|line| line.replace(&dir, ".demo").chars().count()).max().unwrap();
    assert!(widest <= 110, "{widest}");
    assert!(outcome.out.lines().count() <= 136, "two screens: {}", outcome.out.lines().count());
    fs::create_dir_all(bench.path("mine/export")).unwrap();
    let error = call(&["demo", "--dir", &bench.path("mine")]).result.unwrap_err().to_string();
    assert!(error.contains("was not written by a demo"), "{error}");
}
