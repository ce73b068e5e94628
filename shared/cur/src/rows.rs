//! A row of the bill, whichever format it came from.
//!
//! `scan` tells which rows of a batch are Bedrock's, `row_reader` reads those, `row_tags` their tags, `texts` looks at each text
//! of a batch once, `kept_texts` keeps and counts what the rows say, and `bill_row` is what comes out.

pub mod bill_row;
pub(crate) mod kept_texts;
pub(crate) mod row_reader;
pub(crate) mod row_tags;
pub(crate) mod scan;
pub(crate) mod texts;
