//! A row of the bill, whichever format it came from.
//!
//! `scan` tells which rows of a batch are Bedrock's, `row_reader` reads those, `row_tags` their tags, `texts` looks at each text
//! of a batch once, `refused` says what of a row is too long, `receiver` gets the rows in codes, and `bill_row` is a row in
//! texts.

pub mod bill_row;
pub(crate) mod receiver;
pub(crate) mod refused;
pub(crate) mod row_reader;
pub(crate) mod row_tags;
pub(crate) mod scan;
pub(crate) mod texts;
