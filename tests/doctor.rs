//! Every finding of an export's examination: made by one thing that is wrong, and by nothing in a healthy export. The
//! whole messages stand in `doctor.txt`.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_cur::write::{self, FileShape, Row, Value};
use spend_ledger::memory_store::MemoryStore;
use spend_pipeline::examination::{self, Finding, Severity, Step};
use spend_tests::bill::{PAYER, session, usage};

const MODEL: &str = "USE1-Claude4.6Sonnet-input-tokens";
const EXPORT: &str = "finance/cur";

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A bucket with exports in it.
struct Tree {
    bucket: Arc<MemoryStore>,
    shape: FileShape,
    /// The account in the manifests' `exportArn`.
    account: &'static str,
    /// When what is written next is written.
    at: DateTime<Utc>,
}

impl Tree {
    fn empty() -> Self {
        let at = "2026-11-20T06:00:00Z".parse().unwrap();
        Self { bucket: Arc::default(), shape: FileShape::default(), account: PAYER, at }
    }

    fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.bucket.set_now(self.at);
        self.bucket.overwrite(key, bytes.into()).unwrap();
    }

    fn data(folder: &str, number: usize) -> String {
        format!("{EXPORT}/data/BILLING_PERIOD={folder}/cur-{number:05}.snappy.parquet")
    }

    /// One file of `rows`, and the manifest that lists it. `folder` is `2026-11`, or a delivery's below it.
    fn deliver(&self, folder: &str, rows: &[Row]) {
        let key = Self::data(folder, 1);
        self.put(&key, write::parquet(rows, &self.shape).unwrap());
        self.list(EXPORT, folder, &[key]);
    }

    fn list(&self, export: &str, folder: &str, keys: &[String]) {
        let period = folder.split('/').next().unwrap().parse().unwrap();
        let arn = format!("arn:aws:bcm-data-exports:us-east-1:{}:export/cur-0a1b", self.account);
        let manifest = write::manifest(&arn, "cur", Some("e-1"), &[], "acme", keys, period);
        self.put(&format!("{export}/metadata/BILLING_PERIOD={folder}/cur-Manifest.json"), manifest);
    }

    fn examine(&self) -> Vec<Finding> {
        self.examine_telling(&mut Vec::new())
    }

    fn examine_telling(&self, steps: &mut Vec<Step>) -> Vec<Finding> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let examined = examination::examine(&self.bucket, now(), |step| steps.push(step.clone()));
        runtime.block_on(examined).unwrap()
    }
}

/// Nineteen days of two people and a service in two accounts.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for day in 1..=19 {
        let day = format!("2026-11-{day:02}");
        rows.push(usage(&day, &session("AWSReservedSSO_Dev_0123456789abcdef", "dana@example.com"), MODEL, 3.0));
        rows.push(usage(&day, &session("app", "app-handler"), MODEL, 2.0));
        let mut row = usage(&day, "arn:aws:iam::777788889999:user/kim", MODEL, 1.0);
        row.insert("line_item_usage_account_id", "777788889999".into());
        rows.push(row);
    }
    rows
}

fn with(column: &'static str, value: impl Into<Value>) -> Vec<Row> {
    let (mut rows, value) = (rows(), value.into());
    for row in &mut rows {
        row.insert(column, value.clone());
    }
    rows
}

fn without(columns: &[&str], rows: &[Row]) -> Tree {
    let tree = Tree { shape: FileShape::default().without(columns), ..Tree::empty() };
    tree.deliver("2026-11", rows);
    tree
}

fn of(rows: &[Row]) -> Tree {
    let tree = Tree::empty();
    tree.deliver("2026-11", rows);
    tree
}

fn healthy() -> Tree {
    of(&rows())
}

/// The same file with a column called otherwise; the names are of one length.
fn renamed(tree: &Tree, rows: &[Row], from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let mut bytes = write::parquet(rows, &tree.shape).unwrap();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    let key = Tree::data("2026-11", 1);
    tree.put(&key, bytes);
    tree.list(EXPORT, "2026-11", &[key]);
}

fn legacy() -> Tree {
    let only_in_cur_2 = [
        "line_item_iam_principal",
        "product",
        "tags",
        "resource_tags",
        "cost_category",
        "discount",
        "bill_payer_account_name",
        "line_item_usage_account_name",
        "line_item_user_identifier",
    ];
    let tree = Tree { shape: FileShape::default().without(&only_in_cur_2), ..Tree::empty() };
    renamed(&tree, &rows(), "product_pricing_unit", "product_product_name");
    tree
}

