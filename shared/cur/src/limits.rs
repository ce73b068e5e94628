//! What a file of an export may come to. Whoever can put an object beside an export chooses what is in it, and a file of a
//! kilobyte can claim billions of rows: each limit is far above what AWS writes, and together they bound the memory and
//! the time that reading takes, whatever the file says. How long a text may be is said in [`spend_core::bill::line::limits`].
//!
//! AWS's own files that were seen have up to 130 thousand rows in one row group, in 12 bytes a row; chunks of a few million
//! rows and a thousand row groups are allowed for. Tools that copy exports (Spark, DuckDB, Arrow) write a million rows or
//! 128 MB in a row group.

use crate::error::CurError;

/// One in binary thousands.
const MI: u64 = 1024 * 1024;

/// The most that reading one file may hold in memory at a time, by estimate: the footer, the columns of a row group as
/// they lie in the file, a page and a dictionary of each, a batch of rows, and what was kept of the rows so far. With what
/// a process is and what an allocator wastes, `ingest` stays below 600 MB.
pub(crate) const MEMORY: u64 = 512 * MI;

/// Up to so much memory several files are read at a time; whatever takes more is read beside none that does.
pub(crate) const FREELY: u64 = 96 * MI;

/// How much of the end of a file is read at first: the footer of 131 columns and one row group takes 20 KB, of ten 150 KB.
pub(crate) const TAIL: u64 = 64 * 1024;

/// How many rows are decoded at a time, unless they are uncommonly large.
pub(crate) const BATCH: usize = 8192;

/// The most rows of a file: ten times AWS's largest. A Bedrock row takes some microseconds.
pub(crate) const ROWS: u64 = 32 * MI;

/// The most rows of a file for each of its bytes, and how many are always fine. AWS writes 12 bytes for a row: what is
/// fifty times smaller is not a bill but one row said over and over.
const ROWS_A_BYTE: u64 = 4;
const ROWS_ALWAYS_FINE: u64 = 2 * MI;

/// The most row groups.
pub(crate) const ROW_GROUPS: usize = 10_000;

/// The most column chunks in all row groups: two thousand row groups of CUR 2.0.
pub(crate) const COLUMN_CHUNKS: usize = 1 << 18;

/// The most elements in a schema. CUR 2.0 has 131 columns, and every tag can be one more.
pub(crate) const SCHEMA_ELEMENTS: usize = 20_000;

/// The most bytes that it takes, with all names, of which the decoder makes several copies.
pub(crate) const SCHEMA_BYTES: usize = 4 * 1024 * 1024;

/// How deep groups may lie in each other. A map's text lies three deep.
pub(crate) const SCHEMA_DEPTH: usize = 32;

/// The largest footer. That of 131 columns takes 15 KB a row group.
pub(crate) const FOOTER: usize = 32 * 1024 * 1024;

/// The most values in a column chunk: the most rows that Arrow's writer puts in one.
pub(crate) const VALUES: i64 = 64 * 1024 * 1024;

/// The most entries in a column chunk of maps that has `rows` rows. They may all be of one row, which the decoder takes
/// whole.
pub(crate) fn entries(rows: i64) -> i64 {
    const ALWAYS_FINE: i64 = 1 << 20;
    rows.saturating_mul(1024).saturating_add(ALWAYS_FINE).min(VALUES)
}

/// The largest page. Writers end a page at about 1 MB; AWS's largest hold a few, DuckDB's up to 100.
pub(crate) const PAGE: usize = 128 * 1024 * 1024;

/// The most values of one dictionary: writers end one at 1 MB, which at least 4 bytes of each value go into.
pub(crate) const DICTIONARY_VALUES: usize = 1024 * 1024;

/// The most runs of Bedrock rows in a row group. AWS's rows of one product stand together, some 14 in a run.
const RUNS: usize = 1024 * 1024;

/// What a run of Bedrock rows takes in memory, as it is found and as the decoder is told of it. Measured.
pub(crate) const BYTES_A_RUN: u64 = 88;

/// What a file may decompress to, in sum over the columns that are read of all its row groups: so many times its size, at
/// least so much, and never more than so much. AWS's text comes to about ten times its size.
pub(crate) const RATIO: u64 = 200;
pub(crate) const DECODED_ALWAYS_FINE: u64 = 64 * MI;
pub(crate) const DECODED: u64 = 32 * 1024 * MI;

/// The longest record of text in bytes without quotes, and the most of its fields. A row with a thousand tags has some
/// hundred thousand bytes.
pub(crate) const RECORD: usize = 4 * 1024 * 1024;
pub(crate) const RECORD_FIELDS: usize = 8192;

/// What the buffers of a reader of text take: a record, the rows that are looked at together, and what they become.
pub(crate) const TEXT_BUFFERS: u64 = 48 * MI;

/// Refuses a file of `size` bytes that has more rows than are read.
pub(crate) fn check_rows(file: &str, size: u64, rows: u64) -> Result<(), CurError> {
    let most = size.saturating_mul(ROWS_A_BYTE).clamp(ROWS_ALWAYS_FINE, ROWS);
    if rows <= most {
        return Ok(());
    }
    let reason = if most == ROWS {
        format!("it claims {rows} rows, and at most {ROWS} are read")
    } else {
        format!("it claims {rows} rows in a file of {size} bytes, and at most {most} are read of a file so small")
    };
    Err(CurError::oversized(file, None, reason))
}

/// Refuses a row group whose Bedrock rows stand in more runs than are kept.
pub(crate) fn check_runs(file: &str, row_group: usize, runs: usize) -> Result<(), CurError> {
    if runs <= RUNS {
        return Ok(());
    }
    let reason = format!("its Bedrock rows stand in more than {RUNS} runs");
    Err(CurError::oversized(file, row_group, reason))
}

/// What a file of `size` bytes may decompress to.
pub(crate) fn decoded(size: u64) -> u64 {
    size.saturating_mul(RATIO).clamp(DECODED_ALWAYS_FINE, DECODED)
}
