//! Files of an export: Parquet, and CSV that is compressed.

use std::io::Write as _;
use std::ops::Range;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use spend_core::bill::line::KeptTags;
use spend_core::bill::reduction::Reduction;
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;
use spend_cur::bytes::source::{ChunkSource, SourceError};
use spend_cur::chunk::{describe, reduce, visit};
use spend_cur::error::CurError;
use spend_cur::rows::bill_row::BillRow;

/// A file in memory.
#[derive(Clone)]
pub(crate) struct File(pub(crate) Bytes);

impl ChunkSource for File {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let (start, end) = (usize::try_from(range.start)?, usize::try_from(range.end)?);
        // Whoever asks for more than there is has not checked what the file says.
        assert!(start <= end && end <= self.0.len(), "{range:?} of a file of {} bytes is asked for", self.0.len());
        Ok(self.0.slice(start..end))
    }
}

/// The period that the files are of.
pub(crate) fn november() -> BillingPeriod {
    "2026-11".parse().unwrap_or_else(|_| panic!("2026-11 is a period"))
}

/// What is kept of tags beside what always is.
pub(crate) fn kept() -> KeptTags {
    KeptTags::new(["resourceTags/team"])
}

/// What a file comes to.
pub(crate) fn read(name: &str, file: &File) -> Result<Reduction, CurError> {
    futures::executor::block_on(reduce(name, november(), &kept(), file.clone()))
}

/// A file is read or refused; rows one by one come to what rows that are summed come to.
fn chunk(name: &str, file: File) {
    let _ = futures::executor::block_on(describe(name, file.clone()));
    let reduced = read(name, &file);
    let mut sum = Some(Decimal::ZERO);
    let mut rows = 0;
    let kept = kept();
    let mut add = |row: BillRow| {
        rows += 1;
        sum = sum.and_then(|sum| sum.checked_add(row.measures.unblended_cost));
        Ok(())
    };
    let visited = futures::executor::block_on(visit(name, november(), &kept, file, &mut add));
    match (reduced, visited) {
        (Ok(reduced), Ok(counts)) => {
            assert_eq!(reduced.counts.bedrock_rows, rows, "rows one by one are other rows");
            assert_eq!(reduced.counts.rows, counts.rows, "rows one by one are other rows");
            let total =
                reduced.lines.rows().try_fold(Decimal::ZERO, |total, line| total.checked_add(line.unblended_cost()));
            assert_eq!(total, sum, "lines come to another sum than rows");
        }
        // What is summed may be too much where what is looked at row by row is not.
        (Err(_), _) => {}
        (Ok(_), Err(error)) => panic!("rows that were summed are refused one by one: {error}"),
    }
}

/// A Parquet file.
pub fn parquet_chunk(input: &[u8]) {
    chunk("bill-00001.snappy.parquet", File(Bytes::copy_from_slice(input)));
}

/// A compressed file as it lies in the export.
pub fn gzip_chunk(input: &[u8]) {
    chunk("bill-00001.csv.gz", File(Bytes::copy_from_slice(input)));
}

/// The text in a compressed file.
pub fn csv_chunk(input: &[u8]) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let compressed = encoder.write_all(input).and_then(|()| encoder.finish()).unwrap_or_default();
    chunk("bill-00001.csv.gz", File(compressed.into()));
}
