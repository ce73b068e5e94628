//! What commands say: of names that select nothing, of what a report is of, of what a run has sent.

use std::fs;

use bytes::Bytes;
use spend_core::money::decimal::Decimal;
use spend_cur::write::{self, FileShape, Row, Value};
use tempfile::TempDir;

use crate::bill::{session, usage};
use crate::bucket::{Layout, write_tree};
use crate::commands::{Outcome, call, done};

const NOW: &str = "2026-11-20T06:00:00Z";

/// A directory with an export, a configuration and a ledger.
struct Bench(TempDir);

impl Bench {
    fn of(rows: &[Row]) -> Self {
        Self::shaped(rows, &FileShape::default(), &Layout::default())
    }

    fn shaped(rows: &[Row], shape: &FileShape, layout: &Layout) -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        write_tree(&bench.0.path().join("export"), &layout.files([Bytes::from(write::parquet(rows, shape).unwrap())]));
        bench
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn run(&self, config: &str) -> Outcome {
        self.write("ledger.toml", config);
        let (export, ledger, config) = (self.path("export"), self.path("ledger"), self.path("ledger.toml"));
        let outcome = call(&["run", "--export", &export, "--ledger", &ledger, "--config", &config, "--now", NOW]);
        assert!(outcome.result.is_ok(), "{}", outcome.notes);
        outcome
    }

    fn report(&self, options: &str) -> Outcome {
        let ledger = self.path("ledger");
        call(&["report", "--ledger", &ledger].into_iter().chain(options.split(' ')).collect::<Vec<_>>())
    }
}

fn rows() -> Vec<Row> {
    let input = "USE1-Claude4.6Sonnet-input-tokens";
    let dana = session("AWSReservedSSO_Dev_0123456789abcdef", "Dana@Example.com");
    let mut tax = usage("2026-11-03", "", "", 7.0);
    tax.insert("line_item_line_item_type", "Tax".into());
    let mut yuan = usage("2026-11-04", &session("app", "pod"), input, 0.5);
    yuan.insert("line_item_currency_code", "CNY".into());
    vec![
        usage("2026-11-05", &dana, input, 2.0),
        usage("2026-11-03", &session("app", "pod-1"), input, 9.0),
        usage("2026-11-04", &session("app", "pod-2"), input, 30.0),
        tax,
        yuan,
    ]
}

#[test]
fn overrides_that_are_of_nobody_are_told_by_run_and_check_alike() {
    let bench = Bench::of(&rows());
    bench
        .write("people.csv", "Member,Amount\nDANA@example.com,\"5000.00\"\n*@example.com,5\nrole/apq@444455556666,7\n");
    let budget = "[[budget]]\nname = \"people\"\neach = \"identity\"\namount = \"1\"\noverrides_file = \"people.csv\"\n\
                  [[budget]]\nname = \"team\"\namount = \"1\"\nmatch = { \"tag:iamPrincipal/team\" = \"Search\" }\n";
    let notes = bench.run(budget).notes;
    let (ledger, config) = (bench.path("ledger"), bench.path("ledger.toml"));
    let checked = done(&["check", "--config", &config, "--ledger", &ledger, "--now", NOW]);
    for said in [
        "*@example.com is no identity: a limit of its own is for one member, by its exact name",
        "it has no member role/apq@444455556666, who has a limit of its own; did you mean role/app@444455556666?",
        "it matches nobody today: no line has a value of tag:iamPrincipal/team that is Search: did you mean search?",
    ] {
        assert!(notes.contains(said) && checked.contains(said), "{said}\n{notes}\n{checked}");
    }
    assert!(!notes.contains("DANA") && !checked.contains("DANA"), "people are compared without case: {notes}");
    assert!(!notes.contains("dana@example.com, budget people"), "she has a limit of her own: {notes}");
}

