//! Stored documents that have a table: of a period its facts, of a chunk its bill lines. They are read by column, and a
//! month of a million rows is some ten megabytes.
//!
//! An object begins with a line of plain JSON in a frame that zstd skips: `{"format":"NAME/VERSION","head":BYTES}`. So many
//! bytes of zstd follow: the document without its rows, and the outline of its columns, a line of JSON each. After them comes
//! a zstd frame for each part of a column, in the order of the outline: distinct values as a JSON array, and what each row
//! has of them as little-endian numbers. Each of these frames has a checksum.
//!
//! So an object is zstd from its first byte, and what it decompresses to begins with its format. Releases before there were
//! columns decompress it and say that it was written by a newer release, not that it is damaged.
//!
//! - `outline`: which frames there are, and how long they are;
//! - `frames`: numbers as bytes, and bytes as zstd frames;
//! - `writing`, `reading`: a table as frames, and back.

mod frames;
mod outline;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spend_core::table::field::Field;
use spend_core::table::rows::Table;

use crate::state::columns::ColumnsError;
use crate::state::document::{self, Document, DocumentError, MAX_DECOMPRESSED_BYTES, decode_compressed};
use crate::state::tabular::frames::{Reader, Writer};
use crate::state::tabular::outline::Outline;

/// A document with a table, which its `Serialize` leaves out.
pub trait Tabular: Document {
    /// The fields of its rows.
    type Field: Field;
    /// What earlier versions were: JSON, rows and all.
    type Earlier: Document + TryInto<Self, Error = ColumnsError>;

    fn table(&self) -> &Table<Self::Field>;

    /// The same with these rows.
    fn with_table(self, table: Table<Self::Field>) -> Self;
}

/// What a frame begins with that zstd skips: RFC 8878, 3.1.2. Its length follows, four bytes in little-endian order.
const SKIPPED: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    format: String,
    /// How many bytes of zstd follow.
    head: usize,
}

/// An object whose head is decompressed.
struct Opened<'a> {
    head: Vec<u8>,
    frames: &'a [u8],
}

impl Opened<'_> {
    /// The line of the document, and that of the outline.
    fn lines(&self) -> (&[u8], &[u8]) {
        let end = self.head.iter().position(|byte| *byte == b'\n').map_or(self.head.len(), |end| end + 1);
        self.head.split_at_checked(end).unwrap_or_default()
    }
}

/// The document as bytes. Equal documents give equal bytes as long as the compressor stays the same.
pub fn encode<D: Tabular>(document: &D) -> Result<Bytes, DocumentError> {
    let unwritable = |source| DocumentError::Unwritable { name: D::FORMAT, source };
    let mut writer = Writer::new().map_err(unwritable)?;
    let outline = writing::write(document.table(), &mut writer).map_err(unwritable)?;
    if writer.written() > MAX_DECOMPRESSED_BYTES || outline.rows > reading::MOST_ROWS {
        return Err(DocumentError::TooLargeToWrite { name: D::FORMAT, limit: MAX_DECOMPRESSED_BYTES });
    }
    let mut head = document::encode_line(document)?;
    serde_json::to_writer(&mut head, &outline).map_err(unwritable)?;
    head.push(b'\n');
    let (head, frames) = (writer.compressed(&head).map_err(unwritable)?, writer.into_bytes());
    let opening = Opening { format: format!("{}/{}", D::FORMAT, D::VERSION), head: head.len() };
    let mut line = serde_json::to_vec(&opening).map_err(unwritable)?;
    line.push(b'\n');
    let length = u32::try_from(line.len()).map_err(|error| unwritable(frames::damage(error)))?;
    Ok([&SKIPPED[..], &length.to_le_bytes(), &line, &head, &frames].concat().into())
}

/// Reads the document stored at `key`.
pub fn decode<D: Tabular>(key: &str, bytes: &[u8]) -> Result<D, DocumentError> {
    let Some(opened) = open::<D>(key, bytes)? else {
        return earlier(key, bytes);
    };
    let (document, outline) = opened.lines();
    let document: D = document::decode(key, document)?;
    let damaged = |source| DocumentError::Damaged { key: key.to_owned(), source };
    let outline: Outline = serde_json::from_slice(outline).map_err(damaged)?;
    let reader = Reader::new(opened.frames, MAX_DECOMPRESSED_BYTES);
    Ok(document.with_table(reading::read(&outline, reader).map_err(damaged)?))
}

/// Reads the document stored at `key` without its rows; of an earlier version it may have them.
pub fn decode_head<D: Tabular>(key: &str, bytes: &[u8]) -> Result<D, DocumentError> {
    match open::<D>(key, bytes)? {
        Some(opened) => document::decode(key, opened.lines().0),
        None => earlier(key, bytes),
    }
}

/// Every text in the document stored at `key`, as JSON: what is not a number.
pub fn texts<D: Tabular>(key: &str, bytes: &[u8]) -> Result<Vec<u8>, DocumentError> {
    let Some(mut opened) = open::<D>(key, bytes)? else { return document::decompressed(key, bytes) };
    let damaged = |source| DocumentError::Damaged { key: key.to_owned(), source };
    let outline: Outline = serde_json::from_slice(opened.lines().1).map_err(damaged)?;
    let mut reader = Reader::new(opened.frames, MAX_DECOMPRESSED_BYTES);
    let texts = reading::texts(&outline, &mut reader).map_err(damaged)?;
    opened.head.extend_from_slice(&texts);
    Ok(opened.head)
}

/// Reads a document of an earlier version.
fn earlier<D: Tabular>(key: &str, bytes: &[u8]) -> Result<D, DocumentError> {
    let damaged = |error: ColumnsError| DocumentError::Damaged { key: key.to_owned(), source: frames::damage(error) };
    decode_compressed::<D::Earlier>(key, bytes)?.try_into().map_err(damaged)
}

/// The first line of an object of a version that has one, and what follows it; both are empty where it is cut off.
fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    // The longest first line that this format has.
    const LONGEST: usize = 256;
    // The first builds that stored columns wrote the line without the frame.
    if bytes.starts_with(b"{") {
        let end = bytes.iter().take(LONGEST).position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        return Some(bytes.split_at_checked(end).unwrap_or_default());
    }
    let (length, rest) = bytes.strip_prefix(&SKIPPED)?.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    Some(rest.split_at_checked(length).filter(|_| length <= LONGEST).unwrap_or_default())
}

/// The head of an object of a version that has one.
fn open<'a, D: Tabular>(key: &str, bytes: &'a [u8]) -> Result<Option<Opened<'a>>, DocumentError> {
    let Some((line, rest)) = first_line(bytes) else { return Ok(None) };
    // As of any document: a format that is another, or newer, is told before anything else of it is read.
    document::check_format::<D>(key, line)?;
    let damaged = |source| DocumentError::Damaged { key: key.to_owned(), source };
    let opening: Opening = serde_json::from_slice(line).map_err(damaged)?;
    let cut = || damaged(frames::damage(format!("it ends within the {} bytes of its head", opening.head)));
    let (head, frames) = rest.split_at_checked(opening.head).ok_or_else(cut)?;
    Ok(Some(Opened { head: document::decompressed(key, head)?, frames }))
}
