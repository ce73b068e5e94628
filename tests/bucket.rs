//! An export's bucket in memory, written as AWS writes it: chunks in place, then the manifest.

use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use spend_core::period::BillingPeriod;
use spend_cur::write::{self, FileShape, Row};
use spend_ledger::keys::Statement;
use spend_ledger::memory_store::MemoryStore;

/// The month that every delivery is of.
pub const PERIOD: &str = "2026-11";

/// An export `cur` without a prefix, in overwrite mode.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// The bucket.
    pub bucket: Arc<MemoryStore>,
}

impl Export {
    /// Writes chunk `number`, from 1, at `second` of the test's time. Returns its key.
    pub fn write_chunk(&self, number: usize, rows: &[Row], second: i64) -> String {
        let key = chunk_key(number);
        self.bucket.set_now(DateTime::from_timestamp(second, 0).unwrap());
        let bytes = write::parquet(rows, &FileShape::default()).unwrap();
        self.bucket.overwrite(&key, Bytes::from(bytes)).unwrap();
        key
    }

    /// Writes the manifest that lists chunks 1 to `chunks`, at `second`. Returns its key.
    pub fn write_manifest(&self, execution_id: Option<&str>, chunks: usize, second: i64) -> String {
        let key = manifest_key();
        self.bucket.set_now(DateTime::from_timestamp(second, 0).unwrap());
        let keys: Vec<_> = (1..=chunks).map(chunk_key).collect();
        let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
        let bytes = write::manifest(arn, "cur", execution_id, &[], "acme", &keys, period());
        self.bucket.overwrite(&key, Bytes::from(bytes)).unwrap();
        key
    }
}

/// The key of chunk `number`, from 1.
#[must_use]
pub fn chunk_key(number: usize) -> String {
    format!("cur/data/BILLING_PERIOD={PERIOD}/cur-{number:05}.snappy.parquet")
}

/// The key of the manifest.
#[must_use]
pub fn manifest_key() -> String {
    format!("cur/metadata/BILLING_PERIOD={PERIOD}/cur-Manifest.json")
}

/// [`PERIOD`].
#[must_use]
pub fn period() -> BillingPeriod {
    PERIOD.parse().unwrap()
}

/// What the export's deliveries are refreshes of.
#[must_use]
pub fn statement() -> Statement {
    Statement { export_id: "cur".to_owned(), period: period() }
}