/// A legacy report's file, copied without its folders.
fn legacy_alone() -> Tree {
    let (legacy, tree) = (legacy(), Tree::empty());
    tree.put("report-00001.snappy.parquet", bytes_of(&legacy, &Tree::data("2026-11", 1)));
    tree
}

fn bytes_of(tree: &Tree, key: &str) -> Bytes {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(spend_ledger::store::Store::get(&*tree.bucket, key)).unwrap().unwrap().0
}

fn with_costs_as_text() -> Tree {
    let tree = Tree { shape: FileShape::default().without(&["line_item_unblended_cost"]), ..Tree::empty() };
    renamed(&tree, &rows(), "line_item_unblended_rate", "line_item_unblended_cost");
    tree
}

fn focus() -> Tree {
    let required = [
        "line_item_unblended_cost",
        "line_item_line_item_type",
        "line_item_product_code",
        "line_item_usage_start_date",
        "line_item_currency_code",
    ];
    let tree = Tree { shape: FileShape::default().without(&required), ..Tree::empty() };
    renamed(&tree, &rows(), "bill_bill_type", "ChargeCategory");
    tree
}

fn as_text(bytes: Vec<u8>) -> Tree {
    let tree = Tree::empty();
    let key = format!("{EXPORT}/data/BILLING_PERIOD=2026-11/cur-00001.csv.gz");
    tree.put(&key, bytes);
    tree.list(EXPORT, "2026-11", &[key]);
    tree
}

/// `text` as gzip, stored as it is. Source: RFC 1951 (3.2.4) and RFC 1952.
fn gzip(text: &str) -> Vec<u8> {
    let crc = !text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let length = u16::try_from(text.len()).unwrap();
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend(length.to_le_bytes().into_iter().chain((!length).to_le_bytes()));
    bytes.extend(text.bytes().chain(crc.to_le_bytes()).chain(u32::from(length).to_le_bytes()));
    bytes
}

fn with_file(number: usize, bytes: &[u8]) -> Tree {
    let tree = healthy();
    let key = Tree::data("2026-11", number);
    tree.put(&key, bytes.to_vec());
    tree.list(EXPORT, "2026-11", &[Tree::data("2026-11", 1), key]);
    tree
}

fn cut_off() -> Tree {
    let bytes = write::parquet(&rows(), &FileShape::default()).unwrap();
    with_file(2, &bytes[..bytes.len() / 2])
}

fn with_manifest(manifest: &str) -> Tree {
    let tree = healthy();
    tree.put(&format!("{EXPORT}/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json"), manifest.to_owned());
    tree
}

fn without_manifest() -> Tree {
    let tree = healthy();
    tree.bucket.remove(&format!("{EXPORT}/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json"));
    tree
}

fn listing_more() -> Tree {
    let tree = healthy();
    tree.list(EXPORT, "2026-11", &[Tree::data("2026-11", 1), Tree::data("2026-11", 2)]);
    tree
}

fn without_files() -> Tree {
    let tree = healthy();
    tree.bucket.remove(&Tree::data("2026-11", 1));
    tree
}

fn with_unlisted_file() -> Tree {
    let tree = healthy();
    tree.put(&Tree::data("2026-11", 2), "what an older delivery left");
    tree
}

fn keeping_every_delivery(deliveries: usize) -> Tree {
    let mut tree = Tree::empty();
    for day in 1..=deliveries {
        tree.at = format!("2026-11-{:02}T06:00:00Z", 20 - deliveries + day).parse().unwrap();
        tree.deliver(&format!("2026-11/{}-e{day}", tree.at.format("%Y-%m-%dT%H:%M:%S%.3fZ")), &rows());
    }
    tree
}

fn delivered_before(hours: i64) -> Tree {
    let tree = Tree { at: now() - TimeDelta::hours(hours), ..Tree::empty() };
    tree.deliver("2026-11", &rows());
    tree
}

fn called_by(principal: impl Fn(usize, &Row) -> String) -> Tree {
    let mut rows = rows();
    for (index, row) in rows.iter_mut().enumerate() {
        row.insert("line_item_iam_principal", principal(index, row).into());
    }
    of(&rows)
}

fn tagged(tags: &[(&str, &str)]) -> Tree {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    of(&with("tags", Value::Map(tags)))
}

fn hardly_tagged() -> Tree {
    let mut rows = with("tags", Value::Map(vec![("costCategory/Env".to_owned(), "prod".to_owned())]));
    rows[0].insert("tags", Value::Map(vec![("iamPrincipal/team".to_owned(), "search".to_owned())]));
    of(&rows)
}

