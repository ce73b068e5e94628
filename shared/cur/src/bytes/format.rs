//! What a file is, told by its content: after a copy its name may be wrong.

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::describe::Format;
use crate::bytes::source::ChunkSource;
use crate::error::CurError;
use crate::error::foreign::Foreign;
use crate::limits::TAIL;

/// How much of the beginning is looked at.
const HEAD: u64 = 512;

const PARQUET: &[u8] = b"PAR1";
const ENCRYPTED_PARQUET: &[u8] = b"PARE";
const GZIP: &[u8] = &[0x1f, 0x8b];
/// The first file of an archive, or the end of an empty one.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Says how a chunk is written, or why it is none.
pub(crate) async fn sniff<S: ChunkSource>(chunk: &mut ChunkBytes<'_, S>) -> Result<Format, CurError> {
    let name = chunk.name();
    let size = chunk.size();
    let tail = chunk.read_tail(size.saturating_sub(TAIL)).await?;
    // Both magics and the length of the footer. The beginning of a large file is not read for this: it lies far away.
    if size >= 12 && tail.ends_with(PARQUET) {
        return Ok(Format::Parquet);
    }
    let head = match chunk.get(std::slice::from_ref(&(0..size.min(HEAD)))).await?.pop() {
        Some(head) => head,
        None => tail.clone(),
    };
    let foreign = |found| CurError::NotAChunk { file: name.to_owned(), found };
    if head.is_empty() {
        return Err(foreign(Foreign::Empty));
    }
    if head.starts_with(ENCRYPTED_PARQUET) || (head.starts_with(PARQUET) && tail.ends_with(ENCRYPTED_PARQUET)) {
        return Err(foreign(Foreign::EncryptedParquet));
    }
    if head.starts_with(GZIP) {
        return Ok(Format::Csv);
    }
    if head.starts_with(PARQUET) || PARQUET.starts_with(&head) {
        let reason = "it begins as Parquet and ends without a footer, so it was cut off".to_owned();
        return Err(CurError::corrupt(name, None, reason));
    }
    Err(foreign(if is_zip(&head) { Foreign::Zip } else { text(&head) }))
}

fn is_zip(head: &[u8]) -> bool {
    ZIP.into_iter().any(|magic| head.starts_with(magic))
}

/// Whether decompressed bytes are a file of another kind instead of text.
pub(crate) fn is_wrapped(head: &[u8]) -> bool {
    head.starts_with(PARQUET) || head.starts_with(GZIP) || is_zip(head)
}

/// What kind of text the beginning is of, if it is one.
fn text(head: &[u8]) -> Foreign {
    // A character may be cut off at the end.
    let valid = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return Foreign::Unknown,
    };
    if valid.chars().any(|char| char.is_control() && !char.is_ascii_whitespace()) {
        return Foreign::Unknown;
    }
    match valid.trim_start_matches('\u{feff}').trim_start().chars().next() {
        Some('<') => Foreign::Page,
        Some('{' | '[') => Foreign::Json,
        _ => Foreign::Text,
    }
}
