//! Day totals of a rule's members: all that rules are evaluated on.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use crate::facts::fact::{Fact, FactField, FactTable};
use crate::facts::grouping::Grouping;
use crate::facts::matching::Matching;
use crate::facts::spend::{Basis, CostPolicy};
use crate::money::decimal::{Decimal, SumOutOfRange, add, sum};
use crate::rules::owner_template::OwnerTemplate;
use crate::rules::rule::Rule;
use crate::table::codes::{number, place};
use crate::text::NONE;

/// Who spent something, on what and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spender<'a> {
    pub(crate) identity: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) model: &'a str,
    pub(crate) token: &'a str,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
}

impl<'a> Spender<'a> {
    fn of(key: Fact<'a>) -> Self {
        Self {
            identity: key.get(FactField::Identity),
            kind: key.get(FactField::IdentityKind),
            principal: key.get(FactField::Principal),
            model: key.get(FactField::Model),
            token: key.get(FactField::TokenKind),
            account: key.get(FactField::AccountId),
            region: key.get(FactField::Region),
        }
    }
}

/// What a member spent on one day. Five thousand members have hundreds of thousands of these, and each of some million facts
/// is in one for every rule with `each`: so what most have one of stands in place, a fact takes four bytes, and nothing is
/// added up that few are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct DayTotal<'a> {
    day: NaiveDate,
    /// In the rule's currency.
    pub(crate) spent: Decimal,
    /// What was spent: the table of the first fact, and the places there of all of its facts.
    table: Option<&'a FactTable>,
    places: Vec<u32>,
    /// What a fact costs.
    basis: Basis,
    few: Option<Box<Few<'a>>>,
    /// For each tag that the owner template asks for, the one value that was seen, or `None` for several.
    pub(crate) tags: Vec<(&'a str, Option<&'a str>)>,
    /// Who owns the spend, where the rule names an owner.
    pub(crate) owner: Seen<'a>,
}

/// What few days have.
#[derive(Clone, Debug, Default)]
struct Few<'a> {
    /// What was spent: facts of other tables.
    elsewhere: Vec<Fact<'a>>,
    other_currencies: BTreeMap<&'a str, Decimal>,
}

/// The values that facts have of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// None has a value.
    #[default]
    Nothing,
    /// All that have one have this one.
    One(&'a str),
    /// They do not agree.
    Several,
}

impl Seen<'_> {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, seen) | (seen, Self::Nothing) => seen,
            (Self::One(left), Self::One(right)) if left == right => self,
            _ => Self::Several,
        }
    }
}

/// What a member spent, day by day.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemberTotals<'a> {
    /// In order.
    days: Vec<DayTotal<'a>>,
}

/// The members of a rule: `None` alone where the rule is for all together.
pub(crate) type Totals<'a> = BTreeMap<Option<Cow<'a, str>>, MemberTotals<'a>>;

impl<'a> MemberTotals<'a> {
    fn add(&mut self, rule: &'a Rule, fact: Fact<'a>, basis: Basis, spend: Decimal) -> Result<(), SumOutOfRange> {
        let day = fact.day();
        let place = self.days.binary_search_by_key(&day, |total| total.day).unwrap_or_else(|place| {
            // Days are most of what a rule's members take, and doubling leaves up to half of the room empty.
            if self.days.len() == self.days.capacity() {
                self.days.reserve_exact(4.max(self.days.len() / 4));
            }
            self.days.insert(place, DayTotal { day, basis, ..DayTotal::default() });
            place
        });
        self.days.get_mut(place).map_or(Ok(()), |total| total.add(rule, fact, spend))
    }

    /// The days with facts in a span, in order.
    pub(crate) fn within(
        &self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> impl DoubleEndedIterator<Item = (NaiveDate, &DayTotal<'a>)> + Clone {
        let from = self.days.partition_point(|total| total.day < first);
        let to = self.days.partition_point(|total| total.day <= last.max(first));
        self.days.get(from..to).unwrap_or_default().iter().map(|total| (total.day, total))
    }

    /// What was spent on a day.
    pub(crate) fn on(&self, day: NaiveDate) -> Decimal {
        self.within(day, day).next().map_or(Decimal::ZERO, |(_, total)| total.spent)
    }

    /// The first day with spend above zero.
    pub(crate) fn first_spend(&self) -> Option<NaiveDate> {
        self.days.iter().find(|total| total.spent > Decimal::ZERO).map(|total| total.day)
    }

    /// The exact sum of a span.
    pub(crate) fn sum(&self, first: NaiveDate, last: NaiveDate) -> Result<Decimal, SumOutOfRange> {
        sum(self.within(first, last).map(|(_, total)| total.spent))
    }

    /// The amount of every day from `first` to `last`, zeros among them.
    pub(crate) fn series(&self, first: NaiveDate, last: NaiveDate) -> Vec<Decimal> {
        first.iter_days().take_while(|day| *day <= last).map(|day| self.on(day)).collect()
    }

    /// Every day with spend.
    pub(crate) fn amounts(&self) -> BTreeMap<NaiveDate, Decimal> {
        self.days.iter().map(|total| (total.day, total.spent)).collect()
    }
}

/// Adds up what `rule` is about. A rule without `each` has one member, also where nothing was spent; others have one for
/// each value with matched spend in any currency.
pub(crate) fn totals<'a, 'f: 'a>(
    rule: &'a Rule,
    facts: impl Iterator<Item = Fact<'f>>,
    policy: &CostPolicy,
) -> Result<Totals<'a>, SumOutOfRange> {
    let mut members: Vec<(Option<Cow<'a, str>>, MemberTotals<'a>)> = Vec::new();
    if rule.each.is_none() {
        members.push((None, MemberTotals::default()));
    }
    let mut matching = Matching::of(&rule.matches);
    let mut grouping = Grouping::by(rule.each.as_slice());
    // For each group its member: the value of a group may be what those without a value are called.
    let mut of_group: Vec<Option<usize>> = Vec::new();
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
    let mut spending = policy.spending();
    for fact in facts {
        let Some(spend) = spending.of(fact) else { continue };
        if !matching.holds(fact) {
            continue;
        }
        let place = match &rule.each {
            None => 0,
            Some(dimension) => {
                let group = grouping.group(fact);
                if of_group.len() <= group {
                    of_group.resize(group + 1, None);
                }
                let Some(known) = of_group.get_mut(group) else { continue };
                *known.get_or_insert_with(|| {
                    let value = dimension.value(fact);
                    let member = if value.is_empty() { Cow::Borrowed(NONE) } else { value };
                    *places.entry(member).or_insert_with_key(|member| {
                        members.push((Some(member.clone()), MemberTotals::default()));
                        members.len() - 1
                    })
                })
            }
        };
        if let Some((_, totals)) = members.get_mut(place) {
            totals.add(rule, fact, policy.basis, spend)?;
        }
    }
    Ok(members.into_iter().collect())
}

