//! What bill lines and facts sum.

use crate::money::decimal::{Decimal, SumOutOfRange};

/// What bill lines and facts sum. All sums are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// `line_item_usage_amount`, in the pricing unit.
    pub usage_amount: Decimal,
    /// The same in single tokens, where the unit says so. Facts have it; bill lines do not.
    pub tokens: Option<Decimal>,
    /// `line_item_unblended_cost`.
    pub unblended_cost: Decimal,
    /// `line_item_net_unblended_cost`; a row without one adds its unblended cost, see `lines_without_net`.
    pub net_unblended_cost: Decimal,
    /// `pricing_public_on_demand_cost`; `None` where no row had one.
    pub list_cost: Option<Decimal>,
    /// How many rows of the bill.
    pub line_items: u64,
    /// How many of them had no net unblended cost.
    pub lines_without_net: u64,
}

impl Measures {
    /// Adds `other`.
    ///
    /// # Errors
    ///
    /// [`SumOutOfRange`], after which `self` must not be used.
    pub fn add(&mut self, other: &Self) -> Result<(), SumOutOfRange> {
        let sum = |left: Decimal, right: Decimal| left.checked_add(right).ok_or(SumOutOfRange);
        let sum_optional = |left: Option<Decimal>, right: Option<Decimal>| match (left, right) {
            (Some(left), Some(right)) => sum(left, right).map(Some),
            (one, None) | (None, one) => Ok(one),
        };
        self.usage_amount = sum(self.usage_amount, other.usage_amount)?;
        self.tokens = sum_optional(self.tokens, other.tokens)?;
        self.unblended_cost = sum(self.unblended_cost, other.unblended_cost)?;
        self.net_unblended_cost = sum(self.net_unblended_cost, other.net_unblended_cost)?;
        self.list_cost = sum_optional(self.list_cost, other.list_cost)?;
        self.line_items = self.line_items.checked_add(other.line_items).ok_or(SumOutOfRange)?;
        self.lines_without_net = self.lines_without_net.checked_add(other.lines_without_net).ok_or(SumOutOfRange)?;
        Ok(())
    }
}
