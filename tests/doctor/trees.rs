//! Export trees in memory: a healthy one, and one for each thing that can be wrong with it.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_cur::write::{self, FileShape, Row, Value};
use spend_ledger::store::Store as _;
use spend_ledger::store::memory::MemoryStore;
use spend_pipeline::examination::{self, Examined, Finding, Severity, Step};

use crate::bill::{PAYER, session, usage};
use crate::gzip;

pub(crate) const MODEL: &str = "USE1-Claude4.6Sonnet-input-tokens";
pub(crate) const EXPORT: &str = "finance/cur";

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A bucket with exports in it.
pub(crate) struct Tree {
    pub(crate) bucket: Arc<MemoryStore>,
    pub(crate) shape: FileShape,
    /// The account in the manifests' `exportArn`.
    pub(crate) account: &'static str,
    /// When what is written next is written.
    pub(crate) at: DateTime<Utc>,
}

impl Tree {
    pub(crate) fn empty() -> Self {
        let at = "2026-11-20T06:00:00Z".parse().unwrap();
        Self { bucket: Arc::default(), shape: FileShape::default(), account: PAYER, at }
    }

    pub(crate) fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.bucket.set_now(self.at);
        self.bucket.overwrite(key, bytes.into()).unwrap();
    }

    pub(crate) fn data(folder: &str, number: usize) -> String {
        format!("{EXPORT}/data/BILLING_PERIOD={folder}/cur-{number:05}.snappy.parquet")
    }

    /// One file of `rows`, and the manifest that lists it. `folder` is `2026-11`, or a delivery's below it.
    pub(crate) fn deliver(&self, folder: &str, rows: &[Row]) {
        let key = Self::data(folder, 1);
        self.put(&key, write::parquet(rows, &self.shape).unwrap());
        self.list(EXPORT, folder, &[key]);
    }

    pub(crate) fn list(&self, export: &str, folder: &str, keys: &[String]) {
        let period = folder.split('/').next().unwrap().parse().unwrap();
        let arn = format!("arn:aws:bcm-data-exports:us-east-1:{}:export/cur-0a1b", self.account);
        let manifest = write::manifest(&arn, "cur", Some("e-1"), &[], "acme", keys, period);
        self.put(&format!("{export}/metadata/BILLING_PERIOD={folder}/cur-Manifest.json"), manifest);
    }

    /// Writes the tree into a folder.
    pub(crate) fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for object in runtime.block_on(self.bucket.list("")).unwrap() {
            let path = folder.join(&object.key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes_of(self, &object.key)).unwrap();
        }
    }

    pub(crate) fn examine(&self) -> Vec<Finding> {
        self.examine_telling(&mut Vec::new())
    }

    pub(crate) fn examine_telling(&self, steps: &mut Vec<Step>) -> Vec<Finding> {
        self.examine_as(Examined::Bucket, steps)
    }

    pub(crate) fn examine_as(&self, what: Examined, steps: &mut Vec<Step>) -> Vec<Finding> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let examined = examination::examine(&self.bucket, what, now(), |step| steps.push(step.clone()));
        runtime.block_on(examined).unwrap()
    }
}

