//! A row of the bill, whichever format it came from: which rows are Bedrock's, their tags and texts.

pub(crate) mod kept_texts;
pub(crate) mod row_reader;
pub(crate) mod row_tags;
pub(crate) mod scan;
pub(crate) mod texts;
