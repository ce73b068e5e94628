//! Unit economics: what a million tokens cost, against the list price, and what the prompt cache does.

use std::collections::BTreeMap;

use crate::bill::category::Category;
use crate::bill::usage::kinds::TokenKind;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::grouping::grouped;
use crate::facts::spend::Basis;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::reporting::report::{self, Row};

/// Usage by model, token kind, tier and context: what each costs a million tokens, how it is bought, list against paid.
pub fn unit_costs<'a>(facts: impl IntoIterator<Item = Fact<'a>>, basis: Basis) -> Result<Vec<Row>, SumOutOfRange> {
    let dimensions =
        [FactField::Model, FactField::TokenKind, FactField::Tier, FactField::Context].map(Dimension::Field);
    let is_usage = |fact: Fact<'_>| fact.get(FactField::Category) == Category::Usage.as_str();
    report::totals(facts, &dimensions, |fact| is_usage(fact).then(|| basis.cost(fact)))
}

/// How [`CacheUse::saving`] is estimated, for people.
pub const CACHE_SAVING_FORMULA: &str = "(tokens read from and written to the cache) x (cost of plain input / tokens \
     of plain input) - cost of cache reads - cost of cache writes, by model, tier, context, routing and region";

/// What the prompt cache does for a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheUse {
    /// The currency of the saving.
    pub currency: String,
    /// The model's canonical name.
    pub model: String,
    /// Prompt tokens that were neither read from the cache nor written to it.
    pub input: Decimal,
    /// Prompt tokens read from the cache.
    pub read: Decimal,
    /// Prompt tokens written to the cache.
    pub written: Decimal,
    /// An **estimate** of what caching saved, by [`CACHE_SAVING_FORMULA`]; below zero where writing cost more than reading
    /// saved. None where no plain input tells the price.
    pub saving: Option<Decimal>,
    /// Cached tokens that the estimate leaves out, because no plain input was bought beside them.
    pub not_estimated: Decimal,
}

impl CacheUse {
    /// All prompt tokens, of which [`CacheUse::read`] are hits; none if they are out of range.
    pub fn prompt(&self) -> Option<Decimal> {
        self.input.checked_add(self.read)?.checked_add(self.written)
    }

    /// The share of prompt tokens that came from the cache, in percent with one place.
    pub fn hit_percent(&self) -> Option<Decimal> {
        self.read.percent_of(self.prompt()?)
    }
}

/// Tokens and their cost.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bought {
    pub(crate) tokens: Decimal,
    pub(crate) cost: Decimal,
}

impl Bought {
    /// What `tokens` would have cost at this price; none where nothing was bought at it.
    pub(crate) fn cost_of(&self, tokens: Decimal) -> Option<Decimal> {
        if self.tokens > Decimal::ZERO { tokens.checked_mul_div(self.cost, self.tokens) } else { None }
    }

    pub(crate) fn add(&mut self, other: Self) -> Result<(), SumOutOfRange> {
        self.tokens = self.tokens.checked_add(other.tokens).ok_or(SumOutOfRange)?;
        self.cost = self.cost.checked_add(other.cost).ok_or(SumOutOfRange)?;
        Ok(())
    }
}

/// Plain input, cache reads and cache writes at one price list.
#[derive(Clone, Copy, Default)]
struct Prompt {
    input: Bought,
    read: Bought,
    written: Bought,
}

impl Prompt {
    /// What the cached tokens would have cost as plain input, less what they cost.
    fn saving(&self) -> Option<Decimal> {
        let cached = self.read.tokens.checked_add(self.written.tokens)?;
        self.input.cost_of(cached)?.checked_sub(self.read.cost)?.checked_sub(self.written.cost)
    }
}

