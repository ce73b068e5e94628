//! The core of Bedrock Ledger: exact money, principals, usage types, billing periods, facts, budgets and the texts
//! that people read. It knows no AWS, no clock, no randomness and no file format: time is passed in, bytes stay out.
//!
//! Rooms, from the ground up; each uses only those below it:
//!
//! - `named`, `errors`, `money`: enums whose variants have names; kinds and classes of errors; exact decimals;
//! - `table`: rows in columns, summed exactly;
//! - `calendar`, `text`, `forecast`: billing periods and windows; writing for people; where spend is heading;
//! - `bill`: bill lines, and what their fields mean;
//! - `facts`: the fact table that is derived from them;
//! - `reporting`, `rules`: totals of facts; what alerts are about, and what an evaluation finds;
//! - `allocation`: who pays: tags, splits, chargeback;
//! - `digest`: the numbers of a month for finance;
//! - `messages`, `page`: what people read; neither uses the other.

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
pub mod table;
pub mod text;

#[cfg(test)]
mod fixtures;
