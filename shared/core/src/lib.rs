//! The core of Bedrock Ledger: exact money, principals, usage types, billing periods, facts, budgets and the texts
//! that people read. It knows no AWS, no clock, no randomness and no file format: time is passed in, bytes stay out.

pub mod alert_text;
pub mod bedrock_line;
pub mod budget;
pub mod category;
pub mod data_status;
pub mod decimal;
pub mod digest_text;
pub mod dimension;
pub mod error_class;
pub mod explanation;
pub mod fact;
pub mod line;
pub mod model;
pub mod period;
pub mod principal;
pub mod report;
pub mod spend;
pub mod text;
pub mod usage;
pub mod variance;
mod words;

#[cfg(test)]
mod fixtures;
