//! The command line's totals equal those that another program computed from the same export, to the last digit.
//!
//! `tests/fixtures/expected-sample.json` is written by `tests/other_programs.py`, by its own reading of the rules:
//! `.venv/bin/python tests/other_programs.py target/debug/bedrock-ledger target/facts-check
//! tests/fixtures/expected-sample.json`.

use std::collections::BTreeMap;

use crate::commands::done;

/// Totals by group, the parts of a group joined by `|`: category, the key, currency.
type Totals = BTreeMap<String, String>;

#[test]
fn the_sample_adds_up_as_another_program_says() {
    let expected: BTreeMap<String, Totals> =
        serde_json::from_str(include_str!("fixtures/expected-sample.json")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (export, ledger) = (path("export"), path("ledger"));
    done(&["sample", "--out", &export, "--rows", "2700", "--deliveries", "1", "--seed", "7"]);
    done(&["run", "--export", &export, "--ledger", &ledger, "--now", "2026-11-20T06:00:00Z"]);
    assert_eq!(expected.len(), 5);
    for (key, expected) in expected {
        let by = if key.is_empty() { "category".to_owned() } else { format!("category,{key}") };
        let report = done(&["report", "--ledger", &ledger, "--by", &by, "--format", "csv"]);
        let rows = report.lines().skip(1).map(|row| row.rsplit_once(',').unwrap());
        let found: Totals = rows.map(|(group, cost)| (group.replace(',', "|"), cost.to_owned())).collect();
        assert!(!expected.is_empty());
        assert_eq!(found, expected, "by {by}");
    }
}
