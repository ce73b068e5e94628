//! What files that lie cost: memory that is bounded, whatever they claim. One test, alone in its process, because the
//! system counts the peak per process.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, which is its job")]

use std::fs;
use std::future::Future;
use std::io::Write as _;
use std::ops::Range;

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use spend_core::bill::line::KeptTags;
use spend_core::errors::fault::Fault as _;
use spend_cur::bytes::source::{ChunkSource, SourceError};
use spend_cur::chunk;
use spend_cur::error::CurError;
use spend_cur::write::{Compression, FileShape, Row, Value, parquet};

#[path = "../src/chunk/tests/lies.rs"]
mod lies;

use lies::{
    DELTA_BYTE_ARRAY, DELTA_LENGTH, PLAIN, data_page, delta_claim, dictionary_page, footer_alone, nested_schema,
    with_counts, with_entries, with_pages,
};

/// The most that reading any of them may come to, with the file itself and all that a process is.
const MOST: u64 = 200 << 20;

const TEXT: &str = "line_item_product_code";
const TIME: &str = "line_item_usage_start_date";

struct Memory(Bytes);

impl ChunkSource for Memory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        Ok(self.0.slice(usize::try_from(range.start)?..usize::try_from(range.end)?))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn reduce(file: Vec<u8>) -> Result<(), CurError> {
    let source = Memory(file.into());
    block_on(chunk::reduce("a", "2026-11".parse().unwrap(), &KeptTags::default(), source)).map(drop)
}

/// The system's counter of this process's peak, in bytes.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// What the peak was during `call`, if this system lets one ask.
fn measured<T>(call: impl FnOnce() -> T) -> (T, Option<u64>) {
    let is_reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let answer = call();
    (answer, peak().filter(|_| is_reset))
}

/// A file of one Bedrock row after another, without dictionaries.
fn bill(compression: Compression) -> Vec<u8> {
    let start: chrono::DateTime<chrono::Utc> = "2026-11-03T07:00:00Z".parse().unwrap();
    let row = Row::from([
        ("bill_billing_period_start_date", Value::Time("2026-11-01T00:00:00Z".parse().unwrap())),
        (TEXT, "AmazonBedrock".into()),
        ("line_item_line_item_type", "Usage".into()),
        (TIME, start.into()),
        ("line_item_unblended_cost", 0.25.into()),
        ("line_item_currency_code", "USD".into()),
    ]);
    parquet(&vec![row; 40], &FileShape { compression, dictionary: false, ..FileShape::default() }).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Level::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// Two gigabytes of `block`, which has 16 MiB or so, in a member each.
fn two_gigabytes(block: &[u8]) -> Vec<u8> {
    gzip(block).repeat((2 << 30) / block.len())
}

fn zeros() -> Vec<u8> {
    two_gigabytes(&vec![0; 16 << 20])
}

/// Text with a header as AWS writes it, and whatever follows.
fn text(rows: &[u8]) -> Vec<u8> {
    let header = FileShape::default().columns.join(",");
    [gzip(format!("{header}\n").as_bytes()).as_slice(), rows].concat()
}

/// One row that is nobody's, over and over.
fn rows() -> Vec<u8> {
    let row = format!("{}{}\n", "x".repeat(60_000), ",".repeat(FileShape::default().columns.len() - 1));
    two_gigabytes(row.repeat(280).as_bytes())
}

fn pages(compression: Compression, column: &str, pages: &[u8]) -> Vec<u8> {
    with_pages(&bill(compression), column, pages, i64::from(i32::MAX))
}

/// Each file, made when it is its turn, and the kind of error that it ends in.
type Lie = (&'static str, fn() -> Vec<u8>, &'static str);

const LIES: [Lie; 13] = [
    ("a footer that claims 2^31 rows", || with_counts(&bill(Compression::Snappy), 1 << 31, 1 << 31), "export.bomb"),
    (
        "a page of snappy that claims 2 GiB",
        || pages(Compression::Snappy, TEXT, &data_page(i32::MAX, 40, PLAIN, &[0xff, 0xff, 0xff, 0xff, 7, 0])),
        "export.bomb",
    ),
    (
        "a page of gzip that comes to 2 GiB and claims a megabyte",
        || pages(Compression::Gzip, TEXT, &data_page(1 << 20, 40, PLAIN, &zeros())),
        "export.corrupt",
    ),
    (
        "a page of gzip that comes to 2 GiB and says so",
        || pages(Compression::Gzip, TEXT, &data_page(i32::MAX, 40, PLAIN, &zeros())),
        "export.bomb",
    ),
    (
        "a page of zstd that claims 2 GiB",
        || pages(Compression::Zstd, TEXT, &data_page(i32::MAX, 40, PLAIN, &[0])),
        "export.bomb",
    ),
    (
        "a dictionary that claims 2^31 times",
        || pages(Compression::None, TIME, &dictionary_page(12, i32::MAX, &[0; 12])),
        "export.corrupt",
    ),
    (
        "lengths that claim 2^40 values",
        || pages(Compression::None, TEXT, &delta_claim(DELTA_LENGTH, 1 << 40)),
        "export.corrupt",
    ),
    (
        "prefixes that claim 2^40 values",
        || pages(Compression::None, TEXT, &delta_claim(DELTA_BYTE_ARRAY, 1 << 40)),
        "export.corrupt",
    ),
    ("a group that claims 2^31 children", || footer_alone(&nested_schema(2, i32::MAX)), "export.corrupt"),
    ("a million groups in each other", || footer_alone(&nested_schema(1_000_000, 1)), "export.bomb"),
    ("maps of 2^26 entries in 40 rows", || with_entries(&bill(Compression::Snappy), 1 << 26), "export.bomb"),
    ("text of one record of 2 GiB", || text(&zeros()), "export.corrupt"),
    ("text of 2 GiB in a few MB", || text(&rows()), "export.bomb"),
];

#[test]
fn files_that_lie_end_in_an_error_within_bounded_memory() {
    // The measure itself: what is used is seen.
    let (length, seen) = measured(|| std::hint::black_box(vec![1_u8; 256 << 20]).len());
    assert_eq!(length, 256 << 20);
    match seen {
        Some(seen) => assert!(seen > MOST, "a peak of {seen} is seen where {length} bytes were used"),
        None => writeln!(std::io::stderr(), "peak memory is not measured: this system has no /proc to ask").unwrap(),
    }
    for (what, file, kind) in LIES {
        let file = file();
        let (answer, peak) = measured(|| reduce(file));
        let error = answer.expect_err(what);
        if let Some(peak) = peak {
            assert!(peak < MOST, "{what}: {} MiB", peak >> 20);
        }
        assert_eq!(error.kind(), kind, "{what}: {error}");
    }
    reduce(bill(Compression::Gzip)).unwrap();
}
