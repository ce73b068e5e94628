//! The same rows are the same ledger to the last digit, however the export is delivered, written, trimmed and copied.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::facts::fact::FactKey;
use spend_core::table::measures::Measures;
use spend_cur::columns::schema::COLUMNS;
use spend_cur::write::{self, Compression, FileShape, Row, Value};
use spend_ledger::state::committed;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::store::Store;
use spend_ledger::store::memory::MemoryStore;
use spend_pipeline::files::inventory::{Found, Inventory};
use spend_pipeline::files::tree::Tree;
use spend_pipeline::ingest::{self, FileTimes, Ingested, Quiet, Seal};
use spend_pipeline::period::aggregate;
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::deriver::Deriver;

use crate::bill::{session, usage};
use crate::bucket::{Files, Layout};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Overwrite,
    CreateNew,
    NoMetadata,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    /// Maps are key-value groups.
    Parquet(Compression),
    /// Maps are JSON objects.
    CsvGz,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trimming {
    /// Everything but what split cost allocation adds.
    All,
    /// The columns that are read.
    Read,
    /// Everything, with the rows that split cost allocation adds.
    Split,
    /// Without the map of discounts.
    NoDiscount,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Replication {
    /// In AWS's order and with its times, told by events.
    AsDelivered,
    /// With new times, in another order.
    Copied,
    /// With new times, and only what is in the export's folder.
    CutAtExport,
    /// With new times and escaped keys.
    Escaped,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Granularity {
    Hourly,
    Daily,
}

const MODES: [Mode; 3] = [Mode::Overwrite, Mode::CreateNew, Mode::NoMetadata];
const FORMATS: [Format; 5] = [
    Format::Parquet(Compression::Snappy),
    Format::Parquet(Compression::Gzip),
    Format::Parquet(Compression::Zstd),
    Format::Parquet(Compression::None),
    Format::CsvGz,
];
const TRIMMINGS: [Trimming; 4] = [Trimming::All, Trimming::Read, Trimming::Split, Trimming::NoDiscount];
const REPLICATIONS: [Replication; 4] =
    [Replication::AsDelivered, Replication::Copied, Replication::CutAtExport, Replication::Escaped];
const GRANULARITIES: [Granularity; 2] = [Granularity::Hourly, Granularity::Daily];

/// The columns that a ledger is made of.
const READ: [&str; 24] = [
    "bill_bill_type",
    "bill_billing_entity",
    "bill_billing_period_start_date",
    "bill_invoice_id",
    "bill_payer_account_id",
    "line_item_currency_code",
    "line_item_iam_principal",
    "line_item_line_item_type",
    "line_item_net_unblended_cost",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_unblended_cost",
    "line_item_usage_account_id",
    "line_item_usage_amount",
    "line_item_usage_end_date",
    "line_item_usage_start_date",
    "line_item_usage_type",
    "pricing_public_on_demand_cost",
    "pricing_unit",
    "product",
    "product_product_family",
    "product_region_code",
    "tags",
];

fn now() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

/// A row over `hours` hours from `hour`; costs are eighths, which doubles sum exactly.
fn row(day: u32, hour: i64, hours: i64, who: usize, eighths: u32) -> Row {
    let principal = ["", &session("app", "pod"), &session("Okta", "dana@example.com")][who].to_owned();
    let kinds = ["input", "output"];
    let usage_type = format!("USE1-Claude4.6Sonnet-{}-tokens", kinds[who % kinds.len()]);
    let mut row = usage(&format!("2026-11-{day:02}"), &principal, &usage_type, f64::from(eighths) / 8.0);
    let start = format!("2026-11-{day:02}T00:00:00Z").parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hour);
    row.insert("line_item_usage_start_date", Value::Time(start));
    row.insert("line_item_usage_end_date", Value::Time(start + TimeDelta::hours(hours)));
    row.insert("bill_billing_period_start_date", Value::Time("2026-11-01T00:00:00Z".parse().unwrap()));
    row.insert("pricing_public_on_demand_cost", Value::Number(f64::from(eighths) / 4.0));
    row.insert("line_item_net_unblended_cost", Value::Number(f64::from(eighths) / 16.0));
    row.insert("discount", Value::Numbers(vec![("EDP".to_owned(), -0.5)]));
    let product = [("product_name", "Claude Sonnet 4.6 (Amazon Bedrock Edition)"), ("model", "Claude Sonnet 4.6")];
    row.insert("product", Value::Map(product.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()));
    row
}

/// The month's rows as AWS tells them at this granularity.
fn rows(granularity: Granularity, trimming: Trimming) -> Vec<Row> {
    let mut rows = Vec::new();
    for day in 1..=4 {
        for who in 0..3 {
            let hourly: Vec<u32> = (0..3).map(|hour| 1 + day * 7 + hour * 3 + u32::try_from(who).unwrap()).collect();
            match granularity {
                Granularity::Hourly => {
                    rows.extend(hourly.iter().zip(0..).map(|(eighths, hour)| row(day, hour, 1, who, *eighths)));
                }
                Granularity::Daily => rows.push(row(day, 0, 24, who, hourly.iter().sum())),
            }
        }
    }
    for (kind, eighths) in [("Tax", 9), ("Credit", 5), ("BundledDiscount", 3)] {
        let mut other = row(1, 0, 24, 0, eighths);
        other.insert("line_item_line_item_type", kind.into());
        rows.push(other);
    }
    let mut machine = row(2, 0, 1, 0, 800);
    machine.insert("line_item_product_code", "AmazonECS".into());
    machine.insert("line_item_usage_type", "USE1-Fargate-vCPU-Hours:perCPU".into());
    machine.insert("line_item_operation", "FargateTask".into());
    machine.insert("product", Value::Map(Vec::new()));
    if trimming == Trimming::Split {
        for share in [0.25, 0.75] {
            let mut part = machine.clone();
            part.insert("line_item_unblended_cost", Value::Number(0.0));
            part.insert("split_line_item_parent_resource_id", "arn:aws:ecs:us-east-1:1:task/1".into());
            part.insert("split_line_item_split_cost", Value::Number(100.0 * share));
            rows.push(part);
        }
    }
    rows.push(machine);
    rows
}

fn columns(trimming: Trimming) -> Vec<&'static str> {
    let wanted = |name: &str| match trimming {
        Trimming::All => !name.starts_with("split_line_item_"),
        Trimming::Read => READ.contains(&name),
        Trimming::Split => true,
        Trimming::NoDiscount => name != "discount",
    };
    COLUMNS.iter().map(|column| column.name).filter(|name| wanted(name)).collect()
}

