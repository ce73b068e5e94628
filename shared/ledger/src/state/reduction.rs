//! The reduction of one file of the export, as it is stored.

use serde::{Deserialize, Serialize};
use spend_core::bill::line::{LineField, LineTable, ScanCounts};

use crate::state::columns::{Columns, ColumnsError};
use crate::state::document::Document;
use crate::state::tabular::Tabular;
use crate::store::ETag;

/// A chunk's reduction, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReduction {
    /// The chunk's key in the export's bucket.
    pub chunk: String,
    /// The version that was reduced.
    pub etag: ETag,
    /// What the scan found.
    pub counts: ScanCounts,
    /// The bill lines, stored beside the rest, by column.
    #[serde(skip)]
    pub lines: LineTable,
}

impl Document for StoredReduction {
    const FORMAT: &'static str = "reduction";
    const VERSION: u32 = 3;
}

impl Tabular for StoredReduction {
    type Field = LineField;
    type Earlier = EarlierReduction;

    fn table(&self) -> &LineTable {
        &self.lines
    }

    fn with_table(self, lines: LineTable) -> Self {
        Self { lines, ..self }
    }
}

/// What version 2 was, lines and all.
#[derive(Debug, Serialize, Deserialize)]
pub struct EarlierReduction {
    chunk: String,
    etag: ETag,
    counts: ScanCounts,
    lines: Columns,
}

impl Document for EarlierReduction {
    const FORMAT: &'static str = StoredReduction::FORMAT;
    const VERSION: u32 = 2;
    // The counts of version 1 have no keys of resource tags.
    const READS_FROM: u32 = 1;
}

impl TryFrom<EarlierReduction> for StoredReduction {
    type Error = ColumnsError;

    fn try_from(EarlierReduction { chunk, etag, counts, lines }: EarlierReduction) -> Result<Self, ColumnsError> {
        Ok(Self { chunk, etag, counts, lines: lines.into_table()? })
    }
}
