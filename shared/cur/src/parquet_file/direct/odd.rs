//! What is not read here.

use crate::parquet_file::thrift::Malformed;

/// A column chunk has something that is not read here: an encoding that few writers use, or damage. The library reads the
/// row group instead, and says what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Odd;

impl From<Malformed> for Odd {
    fn from(_: Malformed) -> Self {
        Self
    }
}
