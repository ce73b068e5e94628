//! The core of Bedrock Ledger: exact money, principals, usage types, billing periods, facts, budgets and the texts
//! that people read. It knows no AWS, no clock, no randomness and no file format: time is passed in, bytes stay out.

pub mod allocation;
pub mod bill;
pub mod calendar;
pub mod digest;
pub mod errors;
pub mod facts;
pub mod forecast;
pub mod messages;
pub mod money;
pub mod named;
pub mod page;
pub mod reporting;
pub mod rules;
pub mod text;

#[cfg(test)]
mod fixtures;
