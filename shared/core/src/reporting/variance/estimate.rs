//! What usage would have cost at the earlier span's prices, more and more finely told apart.

use std::collections::BTreeMap;

use crate::facts::fact::{Fact, FactField};
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::reporting::variance::terms::{Both, Term, difference};

/// Tokens and their cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) tokens: Decimal,
    pub(super) cost: Decimal,
}

impl Counted {
    pub(super) fn add(&mut self, tokens: Decimal, cost: Decimal) -> Result<(), SumOutOfRange> {
        add(&mut self.tokens, tokens)?;
        add(&mut self.cost, cost)
    }
}

/// What cells are told apart by, in the order in which the terms of their mix are told.
pub(super) const CELL: [FactField; 4] = [FactField::Model, FactField::TokenKind, FactField::Tier, FactField::Context];

/// Usage counted in tokens, by [`CELL`].
#[derive(Default)]
pub(super) struct Cells<'a>(BTreeMap<[&'a str; CELL.len()], Both<Counted>>);

impl<'a> Cells<'a> {
    pub(super) fn add(&mut self, fact: Fact<'a>, more: &Both<Counted>) -> Result<(), SumOutOfRange> {
        let sum = self.0.entry(CELL.map(|field| fact.get(field))).or_default();
        sum.earlier.add(more.earlier.tokens, more.earlier.cost)?;
        sum.later.add(more.later.tokens, more.later.cost)
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), SumOutOfRange> {
        for (key, counted) in &other.0 {
            let sum = self.0.entry(*key).or_default();
            sum.earlier.add(counted.earlier.tokens, counted.earlier.cost)?;
            sum.later.add(counted.later.tokens, counted.later.cost)?;
        }
        Ok(())
    }

    /// The sums by the first `depth` parts of the key.
    fn at_depth(&self, depth: usize) -> Result<impl Iterator<Item = Both<Counted>>, SumOutOfRange> {
        let mut groups: BTreeMap<&[&str], Both<Counted>> = BTreeMap::new();
        for (key, counted) in &self.0 {
            let sum = groups.entry(key.get(..depth).unwrap_or(key)).or_default();
            sum.earlier.add(counted.earlier.tokens, counted.earlier.cost)?;
            sum.later.add(counted.later.tokens, counted.later.cost)?;
        }
        Ok(groups.into_values())
    }

    /// What the later span's tokens cost at the earlier span's prices of the groups at `depth`, and at their own where
    /// there was none; `None` if that is out of range.
    fn at_earlier_prices(&self, depth: usize) -> Result<Option<Decimal>, SumOutOfRange> {
        let mut sum = Decimal::ZERO;
        for Both { earlier, later } in self.at_depth(depth)? {
            let had_price = earlier.tokens > Decimal::ZERO;
            let cost =
                if had_price { earlier.cost.checked_mul_div(later.tokens, earlier.tokens) } else { Some(later.cost) };
            let Some(total) = cost.and_then(|cost| sum.checked_add(cost)) else { return Ok(None) };
            sum = total;
        }
        Ok(Some(sum))
    }
}

/// The terms, each a difference of two neighbouring estimates: together they are the difference of the costs.
pub(super) fn estimate(cells: &Cells<'_>) -> Result<Vec<(Term, Decimal)>, SumOutOfRange> {
    let Some(Both { earlier, later }) = cells.at_depth(0)?.next() else { return Ok(Vec::new()) };
    let unexplained = || {
        let cost = Both { earlier: earlier.cost, later: later.cost };
        Ok(vec![(Term::Unexplained, difference(cost)?)])
    };
    if earlier.tokens <= Decimal::ZERO || later.tokens <= Decimal::ZERO {
        return unexplained();
    }
    let mut terms = Vec::new();
    // C0, then E0 to E4, then C1: each term is one less the one before it, so that the terms add up to C1 - C0 whatever
    // was rounded in between.
    let mut reached = earlier.cost;
    // The depth is how many parts of the key prices are told apart by: none for the volume, one more for each mix.
    let steps: [Term; CELL.len() + 1] = [Term::Volume, Term::ModelMix, Term::TokenMix, Term::TierMix, Term::ContextMix];
    for (depth, term) in steps.into_iter().enumerate() {
        let Some(estimate) = cells.at_earlier_prices(depth)? else { return unexplained() };
        let Some(step) = estimate.checked_sub(reached) else { return unexplained() };
        terms.push((term, step));
        reached = estimate;
    }
    // What no part of the key explains.
    let Some(price) = later.cost.checked_sub(reached) else { return unexplained() };
    terms.push((Term::Price, price));
    Ok(terms)
}
