//! What lies where: exports, their billing periods, manifests and files, from a listing and the manifests alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use spend_core::calendar::period::BillingPeriod;
use spend_cur::delivery::layout::{self, ExportPath, ObjectKind};
use spend_cur::delivery::manifest::{self, Manifest};
use spend_cur::error::CurError;
use spend_ledger::store::{ETag, ObjectSummary, Store, StoreError};

use crate::files::inventory::{self, Unlisted};
use crate::files::location::{ManifestLocation, spellings};

/// Everything below the root.
pub(super) struct Tree {
    /// By path.
    pub(super) exports: Vec<ExportTree>,
    /// What is no export's, with why.
    pub(super) strangers: Vec<(ObjectSummary, &'static str)>,
}

/// An export's files.
pub(super) struct ExportTree {
    pub(super) path: ExportPath,
    /// Newest first.
    pub(super) periods: Vec<PeriodTree>,
}

/// A billing period's files.
pub(super) struct PeriodTree {
    pub(super) period: BillingPeriod,
    pub(super) manifests: Vec<ManifestFile>,
    pub(super) chunks: Vec<ChunkFile>,
}

/// A manifest, read.
pub(super) struct ManifestFile {
    pub(super) key: String,
    pub(super) folder: Option<String>,
    pub(super) last_modified: DateTime<Utc>,
    /// Its version: two manifests of a period with the same bytes are of one delivery.
    pub(super) etag: Option<ETag>,
    pub(super) read: Result<Manifest, CurError>,
    /// The account that the export was made in, where the manifest names it.
    pub(super) account: Option<String>,
}

/// A data file.
pub(super) struct ChunkFile {
    pub(super) summary: ObjectSummary,
    pub(super) folder: Option<String>,
}

/// A delivery that stands in the tree.
pub(super) struct Delivered<'a> {
    /// What its manifest says, where there is one.
    pub(super) manifest: Option<&'a ManifestFile>,
    /// The keys of its files, present or not.
    pub(super) keys: Vec<&'a str>,
    /// When it was delivered.
    pub(super) at: Option<DateTime<Utc>>,
    /// Whether that is written in its folder's name, which no copying changes.
    pub(super) is_certain: bool,
}

impl Tree {
    /// What lies below `prefix`, which may be empty.
    pub(super) async fn of<E: Store>(export: &E, prefix: &str) -> Result<Self, StoreError> {
        let mut periods: BTreeMap<(ExportPath, BillingPeriod), PeriodTree> = BTreeMap::new();
        let mut strangers = Vec::new();
        for summary in export.list(prefix).await? {
            let entry = |export: ExportPath, period| (export, period);
            match layout::classify_key(&summary.key) {
                ObjectKind::Ignored { reason } => strangers.push((summary, reason)),
                ObjectKind::Chunk { export, period, folder } => {
                    let found = periods.entry(entry(export, period)).or_insert_with(|| PeriodTree::new(period));
                    found.chunks.push(ChunkFile { summary, folder });
                }
                ObjectKind::Manifest { export: path, period, folder } => {
                    let Some((etag, read, account)) = read_manifest(export, &summary.key).await? else { continue };
                    let found = periods.entry(entry(path, period)).or_insert_with(|| PeriodTree::new(period));
                    if etag.is_some() && found.manifests.iter().any(|known| known.etag == etag) {
                        continue;
                    }
                    found.manifests.push(ManifestFile {
                        etag,
                        read,
                        account,
                        key: summary.key,
                        folder,
                        last_modified: summary.last_modified,
                    });
                }
            }
        }
        let mut exports: Vec<ExportTree> = Vec::new();
        for ((path, _), period) in periods.into_iter().rev() {
            match exports.last_mut() {
                Some(export) if export.path == path => export.periods.push(period),
                _ => exports.push(ExportTree { path, periods: vec![period] }),
            }
        }
        exports.reverse();
        Ok(Self { exports, strangers })
    }

    /// A file that looks like data and is no export's, with why.
    pub(super) fn first_data_stranger(&self) -> Option<&(ObjectSummary, &'static str)> {
        let is_data = |key: &str| [".parquet", ".csv", ".csv.gz", ".csv.zip"].into_iter().any(|end| key.ends_with(end));
        self.strangers.iter().find(|(object, _)| is_data(&object.key))
    }
}

/// A manifest's version, what it says, and the account that it names.
type ReadManifest = (Option<ETag>, Result<Manifest, CurError>, Option<String>);

/// Reads a manifest; `None` if it is gone by now.
async fn read_manifest<E: Store>(export: &E, key: &str) -> Result<Option<ReadManifest>, StoreError> {
    let head = match export.head(key).await {
        Ok(Some(head)) => head,
        Ok(None) => return Ok(None),
        // A name that nobody can read it by is a finding about this manifest alone.
        Err(error @ StoreError::BadKey { .. }) => {
            let source = Box::new(error);
            return Ok(Some((None, Err(CurError::Source { file: key.to_owned(), range: 0..0, source }), None)));
        }
        Err(error) => return Err(error),
    };
    // Anybody who may write beside an export could put a huge manifest there: its size is checked before it is read.
    if let Err(error) = manifest::check_size(key, head.size) {
        return Ok(Some((Some(head.etag), Err(error), None)));
    }
    let bytes = export.get_range(key, 0..head.size, &head.etag).await?;
    Ok(Some((Some(head.etag), manifest::parse_copied_manifest(key, &bytes), account(&bytes))))
}

