//! Exact sums while they are added to, in as little room as they need.

use crate::money::decimal::{Decimal, SumOutOfRange};

/// The greatest power of ten in an `i64`, in counts of 10⁻¹⁸: one.
const ONE: i64 = 10_i64.pow(18);

/// A column of sums: counts of one power of ten for as long as all fit in eight bytes, which nearly all bills do.
#[derive(Clone, Debug)]
pub(crate) enum Growing {
    /// Counts of `unit` times 10⁻¹⁸.
    Counts { unit: i64, counts: Vec<i64> },
    /// Counts of 10⁻¹⁸.
    Units(Vec<i128>),
}

impl Default for Growing {
    fn default() -> Self {
        Self::Counts { unit: ONE, counts: Vec::new() }
    }
}

/// How many times `unit` a value is, if it is so many times exactly, and they fit. Most values have 64 bits, which are
/// divided several times as quickly.
fn count(value: i128, unit: i64) -> Option<i64> {
    if let Ok(value) = i64::try_from(value) {
        return (value % unit == 0).then(|| value / unit);
    }
    let (count, rest) = (value / i128::from(unit), value % i128::from(unit));
    i64::try_from(count).ok().filter(|_| rest == 0)
}

impl Growing {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Counts { counts, .. } => counts.len(),
            Self::Units(units) => units.len(),
        }
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        match self {
            Self::Counts { counts, .. } => counts.reserve(rows),
            Self::Units(units) => units.reserve(rows),
        }
    }

    /// Adds to a row that is there, or to the next.
    pub(crate) fn add(&mut self, row: usize, more: Decimal) -> Result<(), SumOutOfRange> {
        match self {
            Self::Counts { unit, counts } => {
                let Some(few) = count(more.units(), *unit) else { return self.add_wider(row, more) };
                match counts.get_mut(row) {
                    None => counts.push(few),
                    // Sums of eight bytes are far within the range of decimals.
                    Some(sum) => match sum.checked_add(few) {
                        Some(both) => *sum = both,
                        None => return self.add_wider(row, more),
                    },
                }
            }
            Self::Units(units) => match units.get_mut(row) {
                None => units.push(more.units()),
                Some(sum) => {
                    let both = Decimal::from_units(*sum).and_then(|sum| sum.checked_add(more)).ok_or(SumOutOfRange)?;
                    *sum = both.units();
                }
            },
        }
        Ok(())
    }

    /// Adds what does not fit as the sums are held.
    #[cold]
    fn add_wider(&mut self, row: usize, more: Decimal) -> Result<(), SumOutOfRange> {
        if let Self::Counts { unit, counts } = self {
            let mut finer = *unit;
            while more.units() % i128::from(finer) != 0 {
                finer /= 10;
            }
            let times = *unit / finer;
            let fits = |count: i64| count.checked_mul(times);
            if finer < *unit
                && count(more.units(), finer).is_some()
                && counts.iter().all(|count| fits(*count).is_some())
            {
                for count in counts {
                    *count *= times;
                }
                *unit = finer;
                return self.add(row, more);
            }
            let unit = i128::from(*unit);
            let mut units = Vec::with_capacity(counts.capacity());
            units.extend(counts.iter().map(|count| i128::from(*count) * unit));
            *self = Self::Units(units);
        }
        self.add(row, more)
    }

    /// The sum of a row as a count of 10⁻¹⁸; zero where there is no such row.
    pub(crate) fn units(&self, row: usize) -> i128 {
        match self {
            Self::Counts { unit, counts } => {
                i128::from(counts.get(row).copied().unwrap_or_default()) * i128::from(*unit)
            }
            Self::Units(units) => units.get(row).copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decimal(units: i128) -> Decimal {
        Decimal::from_units(units).unwrap()
    }

    #[test]
    fn sums_take_eight_bytes_until_they_do_not_fit() {
        let mut sums = Growing::default();
        for (row, units) in [(0, 3 * 10_i128.pow(18)), (1, 25 * 10_i128.pow(10)), (0, 10_i128.pow(10))] {
            sums.add(row, decimal(units)).unwrap();
        }
        assert!(matches!(&sums, Growing::Counts { unit: 10_000_000_000, counts } if *counts == [300_000_001, 25]));
        sums.add(1, decimal(1)).unwrap();
        assert!(matches!(&sums, Growing::Counts { unit: 1, .. }));
        sums.add(2, decimal(10_i128.pow(37))).unwrap();
        assert!(matches!(sums, Growing::Units(_)));
        let units: Vec<_> = (0..4).map(|row| sums.units(row)).collect();
        assert_eq!(units, [3 * 10_i128.pow(18) + 10_i128.pow(10), 25 * 10_i128.pow(10) + 1, 10_i128.pow(37), 0]);
        let most = 10_i128.pow(38) - 1;
        assert_eq!(sums.add(2, decimal(most)), Err(SumOutOfRange));
    }

    proptest! {
        #[test]
        fn any_sums_are_those_of_wide_numbers(
            values in vec(
                (0_usize..6, prop_oneof![
                    -99_i128..99,
                    any::<i64>().prop_map(i128::from),
                    (-1_000_000_i128..1_000_000, 0_u32..25).prop_map(|(value, power)| value * 10_i128.pow(power)),
                    -10_i128.pow(37)..10_i128.pow(37),
                ]),
                0..30,
            ),
        ) {
            let mut sums = Growing::default();
            let mut expected: Vec<Decimal> = Vec::new();
            for (row, units) in values {
                let (row, more) = (row.min(expected.len()), decimal(units));
                let known = expected.get(row).copied();
                let sum = known.map_or(Some(more), |known| known.checked_add(more));
                let added = sums.add(row, more);
                let Some(sum) = sum else {
                    prop_assert_eq!(added, Err(SumOutOfRange));
                    return Ok(());
                };
                prop_assert_eq!(added, Ok(()));
                match known {
                    Some(_) => expected[row] = sum,
                    None => expected.push(sum),
                }
                prop_assert_eq!(sums.len(), expected.len());
            }
            for (row, sum) in expected.iter().enumerate() {
                prop_assert_eq!(sums.units(row), sum.units());
            }
        }
    }
}