impl<'a> DayTotal<'a> {
    /// Who spent how much, a spender perhaps several times.
    pub(crate) fn spenders(&self) -> impl Iterator<Item = (Spender<'a>, Decimal)> {
        self.facts().map(|(key, spent)| (Spender::of(key), spent))
    }

    /// What was spent, fact by fact.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (Fact<'a>, Decimal)> {
        let of_first = self.table.into_iter().flat_map(|table| self.places.iter().map(|row| table.row(place(*row))));
        let elsewhere = self.few.iter().flat_map(|few| few.elsewhere.iter().copied());
        of_first.chain(elsewhere).map(|fact| (fact, self.basis.cost(fact)))
    }

    /// What was spent in each other currency than the rule's.
    pub(crate) fn other_currencies(&self) -> impl Iterator<Item = (&'a str, Decimal)> {
        self.few.iter().flat_map(|few| few.other_currencies.iter().map(|(currency, spent)| (*currency, *spent)))
    }

    fn add(&mut self, rule: &'a Rule, fact: Fact<'a>, spend: Decimal) -> Result<(), SumOutOfRange> {
        let currency = fact.get(FactField::Currency);
        if currency != rule.currency {
            return add(self.few.get_or_insert_default().other_currencies.entry(currency).or_default(), spend);
        }
        add(&mut self.spent, spend)?;
        if std::ptr::eq(*self.table.get_or_insert(fact.table()), fact.table()) {
            self.places.push(number(fact.place()));
        } else {
            self.few.get_or_insert_default().elsewhere.push(fact);
        }
        let owner = fact.get(FactField::Owner);
        if rule.owner.is_some() && !owner.is_empty() {
            self.owner = self.owner.and(Seen::One(owner));
        }
        for name in rule.owner.iter().flat_map(OwnerTemplate::tags) {
            // Facts without the tag do not disagree: discounts, for one, have no principal's tags.
            let value = fact.tag(name);
            if !value.is_empty() {
                if let Some((_, seen)) = self.tags.iter_mut().find(|(tag, _)| *tag == name) {
                    *seen = seen.filter(|seen| *seen == value);
                } else {
                    // A template mostly asks for one.
                    self.tags.reserve_exact(1);
                    self.tags.push((name, Some(value)));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{fact, table};

    #[test]
    fn a_day_knows_every_fact_of_every_table_and_what_it_cost() {
        let of = |cost: &str, currency: &str, model: &str| {
            fact("2026-11-02", cost, &[("currency", currency), ("model", model), ("identity", "ana")])
        };
        let one = table(&[of("1", "USD", "a"), of("2", "USD", "b"), of("4", "USD", "c"), of("9", "EUR", "a")]);
        let other = table(&[of("8", "USD", "a"), of("16", "USD", "d"), of("5", "EUR", "b")]);
        let (rule, policy) = (Rule::new("r"), CostPolicy::default());
        let found = totals(&rule, one.rows().chain(other.rows()), &policy).unwrap();
        let [day] = &*found[&None].days else { panic!("{found:?}") };
        let mut facts: Vec<_> =
            day.facts().map(|(fact, spent)| (fact.get(FactField::Model), spent.to_string())).collect();
        facts.sort_unstable();
        let expected = [("a", "1"), ("a", "8"), ("b", "2"), ("c", "4"), ("d", "16")];
        assert_eq!(facts, expected.map(|(model, spent)| (model, spent.to_owned())));
        assert_eq!(day.spent.to_string(), "31");
        let others: Vec<_> = day.other_currencies().map(|(currency, spent)| (currency, spent.to_string())).collect();
        assert_eq!(others, [("EUR", "14".to_owned())]);
    }
}
