//! Parts that sum exactly to the whole: the largest remainder method (Hamilton, Hare-Niemeyer), which also divides the
//! seats of parliaments. Each part is rounded down, and the parts with the largest remainders get one unit more.

use std::cmp::Reverse;

use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::money::wide::multiply_divide;

/// Divides `total` in proportion to `weights`, in units of 10⁻¹⁸: each part is rounded towards zero, and what is left
/// goes, a unit each, to the parts that lost most; of equal ones to the first. Weights below zero count as zero. `None`
/// if no weight is above zero.
///
/// # Errors
///
/// [`SumOutOfRange`]: the weights' sum is beyond 127 bits.
pub(crate) fn apportion(total: Decimal, weights: &[Decimal]) -> Result<Option<Vec<Decimal>>, SumOutOfRange> {
    let weights: Vec<u128> = weights.iter().map(|weight| weight.units().max(0).unsigned_abs()).collect();
    let sum = weights.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight)).ok_or(SumOutOfRange)?;
    if sum == 0 {
        return Ok(None);
    }
    // By magnitude, so that a refund is divided exactly as the charge was and the two cancel owner by owner.
    let magnitude = total.units().unsigned_abs();
    let divide = |weight: &u128| multiply_divide(magnitude, *weight, sum).ok_or(SumOutOfRange);
    let parts: Vec<(u128, u128)> = weights.iter().map(divide).collect::<Result<_, _>>()?;
    let given: u128 = parts.iter().map(|(part, _)| part).sum();
    // Each part lost less than a unit, so that fewer units are left than there are parts: one more each is enough.
    let left = usize::try_from(magnitude - given).unwrap_or(usize::MAX);
    let one_more = largest(left, parts.iter().map(|(_, remainder)| *remainder));
    let signed = |(part, more): (u128, bool)| {
        let units = i128::try_from(part + u128::from(more)).unwrap_or(i128::MAX);
        Decimal::from_units(if total.is_negative() { -units } else { units }).ok_or(SumOutOfRange)
    };
    parts.into_iter().map(|(part, _)| part).zip(one_more).map(signed).collect::<Result<_, _>>().map(Some)
}

/// Rounds `amounts` to `places` so that they sum to `target`, which is their sum rounded, up or down, to those places:
/// each is rounded down, and those that lost most are rounded up instead; of equal ones the first.
pub(crate) fn round_to_sum(amounts: &[Decimal], target: Decimal, places: u32) -> Result<Vec<Decimal>, SumOutOfRange> {
    let unit = 10_i128.pow(Decimal::SCALE.saturating_sub(places));
    // Down and not towards zero: every remainder is then positive, and remainders of charges and refunds compare.
    let floors: Vec<i128> = amounts.iter().map(|amount| amount.units().div_euclid(unit)).collect();
    let sum = floors.iter().try_fold(0_i128, |sum, floor| sum.checked_add(*floor)).ok_or(SumOutOfRange)?;
    let left = usize::try_from(target.units().div_euclid(unit) - sum).map_err(|_| SumOutOfRange)?;
    let one_more = largest(left, amounts.iter().map(|amount| amount.units().rem_euclid(unit)));
    let rounded = floors.into_iter().zip(one_more).map(|(floor, more)| {
        (floor + i128::from(more)).checked_mul(unit).and_then(Decimal::from_units).ok_or(SumOutOfRange)
    });
    rounded.collect()
}

/// The share of each of `amounts` in their sum, in percent with one place, so that the shares sum to exactly a hundred;
/// nothing where the sum is zero.
pub(crate) fn shares(amounts: &[Decimal]) -> Result<Vec<Option<Decimal>>, SumOutOfRange> {
    let hundred = Decimal::from_integer(100);
    let whole = amounts.iter().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount)).ok_or(SumOutOfRange)?;
    if whole.is_zero() {
        return Ok(vec![None; amounts.len()]);
    }
    let percents = amounts.iter().map(|amount| amount.checked_mul_div(hundred, whole).ok_or(SumOutOfRange));
    let rounded = round_to_sum(&percents.collect::<Result<Vec<_>, _>>()?, hundred, 1)?;
    Ok(rounded.into_iter().map(Some).collect())
}