fn monthly() -> Tree {
    let mut rows = with("line_item_usage_start_date", "2026-11-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    for row in &mut rows {
        row.insert("line_item_usage_end_date", "2026-12-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().into());
    }
    of(&rows)
}

fn in_two_currencies() -> Tree {
    let mut rows = rows();
    rows[0].insert("line_item_currency_code", "CNY".into());
    of(&rows)
}

fn exported_twice() -> Tree {
    let tree = healthy();
    let key = "other/data/BILLING_PERIOD=2026-11/other-00001.snappy.parquet".to_owned();
    tree.put(&key, write::parquet(&rows(), &FileShape::default()).unwrap());
    tree.list("other", "2026-11", &[key]);
    tree
}

fn of_a_member() -> Tree {
    let tree = Tree { account: "444455556666", ..Tree::empty() };
    tree.deliver("2026-11", &rows());
    tree
}

fn of_one_account() -> Tree {
    let tree = Tree { account: "unknown", ..Tree::empty() };
    tree.deliver("2026-11", &with("line_item_usage_account_id", "444455556666"));
    tree
}

fn of_other_services() -> Tree {
    let mut rows = with("line_item_product_code", "AmazonEC2");
    for row in &mut rows {
        row.remove("line_item_iam_principal");
        row.insert("line_item_operation", "RunInstances".into());
    }
    of(&rows)
}

fn known_by_their_caller() -> Tree {
    let mut rows = rows();
    rows[0].insert("line_item_product_code", "AmazonEC2".into());
    rows[0].insert("line_item_operation", "RunInstances".into());
    of(&rows)
}

fn in_the_wrong_folder() -> Tree {
    of(&with("bill_billing_period_start_date", "2026-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()))
}

fn too_much_money() -> Tree {
    of(&with("line_item_unblended_cost", 9e19))
}

fn with_files_elsewhere(key: &str) -> Tree {
    let tree = Tree::empty();
    tree.put(key, "some bytes");
    tree
}

fn since_17_november(_: usize, row: &Row) -> String {
    let Some(Value::Time(start)) = row.get("line_item_usage_start_date") else { panic!("a row without its time") };
    if start.date_naive() < "2026-11-17".parse().unwrap() { String::new() } else { session("app", "app-handler") }
}

/// What is wrong, the finding that it makes, and how bad that is.
type Case = (&'static str, Tree, &'static str, Severity);

fn cases() -> Vec<Case> {
    use Severity::{Notice, Problem};
    let foreign = r#"{"dataFiles": ["s3://acme/other/data/BILLING_PERIOD=2026-11/x-00001.snappy.parquet"]}"#;
    let optional = ["line_item_resource_id", "pricing_unit", "product", "line_item_net_unblended_cost"];
    let caller = ["line_item_iam_principal"];
    let required = ["line_item_unblended_cost", "line_item_currency_code"];
    let gateway = |index: usize, _: &Row| session("llm-front", &format!("pod-{index}"));
    let generic = |index: usize, _: &Row| session(&format!("app-{}", index % 2), "botocore-session-1764000000");
    let shared = |index: usize, _: &Row| session(&format!("app-{}", index % 4), "worker");
    let seldom = |index: usize, _: &Row| if index < 4 { session("app", "app-handler") } else { String::new() };
    vec![
        ("a legacy report's columns", legacy(), "legacy-report", Problem),
        (
            "a legacy report's folders",
            with_files_elsewhere("cur/report/report/year=2026/month=11/report-00001.snappy.parquet"),
            "legacy-report",
            Problem,
        ),
        ("a legacy report's file alone", legacy_alone(), "legacy-report", Problem),
        ("a folder too deep", with_files_elsewhere("data/BILLING_PERIOD=2026-11/x.parquet"), "no-export", Problem),
        ("something else", with_files_elsewhere("notes.txt"), "no-export", Problem),
        ("a FOCUS export", focus(), "focus-export", Problem),
        ("text without a header", as_text(gzip("111122223333,Usage,0.5\n")), "csv-without-header", Problem),
        ("an encrypted file", with_file(2, b"PARE ... PARE"), "file-of-another-kind", Problem),
        ("an error page", with_file(2, b"<?xml version=\"1.0\"?><Error/>"), "file-of-another-kind", Problem),
        ("columns without which no cost counts", without(&required, &rows()), "required-columns-missing", Problem),
        ("costs as text", with_costs_as_text(), "column-of-wrong-type", Problem),
        ("a file cut off", cut_off(), "file-damaged", Problem),
        ("a file of another kind", with_file(2, b"not a chunk at all"), "file-of-another-kind", Problem),
        ("a file of another month", in_the_wrong_folder(), "file-in-wrong-period", Problem),
        (
            "a cost that is no number",
            of(&with("line_item_unblended_cost", f64::NAN)),
            "value-cannot-be-counted",
            Problem,
        ),
        ("too much money", too_much_money(), "sum-out-of-range", Problem),
        ("no manifest", without_manifest(), "manifest-missing", Notice),
        ("a manifest that is none", with_manifest("{"), "manifest-unreadable", Problem),
        ("a manifest with foreign files", with_manifest(foreign), "manifest-names-foreign-files", Problem),
        ("a manifest with a file too many", listing_more(), "manifest-names-missing-files", Problem),
        ("a manifest alone", without_files(), "manifest-without-files", Problem),
        ("a file too many", with_unlisted_file(), "files-no-manifest-names", Notice),
        ("five deliveries kept", keeping_every_delivery(5), "copies-pile-up", Notice),
        ("no delivery since the day before yesterday", delivered_before(37), "delivery-late", Notice),
        ("no delivery for two days", delivered_before(49), "delivery-late", Problem),
        ("no column for callers", without(&caller, &rows()), "principal-column-missing", Problem),
        ("no caller in it", called_by(|_, _| String::new()), "principals-missing", Problem),
        ("callers since the 17th", called_by(since_17_november), "principals-began-late", Notice),
        ("few callers", called_by(seldom), "attributed-share-low", Notice),
        ("no column for tags", without(&["tags"], &rows()), "tags-column-missing", Notice),
        ("no tags", tagged(&[]), "principal-tags-missing", Notice),
        ("no tags of callers", tagged(&[("costCategory/Env", "prod")]), "principal-tags-missing", Notice),
        ("few tags of callers", hardly_tagged(), "untagged-share-high", Notice),
        ("columns missing", without(&optional, &rows()), "columns-missing", Notice),
        ("a monthly export", monthly(), "granularity-monthly", Notice),
        ("two currencies", in_two_currencies(), "mixed-currencies", Notice),
        ("two exports of one payer", exported_twice(), "overlapping-exports", Notice),
        ("a member's export", of_a_member(), "member-account-export", Notice),
        ("perhaps a member's export", of_one_account(), "member-account-export", Notice),
        ("no Bedrock", of_other_services(), "no-bedrock-rows", Notice),
        ("a row known by its caller alone", known_by_their_caller(), "rows-by-principal-alone", Notice),
        ("a gateway", called_by(gateway), "gateway-suspected", Notice),
        ("sessions that a tool named", called_by(generic), "session-names-generic", Notice),
        ("one session name in many roles", called_by(shared), "session-name-shared", Notice),
    ]
}

#[test]
fn every_finding_has_its_cause_and_its_message() {
    let well: Vec<_> = healthy().examine();
    let mut found = String::new();
    for (cause, tree, id, severity) in cases() {
        let findings = tree.examine();
        let finding = findings.iter().find(|finding| finding.id == id && finding.severity != Severity::Ok);
        let finding = finding.unwrap_or_else(|| panic!("{cause}: no {id} in {findings:#?}"));
        assert_eq!(finding.severity, severity, "{cause}");
        let is_well = |id| well.iter().any(|finding| finding.id == id && finding.severity != Severity::Ok);
        assert!(!is_well(id), "{id} in a healthy export");
        for text in [&finding.what, &finding.why, &finding.cure, &finding.takes] {
            assert!(!text.is_empty(), "{cause}: {finding:?}");
        }
        let Finding { export, period, what, why, cure, takes, .. } = finding;
        let (export, period) = (export.as_deref().unwrap_or("-"), period.map_or("-".to_owned(), |it| it.to_string()));
        write!(
            found,
            "{cause}\n  {id} ({severity:?}) of {export} {period}\n  what: {what}\n  why: {why}\n  cure: {cure}\n  \
             takes: {takes}\n\n"
        )
        .unwrap();
    }
    assert_golden(&found);
}

fn assert_golden(found: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/doctor.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (found, expected) in found.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}

#[test]
fn a_healthy_export_has_only_what_is_well() {
    let findings = healthy().examine();
    let ids: Vec<_> = findings.iter().map(|finding| finding.id).collect();
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");
    let expected = [
        "delivery-age",
        "manifests",
        "rows",
        "columns",
        "columns-unread",
        "principals",
        "sessions",
        "tags",
        "granularity",
        "currency",
        "accounts",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn a_healthy_export_of_text_has_only_what_is_well() {
    let findings = as_text(write::csv_gz(&rows(), &FileShape::default()).unwrap()).examine();
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");
    let rows = findings.iter().find(|finding| finding.id == "rows").unwrap();
    assert_eq!(rows.what, "CUR 2.0: 57 rows in 1 file, 57 of Amazon Bedrock");
    let unread = findings.iter().find(|finding| finding.id == "columns-unread");
    assert_eq!(unread, None, "columns of text do not lie apart");
}

#[test]
fn the_newest_of_several_kept_deliveries_is_read() {
    let tree = keeping_every_delivery(2);
    let mut steps = Vec::new();
    let findings = tree.examine_telling(&mut steps);
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");
    let rows = findings.iter().find(|finding| finding.id == "rows").unwrap();
    assert_eq!(rows.what, "CUR 2.0: 57 rows in 1 file, 57 of Amazon Bedrock");
    let period = "2026-11".parse().unwrap();
    assert_eq!(steps, [Step { export: EXPORT.to_owned(), period, chunk: 1, chunks: 1, rows: 0 }]);
}

#[test]
fn older_months_are_looked_at_by_their_footers_alone() {
    let tree = Tree { shape: FileShape::default().without(&["line_item_iam_principal"]), ..Tree::empty() };
    for (period, day) in [("2026-07", "2026-07-01"), ("2026-08", "2026-08-01")] {
        tree.deliver(period, &[usage(day, "", MODEL, 1.0)]);
    }
    let tree = Tree { shape: FileShape::default(), ..tree };
    for (period, day) in [("2026-09", "2026-09-01"), ("2026-10", "2026-10-01")] {
        tree.deliver(period, &[usage(day, &session("app", "app-handler"), MODEL, 1.0)]);
    }
    tree.deliver("2026-11", &rows());
    let mut steps = Vec::new();
    let findings = tree.examine_telling(&mut steps);
    let since = findings.iter().find(|finding| finding.id == "principal-column-since").unwrap();
    assert_eq!(since.severity, Severity::Notice);
    assert_eq!(since.what, "files of 2026-08 have no column line_item_iam_principal; later ones do");
    assert_eq!(since.cure, "nothing is to be done: AWS fills in no caller that was not recorded");
    let read: Vec<_> = steps.iter().map(|step| step.period.to_string()).collect();
    assert_eq!(read, ["2026-11", "2026-10"]);
}

#[test]
fn every_bad_file_is_named_and_the_others_are_read() {
    let tree = healthy();
    let keys: Vec<_> = (1..=4).map(|number| Tree::data("2026-11", number)).collect();
    for key in &keys[1..3] {
        tree.put(key, "PAR1 and no more");
    }
    tree.put(&keys[3], write::parquet(&rows(), &FileShape::default()).unwrap());
    tree.list(EXPORT, "2026-11", &keys);
    let findings = tree.examine();
    let damaged: Vec<_> = findings.iter().filter(|finding| finding.id == "file-damaged").collect();
    assert_eq!(damaged.len(), 2, "{findings:#?}");
    assert!(damaged[0].what.contains(&keys[1]) && damaged[1].what.contains(&keys[2]));
    let rows = findings.iter().find(|finding| finding.id == "rows").unwrap();
    assert_eq!(rows.what, "CUR 2.0: 114 rows in 2 files, 114 of Amazon Bedrock");
}

#[test]
fn a_legacy_export_of_many_files_is_told_once() {
    let tree = legacy();
    let keys: Vec<_> = (1..=3).map(|number| Tree::data("2026-11", number)).collect();
    let bytes = bytes_of(&tree, &keys[0]);
    for key in &keys {
        tree.put(key, bytes.clone());
    }
    tree.list(EXPORT, "2026-11", &keys);
    let findings = tree.examine();
    let legacy: Vec<_> = findings.iter().filter(|finding| finding.id == "legacy-report").collect();
    assert_eq!(legacy.len(), 1);
    assert!(legacy[0].what.ends_with("; 2 more files of the delivery are of the same kind"), "{}", legacy[0].what);
}

#[test]
fn a_month_before_the_caller_option_is_no_problem() {
    let tree = Tree { shape: FileShape::default().without(&["line_item_iam_principal"]), ..Tree::empty() };
    let mut rows = Vec::new();
    for day in 1..=9 {
        rows.push(usage(&format!("2026-10-0{day}"), "", MODEL, 1.0));
    }
    tree.deliver("2026-10", &rows);
    let tree = Tree { shape: FileShape::default(), ..tree };
    tree.deliver("2026-11", &self::rows());
    let findings = tree.examine();
    let missing = findings.iter().find(|finding| finding.id == "principal-column-missing").unwrap();
    assert_eq!((missing.severity, missing.period), (Severity::Notice, Some("2026-10".parse().unwrap())));
    assert!(findings.iter().all(|finding| finding.severity != Severity::Problem), "{findings:#?}");
}
