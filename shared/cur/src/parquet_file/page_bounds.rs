//! Column chunks checked page by page before the decoder has them, which allocates what a page's header says.
//!
//! A header may say 2 GiB of a page of ten bytes, and a page compressed with gzip may come to more than its header
//! says. A file of a few bytes must not cost gigabytes, nor end the process because they are not there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parquet::arrow::ProjectionMask;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::source::ChunkSource;
use crate::error::CurError;
use crate::limits::{self, BATCH};
use crate::parquet_file::footer::path_of;
use crate::parquet_file::page_sizes::{Sizes, look_through, walk};
use crate::parquet_file::unfit::Unfit;

/// What a batch of rows should come to; a smaller number of rows is decoded at a time where it would be more.
const BATCH_BYTES: u64 = 32 * 1024 * 1024;

/// The fewest rows that are decoded at a time.
const FEWEST_ROWS: usize = 32;

/// What decoding columns of a row group takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// How much memory.
    pub(crate) bytes: u64,
    /// How many rows are to be decoded at a time.
    pub(crate) batch: usize,
}

/// The column chunks of a file, row group by row group, of which each is checked once.
pub(crate) struct PageBounds {
    checked: HashMap<usize, Sizes>,
    /// What all pages came to so far.
    decoded: u64,
    /// How much memory may be used.
    memory: u64,
}

impl PageBounds {
    /// For a file whose reading may use so many bytes of memory.
    pub(crate) fn within(memory: u64) -> Self {
        Self { checked: HashMap::new(), decoded: 0, memory }
    }

    /// Goes on to the next row group.
    pub(crate) fn next_row_group(&mut self) {
        self.checked.clear();
    }

    /// What all pages came to so far.
    pub(crate) fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Notes what all pages came to, those of a row group that was read without [`PageBounds::check`] among them.
    pub(crate) fn set_decoded(&mut self, decoded: u64) {
        self.decoded = decoded;
    }

    /// Checks the column chunks of `columns` that `projection` asks for. They are read for it, and kept. `held` is how much
    /// memory is used already.
    pub(crate) async fn check<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        row_group: usize,
        columns: &[ColumnChunkMetaData],
        projection: &ProjectionMask,
        held: u64,
    ) -> Result<Needs, CurError> {
        let name = chunk.name();
        let (size, memory) = (chunk.size(), self.memory);
        let oversized = |reason| CurError::oversized(name, row_group, reason);
        let asked = || columns.iter().enumerate().filter(|(leaf, _)| projection.leaf_included(*leaf));
        let ranges: Vec<_> = asked()
            .map(|(_, column)| {
                let (start, length) = column.byte_range();
                start..start.saturating_add(length)
            })
            .collect();
        let compressed = ranges.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
        // While a range arrives, the store may hold it twice: its parts, and the whole.
        if compressed.saturating_mul(2).saturating_add(held) > memory {
            return Err(oversized(format!(
                "the columns that are read take {compressed} bytes of the file, and twice that while they arrive; at most \
                 {memory} may be held at a time, and {held} are in use"
            )));
        }
        chunk.grow(compressed.saturating_mul(2).saturating_add(held)).await;
        let column_bytes = chunk.get(&ranges).await?;
        // A row group is read twice, first to find Bedrock rows and then to read them: what a column chunk comes to is found
        // and counted the first time.
        let mut read = Vec::new();
        for ((leaf, column), bytes) in asked().zip(column_bytes) {
            let sizes = match self.checked.entry(leaf) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => {
                    let unfit = |unfit: Unfit| unfit.of_column(&path_of(column)).into_error(name, Some(row_group));
                    let mut sizes = walk(column, &bytes).map_err(unfit)?;
                    self.decoded = self.decoded.saturating_add(sizes.total);
                    let (most, total) = (limits::decoded(size), self.decoded);
                    if total > most {
                        return Err(oversized(format!(
                            "the columns that are read come to {total} bytes so far in a file of {size}, and at most {most} are read"
                        )));
                    }
                    look_through(column, &bytes, &mut sizes).map_err(unfit)?;
                    *unknown.insert(sizes)
                }
            };
            read.push(sizes);
        }
        let of_batch = |rows| read.iter().map(|sizes| sizes.batch(rows)).fold(0, u64::saturating_add);
        // Few rows are decoded at a time where they are large. Rows so large that even the smallest batch does not fit are
        // refused below.
        let mut batch = BATCH;
        while batch > FEWEST_ROWS && of_batch(batch) > BATCH_BYTES {
            batch /= 2;
        }
        let fixed = read.iter().map(Sizes::held).fold(0, u64::saturating_add);
        let needed = fixed.saturating_add(of_batch(batch));
        if needed.saturating_add(held) > memory {
            let of_rows = of_batch(batch);
            return Err(oversized(format!(
                "the columns that are read, with a dictionary and a page of each, take {fixed} bytes and a batch of rows \
                 {of_rows}; at most {memory} may be held at a time, and {held} are in use"
            )));
        }
        chunk.grow(needed.saturating_add(held)).await;
        Ok(Needs { bytes: needed, batch })
    }
}
