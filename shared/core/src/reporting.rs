//! Totals of facts: by any key, as unit prices, by tier, and why one window cost more than another.
//!
//! - `report`: totals by any dimensions
//! - `unit_sums`: the sums that unit prices are made of
//! - `unit_cost`: what a million tokens cost, against the list price, and what the prompt cache does
//! - `tier_mix`: tokens and cost by tier
//! - `variance`: why spend changed, in terms that sum exactly

pub mod report;
pub mod tier_mix;
pub mod unit_cost;
pub mod unit_sums;
pub mod variance;
