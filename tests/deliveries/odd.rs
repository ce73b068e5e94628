//! Deliveries that come late, change afterwards, were replaced before they were read, or do not say whose they are.

use std::fs;

use crate::bucket::{Layout, parquet};
use bedrock_ledger::cli::{Command, Doctor, DoctorFormat, Run};
use bytes::Bytes;

use super::copy::{Copy, execute, state, total};
use super::{FIRST, SECOND, chunks, create_new, kept, row, usd, without};

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
fn a_copy_that_was_cut_short_is_marked_and_counted_again_once_it_is_whole() {
    let first = Layout::default().files([parquet(&[row("a", 10.0)]), parquet(&[row("b", 20.0)])]);
    let copy = Copy::of(&first);
    copy.run().unwrap();
    let chunks = [parquet(&[row("a", 10.0), row("b", 20.0)]), parquet(&[row("c", 5.0)])];
    let second = Layout { execution_id: Some("two"), ..Layout::default() }.files(chunks);
    copy.add(&without(second.clone(), "e-00002"));
    let notes = copy.run().unwrap();
    let said = "  unverified: 1 of 2 data files are those of an earlier delivery, such as \
                fin/cur/e/data/BILLING_PERIOD=2026-11/e-00002.snappy.parquet: if copying was cut short or goes on, the \
                numbers are of two deliveries; run again when all of it is there\n";
    assert!(notes.contains(said), "{notes}");
    let mixed = &copy.states()[0].1;
    assert_eq!((total(mixed), mixed.current().unwrap().unverified), (usd("50"), true));
    assert_eq!(copy.run().unwrap().matches("already known").count(), 1);
    copy.add(&second);
    copy.run().unwrap();
    let whole = &copy.states()[0].1;
    assert_eq!((total(whole), whole.current().unwrap().unverified), (usd("35"), false));
    assert_eq!(whole.deliveries.len(), 3);
    assert_eq!(copy.run().unwrap().matches("already known").count(), 1);
    assert_eq!(&copy.states()[0].1, whole);
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

#[test]
fn a_kept_delivery_that_cannot_be_used_is_counted_and_told_once() {
    let torn = || [Bytes::from_static(b"no parquet")];
    let mut files = kept(FIRST, "1a").files(chunks(1.0));
    let copy = Copy::of(&kept(FIRST, "1a").files(torn()));
    let (notes, error) = copy.run().unwrap_err();
    assert_eq!(error, "the only delivery was not published, see above");
    assert_eq!(notes.matches("not published").count(), 1, "{notes}");
    files.extend(kept(SECOND, "2b").files(torn()));
    let copy = Copy::of(&files);
    let (notes, error) = copy.run().unwrap_err();
    assert_eq!(error, "1 of 2 deliveries was not published, see above; the others were");
    assert_eq!(notes.matches("not published").count(), 1, "{notes}");
    assert_eq!(total(&copy.states()[0].1), usd("1"));
}

#[test]
fn a_manifest_that_is_damaged_in_its_folder_and_whole_above_it_is_read_there() {
    let copy = Copy::of(&kept(FIRST, "1a").files(chunks(1.0)));
    fs::write(copy.export.join(format!("fin/cur/e/metadata/BILLING_PERIOD=2026-11/{FIRST}/e-Manifest.json")), "{")
        .unwrap();
    let (notes, error) = copy.run().unwrap_err();
    assert_eq!(error, "1 of 2 deliveries was not published, see above; the others were");
    assert!(notes.contains("delivery 1a: applied"), "{notes}");
    assert_eq!(total(&copy.states()[0].1), usd("1"));
}

/// A file's name with a byte in it that is no UTF-8.
#[cfg(target_os = "linux")]
fn odd_name(start: &str, end: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec([start.as_bytes(), b"\xff", end.as_bytes()].concat())
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_that_is_not_utf8_is_a_stranger_and_stops_nothing() {
    let copy = Copy::of(&Layout::default().files(chunks(5.0)));
    let data = copy.export.join("fin/cur/e/data/BILLING_PERIOD=2026-11");
    fs::write(copy.export.join(odd_name("caf", ".txt")), "x").unwrap();
    fs::write(data.join(odd_name("notes", "")), "x").unwrap();
    fs::create_dir(copy.export.join(odd_name("folder", ""))).unwrap();
    fs::write(copy.export.join(odd_name("folder", "")).join("file"), "x").unwrap();
    let notes = copy.run().unwrap();
    let said = "note: 3 files are none of an export's and not read: 1 because it is in a data folder, but no data file \
                (fin/cur/e/data/BILLING_PERIOD=2026-11/notes\u{fffd}); 2 because it is in no BILLING_PERIOD folder \
                (caf\u{fffd}.txt)\n";
    assert!(notes.contains(said), "{notes}");
    // A data file that the manifest does not list is one like any other.
    fs::write(data.join(odd_name("e-00003", ".snappy.parquet")), "x").unwrap();
    assert!(copy.run().unwrap().contains("1 data files that no manifest names were not read"));
    assert_eq!(total(&copy.states()[0].1), usd("5"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_data_file_or_manifest_whose_name_is_not_utf8_keeps_its_delivery_alone_from_being_published() {
    let mut files = Layout::default().files(chunks(5.0));
    let other = |(key, bytes): (String, Bytes)| (key.replace("2026-11", "2026-10"), bytes);
    files.extend(without(Layout::default().files([parquet(&[])]), "metadata").into_iter().map(other));
    let copy = Copy::of(&files);
    let october = copy.export.join("fin/cur/e/data/BILLING_PERIOD=2026-10");
    fs::rename(october.join("e-00001.snappy.parquet"), october.join(odd_name("e-00001", ".parquet"))).unwrap();
    let september = copy.export.join("fin/cur/e/metadata/BILLING_PERIOD=2026-09");
    fs::create_dir_all(&september).unwrap();
    fs::write(september.join(odd_name("e", "-Manifest.json")), "{}").unwrap();
    let (notes, error) = copy.run().unwrap_err();
    assert_eq!(error, "2 of 3 deliveries were not published, see above; the others were");
    assert_eq!(notes.matches("is not UTF-8; rename it (store.bad_key)").count(), 2, "{notes}");
    assert_eq!(total(&copy.states()[0].1), usd("5"));
    let doctor = Doctor { export: Some(copy.export.clone()), ledger: None, format: DoctorFormat::Table, now: None };
    let found = execute(Command::Doctor(doctor)).unwrap_err();
    assert!(found.starts_with("numbers are missing or wrong"), "{found}");
}

#[test]
fn links_and_paths_that_are_too_long_are_named_and_the_rest_is_read() {
    let copy = Copy::of(&Layout::default().files(chunks(5.0)));
    let elsewhere = Copy::of(&Layout { root: "other/e2", ..Layout::default() }.files(chunks(7.0)));
    let link = |to: &std::path::Path, at: &str| std::os::unix::fs::symlink(to, copy.export.join(at)).unwrap();
    link(&elsewhere.export.join("other"), "other");
    link(&copy.export, "fin/up");
    let deep: Vec<_> = ["d", "e", "f", "g", "h"].iter().map(|name| name.repeat(220)).collect();
    fs::create_dir_all(copy.export.join(deep.join("/"))).unwrap();
    let notes = copy.run().unwrap();
    assert!(notes.contains("note: 3 paths were left out and not looked into: 2 because a symbolic link"), "{notes}");
    assert!(notes.contains("(fin/up)") && notes.contains("1 because its path is longer"), "{notes}");
    assert_eq!(copy.states().len(), 1, "nothing is read through a link");
    assert_eq!(total(&state(&copy)), usd("5"));
    let doctor = Doctor { export: Some(copy.export.clone()), ledger: None, format: DoctorFormat::Table, now: None };
    let found = execute(Command::Doctor(doctor)).unwrap();
    assert!(found.contains("notice paths-left-out"), "{found}");
    // An export that is linked as a whole is read by the link, and one that is nothing but links says so.
    let linked = copy.export.with_file_name("linked");
    std::os::unix::fs::symlink(&elsewhere.export, &linked).unwrap();
    let through = copy.below("../linked");
    through.run().unwrap();
    assert_eq!(total(&state(&through)), usd("7"));
    let nothing = copy.below("../nothing");
    fs::create_dir(&nothing.export).unwrap();
    std::os::unix::fs::symlink(&elsewhere.export, nothing.export.join("export")).unwrap();
    let (_, error) = nothing.run().unwrap_err();
    assert!(error.contains("1 path was left out") && error.contains("symbolic link"), "{error}");
}
