//! The manifest of a delivery: AWS writes it after all data files, and it alone says which of them belong.
//!
//! AWS documents that it lists the files, not how: the shapes read here are those that readers of live exports met.
//! Shape is read leniently; scope is not: a file outside the export's own data folder of the same billing period is
//! refused, whoever wrote the manifest.
//!
//! - `listing`: a manifest's JSON as far as it is used.

pub use crate::delivery::manifest::listing::MOST_FILES;
use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use spend_core::calendar::period::BillingPeriod;
use spend_core::text;

use crate::delivery::layout::{ExportPath, KeyParts, ObjectKind, classify_key};
use crate::error::CurError;

mod listing;

use listing::Listing;

/// How much of an entry is shown: a bucket, folders and a file.
const SHOWN: usize = 200;

/// The largest manifest that is read, in bytes: AWS writes one entry of about 200 bytes per data file, and a key has 1,024
/// at the most.
pub const SIZE_LIMIT: u64 = 8 * 1024 * 1024;

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Whose it is, from its key.
    pub export: ExportPath,
    /// Which month's, from its key.
    pub period: BillingPeriod,
    /// The id of the execution that wrote the delivery, if the manifest has one.
    pub execution_id: Option<String>,
    /// The bucket that its entries name, if any does.
    pub bucket: Option<String>,
    /// The `TIMESTAMP-EXECUTION` folder of its files, when the export keeps every delivery (create new).
    pub folder: Option<String>,
    /// The keys of the delivery's data files, in the manifest's order, each once, in the spelling of the manifest's
    /// own key. Never empty.
    pub chunks: Vec<String>,
}

/// Whether a manifest of `size` bytes is read: to be asked before it is.
///
/// # Errors
///
/// [`CurError::ManifestSize`] if it is larger than [`SIZE_LIMIT`].
pub fn check_size(key: &str, size: u64) -> Result<(), CurError> {
    if size > SIZE_LIMIT {
        return Err(CurError::ManifestSize { manifest: key.to_owned(), size, limit: SIZE_LIMIT });
    }
    Ok(())
}

/// Reads the manifest at `key`. `bucket` is where it lies; where that has no name, its entries must agree on one.
///
/// # Errors
///
/// [`CurError::ManifestShape`] if it is no JSON object, lists no files, or its key is not a manifest's;
/// [`CurError::ManifestScope`] if it lists a file that is not data of its own export, billing period and bucket.
pub fn parse_manifest(key: &str, bucket: Option<&str>, bytes: &[u8]) -> Result<Manifest, CurError> {
    parse(key, bucket, bytes, false)
}

/// Reads the manifest at `key` in a copy of the export's tree, which may lie elsewhere than the original did: an entry
/// that names its file by the original's full key stands for the file at the same place below the copy's own export
/// folder. The original must be one export, of the same name as the copy's folder or as the manifest itself says.
pub fn parse_copied_manifest(key: &str, bytes: &[u8]) -> Result<Manifest, CurError> {
    parse(key, None, bytes, true)
}

/// Where a manifest says that its export lies in the bucket that AWS wrote it to: by its entries, else by its name
/// alone. `None` if it says neither, or is no manifest.
pub fn origin(bytes: &[u8]) -> Option<ExportPath> {
    let listing = Listing::read(bytes).ok()?;
    let listed = listing.entries().into_iter().flat_map(|entries| entries.named.iter().flatten()).find_map(|listed| {
        let (_, path) = split_location(listed).ok()?;
        let decoded = percent_decode_str(path).decode_utf8().ok()?;
        [path, &decoded].into_iter().find_map(|path| {
            let parts = KeyParts::parse(path).ok().filter(|parts| parts.section == "data")?;
            ExportPath::parse(parts.root)
        })
    });
    let named = || {
        let name = listing.export_name().filter(|name| !name.contains('/') && *name != "..")?;
        Some(ExportPath { prefix: String::new(), name: name.to_owned() })
    };
    listed.or_else(named)
}

