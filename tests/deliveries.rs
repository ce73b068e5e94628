//! Every way in which deliveries come: on the command line, from copies on a disk, and in a bucket.

mod copy;
mod misuse;
mod named;
mod odd;
mod silence;

use std::fs;

use crate::bill::{session, usage};
use crate::bucket::{Files, Layout, parquet, write_tree};
use bedrock_ledger::cli::{Command, Doctor, DoctorFormat, Explain, ReportFormat};
use bedrock_ledger::error::CommandError;
use bytes::Bytes;
use spend_core::errors::fault::Fault;
use spend_core::money::decimal::Decimal;
use spend_cur::write::Row;

use copy::{Copy, execute, state, total};

const FIRST: &str = "2026-11-02T13:15:05.826Z-1a";
const SECOND: &str = "2026-11-03T13:15:05.826Z-2b";
const THIRD: &str = "2026-11-04T13:15:05.826Z-3c";

/// Rows that sum to `cost`, in two chunks.
fn chunks(cost: f64) -> Vec<Bytes> {
    [("app", 0.25), ("job", cost - 0.25)].map(|(role, cost)| parquet(&[row(role, cost)])).into()
}

fn row(role: &str, cost: f64) -> Row {
    usage("2026-11-02", &session(role, "pod"), "USE1-Claude4.6Sonnet-input-tokens", cost)
}

fn kept(folder: &'static str, id: &'static str) -> Layout {
    Layout { folder: Some(folder), execution_id: Some(id), ..Layout::default() }
}

/// An export that keeps three deliveries: 1, 3 and 2 USD.
fn create_new() -> Files {
    let deliveries = [(FIRST, "1a", 1.0), (SECOND, "2b", 3.0), (THIRD, "3c", 2.0)];
    deliveries.into_iter().flat_map(|(folder, id, cost)| kept(folder, id).files(chunks(cost))).collect()
}

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn without(files: Files, part: &str) -> Files {
    files.into_iter().filter(|(key, _)| !key.contains(part)).collect()
}

#[test]
fn an_export_that_keeps_every_delivery_counts_the_newest_and_remembers_the_others() {
    let copy = Copy::of(&create_new());
    let notes = copy.run().unwrap();
    let [(id, state)] = &copy.states()[..] else { panic!("one export") };
    assert_eq!(id, "e--708b9d37");
    let ids: Vec<_> = state.deliveries.iter().map(|applied| applied.delivery_id.as_str()).collect();
    assert_eq!((ids, total(state)), (vec!["1a", "2b", "3c"], usd("2")));
    assert_eq!(notes.matches("delivery 3c").count(), 1, "its manifest lies there twice: {notes}");
    assert!(!notes.contains("not read"), "{notes}");
    assert!(copy.run().unwrap().contains("delivery 3c: already known, nothing to do"));
    assert_eq!(copy.states()[0].1.deliveries.len(), 3);
}

#[test]
fn the_manifest_without_a_folder_alone_brings_the_newest() {
    let folders = |(key, _): &(String, Bytes)| !(key.contains("metadata") && key.contains("Z-"));
    let copy = Copy::of(&create_new().into_iter().filter(folders).collect());
    let notes = copy.run().unwrap();
    assert_eq!(total(&copy.states()[0].1), usd("2"));
    assert!(
        notes.contains(&format!(
            "note: fin/cur/e 2026-11: 4 data files that no manifest names were not read, such as \
             fin/cur/e/data/BILLING_PERIOD=2026-11/{FIRST}/e-00001.snappy.parquet\n"
        )),
        "{notes}"
    );
    // The folders' manifests come later: they are older, and say so.
    copy.add(&create_new());
    assert!(copy.run().unwrap().contains("delivery 1a: older than 3c, which stays in force"));
    assert_eq!(total(&copy.states()[0].1), usd("2"));
}

#[test]
fn a_folder_without_its_manifest_is_not_counted() {
    let copy = Copy::of(&without(create_new(), &format!("metadata/BILLING_PERIOD=2026-11/{SECOND}")));
    let notes = copy.run().unwrap();
    let state = &copy.states()[0].1;
    assert_eq!((state.deliveries.len(), total(state)), (2, usd("2")));
    assert!(notes.contains("note: fin/cur/e 2026-11: 2 data files that no manifest names"), "{notes}");
}