/// The account in a manifest's `exportArn`: `arn:aws:bcm-data-exports:REGION:ACCOUNT:export/…`.
fn account(manifest: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(manifest).ok()?;
    let account = json.get("exportArn")?.as_str()?.split(':').nth(4)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then(|| account.to_owned())
}

impl PeriodTree {
    fn new(period: BillingPeriod) -> Self {
        Self { period, manifests: Vec::new(), chunks: Vec::new() }
    }

    /// The data file that a manifest lists, by the key that it has here: a copy may spell it otherwise.
    pub(super) fn find(&self, listed: &str) -> Option<&str> {
        let keys = || self.chunks.iter().map(|chunk| chunk.summary.key.as_str());
        keys().find(|key| *key == listed).or_else(|| {
            let spelled = spellings(listed);
            keys().find(|key| spelled.iter().any(|spelled| spelled == key))
        })
    }

    pub(super) fn has(&self, listed: &str) -> bool {
        self.find(listed).is_some()
    }

    /// The data files that a run would read, by the keys that they have here.
    pub(super) fn counted(&self) -> BTreeSet<&str> {
        if self.manifests.is_empty() {
            return self.chunks.iter().map(|chunk| chunk.summary.key.as_str()).collect();
        }
        self.usable().flat_map(|(_, manifest)| &manifest.chunks).filter_map(|key| self.find(key)).collect()
    }

    /// The deliveries of a month without a manifest, as a run takes them.
    pub(super) fn unlisted(&self, export: &ExportPath) -> Vec<Unlisted> {
        let chunks = self.chunks.iter().map(|chunk| (chunk.folder.clone(), chunk.summary.key.clone())).collect();
        inventory::unlisted(export, self.period, chunks).into_iter().map(|(_, delivery)| delivery).collect()
    }

    /// The manifests that can be used.
    pub(super) fn usable(&self) -> impl Iterator<Item = (&ManifestFile, &Manifest)> {
        self.manifests.iter().filter_map(|file| Some((file, file.read.as_ref().ok()?)))
    }

    /// The newest delivery: the one whose files stand in place, else the one in the newest folder.
    pub(super) fn newest(&self) -> Option<Delivered<'_>> {
        let newest = self.usable().max_by_key(|(file, manifest)| {
            let stands_in_place = file.folder.is_none() && manifest.folder.is_none();
            (stands_in_place, manifest.folder.clone(), file.folder.is_some())
        });
        if let Some((file, manifest)) = newest {
            let folder_time = ManifestLocation::of(&file.key).and_then(|location| location.folder_time);
            return Some(Delivered {
                manifest: Some(file),
                keys: manifest.chunks.iter().map(String::as_str).collect(),
                at: folder_time.or(Some(file.last_modified)),
                is_certain: folder_time.is_some(),
            });
        }
        if self.chunks.is_empty() {
            return None;
        }
        let folder = self.chunks.iter().map(|chunk| &chunk.folder).max()?;
        let chunks = || self.chunks.iter().filter(|chunk| chunk.folder == *folder);
        Some(Delivered {
            manifest: None,
            keys: chunks().map(|chunk| chunk.summary.key.as_str()).collect(),
            at: chunks().map(|chunk| chunk.summary.last_modified).max(),
            is_certain: false,
        })
    }

    /// The folders of an export that keeps every delivery.
    pub(super) fn folders(&self) -> BTreeSet<&str> {
        self.chunks.iter().filter_map(|chunk| chunk.folder.as_deref()).collect()
    }

    pub(super) fn bytes<'a>(&'a self, is_counted: impl Fn(&'a ChunkFile) -> bool) -> u64 {
        self.chunks.iter().filter(|chunk| is_counted(chunk)).map(|chunk| chunk.summary.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use spend_ledger::store::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_manifest_that_is_too_large_is_named_and_not_read() {
        const KEY: &str = "e/metadata/BILLING_PERIOD=2026-11/e-Manifest.json";
        let store = MemoryStore::default();
        let listed = r#"{"dataFiles":["e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet"]}"#;
        for (length, is_read) in [(manifest::SIZE_LIMIT, true), (manifest::SIZE_LIMIT + 1, false)] {
            let mut bytes = listed.as_bytes().to_vec();
            bytes.resize(usize::try_from(length).unwrap(), b' ');
            store.overwrite(KEY, Bytes::from(bytes)).unwrap();
            let tree = Tree::of(&store, "").await.unwrap();
            let read = &tree.exports[0].periods[0].manifests[0].read;
            assert_eq!(read.is_ok(), is_read, "{read:?}");
        }
    }

    #[tokio::test]
    async fn only_what_lies_below_the_prefix_is_looked_at() {
        let store = MemoryStore::default();
        for export in ["a/e", "b/e"] {
            let key = format!("{export}/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet");
            store.overwrite(&key, Bytes::new()).unwrap();
        }
        let paths = async |prefix| -> Vec<String> {
            let tree = Tree::of(&store, prefix).await.unwrap();
            tree.exports.iter().map(|export| export.path.to_string()).collect()
        };
        assert_eq!((paths("b/").await, paths("").await.len()), (vec!["b/e".to_owned()], 2));
    }
}
