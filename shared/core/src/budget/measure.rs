//! Measuring a month's spend against budgets. Pure: the same facts and budgets give the same measurements.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Budget, SEVERAL, Severity};
use crate::decimal::Decimal;
use crate::dimension::Dimension;
use crate::fact::{Fact, FactField};
use crate::line::SumOutOfRange;
use crate::period::BillingPeriod;
use crate::spend::CostPolicy;
use crate::text::{NONE, or_none};

/// What a budget, or one member of it, spent in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The budget's name.
    pub rule: String,
    /// The member, where the budget is for each of some; [`NONE`] is what has no value.
    pub member: Option<String>,
    /// What the members are, where there are members.
    pub each: Option<Dimension>,
    /// What the budget matches, for people: `tag:iamPrincipal/team = search*`; empty if it matches everything.
    pub scope: String,
    /// The currency of the amounts.
    pub currency: String,
    /// The month.
    pub window: BillingPeriod,
    /// The exact spend over usage dates in the month. Days that are still filling up count.
    pub spent: Decimal,
    /// The limit.
    pub amount: Decimal,
    /// The thresholds, in percent of the amount, that the spend has reached; ascending.
    pub crossed: Vec<u32>,
    /// How urgent it is.
    pub severity: Severity,
    /// Whom to call, filled in.
    pub owner: Option<String>,
    /// What to read.
    pub runbook: Option<String>,
    /// What was spent on each day with spend, in order.
    pub days: Vec<(NaiveDate, Decimal)>,
    /// Who spent most of it.
    pub driver: Option<Driver>,
    /// What the budget matched in other currencies: not part of `spent`.
    pub other_currencies: BTreeMap<String, Decimal>,
}

/// Who spent most, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The identity with the largest spend; [`NONE`] if the bill names nobody.
    pub identity: String,
    /// What kind of identity it is, as facts name it.
    pub identity_kind: String,
    /// Its spend.
    pub spent: Decimal,
    /// The principal as billed with the largest part of that; empty if the bill names nobody.
    pub principal: String,
    /// The identity's most expensive model; [`NONE`] if the bill names none.
    pub model: String,
    /// What the identity spent on that model.
    pub model_spent: Decimal,
}

/// The most expensive day of a measurement, and how it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The day.
    pub day: NaiveDate,
    /// Its spend.
    pub spent: Decimal,
    /// The median of all other days from the first to the last with spend, those without any being zero; `None` if
    /// there is no other day.
    pub others_median: Option<Decimal>,
}

impl Measurement {
    /// The highest threshold reached.
    #[must_use]
    pub fn highest(&self) -> Option<u32> {
        self.crossed.last().copied()
    }

    /// The most expensive day; of equal ones the latest.
    #[must_use]
    pub fn peak(&self) -> Option<Peak> {
        let (day, spent) = self.days.iter().copied().max_by_key(|(day, spent)| (*spent, *day))?;
        let (first, last) = (self.days.first()?.0, self.days.last()?.0);
        let by_day: BTreeMap<_, _> = self.days.iter().copied().collect();
        let others = first.iter_days().take_while(|other| *other <= last).filter(|other| *other != day);
        let others = others.map(|other| by_day.get(&other).copied().unwrap_or_default()).collect();
        Some(Peak { day, spent, others_median: median(others) })
    }
}

/// The middle value, or what lies halfway between the two middle ones.
fn median(mut values: Vec<Decimal>) -> Option<Decimal> {
    values.sort_unstable();
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get((values.len() / 2).checked_sub(1)?)?;
    Decimal::from_units(i128::midpoint(lower.units(), upper.units()))
}

/// Measures every budget over the facts whose usage date lies in `window`. The facts may be of several exports and
/// several deliveries, and their order does not matter.
///
/// A budget without `each` has one measurement, also where nothing was spent; others have one for each member with
/// matched spend in any currency. Sorted as the budgets are, then by member.
///
/// # Errors
///
/// [`SumOutOfRange`].
pub fn evaluate<'a>(
    budgets: &'a [Budget],
    facts: impl Iterator<Item = &'a Fact> + Clone,
    policy: &CostPolicy,
    window: BillingPeriod,
) -> Result<Vec<Measurement>, SumOutOfRange> {
    let facts = facts.filter(|fact| window.contains(fact.key.usage_date));
    let mut measurements = Vec::new();
    for budget in budgets {
        let mut tallies: BTreeMap<Option<Cow<'a, str>>, Tally<'a>> = BTreeMap::new();
        if budget.each.is_none() {
            tallies.insert(None, Tally::default());
        }
        for fact in facts.clone() {
            let Some(spend) = policy.spend(fact) else { continue };
            if !budget.matches(&fact.key) {
                continue;
            }
            let member = budget.each.as_ref().map(|dimension| match dimension.value(&fact.key) {
                Cow::Borrowed("") => Cow::Borrowed(NONE),
                value => value,
            });
            tallies.entry(member).or_default().add(budget, fact, spend)?;
        }
        for (member, tally) in tallies {
            measurements.push(tally.measure(budget, member.as_deref(), window)?);
        }
    }
    Ok(measurements)
}

/// Who spent something on what: identity, its kind, principal, model.
type Spender<'a> = (&'a str, &'a str, &'a str, &'a str);

