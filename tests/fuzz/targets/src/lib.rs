//! What fuzzing feeds to the program, a function for each kind of input that somebody else writes, and what must hold
//! whatever it is: no panic, no hang, memory within bounds, and what is read, written and read again is the same.
//!
//! `make fuzz` calls these functions with what it makes up; the tests call them with the corpus that it has found, which
//! lies in `../corpus/NAME`, and with damage of each file of it.
//!
//! - `chunks`: files of an export;
//! - `deliveries`: manifests, keys and events;
//! - `names`: usage types, models and callers;
//! - `settings`: the configuration, overrides and metering files;
//! - `stored`: objects of a ledger;
//! - `bills`: bills that are made up, written in two formats and read back.
#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a panic is how a target says that something does not hold"
)]

mod bills;
mod chunks;
mod deliveries;
mod names;
mod settings;
mod stored;
#[cfg(test)]
mod tests;

pub use bills::bill;
pub use chunks::{csv_chunk, gzip_chunk, parquet_chunk};
pub use deliveries::{event, key, manifest};
pub use names::{model, principal, usage_type};
pub use settings::{configuration, metering, overrides};
pub use stored::{stored, stored_table};

/// A target: what it is called, as its folder of the corpus is, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 15] = [
    ("bill", bill),
    ("configuration", configuration),
    ("csv_chunk", csv_chunk),
    ("event", event),
    ("gzip_chunk", gzip_chunk),
    ("key", key),
    ("manifest", manifest),
    ("metering", metering),
    ("model", model),
    ("overrides", overrides),
    ("parquet_chunk", parquet_chunk),
    ("principal", principal),
    ("stored", stored),
    ("stored_table", stored_table),
    ("usage_type", usage_type),
];

/// The text that an input begins with: what cannot be UTF-8 never gets as far as what reads texts.
fn text(input: &[u8]) -> &str {
    match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(input.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
    }
}
