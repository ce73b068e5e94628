//! Telling facts apart by what they have in some dimensions: by codes, so that texts are looked at once for each
//! combination that a table has, and not for each row.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

use chrono::NaiveDate;

use crate::facts::combinations::combinations;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField, FactTable};
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::table::codes::place;
use crate::table::combined::Combined;

/// Groups of facts, numbered from 0 in the order in which their tables are met.
#[derive(Clone, Debug)]
pub struct Grouping<'d, 'a> {
    dimensions: &'d [Dimension],
    by_tag_sets: bool,
    /// A fact of each group.
    facts: Vec<Fact<'a>>,
    /// The groups by what their facts have, once codes alone do not tell: combinations of one table differ in what they
    /// have, but for sets of tags and for those of another table.
    by_values: Option<HashMap<Vec<Cow<'a, str>>, usize>>,
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
        Self { dimensions, by_tag_sets: false, facts: Vec::new(), by_values: None, table: None }
    }

    /// By the dimensions and by whole sets of tags, each table for itself: several groups may have the same values.
    fn by_tag_sets(dimensions: &'d [Dimension]) -> Self {
        Self { by_tag_sets: true, ..Self::by(dimensions) }
    }

    /// The group of a fact.
    pub fn group(&mut self, fact: Fact<'a>) -> usize {
        if self.table.as_ref().is_none_or(|known| !std::ptr::eq(known.table, fact.table())) {
            // First, because it is as large as the next.
            self.table = None;
            self.table = Some(self.grouped(fact.table()));
        }
        let group = self.table.as_ref().and_then(|Grouped { combinations, groups, .. }| {
            let combination = combinations.get(fact.place())?;
            groups.get(place(*combination))
        });
        group.copied().unwrap_or_default()
    }

    /// How many groups there are so far.
    pub fn groups(&self) -> usize {
        self.facts.len()
    }

    fn grouped(&mut self, table: &'a FactTable) -> Grouped<'a> {
        let Combined { of_row, rows } = combinations(table, self.dimensions.iter(), self.by_tag_sets);
        let are_told_by_codes = !self.dimensions.iter().any(|dimension| matches!(dimension, Dimension::Tag(_)));
        let groups = if self.by_tag_sets || (are_told_by_codes && self.facts.is_empty()) {
            let known = self.facts.len();
            self.facts.extend(rows.iter().map(|row| table.row(*row)));
            (known..self.facts.len()).collect()
        } else {
            self.groups_by_values(rows.into_iter().map(|row| table.row(row)))
        };
        Grouped { table, combinations: of_row, groups }
    }

    /// The group of each of these facts, new ones among them.
    fn groups_by_values(&mut self, facts: impl Iterator<Item = Fact<'a>>) -> Vec<usize> {
        let values = |fact: Fact<'a>| self.dimensions.iter().map(|dimension| dimension.value(fact)).collect::<Vec<_>>();
        let by_values = self
            .by_values
            .get_or_insert_with(|| self.facts.iter().enumerate().map(|(group, fact)| (values(*fact), group)).collect());
        let mut groups = Vec::new();
        for fact in facts {
            let next = self.facts.len();
            let group = *by_values.entry(values(fact)).or_insert(next);
            if group == next {
                self.facts.push(fact);
            }
            groups.push(group);
        }
        groups
    }
}

