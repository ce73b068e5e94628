//! The reduction of one file of the export, as it is stored.

use serde::{Deserialize, Serialize};
use spend_core::bill::line::{LineTable, ScanCounts};

use crate::state::columns;
use crate::state::document::Document;
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
    /// The bill lines.
    #[serde(serialize_with = "columns::serialize", deserialize_with = "columns::lines")]
    pub lines: LineTable,
}

impl Document for StoredReduction {
    const FORMAT: &'static str = "reduction";
    const VERSION: u32 = 2;
    // The counts of version 1 have no keys of resource tags.
    const READS_FROM: u32 = 1;
}
