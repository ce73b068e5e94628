//! Products of two 128-bit numbers, divided again before they have to fit.

/// `left * right / divisor`, rounded down, and the remainder; `None` if the divisor is zero or beyond 127 bits, or the
/// quotient does not fit.
pub(crate) fn multiply_divide(left: u128, right: u128, divisor: u128) -> Option<(u128, u128)> {
    if divisor == 0 || divisor > i128::MAX.unsigned_abs() {
        return None;
    }
    let whole = left.checked_mul(right / divisor)?;
    let right = right % divisor;
    // Long multiplication from the top bit: the remainder stays below the divisor, so that twice of it fits.
    let (mut quotient, mut remainder) = (0_u128, 0_u128);
    for bit in (0..u128::BITS - left.leading_zeros()).rev() {
        quotient *= 2;
        remainder *= 2;
        if remainder >= divisor {
            (quotient, remainder) = (quotient + 1, remainder - divisor);
        }
        if left >> bit & 1 == 1 {
            remainder += right;
            if remainder >= divisor {
                (quotient, remainder) = (quotient + 1, remainder - divisor);
            }
        }
    }
    Some((whole.checked_add(quotient)?, remainder))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn products_beyond_128_bits_are_divided_exactly() {
        let largest = 10_u128.pow(38) - 1;
        assert_eq!(multiply_divide(largest, largest, largest), Some((largest, 0)));
        assert_eq!(multiply_divide(largest, largest - 1, largest), Some((largest - 1, 0)));
        assert_eq!(multiply_divide(largest, 3, 2), Some((largest / 2 * 3 + 1, 1)));
        assert_eq!(multiply_divide(largest, largest, 2), None);
        assert_eq!(multiply_divide(1, 1, 0), None);
        let most = i128::MAX.unsigned_abs();
        assert_eq!(multiply_divide(most, 2, most), Some((2, 0)));
        assert_eq!(multiply_divide(most, 2, most + 1), None, "twice a remainder might not fit");
    }

    proptest! {
        #[test]
        fn small_products_are_what_plain_arithmetic_says(left: u64, right: u64, divisor in 1..u64::MAX) {
            let (left, right, divisor) = (u128::from(left), u128::from(right), u128::from(divisor));
            let product = left * right;
            prop_assert_eq!(multiply_divide(left, right, divisor), Some((product / divisor, product % divisor)));
        }

        #[test]
        fn a_factor_that_is_divided_again_comes_back(value: u128, factor in 1..i128::MAX.unsigned_abs()) {
            prop_assert_eq!(multiply_divide(value, factor, factor), Some((value, 0)));
        }
    }
}
