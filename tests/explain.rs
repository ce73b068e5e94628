//! Following numbers down to the bill: over every identity and day, the lines of the bill sum to the report's numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::commands::block_on;
use bedrock_ledger::cli::{Cli, Command, Explain, Report, ReportFormat, Run};
use bedrock_ledger::error::CommandError;
use bedrock_ledger::sample::{self, SAMPLE_CONFIG, SampleOptions};
use serde_json::Value;
use spend_core::errors::fault::Fault;
use spend_core::facts::spend::Basis;
use spend_core::money::decimal::Decimal;
use spend_core::reporting::report::Measure;
use tempfile::TempDir;

/// For tests that only read.
static LEDGER: LazyLock<Ledger> = LazyLock::new(Ledger::new);

/// A small sample and its ledger.
struct Ledger {
    dir: TempDir,
}

impl Ledger {
    fn new() -> Self {
        let ledger = Self { dir: tempfile::tempdir().unwrap() };
        // The story's own rows, and few others: those are read and passed over.
        let options = SampleOptions { rows: 2_700, deliveries: 1, ..SampleOptions::into(ledger.path("export")) };
        sample::write(&options).unwrap();
        std::fs::write(ledger.path("ledger.toml"), SAMPLE_CONFIG).unwrap();
        ledger.run().unwrap();
        ledger
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self) -> Result<Output, CommandError> {
        execute(Command::Run(Run {
            export: self.path("export"),
            ledger: self.path("ledger"),
            config: Some(self.path("ledger.toml")),
            now: Some(sample::sample_now()),
        }))
    }

    fn report(&self, period: &str, by: &[&str]) -> Vec<BTreeMap<String, String>> {
        let output = execute(Command::Report(Report {
            ledger: self.path("ledger"),
            period: Some(period.parse().unwrap()),
            by: by.iter().map(|key| key.parse().unwrap()).collect(),
            measure: vec![Measure::Cost],
            category: Vec::new(),
            matches: Vec::new(),
            from: None,
            to: None,
            basis: Basis::Unblended,
            export_id: None,
            top: None,
            format: ReportFormat::Json,
        }));
        serde_json::from_str(&output.unwrap().out).unwrap()
    }

    fn explain(&self, change: impl FnOnce(&mut Explain)) -> Result<Output, CommandError> {
        let mut options = Explain {
            export: self.path("export"),
            ledger: self.path("ledger"),
            period: "2026-11".parse().unwrap(),
            principal: None,
            identity: None,
            day: None,
            all: false,
            format: ReportFormat::Json,
        };
        change(&mut options);
        execute(Command::Explain(options))
    }

    fn explain_identity(&self, period: &str, identity: &str, day: Option<&str>) -> Value {
        let output = self.explain(|options| {
            options.period = period.parse().unwrap();
            options.identity = Some(identity.to_owned());
            options.day = day.map(|day| day.parse().unwrap());
        });
        serde_json::from_str(&output.unwrap().out).unwrap()
    }

