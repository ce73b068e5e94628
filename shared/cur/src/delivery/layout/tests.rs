use proptest::prelude::*;

use super::*;

fn november() -> BillingPeriod {
    "2026-11".parse().unwrap()
}

fn export(prefix: &str, name: &str) -> ExportPath {
    ExportPath { prefix: prefix.to_owned(), name: name.to_owned() }
}

fn chunk(prefix: &str, name: &str, folder: Option<&str>) -> ObjectKind {
    ObjectKind::Chunk { export: export(prefix, name), period: november(), folder: folder.map(str::to_owned) }
}

fn manifest(prefix: &str, name: &str, folder: Option<&str>) -> ObjectKind {
    ObjectKind::Manifest { export: export(prefix, name), period: november(), folder: folder.map(str::to_owned) }
}

#[test]
fn keys_of_deliveries_are_recognised() {
    let folder = "2026-11-02T13:15:05.826Z-6d4f0a3c-0000-4000-8000-1c2d3e4f5a6b";
    for (key, kind) in [
        ("e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet", chunk("", "e", None)),
        ("a/b c/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet", chunk("a/b c", "e", None)),
        ("/a/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet", chunk("/a", "e", None)),
        ("/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet", chunk("/", "e", None)),
        ("a/e/data/BILLING_PERIOD%3D2026-11/e-00001.snappy.parquet", chunk("a", "e", None)),
        ("a/e/data/BILLING_PERIOD%3d2026-11/e-00001.snappy.parquet", chunk("a", "e", None)),
        ("a/e/data/BILLING_PERIOD=2026-11/e-00001.csv.gz", chunk("a", "e", None)),
        ("a/e/metadata/BILLING_PERIOD=2026-11/e-Manifest.json", manifest("a", "e", None)),
        ("a/e/metadata/BILLING_PERIOD%3D2026-11/Manifest.json", manifest("a", "e", None)),
        ("data/data/BILLING_PERIOD=2026-11/x.parquet", chunk("", "data", None)),
        (&format!("a/e/data/BILLING_PERIOD=2026-11/{folder}/e-00001.snappy.parquet"), chunk("a", "e", Some(folder))),
        (&format!("a/e/metadata/BILLING_PERIOD=2026-11/{folder}/e-Manifest.json"), manifest("a", "e", Some(folder))),
    ] {
        assert_eq!(classify_key(key), kind, "{key}");
    }
}

#[test]
fn everything_else_is_a_stranger_with_a_reason() {
    for (key, said) in [
        ("", "it is in no BILLING_PERIOD folder"),
        ("aws-programmatic-access-test-object", "it is in no BILLING_PERIOD folder"),
        ("a/e/data/BILLING_PERIOD=2026-11", "it is in no BILLING_PERIOD folder"),
        ("a/e/data/BILLING_PERIOD=2026-11/", "it is a folder"),
        ("a/e/data/BILLING_PERIOD=2026-13/x.parquet", "its BILLING_PERIOD is not a month such as 2026-11"),
        ("a/e/data/BILLING_PERIODS=2026-11/x.parquet", "its BILLING_PERIOD is not a month such as 2026-11"),
        ("a/e/stuff/BILLING_PERIOD=2026-11/x.parquet", "its folder is neither data nor metadata"),
        ("data/BILLING_PERIOD=2026-11/x.parquet", "it is in no export's folder"),
        ("/data/BILLING_PERIOD=2026-11/x.parquet", "its export has no name"),
        ("a/e/data/BILLING_PERIOD=2026-11/README.md", "it is in a data folder, but no data file"),
        ("a/e/data/BILLING_PERIOD=2026-11/_SUCCESS", "it is another program's file"),
        ("a/e/data/BILLING_PERIOD=2026-11/.x.parquet.crc", "it is another program's file"),
        ("a/e/data/BILLING_PERIOD=2026-11/._e-00001.snappy.parquet", "it is another program's file"),
        ("a/e/metadata/BILLING_PERIOD=2026-11/._e-Manifest.json", "it is another program's file"),
        ("a/e/metadata/BILLING_PERIOD=2026-11/e-RedshiftManifest.json", "it is metadata, but no manifest"),
        ("a/e/data/BILLING_PERIOD=2026-11/_temporary/x.parquet", "it is in a folder that is no delivery's"),
        ("a/e/data/BILLING_PERIOD=2026-11/2026-11-02-id/deep/x.parquet", "it is in a folder that is no delivery's"),
        ("a/e/metadata/BILLING_PERIOD=2026-11/create-table.sql", "it is metadata, but no manifest"),
        ("a/../e/data/BILLING_PERIOD=2026-11/x.parquet", "its key has a `..` in it"),
    ] {
        assert_eq!(classify_key(key), ObjectKind::Ignored { reason: said }, "{key}");
    }
}

#[test]
fn data_files_are_numbered_behind_their_exports_name() {
    for (file, found) in [
        ("e-00001.snappy.parquet", Some(("e", 1))),
        ("my-cur.2026-00012.csv.gz", Some(("my-cur.2026", 12))),
        ("a-00001-b-00002.parquet", Some(("a-00001-b", 2))),
        ("e-100000.snappy.parquet", Some(("e", 100_000))),
        ("part-00000-1c2d.c000.snappy.parquet", None),
        ("e-1.parquet", None),
        ("-00001.parquet", None),
        ("e-99999999999.parquet", None),
    ] {
        assert_eq!(numbered(file), found, "{file}");
    }
}

#[test]
fn an_export_without_prefix_is_called_by_its_name() {
    assert_eq!(export("", "bedrock-by-caller").export_id(), "bedrock-by-caller");
    // A folder at the root that is called like another export's id is another export.
    let pretender = export("", "bedrock-by-caller--cf527689").export_id();
    assert!(pretender.starts_with("bedrock-by-caller--cf527689--") && pretender.len() == 37, "{pretender}");
}

#[test]
fn equal_names_under_different_prefixes_have_different_ids() {
    // printf 'finance/cur/bedrock-by-caller' | sha256sum
    assert_eq!(export("finance/cur", "bedrock-by-caller").export_id(), "bedrock-by-caller--cf527689");
    assert_eq!(export("/finance/cur", "bedrock-by-caller").export_id(), "bedrock-by-caller--f939c66d");
}

#[test]
fn prefixes_lead_to_the_objects() {
    let found = export("finance/cur", "e");
    assert_eq!(found.data_prefix(november()), "finance/cur/e/data/BILLING_PERIOD=2026-11/");
    assert_eq!(found.metadata_prefix(november()), "finance/cur/e/metadata/BILLING_PERIOD=2026-11/");
    assert_eq!(export("", "e").data_prefix(november()), "e/data/BILLING_PERIOD=2026-11/");
}

proptest! {
    #[test]
    fn every_root_reads_back(root in "[a-z/]{0,8}[a-z]") {
        let key = format!("{root}/data/BILLING_PERIOD=2026-11/x.parquet");
        match classify_key(&key) {
            ObjectKind::Chunk { export, period, folder: None } => {
                prop_assert_eq!(export.to_string(), root);
                prop_assert!(key.starts_with(&export.data_prefix(period)));
            }
            kind => prop_assert!(false, "{:?}", kind),
        }
    }

    #[test]
    fn no_key_panics(key in "(.*/)?(data|metadata)?/BILLING_PERIOD(=|%3D)?.*") {
        let _ = classify_key(&key);
    }
}
