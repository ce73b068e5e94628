//! A part of an amount, by a ratio: exact up to one rounding, however large the numbers in between.

use super::Decimal;

impl Decimal {
    /// `self · numerator / denominator`, rounded once to 18 places, half to even. The product is held in 256 bits, so
    /// that millions of dollars times trillions of tokens lose nothing.
    ///
    /// `None` if the denominator is zero or the result is out of range.
    #[must_use]
    pub fn times_ratio(self, numerator: Self, denominator: Self) -> Option<Self> {
        let signs = [self, numerator, denominator];
        let is_negative = signs.iter().filter(|factor| factor.is_negative()).count() % 2 == 1;
        let [amount, numerator, denominator] = signs.map(|factor| factor.units().unsigned_abs());
        let quotient = i128::try_from(multiply_and_divide(amount, numerator, denominator)?).ok()?;
        Self::from_units(if is_negative { -quotient } else { quotient })
    }
}

/// `left · right / divisor`, rounded half to even; `None` if it does not fit.
fn multiply_and_divide(left: u128, right: u128, divisor: u128) -> Option<u128> {
    let (low, high) = left.carrying_mul(right, 0);
    if high >= divisor {
        return None;
    }
    // Long division, bit by bit: the remainder stays below the divisor, so that one bit beside it is enough.
    let (mut quotient, mut remainder) = (0_u128, high);
    for bit in (0..u128::BITS).rev() {
        let overflows = remainder >> (u128::BITS - 1) == 1;
        remainder = (remainder << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if overflows || remainder >= divisor {
            remainder = remainder.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    let rest = divisor - remainder;
    let away = remainder > rest || (remainder == rest && quotient % 2 == 1);
    quotient.checked_add(u128::from(away))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::decimal;

    #[test]
    fn a_part_is_rounded_once() {
        let part = |amount, numerator, denominator| {
            decimal(amount).times_ratio(decimal(numerator), decimal(denominator)).map(|part| part.to_string())
        };
        assert_eq!(part("10", "1", "3").as_deref(), Some("3.333333333333333333"));
        assert_eq!(part("-20", "1", "3").as_deref(), Some("-6.666666666666666667"));
        assert_eq!(part("0.000000000000000005", "1", "2").as_deref(), Some("0.000000000000000002"), "half to even");
        assert_eq!(part("0.000000000000000007", "-1", "2").as_deref(), Some("-0.000000000000000004"));
        assert_eq!(
            part("99999999999999999999", "99999999999999999999", "99999999999999999999").as_deref(),
            Some("99999999999999999999")
        );
        assert_eq!(part("1", "1", "0"), None);
        assert_eq!(part("0", "1", "0"), None);
        assert_eq!(part("99999999999999999999", "2", "1"), None, "out of range");
        assert_eq!(part("99999999999999999999", "99999999999999999999", "0.000000000000000001"), None);
    }

    proptest! {
        #[test]
        fn the_quotient_is_the_nearest(amount in 0_u64.., numerator in 0_u64.., denominator in 1_u64..) {
            let (amount, numerator, denominator) = (u128::from(amount), u128::from(numerator), u128::from(denominator));
            let quotient = multiply_and_divide(amount, numerator, denominator).unwrap();
            let (product, doubled) = (amount * numerator, quotient * denominator);
            prop_assert!(product.abs_diff(doubled) * 2 <= denominator);
        }

        #[test]
        fn a_ratio_of_one_changes_nothing(units in 1 - 10_i128.pow(38)..10_i128.pow(38), ratio in 1..10_i128.pow(38)) {
            let (amount, ratio) = (Decimal::from_units(units).unwrap(), Decimal::from_units(ratio).unwrap());
            prop_assert_eq!(amount.times_ratio(ratio, ratio), Some(amount));
        }
    }
}
