//! What the tests of the reader share: a bill, a source in memory, and how to reduce one with the other.

mod csv;
mod damage;
mod errors;
mod foreign;
mod lies;
mod limits;
mod odd_files;
mod pages;
mod paths;
mod ranges;
mod rows;
mod shapes;
mod tags;
mod values;

use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{DateTime, TimeZone, Utc};
use spend_core::bill::reduction::Reduction;

use super::*;
use crate::bytes::source::SourceError;
use crate::chunk;
use crate::columns::names::wanted;
use crate::limits::BATCH;
use crate::write::{FileShape, Row, Value};

const NAME: &str = "finance/cur/bedrock/data/BILLING_PERIOD=2026-11/bedrock-00001.snappy.parquet";

/// A chunk in memory that remembers what was read of it.
#[derive(Clone)]
struct Memory {
    bytes: Bytes,
    reads: Arc<Mutex<Vec<Range<u64>>>>,
}

impl Memory {
    fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), reads: Arc::default() }
    }
}

impl ChunkSource for Memory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        self.reads.lock().unwrap().push(range.clone());
        assert!(range.start <= range.end && range.end <= self.size(), "{range:?} of {}", self.size());
        Ok(self.bytes.slice(usize::try_from(range.start)?..usize::try_from(range.end)?))
    }
}

/// Runs a future of ours, which only ever waits for [`Memory`].
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn november() -> BillingPeriod {
    "2026-11".parse().unwrap()
}

fn reduce(bytes: impl Into<Bytes>) -> Result<Reduction, CurError> {
    block_on(super::reduce(NAME, november(), &KeptTags::default(), Memory::new(bytes)))
}

fn file(rows: &[Row], shape: &FileShape) -> Vec<u8> {
    crate::write::parquet(rows, shape).unwrap()
}

fn text(rows: &[Row], shape: &FileShape) -> Vec<u8> {
    crate::write::csv_gz(rows, shape).unwrap()
}

/// Gzip of any text.
fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text.as_ref()).unwrap();
    gzip.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(bytes), &mut text).unwrap();
    text
}

fn at(day: u32, hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, day, hour, 0, 0).unwrap()
}

fn map(entries: &[(&str, &str)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

/// A row as AWS bills a call of a model under its own product code.
fn call(day: u32, principal: &str, cost: f64) -> Row {
    Row::from([
        ("bill_payer_account_id", "111122223333".into()),
        ("bill_bill_type", "Anniversary".into()),
        ("bill_billing_entity", "AWS".into()),
        ("bill_billing_period_start_date", at(1, 0).into()),
        ("identity_line_item_id", format!("{day}-{principal}-{cost}").into()),
        ("line_item_usage_account_id", "444455556666".into()),
        ("line_item_line_item_type", "Usage".into()),
        ("line_item_product_code", "AmazonBedrock".into()),
        ("line_item_usage_type", "USE1-Claude4.6Sonnet-input-tokens".into()),
        ("line_item_operation", "InvokeModelInference".into()),
        ("line_item_usage_start_date", at(day, 7).into()),
        ("line_item_usage_end_date", at(day, 8).into()),
        ("line_item_usage_amount", (cost * 300.0).into()),
        ("line_item_unblended_cost", cost.into()),
        ("line_item_net_unblended_cost", (cost * 0.9).into()),
        ("line_item_currency_code", "USD".into()),
        ("line_item_iam_principal", principal.into()),
        (
            "line_item_resource_id",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6-v1:0".into(),
        ),
        ("pricing_unit", "1K tokens".into()),
        ("pricing_public_on_demand_cost", cost.into()),
        ("product_servicecode", "AmazonBedrock".into()),
        ("product_region_code", "us-east-1".into()),
        ("product", map(&[("provider", "Anthropic"), ("model", "Claude Sonnet 4.6"), ("region", "us-east-1")])),
        ("tags", map(&[("iamPrincipal/team", "search"), ("resourceTags/user:name", "x")])),
    ])
}

/// A row that is not Bedrock's.
fn other(day: u32, cost: f64) -> Row {
    Row::from([
        ("bill_bill_type", "Anniversary".into()),
        ("line_item_line_item_type", "Usage".into()),
        ("line_item_product_code", "AmazonEC2".into()),
        ("line_item_operation", "RunInstances".into()),
        ("line_item_resource_id", format!("i-{cost}").into()),
        ("line_item_usage_start_date", at(day, 0).into()),
        ("line_item_unblended_cost", cost.into()),
        ("line_item_currency_code", "USD".into()),
        ("product_servicecode", "AmazonEC2".into()),
        ("product", map(&[("product_name", "Amazon Elastic Compute Cloud")])),
        ("tags", map(&[("resourceTags/user:name", "web")])),
    ])
}

/// A bill with rows of many kinds, in runs and alone.
fn bill() -> Vec<Row> {
    let mut rows = Vec::new();
    for index in 0..40_u32 {
        let day = 1 + index % 28;
        let cost = f64::from(index) * 0.013 + 1e-7;
        match index % 8 {
            0 | 1 => rows.push(call(day, "arn:aws:iam::444455556666:user/alice", cost)),
            2 => rows.push(call(day, "", cost)),
            3 => {
                let mut market = call(day, "arn:aws:sts::444455556666:assumed-role/app/i-0abc", cost);
                market.insert("line_item_product_code", "4a524th30q694o538qndh9ucht".into());
                market.insert("bill_billing_entity", "AWS Marketplace".into());
                market.insert("product", map(&[("product_name", "Claude Sonnet 4.6 (Amazon Bedrock Edition)")]));
                market.remove("product_servicecode");
                rows.push(market);
            }
            4 => {
                let mut tax = call(day, "", cost);
                tax.insert("line_item_line_item_type", "Tax".into());
                tax.insert("line_item_currency_code", "EUR".into());
                rows.push(tax);
            }
            _ => rows.push(other(day, cost)),
        }
    }
    rows
}
