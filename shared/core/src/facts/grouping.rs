//! Telling facts apart by what they have in some dimensions: by codes, so that texts are looked at once for each
//! combination that a table has, and not for each row.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

use crate::facts::combinations::combinations;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField, FactTable};
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::table::codes::place;
use crate::table::combined::Combined;

/// Groups of facts, numbered from 0 in the order in which they are met.
#[derive(Clone, Debug)]
pub struct Grouping<'d, 'a> {
    dimensions: &'d [Dimension],
    known: HashMap<Vec<Cow<'a, str>>, usize>,
    /// What is known of the table that was asked for last.
    table: Option<Grouped<'a>>,
}

/// The groups of one table's rows.
#[derive(Clone, Debug)]
struct Grouped<'a> {
    table: &'a FactTable,
    /// For each row, a combination of codes.
    combinations: Vec<u32>,
    /// For each combination, its group: several are of one where sets of tags differ in other tags.
    groups: Vec<usize>,
}

impl<'d, 'a> Grouping<'d, 'a> {
    pub fn by(dimensions: &'d [Dimension]) -> Self {
        Self { dimensions, known: HashMap::new(), table: None }
    }

    /// The group of a fact.
    pub fn group(&mut self, fact: Fact<'a>) -> usize {
        let found = match self.table.take().filter(|known| std::ptr::eq(known.table, fact.table())) {
            Some(found) => found,
            None => self.grouped(fact.table()),
        };
        let group = found.combinations.get(fact.place()).and_then(|combination| found.groups.get(place(*combination)));
        let group = group.copied().unwrap_or_default();
        self.table = Some(found);
        group
    }

    /// How many groups there are so far.
    pub fn groups(&self) -> usize {
        self.known.len()
    }

    /// What the facts of each group have, in the order of the dimensions and of the groups.
    pub fn into_values(self) -> Vec<Vec<Cow<'a, str>>> {
        let mut values: Vec<_> = self.known.into_iter().collect();
        values.sort_unstable_by_key(|(_, group)| *group);
        values.into_iter().map(|(values, _)| values).collect()
    }

    fn grouped(&mut self, table: &'a FactTable) -> Grouped<'a> {
        let Combined { of_row, rows } = combinations(table, self.dimensions.iter());
        let group = |row: usize| {
            let values = self.dimensions.iter().map(|dimension| dimension.value(table.row(row))).collect();
            let next = self.known.len();
            *self.known.entry(values).or_insert(next)
        };
        Grouped { table, combinations: of_row, groups: rows.into_iter().map(group).collect() }
    }
}

/// What the facts of a group have in the dimensions, and what they come to.
pub type Group<'a, T> = (Vec<Cow<'a, str>>, T);

/// What facts come to by `dimensions`: `add` takes in a fact and what belongs to it. The groups are in the order of their
/// first facts.
pub fn grouped<'a, V, T: Default, E>(
    facts: impl Iterator<Item = (Fact<'a>, V)>,
    dimensions: &[Dimension],
    mut add: impl FnMut(&mut T, Fact<'a>, V) -> Result<(), E>,
) -> Result<Vec<Group<'a, T>>, E> {
    let mut grouping = Grouping::by(dimensions);
    let mut places: Vec<Option<usize>> = Vec::new();
    let mut found: Vec<(usize, T)> = Vec::new();
    for (fact, value) in facts {
        let group = grouping.group(fact);
        if places.len() < grouping.groups() {
            places.resize(grouping.groups(), None);
        }
        let Some(place) = places.get_mut(group) else { continue };
        let place = *place.get_or_insert_with(|| {
            found.push((group, T::default()));
            found.len() - 1
        });
        if let Some((_, of_group)) = found.get_mut(place) {
            add(of_group, fact, value)?;
        }
    }
    let mut values = grouping.into_values();
    let of = |(group, found): (usize, T)| Some((std::mem::take(values.get_mut(group)?), found));
    Ok(found.into_iter().filter_map(of).collect())
}

/// What was spent by `dimensions`, each with the first fact that has them.
pub fn spend_by<'a>(
    facts: impl Iterator<Item = Fact<'a>>,
    policy: &CostPolicy,
    dimensions: &[Dimension],
) -> Result<Vec<(Fact<'a>, Decimal)>, SumOutOfRange> {
    summed(facts.filter_map(|fact| Some((fact, policy.spend(fact)?))), dimensions)
}

/// What facts cost by `dimensions`, unblended and whether it counts as spend or not, each with the first fact that has
/// them.
pub fn cost_by<'a>(
    facts: impl Iterator<Item = Fact<'a>>,
    dimensions: &[Dimension],
) -> Result<Vec<(Fact<'a>, Decimal)>, SumOutOfRange> {
    summed(facts.map(|fact| (fact, fact.unblended_cost())), dimensions)
}

fn summed<'a>(
    facts: impl Iterator<Item = (Fact<'a>, Decimal)>,
    dimensions: &[Dimension],
) -> Result<Vec<(Fact<'a>, Decimal)>, SumOutOfRange> {
    let sums = grouped(facts, dimensions, |(like, sum): &mut (Option<Fact<'a>>, Decimal), fact, spend| {
        like.get_or_insert(fact);
        add(sum, spend)
    })?;
    Ok(sums.into_iter().filter_map(|(_, (like, sum))| Some((like?, sum))).collect())
}

/// The texts of a field that facts have.
pub fn distinct<'a>(facts: impl Iterator<Item = Fact<'a>>, field: FactField) -> Vec<&'a str> {
    let dimensions = [Dimension::Field(field)];
    let facts = facts.map(|fact| (fact, ()));
    let Ok::<_, Infallible>(found) = grouped(facts, &dimensions, |like: &mut Option<Fact<'a>>, fact, ()| {
        like.get_or_insert(fact);
        Ok(())
    });
    found.into_iter().filter_map(|(_, like)| Some(like?.get(field))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{fact, table};

    #[test]
    fn facts_of_several_tables_are_of_one_group_where_they_have_the_same_values() {
        let of = |day: &str, identity: &str, other: &str| {
            fact(day, "1", &[("identity", identity), ("iamPrincipal/team", "search"), ("iamPrincipal/x", other)])
        };
        let one = table(&[of("2026-11-01", "a", "1"), of("2026-11-01", "b", "1"), of("2026-11-02", "a", "2")]);
        let other = table(&[of("2026-11-01", "b", "3"), of("2026-11-03", "a", "1")]);
        let dimensions = ["day", "identity", "tag:iamPrincipal/team"].map(|name| name.parse().unwrap());
        let mut grouping = Grouping::by(&dimensions);
        let facts = one.rows().chain(other.rows()).chain(one.rows());
        let found: Vec<_> = facts.clone().map(|fact| (grouping.group(fact), fact)).collect();
        assert_eq!(grouping.groups(), 4);
        let values = grouping.into_values();
        for (group, fact) in found {
            let expected: Vec<_> = dimensions.iter().map(|dimension: &Dimension| dimension.value(fact)).collect();
            assert_eq!(values[group], expected);
        }
    }
}
