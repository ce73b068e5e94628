//! A column of values that repeat.

use crate::table::codes::{Codes, place};

/// Distinct values, and which of them each row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded<T> {
    /// Each value once, in order.
    pub values: Vec<T>,
    /// For each row, which value it has, from 0.
    pub codes: Codes,
}

impl<T> Default for Coded<T> {
    fn default() -> Self {
        Self { values: Vec::new(), codes: Codes::default() }
    }
}

impl<T> Coded<T> {
    /// The value of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&T> {
        self.values.get(place(self.codes.get(row)?))
    }
}
