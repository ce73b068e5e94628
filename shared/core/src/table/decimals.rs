//! Columns of exact decimals. What a bill has are mostly counts of one power of ten that fit in eight bytes.

use crate::money::decimal::Decimal;
use crate::table::codes::Codes;

/// A column of decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decimals {
    /// So many zeros.
    Zeros(usize),
    /// Counts of `unit` times 10⁻¹⁸.
    Counts { unit: i64, counts: Vec<i64> },
    /// Counts of 10⁻¹⁸.
    Units(Vec<i128>),
}

impl Default for Decimals {
    fn default() -> Self {
        Self::Zeros(0)
    }
}

/// Whether `unit` divides a value without a rest. Most values have 64 bits, which are divided several times as quickly.
fn divides(value: i128, unit: i64) -> bool {
    match i64::try_from(value) {
        Ok(value) => value % unit == 0,
        Err(_) => value % i128::from(unit) == 0,
    }
}

/// The greatest power of ten in an `i64`.
const MOST: u32 = 18;

impl Decimals {
    /// The decimals of `units`, counts of 10⁻¹⁸, in as little room as they need.
    pub fn of(units: impl ExactSizeIterator<Item = i128> + Clone) -> Self {
        let mut unit = 10_i64.pow(MOST);
        let (mut largest, mut is_zero) = (0_u128, true);
        for value in units.clone().filter(|value| *value != 0) {
            is_zero = false;
            while unit > 1 && !divides(value, unit) {
                unit /= 10;
            }
            largest = largest.max(value.unsigned_abs());
        }
        if is_zero {
            return Self::Zeros(units.len());
        }
        if largest / u128::from(unit.unsigned_abs()) <= u128::from(i64::MAX.unsigned_abs()) {
            let count = |value: i128| match i64::try_from(value) {
                Ok(value) => value / unit,
                Err(_) => i64::try_from(value / i128::from(unit)).unwrap_or_default(),
            };
            return Self::Counts { unit, counts: units.map(count).collect() };
        }
        Self::Units(units.collect())
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Zeros(rows) => *rows,
            Self::Counts { counts, .. } => counts.len(),
            Self::Units(units) => units.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The decimal of a row; zero where there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Decimal {
        let units = match self {
            Self::Zeros(_) => 0,
            Self::Counts { unit, counts } => {
                i128::from(counts.get(row).copied().unwrap_or_default()) * i128::from(*unit)
            }
            Self::Units(units) => units.get(row).copied().unwrap_or_default(),
        };
        Decimal::from_units(units).unwrap_or_default()
    }

    /// Whether every value is one that a decimal can have.
    pub fn are_in_range(&self) -> bool {
        let is_in_range = |units: i128| Decimal::from_units(units).is_some();
        match self {
            // The product of two numbers of 64 bits has 38 digits at the most.
            Self::Zeros(_) | Self::Counts { .. } => true,
            Self::Units(units) => units.iter().all(|units| is_in_range(*units)),
        }
    }
}

/// A column of decimals that some rows do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionalDecimals {
    /// Zero where there is none.
    pub decimals: Decimals,
    /// 1 for each row that has one.
    pub present: Codes,
}

impl OptionalDecimals {
    /// The decimal of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<Decimal> {
        (self.present.get(row) == Some(1)).then(|| self.decimals.get(row))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const MOST_UNITS: i128 = 10_i128.pow(38) - 1;

    #[test]
    fn decimals_come_back_in_as_little_room_as_they_need() {
        let column = |values: &[i128]| Decimals::of(values.iter().copied());
        assert_eq!(column(&[0, 0]), Decimals::Zeros(2));
        assert_eq!(column(&[0, -3_000_000, 1_200_000]), Decimals::Counts { unit: 100_000, counts: vec![0, -30, 12] });
        let dollars = 10_i128.pow(18);
        assert_eq!(column(&[70 * dollars]), Decimals::Counts { unit: 10_i64.pow(18), counts: vec![70] });
        let wide = [1, 10_i128.pow(37)];
        assert_eq!(column(&wide), Decimals::Units(wide.to_vec()));
        for values in [[0, 0], [1, i128::from(i64::MAX)], [1, i128::from(i64::MAX) + 1], [-5, 10_i128.pow(38) - 1]] {
            let found = column(&values);
            assert_eq!([found.get(0).units(), found.get(1).units()], values);
            assert!(found.are_in_range());
        }
        assert!(!column(&[10_i128.pow(38)]).are_in_range());
    }
    proptest! {
        #[test]
        fn any_decimals_come_back(
            values in vec(prop_oneof![Just(0_i128), -99_i128..99, -MOST_UNITS..=MOST_UNITS, any::<i64>().prop_map(i128::from)], 0..5),
            scale in 0_u32..19,
        ) {
            let values: Vec<_> = values.into_iter().map(|value| value / 10_i128.pow(scale) * 10_i128.pow(scale)).collect();
            let column = Decimals::of(values.iter().copied());
            let found: Vec<_> = (0..column.len()).map(|row| column.get(row).units()).collect();
            prop_assert_eq!(found, values);
        }
    }
}