#[test]
fn folders_without_any_manifest_are_deliveries_in_the_order_of_their_times() {
    let copy = Copy::of(&without(create_new(), "metadata"));
    let notes = copy.run().unwrap();
    let state = &copy.states()[0].1;
    assert_eq!((state.deliveries.len(), total(state)), (3, usd("2")));
    assert!(state.deliveries.iter().all(|applied| applied.unverified));
    let said = "unverified: there is no manifest, and the files are taken as found; copy metadata/ too, so that a \
                manifest says which files make up the delivery";
    assert_eq!(notes.matches(said).count(), 3, "{notes}");
    // The manifests come later: the same deliveries, known by their own ids now.
    copy.add(&create_new());
    copy.run().unwrap();
    let state = &copy.states()[0].1;
    assert_eq!(state.deliveries.last().unwrap().delivery_id, "3c");
    assert!(!state.deliveries.last().unwrap().unverified);
    assert_eq!(total(state), usd("2"));
}

#[test]
fn files_without_a_manifest_are_taken_as_found_and_marked() {
    let copy = Copy::of(&without(Layout::default().files(chunks(5.0)), "metadata"));
    copy.run().unwrap();
    assert!(copy.run().unwrap().contains("already known"));
    let state = &copy.states()[0].1;
    assert_eq!((state.deliveries.len(), total(state)), (1, usd("5")));
    assert!(state.current().unwrap().unverified);
    // The next delivery replaces it, and has fewer chunks: the surplus one is empty.
    copy.add(&without(Layout::default().files([parquet(&[row("app", 4.0)]), parquet(&[])]), "metadata"));
    copy.run().unwrap();
    let state = &copy.states()[0].1;
    assert_eq!((state.deliveries.len(), total(state)), (2, usd("4")));
}

#[test]
fn files_that_are_no_whole_delivery_are_refused_where_no_manifest_tells() {
    let data = "fin/cur/e/data/BILLING_PERIOD=2026-11";
    let bytes = || parquet(&[row("app", 1.0)]);
    for (names, reason) in [
        (vec!["e-00001.snappy.parquet", "e-00003.snappy.parquet"], "the data file with the number 00002 is missing"),
        (vec!["e-00002.snappy.parquet"], "the data file with the number 00001 is missing"),
        (vec!["e-00001.snappy.parquet", "e-00001.csv.gz"], "two data files have the number 00001"),
        (vec!["e-00001.snappy.parquet", "f-00001.snappy.parquet"], "its data files are of two exports, e and f"),
        (
            vec!["e-00001.snappy.parquet", "all.parquet"],
            "all.parquet lies among files that are numbered as AWS numbers them",
        ),
        (
            vec!["e-00001.snappy.parquet", &format!("{FIRST}/e-00001.snappy.parquet")],
            "data files lie in fin/cur/e/data/BILLING_PERIOD=2026-11/ and in \
             fin/cur/e/data/BILLING_PERIOD=2026-11/2026-11-02T13:15:05.826Z-1a/, and either may be the newest delivery",
        ),
    ] {
        let copy = Copy::of(&names.into_iter().map(|name| (format!("{data}/{name}"), bytes())).collect());
        let (notes, error) = copy.run().unwrap_err();
        let said = format!(
            "error: {data}/: not published: fin/cur/e 2026-11 has no manifest, and its files cannot be taken for one \
             delivery: {reason}: copy the export with its metadata/, or keep the files of the newest delivery alone \
             (export.unlisted)\nnothing new to tell: no message was sent\n"
        );
        assert_eq!(notes, said);
        assert_eq!(error, "the only delivery was not published, see above");
        assert!(copy.states().is_empty());
    }
}

#[test]
fn a_tree_cut_off_anywhere_is_the_same_export() {
    let files = Layout::default().files(chunks(5.0));
    let whole = Copy::of(&files);
    whole.run().unwrap();
    let copy = Copy::of(&files);
    for (below, id) in [
        ("", "e--708b9d37"),
        // Its manifest tells the whole path.
        ("fin/cur/e", "e--708b9d37"),
        // The tree shows less of it than the bucket did.
        ("fin/cur", "e"),
        ("fin/cur/e/data", "e"),
        ("fin/cur/e/data/BILLING_PERIOD=2026-11", "e"),
    ] {
        let copy = copy.below(below);
        copy.run().unwrap();
        let [(found, state)] = &copy.states()[..] else { panic!("{below}") };
        assert_eq!((found.as_str(), total(state)), (id, usd("5")), "{below}");
        assert_eq!(state.facts, whole.states()[0].1.facts, "{below}");
        assert_eq!(state.current().unwrap().unverified, below.contains("data"), "{below}");
    }
}

