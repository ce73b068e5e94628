//! The core of Bedrock Ledger: exact money, principals, usage types, billing periods, facts, budgets and the texts
//! that people read. It knows no AWS, no clock, no randomness and no file format: time is passed in, bytes stay out.

pub mod alert_text;
pub mod anomaly;
mod apportion;
pub mod bedrock_line;
pub mod budget;
pub mod category;
pub mod chargeback;
pub mod data_span;
pub mod data_status;
pub mod decimal;
pub mod delta;
pub mod digest;
pub mod digest_text;
pub mod dimension;
pub mod driver;
pub mod error_class;
pub mod explanation;
pub mod fact;
pub mod forecast;
pub mod hygiene;
pub mod line;
pub mod measure;
pub mod metering;
pub mod metrics_cost;
pub mod model;
pub mod mute;
pub mod near;
pub mod operations_text;
pub mod owner;
pub mod page;
pub mod period;
pub mod principal;
pub mod report;
pub mod rule;
pub mod rules;
pub mod sentence;
pub mod shared_role;
pub mod showback;
pub mod spend;
pub mod split;
pub mod spreadsheet;
pub mod tag_contract;
pub mod text;
mod totals;
pub mod unit_cost;
pub mod unusual;
pub mod usage;
pub mod variance;
mod wide;
pub mod window;
mod words;

#[cfg(test)]
mod fixtures;
