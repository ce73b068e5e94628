//! A fence around the Parquet library, which panics on some damaged files where it should answer an error.
//!
//! Flipping bytes of good files found such panics in the decoding of maps, of levels, of dictionary indices without a
//! dictionary, and of plain and byte-stream-split values.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;

/// Runs one call into the library; a panic is a reason like any other. What the call changed must not be used after.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(format!("the decoder gave up: {}", text.lines().next().unwrap_or_default()))
        }
    }
}
