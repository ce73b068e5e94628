//! Showback: the bill as billed, by owner, identity and model. Nothing is allocated here.

use std::collections::BTreeMap;

use crate::bill::category::Category;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::grouping::grouped;
use crate::facts::spend::Basis;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::reporting::unit_sums::UnitSums;

/// Whose and which spend a row is. Ordered by currency, then by owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChargeKey {
    pub currency: String,
    /// The owner; empty if there is none.
    pub owner: String,
    /// What decided the owner: an [`crate::facts::owner::OwnerSource`] by name, or [`BY_SPLIT`].
    pub owner_source: String,
    /// Where it is booked; empty if that is not known.
    pub cost_center: String,
    /// Who spent it; empty if the bill names nobody.
    pub identity: String,
    /// The model's canonical name; empty if there is none.
    pub model: String,
}

/// What rows are told apart by.
const CHARGE: [FactField; 6] = [
    FactField::Currency,
    FactField::Owner,
    FactField::OwnerSource,
    FactField::CostCenter,
    FactField::Identity,
    FactField::Model,
];

/// The owner source of what a split gave to an owner: a gateway's tenant, or a fixed share.
pub const BY_SPLIT: &str = "split";

impl ChargeKey {
    /// The row that a fact is billed on.
    pub fn of(fact: Fact<'_>) -> Self {
        let get = |field| fact.get(field).to_owned();
        Self {
            currency: get(FactField::Currency),
            owner: get(FactField::Owner),
            owner_source: get(FactField::OwnerSource),
            cost_center: get(FactField::CostCenter),
            identity: get(FactField::Identity),
            model: get(FactField::Model),
        }
    }
}

/// What a row was billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// The amount of each category, in the order of [`Category::ALL`].
    categories: [Decimal; Category::ALL.len()],
    pub total: Decimal,
    /// What prices of its usage are made of.
    pub units: UnitSums,
}

impl Billed {
    /// What was billed of a category.
    pub fn of(&self, category: Category) -> Decimal {
        self.categories.get(category as usize).copied().unwrap_or_default()
    }

    fn add(&mut self, fact: Fact<'_>, basis: Basis) -> Result<(), SumOutOfRange> {
        let cost = basis.cost(fact);
        if let Some(sum) = self.categories.get_mut(category(fact) as usize) {
            *sum = sum.checked_add(cost).ok_or(SumOutOfRange)?;
        }
        self.total = self.total.checked_add(cost).ok_or(SumOutOfRange)?;
        self.units.add(fact, cost)
    }
}

pub(crate) fn category(fact: Fact<'_>) -> Category {
    fact.get(FactField::Category).parse().unwrap_or(Category::Other)
}

/// The bill as billed, sorted by key. Every fact is in exactly one row.
pub fn showback<'a>(
    facts: impl IntoIterator<Item = Fact<'a>>,
    basis: Basis,
) -> Result<BTreeMap<ChargeKey, Billed>, SumOutOfRange> {
    let facts = facts.into_iter().map(|fact| (fact, ()));
    let by = CHARGE.map(Dimension::Field);
    let sums = grouped(facts, &by, |billed: &mut Billed, fact, ()| billed.add(fact, basis))?;
    Ok(sums.into_iter().map(|(fact, billed)| (ChargeKey::of(fact), billed)).collect())
}
