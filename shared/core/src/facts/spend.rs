//! What counts as spend: which categories, on which basis.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bill::category::Category;
use crate::bill::line::Measures;
use crate::facts::fact::{Fact, FactField};
use crate::money::decimal::Decimal;

/// Which cost column is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Usage at the unblended rate; discounts stand in lines of their own.
    #[default]
    Unblended,
    /// After discounts; a row without a net value uses its unblended cost, and is counted.
    NetUnblended,
}

impl Basis {
    /// The cost on this basis.
    pub fn cost(self, measures: &Measures) -> Decimal {
        match self {
            Self::Unblended => measures.unblended_cost,
            Self::NetUnblended => measures.net_unblended_cost,
        }
    }

    /// The name on the command line and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unblended => "unblended",
            Self::NetUnblended => "net-unblended",
        }
    }
}

impl FromStr for Basis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Unblended, Self::NetUnblended];
        let found = known.into_iter().find(|basis| basis.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is not a basis: use unblended or net-unblended"))
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
    pub fn spend(&self, fact: &Fact) -> Option<Decimal> {
        let category = fact.key.get(FactField::Category);
        let counts = self.count.iter().any(|counted| counted.as_str() == category);
        counts.then(|| self.basis.cost(&fact.measures))
    }
}

/// What counts as spend: `usage + discount, unblended`.
pub(crate) fn counted(policy: &CostPolicy) -> String {
    let categories: Vec<_> = policy.count.iter().map(|category| category.as_str()).collect();
    format!("{}, {}", categories.join(" + "), policy.basis.as_str())
}