#[test]
fn a_copy_below_another_path_and_under_another_name_is_read() {
    for root in ["replica/of/fin/cur/e", "november"] {
        let moved = |(key, bytes): (String, Bytes)| (key.replacen("fin/cur/e", root, 1), bytes);
        let copy = Copy::of(&Layout::default().files(chunks(5.0)).into_iter().map(moved).collect());
        copy.run().unwrap();
        let [(id, state)] = &copy.states()[..] else { panic!("{root}") };
        assert_eq!((id.split("--").next(), total(state)), (root.rsplit('/').next(), usd("5")));
    }
}

#[test]
fn keys_with_a_leading_slash_and_escaped_keys_are_read() {
    let slashed = Layout { root: "/fin/cur/e", ..Layout::default() }.files(chunks(5.0));
    let escaped = |files: Files| {
        files.into_iter().map(|(key, bytes)| (key.replace('=', "%3D").replace(':', "%3A"), bytes)).collect::<Files>()
    };
    for files in
        [slashed.clone(), escaped(slashed), escaped(create_new()), escaped(Layout::default().files(chunks(2.0)))]
    {
        let copy = Copy::of(&files);
        copy.run().unwrap();
        let [(id, state)] = &copy.states()[..] else { panic!("one export") };
        assert_eq!(id, "e--708b9d37");
        assert!([usd("5"), usd("2")].contains(&total(state)));
    }
}

#[test]
fn a_manifest_finds_its_files_however_a_tool_escaped_their_keys() {
    let escapes: [fn(String) -> String; 4] = [
        |key| key,
        |key| key.replace('=', "%3D"),
        |key| key.replace(':', "%3A"),
        |key| key.replace('=', "%3D").replace(':', "%3A"),
    ];
    for manifest in escapes {
        for data in escapes {
            let files = kept(FIRST, "1a").files(chunks(5.0)).into_iter();
            let files = files.map(|(key, bytes)| {
                let escape = if key.contains("/data/") { data } else { manifest };
                (escape(key), bytes)
            });
            let copy = Copy::of(&files.collect());
            copy.run().unwrap();
            assert_eq!(total(&state(&copy)), usd("5"));
        }
    }
}

#[test]
fn strangers_are_passed_over_and_counted_in_one_note() {
    let mut files = Layout::default().files(chunks(5.0));
    for key in [
        "aws-programmatic-access-test-object",
        ".DS_Store",
        "README.md",
        "fin/cur/e/data/BILLING_PERIOD=2026-11/_SUCCESS",
        "fin/cur/e/data/BILLING_PERIOD=2026-11/.e-00001.snappy.parquet.crc",
        "fin/cur/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet.AbCd1234",
        "fin/cur/e/metadata/BILLING_PERIOD=2026-11/create-table.sql",
        "fin/cur/e/metadata/BILLING_PERIOD=2026-11/create-table-e.json",
        "fin/cur/e/data/.DS_Store",
    ] {
        files.push((key.to_owned(), Bytes::from_static(b"x")));
    }
    let copy = Copy::of(&files);
    let notes = copy.run().unwrap();
    assert_eq!(total(&copy.states()[0].1), usd("5"));
    let said: Vec<_> = notes.lines().filter(|line| line.starts_with("note: ")).collect();
    let data = "fin/cur/e/data/BILLING_PERIOD=2026-11";
    assert_eq!(
        said,
        [format!(
            "note: 9 files are none of an export's and not read: 2 because it is another program's file \
             ({data}/.e-00001.snappy.parquet.crc); 1 because it is in a data folder, but no data file \
             ({data}/e-00001.snappy.parquet.AbCd1234); 4 because it is in no BILLING_PERIOD folder (.DS_Store); 2 \
             because it is metadata, but no manifest \
             (fin/cur/e/metadata/BILLING_PERIOD=2026-11/create-table-e.json)"
        )]
    );
}

