//! The metering files of a ledger: CSV below [`METERING_PREFIX`], put there by whoever runs the gateway. What cannot be
//! used is told to operations, and holds up nothing else.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use spend_core::metering::{MeteringFileError, MeteringRecord};
use spend_core::operations_text::BrokenMetering;
use spend_core::period::BillingPeriod;
use spend_core::text::clean;

use super::about::MeteringAbout;
use crate::keys::METERING_PREFIX;
use crate::metering_csv;
use crate::operations::{self, Note, NoteError};
use crate::store::{ObjectSummary, Store, StoreError};

/// The largest file that is read from a ledger: it is read beside the facts of three months.
const LARGEST: u64 = 16 * 1024 * 1024;
/// What Parquet files begin with.
pub const PARQUET: &[u8] = b"PAR1";

const WRITE_CSV: &str = "it is Parquet, which is read from a ledger by no function: write it as CSV with the same columns, \
     or divide where Parquet is read: bedrock-ledger chargeback --metering FILE";

/// Metering records, and the files that they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeteringFiles {
    /// The records of all files that can be used, in the order of the files.
    pub records: Vec<MeteringRecord>,
    sources: Vec<Source>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    file: String,
    /// Its version, as far as a listing tells.
    version: String,
    /// What it adds to the records.
    records: std::ops::Range<usize>,
    problems: Vec<String>,
}

impl MeteringFiles {
    /// Takes the records of a file.
    pub fn add(&mut self, file: &str, records: Vec<MeteringRecord>) {
        self.take(file, String::new(), Ok(records));
    }

    fn take(&mut self, file: &str, version: String, read: Result<Vec<MeteringRecord>, MeteringFileError>) {
        let first = self.records.len();
        let problems = match read {
            Ok(records) => {
                self.records.extend(records);
                Vec::new()
            }
            Err(error) => error.problems,
        };
        let file = clean(file).into_owned();
        self.sources.push(Source { file, version, records: first..self.records.len(), problems });
    }

    /// What each file has for a month.
    pub(super) fn about(&self, period: BillingPeriod) -> Vec<MeteringAbout> {
        let about = |source: &Source| {
            let records = self.records.get(source.records.clone()).unwrap_or_default();
            MeteringAbout {
                file: source.file.clone(),
                records: records.iter().filter(|record| period.contains(record.date)).count(),
                problems: source.problems.clone(),
            }
        };
        self.sources.iter().map(about).collect()
    }

    /// What is wrong with files that cannot be used, in a line each.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.broken().map(|source| {
            let line = format!("warning: metering: {} is not used: {}", source.file, source.problems.join("; "));
            clean(&line).into_owned()
        })
    }

    fn broken(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| !source.problems.is_empty())
    }

    /// Leaves a note to operations on each file that cannot be used: once for each version of it.
    pub(super) async fn tell<S: Store>(&self, store: &S, now: DateTime<Utc>) -> Result<(), NoteError> {
        for Source { file, version, problems, .. } in self.broken() {
            let note =
                Note { id: format!("metering:{file}:{version}"), text: BrokenMetering { file, problems }.text() };
            operations::leave(store, &note, now).await?;
        }
        Ok(())
    }
}

/// Reads the metering files of a ledger, and of their records those that are dated in `months`.
///
/// # Errors
///
/// [`StoreError`]; files that cannot be used are no error.
pub async fn read<S: Store>(store: &S, months: &BTreeSet<BillingPeriod>) -> Result<MeteringFiles, StoreError> {
    let mut files = MeteringFiles::default();
    for object in store.list(METERING_PREFIX).await? {
        // As consoles make them for folders.
        if object.key.ends_with('/') {
            continue;
        }
        let Some(mut read) = records(store, &object).await? else { continue };
        if let Ok(records) = &mut read {
            records.retain(|record| months.contains(&BillingPeriod::of(record.date)));
        }
        let version = format!("{}:{}", object.size, object.last_modified.to_rfc3339_opts(SecondsFormat::Secs, true));
        files.take(&object.key, version, read);
    }
    Ok(files)
}

/// The records of a file, or why it cannot be used; nothing if it was removed meanwhile.
async fn records<S: Store>(
    store: &S,
    object: &ObjectSummary,
) -> Result<Option<Result<Vec<MeteringRecord>, MeteringFileError>>, StoreError> {
    let key = object.key.as_str();
    let refused =
        |problem: &str| Ok(Some(Err(MeteringFileError { file: key.to_owned(), problems: vec![problem.to_owned()] })));
    let extension = key.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv") if object.size > LARGEST => refused("it is larger than 16 MiB: write one file a month"),
        Some("csv") => {
            let Some((bytes, _)) = store.get(key).await? else { return Ok(None) };
            if bytes.starts_with(PARQUET) { refused(WRITE_CSV) } else { Ok(Some(metering_csv::read(key, &bytes))) }
        }
        Some("parquet") => refused(WRITE_CSV),
        _ => refused("its name does not end in .csv: name it so if it has metering records, or else move it away"),
    }
}
