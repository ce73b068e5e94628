//! What counts as spend: which categories, on which basis.

use serde::{Deserialize, Serialize};

use crate::bill::category::Category;
use crate::facts::fact::{Fact, FactField};
use crate::money::decimal::Decimal;
use crate::named;
use crate::table::measures::Measures;

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

    /// The cost on this basis of what stands alone.
    pub fn cost_of(self, measures: &Measures) -> Decimal {
        match self {
            Self::Unblended => measures.unblended_cost,
            Self::NetUnblended => measures.net_unblended_cost,
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
    /// The spend of a fact in its currency, or `None` if its category does not count.
    pub fn spend(&self, fact: Fact<'_>) -> Option<Decimal> {
        let category = fact.get(FactField::Category);
        let counts = self.count.iter().any(|counted| counted.as_str() == category);
        counts.then(|| self.basis.cost(fact))
    }
}

/// What counts as spend: `usage + discount, unblended`.
pub(crate) fn counted(policy: &CostPolicy) -> String {
    let categories: Vec<_> = policy.count.iter().map(|category| category.as_str()).collect();
    format!("{}, {}", categories.join(" + "), policy.basis.as_str())
}
