use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_core::money::decimal::Decimal;
use tempfile::TempDir;

use super::*;
use crate::outputs::metric::{ENVELOPE_BYTES, MAX_VALUE, datum_bytes};
use crate::store::racing::{Racer, race, task, wait_for_go};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn datum(name: &str, value: &str) -> Datum {
    Datum {
        name: name.to_owned(),
        dimensions: BTreeMap::from([("Currency".to_owned(), "USD".to_owned())]),
        timestamp: "2026-11-02T00:00:00Z".parse().unwrap(),
        value: value.parse().unwrap(),
        unit: Unit::None,
    }
}

fn message() -> Message {
    Message {
        topic: Topic::Alerts,
        subject: "team search: 80 % of $5,000".to_owned(),
        body: "Line one\nline two, é\n".to_owned(),
        attributes: BTreeMap::from([("kind".to_owned(), "budget".to_owned())]),
    }
}

fn lines(ledger: &Path, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(ledger.join("out").join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_datum_is_a_line_of_json() {
    let ledger = TempDir::new().unwrap();
    let metrics = MetricsFile::in_ledger(ledger.path());
    let later = Datum {
        timestamp: "2026-11-02T08:30:00.250Z".parse().unwrap(),
        unit: Unit::Percent,
        dimensions: BTreeMap::new(),
        ..datum("BudgetUsedPercent", "-80")
    };
    wait(metrics.put("BedrockLedger", &[datum("Spend", "1234.567"), later])).unwrap();
    wait(metrics.put("BedrockLedger", &[datum("Spend", "0.1")])).unwrap();
    let text = fs::read_to_string(ledger.path().join("out/metrics.jsonl")).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"namespace":"BedrockLedger","name":"Spend","dimensions":{"Currency":"USD"},"timestamp":"2026-11-02T00:00:00Z","value":1234.567,"unit":"None"}"#,
            "\n",
            r#"{"namespace":"BedrockLedger","name":"BudgetUsedPercent","dimensions":{},"timestamp":"2026-11-02T08:30:00.250Z","value":-80,"unit":"Percent"}"#,
            "\n",
            r#"{"namespace":"BedrockLedger","name":"Spend","dimensions":{"Currency":"USD"},"timestamp":"2026-11-02T00:00:00Z","value":0.1,"unit":"None"}"#,
            "\n",
        )
    );
}

