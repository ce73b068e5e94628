use proptest::prelude::*;
use serde_json::{Value, json};
use spend_core::errors::fault::Fault as _;

use super::*;

const KEY: &str = "fin/cur/e/metadata/BILLING_PERIOD=2026-11/e-Manifest.json";
const DATA: &str = "fin/cur/e/data/BILLING_PERIOD=2026-11";
const FOLDER: &str = "2026-11-02T13:15:05.826Z-6d4f0a3c";

fn parse_at(key: &str, bucket: Option<&str>, json: &Value) -> Result<Manifest, CurError> {
    parse_manifest(key, bucket, json.to_string().as_bytes())
}

fn chunks(entries: &Value) -> Vec<String> {
    parse_at(KEY, Some("acme"), &json!({ "dataFiles": entries })).unwrap().chunks
}

/// What refusing these entries says, without the manifest's key and the cure.
fn refused(bucket: Option<&str>, entries: &Value) -> String {
    let error = parse_at(KEY, bucket, &json!({ "dataFiles": entries })).unwrap_err();
    assert_eq!(error.kind(), "export.manifest_scope", "{error}");
    let cure = "a manifest may only list the data files of its own export and billing period; copy whole export \
                folders, or remove the manifest";
    let text = error.to_string();
    text.strip_prefix(&format!("{KEY}: lists ")).unwrap().strip_suffix(&format!(": {cure}")).unwrap().to_owned()
}

#[test]
fn a_manifest_as_aws_writes_it_is_read() {
    let keys = [format!("{DATA}/e-00001.snappy.parquet"), format!("{DATA}/e-00002.snappy.parquet")];
    let period = "2026-11".parse().unwrap();
    let bytes = crate::write::manifest("arn", "e", Some("1111-aaaa"), &["tags"], "acme", &keys, period);
    let expected = Manifest {
        export: ExportPath { prefix: "fin/cur".to_owned(), name: "e".to_owned() },
        period,
        execution_id: Some("1111-aaaa".to_owned()),
        bucket: Some("acme".to_owned()),
        folder: None,
        chunks: keys.to_vec(),
    };
    for bucket in [Some("acme"), None] {
        assert_eq!(parse_manifest(KEY, bucket, &bytes).unwrap(), expected);
    }
    let marked = [&b"\xef\xbb\xbf"[..], &bytes].concat();
    assert_eq!(parse_manifest(KEY, None, &marked).unwrap(), expected, "a byte order mark is no part of it");
}

#[test]
fn entries_are_read_in_every_shape_that_was_met() {
    let whole = format!("{DATA}/e-00001.snappy.parquet");
    let uri = format!("s3://acme/{whole}");
    for entry in [
        json!(uri),
        json!(whole),
        json!(format!("/{whole}")),
        json!("e-00001.snappy.parquet"),
        json!("BILLING_PERIOD=2026-11/e-00001.snappy.parquet"),
        json!("data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet"),
        json!(uri.replace('=', "%3D")),
        json!({ "s3Uri": uri }),
        json!({ "key": whole, "size": 7 }),
        json!({ "s3Key": whole }),
        json!({ "relativePath": "e-00001.snappy.parquet" }),
        json!({ "url": format!("https://acme.s3.us-east-1.amazonaws.com/{whole}") }),
        json!({ "url": format!("https://s3.amazonaws.com/acme/{}", whole.replace('=', "%3D")) }),
    ] {
        assert_eq!(chunks(&json!([entry])), [whole.as_str()], "{entry}");
    }
    let legacy = parse_at(KEY, None, &json!({ "reportKeys": [whole], "dataFiles": [] })).unwrap();
    assert_eq!((legacy.chunks, legacy.execution_id, legacy.bucket), (vec![whole], None, None));
}

#[test]
fn files_keep_their_order_and_are_listed_once() {
    let listed = json!(["b.parquet", "a.parquet", format!("s3://acme/{DATA}/b.parquet")]);
    assert_eq!(chunks(&listed), [format!("{DATA}/b.parquet"), format!("{DATA}/a.parquet")]);
}

