//! Day totals of a rule's members: all that rules are evaluated on.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use crate::facts::fact::{Fact, FactField};
use crate::facts::grouping::Grouping;
use crate::facts::matching::Matching;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, add, sum};
use crate::rules::owner_template::OwnerTemplate;
use crate::rules::rule::Rule;
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

/// What a member spent on one day. Five thousand members have hundreds of thousands of these, so what most have one of
/// stands in place, and nothing is added up that few are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct DayTotal<'a> {
    /// In the rule's currency.
    pub(crate) spent: Decimal,
    /// What was spent, fact by fact.
    first: Option<(Fact<'a>, Decimal)>,
    further: Vec<(Fact<'a>, Decimal)>,
    pub(crate) other_currencies: BTreeMap<&'a str, Decimal>,
    /// For each tag that the owner template asks for, the one value that was seen, or `None` for several.
    pub(crate) tags: Vec<(&'a str, Option<&'a str>)>,
    /// Who owns the spend, where the rule names an owner.
    pub(crate) owner: Seen<'a>,
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
    days: Vec<(NaiveDate, DayTotal<'a>)>,
}

/// The members of a rule: `None` alone where the rule is for all together.
pub(crate) type Totals<'a> = BTreeMap<Option<Cow<'a, str>>, MemberTotals<'a>>;

impl<'a> MemberTotals<'a> {
    fn add(&mut self, rule: &'a Rule, fact: Fact<'a>, spend: Decimal) -> Result<(), SumOutOfRange> {
        let day = fact.day();
        let place = self.days.binary_search_by_key(&day, |(day, _)| *day).unwrap_or_else(|place| {
            self.days.insert(place, (day, DayTotal::default()));
            place
        });
        self.days.get_mut(place).map_or(Ok(()), |(_, total)| total.add(rule, fact, spend))
    }

    /// The days with facts in a span, in order.
    pub(crate) fn within(
        &self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> impl DoubleEndedIterator<Item = (NaiveDate, &DayTotal<'a>)> + Clone {
        let from = self.days.partition_point(|(day, _)| *day < first);
        let to = self.days.partition_point(|(day, _)| *day <= last.max(first));
        self.days.get(from..to).unwrap_or_default().iter().map(|(day, total)| (*day, total))
    }

    /// What was spent on a day.
    pub(crate) fn on(&self, day: NaiveDate) -> Decimal {
        self.within(day, day).next().map_or(Decimal::ZERO, |(_, total)| total.spent)
    }

    /// The first day with spend above zero.
    pub(crate) fn first_spend(&self) -> Option<NaiveDate> {
        self.days.iter().find(|(_, total)| total.spent > Decimal::ZERO).map(|(day, _)| *day)
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
        self.days.iter().map(|(day, total)| (*day, total.spent)).collect()
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
            totals.add(rule, fact, spend)?;
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
        self.first.iter().chain(&self.further).copied()
    }

    fn add(&mut self, rule: &'a Rule, fact: Fact<'a>, spend: Decimal) -> Result<(), SumOutOfRange> {
        let currency = fact.get(FactField::Currency);
        if currency != rule.currency {
            return add(self.other_currencies.entry(currency).or_default(), spend);
        }
        add(&mut self.spent, spend)?;
        match self.first {
            None => self.first = Some((fact, spend)),
            Some(_) => self.further.push((fact, spend)),
        }
        let owner = fact.get(FactField::Owner);
        if rule.owner.is_some() && !owner.is_empty() {
            self.owner = self.owner.and(Seen::One(owner));
        }
        for name in rule.owner.iter().flat_map(OwnerTemplate::tags) {
            // Facts without the tag do not disagree: discounts, for one, have no principal's tags.
            let value = fact.tag(name);
            if !value.is_empty() {
                match self.tags.iter_mut().find(|(tag, _)| *tag == name) {
                    Some((_, seen)) => *seen = seen.filter(|seen| *seen == value),
                    None => self.tags.push((name, Some(value))),
                }
            }
        }
        Ok(())
    }
}
