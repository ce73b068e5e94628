//! Reads chunks from files, in a process of its own that `make bench` measures, and says what it took to read them.
//!
//! - `reading read YYYY-MM FILE…` reduces each chunk, as `ingest` does;
//! - `reading floor COLUMNS FILE…` reads and decompresses the column chunks of these columns (`NAME,NAME`, or `read`: all
//!   that the reader plans to read), and looks at nothing in them; a CSV file it inflates;
//! - `reading nothing` starts and ends.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench is a test: it prints, and what fails it panics"
)]

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf as _, Bytes};
use flate2::read::MultiGzDecoder;
use parquet::column::page::PageReader as _;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use serde_json::json;
use spend_core::bill::line::KeptTags;
use spend_core::bill::reduction::Reduction;
use spend_cur::bytes::source::{ChunkSource, SourceError};
use spend_cur::chunk;

/// What was asked of files, and what came of it.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    bytes: AtomicU64,
    rows: u64,
    bedrock_rows: u64,
    lines: usize,
}

/// A file that is read by range, as S3 is.
struct FileSource {
    file: File,
    size: u64,
    counts: Arc<Counts>,
}

impl FileSource {
    fn open(path: &Path, counts: &Arc<Counts>) -> Self {
        let file = File::open(path).unwrap();
        let size = file.metadata().unwrap().len();
        Self { file, size, counts: Arc::clone(counts) }
    }

    fn range(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
        self.file.read_exact_at(&mut bytes, range.start)?;
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(range.end - range.start, Ordering::Relaxed);
        Ok(bytes.into())
    }
}

impl ChunkSource for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        self.range(range)
    }
}

/// How many lines a reduction has: all that is asked of what it holds.
fn lines(reduction: &Reduction) -> usize {
    reduction.lines.len()
}

fn read(period: &str, paths: &[String]) -> Counts {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (counts, kept) = (Arc::new(Counts::default()), KeptTags::default());
    let (mut rows, mut bedrock_rows, mut found) = (0, 0, 0);
    for path in paths {
        let source = FileSource::open(Path::new(path), &counts);
        let reduction = runtime.block_on(chunk::reduce(path, period.parse().unwrap(), &kept, source)).unwrap();
        rows += reduction.counts.rows;
        bedrock_rows += reduction.counts.bedrock_rows;
        found += lines(&reduction);
    }
    Counts { rows, bedrock_rows, lines: found, ..Arc::into_inner(counts).unwrap() }
}

/// The bytes of one column chunk, where they stand in the file.
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(self.bytes.slice(usize::try_from(start - self.start).unwrap()..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let start = usize::try_from(start - self.start).unwrap();
        Ok(self.bytes.slice(start..start + length))
    }
}

/// Decompresses every page of a column chunk; answers their bytes, so that nobody finds them unused.
fn decompress(source: &FileSource, column: &ColumnChunkMetaData, rows: usize) -> usize {
    let (start, length) = column.byte_range();
    let bytes = source.range(start..start + length).unwrap();
    let mut pages = SerializedPageReader::new(Arc::new(Chunk { start, bytes }), column, rows, None).unwrap();
    let mut size = 0;
    while let Some(page) = pages.get_next_page().unwrap() {
        size += page.buffer().len();
    }
    size
}

/// The columns that the reader plans to read.
fn planned(path: &str, counts: &Arc<Counts>) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let described = runtime.block_on(chunk::describe(path, FileSource::open(Path::new(path), counts))).unwrap();
    described.columns.into_iter().filter(|column| column.is_read).map(|column| column.name).collect()
}

fn floor(wanted: &str, paths: &[String]) -> Counts {
    let counts = Arc::new(Counts::default());
    let (mut rows, mut size) = (0, 0);
    for path in paths {
        let source = FileSource::open(Path::new(path), &counts);
        if Path::new(path).extension().is_some_and(|extension| extension == "gz") {
            size += inflate(&source);
            continue;
        }
        let columns = match wanted {
            "read" => planned(path, &Arc::default()),
            names => names.split(',').map(str::to_owned).collect(),
        };
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&source.file).unwrap();
        for group in metadata.row_groups() {
            let all = usize::try_from(group.num_rows()).unwrap();
            rows += all as u64;
            for column in group.columns() {
                if columns.iter().any(|name| column.column_path().parts().first() == Some(name)) {
                    size += decompress(&source, column, all);
                }
            }
        }
        drop(source);
    }
    assert!(size > 0, "no column is called {wanted}");
    Counts { rows, ..Arc::into_inner(counts).unwrap() }
}

fn inflate(source: &FileSource) -> usize {
    source.counts.requests.fetch_add(1, Ordering::Relaxed);
    source.counts.bytes.fetch_add(source.size, Ordering::Relaxed);
    let mut text = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, &source.file));
    let mut piece = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match text.read(&mut piece).unwrap() {
            0 => return size,
            read => size += read,
        }
    }
}

/// The most bytes that the process ever had in memory, if the system says so.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn main() {
    // Cargo says that it is a bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let counts = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["read", period, _, ..] => read(period, arguments.get(2..).expect("files")),
        ["floor", columns, _, ..] => floor(columns, arguments.get(2..).expect("files")),
        ["nothing"] => Counts::default(),
        _ => {
            println!("usage: reading read YYYY-MM FILE… | floor COLUMNS FILE… | nothing; `make bench` runs it");
            return;
        }
    };
    println!(
        "{}",
        json!({
            "rows": counts.rows,
            "bedrock_rows": counts.bedrock_rows,
            "lines": counts.lines,
            "bytes": counts.bytes.into_inner(),
            "requests": counts.requests.into_inner(),
            "peak": peak(),
        })
    );
}
