//! The records of gzipped text, one at a time: passed over, or read by `csv_core`.

use csv_core::{ReadRecordResult, Reader};

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::inflate::Inflated;
use crate::bytes::source::ChunkSource;
use crate::csv_file::telling::{Glance, Telling};
use crate::error::CurError;
use crate::limits::{RECORD, RECORD_FIELDS};

/// How much is decompressed at a time.
const BUFFER: usize = 128 * 1024;

/// Reads records; the last one read can be looked at.
pub(crate) struct Records {
    inflated: Inflated,
    buffer: Vec<u8>,
    /// What of the buffer is still to be parsed.
    rest: std::ops::Range<usize>,
    is_ended: bool,
    /// Why there is no more than what is in the buffer.
    failure: Option<CurError>,
    parser: Reader,
    record: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    line: u64,
}

impl Records {
    pub(crate) fn new() -> Self {
        Self {
            inflated: Inflated::new(),
            buffer: vec![0; BUFFER],
            rest: 0..0,
            is_ended: false,
            failure: None,
            parser: Reader::new(),
            record: vec![0; BUFFER],
            ends: vec![0; RECORD_FIELDS],
            fields: 0,
            line: 1,
        }
    }

    /// How many fields the record has.
    pub(crate) fn fields(&self) -> usize {
        self.fields
    }

    /// The line on which the record begins, counted from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// A field of the record; empty if there is none.
    pub(crate) fn field(&self, index: usize) -> &[u8] {
        let ends = self.ends.get(..self.fields).unwrap_or_default();
        let start = index.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied());
        let bytes = start.zip(ends.get(index)).and_then(|(start, end)| self.record.get(start..*end));
        bytes.unwrap_or_default()
    }

    /// Passes over the next record if it plainly is not Bedrock's; `false` if there is none that is, so that the next one
    /// has to be read.
    pub(crate) async fn pass_over<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        telling: &mut Telling,
    ) -> Result<bool, CurError> {
        loop {
            self.skip_line_ends();
            match telling.glance(self.buffer.get(self.rest.clone()).unwrap_or_default()) {
                Glance::Other { length, line_feeds } => {
                    self.rest.start += length;
                    self.parser.set_line(self.parser.line() + line_feeds);
                    return Ok(true);
                }
                Glance::Open if !self.is_ended && self.rest.len() < self.buffer.len() => self.fill(chunk).await?,
                Glance::Open | Glance::Unclear => return Ok(false),
            }
        }
    }

    /// Reads the next record; `false` at the end.
    pub(crate) async fn next<S: ChunkSource>(&mut self, chunk: &mut ChunkBytes<'_, S>) -> Result<bool, CurError> {
        let name = chunk.name();
        let corrupt = |reason| CurError::corrupt(name, None, reason);
        let (mut length, mut fields) = (0, 0);
        let mut is_open = false;
        self.fields = 0;
        loop {
            if self.rest.is_empty() && !self.is_ended {
                self.fill(chunk).await?;
            }
            if !is_open {
                self.skip_line_ends();
                self.line = self.parser.line();
                if self.rest.is_empty() {
                    if self.is_ended {
                        return Ok(false);
                    }
                    continue;
                }
            } else if self.rest.is_empty() {
                let line = self.line;
                return Err(corrupt(format!("a quote in the record that begins on line {line} is never closed")));
            }
            let input = self.buffer.get(self.rest.clone()).unwrap_or_default();
            let output = self.record.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(fields..).unwrap_or_default();
            let (result, read, written, ended) = self.parser.read_record(input, output, ends);
            is_open = true;
            self.rest.start += read;
            length += written;
            fields += ended;
            let line = self.line;
            match result {
                ReadRecordResult::Record => {
                    self.fields = fields;
                    return Ok(true);
                }
                ReadRecordResult::OutputFull if self.record.len() >= RECORD => {
                    let limit = RECORD / 1024 / 1024;
                    return Err(corrupt(format!("the record that begins on line {line} is longer than {limit} MiB")));
                }
                ReadRecordResult::OutputFull => self.record.resize(self.record.len().saturating_mul(2), 0),
                ReadRecordResult::OutputEndsFull => {
                    let reason = format!("the record that begins on line {line} has more than {RECORD_FIELDS} fields");
                    return Err(corrupt(reason));
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
    }

    /// Fills the buffer behind what is left in it, as far as there is more.
    async fn fill<S: ChunkSource>(&mut self, chunk: &mut ChunkBytes<'_, S>) -> Result<(), CurError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let left = self.rest.len();
        self.buffer.copy_within(self.rest.clone(), 0);
        self.rest = 0..left;
        while !self.is_ended {
            let free = self.buffer.get_mut(self.rest.end..).unwrap_or_default();
            if free.is_empty() {
                break;
            }
            match self.inflated.read(chunk, free).await {
                Ok(0) => {
                    // Closes the last record, unless a quote keeps it open.
                    free.iter_mut().take(1).for_each(|byte| *byte = b'\n');
                    self.rest.end += 1;
                    self.is_ended = true;
                }
                Ok(length) => self.rest.end += length,
                // The records before it come first.
                Err(failure) if self.rest.end > left => {
                    self.failure = Some(failure);
                    break;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Skips what is between records: the second half of a line's end, and empty lines.
    fn skip_line_ends(&mut self) {
        let input = self.buffer.get(self.rest.clone()).unwrap_or_default();
        let skipped = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let (count, lines) =
            skipped.fold((0, 0), |(count, lines), byte| (count + 1, lines + u64::from(*byte == b'\n')));
        self.rest.start += count;
        self.parser.set_line(self.parser.line() + lines);
    }
}