#[test]
fn files_are_spelled_as_the_manifests_own_key() {
    let listed = json!({ "dataFiles": [format!("s3://acme/{DATA}/{FOLDER}/x.parquet")] });
    let escaped = KEY.replace('=', "%3D");
    let manifest = parse_at(&escaped, None, &listed).unwrap();
    let key = format!("fin/cur/e/data/BILLING_PERIOD%3D2026-11/{}/x.parquet", FOLDER.replace(':', "%3A"));
    assert_eq!(manifest.chunks, [key]);
    let plain = json!({ "dataFiles": [format!("s3://acme/{DATA}/x.parquet").replace('=', "%3D")] });
    assert_eq!(parse_at(KEY, None, &plain).unwrap().chunks, [format!("{DATA}/x.parquet")]);
}

#[test]
fn both_copies_of_a_manifest_list_the_files_of_one_folder() {
    let listed = json!({ "dataFiles": [format!("s3://acme/{DATA}/{FOLDER}/a.parquet")] });
    let inner = KEY.replace("/e-Man", &format!("/{FOLDER}/e-Man"));
    for key in [KEY, &inner] {
        let manifest = parse_at(key, Some("acme"), &listed).unwrap();
        assert_eq!(manifest.folder.as_deref(), Some(FOLDER));
        assert_eq!(manifest.chunks, [format!("{DATA}/{FOLDER}/a.parquet")]);
    }
    let bare = parse_at(&inner, None, &json!({ "dataFiles": ["a.parquet"] })).unwrap();
    assert_eq!(bare.chunks, [format!("{DATA}/{FOLDER}/a.parquet")]);

    for (key, entries) in [
        (KEY, json!([format!("{DATA}/{FOLDER}/a.parquet"), format!("{DATA}/2026-11-03T00:00:00Z-2/a.parquet")])),
        (KEY, json!([format!("{DATA}/{FOLDER}/a.parquet"), format!("{DATA}/a.parquet")])),
        (KEY, json!([format!("{DATA}/a.parquet"), format!("{DATA}/{FOLDER}/a.parquet")])),
        (&inner, json!([format!("{DATA}/a.parquet")])),
    ] {
        let error = parse_at(key, None, &json!({ "dataFiles": entries })).unwrap_err();
        assert!(error.to_string().contains("not in the folder of the delivery's other files"), "{error}");
    }
}

#[test]
fn a_file_of_anything_else_is_refused() {
    let elsewhere = format!("which is no data file in {DATA}/");
    for entry in [
        "s3://acme/fin/cur/other/data/BILLING_PERIOD=2026-11/x.parquet",
        "s3://acme/cur/e/data/BILLING_PERIOD=2026-11/x.parquet",
        "s3://acme/x/fin/cur/e/data/BILLING_PERIOD=2026-11/x.parquet",
        "s3://acme/fin/cur/e/data/BILLING_PERIOD=2026-10/x.parquet",
        "s3://acme/fin/cur/e/metadata/BILLING_PERIOD=2026-11/x.parquet",
        "s3://acme/fin/cur/e/data/BILLING_PERIOD=2026-11/x.sql",
        "s3://acme/fin/cur/e/data/BILLING_PERIOD=2026-11/sub/x.parquet",
        "BILLING_PERIOD=2026-10/x.parquet",
        "passwd",
        "/etc/passwd",
    ] {
        assert_eq!(refused(Some("acme"), &json!([entry])), format!("{entry:?}, {elsewhere}"));
    }
    for entry in [
        "../../../other/data/BILLING_PERIOD=2026-11/x.parquet",
        "s3://acme/fin/cur/e/data/../data/BILLING_PERIOD=2026-11/x.parquet",
        "s3://acme/fin/cur/e/data/%2E%2E/data/BILLING_PERIOD=2026-11/x.parquet",
    ] {
        assert_eq!(refused(Some("acme"), &json!([entry])), format!("{entry:?}, whose key has a `..` in it"));
    }
}

#[test]
fn a_file_of_another_bucket_is_refused() {
    let (own, foreign) = (format!("s3://acme/{DATA}/a.parquet"), format!("s3://evil/{DATA}/b.parquet"));
    let said = format!("{foreign:?}, which is in the bucket evil, not in acme");
    let hint = "(if acme is a replica or a copy of it, set copied = true in [export] of config/ledger.toml)";
    assert_eq!(refused(Some("acme"), &json!([foreign])), format!("{said} {hint}"));
    assert_eq!(refused(None, &json!([own, foreign])), said, "entries must agree");
    assert!(parse_at(KEY, None, &json!({ "dataFiles": [foreign, "a.parquet"] })).is_ok());
    for (entry, said) in [
        ("https://example.com/a.parquet", "and example.com is not S3"),
        ("ftp://acme/a.parquet", "and ftp:// is not S3"),
        ("s3://acme", "which names no file"),
    ] {
        assert_eq!(refused(None, &json!([entry])), format!("{entry:?}, {said}"));
    }
}

