//! What lies in an export's bucket or tree: which deliveries there are, and which objects belong to no export.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::delivery::layout::{self, ExportPath, ObjectKind};
use spend_ledger::state::keys::Statement;
use spend_ledger::store::ObjectSummary;

use crate::files::location::{ManifestLocation, folder_time};

/// A delivery that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One with a manifest, by its key.
    Manifest(String),
    /// Data files of a billing period that has no manifest.
    Unlisted(Unlisted),
}

impl Found {
    /// What it is a refresh of.
    pub fn statement(&self) -> Option<Statement> {
        let (export, period) = self.whose()?;
        Some(Statement { export_id: export.export_id(), period })
    }

    /// The export and the billing period; `None` for a manifest whose key belongs to no export.
    pub fn whose(&self) -> Option<(ExportPath, BillingPeriod)> {
        match self {
            Self::Manifest(key) => ManifestLocation::of(key).map(|location| (location.export, location.period)),
            Self::Unlisted(files) => Some((files.export.clone(), files.period)),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(key) => formatter.pad(key),
            Self::Unlisted(found) => write!(formatter, "{}{}", found.place(), found.folder.as_deref().unwrap_or("")),
        }
    }
}

/// Data files of a billing period that has no manifest, as where a replication leaves `metadata/` out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    pub export: ExportPath,
    pub period: BillingPeriod,
    /// Their `TIMESTAMP-EXECUTION` folder, where the export keeps every delivery.
    pub folder: Option<String>,
    /// Their keys, sorted.
    pub chunks: Vec<String>,
}

impl Unlisted {
    fn place(&self) -> String {
        self.export.data_prefix(self.period)
    }
}

/// Objects that belong to no export, all for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strangers {
    /// How many.
    pub count: usize,
    /// The first of them, by key.
    pub example: String,
}

/// What a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The deliveries, oldest first: by period, then create-new folders by their time, then what is replaced in place.
    pub deliveries: Vec<Found>,
    /// The data files of each export and period that has a manifest. A data file that no manifest lists is not read.
    pub listed: BTreeMap<(ExportPath, BillingPeriod), Vec<String>>,
    /// Objects that belong to no export, by reason.
    pub strangers: BTreeMap<&'static str, Strangers>,
}

/// What a period of an export has.
#[derive(Default)]
struct Files {
    manifests: Vec<(Option<DateTime<Utc>>, String)>,
    chunks: Vec<(Option<String>, String)>,
}

impl Inventory {
    /// Sorts a listing of the whole bucket, or of the whole of an export.
    pub fn of(objects: &[ObjectSummary]) -> Self {
        let mut inventory = Self::default();
        let mut periods: BTreeMap<(BillingPeriod, ExportPath), Files> = BTreeMap::new();
        for ObjectSummary { key, .. } in objects {
            match layout::classify_key(key) {
                ObjectKind::Manifest { export, period, folder } => {
                    let time = folder.as_deref().and_then(folder_time);
                    periods.entry((period, export)).or_default().manifests.push((time, key.clone()));
                }
                ObjectKind::Chunk { export, period, folder } => {
                    periods.entry((period, export)).or_default().chunks.push((folder, key.clone()));
                }
                ObjectKind::Ignored { reason } => {
                    let strangers = inventory.strangers.entry(reason);
                    strangers.or_insert_with(|| Strangers { count: 0, example: key.clone() }).count += 1;
                }
            }
        }
        let mut found = Vec::new();
        for ((period, export), files) in periods {
            if files.manifests.is_empty() {
                found.extend(unlisted(&export, period, files.chunks).into_iter().map(|(time, delivery)| {
                    ((period, time.is_none(), time, export.clone()), Found::Unlisted(delivery))
                }));
                continue;
            }
            found.extend(
                files
                    .manifests
                    .into_iter()
                    .map(|(time, key)| ((period, time.is_none(), time, export.clone()), Found::Manifest(key))),
            );
            let chunks = files.chunks.into_iter().map(|(_, key)| key).collect();
            inventory.listed.insert((export, period), chunks);
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        inventory.deliveries = found.into_iter().map(|(_, delivery)| delivery).collect();
        inventory
    }
}

/// The deliveries of a period without a manifest: a folder is one; so are the files of a period without folders.
/// Where both are there, all of it is one, which sealing refuses: nothing says which is the newer.
pub(crate) fn unlisted(
    export: &ExportPath,
    period: BillingPeriod,
    chunks: Vec<(Option<String>, String)>,
) -> Vec<(Option<DateTime<Utc>>, Unlisted)> {
    let is_mixed = chunks.iter().any(|(folder, _)| folder.is_none());
    let mut folders: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    for (folder, key) in chunks {
        folders.entry(folder.filter(|_| !is_mixed)).or_default().push(key);
    }
    let of_folder = |(folder, chunks): (Option<String>, Vec<String>)| {
        let time = folder.as_deref().and_then(folder_time);
        (time, Unlisted { export: export.clone(), period, folder, chunks })
    };
    folders.into_iter().map(of_folder).collect()
}
