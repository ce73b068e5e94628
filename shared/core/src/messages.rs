//! Plain text for people, made of findings and figures:
//!
//! - `alert`: alerts, resolved alerts, summaries and the test message;
//! - `chargeback`: the remarks beside the files of a chargeback;
//! - `digest`: the mail for finance;
//! - `operations`: notes to operations about deployment, configuration, exports and failures;
//! - `unusual`: notes to operations about a delivery that is applied and looks wrong.

pub mod alert;
pub mod chargeback;
pub mod digest;
pub mod operations;
pub mod unusual;
