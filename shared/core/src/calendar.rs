//! Billing periods and windows in UTC, and which of their days are provisional, settled or closed.

pub mod data_span;
pub mod data_status;
pub mod period;
pub mod window;
