//! Where a delivery's objects lie in the bucket: `[PREFIX/]EXPORT/{data,metadata}/BILLING_PERIOD=YYYY-MM/…`.
//!
//! Source: AWS Data Exports user guide, "Understanding export delivery".

use std::fmt;

use sha2::{Digest, Sha256};
use spend_core::calendar::period::BillingPeriod;

/// The name of the partition folders.
const PARTITION: &str = "BILLING_PERIOD";

/// An export's folder in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExportPath {
    /// What is before the export's name, without the `/` between them; empty if there is nothing. A prefix that was
    /// configured with a leading `/` keeps it, because its keys have it; one of slashes alone keeps them all.
    pub prefix: String,
    /// The export's name.
    pub name: String,
}

impl ExportPath {
    /// The path whose [`Display`](fmt::Display) is `root`, or `None` if it has no name at its end.
    pub fn parse(root: &str) -> Option<Self> {
        let (before, name) = root.rsplit_once('/').map_or((None, root), |(before, name)| (Some(before), name));
        let prefix = match before {
            None => String::new(),
            Some(slashes) if slashes.bytes().all(|byte| byte == b'/') => format!("{slashes}/"),
            Some(before) => before.to_owned(),
        };
        (!name.is_empty()).then(|| Self { prefix, name: name.to_owned() })
    }

    /// The id that the ledger files the export under: its name, with `--` and 8 hex digits of the SHA-256 of
    /// `PREFIX/EXPORT` behind it where there is a prefix, or where the name itself ends so: a folder that is called like
    /// another export's id is another export.
    pub fn export_id(&self) -> String {
        let is_like_an_id = |name: &str| {
            let digits = name.rsplit_once("--").map(|(_, digits)| digits);
            digits.is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        if self.prefix.is_empty() && !is_like_an_id(&self.name) {
            return self.name.clone();
        }
        let digest: [u8; 32] = Sha256::digest(self.to_string().as_bytes()).into();
        let [first, second, third, fourth, ..] = digest;
        format!("{}--{:08x}", self.name, u32::from_be_bytes([first, second, third, fourth]))
    }

    /// What the keys of a billing period's data files start with.
    pub fn data_prefix(&self, period: BillingPeriod) -> String {
        format!("{self}/data/{PARTITION}={period}/")
    }

    /// What the keys of a billing period's manifests start with.
    pub fn metadata_prefix(&self, period: BillingPeriod) -> String {
        format!("{self}/metadata/{PARTITION}={period}/")
    }
}

/// `[PREFIX/]EXPORT`.
impl fmt::Display for ExportPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.prefix.is_empty() || self.prefix.bytes().all(|byte| byte == b'/') { "" } else { "/" };
        formatter.pad(&format!("{}{separator}{}", self.prefix, self.name))
    }
}

/// What an object in the export's bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A manifest, written after the data files of its delivery.
    Manifest {
        /// Whose.
        export: ExportPath,
        /// Which month's.
        period: BillingPeriod,
        /// The `TIMESTAMP-EXECUTION` folder that it lies in, when the export keeps every delivery (create new). The
        /// newest such manifest is copied to the level above, without a folder.
        folder: Option<String>,
    },
    /// A data file.
    Chunk {
        /// Whose.
        export: ExportPath,
        /// Which month's.
        period: BillingPeriod,
        /// The `TIMESTAMP-EXECUTION` folder that it lies in, when the export keeps every delivery (create new).
        folder: Option<String>,
    },
    /// Nothing of an export.
    Ignored {
        /// Why.
        reason: &'static str,
    },
}

/// A key taken apart at its partition folder.
pub(crate) struct KeyParts<'a> {
    /// `[PREFIX/]EXPORT`.
    pub(crate) root: &'a str,
    /// `data` or `metadata`.
    pub(crate) section: &'a str,
    /// The partition folder as it is spelled.
    pub(crate) partition: &'a str,
    pub(crate) period: BillingPeriod,
    pub(crate) folder: Option<&'a str>,
    pub(crate) file: &'a str,
}