    fn chunks(&self) -> Vec<PathBuf> {
        let mut chunks = Vec::new();
        files(&self.path("export"), &mut chunks);
        chunks.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
        chunks.sort();
        chunks
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

struct Output {
    out: String,
    notes: String,
}

fn execute(command: Command) -> Result<Output, CommandError> {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    block_on(bedrock_ledger::execute(&Cli { command }, &mut out, &mut notes))?;
    Ok(Output { out: String::from_utf8(out).unwrap(), notes: String::from_utf8(notes).unwrap() })
}

/// The costs of an explanation's lines by day, with the report's keys.
fn by_day(explained: &Value) -> BTreeMap<(String, String), Decimal> {
    let mut sums: BTreeMap<_, Decimal> = BTreeMap::new();
    for line in explained["lines"].as_array().unwrap() {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let sum = sums.entry((text("day"), text("currency"))).or_default();
        *sum = sum.checked_add(text("cost").parse().unwrap()).unwrap();
    }
    sums
}

#[test]
fn over_every_identity_and_day_the_lines_of_the_bill_sum_to_the_report() {
    let ledger = &*LEDGER;
    for period in ["2026-10", "2026-11"] {
        let mut reported: BTreeMap<String, BTreeMap<(String, String), Decimal>> = BTreeMap::new();
        for row in ledger.report(period, &["identity", "day"]) {
            let key = (row["day"].clone(), row["currency"].clone());
            reported.entry(row["identity"].clone()).or_default().insert(key, row["cost"].parse().unwrap());
        }
        assert!(reported.len() > 10 && reported.contains_key(""), "{:?}", reported.keys());
        for (identity, days) in &reported {
            let explained = ledger.explain_identity(period, identity, None);
            assert_eq!(&by_day(&explained), days, "{identity:?} in {period}");
            for sum in explained["sums"].as_array().unwrap() {
                assert_eq!(sum["cost"], sum["ledger_cost"]);
                assert_eq!(sum["lines"], sum["ledger_lines"]);
            }
        }
        // Naming the day leaves the others out, and nothing else.
        let (identity, days) = reported.iter().max_by_key(|(_, days)| days.len()).unwrap();
        for (key, cost) in days.iter().step_by(5) {
            let explained = ledger.explain_identity(period, identity, Some(&key.0));
            assert_eq!(by_day(&explained), BTreeMap::from([(key.clone(), *cost)]));
        }
    }
}

#[test]
fn over_principals_the_lines_of_the_bill_sum_to_the_report() {
    let ledger = &*LEDGER;
    for row in ledger.report("2026-11", &["principal"]).iter().step_by(10) {
        let output = ledger.explain(|options| options.principal = Some(row["principal"].clone())).unwrap();
        let explained: Value = serde_json::from_str(&output.out).unwrap();
        let sums = explained["sums"].as_array().unwrap();
        assert!(sums.iter().any(|sum| sum["cost"] == *row["cost"] && sum["currency"] == *row["currency"]), "{row:?}");
    }
}

#[test]
fn a_line_says_where_it_stands_and_what_made_it_what_it_is() {
    let ledger = &*LEDGER;
    let explained = ledger.explain_identity("2026-11", "(none)", None);
    assert!(explained["lines"].as_array().unwrap().iter().all(|line| line["identity"] == "" && line["rules"] != ""));

    let owners = ledger.report("2026-11", &["identity", "owner"]);
    let tagged = owners.iter().find(|row| row["owner"] == "search" && !row["identity"].is_empty()).unwrap();
    let explained = ledger.explain_identity("2026-11", &tagged["identity"], None);
    let lines = explained["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["owner"] == "search" && line["category"] == "usage").unwrap();
    assert_eq!(line["owner_by"], "tag iamPrincipal/team=search");
    assert!(line["chunk"].as_str().unwrap().starts_with("finance/cur/bedrock-by-caller/data/BILLING_PERIOD=2026-11/"));
    assert!(line["row"].is_u64() && line["model"] != "" && line["model_as_billed"] != "");
    assert!(line["rules"].as_str().unwrap().split(' ').any(|rule| rule == "principal"));
    let places: Vec<_> =
        lines.iter().map(|line| (line["chunk"].as_str().unwrap(), line["row"].as_u64().unwrap())).collect();
    assert!(places.is_sorted_by(|left, right| left < right), "by chunk and row, each once");
}

#[test]
fn the_three_formats_have_the_same_lines_and_sums() {
    let ledger = &*LEDGER;
    let json = ledger.explain_identity("2026-11", "", None);
    let count = json["lines"].as_array().unwrap().len();
    let sum = &json["sums"][0];
    let shown = |format, all| {
        let output = ledger.explain(|options| {
            options.identity = Some(String::new());
            options.format = format;
            options.all = all;
        });
        output.unwrap().out
    };
    let csv = shown(ReportFormat::Csv, false);
    assert_eq!(csv.lines().filter(|line| line.starts_with("line,")).count(), count);
    let end = format!(",USD,{},{count}", sum["cost"].as_str().unwrap());
    assert!(csv.lines().any(|line| line.starts_with("sum,") && line.ends_with(&end)), "{end}");
    assert!(csv.lines().any(|line| line.starts_with("ledger,") && line.ends_with(&end)), "{end}");
    assert!(count > 40);
    let last = format!("the ledger says USD {} in {count} lines: the same", sum["cost"].as_str().unwrap());
    let table = shown(ReportFormat::Table, false);
    assert!(table.contains(&format!("{} more are in the sum", count - 40)) && table.contains(&last), "{table}");
    let all = shown(ReportFormat::Table, true);
    assert!(!all.contains("more are in the sum") && all.contains(&last));
    assert!(all.lines().count() > table.lines().count());
}

#[test]
fn an_unknown_identity_is_answered_with_near_ones_and_a_day_without_lines_with_days() {
    let ledger = &*LEDGER;
    let reported = ledger.report("2026-11", &["identity"]);
    let person = reported.iter().map(|row| &row["identity"]).find(|identity| identity.contains('@')).unwrap();
    let misspelt = format!("{person}x");
    let error = ledger.explain(|options| options.identity = Some(misspelt)).err().unwrap();
    assert_eq!(error.kind(), "usage");
    assert!(error.to_string().contains("did you mean") && error.to_string().contains(person.as_str()), "{error}");
    let error = ledger
        .explain(|options| {
            options.identity = Some(person.clone());
            options.day = Some("2026-10-31".parse().unwrap());
        })
        .err()
        .unwrap();
    assert!(error.to_string().contains("nothing of that caller on 2026-10-31: it has days from 2026-11-"), "{error}");
}

#[test]
fn a_chunk_that_was_replaced_or_removed_since_is_an_error_that_says_what_to_do() {
    let ledger = Ledger::new();
    let chunks = ledger.chunks();
    let chunk = chunks.iter().find(|path| path.to_string_lossy().contains("2026-11")).unwrap();
    let mut bytes = std::fs::read(chunk).unwrap();
    bytes.push(0);
    std::fs::write(chunk, bytes).unwrap();
    let explain = || ledger.explain(|options| options.identity = Some(String::new())).err().unwrap();
    let replaced = explain();
    std::fs::remove_file(chunk).unwrap();
    let removed = explain();
    for (error, what) in [(replaced, "was replaced since"), (removed, "is not there")] {
        assert_eq!(error.kind(), "export.replaced");
        let text = error.to_string();
        assert!(text.contains(what) && text.contains("sync that delivery again, or run again"), "{text}");
    }
}

#[test]
fn a_ledger_that_says_something_else_than_the_bill_is_found_out() {
    use spend_core::calendar::period::BillingPeriod;
    use spend_core::facts::fact::{FactField, FactTable};
    use spend_ledger::state::committed;
    use spend_ledger::state::keys::Statement;
    use spend_ledger::state::tabular;
    use spend_ledger::store::directory::DirectoryStore;
    use spend_ledger::store::{Put, Store};

    let ledger = Ledger::new();
    let store = DirectoryStore::open(ledger.path("ledger")).unwrap();
    let period: BillingPeriod = "2026-11".parse().unwrap();
    block_on(async {
        let statements: Vec<Statement> = committed::statements(&store).await.unwrap();
        let statement = statements.iter().find(|statement| statement.period == period).unwrap();
        let (mut state, etag) = committed::state(&store, statement).await.unwrap().unwrap();
        let mut facts: Vec<_> = state.facts.rows().map(|fact| (fact.key(), fact.measures())).collect();
        let wrong = facts.iter_mut().find(|(key, _)| key.get(FactField::Identity).is_empty());
        let cost = &mut wrong.unwrap().1.unblended_cost;
        *cost = cost.checked_add("0.000000000000000001".parse().unwrap()).unwrap();
        state.facts = FactTable::of(facts).unwrap();
        let put = store.put_if_match(&statement.state_key(), tabular::encode(&state).unwrap(), &etag).await.unwrap();
        assert!(matches!(put, Put::Written(_)));
    });
    let error = ledger.explain(|options| options.identity = Some("(none)".to_owned())).err().unwrap();
    assert_eq!(error.kind(), "bug.disagreement");
    assert!(error.to_string().contains("do not come to what the ledger says: USD"), "{error}");
}

#[test]
fn a_changed_configuration_is_warned_of_until_the_period_is_rebuilt() {
    use bedrock_ledger::cli::Rebuild;

    let ledger = Ledger::new();
    std::fs::write(ledger.path("ledger.toml"), SAMPLE_CONFIG.replace("OktaDevelopers", "NoSuchRole")).unwrap();
    // A run puts the configuration in force; what was applied before stays as it was derived.
    ledger.run().unwrap();
    let warned = || ledger.explain(|options| options.identity = Some(String::new())).unwrap().notes;
    assert!(warned().contains("was derived with another configuration"), "{}", warned());
    let rebuild =
        Rebuild { ledger: ledger.path("ledger"), period: None, config: None, now: Some(sample::sample_now()) };
    execute(Command::Rebuild(rebuild)).unwrap();
    assert_eq!(warned(), "");
}
