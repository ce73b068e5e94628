//! The metering files of a ledger: CSV below [`METERING_PREFIX`], put there by whoever runs the gateway. What cannot be
//! used is told to operations, and holds up nothing else.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use spend_core::allocation::metering::record::MeteringRecord;
use spend_core::allocation::metering::table::{MeteringFileError, Wanted};
use spend_core::calendar::period::BillingPeriod;
use spend_core::messages::operations::broken::BrokenMetering;
use spend_core::text::clean;

use super::about::MeteringAbout;
use crate::chargeback::metering_csv;
use crate::outputs::operations::{self, Note, NoteError};
use crate::state::keys::METERING_PREFIX;
use crate::store::{ObjectSummary, Store, StoreError};

/// The largest file that is read from a ledger: it is read beside the facts of three months, one file at a time.
const LARGEST: u64 = 16 * 1024 * 1024;
/// How many bytes are read of all files together: a year's files of five gateways have some hundred MB.
const LARGEST_SUM: u64 = 256 * 1024 * 1024;
/// How many records of the months of a book are used of all files together. A gateway with a hundred tenants and ten models
/// has 93,000 in three months; a record takes some 400 bytes until it is divided by.
const MOST_RECORDS: usize = 300_000;
/// How many files that cannot be used are told in a note each; the others are told in one.
const TOLD_EACH: usize = 5;
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
        for Source { file, version, problems, .. } in self.broken().take(TOLD_EACH) {
            let note =
                Note { id: format!("metering:{file}:{version}"), text: BrokenMetering { file, problems }.text() };
            operations::leave(store, &note, now).await?;
        }
        let others: Vec<_> = self.broken().skip(TOLD_EACH).collect();
        if let [first, ..] = others.as_slice() {
            let (file, problems) = (
                format!("{} further files", others.len()),
                others.iter().map(|source| {
                    format!("{}: {}", source.file, source.problems.first().map_or("", |problem| problem))
                }),
            );
            let text = BrokenMetering { file: &file, problems: &problems.collect::<Vec<_>>() }.text();
            // One for all of them, as long as they are as many and the first is the same.
            let id = format!("metering:{}:{}:{}", others.len(), first.file, first.version);
            operations::leave(store, &Note { id, text }, now).await?;
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
    read_at_most(store, months, MOST_RECORDS).await
}

async fn read_at_most<S: Store>(
    store: &S,
    months: &BTreeSet<BillingPeriod>,
    most: usize,
) -> Result<MeteringFiles, StoreError> {
    let mut files = MeteringFiles::default();
    let mut bytes = 0_u64;
    for object in store.list(METERING_PREFIX).await? {
        // As consoles make them for folders.
        if object.key.ends_with('/') {
            continue;
        }
        bytes = bytes.saturating_add(object.size.min(LARGEST));
        let wanted = Wanted { months: Some(months), most: most.saturating_sub(files.records.len()) };
        let Some(read) = records(store, &object, wanted, bytes).await? else { continue };
        let version = format!("{}:{}", object.size, object.last_modified.to_rfc3339_opts(SecondsFormat::Secs, true));
        files.take(&object.key, version, read);
    }
    Ok(files)
}

/// The records of a file, or why it cannot be used; nothing if it was removed meanwhile.
async fn records<S: Store>(
    store: &S,
    object: &ObjectSummary,
    wanted: Wanted<'_>,
    bytes_in_sum: u64,
) -> Result<Option<Result<Vec<MeteringRecord>, MeteringFileError>>, StoreError> {
    let key = object.key.as_str();
    let refused =
        |problem: &str| Ok(Some(Err(MeteringFileError { file: key.to_owned(), problems: vec![problem.to_owned()] })));
    let extension = key.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv") if object.size > LARGEST => refused("it is larger than 16 MiB: write one file a month"),
        Some("csv") if bytes_in_sum > LARGEST_SUM => refused(
            "the files before it come to 256 MiB already, which is the most that is read: move files of months that are \
             charged away from metering/",
        ),
        Some("csv") => {
            let Some((bytes, _)) = store.get(key).await? else { return Ok(None) };
            if bytes.starts_with(PARQUET) {
                refused(WRITE_CSV)
            } else {
                Ok(Some(metering_csv::read_wanted(key, &bytes, wanted)))
            }
        }
        Some("parquet") => refused(WRITE_CSV),
        _ => refused("its name does not end in .csv: name it so if it has metering records, or else move it away"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::keys::NOTES_PREFIX;
    use crate::store::memory::MemoryStore;

    const HEADER: &str = "date,gateway,tenant,amount\n";

    fn put(store: &MemoryStore, name: &str, text: String) {
        store.overwrite(&format!("{METERING_PREFIX}{name}"), text.into()).unwrap();
    }

    async fn at_most(store: &MemoryStore, most: usize) -> (usize, Vec<String>) {
        let files = read_at_most(store, &BTreeSet::from(["2026-11".parse().unwrap()]), most).await.unwrap();
        (files.records.len(), files.problems().collect())
    }

    #[tokio::test]
    async fn records_of_all_files_are_counted_in_sum_and_those_of_other_months_are_not_kept() {
        let store = MemoryStore::default();
        let rows = |day: &str, count: usize| format!("{HEADER}{}", format!("{day},g,t,1\n").repeat(count));
        put(&store, "a.csv", rows("2026-11-01", 60));
        put(&store, "b.csv", rows("2026-05-01", 500));
        put(&store, "c.csv", rows("2026-11-02", 41));
        put(&store, "d.csv", rows("2026-11-03", 40));
        let (records, problems) = at_most(&store, 100).await;
        assert_eq!(records, 100, "nothing of a file is used that does not fit, and files after it are");
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        let said = "warning: metering: metering/c.csv is not used: it has more than 40 records, which are the most that can \
                    be used beside those of the files before it: write";
        assert!(problem.starts_with(said), "{problem}");
        assert_eq!(at_most(&store, 101).await.0, 101);
    }

    #[tokio::test]
    async fn what_stands_in_a_file_is_not_echoed_and_many_broken_files_are_few_notes() {
        let store = MemoryStore::default();
        let cell = format!("SECRET{}", "x".repeat(1 << 20));
        for (name, text) in [
            ("a.csv", format!("{HEADER}{cell},g,t,1\n")),
            ("b.csv", format!("{HEADER}2026-11-01,g,t,{cell}\n")),
            ("c.csv", format!("{HEADER}2026-11-01,{cell},t,1\n")),
            ("d.csv", format!("date,{cell}\n")),
        ] {
            put(&store, name, text);
        }
        for file in 0..300 {
            put(&store, &format!("e{file}.csv"), "x\n".to_owned());
        }
        let files = read(&store, &BTreeSet::from(["2026-11".parse().unwrap()])).await.unwrap();
        let problems: Vec<_> = files.problems().collect();
        assert_eq!(problems.len(), 304);
        for problem in &problems {
            assert!(problem.len() < 500, "{} bytes", problem.len());
        }
        assert!(problems.iter().take(3).all(|problem| !problem.contains("SECRET")), "{problems:?}");
        for _ in 0..2 {
            files.tell(&store, "2026-11-20T06:00:00Z".parse().unwrap()).await.unwrap();
            assert_eq!(store.list(NOTES_PREFIX).await.unwrap().len(), TOLD_EACH + 1);
        }
    }
}
