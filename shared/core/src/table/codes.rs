//! Numbers below four billion, each in as few bytes as the largest of them needs.

use std::cmp::Ordering;

/// A column of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codes {
    /// So many zeros.
    Zeros(usize),
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Words(Vec<u32>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::Zeros(0)
    }
}

impl Codes {
    /// The numbers of `codes`, none of which is greater than `largest`.
    pub fn of(codes: impl ExactSizeIterator<Item = u32>, largest: u32) -> Self {
        // What is greater than said would be a fault of the caller: it becomes the largest number, which has no value.
        if largest == 0 {
            Self::Zeros(codes.len())
        } else if u8::try_from(largest).is_ok() {
            Self::Bytes(codes.map(|code| u8::try_from(code).unwrap_or(u8::MAX)).collect())
        } else if u16::try_from(largest).is_ok() {
            Self::Shorts(codes.map(|code| u16::try_from(code).unwrap_or(u16::MAX)).collect())
        } else {
            Self::Words(codes.collect())
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Zeros(rows) => *rows,
            Self::Bytes(codes) => codes.len(),
            Self::Shorts(codes) => codes.len(),
            Self::Words(codes) => codes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at `row`.
    #[inline]
    pub fn get(&self, row: usize) -> Option<u32> {
        match self {
            Self::Zeros(rows) => (row < *rows).then_some(0),
            Self::Bytes(codes) => codes.get(row).copied().map(u32::from),
            Self::Shorts(codes) => codes.get(row).copied().map(u32::from),
            Self::Words(codes) => codes.get(row).copied(),
        }
    }

    /// All numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        (0..self.len()).map(|row| self.get(row).unwrap_or_default())
    }

    /// Calls `each` for every number, with its row. The width is looked at once, and not for each number.
    #[inline]
    pub(crate) fn for_each(&self, mut each: impl FnMut(usize, u32)) {
        match self {
            Self::Zeros(rows) => (0..*rows).for_each(|row| each(row, 0)),
            Self::Bytes(codes) => codes.iter().enumerate().for_each(|(row, code)| each(row, u32::from(*code))),
            Self::Shorts(codes) => codes.iter().enumerate().for_each(|(row, code)| each(row, u32::from(*code))),
            Self::Words(codes) => codes.iter().enumerate().for_each(|(row, code)| each(row, *code)),
        }
    }

    /// Keeps those of `rows` that have the number of the row before; `descends` is called for those that have a lesser one.
    pub(crate) fn retain_same(&self, rows: &mut Vec<u32>, descends: impl FnMut(u32)) {
        match self {
            Self::Zeros(_) => {}
            Self::Bytes(codes) => retain_same(codes, rows, descends),
            Self::Shorts(codes) => retain_same(codes, rows, descends),
            Self::Words(codes) => retain_same(codes, rows, descends),
        }
    }

    /// The greatest number.
    pub fn largest(&self) -> Option<u32> {
        match self {
            Self::Zeros(rows) => (*rows > 0).then_some(0),
            Self::Bytes(codes) => codes.iter().copied().reduce(u8::max).map(u32::from),
            Self::Shorts(codes) => codes.iter().copied().reduce(u16::max).map(u32::from),
            Self::Words(codes) => codes.iter().copied().reduce(u32::max),
        }
    }
}

fn retain_same<T: Copy + Ord>(codes: &[T], rows: &mut Vec<u32>, mut descends: impl FnMut(u32)) {
    rows.retain(|row| {
        let row_before = place(*row).checked_sub(1).and_then(|before| codes.get(before));
        match row_before.cmp(&codes.get(place(*row))) {
            Ordering::Less => false,
            Ordering::Equal => true,
            Ordering::Greater => {
                descends(*row);
                false
            }
        }
    });
}

/// A place as a number. More than four billion do not fit in the memory of any reader.
pub fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// A number as a place.
pub fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_whatever_room_they_take() {
        for largest in [0, 1, 255, 256, 65_535, 65_536, u32::MAX] {
            let codes = Codes::of([0, largest / 2, largest].into_iter(), largest);
            assert_eq!(codes.iter().collect::<Vec<_>>(), [0, largest / 2, largest]);
            assert_eq!((codes.len(), codes.get(3), codes.largest()), (3, None, Some(largest)));
        }
        assert_eq!(Codes::default().largest(), None);
    }
}