#[test]
fn whose_owner_is_not_filled_with_values_of_the_bill_is_told_by_run_and_check() {
    let bench = Bench::of(&rows());
    let budget = "[[budget]]\nname = \"people\"\neach = \"identity\"\namount = \"1000\"\nowner = \"{tag:iamPrincipal/team}-leads\"\n";
    let said =
        "its owner {tag:iamPrincipal/team}-leads is not filled with search, which nothing in the configuration lists";
    let checked = |config: &str| {
        let notes = bench.run(config).notes;
        let (ledger, config) = (bench.path("ledger"), bench.path("ledger.toml"));
        (notes, done(&["check", "--config", &config, "--ledger", &ledger, "--now", NOW]))
    };
    let (notes, check) = checked(budget);
    assert!(notes.contains(said) && check.contains(said), "{notes}\n{check}");
    let (notes, check) = checked(&format!("[alerts]\nowners = [\"search-leads\"]\n{budget}"));
    assert!(!notes.contains("not filled") && !check.contains("not filled"), "{notes}\n{check}");
}

#[test]
fn a_tag_that_nobody_has_is_told_by_run_and_check_wherever_the_configuration_names_it() {
    let bench = Bench::of(&rows());
    let config = "[tags]\nrequired = [\"iamPrincipal/taem\"]\n\
                  [[budget]]\nname = \"each\"\neach = \"tag:iamPrincipal/tema\"\namount = \"1000\"\n\
                  [[hygiene]]\nname = \"lack\"\nlack = \"tag:iamPrincipal/etam\"\n";
    let notes = bench.run(config).notes;
    let (ledger, config) = (bench.path("ledger"), bench.path("ledger.toml"));
    let checked = done(&["check", "--config", &config, "--ledger", &ledger, "--now", NOW]);
    for tag in ["iamPrincipal/taem", "iamPrincipal/tema", "iamPrincipal/etam"] {
        let said = format!("no line has the tag {tag}: the ledger has iamPrincipal/team");
        assert!(notes.contains(&said) && checked.contains(&said), "{said}\n{notes}\n{checked}");
    }
}

#[test]
fn a_run_ends_by_saying_what_it_sent_and_where_to_read_it() {
    let bench = Bench::of(&rows());
    let config = "[[budget]]\nname = \"all\"\namount = \"40\"\n";
    let notes = bench.run(config).notes;
    let messages = bench.path("ledger/out/messages.jsonl");
    let end = format!(
        "sent 2 messages to people and 2 events to machines, to be read in {messages}:\n  alerts: $41.00 of $40.00 (102%)"
    );
    assert!(notes.contains(&end), "{notes}");
    let last = notes.trim_end().lines().last().unwrap();
    assert!(last.starts_with("  digest: $41.00"), "{notes}");
    assert!(bench.run(config).notes.ends_with("nothing new to tell: no message was sent\n"));
}

#[test]
fn the_command_in_an_alert_gives_the_number_that_it_tells() {
    let bench = Bench::of(&rows());
    bench.run("[[budget]]\nname = \"app\"\nmatch = { \"tag:iamPrincipal/team\" = \"sea*\" }\neach = \"identity\"\namount = \"30\"\n");
    let messages = fs::read_to_string(bench.path("ledger/out/messages.jsonl")).unwrap();
    let messages = messages.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let alert = messages.into_iter().find(|message| message["topic"] == "alerts").unwrap();
    assert!(alert["subject"].as_str().unwrap().starts_with("$39.00 of $30.00"), "{alert}");
    let body = alert["body"].as_str().unwrap();
    let (_, command) = body.split_once("Reproduce   bedrock-ledger report --ledger DIR ").unwrap();
    let lines: Vec<_> = command.split_inclusive('\n').collect();
    let ends = lines.iter().position(|line| !line.ends_with("\\\n")).unwrap();
    let command = lines[..=ends].concat().replace("\\\n", " ").replace('\'', "");
    let words = command.split_whitespace().collect::<Vec<_>>().join(" ");
    let table = bench.report(&words).out;
    let total = table.lines().find(|line| line.contains("total") && line.contains("USD")).unwrap();
    assert!(total.contains(" 39.00 "), "{words}\n{table}");
}

