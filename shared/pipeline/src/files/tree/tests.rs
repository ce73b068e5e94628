use std::fmt::Write as _;

use spend_core::errors::fault::Fault as _;
use spend_ledger::store::memory::MemoryStore;

use super::*;

const DATA: &str = "BILLING_PERIOD=2026-11/e-00001.snappy.parquet";
const MANIFEST: &str = "metadata/BILLING_PERIOD=2026-11/e-Manifest.json";

fn bucket(keys: &[&str]) -> MemoryStore {
    let store = MemoryStore::default();
    for key in keys {
        let listed = r#"{"exportName":"e","dataFiles":["s3://acme/fin/cur/e/data/BILLING_PERIOD=2026-11/x.parquet"]}"#;
        let text = if key.ends_with("Manifest.json") { listed } else { "" };
        store.overwrite(key, Bytes::from_static(text.as_bytes())).unwrap();
    }
    store
}

async fn opened(keys: &[&str], folder: &str) -> Result<Tree<MemoryStore>, TreeError> {
    Tree::open(bucket(keys), "./copy", Some(folder)).await
}

#[tokio::test]
async fn a_tree_cut_off_anywhere_has_the_keys_of_the_bucket() {
    for (keys, folder, shown) in [
        (vec!["fin/cur/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet"], "copy", "fin/cur/e"),
        (vec![&format!("data/{DATA}"), MANIFEST], "e", "fin/cur/e"),
        (vec![&format!("data/{DATA}")], "anything", "e"),
        (vec![DATA, "README.md"], "data", "e"),
        (vec!["e-00001.snappy.parquet", ".DS_Store"], "BILLING_PERIOD=2026-11", "e"),
        (vec!["e-00001.csv.gz"], "BILLING_PERIOD%3D2026-11", "e"),
        (vec!["2026-11-02T13:15:05Z-1a/e-00001.snappy.parquet"], "BILLING_PERIOD=2026-11", "e"),
    ] {
        let tree = opened(&keys, folder).await.unwrap();
        let listed = tree.list("").await.unwrap();
        let key = listed.iter().map(|object| &object.key).find(|key| layout::is_data_file(key)).unwrap();
        let ObjectKind::Chunk { export, period, .. } = layout::classify_key(key) else { panic!("{key}") };
        assert_eq!((export.to_string().as_str(), period.to_string().as_str()), (shown, "2026-11"), "{keys:?}");
        let head = tree.head(key).await.unwrap().unwrap();
        assert_eq!(head.key, *key);
        assert_eq!(tree.get_range(key, 0..0, &head.etag).await.unwrap(), Bytes::new());
        assert_eq!(tree.list("fin").await.unwrap().is_empty(), !shown.starts_with("fin"));
        assert_eq!(tree.list(key).await.unwrap().len(), 1);
        assert_eq!(tree.put_if_absent(key, Bytes::new()).await.unwrap_err().kind(), "store.read_only");
    }
    let tree = opened(&[&format!("data/{DATA}"), MANIFEST], "e").await.unwrap();
    for elsewhere in [&format!("data/{DATA}"), "other/x"] {
        assert_eq!(tree.get(elsewhere).await.unwrap(), None);
        assert_eq!(tree.head(elsewhere).await.unwrap(), None);
        assert!(tree.get_range(elsewhere, 0..0, &ETag(String::new())).await.is_err());
    }
}

#[tokio::test]
async fn what_is_no_export_is_refused_with_what_to_pass() {
    let layout = "point --export at what the bucket holds below its root, so that it has \
                  [PREFIX/]EXPORT/data/BILLING_PERIOD=YYYY-MM/…; at the export's own folder; or at one folder \
                  BILLING_PERIOD=YYYY-MM of data files";
    let none = "no delivery of a CUR 2.0 export below ./copy";
    let above = "pass the folder above the export's own, so that it has EXPORT/data/BILLING_PERIOD=YYYY-MM/…";
    let mut said = String::new();
    for (keys, folder, kind) in [
        (vec![], "x", "export.no_delivery"),
        (vec!["README.md"], "x", "export.no_delivery"),
        (vec!["e/BILLING_PERIOD=2026-11/e-00001.parquet"], "x", "export.no_delivery"),
        (vec!["cur/20261101-20261201/cur-Manifest.json"], "x", "export.legacy_report"),
        (vec!["cur/cur/year=2026/month=11/cur-00001.snappy.parquet"], "x", "export.legacy_report"),
        (vec!["e-00001.snappy.parquet"], "november", "export.no_period"),
        (
            vec!["data/BILLING_PERIOD=2026-11/a-00001.parquet", "data/BILLING_PERIOD=2026-11/b-00001.parquet"],
            "x",
            "export.no_name",
        ),
        (vec!["part-00000-1a.c000.snappy.parquet"], "BILLING_PERIOD=2026-11", "export.no_name"),
    ] {
        let error = opened(&keys, folder).await.unwrap_err();
        assert_eq!((error.kind(), error.class()), (kind, Class::Operator), "{keys:?}");
        writeln!(said, "{error}").unwrap();
    }
    let legacy = "which never names the caller: create a CUR 2.0 export with IAM principal data \
                  (INCLUDE_IAM_PRINCIPAL_DATA) in AWS Data Exports, and copy that";
    let expected = [
        format!("{none} (it is empty): {layout}"),
        format!("{none}: {layout}"),
        format!("{none} (pass ./copy/e/BILLING_PERIOD=2026-11 if that holds its data files): {layout}"),
        format!("./copy holds a legacy Cost and Usage Report (cur/20261101-20261201/cur-Manifest.json), {legacy}"),
        format!(
            "./copy holds a legacy Cost and Usage Report (cur/cur/year=2026/month=11/cur-00001.snappy.parquet), \
             {legacy}"
        ),
        "./copy holds data files such as e-00001.snappy.parquet, but its name does not say of which month they are: \
         pass the folder BILLING_PERIOD=YYYY-MM that they lie in, or the export's folder, which has data/ in it"
            .to_owned(),
        format!("./copy does not tell the name of its export (its files are of a and of b): {above}"),
        format!(
            "./copy does not tell the name of its export (no manifest says it, and no data file is named \
             EXPORT-00001.…): {above}"
        ),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_manifest_that_is_too_large_to_be_read_does_not_name_the_export() {
    let keys = [&format!("data/{DATA}"), "metadata/BILLING_PERIOD=2026-11/e-Manifest.json"];
    for (length, shown) in [(manifest::SIZE_LIMIT, "fin/cur/e"), (manifest::SIZE_LIMIT + 1, "e")] {
        let store = bucket(&keys);
        let (bytes, _) = store.get(MANIFEST).await.unwrap().unwrap();
        let mut bytes = bytes.to_vec();
        bytes.resize(usize::try_from(length).unwrap(), b' ');
        store.overwrite(MANIFEST, bytes.into()).unwrap();
        let tree = Tree::open(store, "./copy", Some("e")).await.unwrap();
        let listed = tree.list("").await.unwrap();
        assert!(listed.iter().all(|object| object.key.starts_with(&format!("{shown}/"))), "{listed:?}");
    }
}
