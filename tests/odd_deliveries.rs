//! Deliveries that come late, change afterwards, were replaced before they were read, or do not say whose they are.

use std::fs;

use bedrock_ledger::cli::{Command, Run};
use spend_tests::bucket::{Layout, parquet};

use crate::common::copy::{Copy, execute, total};
use crate::{FIRST, SECOND, chunks, create_new, kept, row, usd, without};

#[test]
fn a_folder_that_comes_late_does_not_replace_what_replaced_a_newer_one() {
    let copy = Copy::of(&kept(SECOND, "2b").files(chunks(3.0)));
    copy.run().unwrap();
    // The export was switched to replace in place.
    copy.add(&Layout { execution_id: Some("3c"), ..Layout::default() }.files(chunks(2.0)));
    copy.run().unwrap();
    assert_eq!(total(&copy.states()[0].1), usd("2"));
    copy.add(&without(kept(FIRST, "1a").files(chunks(1.0)), "2026-11/e-Manifest"));
    let notes = copy.run().unwrap();
    assert!(notes.contains("delivery 1a: older than 3c, which stays in force"), "{notes}");
    assert_eq!(total(&copy.states()[0].1), usd("2"));
}

#[test]
fn a_run_over_kept_deliveries_alerts_of_the_newest_alone() {
    for (first_run, alerts) in [("send", 1), ("silent", 0)] {
        let copy = Copy::of(&create_new());
        let config = copy.export.join("ledger.toml");
        let budget = "[[budget]]\nname = \"all\"\namount = \"2\"\n";
        fs::write(&config, format!("[alerts]\nfirst_run = \"{first_run}\"\n{budget}")).unwrap();
        let now = Some("2026-11-20T06:00:00Z".parse().unwrap());
        let (export, ledger) = (copy.export.clone(), copy.ledger.clone());
        execute(Command::Run(Run { export, ledger, config: Some(config), now })).unwrap();
        let messages = fs::read_to_string(copy.ledger.join("out/messages.jsonl")).unwrap();
        assert_eq!(messages.matches(r#""topic":"alerts""#).count(), alerts, "{messages}");
        // The deliveries before it said 1.00 and 3.00.
        assert_eq!(messages.matches(r#""subject":"$2.00 of $2.00 (100%)"#).count(), 2 * alerts, "{messages}");
    }
}

#[test]
fn a_delivery_whose_files_changed_after_it_was_counted_is_warned_of() {
    let copy = Copy::of(&Layout::default().files(chunks(5.0)));
    copy.run().unwrap();
    assert!(!copy.run().unwrap().contains("WARNING"));
    copy.add(&without(Layout::default().files(chunks(4.0)), "metadata"));
    let notes = copy.run().unwrap();
    let said = "WARNING: fin/cur/e/data/BILLING_PERIOD=2026-11/e-00002.snappy.parquet is not what this delivery was \
                counted from";
    assert!(notes.contains(said), "{notes}");
    assert_eq!(total(&copy.states()[0].1), usd("5"));
}

#[test]
fn an_export_that_does_not_name_its_payer_is_not_counted_beside_another() {
    let (named, unnamed) = (row("app", 1.0), {
        let mut row = row("app", 1.0);
        row.remove("bill_payer_account_id");
        row
    });
    for (first, second) in [(&named, &unnamed), (&unnamed, &named)] {
        let exports = [("a/first", first), ("b/second", second)];
        let files = exports
            .into_iter()
            .flat_map(|(root, row)| Layout { root, ..Layout::default() }.files([parquet(std::slice::from_ref(row))]));
        let copy = Copy::of(&files.collect());
        let notes = copy.run().unwrap();
        let [(id, state)] = &copy.states()[..] else { panic!("one is counted: {notes}") };
        assert!(id.starts_with("first--") && total(state) == usd("1"), "{id}");
        assert!(notes.contains("WARNING: second--") && notes.contains("lacks the column"), "{notes}");
    }
}
