//! Sums that unit prices are made of.

use crate::bill::category::Category;
use crate::facts::fact::{Fact, FactField};
use crate::money::decimal::{Decimal, SumOutOfRange};

/// To how many places a price per million tokens is rounded, half to even.
pub const PRICE_PLACES: u32 = 9;

/// Sums of usage that prices are made of. Costs are on one basis and in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitSums {
    /// Single tokens; none where nothing is counted in tokens.
    pub tokens: Option<Decimal>,
    /// What these tokens cost: not the searches, images, hours, discounts and taxes beside them.
    pub token_cost: Decimal,
    /// What usage would have cost at the public on-demand price, where the bill says it.
    pub list_cost: Option<Decimal>,
    /// What that same usage cost.
    pub listed_cost: Decimal,
}

impl UnitSums {
    /// Adds a fact that cost `cost`. What is not usage adds nothing.
    ///
    /// # Errors
    ///
    /// [`SumOutOfRange`], after which `self` must not be used.
    pub fn add(&mut self, fact: Fact<'_>, cost: Decimal) -> Result<(), SumOutOfRange> {
        if fact.get(FactField::Category) != Category::Usage.as_str() {
            return Ok(());
        }
        let of = |part: Option<Decimal>| if part.is_some() { cost } else { Decimal::ZERO };
        // AWS Marketplace's lines have a public on-demand cost of zero, which is no price: nothing is given away there.
        let list_cost = fact.list_cost().filter(|list_cost| !list_cost.is_zero() || cost.is_zero());
        let tokens = fact.tokens();
        self.merge(&Self { tokens, token_cost: of(tokens), list_cost, listed_cost: of(list_cost) })
    }

    /// Adds other sums.
    ///
    /// # Errors
    ///
    /// [`SumOutOfRange`], after which `self` must not be used.
    pub fn merge(&mut self, other: &Self) -> Result<(), SumOutOfRange> {
        let sum = |left: Decimal, right: Decimal| left.checked_add(right).ok_or(SumOutOfRange);
        let sum_optional = |left: Option<Decimal>, right: Option<Decimal>| match (left, right) {
            (Some(left), Some(right)) => sum(left, right).map(Some),
            (one, None) | (None, one) => Ok(one),
        };
        self.tokens = sum_optional(self.tokens, other.tokens)?;
        self.token_cost = sum(self.token_cost, other.token_cost)?;
        self.list_cost = sum_optional(self.list_cost, other.list_cost)?;
        self.listed_cost = sum(self.listed_cost, other.listed_cost)?;
        Ok(())
    }

    /// The cost of a million tokens, to [`PRICE_PLACES`]; none without tokens.
    pub fn per_million(&self) -> Option<Decimal> {
        let tokens = self.tokens.filter(|tokens| *tokens > Decimal::ZERO)?;
        let price = self.token_cost.checked_mul_div(Decimal::from_integer(1_000_000), tokens)?;
        Some(price.round_to(PRICE_PLACES))
    }
}
