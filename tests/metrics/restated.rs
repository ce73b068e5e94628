//! A delivery that restates days, through the command line: what its metrics sum to is what the newer one says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::bill::{session, usage};
use crate::bucket::{Layout, parquet, write_tree};
use bedrock_ledger::cli::{Cli, Command, Run};
use chrono::NaiveDate;
use serde_json::Value;
use spend_core::facts::fact::{FactField, FactTable};
use spend_core::facts::spend::CostPolicy;
use spend_core::money::decimal::Decimal;
use spend_cur::write::Row;
use spend_ledger::state::committed;
use spend_ledger::store::directory::DirectoryStore;
use tempfile::TempDir;

use super::cloudwatch::rounded;
use crate::commands::block_on;

/// What `run` says on standard error.
fn run(export: &Path, ledger: &Path, now: &str) -> String {
    let now = Some(now.parse().unwrap());
    let run = Run { export: export.to_owned(), ledger: ledger.to_owned(), config: None, now };
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    block_on(bedrock_ledger::execute(&Cli { command: Command::Run(run) }, &mut out, &mut notes)).unwrap();
    String::from_utf8(notes).unwrap()
}

fn lines(ledger: &Path) -> Vec<Value> {
    let text = fs::read_to_string(ledger.join("out/metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Dimensions besides the currency, currency and day of a series, as the file has them.
type Place = (Option<(String, String)>, String, NaiveDate);

fn spend(ledger: &Path) -> BTreeMap<Place, f64> {
    let mut sums = BTreeMap::new();
    for line in lines(ledger).iter().filter(|line| line["name"] == "Spend") {
        let dimensions = line["dimensions"].as_object().unwrap();
        let mut of = dimensions.iter().filter(|(name, _)| *name != "Currency");
        let of = of.next().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let currency = dimensions["Currency"].as_str().unwrap().to_owned();
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(timestamp.ends_with("T00:00:00Z"), "{timestamp}");
        *sums.entry((of, currency, timestamp[..10].parse().unwrap())).or_default() += line["value"].as_f64().unwrap();
    }
    sums
}

fn facts(ledger: &Path) -> Vec<FactTable> {
    let store = DirectoryStore::open_read_only(ledger.to_owned()).unwrap();
    let statements = block_on(committed::statements(&store)).unwrap();
    let of = |statement| block_on(committed::state(&store, statement)).unwrap().unwrap().0.facts;
    statements.iter().map(of).collect()
}

/// What the ledger says of the same series. Few enough are in these exports that every value has one of its own.
fn says(ledger: &Path) -> BTreeMap<Place, Decimal> {
    let mut sums: BTreeMap<Place, Decimal> = BTreeMap::new();
    for fact in facts(ledger).iter().flatten() {
        let Some(cost) = CostPolicy::default().spend(fact) else { continue };
        let (currency, day) = (fact.get(FactField::Currency).to_owned(), fact.day());
        let label = |value: &str| match value {
            "" => "(none)".to_owned(),
            value => spend_ledger::outputs::dimension_text(value).into_owned(),
        };
        let of = [
            None,
            Some(("Identity".to_owned(), label(fact.get(FactField::Identity)))),
            Some(("Model".to_owned(), label(fact.get(FactField::Model)))),
            Some(("Account".to_owned(), label(fact.get(FactField::AccountId)))),
            Some(("Tag:iamPrincipal/team".to_owned(), label(fact.tag("iamPrincipal/team")))),
            Some(("Tag:iamPrincipal/cost-center".to_owned(), label(fact.tag("iamPrincipal/cost-center")))),
        ];
        for of in of {
            let sum = sums.entry((of, currency.clone(), day)).or_default();
            *sum = sum.checked_add(cost).unwrap();
        }
    }
    sums
}

/// The last value of a gauge of money.
fn gauge(ledger: &Path, name: &str) -> f64 {
    let lines = lines(ledger);
    let mut of = lines.iter().rev().filter(|line| line["name"] == name && line["dimensions"]["Currency"] == "USD");
    of.next().unwrap()["value"].as_f64().unwrap()
}

fn assert_equal_within(ledger: &Path, first: &str, last: &str) {
    let days: NaiveDate = first.parse().unwrap();
    let days = days..=last.parse().unwrap();
    let (held, says) = (spend(ledger), says(ledger));
    let places: BTreeSet<_> = held.keys().chain(says.keys()).filter(|(.., day)| days.contains(day)).collect();
    assert!(!places.is_empty());
    for place in places {
        let held = rounded(held.get(place).copied().unwrap_or_default());
        assert_eq!(held, says.get(place).copied().unwrap_or_default().round_to(9), "{place:?}");
    }
}

/// The two deliveries after one another, three days of which the second cannot tell any more.
fn restate(first: &Path, second: &Path, ledger: &Path) {
    let notes = run(first, ledger, "2026-10-20T23:00:00Z");
    assert!(notes.contains(" differences of Spend and ") && notes.contains("predicted to cost $"), "{notes}");
    assert_equal_within(ledger, "2026-10-07", "2026-10-20");
    let outside = gauge(ledger, "SpendOutsideWindow");
    run(second, ledger, "2026-10-22T08:00:00Z");
    assert_equal_within(ledger, "2026-10-09", "2026-10-20");
    let restated = gauge(ledger, "SpendOutsideWindow");
    assert!((restated - outside).abs() > 0.01, "{outside} and {restated}");
    let total = |(of, currency, _): &Place| of.is_none() && currency == "USD";
    let says = says(ledger).into_iter().filter(|(place, _)| total(place)).map(|(_, sum)| sum.round_to(9));
    let held = spend(ledger).into_iter().filter(|(place, _)| total(place)).map(|(_, sum)| rounded(sum).negated());
    let missing = says.chain(held).fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount).unwrap());
    assert_eq!(missing, rounded(restated), "what is missing is known in money");
    let before = lines(ledger).len();
    run(second, ledger, "2026-10-22T08:00:00Z");
    assert_eq!(lines(ledger).len(), before, "the same again puts nothing");
    run(second, ledger, "2026-10-22T09:00:00Z");
    let later = &lines(ledger)[before..];
    assert!(!later.is_empty() && later.iter().all(|line| line["dimensions"]["Export"].is_string()), "but health");
}

fn month(costs: &[(u32, f64)], others: f64) -> Vec<Row> {
    let sonnet = "USE1-Claude4.6Sonnet-output-tokens";
    let rows = costs.iter().flat_map(|(day, cost)| {
        let day = format!("2026-10-{day:02}");
        let discount = Row::from([
            ("line_item_line_item_type", "EdpDiscount".into()),
            ("line_item_unblended_cost", spend_cur::write::Value::Number(-cost / 7.0)),
        ]);
        let mut discounted = usage(&day, "", sonnet, 0.0);
        discounted.extend(discount);
        [usage(&day, &session("app", "pod"), sonnet, cost / 3.0), usage(&day, "", sonnet, others), discounted]
    });
    rows.collect()
}

#[test]
fn what_a_later_delivery_restates_is_put_as_differences() {
    let folder = TempDir::new().unwrap();
    let deliver = |name: &'static str, rows: &[Row]| {
        let tree = folder.path().join(name);
        let layout = Layout { execution_id: Some(name), ..Layout::default() };
        let files = layout.files([parquet(rows)]).into_iter();
        let october = |text: String| text.replace("2026-11", "2026-10");
        let files = files.map(|(key, bytes)| match std::str::from_utf8(&bytes) {
            Ok(manifest) => (october(key), october(manifest.to_owned()).into()),
            Err(_) => (october(key), bytes),
        });
        write_tree(&tree, &files.collect());
        tree
    };
    let first = deliver("one", &month(&[(3, 1.0), (7, 2.0), (9, 4.0), (19, 5.5), (20, 0.1)], 0.3));
    let second = deliver("two", &month(&[(3, 1.0), (7, 2.9), (9, 3.7), (19, 6.1), (20, 8.2)], 0.3));
    restate(&first, &second, &folder.path().join("ledger"));
}

/// The export of another writer: `SPEND_EXPORTS` names a folder with the trees of its first and its second delivery of
/// October 2026, `d1` and `d2`.
#[test]
fn the_export_of_another_writer_is_restated_too() {
    let Some(exports) = std::env::var_os("SPEND_EXPORTS") else { return };
    let folder = TempDir::new().unwrap();
    let [first, second] = ["d1", "d2"].map(|name| Path::new(&exports).join(name));
    restate(&first, &second, &folder.path().join("ledger"));
}
