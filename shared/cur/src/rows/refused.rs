//! Values of a row that are refused because they are longer than any of AWS's.

use std::ops::Range;

use spend_core::bill::line::limits::{MOST_ENTRIES, TooLong};

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