fn parse(key: &str, bucket: Option<&str>, bytes: &[u8], copied: bool) -> Result<Manifest, CurError> {
    let shape = |reason: String| CurError::ManifestShape { manifest: key.to_owned(), reason };
    let ObjectKind::Manifest { export, period, folder } = classify_key(key) else {
        return Err(shape("its key is not [PREFIX/]EXPORT/metadata/BILLING_PERIOD=YYYY-MM/…Manifest.json".to_owned()));
    };
    let own = KeyParts::parse(key).map_err(|reason| shape(reason.to_owned()))?;
    let listing = Listing::read(bytes).map_err(|error| shape(format!("not JSON: {error}")))?;
    let entries = listing
        .entries()
        .ok_or_else(|| shape("it lists no files (neither dataFiles nor reportKeys has any)".to_owned()))?;
    if entries.count > MOST_FILES {
        return Err(CurError::ManifestFiles { manifest: key.to_owned(), files: entries.count, limit: MOST_FILES });
    }

    let original = copied.then(|| Original {
        names: [
            Some(export.name.clone()),
            listing.export_name().map(str::to_owned),
            own.file.strip_suffix("-Manifest.json").map(str::to_owned),
        ],
        root: None,
    });
    let mut scope = Scope { own, original, bucket: bucket.map(str::to_owned), folder: folder.clone(), first: true };
    let mut chunks: Vec<String> = Vec::with_capacity(entries.named.len());
    let mut seen = HashSet::with_capacity(entries.named.len());
    for (number, entry) in (1_usize..).zip(&entries.named) {
        let names_none = || shape(format!("entry {number} of its list names no file"));
        let listed = entry.as_deref().ok_or_else(names_none)?;
        let chunk = scope.resolve(listed).map_err(|reason| CurError::ManifestScope {
            manifest: key.to_owned(),
            entry: text::shorten(listed, SHOWN),
            reason,
        })?;
        if seen.insert(chunk.clone()) {
            chunks.push(chunk);
        }
    }
    let execution_id = listing.execution_id().map(str::to_owned);
    Ok(Manifest { export, period, execution_id, bucket: scope.bucket, folder: scope.folder, chunks })
}

/// The export that a manifest was copied from.
struct Original {
    /// What it may be called.
    names: [Option<String>; 3],
    /// Its folder, once an entry named it.
    root: Option<String>,
}

impl Original {
    /// Whether `root` is the original's folder.
    fn is(&self, root: &str) -> bool {
        let is_named = |path: &ExportPath| self.names.iter().flatten().any(|name| *name == path.name);
        match &self.root {
            Some(own) => own == root,
            None => ExportPath::parse(root).as_ref().is_some_and(is_named),
        }
    }
}

/// What a manifest may list.
struct Scope<'a> {
    /// The manifest's own key.
    own: KeyParts<'a>,
    /// What it was copied from, if it lies in a copy.
    original: Option<Original>,
    /// Where its files lie; until an entry names it, unknown if the caller does not know it either.
    bucket: Option<String>,
    /// The one delivery folder that all its files lie in, of an export that keeps every delivery: the manifest's own,
    /// else that of the first entry.
    folder: Option<String>,
    /// Whether no entry was resolved yet.
    first: bool,
}

