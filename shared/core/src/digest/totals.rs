//! The sums of a month in one currency, and whether they add up to the bill.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::bill::principal::IdentityKind;
use crate::calendar::data_status::DataStatus;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::fact_set::FactSet;
use crate::facts::grouping::grouped;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, add};

/// One currency's totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    pub currency: String,
    /// What counts as spend, on the policy's basis.
    pub spend: Decimal,
    /// Usage on the policy's basis.
    pub usage: Decimal,
    /// The part of the usage that names its caller.
    pub attributed: Decimal,
    /// Every category on the policy's basis, those without money too.
    pub categories: BTreeMap<Category, Decimal>,
    /// Everything on the policy's basis, summed on its own.
    pub bill: Decimal,
    /// Everything, unblended.
    pub unblended: Decimal,
    /// The spend of days that may still change.
    pub provisional: BTreeMap<NaiveDate, Decimal>,
}

/// What facts come to.
#[derive(Clone, Copy, Default)]
struct Costs {
    /// On the policy's basis.
    cost: Decimal,
    unblended: Decimal,
}

impl Totals {
    /// The totals of each currency, in order.
    pub(super) fn of(facts: &FactSet<'_>, policy: &CostPolicy, data: &DataStatus) -> Result<Vec<Self>, SumOutOfRange> {
        let mut by_currency: BTreeMap<&str, Self> = BTreeMap::new();
        let fields = [FactField::Currency, FactField::Category, FactField::IdentityKind].map(Dimension::Field);
        let [currency, category, kind] = fields;
        let costs = facts.iter().map(|fact| (fact, (policy.basis.cost(fact), fact.unblended_cost())));
        let sums = grouped(costs, &[currency, category, kind, Dimension::Day], |sums: &mut Costs, _, costs| {
            add(&mut sums.cost, costs.0)?;
            add(&mut sums.unblended, costs.1)
        });
        for (fact, costs) in sums? {
            let currency = fact.get(FactField::Currency);
            by_currency.entry(currency).or_insert_with(|| Self::new(currency)).add(fact, costs, policy, data)?;
        }
        Ok(by_currency.into_values().collect())
    }

    /// Nothing yet.
    pub(super) fn new(currency: &str) -> Self {
        Self {
            currency: currency.to_owned(),
            spend: Decimal::ZERO,
            usage: Decimal::ZERO,
            attributed: Decimal::ZERO,
            categories: Category::ALL.into_iter().map(|category| (category, Decimal::ZERO)).collect(),
            bill: Decimal::ZERO,
            unblended: Decimal::ZERO,
            provisional: BTreeMap::new(),
        }
    }

    /// Adds facts of one category, kind of caller and day, which come to `costs`.
    fn add(
        &mut self,
        fact: Fact<'_>,
        costs: Costs,
        policy: &CostPolicy,
        data: &DataStatus,
    ) -> Result<(), SumOutOfRange> {
        let Costs { cost, unblended } = costs;
        let category = category_of(fact);
        add(self.categories.entry(category).or_default(), cost)?;
        add(&mut self.bill, cost)?;
        add(&mut self.unblended, unblended)?;
        if category == Category::Usage {
            add(&mut self.usage, cost)?;
            if fact.get(FactField::IdentityKind) != IdentityKind::None.as_str() {
                add(&mut self.attributed, cost)?;
            }
        }
        if policy.counts(fact.get(FactField::Category)) {
            add(&mut self.spend, cost)?;
            if data.is_provisional(fact.day()) {
                add(self.provisional.entry(fact.day()).or_default(), cost)?;
            }
        }
        Ok(())
    }

    /// Usage that does not name its caller.
    pub fn unattributed(&self) -> Decimal {
        self.usage.checked_sub(self.attributed).unwrap_or_default()
    }

    /// The spend that may still change.
    pub fn provisional_spend(&self) -> Decimal {
        self.provisional.values().try_fold(Decimal::ZERO, |sum, spent| sum.checked_add(*spent)).unwrap_or_default()
    }

    /// What spend and the categories that do not count as spend come to.
    pub fn reconciled(&self, policy: &CostPolicy) -> Result<Decimal, SumOutOfRange> {
        let mut sum = self.spend;
        for (_, cost) in self.categories.iter().filter(|(category, _)| !policy.count.contains(category)) {
            add(&mut sum, *cost)?;
        }
        Ok(sum)
    }
}

fn category_of(fact: Fact<'_>) -> Category {
    fact.get(FactField::Category).parse().unwrap_or(Category::Other)
}