fn chunk(format: Format, trimming: Trimming, rows: &[Row]) -> Bytes {
    let shape = FileShape { columns: columns(trimming), ..FileShape::default() };
    let bytes = match format {
        Format::Parquet(compression) => write::parquet(rows, &FileShape { compression, ..shape }),
        Format::CsvGz => write::csv_gz(rows, &shape),
    };
    bytes.unwrap().into()
}

fn suffix(format: Format) -> &'static str {
    match format {
        Format::Parquet(_) => "snappy.parquet",
        Format::CsvGz => "csv.gz",
    }
}

/// The deliveries of an export, each its files in the order in which AWS writes them. The last one is what counts.
fn deliveries(mode: Mode, suffix: &'static str, chunks: &[Bytes]) -> Vec<Files> {
    let layout = Layout { suffix, has_manifest: mode != Mode::NoMetadata, ..Layout::default() };
    if mode != Mode::CreateNew {
        return vec![layout.files(chunks.to_vec())];
    }
    // An older delivery had a part of the rows.
    let kept = |folder, id| Layout { folder: Some(folder), execution_id: Some(id), ..layout.clone() };
    vec![
        kept("2026-11-03T13:15:05.826Z-1a", "1a").files(chunks[..1].to_vec()),
        kept("2026-11-04T13:15:05.826Z-2b", "2b").files(chunks.to_vec()),
    ]
}

async fn apply(ledger: &MemoryStore, delivery: &SealedDelivery) {
    let deriver = Deriver::default();
    let id = &delivery.delivery_id;
    let outcome = aggregate::aggregate(ledger, &delivery.statement(), id, &deriver, now()).await.unwrap();
    assert!(matches!(outcome, Aggregated::Applied { .. } | Aggregated::Known), "{outcome:?}");
}

async fn reduce_and_apply<E: Store + Send + 'static>(export: &Arc<E>, ledger: &MemoryStore, seal: Seal) {
    let Seal::Sealed(sealed) = seal else { panic!("{seal:?}") };
    let kept = KeptTags::default();
    for chunk in &sealed.chunks {
        ingest::map(export, ledger, &sealed.statement(), chunk, &kept).await.unwrap();
    }
    assert!(ingest::complete(ledger, &sealed, &kept).await.unwrap());
    apply(ledger, &sealed).await;
}

