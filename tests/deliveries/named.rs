//! Ledgers whose deliveries name the versions of large files as the release before did, by their SHA-256.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::bucket::{Files, Layout, period};
use bedrock_ledger::cli::{Command, Explain, ReportFormat, Run};
use bytes::Bytes;
use chrono::DateTime;
use sha2::{Digest, Sha256};
use spend_cur::write::{self, FileShape};
use spend_ledger::state::commit::{DeliveryOrder, OrderSource};
use spend_ledger::state::delivery::{PinnedChunk, SealedDelivery};
use spend_ledger::state::document::encode;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::ETag;

use super::copy::{Copy, execute, total};
use super::{row, session, usd};

/// Rows that sum to `cost`, in two files that are large for what their writer says of itself.
fn large(cost: f64) -> Vec<Bytes> {
    let shape = FileShape { created_by: "parquet-mr ".repeat(120_000), ..FileShape::default() };
    let of = |(role, cost)| Bytes::from(write::parquet(&[row(role, cost)], &shape).unwrap());
    [("app", 0.25), ("job", cost - 0.25)].map(of).into()
}

/// How the release before named the version of a file.
fn named(bytes: &Bytes) -> ETag {
    let digest = Sha256::digest(bytes);
    let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
    ETag(digest.iter().take(16).fold(String::new(), hex))
}

/// A tree and the ledger that the release before made of it: a delivery of another export has the same files by their
/// old names while the ledger is made.
fn of_the_release_before(files: &Files) -> Copy {
    let copy = Copy::of(files);
    let at = DateTime::UNIX_EPOCH;
    let pinned = |(key, bytes): &(String, Bytes)| PinnedChunk {
        key: key.clone(),
        etag: named(bytes),
        size: bytes.len() as u64,
        last_modified: at,
    };
    let sealed = SealedDelivery {
        export_id: "other".to_owned(),
        period: period(),
        delivery_id: "1".to_owned(),
        execution: "1".to_owned(),
        order: DeliveryOrder { source: OrderSource::Folder, at },
        manifest: String::new(),
        unverified: false,
        chunks: files.iter().map(pinned).collect(),
        earlier: Vec::new(),
        replaces: Vec::new(),
    };
    let statement = Statement { export_id: "other".to_owned(), period: period() };
    let path = copy.ledger.join(statement.sealed_key("1"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, encode(&sealed).unwrap()).unwrap();
    fs::write(copy.export.with_file_name("ledger.toml"), "[[budget]]\nname = \"all\"\namount = \"2\"\n").unwrap();
    run(&copy);
    fs::remove_dir_all(copy.ledger.join("deliveries/export=other")).unwrap();
    let pins = pins(&copy);
    assert!(pins.contains(&named(&files[0].1).0) && !pins.contains("xxh3-"), "{pins}");
    assert_eq!(copy.history().len(), 1);
    copy
}

/// Runs with a budget that is crossed.
fn run(copy: &Copy) {
    let (export, ledger) = (copy.export.clone(), copy.ledger.clone());
    let config = Some(copy.export.with_file_name("ledger.toml"));
    let now = Some("2026-11-20T06:00:00Z".parse().unwrap());
    execute(Command::Run(Run { export, ledger, config, now })).unwrap();
}

/// Every file of the ledger but the store's own.
fn contents(copy: &Copy) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                found.insert(path.to_string_lossy().into_owned(), fs::read(&path).unwrap());
            } else if !path.ends_with(".store") {
                walk(&path, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&copy.ledger, &mut found);
    found
}

/// All that is pinned, as text.
fn pins(copy: &Copy) -> String {
    let sealed = contents(copy).into_iter().filter(|(path, _)| path.ends_with("sealed.json"));
    sealed.map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
}

fn without_manifest() -> Layout {
    Layout { has_manifest: false, ..Layout::default() }
}

#[test]
fn a_ledger_with_versions_by_their_old_names_goes_on_unchanged() {
    for layout in [Layout::default(), Layout { execution_id: None, ..Layout::default() }, without_manifest()] {
        let copy = of_the_release_before(&layout.files(large(5.0)));
        let before = contents(&copy);
        let messages = before.iter().find(|(path, _)| path.ends_with("messages.jsonl")).unwrap().1;
        assert!(String::from_utf8_lossy(messages).contains("\"kind\":\"budget\""), "an alert could be told again");
        run(&copy);
        assert!(contents(&copy) == before, "{layout:?}: {:?}", contents(&copy).keys());
        let notes = copy.run().unwrap();
        assert!(!notes.contains("WARNING"), "{layout:?}: {notes}");
    }
}

#[test]
fn a_file_that_was_replaced_has_a_new_name_and_the_others_keep_theirs() {
    let copy = of_the_release_before(&without_manifest().files(large(5.0)));
    let later = without_manifest().files(large(6.0));
    copy.add(&later);
    run(&copy);
    assert_eq!(total(&copy.states()[0].1), usd("6"));
    assert_eq!(copy.history().len(), 2);
    let pins = pins(&copy);
    assert_eq!(pins.matches(&named(&later[0].1).0).count(), 2, "the file that both deliveries have: {pins}");
    assert_eq!(pins.matches("xxh3-").count(), 1, "{pins}");
}

#[test]
fn a_number_of_an_old_delivery_is_explained() {
    let copy = of_the_release_before(&Layout::default().files(large(5.0)));
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
    assert!(explained.contains("e-00001.snappy.parquet"), "{explained}");
}
