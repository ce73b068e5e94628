//! Who gets the Bedrock rows of a chunk: in codes, because most receivers never ask for the texts.

use chrono::{DateTime, Utc};
use spend_core::bill::bedrock_line::RuleSet;
use spend_core::bill::line_coder::{LineCoder, LineCodes};
use spend_core::money::decimal::SumOutOfRange;
use spend_core::table::measures::Measures;

/// A Bedrock row of a chunk, as [`BillRow`](crate::rows::bill_row::BillRow) says it in texts.
pub(crate) struct CodedRow {
    pub(crate) row: u64,
    pub(crate) usage_start: DateTime<Utc>,
    pub(crate) codes: LineCodes,
    pub(crate) measures: Measures,
    pub(crate) rules: RuleSet,
}

pub(crate) trait Receiver {
    /// What gives the codes of the rows.
    fn coder(&mut self) -> &mut LineCoder;

    /// Is told that so many rows follow.
    fn expect(&mut self, _rows: usize) {}

    /// Takes a row, and answers how much memory it uses besides that of the coder.
    fn take(&mut self, row: CodedRow) -> Result<u64, SumOutOfRange>;
}
