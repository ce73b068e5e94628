//! Why a part of a Parquet file is not decoded.

use crate::error::CurError;

/// Why a footer or a page is not decoded.
pub(crate) enum Unfit {
    Corrupt(String),
    Oversized(String),
}

impl Unfit {
    /// The same, of a page.
    pub(crate) fn of_page(self, number: usize) -> Self {
        self.of(&format!("page {number} "))
    }

    /// The same, of a column.
    pub(crate) fn of_column(self, path: &str) -> Self {
        self.of(&format!("column {path}: "))
    }

    fn of(self, part: &str) -> Self {
        match self {
            Self::Corrupt(reason) => Self::Corrupt(format!("{part}{reason}")),
            Self::Oversized(reason) => Self::Oversized(format!("{part}{reason}")),
        }
    }

    /// The error of the whole file.
    pub(crate) fn into_error(self, file: &str, row_group: Option<usize>) -> CurError {
        match self {
            Self::Corrupt(reason) => CurError::corrupt(file, row_group, reason),
            Self::Oversized(reason) => CurError::oversized(file, row_group, reason),
        }
    }
}