#[test]
fn a_table_says_what_it_is_of_and_has_a_total_and_days_in_their_order() {
    let bench = Bench::of(&rows());
    bench.run("");
    let table = bench.report("--by day,identity --category usage").out;
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines[0], "2026-11, unblended cost, usage");
    assert_eq!(lines[1], "left out by --category: tax $7.00");
    let cells: Vec<Vec<&str>> = lines
        .iter()
        .filter(|line| line.starts_with('│'))
        .map(|line| line.trim_matches('│').split('┆').map(str::trim).collect())
        .collect();
    let firsts: Vec<_> = cells.iter().skip(1).map(|cells| (cells[0], cells[2], cells[3])).collect();
    let expected = [
        ("2026-11-03", "USD", "9.00"),
        ("2026-11-04", "USD", "30.00"),
        ("2026-11-05", "USD", "2.00"),
        ("total", "USD", "41.00"),
        ("2026-11-04", "CNY", "0.50"),
        ("total", "CNY", "0.50"),
    ];
    assert_eq!(firsts, expected, "the largest currency first: {table}");
    // Programs get what the contract says, and people are told beside it.
    let csv = bench.report("--by day --category usage --format csv");
    assert_eq!(
        csv.out,
        "day,currency,cost\n2026-11-04,CNY,0.5\n2026-11-04,USD,30\n2026-11-03,USD,9\n2026-11-05,USD,2\n"
    );
    assert!(csv.notes.contains("note: left out by --category: tax $7.00\n"), "{}", csv.notes);
}

#[test]
fn a_name_that_selects_nothing_is_an_error_with_what_may_have_been_meant() {
    let bench = Bench::of(&rows());
    bench.run("");
    for (options, said) in [
        (
            "--by tag:team",
            "no line has the tag team: the ledger has iamPrincipal/team; did you mean iamPrincipal/team?",
        ),
        ("--by tag:iamPrincipal/taem", "did you mean iamPrincipal/team?"),
        ("--by day --match identity=dnaa@example.com", "did you mean dana@example.com?"),
        ("--by day --from 2026-11-03 --to 2026-11-02", "--from 2026-11-03 is after --to 2026-11-02"),
        ("--by day --period 2026-12", "has nothing in 2026-12; it has 2026-11"),
        (
            "--by day --export-id f--708b9d37",
            "has no export f--708b9d37; it has e--708b9d37; did you mean e--708b9d37?",
        ),
    ] {
        let error = bench.report(options).result.unwrap_err().to_string();
        assert!(error.contains(said), "{options}: {error}");
    }
    // A tag of the configuration is one, whether or not somebody has it yet.
    assert!(bench.report("--by tag:iamPrincipal/cost-center").result.is_ok());
}

#[test]
fn who_asks_for_net_cost_is_told_what_stands_in_for_it() {
    let shape = FileShape::default().without(&["line_item_net_unblended_cost"]);
    let bench = Bench::shaped(&rows(), &shape, &Layout::default());
    let said = "The bill has no net cost (line_item_net_unblended_cost) for 4 line items ($48.00) and 1 line item (CNY 0.50): \
                their unblended cost stands in.";
    let notes = bench.run("[cost]\nbasis = \"net-unblended\"\n").notes;
    assert!(notes.contains(said), "{notes}");
    let (export, ledger, out) = (bench.path("export"), bench.path("ledger"), bench.path("out"));
    assert!(bench.report("--by day --basis net-unblended").out.contains(said));
    assert!(!bench.report("--by day").out.contains("net cost"));
    let doctor = done(&["doctor", "--export", &export, "--format", "json"]);
    assert!(doctor.contains("net-cost-missing") && doctor.contains("4 line items ($48.00)"), "{doctor}");
    let digest = done(&["digest", "--ledger", &ledger, "--now", NOW]).replace("\n            ", " ");
    assert!(digest.contains(said), "{digest}");
    done(&["chargeback", "--ledger", &ledger, "--period", "2026-11", "--out", &out, "--now", NOW]);
    let about = fs::read_to_string(bench.path("out/about.json")).unwrap();
    assert!(about.contains("4 line items ($48.00)"), "{about}");
    let page = bench.path("page.html");
    done(&["page", "--ledger", &ledger, "--out", &page, "--now", NOW]);
    assert!(fs::read_to_string(page).unwrap().contains("no net cost (line_item_net_unblended_cost)"));
}