/// Nineteen days of two people and a service in two accounts.
pub(crate) fn rows() -> Vec<Row> {
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

pub(crate) fn with(column: &'static str, value: impl Into<Value>) -> Vec<Row> {
    let (mut rows, value) = (rows(), value.into());
    for row in &mut rows {
        row.insert(column, value.clone());
    }
    rows
}

pub(crate) fn without(columns: &[&str], rows: &[Row]) -> Tree {
    let tree = Tree { shape: FileShape::default().without(columns), ..Tree::empty() };
    tree.deliver("2026-11", rows);
    tree
}

pub(crate) fn of(rows: &[Row]) -> Tree {
    let tree = Tree::empty();
    tree.deliver("2026-11", rows);
    tree
}

pub(crate) fn healthy() -> Tree {
    of(&rows())
}

/// The same file with a column called otherwise; the names are of one length.
pub(crate) fn renamed(tree: &Tree, rows: &[Row], from: &str, to: &str) {
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

pub(crate) fn legacy() -> Tree {
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
pub(crate) fn legacy_alone() -> Tree {
    let (legacy, tree) = (legacy(), Tree::empty());
    tree.put("report-00001.snappy.parquet", bytes_of(&legacy, &Tree::data("2026-11", 1)));
    tree
}

pub(crate) fn bytes_of(tree: &Tree, key: &str) -> Bytes {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(spend_ledger::store::Store::get(&*tree.bucket, key)).unwrap().unwrap().0
}

pub(crate) fn with_costs_as_text() -> Tree {
    let tree = Tree { shape: FileShape::default().without(&["line_item_unblended_cost"]), ..Tree::empty() };
    renamed(&tree, &rows(), "line_item_unblended_rate", "line_item_unblended_cost");
    tree
}

pub(crate) fn focus() -> Tree {
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

pub(crate) fn as_text(bytes: Vec<u8>) -> Tree {
    let tree = Tree::empty();
    let key = format!("{EXPORT}/data/BILLING_PERIOD=2026-11/cur-00001.csv.gz");
    tree.put(&key, bytes);
    tree.list(EXPORT, "2026-11", &[key]);
    tree
}

pub(crate) fn with_file(number: usize, bytes: &[u8]) -> Tree {
    let tree = healthy();
    let key = Tree::data("2026-11", number);
    tree.put(&key, bytes.to_vec());
    tree.list(EXPORT, "2026-11", &[Tree::data("2026-11", 1), key]);
    tree
}

pub(crate) fn cut_off() -> Tree {
    let bytes = write::parquet(&rows(), &FileShape::default()).unwrap();
    with_file(2, &bytes[..bytes.len() / 2])
}

pub(crate) fn with_manifest(manifest: &str) -> Tree {
    let tree = healthy();
    tree.put(&format!("{EXPORT}/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json"), manifest.to_owned());
    tree
}

pub(crate) fn without_manifest() -> Tree {
    let tree = healthy();
    tree.bucket.remove(&format!("{EXPORT}/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json"));
    tree
}

pub(crate) fn listing_more() -> Tree {
    let tree = healthy();
    tree.list(EXPORT, "2026-11", &[Tree::data("2026-11", 1), Tree::data("2026-11", 2)]);
    tree
}

pub(crate) fn without_files() -> Tree {
    let tree = healthy();
    tree.bucket.remove(&Tree::data("2026-11", 1));
    tree
}

pub(crate) fn with_unlisted_file() -> Tree {
    let tree = healthy();
    tree.put(&Tree::data("2026-11", 2), "what an older delivery left");
    tree
}

pub(crate) fn keeping_every_delivery(deliveries: usize) -> Tree {
    let mut tree = Tree::empty();
    for day in 1..=deliveries {
        tree.at = format!("2026-11-{:02}T06:00:00Z", 20 - deliveries + day).parse().unwrap();
        tree.deliver(&format!("2026-11/{}-e{day}", tree.at.format("%Y-%m-%dT%H:%M:%S%.3fZ")), &rows());
    }
    tree
}

/// Files of three deliveries, copied without their folders and manifests.
pub(crate) fn three_refreshes_in_one_folder() -> Tree {
    let tree = Tree::empty();
    for name in ["cur-00001.snappy.parquet", "cur-00001 (1).snappy.parquet", "cur-00001 (2).snappy.parquet"] {
        let key = format!("{EXPORT}/data/BILLING_PERIOD=2026-11/{name}");
        tree.put(&key, write::parquet(&rows(), &FileShape::default()).unwrap());
    }
    tree
}

pub(crate) fn with_an_older_one_gone() -> Tree {
    let tree = keeping_every_delivery(2);
    let folder = "2026-11/2026-11-19T06:00:00.000Z-e1";
    tree.bucket.remove(&Tree::data(folder, 1));
    tree
}

pub(crate) fn with_an_older_month_torn() -> Tree {
    let tree = healthy();
    for period in ["2026-08", "2026-09", "2026-10"] {
        let day = format!("{period}-03");
        tree.deliver(period, &[usage(&day, &session("app", "app-handler"), MODEL, 1.0)]);
    }
    let key = Tree::data("2026-08", 1);
    let bytes = bytes_of(&tree, &key);
    tree.put(&key, bytes.slice(..bytes.len() / 2));
    tree
}

pub(crate) fn delivered_before(hours: i64) -> Tree {
    let tree = Tree { at: now() - TimeDelta::hours(hours), ..Tree::empty() };
    tree.deliver("2026-11", &rows());
    tree
}

pub(crate) fn called_by(principal: impl Fn(usize, &Row) -> String) -> Tree {
    let mut rows = rows();
    for (index, row) in rows.iter_mut().enumerate() {
        row.insert("line_item_iam_principal", principal(index, row).into());
    }
    of(&rows)
}

pub(crate) fn tagged(tags: &[(&str, &str)]) -> Tree {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    of(&with("tags", Value::Map(tags)))
}

pub(crate) fn hardly_tagged() -> Tree {
    let mut rows = with("tags", Value::Map(vec![("costCategory/Env".to_owned(), "prod".to_owned())]));
    rows[0].insert("tags", Value::Map(vec![("iamPrincipal/team".to_owned(), "search".to_owned())]));
    of(&rows)
}

pub(crate) fn spelt_in_two_ways() -> Tree {
    let tags = |key: &str| Value::Map(vec![(key.to_owned(), "search".to_owned())]);
    let mut rows = with("tags", tags("iamPrincipal/team"));
    for row in rows.iter_mut().skip(20) {
        row.insert("tags", tags("iamPrincipal/Team"));
    }
    of(&rows)
}

pub(crate) fn monthly() -> Tree {
    let mut rows = with("line_item_usage_start_date", "2026-11-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    for row in &mut rows {
        row.insert("line_item_usage_end_date", "2026-12-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().into());
    }
    of(&rows)
}

pub(crate) fn in_two_currencies() -> Tree {
    let mut rows = rows();
    rows[0].insert("line_item_currency_code", "CNY".into());
    of(&rows)
}

pub(crate) fn exported_twice() -> Tree {
    let tree = healthy();
    let key = "other/data/BILLING_PERIOD=2026-11/other-00001.snappy.parquet".to_owned();
    tree.put(&key, write::parquet(&rows(), &FileShape::default()).unwrap());
    tree.list("other", "2026-11", &[key]);
    tree
}

pub(crate) fn of_a_member() -> Tree {
    let tree = Tree { account: "444455556666", ..Tree::empty() };
    tree.deliver("2026-11", &rows());
    tree
}

pub(crate) fn of_one_account() -> Tree {
    let tree = Tree { account: "unknown", ..Tree::empty() };
    tree.deliver("2026-11", &with("line_item_usage_account_id", "444455556666"));
    tree
}

pub(crate) fn of_other_services() -> Tree {
    let mut rows = with("line_item_product_code", "AmazonEC2");
    for row in &mut rows {
        row.remove("line_item_iam_principal");
        row.insert("line_item_operation", "RunInstances".into());
    }
    of(&rows)
}

pub(crate) fn known_by_their_caller() -> Tree {
    let mut rows = rows();
    rows[0].insert("line_item_product_code", "AmazonEC2".into());
    rows[0].insert("line_item_operation", "RunInstances".into());
    of(&rows)
}

pub(crate) fn in_the_wrong_folder() -> Tree {
    of(&with("bill_billing_period_start_date", "2026-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()))
}

pub(crate) fn too_much_money() -> Tree {
    of(&with("line_item_unblended_cost", 9e19))
}

pub(crate) fn with_files_elsewhere(key: &str) -> Tree {
    let tree = Tree::empty();
    tree.put(key, "some bytes");
    tree
}

pub(crate) fn since_17_november(_: usize, row: &Row) -> String {
    let Some(Value::Time(start)) = row.get("line_item_usage_start_date") else { panic!("a row without its time") };
    if start.date_naive() < "2026-11-17".parse().unwrap() { String::new() } else { session("app", "app-handler") }
}

/// What is wrong, the finding that it makes, and how bad that is.
pub(crate) type Case = (&'static str, Tree, &'static str, Severity);

pub(crate) fn cases() -> Vec<Case> {
    use Severity::{Notice, Problem};
    let foreign = r#"{"dataFiles": ["s3://acme/other/data/BILLING_PERIOD=2026-11/x-00001.snappy.parquet"]}"#;
    let optional = ["line_item_resource_id", "pricing_unit", "product", "line_item_net_unblended_cost"];
    let caller = ["line_item_iam_principal"];
    let required = ["line_item_unblended_cost", "line_item_currency_code"];
    let gateway = |index: usize, _: &Row| session("llm-front", &format!("pod-{index}"));
    let generic = |index: usize, _: &Row| session(&format!("app-{}", index % 2), "botocore-session-1764000000");
    let people = |index: usize, _: &Row| session("OktaDevelopers", &format!("p{}@example.com", index % 43));
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
        ("text without a header", as_text(gzip::stored("111122223333,Usage,0.5\n")), "csv-without-header", Problem),
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
        ("three refreshes in one folder", three_refreshes_in_one_folder(), "files-of-no-whole-delivery", Problem),
        ("an older delivery gone", with_an_older_one_gone(), "manifest-without-files", Problem),
        ("no column for callers", without(&caller, &rows()), "principal-column-missing", Notice),
        ("no caller in it", called_by(|_, _| String::new()), "principals-missing", Notice),
        ("callers since the 17th", called_by(since_17_november), "principals-began-late", Notice),
        ("few callers", called_by(seldom), "attributed-share-low", Notice),
        ("no column for tags", without(&["tags"], &rows()), "tags-column-missing", Notice),
        ("no tags", tagged(&[]), "principal-tags-missing", Notice),
        ("no tags of callers", tagged(&[("costCategory/Env", "prod")]), "principal-tags-missing", Notice),
        ("few tags of callers", hardly_tagged(), "untagged-share-high", Notice),
        ("two spellings of a key", spelt_in_two_ways(), "tag-keys-alike", Notice),
        ("a tag of resources for one of callers", tagged(&[("resourceTags/team", "search")]), "tag-kind-wrong", Notice),
        ("a tag of accounts for one of callers", tagged(&[("accountTag/Team", "search")]), "tag-kind-wrong", Notice),
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
        ("sessions named like people", called_by(people), "sessions-look-like-people", Notice),
        ("one session name in many roles", called_by(shared), "session-name-shared", Notice),
    ]
}