/// What the prompt cache does, for each currency and model that uses one, sorted.
pub fn cache_use<'a>(facts: impl IntoIterator<Item = Fact<'a>>, basis: Basis) -> Result<Vec<CacheUse>, SumOutOfRange> {
    // What is bought at one price: prices differ by model, tier, context, routing and region.
    let price_list = [
        FactField::Currency,
        FactField::Model,
        FactField::Tier,
        FactField::Context,
        FactField::Routing,
        FactField::Region,
    ];
    let mut prompts: BTreeMap<[&str; 6], Prompt> = BTreeMap::new();
    let mut by = price_list.map(Dimension::Field).to_vec();
    by.push(Dimension::Field(FactField::TokenKind));
    let counted = facts.into_iter().filter_map(|fact| Some((fact, fact.tokens()?)));
    let all = grouped(counted, &by, |bought: &mut Bought, fact, tokens| {
        bought.add(Bought { tokens, cost: basis.cost(fact) })
    });
    for (fact, bought) in all? {
        let prompt = prompts.entry(price_list.map(|field| fact.get(field))).or_default();
        match fact.get(FactField::TokenKind) {
            kind if kind == TokenKind::Input.as_str() => prompt.input.add(bought)?,
            kind if kind == TokenKind::CacheRead.as_str() => prompt.read.add(bought)?,
            kind if kind == TokenKind::CacheWrite.as_str() || kind == TokenKind::CacheWrite1h.as_str() => {
                prompt.written.add(bought)?;
            }
            _ => {}
        }
    }
    let mut models: BTreeMap<(&str, &str), CacheUse> = BTreeMap::new();
    for ([currency, model, ..], prompt) in &prompts {
        let sum = |left: Decimal, right: Decimal| left.checked_add(right).ok_or(SumOutOfRange);
        let found = models.entry((currency, model)).or_insert_with(|| CacheUse {
            currency: (*currency).to_owned(),
            model: (*model).to_owned(),
            input: Decimal::ZERO,
            read: Decimal::ZERO,
            written: Decimal::ZERO,
            saving: None,
            not_estimated: Decimal::ZERO,
        });
        found.input = sum(found.input, prompt.input.tokens)?;
        found.read = sum(found.read, prompt.read.tokens)?;
        found.written = sum(found.written, prompt.written.tokens)?;
        let cached = sum(prompt.read.tokens, prompt.written.tokens)?;
        match prompt.saving() {
            _ if cached.is_zero() => {}
            Some(saving) => found.saving = Some(sum(found.saving.unwrap_or_default(), saving)?),
            None => found.not_estimated = sum(found.not_estimated, cached)?,
        }
    }
    Ok(models.into_values().filter(|found| !found.read.is_zero() || !found.written.is_zero()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{FactRow, decimal, fact, table};
    use crate::reporting::unit_sums::UnitSums;

    fn used(cost: &str, tokens: &str, fields: &[(&str, &str)]) -> FactRow {
        let mut fact = fact("2026-11-17", cost, fields);
        fact.measures.tokens = Some(decimal(tokens));
        fact
    }

    #[test]
    fn a_million_tokens_cost_what_the_tokens_cost_without_what_stands_beside_them() {
        let rerank = fact("2026-11-17", "50", &[("token_kind", "search")]);
        let mut tax = used("9", "1000", &[("category", "tax")]);
        tax.measures.list_cost = Some(decimal("9"));
        let mut listed = used("2", "500000", &[("region", "b")]);
        listed.measures.list_cost = Some(decimal("2.5"));
        let facts = [used("1", "2500000", &[]), rerank, tax, listed];
        let mut sums = UnitSums::default();
        for fact in &table(&facts) {
            sums.add(fact, fact.unblended_cost()).unwrap();
        }
        assert_eq!(sums.tokens, Some(decimal("3000000")));
        assert_eq!(sums.per_million(), Some(Decimal::ONE));
        assert_eq!((sums.list_cost, sums.listed_cost), (Some(decimal("2.5")), decimal("2")));
        assert_eq!(UnitSums::default().per_million(), None);
    }

    #[test]
    fn a_list_price_of_nothing_for_what_cost_something_is_none() {
        let mut marketplace = used("2", "1000000", &[]);
        marketplace.measures.list_cost = Some(Decimal::ZERO);
        let mut free = used("0", "1000000", &[]);
        free.measures.list_cost = Some(Decimal::ZERO);
        let (marketplace, free) = (table(&[marketplace]), table(&[free]));
        let mut sums = UnitSums::default();
        sums.add(marketplace.row(0), decimal("2")).unwrap();
        assert_eq!((sums.list_cost, sums.listed_cost), (None, Decimal::ZERO));
        sums.add(free.row(0), Decimal::ZERO).unwrap();
        assert_eq!((sums.list_cost, sums.listed_cost), (Some(Decimal::ZERO), Decimal::ZERO));
    }

    #[test]
    fn a_price_that_does_not_end_is_rounded_half_to_even() {
        let sums = UnitSums { tokens: Some(decimal("3")), token_cost: decimal("0.00001"), ..UnitSums::default() };
        assert_eq!(sums.per_million(), Some(decimal("3.333333333")));
    }

    #[test]
    fn a_long_context_has_a_price_of_its_own() {
        let of = |kind: &'static str, context: &'static str| {
            [("model", "m"), ("token_kind", kind), ("tier", "on-demand"), ("context", context)]
        };
        let facts = [
            used("3", "1000000", &of("input", "standard")),
            used("6", "1000000", &of("input", "long")),
            used("0.3", "1000000", &of("cache-read", "standard")),
            used("1.2", "2000000", &of("cache-read", "long")),
        ];
        let costs = unit_costs(&table(&facts), Basis::Unblended).unwrap();
        let mut shown: Vec<_> =
            costs.iter().map(|row| format!("{} {}", row.keys.join(" "), row.units.per_million().unwrap())).collect();
        shown.sort();
        assert_eq!(
            shown,
            [
                "m cache-read on-demand long 0.6",
                "m cache-read on-demand standard 0.3",
                "m input on-demand long 6",
                "m input on-demand standard 3",
            ]
        );
        let [found] = &cache_use(&table(&facts), Basis::Unblended).unwrap()[..] else { panic!() };
        assert_eq!(found.saving, Some(decimal("13.5")), "1 million at 3 and 2 million at 6, less 0.3 and 1.2");
    }

    #[test]
    fn a_cache_saves_what_its_tokens_would_have_cost_as_plain_input() {
        let of = |kind: &'static str, region: &'static str| [("model", "m"), ("token_kind", kind), ("region", region)];
        let facts = [
            // One each of input at 3, reads at 0.3 and writes at 3.75 a million.
            used("3", "1000000", &of("input", "a")),
            used("0.6", "2000000", &of("cache-read", "a")),
            used("3.75", "1000000", &of("cache-write", "a")),
            // No price of plain input here.
            used("0.3", "1000000", &of("cache-read", "b")),
            used("5", "7", &of("output", "a")),
            used("5", "1000000", &[("model", "uncached"), ("token_kind", "input")]),
        ];
        let [found] = &cache_use(&table(&facts), Basis::Unblended).unwrap()[..] else { panic!() };
        assert_eq!(found.saving, Some(decimal("4.65")), "3 million at 3, less 0.6 and 3.75");
        assert_eq!(found.not_estimated, decimal("1000000"));
        assert_eq!(found.prompt(), Some(decimal("5000000")));
        assert_eq!(found.hit_percent(), Some(decimal("60")));
    }
}
