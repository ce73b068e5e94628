//! Totals of facts by any dimensions, for reports, gauges and texts.

use std::collections::BTreeMap;

use crate::decimal::Decimal;
use crate::dimension::Dimension;
use crate::fact::{Fact, FactField};
use crate::line::SumOutOfRange;
use crate::unit_cost::UnitSums;

/// What the rest is called when only the largest groups are shown.
pub const OTHER: &str = "(other)";

/// The total of one group in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the group has in each dimension asked for, in the order asked; empty means nothing.
    pub keys: Vec<String>,
    /// The currency of the cost. Currencies are never added together.
    pub currency: String,
    /// The exact total.
    pub cost: Decimal,
    /// What prices of it are made of.
    pub units: UnitSums,
}

/// Sums `cost` of the facts by `dimensions` and currency; facts without a cost are left out, groups that sum to zero
/// are not. Sorted by currency, cost descending, keys.
///
/// # Errors
///
/// [`SumOutOfRange`].
pub fn totals<'a>(
    facts: impl IntoIterator<Item = &'a Fact>,
    dimensions: &[Dimension],
    cost: impl Fn(&Fact) -> Option<Decimal>,
) -> Result<Vec<Row>, SumOutOfRange> {
    let mut sums: BTreeMap<(String, Vec<String>), (Decimal, UnitSums)> = BTreeMap::new();
    for fact in facts {
        let Some(cost) = cost(fact) else { continue };
        let keys = dimensions.iter().map(|dimension| dimension.value(&fact.key).into_owned()).collect();
        let (sum, units) = sums.entry((fact.key.get(FactField::Currency).to_owned(), keys)).or_default();
        *sum = sum.checked_add(cost).ok_or(SumOutOfRange)?;
        units.add(fact, cost)?;
    }
    let row = |((currency, keys), (cost, units))| Row { keys, currency, cost, units };
    let mut rows: Vec<_> = sums.into_iter().map(row).collect();
    rows.sort_by(|left, right| {
        let by_cost = || right.cost.cmp(&left.cost);
        left.currency.cmp(&right.currency).then_with(by_cost).then_with(|| left.keys.cmp(&right.keys))
    });
    Ok(rows)
}

/// Keeps the first `top` rows of each currency and adds one row with [`OTHER`] for the rest, where there is a rest.
///
/// # Errors
///
/// [`SumOutOfRange`].
pub fn fold(rows: Vec<Row>, top: usize) -> Result<Vec<Row>, SumOutOfRange> {
    let mut folded = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(currency) = rows.peek().map(|row| row.currency.clone()) {
        let mut kept = 0;
        let mut rest: Option<Row> = None;
        while let Some(row) = rows.next_if(|row| row.currency == currency) {
            if kept < top {
                kept += 1;
                folded.push(row);
                continue;
            }
            let other = rest.get_or_insert_with(|| Row {
                keys: vec![OTHER.to_owned(); row.keys.len()],
                currency: currency.clone(),
                cost: Decimal::ZERO,
                units: UnitSums::default(),
            });
            other.cost = other.cost.checked_add(row.cost).ok_or(SumOutOfRange)?;
            other.units.merge(&row.units)?;
        }
        folded.extend(rest);
    }
    Ok(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, currency: &str, cost: &str) -> Row {
        let (keys, currency) = (vec![key.to_owned()], currency.to_owned());
        Row { keys, currency, cost: cost.parse().unwrap(), units: UnitSums::default() }
    }

    #[test]
    fn top_keeps_n_rows_per_currency_and_adds_one_other() {
        let rows = vec![
            row("a", "CNY", "3"),
            row("a", "USD", "5"),
            row("b", "USD", "4"),
            row("c", "USD", "3"),
            row("d", "USD", "-1"),
        ];
        let folded = fold(rows, 2).unwrap();
        let expected =
            vec![row("a", "CNY", "3"), row("a", "USD", "5"), row("b", "USD", "4"), row("(other)", "USD", "2")];
        assert_eq!(folded, expected);
    }

    #[test]
    fn nothing_folded_is_no_other() {
        let rows = vec![row("a", "USD", "5"), row("b", "USD", "4")];
        assert_eq!(fold(rows.clone(), 2).unwrap(), rows);
    }
}
