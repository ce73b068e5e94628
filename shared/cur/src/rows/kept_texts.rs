//! What is kept of a chunk's Bedrock rows: each text and each set of tags once, none of them too long. How much memory
//! that takes is counted, because callers of Bedrock choose how many there are.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use spend_core::bill::line::Interner;
use spend_core::bill::line::limits::{self, MOST_ENTRIES, TooLong};
use spend_core::table::tags::Tags;

/// What a text takes besides its bytes: two counters, what the allocator rounds up, and its places in hash tables here and
/// where lines are summed. Measured with a million texts.
const BYTES_A_TEXT: u64 = 144;

/// What a set of tags takes, and each entry of it beyond what one node of a B-tree holds.
const BYTES_A_SET: u64 = 560;
const BYTES_AN_ENTRY: u64 = 80;
const ENTRIES_A_NODE: u64 = 11;

/// A value of a row that is refused: its column, and why.
pub(crate) struct Refused {
    pub(crate) column: String,
    pub(crate) reason: String,
}

impl Refused {
    /// For texts of `column`.
    pub(crate) fn of(column: &str) -> impl Fn(TooLong) -> Self {
        move |reason| Self { column: column.to_owned(), reason: reason.to_string() }
    }
}

/// Refuses a map of a row that has too many entries.
pub(crate) fn check_entries(column: &str, entries: &Range<usize>) -> Result<(), Refused> {
    if entries.len() <= MOST_ENTRIES {
        return Ok(());
    }
    Err(Refused { column: column.to_owned(), reason: too_many_entries() })
}

/// What is said of a map of so many entries.
pub(crate) fn too_many_entries() -> String {
    format!("has more than {MOST_ENTRIES} entries in one row, and no more are read")
}

/// The texts and sets of tags.
#[derive(Default)]
pub(crate) struct KeptTexts {
    texts: Interner,
    sets: HashSet<Arc<Tags>>,
    bytes: u64,
}

impl KeptTexts {
    /// How much memory they take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The shared copy of a text.
    pub(crate) fn text(&mut self, text: &str) -> Result<Arc<str>, TooLong> {
        limits::check_text(text)?;
        Ok(self.share(text))
    }

    /// The shared copy of a tag's key or value.
    pub(crate) fn tag(&mut self, text: &str) -> Result<Arc<str>, TooLong> {
        limits::check_tag(text)?;
        Ok(self.share(text))
    }

    /// The shared copy of a set of tags.
    pub(crate) fn set(&mut self, tags: Tags) -> Arc<Tags> {
        if let Some(shared) = self.sets.get(&tags) {
            return Arc::clone(shared);
        }
        let more = (tags.len() as u64).saturating_sub(ENTRIES_A_NODE);
        self.bytes = self.bytes.saturating_add(BYTES_A_SET).saturating_add(more.saturating_mul(BYTES_AN_ENTRY));
        let shared = Arc::new(tags);
        self.sets.insert(Arc::clone(&shared));
        shared
    }

    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.texts.get(text) {
            return shared;
        }
        self.bytes = self.bytes.saturating_add(BYTES_A_TEXT).saturating_add(text.len() as u64);
        self.texts.intern(text)
    }
}
