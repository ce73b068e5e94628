//! The order in which people are told of currencies: the largest amount first, whatever one of each is worth, and by name
//! where amounts are equal. Currencies are never converted and never added.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::money::decimal::Decimal;

/// The order of two currencies with their amounts.
pub fn order(left: (&str, Decimal), right: (&str, Decimal)) -> Ordering {
    right.1.abs().cmp(&left.1.abs()).then_with(|| left.0.cmp(right.0))
}

/// Amounts by currency in that order.
pub fn largest_first<K: AsRef<str>>(amounts: &BTreeMap<K, Decimal>) -> Vec<(&str, Decimal)> {
    let mut sorted: Vec<_> = amounts.iter().map(|(currency, amount)| (currency.as_ref(), *amount)).collect();
    sorted.sort_by(|left, right| order(*left, *right));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_stands_first_and_names_decide_between_equals() {
        let amounts = [("CNY", "3"), ("EUR", "-9"), ("USD", "3")];
        let amounts: BTreeMap<_, Decimal> =
            amounts.into_iter().map(|(name, sum)| (name, sum.parse().unwrap())).collect();
        let sorted: Vec<_> = largest_first(&amounts).into_iter().map(|(currency, _)| currency).collect();
        assert_eq!(sorted, ["EUR", "CNY", "USD"]);
    }
}
