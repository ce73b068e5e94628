//! Exact decimals and what is done with them. No other room is below.
//!
//! - `decimal`: decimals of 38 digits, 18 of them after the point
//! - `wide`: products of two 128-bit numbers, divided before they have to fit
//! - `apportion`: parts that sum exactly to a whole
//! - `currencies`: the order in which currencies are told

pub(crate) mod apportion;
pub mod currencies;
pub mod decimal;
pub(crate) mod wide;
