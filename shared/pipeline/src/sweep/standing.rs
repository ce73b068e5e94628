//! What the outcome of each delivery depends on, as the listing shows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::delivery::layout::ExportPath;
use spend_ledger::build;
use spend_ledger::state::keys;
use spend_ledger::store::{ObjectSummary, Store};

use crate::files::inventory::{Found, Inventory};
use crate::files::location::{self, ManifestLocation};
use crate::sweep::bucket::Sweep;

/// A delivery as the listing shows it.
pub(super) struct Standing {
    /// Equal as long as nothing that its outcome depends on is another.
    pub(super) fingerprint: String,
    /// When the last of its files was written.
    pub(super) written: DateTime<Utc>,
}

impl<E, L> Sweep<'_, E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// What each delivery's outcome depends on: what the listing says of its files, and how they are read.
    pub(super) fn standings(&self, inventory: &Inventory, objects: &[ObjectSummary]) -> BTreeMap<String, Standing> {
        let mut with = vec![build::VERSION.to_owned(), self.times.as_str().to_owned()];
        with.extend(self.kept.listed().map(ToString::to_string));
        let by_key: BTreeMap<&str, &ObjectSummary> =
            objects.iter().map(|object| (object.key.as_str(), object)).collect();
        let files = DataFiles::of(inventory);
        let of = |found| {
            let mut parts = with.clone();
            let mut written = DateTime::UNIX_EPOCH;
            for key in files.with(found) {
                let Some(ObjectSummary { size, last_modified, .. }) = by_key.get(key) else { continue };
                parts.extend([key.to_owned(), size.to_string(), last_modified.timestamp().to_string()]);
                written = written.max(*last_modified);
            }
            let texts: Vec<_> = parts.iter().map(String::as_str).collect();
            (Found::to_string(found), Standing { fingerprint: keys::hash(&texts), written })
        };
        inventory.deliveries.iter().map(of).collect()
    }
}

/// A folder of one delivery: of which export and period, and its time.
type Folder<'a> = (&'a (ExportPath, BillingPeriod), DateTime<Utc>);

/// The data files of periods that have a manifest.
pub(crate) struct DataFiles<'a> {
    inventory: &'a Inventory,
    /// Those of exports that keep every delivery, by the time of their folder.
    by_folder: BTreeMap<Folder<'a>, Vec<&'a str>>,
}

impl<'a> DataFiles<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let mut by_folder: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (period, keys) in &inventory.listed {
            for key in keys {
                if let Some(time) = key.rsplit('/').nth(1).and_then(location::folder_time) {
                    by_folder.entry((period, time)).or_default().push(key.as_str());
                }
            }
        }
        Self { inventory, by_folder }
    }

    /// The objects that a delivery may consist of: where it has a folder those in it, else all of its period.
    fn with(&self, found: &'a Found) -> Vec<&'a str> {
        let manifest = match found {
            Found::Unlisted(files) => return files.chunks.iter().map(String::as_str).collect(),
            Found::Manifest(manifest) => manifest.as_str(),
        };
        let mut keys = vec![manifest];
        let Some(location) = ManifestLocation::of(manifest) else { return keys };
        let listed = self.inventory.listed.get_key_value(&(location.export, location.period));
        let Some((period, of_period)) = listed else { return keys };
        match location.folder_time.and_then(|time| self.by_folder.get(&(period, time))) {
            Some(of_folder) => keys.extend(of_folder),
            None => keys.extend(of_period.iter().map(String::as_str)),
        }
        keys
    }
}
