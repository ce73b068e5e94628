//! The records of gzipped text, one at a time.

use csv_core::{ReadRecordResult, Reader};

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::inflate::Inflated;
use crate::bytes::source::ChunkSource;
use crate::error::CurError;
use crate::limits::{RECORD, RECORD_FIELDS};

/// How much is decompressed at a time.
const BUFFER: usize = 64 * 1024;

/// Reads records; the last one read can be looked at.
pub(crate) struct Records {
    inflated: Inflated,
    buffer: Vec<u8>,
    /// What of the buffer is still to be parsed.
    rest: std::ops::Range<usize>,
    is_ended: bool,
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

    /// Reads the next record; `false` at the end.
    pub(crate) async fn next<S: ChunkSource>(&mut self, chunk: &mut ChunkBytes<'_, S>) -> Result<bool, CurError> {
        let name = chunk.name();
        let corrupt = |reason| CurError::corrupt(name, None, reason);
        let (mut length, mut fields) = (0, 0);
        let mut is_open = false;
        self.fields = 0;
        loop {
            if self.rest.is_empty() && !self.is_ended {
                let length = self.inflated.read(chunk, &mut self.buffer).await?;
                self.is_ended = length == 0;
                self.rest = 0..length;
                if let Some(first) = self.buffer.first_mut().filter(|_| length == 0) {
                    // Closes the last record, unless a quote keeps it open.
                    *first = b'\n';
                    self.rest = 0..1;
                }
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
