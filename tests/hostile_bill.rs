//! A bill in which every text does its worst, read by every command on a terminal: no command passes on what a terminal
//! would obey, and no name forges a line. In files names stay exactly as they are.

use std::fs;
use std::io::Write as _;

use bedrock_ledger::cli::Cli;
use bedrock_ledger::notes::Notes;
use bedrock_ledger::terminal::Output;
use bytes::Bytes;
use clap::Parser as _;
use spend_cur::write::{self, FileShape, Row, Value};

use crate::bill::{session, usage};
use crate::bucket::{Layout, write_tree};
use crate::commands::block_on;

const NOW: &str = "2026-11-20T06:00:00Z";
const HOSTILE: &str =
    "AWS Security.\u{1b}[31m\r\nForged: yes\u{202e}\u{200b} Confirm at https://evil.example/pay <script>";
const USAGE: &str = "USE1-Claude4.6Sonnet-input-tokens";

/// The columns of which a row each is hostile. A payer that is no account's id is refused with its delivery.
const COLUMNS: [&str; 8] = [
    "line_item_usage_account_id",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_currency_code",
    "line_item_iam_principal",
    "pricing_unit",
    "product_region_code",
];

fn rows() -> Vec<Row> {
    let caller = session("AWSReservedSSO_Dev_0123456789abcdef", "dana@example.com");
    let hostile_person = session("AWSReservedSSO_Dev_0123456789abcdef", &HOSTILE.replace('/', "|"));
    let ordinary = |cost: f64| usage("2026-11-05", &caller, USAGE, cost);
    let mut rows = vec![ordinary(90.0), usage("2026-11-06", &hostile_person, USAGE, 70.0)];
    for (index, column) in COLUMNS.into_iter().enumerate() {
        let mut row = ordinary(10.0 + f64::from(u32::try_from(index).unwrap()));
        row.insert(column, HOSTILE.into());
        rows.push(row);
    }
    for tag in
        [("iamPrincipal/team".to_owned(), HOSTILE.to_owned()), (format!("iamPrincipal/{HOSTILE}"), "x".to_owned())]
    {
        let mut row = ordinary(3.0);
        row.insert("tags", Value::Map(vec![tag]));
        rows.push(row);
    }
    rows
}

const CONFIG: &str = r#"
[[budget]]
name = "each"
each = "identity"
amount = "1"
thresholds = [100]
owner = "{tag:iamPrincipal/team}"

[[hygiene]]
name = "center"
lack = "tag:iamPrincipal/cost-center"
each = "account"
amount = "1"
percent = 1
"#;

/// What a command shows on a terminal: its data, and its notes with the lines of its error.
fn shown(arguments: &[&str]) -> (String, String) {
    let cli = Cli::try_parse_from(["bedrock-ledger"].iter().chain(arguments)).unwrap();
    let (mut bytes, mut notes) = (Vec::new(), Notes(Vec::new()));
    let mut out = Output::terminal(&mut bytes, cli.is_csv());
    let result = block_on(bedrock_ledger::execute(&cli, &mut out, &mut notes));
    if let Err(error) = result {
        for line in error.lines() {
            writeln!(notes, "{line}").unwrap();
        }
    }
    (String::from_utf8(bytes).unwrap(), String::from_utf8(notes.0).unwrap())
}

