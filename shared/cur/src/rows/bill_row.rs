//! A Bedrock row of the bill.

use chrono::{DateTime, Utc};
use spend_core::bill::bedrock_line::RuleSet;
use spend_core::bill::line::LineKey;
use spend_core::table::measures::Measures;

/// A Bedrock row of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// Which row of the file it is, counted from 0; a header is no row.
    pub row: u64,
    /// When the usage interval starts. A bill line keeps the day alone.
    pub usage_start: DateTime<Utc>,
    /// The bill line that a reduction adds it to.
    pub key: LineKey,
    /// What it adds: `line_items` is 1.
    pub measures: Measures,
    /// The rules that make it a Bedrock row, at least one.
    pub rules: RuleSet,
}
