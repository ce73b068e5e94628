//! What has happened, in order.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use spend_ledger::outputs::Message;

/// Something that happened, which the model has to know of.
#[derive(Clone, Debug)]
pub enum Happened {
    /// An object of the ledger that is one of `is_watched` was written.
    Wrote { key: String, bytes: Bytes, at: DateTime<Utc> },
    /// SNS took a message.
    Sent { message: Message, at: DateTime<Utc> },
    /// SNS refused a message.
    Refused { message: Message },
    /// AWS wrote a file of a delivery, by its number; the delivery is whole when its last one is there.
    Delivered { number: u32, file: usize, is_whole: bool },
    /// Metrics were published without a failure: what of each currency's spend the program says it could not put.
    Published { outside: BTreeMap<String, String> },
    /// Metrics of spend were withheld.
    Withheld { why: String },
    /// An evaluation of rules came to its end, which began at this place of the log.
    Evaluated { from: usize, now: DateTime<Utc> },
}

/// What has happened, in order, and what went on for people to read.
#[derive(Debug, Default)]
pub struct Log {
    pub happened: Vec<Happened>,
    /// How many objects of the ledger were written.
    pub writes: u64,
    /// How many data CloudWatch took.
    pub data: u64,
    /// What went on, one line each, if anybody wants to read it.
    pub lines: Option<Vec<String>>,
}

/// Whether the model looks at what is written at a key.
pub fn is_watched(key: &str) -> bool {
    key.starts_with("state/") || key.starts_with("facts/") || key == "config/in-force.toml"
}

impl Log {
    /// Remembers a line, if anybody wants to read it.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }
}
