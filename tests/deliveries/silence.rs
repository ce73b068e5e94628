//! What must not pass in silence: spend or callers that are gone, closed months that move, times before the data.

use crate::bill::{session, usage};
use crate::bucket::{Layout, parquet};
use spend_cur::write::Row;

use super::copy::Copy;

const TOKENS: &str = "USE1-Claude4.6Sonnet-input-tokens";

fn called_by(principal: &str, cost: f64) -> Row {
    usage("2026-11-02", principal, TOKENS, cost)
}

fn deliver(copy: &Copy, id: &'static str, rows: &[Row]) -> String {
    copy.add(&Layout { execution_id: Some(id), ..Layout::default() }.files([parquet(rows)]));
    copy.run().unwrap()
}

fn warnings(notes: &str) -> Vec<&str> {
    notes.lines().filter_map(|line| line.strip_prefix("  WARNING: ")).collect()
}

#[test]
fn spend_that_is_gone_is_warned_of_once() {
    let copy = Copy::of(&Vec::new());
    assert!(warnings(&deliver(&copy, "one", &[called_by(&session("app", "pod"), 1234.5)])).is_empty());
    let notes = deliver(&copy, "two", &[]);
    let said = "2026-11: the delivery before had $1,234.50 of Amazon Bedrock, and this one has none; check \
                whether somebody changed the export's query or its account: a month's spend does not go away by itself";
    assert!(warnings(&notes).iter().any(|warning| warning.starts_with(said)), "{notes}");
    assert!(warnings(&deliver(&copy, "three", &[])).is_empty(), "there was none before");
    assert!(warnings(&deliver(&copy, "four", &[called_by("", 1.0)])).is_empty(), "nobody was named before");
}

#[test]
fn callers_that_are_gone_are_warned_of_once() {
    let copy = Copy::of(&Vec::new());
    let named = [called_by(&session("app", "pod"), 1.0), called_by(&session("job", "pod"), 2.0), called_by("", 4.0)];
    deliver(&copy, "one", &named);
    assert!(warnings(&deliver(&copy, "two", &named[1..])).is_empty(), "one of them is still named");
    let notes = deliver(&copy, "three", &[called_by("", 7.0)]);
    let said = "2026-11: the delivery before named 1 caller with spend, and this one names nobody: the column \
                line_item_iam_principal is empty; check whether";
    assert!(warnings(&notes).iter().any(|warning| warning.starts_with(said)), "{notes}");
    assert!(warnings(&deliver(&copy, "four", &[called_by("", 8.0)])).is_empty(), "it is said once");
}

#[test]
fn a_closed_month_that_moves_is_warned_of() {
    let copy = Copy::of(&Vec::new());
    let invoiced = |cost| {
        let mut row = called_by(&session("app", "pod"), cost);
        row.insert("bill_invoice_id", "EUINUS26-1".into());
        row
    };
    let run = |id, cost: f64, now: &str| {
        copy.add(&Layout { execution_id: Some(id), ..Layout::default() }.files([parquet(&[invoiced(cost)])]));
        copy.run_at(now).unwrap()
    };
    assert!(warnings(&run("one", 100.0, "2026-12-05T06:00:00Z")).is_empty());
    let notes = run("two", 120.0, "2026-12-06T06:00:00Z");
    let said = "2026-11: the month was closed, and this delivery restates it: $100.00 became $120.00; post the \
                difference: reports and chargeback files of the month are out of date";
    assert!(warnings(&notes).iter().any(|warning| warning.starts_with(said)), "{notes}");
    assert!(warnings(&run("three", 120.0, "2026-12-07T06:00:00Z")).is_empty(), "nothing moved");
}

#[test]
fn a_time_before_the_data_is_spoken_of() {
    let copy = Copy::of(&Layout::default().files([parquet(&[called_by(&session("app", "pod"), 1.0)])]));
    let said = "note: 2026-11 begins after --now (1 Oct 2026 00:00 UTC): its spend is in reports, and in no metric, alert or \
                digest\n";
    let notes = copy.run_at("2026-10-01T00:00:00Z").unwrap();
    assert!(notes.contains(said), "{notes}");
    assert!(!copy.ledger.join("out/metrics.jsonl").exists(), "it is true");
    let said = "note: the bill has usage until 2 Nov 2026 11:00 UTC, after --now (2 Nov 2026 10:00 UTC): metrics, alerts \
                and the digest are told as of --now\n";
    let notes = copy.run_at("2026-11-02T10:00:00Z").unwrap();
    assert!(notes.contains(said), "{notes}");
    assert!(!copy.run().unwrap().contains("--now"));
}