impl<'a> KeyParts<'a> {
    pub(crate) fn parse(key: &'a str) -> Result<Self, &'static str> {
        if key.split('/').any(|segment| segment == "..") {
            return Err("its key has a `..` in it");
        }
        let (head, tail) = key
            .rmatch_indices("/BILLING_PERIOD")
            .find_map(|(at, _)| Some((key.get(..at)?, key.get(at + 1..)?)))
            .ok_or("it is in no BILLING_PERIOD folder")?;
        let (root, section) = head.rsplit_once('/').ok_or("it is in no export's folder")?;
        if section != "data" && section != "metadata" {
            return Err("its folder is neither data nor metadata");
        }
        let (partition, rest) = tail.split_once('/').ok_or("it is in no BILLING_PERIOD folder")?;
        let period = parse_partition(partition).ok_or("its BILLING_PERIOD is not a month such as 2026-11")?;
        let (folder, file) = rest.split_once('/').map_or((None, rest), |(folder, file)| (Some(folder), file));
        if file.is_empty() {
            return Err("it is a folder");
        }
        if file.contains('/') || folder.is_some_and(|folder| !is_delivery_folder(folder)) {
            return Err("it is in a folder that is no delivery's");
        }
        Ok(Self { root, section, partition, period, folder, file })
    }
}

/// The month of a folder `BILLING_PERIOD=YYYY-MM`. Tools that copy exports spell the `=` as `%3D`.
fn parse_partition(folder: &str) -> Option<BillingPeriod> {
    let value = folder.strip_prefix(PARTITION)?;
    let month = ["=", "%3D", "%3d"].into_iter().find_map(|equals| value.strip_prefix(equals))?;
    month.parse().ok()
}

/// Whether a folder is a delivery's in an export that keeps them all: `<timestamp>-<execution id>`, such as
/// `2026-11-02T13:15:05.826Z-6d4f…`. The timestamp's exact form is not documented, so the year decides.
fn is_delivery_folder(folder: &str) -> bool {
    let year = folder.bytes().take_while(u8::is_ascii_digit).count();
    year >= 4 && folder.rsplit_once('-').is_some_and(|(_, execution)| !execution.is_empty())
}

/// What the object at `key` (decoded, as S3 lists it) is.
pub fn classify_key(key: &str) -> ObjectKind {
    let parts = match KeyParts::parse(key) {
        Ok(parts) => parts,
        Err(reason) => return ObjectKind::Ignored { reason },
    };
    let Some(export) = ExportPath::parse(parts.root) else {
        return ObjectKind::Ignored { reason: "its export has no name" };
    };
    let (period, folder) = (parts.period, parts.folder.map(str::to_owned));
    match parts.section {
        _ if parts.file.starts_with(['.', '_']) => ObjectKind::Ignored { reason: "it is another program's file" },
        "metadata" if is_manifest(parts.file) => ObjectKind::Manifest { export, period, folder },
        "metadata" => ObjectKind::Ignored { reason: "it is metadata, but no manifest" },
        _ if is_data_file(parts.file) => ObjectKind::Chunk { export, period, folder },
        _ => ObjectKind::Ignored { reason: "it is in a data folder, but no data file" },
    }
}

/// Whether a file in a metadata folder is a manifest. The one that is made for Redshift's `COPY` lists the same files
/// for that command.
fn is_manifest(name: &str) -> bool {
    name.ends_with("Manifest.json") && !name.ends_with("RedshiftManifest.json")
}

/// The export's name and the number, from 1, in the name of a data file as AWS names it: `EXPORT-00001.snappy.parquet`.
/// `None` for files that something else has named.
pub fn numbered(file: &str) -> Option<(&str, u32)> {
    const DIGITS: usize = 5;
    file.rmatch_indices('-').find_map(|(at, _)| {
        let (name, rest) = (file.get(..at)?, file.get(at + 1..)?);
        let (digits, _) = rest.split_once('.')?;
        let is_number = digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && !name.is_empty()).then_some((name, digits.parse().ok()?))
    })
}

/// The billing period that a folder's name says, if it is one of `BILLING_PERIOD=YYYY-MM`.
pub fn period_of_folder(name: &str) -> Option<BillingPeriod> {
    parse_partition(name)
}

/// Whether a file's name ends as AWS ends the names of data files. Text exports count, so that they are refused with
/// a clear error instead of being passed over.
pub fn is_data_file(name: &str) -> bool {
    [".parquet", ".csv.gz", ".csv.zip"].into_iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests;
