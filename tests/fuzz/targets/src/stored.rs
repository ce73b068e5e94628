//! Objects of a ledger: read or refused, never a panic; and what was read, written again and read is the same.

use spend_ledger::formats::Formats;
use spend_ledger::state::document::{Document, decode, decode_compressed, encode};
use spend_ledger::state::tabular::{self, Tabular};
use spend_pipeline::formats;

const KEY: &str = "state/fuzzed";

/// An object as JSON, of whichever format it says it is.
pub fn stored(input: &[u8]) {
    formats::each(&mut Json(input));
}

/// An object with a table: the opening line, and after it the frames, compressed as they lie there, or, where the first
/// byte is odd, as texts with a length before each, which are compressed here: what damages a frame is found by its
/// checksum, and never gets any further.
pub fn stored_table(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else { return };
    if how % 2 == 0 {
        return formats::each(&mut Tables(rest));
    }
    let mut pieces = Vec::new();
    let mut rest = rest;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (piece, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length))).unwrap_or((after, &[]));
        pieces.push(piece);
        rest = after;
    }
    let Some((name, pieces)) = pieces.split_first() else { return };
    let frames: Vec<_> = pieces.iter().map(|piece| zstd::bulk::compress(piece, 1).unwrap_or_default()).collect();
    let head = frames.first().map_or(0, Vec::len);
    let name = String::from_utf8_lossy(name);
    let opening = serde_json::json!({ "format": name, "head": head });
    let mut bytes = opening.to_string().into_bytes();
    bytes.push(b'\n');
    for frame in &frames {
        bytes.extend_from_slice(frame);
    }
    formats::each(&mut Tables(&bytes));
}

struct Json<'a>(&'a [u8]);

impl Formats for Json<'_> {
    fn format<D: Document>(&mut self) {
        let _ = decode_compressed::<D>(KEY, self.0);
        let Ok(document) = decode::<D>(KEY, self.0) else { return };
        let written = encode(&document).unwrap_or_else(|error| panic!("what was read cannot be written: {error}"));
        let again =
            decode::<D>(KEY, &written).unwrap_or_else(|error| panic!("what was written cannot be read: {error}"));
        assert_eq!(encode(&again).ok(), Some(written), "what was written is read as something else");
    }

    fn tabular<D: Tabular>(&mut self) {
        let _ = tabular::decode::<D>(KEY, self.0);
        // What earlier releases wrote is JSON with its rows in it.
        if let Ok(compressed) = zstd::bulk::compress(self.0, 1) {
            Tables(&compressed).tabular::<D>();
        }
    }
}

struct Tables<'a>(&'a [u8]);

impl Formats for Tables<'_> {
    fn format<D: Document>(&mut self) {}

    fn tabular<D: Tabular>(&mut self) {
        let _ = (tabular::decode_head::<D>(KEY, self.0), tabular::texts::<D>(KEY, self.0));
        let Ok(document) = tabular::decode::<D>(KEY, self.0) else { return };
        let written =
            tabular::encode(&document).unwrap_or_else(|error| panic!("what was read cannot be written: {error}"));
        let again = tabular::decode::<D>(KEY, &written)
            .unwrap_or_else(|error| panic!("what was written cannot be read: {error}"));
        assert_eq!(again.table().len(), document.table().len(), "what was written has other rows");
        assert_eq!(tabular::encode(&again).ok(), Some(written), "what was written is read as something else");
    }
}
