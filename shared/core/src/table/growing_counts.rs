//! Counts while they are added to, in as little room as they need: most lines of a bill are of a few rows.

use crate::money::decimal::SumOutOfRange;
use crate::table::codes::{Codes, place};

/// A column of counts: of one byte each for as long as all fit.
#[derive(Clone, Debug)]
pub(crate) enum GrowingCounts {
    Bytes(Vec<u8>),
    Words(Vec<u32>),
}

impl Default for GrowingCounts {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl GrowingCounts {
    pub(crate) fn reserve(&mut self, rows: usize) {
        match self {
            Self::Bytes(counts) => counts.reserve(rows),
            Self::Words(counts) => counts.reserve(rows),
        }
    }

    /// Adds to a row that is there, or to the next. More rows than four billion are no bill.
    pub(crate) fn add(&mut self, row: usize, more: u64) -> Result<(), SumOutOfRange> {
        let known = self.get(row);
        let sum = u64::from(known.unwrap_or(0)).checked_add(more).and_then(|sum| u32::try_from(sum).ok());
        let sum = sum.ok_or(SumOutOfRange)?;
        if let Self::Bytes(counts) = self {
            if let Ok(sum) = u8::try_from(sum) {
                match counts.get_mut(row) {
                    Some(count) => *count = sum,
                    None => counts.push(sum),
                }
                return Ok(());
            }
            let mut wide = Vec::with_capacity(counts.capacity());
            wide.extend(counts.iter().copied().map(u32::from));
            *self = Self::Words(wide);
        }
        if let Self::Words(counts) = self {
            match counts.get_mut(row) {
                Some(count) => *count = sum,
                None => counts.push(sum),
            }
        }
        Ok(())
    }

    fn get(&self, row: usize) -> Option<u32> {
        match self {
            Self::Bytes(counts) => counts.get(row).copied().map(u32::from),
            Self::Words(counts) => counts.get(row).copied(),
        }
    }

    /// The counts of the rows in `order`.
    pub(crate) fn ordered(&self, order: &[u32]) -> Codes {
        let largest = match self {
            Self::Bytes(counts) => counts.iter().max().copied().map(u32::from),
            Self::Words(counts) => counts.iter().max().copied(),
        };
        let of_row = |row: &u32| self.get(place(*row)).unwrap_or_default();
        Codes::of(order.iter().map(of_row), largest.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_whatever_room_they_take() {
        let mut counts = GrowingCounts::default();
        for (row, more) in [(0, 3), (1, 0), (0, 250)] {
            counts.add(row, more).unwrap();
        }
        assert_eq!(counts.ordered(&[1, 0, 0]), Codes::Bytes(vec![0, 253, 253]));
        counts.add(0, 3).unwrap();
        counts.add(2, 7).unwrap();
        assert!(matches!(counts, GrowingCounts::Words(_)));
        assert_eq!(counts.ordered(&[2, 1, 0]), Codes::Shorts(vec![7, 0, 256]));
        assert_eq!(counts.add(1, 1 << 32), Err(SumOutOfRange));
        assert_eq!(counts.add(0, u64::MAX), Err(SumOutOfRange));
    }
}
