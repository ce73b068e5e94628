//! An export's bucket in memory, written as AWS writes it: chunks in place, then the manifest.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use spend_core::calendar::period::BillingPeriod;
use spend_cur::write::{self, FileShape, Row};
use spend_ledger::state::keys::Statement;
use spend_ledger::store::memory::MemoryStore;

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

/// Where and how an export delivers, for tests of trees.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The export's folder in its bucket, `[PREFIX/]EXPORT`.
    pub root: &'static str,
    /// The `TIMESTAMP-EXECUTION` folder, in create-new mode.
    pub folder: Option<&'static str>,
    /// The execution id that the manifest tells.
    pub execution_id: Option<&'static str>,
    /// Whether there is a manifest.
    pub has_manifest: bool,
    /// What is behind the number in a data file's name.
    pub suffix: &'static str,
}

impl Default for Layout {
    /// `fin/cur/e` in overwrite mode.
    fn default() -> Self {
        Self {
            root: "fin/cur/e",
            folder: None,
            execution_id: Some("one"),
            has_manifest: true,
            suffix: "snappy.parquet",
        }
    }
}

/// Files by key.
pub type Files = Vec<(String, Bytes)>;

impl Layout {
    /// A delivery's files as AWS writes them: its chunks, then the manifest, in create-new mode twice.
    pub fn files(&self, chunks: impl IntoIterator<Item = Bytes>) -> Files {
        let name = self.root.rsplit('/').next().unwrap();
        let folder = self.folder.map(|folder| format!("{folder}/")).unwrap_or_default();
        let place = |section: &str, folder: &str| format!("{}/{section}/BILLING_PERIOD={PERIOD}/{folder}", self.root);
        let key = |index: usize| format!("{}{name}-{:05}.{}", place("data", &folder), index + 1, self.suffix);
        let mut files: Files = chunks.into_iter().enumerate().map(|(index, bytes)| (key(index), bytes)).collect();
        if self.has_manifest {
            let keys: Vec<_> = files.iter().map(|(key, _)| key.clone()).collect();
            let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/e-0a1b";
            let bytes = Bytes::from(write::manifest(arn, name, self.execution_id, &[], "acme", &keys, period()));
            let mut folders = vec![folder.as_str(), ""];
            folders.dedup();
            files.extend(
                folders.into_iter().map(|at| (format!("{}{name}-Manifest.json", place("metadata", at)), bytes.clone())),
            );
        }
        files
    }
}

/// A chunk as AWS writes it.
pub fn parquet(rows: &[Row]) -> Bytes {
    write::parquet(rows, &FileShape::default()).unwrap().into()
}

/// Writes files below a folder; a leading `/` of a key is nothing on a disk.
pub fn write_tree(folder: &Path, files: &Files) {
    for (key, bytes) in files {
        let path = folder.join(key.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
