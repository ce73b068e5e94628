//! Totals of facts by any dimensions, for reports, gauges and texts.

use std::str::FromStr;

use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::grouping::grouped;
use crate::facts::spend::CostPolicy;
use crate::money::apportion::shares;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::named;
use crate::reporting::unit_sums::UnitSums;
use crate::text::OTHER;

named! {
    /// What a report says of each group.
    pub enum Measure {
        Cost = "cost",
        /// How many single tokens were used; nothing where nothing is counted in tokens.
        Tokens = "tokens",
        /// What a million of them cost, see [`UnitSums::per_million`].
        PerMillion = "per_million",
        /// What usage would have cost at the public on-demand price, where the bill says it.
        ListCost = "list_cost",
        /// The group's part of the cost of all groups of its currency, in percent with one place; the parts sum to
        /// exactly a hundred. Nothing where all of them cost nothing.
        Share = "share",
        /// Its part of their tokens, likewise.
        TokenShare = "token_share",
    }
}

impl Measure {
    /// What it is of each group of a report, in their order; nothing where a group has none.
    pub fn of(self, rows: &[Row]) -> Result<Vec<Option<Decimal>>, SumOutOfRange> {
        Ok(match self {
            Self::Cost => rows.iter().map(|row| Some(row.cost)).collect(),
            Self::Tokens => rows.iter().map(|row| row.units.tokens).collect(),
            Self::PerMillion => rows.iter().map(|row| row.units.per_million()).collect(),
            Self::ListCost => rows.iter().map(|row| row.units.list_cost).collect(),
            Self::Share => shares_by_currency(rows, |row| Some(row.cost))?,
            Self::TokenShare => shares_by_currency(rows, |row| row.units.tokens)?,
        })
    }
}

/// Rows of a currency stand together.
fn shares_by_currency(
    rows: &[Row],
    part: impl Fn(&Row) -> Option<Decimal>,
) -> Result<Vec<Option<Decimal>>, SumOutOfRange> {
    let mut found = Vec::new();
    for of_currency in rows.chunk_by(|left, right| left.currency == right.currency) {
        let parts: Vec<_> = of_currency.iter().map(|row| part(row).unwrap_or_default()).collect();
        let shares = shares(&parts)?.into_iter().zip(of_currency);
        found.extend(shares.map(|(share, row)| share.filter(|_| part(row).is_some())));
    }
    Ok(found)
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::named(text).ok_or_else(|| format!("`{text}` is not a measure: use {}", known()))
    }
}

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
pub fn totals<'a>(
    facts: impl IntoIterator<Item = Fact<'a>>,
    dimensions: &[Dimension],
    cost: impl Fn(Fact<'_>) -> Option<Decimal>,
) -> Result<Vec<Row>, SumOutOfRange> {
    let mut by = vec![Dimension::Field(FactField::Currency)];
    by.extend_from_slice(dimensions);
    let facts = facts.into_iter().filter_map(|fact| Some((fact, cost(fact)?)));
    let sums = grouped(facts, &by, |(sum, units): &mut (Decimal, UnitSums), fact, cost| {
        *sum = sum.checked_add(cost).ok_or(SumOutOfRange)?;
        units.add(fact, cost)
    });
    Ok(sorted(sums?, dimensions))
}

/// The [`totals`] of what was spent, for each of `reports` by its dimensions. Facts are gone through once for all of them.
pub fn spend_by_each<'a>(
    facts: impl Iterator<Item = Fact<'a>>,
    reports: &[Vec<Dimension>],
    policy: &CostPolicy,
) -> Result<Vec<Vec<Row>>, SumOutOfRange> {
    let mut by = vec![Dimension::Field(FactField::Currency)];
    for dimension in reports.iter().flatten() {
        if !by.contains(dimension) {
            by.push(dimension.clone());
        }
    }
    let mut spending = policy.spending();
    let facts = facts.filter_map(|fact| Some((fact, spending.of(fact)?)));
    let together = grouped(facts, &by, |(sum, units): &mut (Decimal, UnitSums), fact, cost| {
        *sum = sum.checked_add(cost).ok_or(SumOutOfRange)?;
        units.add(fact, cost)
    })?;
    let of_one = |dimensions: &Vec<Dimension>| {
        let mut by = vec![Dimension::Field(FactField::Currency)];
        by.extend_from_slice(dimensions);
        let parts = together.iter().map(|(fact, sums)| (*fact, sums));
        let sums = grouped(parts, &by, |(sum, units): &mut (Decimal, UnitSums), _, (cost, used)| {
            *sum = sum.checked_add(*cost).ok_or(SumOutOfRange)?;
            units.merge(used)
        });
        Ok(sorted(sums?, dimensions))
    };
    reports.iter().map(of_one).collect()
}