impl Scope<'_> {
    /// The key of the listed file, or why it is foreign.
    fn resolve(&mut self, listed: &str) -> Result<String, String> {
        let (bucket, path) = split_location(listed)?;
        if let Some(bucket) = bucket {
            match &self.bucket {
                // A replica or a copy has the manifests of its source, which name the source.
                Some(own) if own != bucket && self.first => {
                    return Err(format!(
                        "which is in the bucket {bucket}, not in {own} (if {own} is a replica or a copy of it, set copied = \
                         true in [export] of config/ledger.toml)"
                    ));
                }
                Some(own) if own != bucket => return Err(format!("which is in the bucket {bucket}, not in {own}")),
                _ => self.bucket = Some(bucket.to_owned()),
            }
        }
        let has_parent = |path: &str| path.split('/').any(|segment| segment == "..");
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| "whose key is not UTF-8".to_owned())?;
        if has_parent(path) || has_parent(&decoded) {
            return Err("whose key has a `..` in it".to_owned());
        }
        let spellings: Vec<_> = self.spellings(path).into_iter().chain(self.spellings(&decoded)).collect();
        let (folder, file) = spellings
            .into_iter()
            .find_map(|key| self.own_file(&key).or_else(|| self.original_file(&key)))
            .ok_or_else(|| format!("which is no data file in {}/data/{}/", self.own.root, self.own.partition))?;
        if self.first && self.own.folder.is_none() {
            self.folder = folder.map(|folder| self.spell(&folder));
        } else if folder.as_deref().map(decode_colons) != self.folder.as_deref().map(decode_colons) {
            // One delivery lies in one folder: the files of two are two copies of the same month.
            return Err("which is not in the folder of the delivery's other files".to_owned());
        }
        self.first = false;
        let folder = self.folder.as_ref().map(|folder| format!("{folder}/")).unwrap_or_default();
        Ok(format!("{}/data/{}/{folder}{file}", self.own.root, self.own.partition))
    }

    /// The keys that a path may stand for: itself, or relative to the export's folder, its data, or the partition.
    fn spellings(&self, path: &str) -> Vec<String> {
        let (root, partition) = (self.own.root, self.own.partition);
        if !path.contains('/') {
            let folder = self.folder.as_ref().map(|folder| format!("{folder}/")).unwrap_or_default();
            return vec![format!("{root}/data/{partition}/{folder}{path}")];
        }
        let relative = path.trim_start_matches('/');
        vec![
            path.to_owned(),
            relative.to_owned(),
            format!("/{relative}"),
            format!("{root}/{relative}"),
            format!("{root}/data/{relative}"),
        ]
    }

    /// The delivery folder and the name of the file at `key`, if it is the export's own data of the same period.
    fn own_file(&self, key: &str) -> Option<(Option<String>, String)> {
        let parts = self.data(key).filter(|parts| parts.root == self.own.root)?;
        Some((parts.folder.map(str::to_owned), parts.file.to_owned()))
    }

    /// The same of a file of the export that this one is a copy of.
    fn original_file(&mut self, key: &str) -> Option<(Option<String>, String)> {
        let original = self.original.as_ref()?;
        let parts = self.data(key).filter(|parts| original.is(parts.root))?;
        let found = (parts.folder.map(str::to_owned), parts.file.to_owned());
        let root = parts.root.to_owned();
        self.original.as_mut()?.root = Some(root);
        Some(found)
    }

    /// A key taken apart, if it is of a data file of the manifest's period.
    fn data<'k>(&self, key: &'k str) -> Option<KeyParts<'k>> {
        let parts = KeyParts::parse(key).ok()?;
        let of_period = parts.section == "data" && parts.period == self.own.period;
        (of_period && matches!(classify_key(key), ObjectKind::Chunk { .. })).then_some(parts)
    }

    /// A delivery folder in the spelling of the manifest's own key: a tool that spelled `=` as `%3D` did the same to
    /// the colons of the folder's timestamp.
    fn spell(&self, folder: &str) -> String {
        let decoded = decode_colons(folder);
        if self.own.partition.contains('%') { decoded.replace(':', "%3A") } else { decoded }
    }
}

fn decode_colons(folder: &str) -> String {
    folder.replace("%3A", ":").replace("%3a", ":")
}

/// An entry's bucket, if it names one, and its path: `s3://BUCKET/KEY`, an S3 address over HTTPS, or a path alone.
fn split_location(listed: &str) -> Result<(Option<&str>, &str), String> {
    let Some((scheme, rest)) = listed.split_once("://") else { return Ok((None, listed)) };
    let (host, path) = rest.split_once('/').ok_or("which names no file")?;
    match scheme {
        "s3" | "s3a" | "s3n" => Ok((Some(host), path)),
        // Source: Amazon S3 user guide, "Virtual hosting of general purpose buckets".
        "https" if host.starts_with("s3.") || host.starts_with("s3-") => path
            .split_once('/')
            .map(|(bucket, key)| (Some(bucket), key))
            .ok_or_else(|| "which names no file".to_owned()),
        "https" => {
            let bucket = [".s3.", ".s3-"].into_iter().find_map(|s3| Some(host.rsplit_once(s3)?.0));
            bucket
                .map(|bucket| (Some(bucket), path))
                .ok_or_else(|| format!("and {} is not S3", text::shorten(host, SHOWN)))
        }
        scheme => Err(format!("and {}:// is not S3", text::shorten(scheme, SHOWN))),
    }
}

#[cfg(test)]
mod tests;