fn assert_harmless(what: &str, text: &str) {
    let is_obeyed = |character: char| {
        character.is_control() && character != '\n' || matches!(character, '\u{200b}' | '\u{2028}' | '\u{202e}')
    };
    assert!(!text.contains(is_obeyed), "{what}: {text:?}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("Forged")), "{what}: {text}");
}

#[test]
fn no_command_obeys_what_a_bill_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (export, ledger, config) = (path("export"), path("ledger"), path("ledger.toml"));
    let chunk = Bytes::from(write::parquet(&rows(), &FileShape::default()).unwrap());
    write_tree(&dir.path().join("export"), &Layout::default().files([chunk]));
    fs::write(&config, CONFIG).unwrap();
    let run = ["run", "--export", &export, "--ledger", &ledger, "--config", &config, "--now", NOW];
    let (out, notes) = shown(&run);
    assert_harmless("run", &out);
    assert_harmless("run's notes", &notes);
    assert!(!notes.contains("error: "), "it is a bill, and is counted: {notes}");

    let report = ["report", "--ledger", &ledger, "--by"];
    let keys = "owner,principal,identity,account,model,usage_type,region,tag:iamPrincipal/team";
    let explain = ["explain", "--export", &export, "--ledger", &ledger, "--period", "2026-11", "--identity"];
    let wanted = format!("identity={HOSTILE}*");
    let (page, month) = (path("page.html"), path("chargeback"));
    let commands: [Vec<&str>; 13] = [
        [&report[..], &[keys]].concat(),
        [&report[..], &[keys, "--format", "csv"]].concat(),
        [&report[..], &[keys, "--format", "json"]].concat(),
        [&report[..], &["identity", "--match", &wanted]].concat(),
        [&explain[..], &["dana@example.com", "--all"]].concat(),
        [&explain[..], &["dana@example.com", "--format", "csv"]].concat(),
        [&explain[..], &["dana@example.com", "--format", "json"]].concat(),
        [&explain[..], &[HOSTILE]].concat(),
        vec!["history", "--ledger", &ledger],
        vec!["history", "--ledger", &ledger, "--format", "csv"],
        vec!["check", "--config", &config, "--ledger", &ledger],
        vec!["page", "--ledger", &ledger, "--out", &page, "--now", NOW],
        vec!["chargeback", "--ledger", &ledger, "--period", "2026-11", "--out", &month],
    ];
    for command in &commands {
        let what = command.join(" ");
        let (out, notes) = shown(command);
        assert_harmless(&what, &out);
        assert_harmless(&what, &notes);
        // What whoever calls has typed is theirs.
        let is_exact = command.contains(&"csv") || command.contains(&"json") || what.contains(HOSTILE);
        assert!(is_exact || !format!("{out}{notes}").contains("://evil"), "{what}: {out}\n{notes}");
    }
    for format in ["table", "json"] {
        let (out, notes) = shown(&["doctor", "--export", &export, "--format", format]);
        assert_harmless("doctor", &out);
        assert_harmless("doctor", &notes);
    }
    let (out, notes) = shown(&["digest", "--ledger", &ledger, "--now", NOW]);
    assert!(!out.contains("://") && !out.contains("evil.example"), "{out}");
    assert_harmless("digest", &out);
    assert_harmless("digest", &notes);

    let messages = fs::read_to_string(dir.path().join("ledger/out/messages.jsonl")).unwrap();
    let messages: Vec<serde_json::Value> = messages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(messages.len() >= 4, "{messages:?}");
    for message in &messages {
        let subject = message["subject"].as_str().unwrap();
        assert_harmless("a subject", subject);
        assert!(!subject.contains("://"), "{subject}");
        assert!(!message["attributes"]["owner"].as_str().unwrap().contains("Forged"), "{message}");
        if message["topic"] != "events" {
            assert_harmless("a body", message["body"].as_str().unwrap());
        }
    }
    let html = fs::read_to_string(&page).unwrap();
    assert!(!html.contains("evil.example") && !html.contains("pay <script>"), "no name is a link or markup");
    // To a file the same report keeps names exactly.
    let cli = Cli::try_parse_from(["bedrock-ledger"].iter().chain(&commands[1])).unwrap();
    let (mut bytes, mut notes) = (Vec::new(), Vec::new());
    block_on(bedrock_ledger::execute(&cli, &mut Output::exact(&mut bytes), &mut notes)).unwrap();
    let mut exact = csv::Reader::from_reader(bytes.as_slice());
    assert!(
        exact.records().any(|record| record.unwrap().iter().any(|cell| cell == HOSTILE)),
        "names come back exactly"
    );
}