#[test]
fn a_month_taken_as_found_says_so_wherever_it_adds_up() {
    let layout = Layout { has_manifest: false, ..Layout::default() };
    let bench = Bench::shaped(&rows(), &FileShape::default(), &layout);
    bench.run("");
    let ledger = bench.path("ledger");
    assert!(bench.report("--by day").out.contains("2026-11 taken as found: nothing says that its files are all"));
    let digest = done(&["digest", "--ledger", &ledger, "--now", NOW]);
    assert!(digest.contains("files as found add up") && !digest.contains("adds up exactly"), "{digest}");
    let page = bench.path("page.html");
    done(&["page", "--ledger", &ledger, "--out", &page, "--now", NOW]);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("It adds up to the files as found") && !page.contains("It adds up to the bill"));
}

#[test]
fn an_explanation_fits_a_terminal_and_begins_with_what_it_comes_to() {
    let bench = Bench::of(&rows());
    bench.run("");
    let (export, ledger) = (bench.path("export"), bench.path("ledger"));
    let explain = [
        "explain",
        "--export",
        &export,
        "--ledger",
        &ledger,
        "--period",
        "2026-11",
        "--identity",
        "role/app@444455556666",
    ];
    let out = done(&explain);
    assert!(out.lines().all(|line| line.chars().count() <= 78), "{out}");
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("{text} in {out}"));
    let order = ["By day", "2026-11-03", "By model", "claude-sonnet-4.6", "By session", "app/pod-2", "sum of 2 lines"];
    assert!(order.map(at).is_sorted(), "{out}");
    let usd: Decimal = "39".parse().unwrap();
    assert!(out.contains(&format!("the ledger says USD {usd} in 2 lines: the same")), "{out}");
}

#[test]
fn a_role_that_has_the_tag_under_another_spelling_is_not_asked_to_have_it() {
    let input = "USE1-Claude4.6Sonnet-input-tokens";
    let rows: Vec<Row> = (1..=14)
        .map(|day| {
            let key = if day < 8 { "iamPrincipal/team" } else { "iamPrincipal/Team" };
            let mut row = usage(&format!("2026-11-{day:02}"), &session("app", "pod"), input, 20.0);
            row.insert("tags", Value::Map(vec![(key.to_owned(), "red".to_owned())]));
            row
        })
        .collect();
    let bench = Bench::of(&rows);
    bench.run("[[hygiene]]\nname = \"no team\"\nlack = \"tag:iamPrincipal/team\"\n");
    let sent = fs::read_to_string(bench.path("ledger/out/messages.jsonl")).unwrap();
    let sent: Vec<serde_json::Value> = sent.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let texts = sent.iter().filter(|sent| sent["topic"] == "alerts");
    let texts: Vec<String> = texts.map(|sent| sent["body"].as_str().unwrap().replace("\n            ", " ")).collect();
    let [text] = texts.as_slice() else { panic!("{sent:#?}") };
    let advice = "Mend it     role app has iamPrincipal/Team, probably the same tag under another key: set team in its \
                  place, then activate iamPrincipal/team as a cost allocation tag";
    assert!(text.contains(advice), "{text}");
    assert!(!text.contains("tag role app"), "{text}");
}