#[test]
fn surplus_chunks_are_not_read_and_a_month_may_shrink() {
    let copy = Copy::of(&Layout::default().files(chunks(5.0)));
    copy.run().unwrap();
    let smaller = Layout { execution_id: Some("two"), ..Layout::default() };
    copy.add(&smaller.files([parquet(&[row("app", 1.5)])]));
    // What is left of the larger delivery is not even a Parquet file: nobody looks at it.
    let surplus = copy.export.join("fin/cur/e/data/BILLING_PERIOD=2026-11/e-00002.snappy.parquet");
    fs::write(&surplus, "").unwrap();
    let notes = copy.run().unwrap();
    assert!(notes.contains("1 data files that no manifest names were not read"), "{notes}");
    let state = &copy.states()[0].1;
    assert_eq!((state.deliveries.len(), total(state), state.counts.rows), (2, usd("1.5"), 1));
    let history = copy.history();
    let [_, second] = &history[..] else { panic!("{history:?}") };
    assert_eq!(second.replaced.as_deref(), Some("one"));
    assert_eq!((second.totals[0].before, second.totals[0].after), (usd("5"), usd("1.5")));
}

#[test]
fn a_delivery_that_cannot_be_used_keeps_no_other_from_being_published() {
    let mut files = Layout::default().files(chunks(5.0));
    let mut missing = Layout { root: "missing", ..Layout::default() }.files(chunks(7.0));
    missing.remove(1);
    files.extend(missing);
    let mut scope = Layout { root: "scope", ..Layout::default() }.files(chunks(7.0));
    let listed = scope[2].1.to_vec();
    let listed = String::from_utf8(listed).unwrap().replace("scope/data", "other/data");
    scope[2].1 = Bytes::from(listed.into_bytes());
    files.extend(scope);
    files.extend(Layout { root: "torn", ..Layout::default() }.files([Bytes::from_static(b"no parquet")]));
    let copy = Copy::of(&files);
    let (notes, error) = copy.run().unwrap_err();
    assert_eq!(error, "3 of 4 deliveries were not published, see above; the others were");
    let errors: Vec<_> = notes.lines().filter(|line| line.starts_with("error: ")).collect();
    let manifest = |root: &str| format!("error: {root}/metadata/BILLING_PERIOD=2026-11/{root}-Manifest.json");
    assert_eq!(errors.len(), 3, "{notes}");
    assert_eq!(
        errors[0],
        format!(
            "{}: not published: the manifest lists files that are not there: \
             missing/data/BILLING_PERIOD=2026-11/missing-00002.snappy.parquet: copy the whole export again \
             (export.missing_chunks)",
            manifest("missing")
        )
    );
    assert_eq!(
        errors[1],
        format!(
            "{}: not published: scope/metadata/BILLING_PERIOD=2026-11/scope-Manifest.json: lists \
             \"s3://acme/other/data/BILLING_PERIOD=2026-11/scope-00001.snappy.parquet\", which is no data file in \
             scope/data/BILLING_PERIOD=2026-11/: a manifest may only list the data files of its own export and \
             billing period; copy whole export folders, or remove the manifest (export.manifest_scope)",
            manifest("scope")
        )
    );
    assert!(errors[2].starts_with(&format!("{}: not published: torn/data/", manifest("torn"))), "{}", errors[2]);
    let [(_, state)] = &copy.states()[..] else { panic!("one export is whole") };
    assert_eq!(total(state), usd("5"));
    assert!(notes.contains("e--708b9d37 2026-11: delivery one: applied"), "{notes}");
}

#[test]
fn of_two_exports_of_one_bill_one_is_counted_and_the_other_named() {
    let mut files = Layout { root: "fin/a", ..Layout::default() }.files(chunks(5.0));
    files.extend(Layout { root: "fin/b", ..Layout::default() }.files(chunks(5.0)));
    let copy = Copy::of(&files);
    for _ in 0..2 {
        let notes = copy.run().unwrap();
        let said = "WARNING: b--19793dcb is not counted in 2026-11: one bill is counted once, and a--4df9993a was the \
                    first to deliver that of payer 111122223333. If both deliver the same bill, stop one of them in \
                    AWS Data Exports. If b--19793dcb has taken the place of a--4df9993a (created again, renamed, moved \
                    to another prefix), this period stays at what a--4df9993a delivered last: to count b--19793dcb \
                    instead, run bedrock-ledger claim --ledger DIR --payer 111122223333 --period 2026-11 --export-id \
                    b--19793dcb\n";
        assert!(notes.contains(said), "{notes}");
        let states = copy.states();
        let [(id, state)] = &states[..] else { panic!("{}", states.len()) };
        assert_eq!((id.as_str(), total(state)), ("a--4df9993a", usd("5")));
    }
}

