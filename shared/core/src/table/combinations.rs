//! Distinct combinations of numbers, each with a number of its own.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::table::codes::{number, place};

/// Combinations of so many numbers.
///
/// Their hash has no secret: the numbers are ours, in the order in which values were met, and nobody can choose them so
/// that many combinations meet.
#[derive(Clone, Debug)]
pub(crate) struct Combinations {
    width: usize,
    /// All combinations, one after the other.
    parts: Vec<u32>,
    found: HashTable<u32>,
    /// What was asked for last: rows that follow each other have much in common.
    last: u32,
}

fn hash(parts: &[u32]) -> u64 {
    FixedState::default().hash_one(parts)
}

fn parts_of(parts: &[u32], width: usize, combination: u32) -> &[u32] {
    let start = place(combination).saturating_mul(width);
    parts.get(start..start.saturating_add(width)).unwrap_or_default()
}

impl Combinations {
    pub(crate) fn new(width: usize) -> Self {
        Self { width, parts: Vec::new(), found: HashTable::new(), last: 0 }
    }

    /// The number of a combination, and whether it is new.
    pub(crate) fn of(&mut self, combination: &[u32]) -> (u32, bool) {
        if !self.found.is_empty() && self.get(self.last) == combination {
            return (self.last, false);
        }
        let Self { width, parts, found, last } = self;
        let hashed = hash(combination);
        if let Some(known) = found.find(hashed, |known| parts_of(parts, *width, *known) == combination) {
            *last = *known;
            return (*known, false);
        }
        let next = number(found.len());
        parts.extend_from_slice(combination);
        found.insert_unique(hashed, next, |known| hash(parts_of(parts, *width, *known)));
        *last = next;
        (next, true)
    }

    pub(crate) fn get(&self, combination: u32) -> &[u32] {
        parts_of(&self.parts, self.width, combination)
    }

    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// Every combination, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        (0..number(self.len())).map(|combination| self.get(combination))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_combinations_have_one_number() {
        let mut found = Combinations::new(2);
        assert_eq!(found.of(&[1, 2]), (0, true));
        assert_eq!(found.of(&[2, 1]), (1, true));
        assert_eq!(found.of(&[1, 2]), (0, false));
        assert_eq!(found.of(&[2, 1]), (1, false));
        assert_eq!(found.of(&[2, 1]), (1, false));
        assert_eq!((found.len(), found.get(1)), (2, [2, 1].as_slice()));
        assert_eq!(found.iter().collect::<Vec<_>>(), [[1, 2], [2, 1]]);
    }
}
