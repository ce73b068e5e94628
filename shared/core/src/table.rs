//! Tables in columns: what bill lines and facts are kept in. A month may have millions of rows that repeat few values:
//! each distinct value is there once, and rows are narrow numbers.
//!
//! - `tags`, `measures`: a row's tags, and what is summed;
//! - `codes`, `coded`, `decimals`: columns of numbers, of values that repeat, of exact decimals;
//! - `field`: which texts rows of a kind have;
//! - `rows`: a table, and a row of it as a view;
//! - `combined`: which combination of values a row has in some columns;
//! - `numbers`, `combinations`, `growing`, `growing_counts`, `sums`, `order`, `row_sums`, `builder`: summing rows to a
//!   table;
//! - `renamed`: other texts in the place of some; `sharing`: equal values of several tables, once in memory.

pub mod builder;
pub mod coded;
pub mod codes;
pub(crate) mod combinations;
pub(crate) mod combined;
pub mod decimals;
pub mod field;
pub(crate) mod growing;
pub(crate) mod growing_counts;
pub mod measures;
pub(crate) mod numbers;
pub(crate) mod order;
pub mod renamed;
pub(crate) mod row_sums;
pub mod rows;
pub mod sharing;
pub(crate) mod sums;
pub mod tags;

#[cfg(test)]
mod tests;