#[test]
fn what_is_no_manifest_is_refused_with_the_reason() {
    for (key, text, reason) in [
        (KEY, "{", "not JSON: EOF while parsing an object at line 1 column 1"),
        (KEY, "", "not JSON: EOF while parsing a value at line 1 column 0"),
        (KEY, "[]", "it lists no files (neither dataFiles nor reportKeys has any)"),
        (KEY, r#"{"executionId":"1"}"#, "it lists no files (neither dataFiles nor reportKeys has any)"),
        (KEY, r#"{"dataFiles":[]}"#, "it lists no files (neither dataFiles nor reportKeys has any)"),
        (KEY, r#"{"dataFiles":"x"}"#, "it lists no files (neither dataFiles nor reportKeys has any)"),
        (KEY, r#"{"dataFiles":[{"size":1}]}"#, "entry 1 of its list names no file"),
        (KEY, r#"{"dataFiles":[""]}"#, "entry 1 of its list names no file"),
        (
            "fin/cur/e/data/BILLING_PERIOD=2026-11/a.parquet",
            "{}",
            "its key is not [PREFIX/]EXPORT/metadata/BILLING_PERIOD=YYYY-MM/…Manifest.json",
        ),
    ] {
        let error = parse_manifest(key, None, text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), "export.manifest_shape");
        let cure = "refresh the export, or remove the manifest";
        assert_eq!(error.to_string(), format!("{key}: not a usable manifest: {reason}: {cure}"));
    }
}

#[test]
fn a_copys_manifest_stands_for_the_files_at_the_same_place_below_it() {
    let listed = json!({ "exportName": "e", "dataFiles": [format!("s3://acme/{DATA}/{FOLDER}/e-00001.parquet")] });
    let bytes = listed.to_string();
    for root in ["e", "backup/fin/cur/e", "renamed", "cur/e"] {
        let key = format!("{root}/metadata/BILLING_PERIOD=2026-11/e-Manifest.json");
        let found = parse_copied_manifest(&key, bytes.as_bytes()).unwrap();
        assert_eq!(found.chunks, [format!("{root}/data/BILLING_PERIOD=2026-11/{FOLDER}/e-00001.parquet")]);
        assert_eq!(found.folder.as_deref(), Some(FOLDER));
        let strict = parse_manifest(&key, None, bytes.as_bytes()).unwrap_err();
        assert_eq!(strict.kind(), "export.manifest_scope", "only a copy may lie elsewhere");
    }
    let slashed = bytes.replace("acme/fin", "acme//fin");
    let key = "fin/cur/e/metadata/BILLING_PERIOD%3D2026-11/e-Manifest.json";
    let found = parse_copied_manifest(key, slashed.as_bytes()).unwrap();
    let folder = FOLDER.replace(':', "%3A");
    assert_eq!(found.chunks, [format!("fin/cur/e/data/BILLING_PERIOD%3D2026-11/{folder}/e-00001.parquet")]);
}

#[test]
fn a_copys_manifest_may_list_no_other_export_or_period_either() {
    let key = "backup/e/metadata/BILLING_PERIOD=2026-11/e-Manifest.json";
    for entries in [
        json!(["s3://acme/fin/other/data/BILLING_PERIOD=2026-11/e-00001.parquet"]),
        json!(["s3://acme/fin/e/data/BILLING_PERIOD=2026-10/e-00001.parquet"]),
        json!(["s3://acme/fin/e/metadata/BILLING_PERIOD=2026-11/e-00001.parquet"]),
        json!([
            "s3://acme/fin/e/data/BILLING_PERIOD=2026-11/e-00001.parquet",
            "s3://acme/cur/e/data/BILLING_PERIOD=2026-11/e-00002.parquet"
        ]),
    ] {
        let error = parse_copied_manifest(key, json!({ "dataFiles": entries }).to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind(), "export.manifest_scope");
        assert!(
            error.to_string().contains("which is no data file in backup/e/data/BILLING_PERIOD=2026-11/"),
            "{error}"
        );
    }
}

#[test]
fn a_manifest_tells_where_its_export_lay() {
    for (json, found) in [
        (json!({ "dataFiles": [format!("s3://acme/{DATA}/e-00001.parquet")] }), Some("fin/cur/e")),
        (json!({ "dataFiles": [format!("s3://acme//{DATA}/e-00001.parquet")] }), Some("/fin/cur/e")),
        (json!({ "dataFiles": [format!("s3://acme/{DATA}/e-00001.parquet").replace('=', "%3D")] }), Some("fin/cur/e")),
        (json!({ "dataFiles": ["e-00001.parquet"], "exportName": "named" }), Some("named")),
        (json!({ "dataFiles": ["e-00001.parquet"], "exportName": "../x" }), None),
        (json!({ "dataFiles": ["e-00001.parquet"] }), None),
        (json!([]), None),
    ] {
        assert_eq!(origin(json.to_string().as_bytes()).map(|path| path.to_string()).as_deref(), found, "{json}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = (parse_manifest(KEY, None, &bytes), parse_copied_manifest(KEY, &bytes), origin(&bytes));
    }

    #[test]
    fn whatever_is_listed_stays_in_the_exports_own_folder(
        entry in "(s3://acme/|https://acme\\.s3\\.amazonaws\\.com/|/)?(fin/cur/e/|data/|\\.\\./|%2e%2e/|x/)*\
                  (BILLING_PERIOD(=|%3D)2026-1[01]/)?(2026-id/|[.]{1,2}/)?[a-z%]{0,3}(\\.parquet)?",
    ) {
        if let Ok(manifest) = parse_at(KEY, Some("acme"), &json!({ "dataFiles": [entry] })) {
            for chunk in manifest.chunks {
                let rest = chunk.strip_prefix(&format!("{DATA}/")).unwrap();
                prop_assert!(!rest.contains("..") && rest.matches('/').count() <= 1, "{}", chunk);
            }
        }
    }
}

#[test]
fn a_manifest_is_not_read_at_any_size() {
    assert!(check_size(KEY, SIZE_LIMIT).is_ok());
    let error = check_size(KEY, SIZE_LIMIT + 1).unwrap_err();
    assert_eq!(error.kind(), "export.manifest_size");
    assert_eq!(
        error.to_string(),
        format!(
            "{KEY}: has 8388609 bytes, and a manifest of more than 8388608 is not read: refresh the export, or \
             remove what was put in the manifest's place"
        )
    );
}

#[test]
fn a_manifest_lists_no_more_files_than_a_delivery_has() {
    let listing =
        |files: usize| json!({ "dataFiles": (0..files).map(|file| format!("{file}.parquet")).collect::<Vec<_>>() });
    assert_eq!(parse_at(KEY, None, &listing(MOST_FILES)).unwrap().chunks.len(), MOST_FILES);
    let error = parse_at(KEY, None, &listing(200_000)).unwrap_err();
    assert_eq!(error.kind(), "export.manifest_size");
    assert!(
        error.to_string().starts_with(&format!("{KEY}: lists 200000 files, and a delivery of more than 10000 is not")),
        "{error}"
    );
}

#[test]
fn what_a_manifest_lists_is_shown_short_and_clean() {
    let long = format!("x\u{1b}[2J{}", "y".repeat(4 << 20));
    for entry in
        [json!(format!("s3://acme/{long}")), json!(format!("{long}://acme/x")), json!({ "key": long, "x": long })]
    {
        let error = parse_at(KEY, Some("acme"), &json!({ "dataFiles": [entry] })).unwrap_err();
        assert_eq!(error.kind(), "export.manifest_scope");
        assert!(error.to_string().len() < 1_000 && !error.to_string().contains('\u{1b}'), "{error}");
    }
    let error = parse_at(KEY, Some("acme"), &json!({ "dataFiles": [{ long: 1 }] })).unwrap_err();
    assert!(error.to_string().len() < 500, "{error}");
}

#[test]
fn the_last_of_two_equal_fields_counts_and_other_fields_may_be_anything() {
    let text = format!(
        r#"{{"dataFiles":7,"x":[{{"y":[[]]}}],"dataFiles":[{{"s3Uri":1,"key":"{DATA}/a.parquet","z":null}}],"executionId":"1",
            "executionId":"2","exportName":{{}}}}"#
    );
    let manifest = parse_manifest(KEY, None, text.as_bytes()).unwrap();
    assert_eq!((manifest.chunks, manifest.execution_id.as_deref()), (vec![format!("{DATA}/a.parquet")], Some("2")));
}