#[test]
fn exports_of_two_payers_are_both_counted() {
    let of = |payer: &'static str| {
        let mut row = row("app", 2.0);
        row.insert("bill_payer_account_id", payer.into());
        parquet(&[row])
    };
    let mut files = Layout { root: "one/e", ..Layout::default() }.files([of("111111111111")]);
    files.extend(Layout { root: "two/e", ..Layout::default() }.files([of("222222222222")]));
    let copy = Copy::of(&files);
    copy.run().unwrap();
    let states = copy.states();
    assert_eq!(states.iter().map(|(_, state)| total(state)).collect::<Vec<_>>(), [usd("2"), usd("2")]);
}

#[test]
fn a_copy_of_one_period_alone_is_read() {
    let mut files = create_new();
    let october = |(key, bytes): (String, Bytes)| (key.replace("2026-11/", "2026-10/"), bytes);
    files.extend(Layout::default().files(chunks(9.0)).into_iter().map(october));
    let only = files.into_iter().filter(|(key, _)| key.contains("BILLING_PERIOD=2026-11")).collect();
    let copy = Copy::of(&only);
    copy.run().unwrap();
    assert_eq!(copy.states().iter().map(|(_, state)| total(state)).collect::<Vec<_>>(), [usd("2")]);
}

#[test]
fn what_is_no_export_is_an_error_and_makes_no_ledger() {
    let copy = Copy::of(&vec![("notes.txt".to_owned(), Bytes::new())]);
    let (notes, error) = copy.run().unwrap_err();
    assert_eq!(notes, "");
    assert!(error.starts_with(&format!("no delivery of a CUR 2.0 export below {}: point", copy.export.display())));
    assert!(!copy.ledger.exists());
}

#[test]
fn files_may_have_any_times() {
    let copy = Copy::of(&Layout::default().files(chunks(5.0)));
    let manifest = copy.export.join("fin/cur/e/metadata/BILLING_PERIOD=2026-11/e-Manifest.json");
    let file = fs::File::options().write(true).open(manifest).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let notes = copy.run().unwrap();
    let said = "note: 2 of 2 data files are more than an hour newer than their manifest: if copying them was cut short, \
                they are of two deliveries; copy again and run again\n";
    assert_eq!(notes.matches(said).count(), 1, "{notes}");
    assert!(!copy.run().unwrap().contains("newer than their manifest"), "it is said once");
    assert_eq!(total(&state(&copy)), usd("5"));
}

#[test]
fn adding_a_tree_twice_changes_nothing() {
    let copy = Copy::of(&create_new());
    copy.run().unwrap();
    let before = state(&copy);
    write_tree(&copy.export, &create_new());
    copy.run().unwrap();
    assert_eq!(state(&copy), before);
}

#[test]
fn a_copy_that_changes_under_the_reader_is_said_to_be_copied_again() {
    let error = CommandError::Changed { key: "e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet".to_owned() };
    assert_eq!(
        error.to_string(),
        "e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet changed while its delivery was being read, and nothing \
         is published from a mix of two deliveries: wait until whatever copies the export is done, or copy it again, \
         and run again"
    );
    assert_eq!(error.kind(), "store.replaced");
}

#[test]
fn a_tree_that_is_cut_off_is_examined_and_explained_as_the_whole_one() {
    let copy = Copy::of(&Layout::default().files(chunks(5.0))).below("fin/cur/e");
    copy.run().unwrap();
    let explain = Explain {
        export: copy.export.clone(),
        ledger: copy.ledger.clone(),
        period: "2026-11".parse().unwrap(),
        principal: Some(session("app", "pod")),
        identity: None,
        day: None,
        all: false,
        format: ReportFormat::Csv,
    };
    let explained = execute(Command::Explain(explain)).unwrap();
    assert!(explained.contains("fin/cur/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet"), "{explained}");
    let doctor = Doctor { export: Some(copy.export.clone()), ledger: None, format: DoctorFormat::Table, now: None };
    let found = execute(Command::Doctor(doctor)).unwrap();
    assert!(found.contains("fin/cur/e 2026-11") && !found.contains("PROBLEM"), "{found}");
}
