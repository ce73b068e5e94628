//! Exact decimals, wide products, apportioning, and the order in which currencies are told. Nothing below it.

pub(crate) mod apportion;
pub mod currencies;
pub mod decimal;
pub(crate) mod wide;
