//! Totals of facts: by any key, as unit prices, by tier, and why one window cost more than another.

pub mod report;
pub mod tier_mix;
pub mod unit_cost;
pub mod unit_sums;
pub mod variance;