/// Which of `values` are among the `count` largest; of equal ones the first.
fn largest<T: Ord + Copy>(count: usize, values: impl Iterator<Item = T>) -> Vec<bool> {
    let mut order: Vec<(Reverse<T>, usize)> =
        values.enumerate().map(|(index, value)| (Reverse(value), index)).collect();
    order.sort_unstable();
    let mut is_largest = vec![false; order.len()];
    for (_, index) in order.into_iter().take(count) {
        if let Some(found) = is_largest.get_mut(index) {
            *found = true;
        }
    }
    is_largest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::decimal;

    fn sum(parts: &[Decimal]) -> i128 {
        parts.iter().map(|part| part.units()).sum()
    }

    #[test]
    fn what_cannot_be_divided_goes_to_who_lost_most_then_to_the_first() {
        let weights = ["1", "1", "1"].map(decimal);
        let third = "0.333333333333333333";
        let parts = apportion(Decimal::ONE, &weights).unwrap().unwrap();
        assert_eq!(parts, ["0.333333333333333334", third, third].map(decimal));
        let parts = apportion(decimal("-0.000000000000000002"), &["1", "3", "2"].map(decimal)).unwrap().unwrap();
        assert_eq!(parts, ["0", "-0.000000000000000001", "-0.000000000000000001"].map(decimal));
        assert_eq!(apportion(Decimal::ONE, &["0", "-5"].map(decimal)), Ok(None));
        assert_eq!(apportion(Decimal::ONE, &[]), Ok(None));
    }

    #[test]
    fn cents_sum_to_the_rounded_whole() {
        let amounts = ["0.004", "0.006", "0.004", "-0.001"].map(decimal);
        let cents = round_to_sum(&amounts, decimal("0.01"), 2).unwrap();
        assert_eq!(cents, ["0", "0.01", "0", "0"].map(decimal), "-0.001 lost most by rounding down, 0.006 next");
    }

    #[test]
    fn shares_sum_to_a_hundred_and_of_nothing_there_are_none() {
        let found = shares(&["1", "1", "1"].map(decimal)).unwrap();
        assert_eq!(found, ["33.4", "33.3", "33.3"].map(|share| Some(decimal(share))));
        let found = shares(&["3", "-1"].map(decimal)).unwrap();
        assert_eq!(found, ["150", "-50"].map(|share| Some(decimal(share))), "a correction takes away");
        assert_eq!(shares(&["1", "-1"].map(decimal)), Ok(vec![None, None]));
        assert_eq!(shares(&[]), Ok(Vec::new()));
    }

    fn some_amount() -> impl Strategy<Value = Decimal> {
        prop_oneof![Just(0), -1000..1000_i128, (1 - 10_i128.pow(36))..10_i128.pow(36)]
            .prop_map(|units| Decimal::from_units(units).unwrap())
    }

    proptest! {
        #[test]
        fn shares_of_anything_sum_to_a_hundred(
            amounts in proptest::collection::vec((0..10_i128.pow(30)).prop_map(|units| Decimal::from_units(units).unwrap()), 1..20),
        ) {
            let found: Option<Vec<_>> = shares(&amounts).unwrap().into_iter().collect();
            let hundred = Decimal::from_integer(100).units();
            prop_assert!(found.is_none_or(|found| sum(&found) == hundred));
        }

        #[test]
        fn parts_sum_to_the_whole_and_none_is_a_unit_off(
            total in some_amount(),
            weights in proptest::collection::vec(some_amount(), 0..20),
        ) {
            let Some(parts) = apportion(total, &weights).unwrap() else {
                prop_assert!(weights.iter().all(|weight| *weight <= Decimal::ZERO));
                return Ok(());
            };
            prop_assert_eq!(sum(&parts), total.units());
            let whole = weights.iter().map(|weight| weight.units().max(0)).sum();
            let whole = Decimal::from_units(whole).unwrap();
            for (part, weight) in parts.iter().zip(&weights) {
                let ideal = total.checked_mul_div((*weight).max(Decimal::ZERO), whole).unwrap();
                prop_assert!((part.units() - ideal.units()).abs() <= 1, "{} {}", part, ideal);
            }
        }

        #[test]
        fn rounded_amounts_sum_to_the_target_and_none_is_a_cent_off(
            amounts in proptest::collection::vec(some_amount(), 0..20), up: bool,
        ) {
            const CENT: i128 = 10_i128.pow(16);
            let total = sum(&amounts);
            let target = if up { -(-total).div_euclid(CENT) } else { total.div_euclid(CENT) } * CENT;
            let rounded = round_to_sum(&amounts, Decimal::from_units(target).unwrap(), 2).unwrap();
            prop_assert_eq!(sum(&rounded), target);
            for (amount, cents) in amounts.iter().zip(&rounded) {
                prop_assert!((amount.units() - cents.units()).abs() < CENT && cents.units() % CENT == 0);
            }
        }
    }
}
