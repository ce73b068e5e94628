//! Billing periods and windows in UTC, and which of their days are provisional, settled or closed.
//!
//! - `period`: billing periods, and when a day counts as settled
//! - `window`: months, weeks and days that rules and gauges are about
//! - `data_status`: how far the numbers of one month can be trusted
//! - `data_span`: the same over several months, day by day

pub mod data_span;
pub mod data_status;
pub mod period;
pub mod window;
