//! Distinct values as they are met, each with its number.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use crate::table::codes::{number, place};

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

impl<T: Clone + Eq + Hash + Ord> Numbers<T> {
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

    /// The values whose numbers are `used`, in order, and for each of these numbers where its value is among them.
    pub(crate) fn ranked(self, used: impl Iterator<Item = u32>) -> (Vec<T>, Vec<u32>) {
        let mut is_used = vec![false; self.numbers.len()];
        for known in used {
            if let Some(slot) = is_used.get_mut(place(known)) {
                *slot = true;
            }
        }
        let mut ranks = vec![0; is_used.len()];
        let mut sorted: Vec<_> = self.numbers.into_iter().collect();
        sorted.retain(|(_, known)| is_used.get(place(*known)) == Some(&true));
        sorted.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        for (rank, (_, known)) in sorted.iter().enumerate() {
            if let Some(slot) = ranks.get_mut(place(*known)) {
                *slot = number(rank);
            }
        }
        (sorted.into_iter().map(|(value, _)| value).collect(), ranks)
    }
}
