//! What a run publishes: metrics, and messages to people and machines. On AWS they go to CloudWatch and SNS; on one machine
//! they are two files of the ledger.
//!
//! - `metric`: the port [`Metrics`]; a datum, its series and unit, what one call may put, texts as dimensions take them;
//! - `message`: the port [`Notifier`]; topics, messages, what SNS refuses, and the attributes of every message;
//! - `publish_error`: why something was not published, and what is known of its effect;
//! - `files`: both ports on one machine, `out/metrics.jsonl` and `out/messages.jsonl`;
//! - `outbox`: messages that are written down, claimed, sent and crossed off; leases; state that has an outbox;
//! - `operations`: notes to whoever operates the program, left once, and their outbox;
//! - `subscriptions`: the port [`Subscriptions`], and whether anybody reads a topic;
//! - `data_event`: the data behind an event, which events of alerts and digests share.

pub(crate) mod data_event;
mod files;
pub(crate) mod message;
pub(crate) mod metric;
pub mod operations;
pub mod outbox;
mod publish_error;
pub mod subscriptions;
#[cfg(test)]
mod tests;

pub use files::{MessageFile, MetricsFile};
pub use message::{Attributes, MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, Message, NOTHING, Notifier, Topic};
pub use metric::{
    Datum, MAX_AGE, MAX_AHEAD, MAX_DATA, MAX_DIMENSIONS, MAX_PUT_BYTES, Metrics, PUT_TAKES, Series, Unit, batches,
    check_data, dimension_text,
};
pub use publish_error::PublishError;
pub use subscriptions::{Subscribers, Subscriptions};
