//! A chunk's bytes as the decoder asks for them: in few reads, none of them twice.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::bytes::source::ChunkSource;
use crate::error::CurError;
use crate::limits::FREELY;

/// Ranges closer than this are read as one: a request costs more time than these bytes do. S3 begins to answer after some
/// 30 ms, in which a function reads about as much.
const GAP: u64 = 1280 * 1024;

/// But nothing larger than this part of what is wanted is read along, nor anything that is larger than this.
const PART_OF_WANTED: u64 = 8;
pub(crate) const SMALL_GAP: u64 = 32 * 1024;

/// So many ranges are read at a time.
const AT_A_TIME: usize = 4;

pub(crate) struct ChunkBytes<'a, S> {
    name: &'a str,
    source: S,
    /// What was read before the first row group: the end of the file, with the footer.
    tail: Option<(u64, Bytes)>,
    /// What was read for the current row group, sorted by where it starts.
    kept: Vec<(u64, Bytes)>,
    /// Whether reading may take all the memory that there is for one chunk.
    is_grown: bool,
}

impl<'a, S: ChunkSource> ChunkBytes<'a, S> {
    pub(crate) fn new(name: &'a str, source: S) -> Self {
        Self { name, source, tail: None, kept: Vec::new(), is_grown: false }
    }

    /// The chunk's key.
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    pub(crate) fn size(&self) -> u64 {
        self.source.size()
    }

    /// Reads the chunk from `start` to its end and keeps it for as long as the chunk is read.
    pub(crate) async fn read_tail(&mut self, start: u64) -> Result<Bytes, CurError> {
        let range = start..self.size();
        if let Some(bytes) = self.find(&range) {
            return Ok(bytes);
        }
        let bytes = self.read(range).await?;
        self.tail = Some((start, bytes.clone()));
        Ok(bytes)
    }

    /// The bytes of `ranges`, each within the chunk, in that order.
    pub(crate) async fn get(&mut self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, CurError> {
        let mut wanted: Vec<_> = ranges.iter().filter(|range| self.find(range).is_none()).cloned().collect();
        wanted.sort_unstable_by_key(|range| range.start);
        let length = wanted.iter().map(|range| range.end.saturating_sub(range.start)).fold(0, u64::saturating_add);
        let gap = (length / PART_OF_WANTED).clamp(SMALL_GAP, GAP);
        let mut reads: Vec<Range<u64>> = Vec::new();
        for range in wanted {
            match reads.last_mut() {
                Some(last) if range.start.saturating_sub(last.end) <= gap => last.end = last.end.max(range.end),
                _ => reads.push(range),
            }
        }
        let starts: Vec<_> = reads.iter().map(|range| range.start).collect();
        let read: Vec<Bytes> =
            stream::iter(reads).map(|range| self.read(range)).buffered(AT_A_TIME).try_collect().await?;
        self.kept.extend(starts.into_iter().zip(read));
        let missing = |range: &Range<u64>| {
            CurError::corrupt(self.name, None, format!("bytes {}..{} are not in the file", range.start, range.end))
        };
        ranges.iter().map(|range| self.find(range).ok_or_else(|| missing(range))).collect()
    }

    /// The bytes of `range`, which are not kept.
    pub(crate) async fn read_once(&mut self, range: Range<u64>) -> Result<Bytes, CurError> {
        match self.find(&range) {
            Some(bytes) => Ok(bytes),
            None => self.read(range).await,
        }
    }

    /// Called before reading takes so many bytes of memory. If that is a lot, it waits while another chunk takes a lot.
    pub(crate) async fn grow(&mut self, bytes: u64) {
        if bytes > FREELY && !self.is_grown {
            self.source.grow().await;
            self.is_grown = true;
        }
    }

    /// Whether `range` was read and is kept.
    pub(crate) fn has(&self, range: &Range<u64>) -> bool {
        self.find(range).is_some()
    }

    /// Forgets what was read but for what has something of `ranges`.
    pub(crate) fn forget_all_but(&mut self, ranges: &[Range<u64>]) {
        self.kept.retain(|(start, bytes)| {
            let end = start.saturating_add(bytes.len() as u64);
            ranges.iter().any(|range| range.start < end && *start < range.end)
        });
    }

    /// Forgets what was read for a row group.
    pub(crate) fn release(&mut self) {
        self.kept.clear();
    }

    fn find(&self, range: &Range<u64>) -> Option<Bytes> {
        self.tail.iter().chain(&self.kept).find_map(|(start, bytes)| {
            let from = usize::try_from(range.start.checked_sub(*start)?).ok()?;
            let to = usize::try_from(range.end.checked_sub(*start)?).ok()?;
            (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
        })
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, CurError> {
        let failed = |range, source| CurError::Source { file: self.name.to_owned(), range, source };
        let bytes = match self.source.read(range.clone()).await {
            Ok(bytes) => bytes,
            Err(source) => return Err(failed(range, source)),
        };
        if u64::try_from(bytes.len()) != Ok(range.end - range.start) {
            let short = format!("the answer has {} bytes", bytes.len());
            return Err(failed(range, short.into()));
        }
        Ok(bytes)
    }
}