/// The sums of one member.
#[derive(Default)]
struct Tally<'a> {
    spent: Decimal,
    days: BTreeMap<NaiveDate, Decimal>,
    spenders: BTreeMap<Spender<'a>, Decimal>,
    other_currencies: BTreeMap<&'a str, Decimal>,
    /// For each tag that the owner template asks for, the one value that was seen, or `None` for several.
    tags: BTreeMap<&'a str, Option<&'a str>>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, budget: &'a Budget, fact: &'a Fact, spend: Decimal) -> Result<(), SumOutOfRange> {
        let key = &fact.key;
        let currency = key.get(FactField::Currency);
        if currency != budget.currency {
            return add(self.other_currencies.entry(currency).or_default(), spend);
        }
        add(&mut self.spent, spend)?;
        add(self.days.entry(key.usage_date).or_default(), spend)?;
        let spender = (
            key.get(FactField::Identity),
            key.get(FactField::IdentityKind),
            key.get(FactField::Principal),
            key.get(FactField::Model),
        );
        add(self.spenders.entry(spender).or_default(), spend)?;
        for name in budget.owner.iter().flat_map(super::OwnerTemplate::tags) {
            // Facts without the tag do not disagree: discounts, for one, have no principal's tags.
            let value = key.tag(name);
            if !value.is_empty() {
                let seen = self.tags.entry(name).or_insert(Some(value));
                *seen = seen.filter(|seen| *seen == value);
            }
        }
        Ok(())
    }

    fn measure(
        self,
        budget: &Budget,
        member: Option<&str>,
        window: BillingPeriod,
    ) -> Result<Measurement, SumOutOfRange> {
        let amount = budget.amount_for(member);
        let owner = budget.owner.as_ref().map(|template| {
            template.fill(member, |tag| match self.tags.get(tag) {
                None => NONE.to_owned(),
                Some(None) => SEVERAL.to_owned(),
                Some(Some(value)) => (*value).to_owned(),
            })
        });
        let reached = budget.thresholds.iter().copied().filter(|percent| reaches(self.spent, amount, *percent));
        let mut crossed: Vec<_> = reached.collect();
        crossed.sort_unstable();
        Ok(Measurement {
            rule: budget.name.clone(),
            member: member.map(str::to_owned),
            each: budget.each.clone(),
            scope: budget.matches.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
            currency: budget.currency.clone(),
            window,
            spent: self.spent,
            amount,
            crossed,
            severity: budget.severity,
            owner,
            runbook: budget.runbook.clone(),
            days: self.days.into_iter().filter(|(_, spent)| !spent.is_zero()).collect(),
            driver: driver(&self.spenders)?,
            other_currencies: self.other_currencies.into_iter().map(|(code, sum)| (code.to_owned(), sum)).collect(),
        })
    }
}

fn add(sum: &mut Decimal, term: Decimal) -> Result<(), SumOutOfRange> {
    *sum = sum.checked_add(term).ok_or(SumOutOfRange)?;
    Ok(())
}

/// Whether `spent` is at least `percent` of `amount`: exact, whatever their size.
fn reaches(spent: Decimal, amount: Decimal, percent: u32) -> bool {
    // The percentage, rounded up to the next 10⁻¹⁸: amount·percent/100 with the whole and the rest apart, so that
    // only a limit which no decimal can reach overflows.
    let (whole, rest) = (amount.units() / 100, amount.units() % 100);
    let percent = i128::from(percent);
    let rounded_up = (rest * percent + 99).div_euclid(100);
    let limit = whole.checked_mul(percent).and_then(|limit| limit.checked_add(rounded_up));
    limit.is_some_and(|limit| spent.units() >= limit)
}

/// The identity with the largest spend, its largest principal and its most expensive model.
fn driver(spenders: &BTreeMap<Spender<'_>, Decimal>) -> Result<Option<Driver>, SumOutOfRange> {
    let Some(((identity, kind), spent)) = largest(spenders, |(identity, kind, ..)| Some((*identity, *kind)))? else {
        return Ok(None);
    };
    let of_identity = |spender: &Spender<'_>| (spender.0, spender.1) == (identity, kind);
    let principal = largest(spenders, |spender| of_identity(spender).then_some(spender.2))?;
    let model = largest(spenders, |spender| of_identity(spender).then_some(spender.3))?;
    Ok(Some(Driver {
        identity: or_none(identity).to_owned(),
        identity_kind: kind.to_owned(),
        spent,
        principal: principal.map_or_else(String::new, |(principal, _)| principal.to_owned()),
        model: model.map_or(NONE, |(model, _)| or_none(model)).to_owned(),
        model_spent: model.map_or(Decimal::ZERO, |(_, spent)| spent),
    }))
}

/// The group with the largest sum; of equal ones the first in order.
fn largest<'a, K: Ord + Copy>(
    spenders: &BTreeMap<Spender<'a>, Decimal>,
    group: impl Fn(&Spender<'a>) -> Option<K>,
) -> Result<Option<(K, Decimal)>, SumOutOfRange> {
    let mut sums: BTreeMap<K, Decimal> = BTreeMap::new();
    for (spender, spent) in spenders {
        if let Some(group) = group(spender) {
            add(sums.entry(group).or_default(), *spent)?;
        }
    }
    Ok(sums.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best }))
}