/// In a bucket: by events, and what has no manifest once it is quiet.
async fn as_delivered(deliveries: &[Files], ledger: &MemoryStore) {
    let bucket = Arc::new(MemoryStore::default());
    let kept = KeptTags::default();
    for (key, bytes) in deliveries.iter().flatten() {
        bucket.overwrite(key, bytes.clone()).unwrap();
        let times = FileTimes::Delivered;
        let done = ingest::object_created(&bucket, ledger, Some("acme"), key, times, &kept).await.unwrap();
        if let Ingested::Ready(ready) = done {
            for delivery in ready {
                apply(ledger, &delivery).await;
            }
        }
    }
    for found in Inventory::of(&bucket.list("").await.unwrap()).deliveries {
        let Found::Unlisted(found) = found else { continue };
        let quiet = Some(Quiet { now: now(), period: TimeDelta::hours(1) });
        let seal = ingest::seal_unlisted(&*bucket, ledger, &found, FileTimes::Delivered, quiet).await.unwrap();
        reduce_and_apply(&bucket, ledger, seal).await;
    }
}

/// On a disk: whatever is found, oldest first.
async fn as_found(files: Files, ledger: &MemoryStore) {
    let copy = MemoryStore::default();
    // Manifests first: times and order say nothing in a copy.
    for (key, bytes) in files.into_iter().rev() {
        copy.overwrite(&key, bytes).unwrap();
    }
    let tree = Arc::new(Tree::open(copy, "copy", Some("copy")).await.unwrap());
    for found in Inventory::of(&tree.list("").await.unwrap()).deliveries {
        let times = FileTimes::Copied;
        let seal = match &found {
            Found::Manifest(key) => ingest::seal(&*tree, ledger, None, key, times).await.unwrap(),
            Found::Unlisted(found) => ingest::seal_unlisted(&*tree, ledger, found, times, None).await.unwrap(),
        };
        reduce_and_apply(&tree, ledger, seal).await;
    }
}

async fn facts(deliveries: &[Files], replication: Replication) -> Vec<(FactKey, Measures)> {
    let ledger = MemoryStore::default();
    let moved = |name: fn(&str) -> String| {
        deliveries.iter().flatten().map(|(key, bytes)| (name(key), bytes.clone())).collect::<Files>()
    };
    match replication {
        Replication::AsDelivered => as_delivered(deliveries, &ledger).await,
        Replication::Copied => as_found(moved(str::to_owned), &ledger).await,
        Replication::CutAtExport => as_found(moved(|key| key.replacen("fin/cur/e/", "", 1)), &ledger).await,
        Replication::Escaped => {
            as_found(moved(|key| key.replace('=', "%3D").replace(':', "%3A")), &ledger).await;
        }
    }
    let statements = committed::statements(&ledger).await.unwrap();
    let [statement] = &statements[..] else { panic!("{statements:?}") };
    let (state, _) = committed::state(&ledger, statement).await.unwrap().unwrap();
    state.facts.rows().map(|fact| (fact.key(), fact.measures())).collect()
}

/// A day has fewer rows than its hours, and that is all.
fn without_row_counts(mut facts: Vec<(FactKey, Measures)>) -> Vec<(FactKey, Measures)> {
    for (_, measures) in &mut facts {
        measures.line_items = 0;
    }
    facts
}

#[tokio::test]
async fn equal_rows_are_equal_facts_however_they_come() {
    let mut expected: Option<Vec<(FactKey, Measures)>> = None;
    let mut cases = 0;
    for granularity in GRANULARITIES {
        for trimming in TRIMMINGS {
            let rows = rows(granularity, trimming);
            for format in FORMATS {
                let chunks: Vec<_> =
                    rows.chunks(rows.len().div_ceil(2)).map(|rows| chunk(format, trimming, rows)).collect();
                for mode in MODES {
                    let deliveries = deliveries(mode, suffix(format), &chunks);
                    for replication in REPLICATIONS {
                        let found = facts(&deliveries, replication).await;
                        let expected = expected.get_or_insert_with(|| found.clone());
                        let case = (mode, format, trimming, replication, granularity);
                        if granularity == Granularity::Hourly {
                            assert_eq!(&found, expected, "{case:?}");
                        } else {
                            assert_eq!(without_row_counts(found), without_row_counts(expected.clone()), "{case:?}");
                        }
                        cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cases, 3 * FORMATS.len() * 4 * 4 * 2);
    assert_eq!(expected.map_or(0, |facts| facts.len()), 15, "four days of three callers, and three other lines");
}