/// What facts come to by `dimensions`, each with the first fact that has them, in the order of these. `add` takes in a fact
/// and what belongs to it.
pub fn grouped<'a, V, T: Default, E>(
    facts: impl Iterator<Item = (Fact<'a>, V)>,
    dimensions: &[Dimension],
    add: impl FnMut(&mut T, Fact<'a>, V) -> Result<(), E>,
) -> Result<Vec<(Fact<'a>, T)>, E> {
    gather(facts, Grouping::by(dimensions), add)
}

fn gather<'a, V, T: Default, E>(
    facts: impl Iterator<Item = (Fact<'a>, V)>,
    mut grouping: Grouping<'_, 'a>,
    mut add: impl FnMut(&mut T, Fact<'a>, V) -> Result<(), E>,
) -> Result<Vec<(Fact<'a>, T)>, E> {
    let mut places: Vec<Option<usize>> = Vec::new();
    let mut found: Vec<(Fact<'a>, T)> = Vec::new();
    for (fact, value) in facts {
        let group = grouping.group(fact);
        if places.len() < grouping.groups() {
            places.resize(grouping.groups(), None);
        }
        let Some(place) = places.get_mut(group) else { continue };
        let place = *place.get_or_insert_with(|| {
            found.push((fact, T::default()));
            found.len() - 1
        });
        if let Some((_, of_group)) = found.get_mut(place) {
            add(of_group, fact, value)?;
        }
    }
    Ok(found)
}

/// What was spent by `dimensions`, each with the first fact that has them.
pub fn spend_by<'a>(
    facts: impl Iterator<Item = Fact<'a>>,
    policy: &CostPolicy,
    dimensions: &[Dimension],
) -> Result<Vec<(Fact<'a>, Decimal)>, SumOutOfRange> {
    let mut spending = policy.spending();
    summed(facts.filter_map(|fact| Some((fact, spending.of(fact)?))), dimensions)
}

/// What was spent on each day that has spend, in order.
pub type Days = Vec<(NaiveDate, Decimal)>;

/// What was spent on each day by `dimensions`, each with the first fact that has them. Days are in order.
pub fn spend_by_day<'a>(
    facts: impl Iterator<Item = Fact<'a>>,
    policy: &CostPolicy,
    dimensions: &[Dimension],
) -> Result<Vec<(Fact<'a>, Days)>, SumOutOfRange> {
    let mut spending = policy.spending();
    let facts = facts.filter_map(|fact| Some((fact, spending.of(fact)?)));
    grouped(facts, dimensions, |days: &mut Days, fact, spend| {
        let day = fact.day();
        // Facts of a table come in the order of their days.
        match days.last_mut() {
            Some((last, sum)) if *last == day => return add(sum, spend),
            Some((last, _)) if *last > day => {}
            _ => {
                days.push((day, spend));
                return Ok(());
            }
        }
        let place = days.partition_point(|(known, _)| *known < day);
        match days.get_mut(place) {
            Some((known, sum)) if *known == day => add(sum, spend),
            _ => {
                days.insert(place, (day, spend));
                Ok(())
            }
        }
    })
}

/// What was spent by `dimensions` and sets of tags, each with a fact that has them; the same may be there several times.
pub fn spend_by_tag_sets<'a>(
    facts: impl Iterator<Item = Fact<'a>>,
    policy: &CostPolicy,
    dimensions: &[Dimension],
) -> Result<Vec<(Fact<'a>, Decimal)>, SumOutOfRange> {
    let mut spending = policy.spending();
    let facts = facts.filter_map(|fact| Some((fact, spending.of(fact)?)));
    gather(facts, Grouping::by_tag_sets(dimensions), |sum: &mut Decimal, _, spend| add(sum, spend))
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
    grouped(facts, dimensions, |sum: &mut Decimal, _, spend| add(sum, spend))
}

/// The texts of a field that facts have.
pub fn distinct<'a>(facts: impl Iterator<Item = Fact<'a>>, field: FactField) -> Vec<&'a str> {
    let dimensions = [Dimension::Field(field)];
    let facts = facts.map(|fact| (fact, ()));
    let Ok::<_, Infallible>(found) = grouped(facts, &dimensions, |(): &mut (), _, ()| Ok(()));
    found.into_iter().map(|(fact, ())| fact.get(field)).collect()
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
        for (group, fact) in found {
            let of = |fact| dimensions.iter().map(|dimension: &Dimension| dimension.value(fact)).collect::<Vec<_>>();
            assert_eq!(of(grouping.facts[group]), of(fact));
        }
    }

    #[test]
    fn days_are_in_order_whatever_the_order_of_tables() {
        let of = |day: &str, cost: &str| fact(day, cost, &[("identity", "a")]);
        let one = table(&[of("2026-11-02", "1"), of("2026-11-04", "2")]);
        let other = table(&[of("2026-11-01", "4"), of("2026-11-02", "8"), of("2026-11-03", "16")]);
        let facts = one.rows().chain(other.rows());
        let found = spend_by_day(facts, &CostPolicy::default(), &["identity".parse().unwrap()]).unwrap();
        let days = |days: &[(NaiveDate, Decimal)]| days.iter().map(|(_, sum)| sum.to_string()).collect::<Vec<_>>();
        assert_eq!(found.iter().map(|(_, found)| days(found)).collect::<Vec<_>>(), [["4", "9", "16", "2"]]);
    }

    #[test]
    fn sets_of_tags_that_have_the_same_value_are_of_one_group() {
        let of = |other: &str| fact("2026-11-01", "1", &[("iamPrincipal/team", "search"), ("iamPrincipal/x", other)]);
        let facts = table(&[of("1"), of("2")]);
        let team = ["tag:iamPrincipal/team".parse().unwrap()];
        let sums = cost_by(facts.rows(), &team).unwrap();
        assert_eq!(sums.iter().map(|(_, sum)| *sum).collect::<Vec<_>>(), [Decimal::from_integer(2)]);
    }
}
