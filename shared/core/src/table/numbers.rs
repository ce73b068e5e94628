//! Distinct values as they are met, each with its number.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use crate::table::codes::number;

/// The values that were met, numbered from 0.
#[derive(Clone, Debug)]
pub(crate) struct Numbers<T> {
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new() }
    }
}

impl<T: Eq + Hash> Numbers<T> {
    /// The number of a value.
    pub(crate) fn of<Q: Eq + Hash + ?Sized>(&mut self, value: &Q, owned: impl FnOnce() -> T) -> u32
    where
        T: Borrow<Q>,
    {
        if let Some(known) = self.numbers.get(value) {
            return *known;
        }
        let next = number(self.numbers.len());
        self.numbers.insert(owned(), next);
        next
    }

    /// The values, in the order of their numbers.
    pub(crate) fn into_values(self) -> Vec<T> {
        let mut values: Vec<_> = self.numbers.into_iter().collect();
        values.sort_unstable_by_key(|(_, number)| *number);
        values.into_iter().map(|(value, _)| value).collect()
    }
}