#[test]
fn a_value_is_the_shortest_number_of_its_double() {
    let ledger = TempDir::new().unwrap();
    let metrics = MetricsFile::in_ledger(ledger.path());
    for (value, written) in [
        ("0", "0"),
        ("-3", "-3"),
        ("0.1", "0.1"),
        ("-0.000000001", "-1e-9"),
        ("123456789.123456789", "123456789.12345679"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740993", "9007199254740992.0"),
        ("99999999999999999999.999999999999999999", "1e+20"),
    ] {
        wait(metrics.put("N", &[datum("Spend", value)])).unwrap();
        let text = fs::read_to_string(ledger.path().join("out/metrics.jsonl")).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.contains(&format!(r#""value":{written},"#)), "{value}: {last}");
    }
}

#[test]
fn a_message_is_a_line_of_json() {
    let ledger = TempDir::new().unwrap();
    let messages = MessageFile::in_ledger(ledger.path());
    wait(messages.send(&message())).unwrap();
    assert_eq!(
        lines(ledger.path(), "messages.jsonl"),
        [json!({
            "topic": "alerts",
            "subject": "team search: 80 % of $5,000",
            "body": "Line one\nline two, é\n",
            "attributes": {"kind": "budget"},
        })]
    );
    let names = [Topic::Alerts, Topic::Events, Topic::Digest, Topic::Operations].map(Topic::as_str);
    assert_eq!(names, ["alerts", "events", "digest", "operations"]);
}

#[test]
fn a_series_reads_back_as_the_sum_of_its_data_by_day() {
    let ledger = TempDir::new().unwrap();
    let metrics = MetricsFile::in_ledger(ledger.path());
    let named = |name: &str, identity: &str| Series {
        name: name.to_owned(),
        dimensions: BTreeMap::from([("Identity".to_owned(), identity.to_owned())]),
    };
    let of = |series: &Series, day: &str, value: &str| Datum {
        dimensions: series.dimensions.clone(),
        timestamp: format!("{day}T08:00:00Z").parse().unwrap(),
        ..datum(&series.name, value)
    };
    let (one, other) = (named("Spend", "jos\u{e9}"), named("Spend", "ana"));
    let days = |first: &str, last: &str| first.parse().unwrap()..=last.parse().unwrap();
    let read = |namespace: &str, series: &[Series]| {
        wait(metrics.daily_sums(namespace, series, days("2026-11-02", "2026-11-03"))).unwrap()
    };
    assert_eq!(read("n", std::slice::from_ref(&one)), [BTreeMap::new()], "there is no file yet");
    let data = [
        of(&one, "2026-11-01", "64"),
        of(&one, "2026-11-02", "0.5"),
        of(&one, "2026-11-02", "-2"),
        of(&one, "2026-11-03", "4"),
        of(&one, "2026-11-04", "32"),
        of(&other, "2026-11-03", "8"),
        of(&named("MonthToDateSpend", "ana"), "2026-11-03", "16"),
    ];
    wait(metrics.put("n", &data)).unwrap();
    wait(metrics.put("elsewhere", &data)).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(ledger.path().join("out/metrics.jsonl")).unwrap();
    std::io::Write::write_all(&mut file, b"{\"namespace\":\"n\",\"name\":\"Spe").unwrap();
    let sums = |pairs: &[(&str, f64)]| {
        pairs.iter().map(|(day, sum)| (day.parse().unwrap(), *sum)).collect::<BTreeMap<chrono::NaiveDate, f64>>()
    };
    let expected = [sums(&[("2026-11-03", 8.0)]), sums(&[("2026-11-02", -1.5), ("2026-11-03", 4.0)]), sums(&[])];
    assert_eq!(read("n", &[other, one, named("Spend", "nobody")]), expected);
}

#[test]
fn no_data_are_no_call() {
    let ledger = TempDir::new().unwrap();
    wait(MetricsFile::in_ledger(ledger.path()).put("N", &[])).unwrap();
    assert!(!ledger.path().join("out").exists());
}

#[test]
fn a_text_that_cloudwatch_cannot_take_is_escaped_and_stays_itself() {
    for (text, taken) in [
        ("role/app@111122223333", "role/app@111122223333"),
        ("two words", "two words"),
        ("Zürich", r"Z\u{fc}rich"),
        (r"Z\u{fc}rich", r"Z\u{5c}u{fc}rich"),
        ("a\tb", r"a\u{9}b"),
        (" ", r"\u{20}"),
    ] {
        assert_eq!(dimension_text(text), taken);
    }
    let longest = "x".repeat(1024);
    assert_eq!(dimension_text(&longest), longest);
    for text in ["é".repeat(200), format!("{longest}x")] {
        let taken = dimension_text(&text);
        assert_eq!((taken.len(), taken.get(1006..1008)), (1024, Some(r"\#")), "{taken}");
        assert_eq!(taken.get(..9), dimension_text(&text[..18]).get(..9));
        assert_ne!(dimension_text(&format!("{text}!")), taken);
    }
    let ledger = TempDir::new().unwrap();
    let dimensions = BTreeMap::from([("Tag:team".to_owned(), "Zürich".to_owned())]);
    let data = [Datum { dimensions, ..datum("Spend", "1") }];
    wait(MetricsFile::in_ledger(ledger.path()).put("N", &data)).unwrap();
    assert_eq!(lines(ledger.path(), "metrics.jsonl")[0]["dimensions"], json!({"Tag:team": r"Z\u{fc}rich"}));
}

#[test]
fn data_that_cloudwatch_would_refuse_are_refused() {
    let with = |name: &str, value: &str| Datum {
        dimensions: BTreeMap::from([(name.to_owned(), value.to_owned())]),
        ..datum("Spend", "1")
    };
    let many = (0..31).map(|number| (number.to_string(), "x".to_owned())).collect();
    let ledger = TempDir::new().unwrap();
    for (namespace, data) in [
        ("", vec![datum("Spend", "1")]),
        ("AWS/Bedrock", vec![datum("Spend", "1")]),
        (":N", vec![datum("Spend", "1")]),
        ("N", vec![datum("", "1")]),
        ("N", vec![datum("é", "1")]),
        ("N", vec![datum(&"n".repeat(256), "1")]),
        ("N", vec![datum("Spend", "1"); MAX_DATA + 1]),
        ("N", vec![datum("Spend", "1"), Datum { dimensions: many, ..datum("Spend", "1") }]),
        ("N", vec![with("", "x")]),
        ("N", vec![with(":x", "x")]),
        ("N", vec![with("Identity", "")]),
        ("N", vec![with(&"é".repeat(200), "x")]),
    ] {
        let error = wait(MetricsFile::in_ledger(ledger.path()).put(namespace, &data)).unwrap_err();
        assert_eq!((error.kind(), error.class()), ("publish.refused", Class::Operator), "{error}");
    }
    assert!(!ledger.path().join("out").exists(), "nothing was published");
    wait(MetricsFile::in_ledger(ledger.path()).put("N", &vec![datum("Spend", "1"); MAX_DATA])).unwrap();
}

#[test]
fn a_message_that_sns_would_refuse_is_refused() {
    let good = message();
    let attributes = |count: usize, value: &str| {
        (0..count).map(|number| (format!("name{number}"), value.to_owned())).collect::<BTreeMap<_, _>>()
    };
    let ledger = TempDir::new().unwrap();
    let messages = MessageFile::in_ledger(ledger.path());
    for bad in [
        Message { subject: String::new(), ..good.clone() },
        Message { subject: " x".to_owned(), ..good.clone() },
        Message { subject: "two\nlines".to_owned(), ..good.clone() },
        Message { subject: "é".to_owned(), ..good.clone() },
        Message { subject: "x".repeat(100), ..good.clone() },
        Message { body: String::new(), ..good.clone() },
        Message { body: "x".repeat(MAX_MESSAGE_BYTES), ..good.clone() },
        Message { attributes: attributes(11, "x"), ..good.clone() },
        Message { attributes: attributes(1, ""), ..good.clone() },
        Message { attributes: BTreeMap::from([(String::new(), "x".to_owned())]), ..good.clone() },
    ] {
        assert_eq!(wait(messages.send(&bad)).unwrap_err().kind(), "publish.refused", "{bad:?}");
    }
    assert!(!ledger.path().join("out").exists(), "nothing was published");
    let full = Message { attributes: attributes(10, "-"), subject: "x".repeat(99), ..good };
    wait(messages.send(&full)).unwrap();
}

#[test]
fn what_cannot_be_written_was_not_sent() {
    let ledger = TempDir::new().unwrap();
    fs::create_dir_all(ledger.path().join("out/messages.jsonl")).unwrap();
    let error = wait(MessageFile::in_ledger(ledger.path()).send(&message())).unwrap_err();
    assert_eq!((error.kind(), error.class()), ("publish.not_sent", Class::Retry), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_write_that_fails_and_cannot_be_taken_back_is_in_doubt() {
    let ledger = TempDir::new().unwrap();
    fs::create_dir(ledger.path().join("out")).unwrap();
    std::os::unix::fs::symlink("/dev/full", ledger.path().join("out/messages.jsonl")).unwrap();
    let error = wait(MessageFile::in_ledger(ledger.path()).send(&message())).unwrap_err();
    assert_eq!((error.kind(), error.class()), ("publish.in_doubt", Class::Wait), "{error}");
}

#[test]
fn after_a_torn_line_the_next_starts_on_its_own() {
    let ledger = TempDir::new().unwrap();
    let metrics = MetricsFile::in_ledger(ledger.path());
    wait(metrics.put("N", &[datum("First", "1")])).unwrap();
    let path = ledger.path().join("out/metrics.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"namespace\":\"N\",\"na")).unwrap();
    wait(metrics.put("N", &[datum("Second", "2")])).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let parsed: Vec<_> = text.lines().map(serde_json::from_str::<Value>).collect();
    assert_eq!(parsed.len(), 3);
    assert_eq!(parsed[0].as_ref().unwrap()["name"], "First");
    assert!(parsed[1].is_err(), "what was torn is not taken back");
    assert_eq!(parsed[2].as_ref().unwrap()["name"], "Second");
}

const CHILDREN: usize = 4;
const BATCHES: usize = 15;
const BATCH: usize = 200;

fn child_puts(folder: &Path, number: usize) {
    let metrics = MetricsFile::in_ledger(folder);
    wait_for_go();
    for batch in 0..BATCHES {
        let data: Vec<_> = (0..BATCH).map(|index| datum(&format!("{number}-{batch}"), &index.to_string())).collect();
        wait(metrics.put("N", &data)).unwrap();
    }
}

#[test]
fn the_batches_of_many_processes_are_whole() {
    if let Some((folder, number)) = task() {
        return child_puts(&folder, number);
    }
    let ledger = TempDir::new().unwrap();
    race("outputs::tests::the_batches_of_many_processes_are_whole", ledger.path(), CHILDREN);
    let lines = lines(ledger.path(), "metrics.jsonl");
    assert_eq!(lines.len(), CHILDREN * BATCHES * BATCH);
    for batch in lines.chunks(BATCH) {
        for (index, line) in batch.iter().enumerate() {
            assert_eq!((&line["name"], &line["value"]), (&batch[0]["name"], &json!(index)));
        }
    }
}

fn child_puts_until_killed(folder: &Path) {
    let metrics = MetricsFile::in_ledger(folder);
    wait_for_go();
    for batch in 0_u64.. {
        let data = vec![datum("Spend", &batch.to_string()); BATCH];
        wait(metrics.put("N", &data)).unwrap();
        eprintln!("{batch}");
    }
}

#[test]
fn a_process_killed_while_it_writes_costs_no_other_line() {
    if let Some((folder, _)) = task() {
        return child_puts_until_killed(&folder);
    }
    for batches in 1..4 {
        let ledger = TempDir::new().unwrap();
        let mut racer =
            Racer::start("outputs::tests::a_process_killed_while_it_writes_costs_no_other_line", ledger.path(), 0);
        racer.go();
        for _ in 0..batches {
            racer.line();
        }
        racer.kill();
        wait(MetricsFile::in_ledger(ledger.path()).put("N", &[datum("Last", "1")])).unwrap();
        let text = fs::read_to_string(ledger.path().join("out/metrics.jsonl")).unwrap();
        let parsed: Vec<_> = text.lines().map(serde_json::from_str::<Value>).collect();
        assert!(parsed.iter().filter(|line| line.is_err()).count() <= 1);
        assert!(parsed.len() > batches * BATCH, "what was put before is there");
        assert_eq!(parsed.last().unwrap().as_ref().unwrap()["name"], "Last");
    }
}

#[test]
fn a_call_takes_data_up_to_the_limits_and_not_one_more() {
    let data = |count: usize| vec![datum("Spend", "1"); count];
    for (count, is_taken) in [(0, true), (1, true), (MAX_DATA, true), (MAX_DATA + 1, false)] {
        assert_eq!(check_data("n", &data(count)).is_ok(), is_taken, "{count} data");
    }
    let with_dimensions = |count: usize| {
        let dimensions = (0..count).map(|number| (format!("d{number}"), "v".to_owned())).collect();
        [Datum { dimensions, ..datum("Spend", "1") }]
    };
    for (count, is_taken) in [(0, true), (1, true), (MAX_DIMENSIONS, true), (MAX_DIMENSIONS + 1, false)] {
        assert_eq!(check_data("n", &with_dimensions(count)).is_ok(), is_taken, "{count} dimensions");
    }
    let of_length = |length: usize| {
        let dimensions = BTreeMap::from([("Identity".to_owned(), "x".repeat(length))]);
        Datum { dimensions, ..datum("Spend", "1") }
    };
    for (length, is_taken) in [(0, false), (1, true), (MAX_VALUE, true), (MAX_VALUE + 1, true)] {
        assert_eq!(check_data("n", &[of_length(length)]).is_ok(), is_taken, "a value of {length}");
    }
    let fit = (MAX_PUT_BYTES - ENVELOPE_BYTES) / datum_bytes(&of_length(MAX_VALUE));
    for (count, is_taken) in [(fit, true), (fit + 1, false)] {
        assert_eq!(check_data("n", &vec![of_length(MAX_VALUE); count]).is_ok(), is_taken, "{count} long ones");
    }
}

#[test]
fn data_are_put_in_calls_as_large_as_they_may_be() {
    let sizes = |count: usize| batches(&vec![datum("Spend", "1"); count]).map(<[Datum]>::len).collect::<Vec<_>>();
    assert_eq!(sizes(0), [0; 0]);
    assert_eq!(sizes(1), [1]);
    assert_eq!(sizes(MAX_DATA), [1000]);
    assert_eq!(sizes(MAX_DATA + 1), [1000, 1]);
}

#[test]
fn the_largest_amount_is_within_what_cloudwatch_takes() {
    let most: Decimal = "99999999999999999999.999999999999999999".parse().unwrap();
    for amount in [most, most.negated(), Decimal::ZERO] {
        assert!(amount.to_f64().abs() < 2_f64.powi(360));
    }
}
