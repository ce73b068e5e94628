//! The core of Bedrock Ledger: exact money, principals, usage types, billing periods, facts, budgets and the texts
//! that people read. It knows no AWS, no clock, no randomness and no file format: time is passed in, bytes stay out.

pub mod alert_text;
pub mod bedrock_line;
pub mod budget;
pub mod category;
pub mod data_status;
pub mod decimal;
pub mod digest;
pub mod digest_text;
pub mod dimension;
pub mod error_class;
pub mod explanation;
pub mod fact;
pub mod line;
pub mod model;
pub mod owner;
pub mod period;
pub mod principal;
pub mod report;
pub mod shared_role;
pub mod spend;
pub mod tag_contract;
pub mod text;
pub mod unit_cost;
pub mod usage;
pub mod variance;
mod wide;
mod words;

#[cfg(test)]
mod fixtures;