/// Groups, each with a fact of it, as rows in their order.
fn sorted(sums: Vec<(Fact<'_>, (Decimal, UnitSums))>, dimensions: &[Dimension]) -> Vec<Row> {
    let row = |(fact, (cost, units)): (Fact<'_>, (Decimal, UnitSums))| Row {
        keys: dimensions.iter().map(|dimension| dimension.value(fact).into_owned()).collect(),
        currency: fact.get(FactField::Currency).to_owned(),
        cost,
        units,
    };
    let mut rows: Vec<_> = sums.into_iter().map(row).collect();
    rows.sort_by(|left, right| {
        let by_cost = || right.cost.cmp(&left.cost);
        left.currency.cmp(&right.currency).then_with(by_cost).then_with(|| left.keys.cmp(&right.keys))
    });
    rows
}

impl Row {
    /// Whether it is of something, and not of what is not kept apart.
    pub fn has_name(&self) -> bool {
        self.keys.is_empty() || self.keys.iter().any(|key| key != OTHER)
    }
}

/// Keeps the first `top` rows of each currency and adds one row with [`OTHER`] for the rest, where there is a rest. What is
/// called so itself, because facts do not keep it apart, is part of the rest.
pub fn fold(rows: Vec<Row>, top: usize) -> Result<Vec<Row>, SumOutOfRange> {
    let mut folded = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(currency) = rows.peek().map(|row| row.currency.clone()) {
        let mut kept = 0;
        let mut rest: Option<Row> = None;
        while let Some(row) = rows.next_if(|row| row.currency == currency) {
            if kept < top && row.has_name() {
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
    use crate::fixtures::{fact, table};

    #[test]
    fn reports_from_one_walk_are_those_of_a_walk_of_their_own() {
        let mut facts = Vec::new();
        for turn in 0..60_u32 {
            let of = |count: u32, name: &str| format!("{name}{}", turn * 7 % count);
            let (identity, model, team) = (of(5, "i"), of(3, "m"), of(4, "t"));
            let category = if turn % 6 == 0 { "tax" } else { "usage" };
            let currency = if turn % 11 == 0 { "EUR" } else { "USD" };
            let day = format!("2026-11-{:02}", 1 + turn % 20);
            let texts = [
                ("identity", &*identity),
                ("model", &*model),
                ("iamPrincipal/team", &*team),
                ("category", category),
                ("currency", currency),
            ];
            facts.push(fact(&day, &turn.to_string(), &texts));
        }
        let (table, policy) = (table(&facts), CostPolicy::default());
        let reports = [&["identity"][..], &["model", "day"], &["tag:iamPrincipal/team"], &["day"]];
        let reports = reports.map(|names| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<Dimension>>());
        let each = spend_by_each(table.rows(), &reports, &policy).unwrap();
        assert_eq!(each.len(), 4);
        for (dimensions, rows) in reports.iter().zip(each) {
            assert!(rows.len() > 2, "{dimensions:?}");
            assert_eq!(rows, totals(table.rows(), dimensions, |fact| policy.spend(fact)).unwrap());
        }
    }

    fn row(key: &str, currency: &str, cost: &str) -> Row {
        let (keys, currency) = (vec![key.to_owned()], currency.to_owned());
        Row { keys, currency, cost: cost.parse().unwrap(), units: UnitSums::default() }
    }

    #[test]
    fn what_facts_do_not_keep_apart_is_part_of_the_rest() {
        let rows = vec![row("(other)", "USD", "9"), row("a", "USD", "5"), row("b", "USD", "4"), row("c", "USD", "1")];
        let expected = vec![row("a", "USD", "5"), row("b", "USD", "4"), row("(other)", "USD", "10")];
        assert_eq!(fold(rows, 2).unwrap(), expected);
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
    fn shares_sum_to_a_hundred_in_each_currency_and_what_has_no_tokens_has_no_share_of_them() {
        let mut rows = vec![row("a", "CNY", "3"), row("a", "USD", "1"), row("b", "USD", "1"), row("c", "USD", "1")];
        for (row, tokens) in rows.iter_mut().zip([None, Some("1"), None, Some("3")]) {
            row.units.tokens = tokens.map(|tokens| tokens.parse().unwrap());
        }
        let found = |measure: Measure| {
            let shares = measure.of(&rows).unwrap().into_iter();
            shares.map(|share| share.map_or_else(String::new, |share| share.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(found(Measure::Share), ["100", "33.4", "33.3", "33.3"]);
        assert_eq!(found(Measure::TokenShare), ["", "25", "", "75"]);
    }

    #[test]
    fn nothing_folded_is_no_other() {
        let rows = vec![row("a", "USD", "5"), row("b", "USD", "4")];
        assert_eq!(fold(rows.clone(), 2).unwrap(), rows);
    }
}
