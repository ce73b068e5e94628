//! What the step map costs on a file: `WORST_FILE=DIR/EXPORT cargo test -p spend-pipeline --test worst_files -- --ignored
//! --nocapture` prints its answer, the peak memory of the process and its processor time. The same test of `spend-cur`
//! writes the files.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is its job")]
use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs, process};

use spend_core::bill::line::KeptTags;
use spend_core::errors::fault::Fault as _;
use spend_ledger::state::delivery::PinnedChunk;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;
use spend_ledger::store::directory::DirectoryStore;
use spend_pipeline::ingest;

/// The peak of this process in MB, and its processor time in hundredths of a second.
fn used() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    (kilobytes * 1024 / 1_000_000, ticks)
}

#[tokio::test]
#[ignore = "measures what a file costs: for changes of the reader and its limits"]
async fn a_file_is_mapped_and_measured() {
    let folder = PathBuf::from(env::var_os("WORST_FILE").unwrap());
    let export = Arc::new(DirectoryStore::open(folder).unwrap());
    let ledger = DirectoryStore::open(env::temp_dir().join(format!("worst-{}", process::id()))).unwrap();
    let found = export.list("data/").await.unwrap().pop().unwrap();
    let head = export.head(&found.key).await.unwrap().unwrap();
    let (size, name) = (head.size, head.key.clone());
    let chunk = PinnedChunk { key: head.key, etag: head.etag, size, last_modified: head.last_modified };
    let statement = Statement { export_id: "e".to_owned(), period: "2026-11".parse().unwrap() };
    let mapped = ingest::map(&export, &ledger, &statement, &chunk, &KeptTags::default()).await;
    let (megabytes, hundredths) = used();
    let answer = mapped.map_or_else(|error| format!("{}: {error}", error.kind()), |_| "reduced".to_owned());
    writeln!(stdout(), "{name} ({size} bytes): {megabytes} MB, {hundredths}0 ms: {answer}").unwrap();
}
