//! What counts as spend: which categories, on which basis.

use serde::{Deserialize, Serialize};

use crate::bill::category::Category;
use crate::facts::fact::{Fact, FactField, FactTable};
use crate::money::decimal::Decimal;
use crate::named;
use crate::table::codes::place;

named! {
    /// Which cost column is meant.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Basis is "a basis" {
        /// Usage at the unblended rate; discounts stand in lines of their own.
        #[default]
        Unblended = "unblended",
        /// After discounts; a row without a net value uses its unblended cost, and is counted.
        NetUnblended = "net-unblended",
    }
}

impl Basis {
    /// A fact's cost on this basis.
    pub fn cost(self, fact: Fact<'_>) -> Decimal {
        match self {
            Self::Unblended => fact.unblended_cost(),
            Self::NetUnblended => fact.net_unblended_cost(),
        }
    }
}

/// What of the bill is spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostPolicy {
    pub basis: Basis,
    pub count: Vec<Category>,
}

/// Usage and discounts on the unblended basis: what the use of Bedrock costs, without credits and taxes.
impl Default for CostPolicy {
    fn default() -> Self {
        Self { basis: Basis::Unblended, count: vec![Category::Usage, Category::Discount] }
    }
}

impl CostPolicy {
    /// The spend of a fact in its currency, or `None` if its category does not count. Of many facts
    /// [`CostPolicy::spending`] says it sooner.
    pub fn spend(&self, fact: Fact<'_>) -> Option<Decimal> {
        self.counts(fact.get(FactField::Category)).then(|| self.basis.cost(fact))
    }

    /// Whether the category of this name counts as spend.
    pub(crate) fn counts(&self, category: &str) -> bool {
        self.count.iter().any(|counted| counted.as_str() == category)
    }

    /// What says the spend of facts one after the other.
    pub(crate) fn spending<'a>(&self) -> Spending<'_, 'a> {
        Spending { policy: self, table: None }
    }
}

/// Says the spend of facts. Whether a category counts is worked out once for each that a table has.
#[derive(Clone, Debug)]
pub(crate) struct Spending<'p, 'a> {
    policy: &'p CostPolicy,
    /// The table that was asked for last, and which of its categories count.
    table: Option<(&'a FactTable, Vec<bool>)>,
}

impl<'a> Spending<'_, 'a> {
    /// As [`CostPolicy::spend`].
    #[inline]
    pub(crate) fn of(&mut self, fact: Fact<'a>) -> Option<Decimal> {
        if self.table.as_ref().is_none_or(|(known, _)| !std::ptr::eq(*known, fact.table())) {
            let categories = fact.table().texts(FactField::Category).map_or(&[][..], |texts| &texts.values);
            let counts = categories.iter().map(|category| self.policy.counts(category)).collect();
            self.table = Some((fact.table(), counts));
        }
        let (_, counts) = self.table.as_ref()?;
        let counts = counts.get(place(fact.code(FactField::Category))).copied().unwrap_or_default();
        counts.then(|| self.policy.basis.cost(fact))
    }
}

/// What counts as spend: `usage + discount, unblended`.
pub(crate) fn counted(policy: &CostPolicy) -> String {
    let categories: Vec<_> = policy.count.iter().map(|category| category.as_str()).collect();
    format!("{}, {}", categories.join(" + "), policy.basis.as_str())
}
