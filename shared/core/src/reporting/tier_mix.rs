//! How usage is bought: each model's tokens and cost by tier (on-demand, batch, flex, priority, …), and what another
//! tier than on-demand saved.

use std::collections::BTreeMap;

use crate::bill::category::Category;
use crate::bill::usage::kinds::Tier;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::spend::Basis;
use crate::money::apportion::shares;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::reporting::report::{self, Row};
use crate::reporting::unit_cost::Bought;
use crate::reporting::unit_sums::UnitSums;

/// How [`TierUse::saving`] is estimated, for people.
pub const TIER_SAVING_FORMULA: &str = "tokens of the tier x (cost of on-demand tokens / on-demand tokens) - cost of the \
     tier's tokens, by model, token kind, context, routing and region";

/// What a model used of a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierUse {
    pub currency: String,
    /// The model's canonical name; empty if there is none.
    pub model: String,
    pub tier: String,
    /// What its usage cost, whether or not it is counted in tokens.
    pub cost: Decimal,
    /// Its share of the model's cost, in percent with one place: those of a model sum to exactly a hundred. None where
    /// the model cost nothing.
    pub cost_percent: Option<Decimal>,
    /// Its share of the model's tokens, likewise.
    pub tokens_percent: Option<Decimal>,
    /// Tokens, and what prices of them are made of.
    pub units: UnitSums,
    /// An **estimate** of what the tier saved against on-demand, by [`TIER_SAVING_FORMULA`]; below zero where it is the
    /// dearer one. None of on-demand itself, and where no on-demand tokens tell the price.
    pub saving: Option<Decimal>,
    /// Tokens that the estimate leaves out, because none of their kind was bought on demand beside them.
    pub not_estimated: Decimal,
}

/// Usage by currency, model and tier, sorted by them.
pub fn tier_mix<'a>(
    facts: impl IntoIterator<Item = Fact<'a>> + Clone,
    basis: Basis,
) -> Result<Vec<TierUse>, SumOutOfRange> {
    let dimensions = [FactField::Model, FactField::Tier].map(Dimension::Field);
    let is_usage = |fact: Fact<'_>| fact.get(FactField::Category) == Category::Usage.as_str();
    let rows = report::totals(facts.clone(), &dimensions, |fact| is_usage(fact).then(|| basis.cost(fact)))?;
    let mut models: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
    for row in rows {
        let model = row.keys.first().cloned().unwrap_or_default();
        models.entry((row.currency.clone(), model)).or_default().push(row);
    }
    let mut savings = savings(facts.into_iter().filter(|fact| is_usage(*fact)), basis)?;
    let mut mix = Vec::new();
    for ((currency, model), mut rows) in models {
        rows.sort_by(|left, right| left.keys.cmp(&right.keys));
        let costs: Vec<_> = rows.iter().map(|row| row.cost).collect();
        let tokens: Vec<_> = rows.iter().map(|row| row.units.tokens.unwrap_or_default()).collect();
        let percents = shares(&costs)?.into_iter().zip(shares(&tokens)?);
        for (row, (cost_percent, tokens_percent)) in rows.into_iter().zip(percents) {
            let tier = row.keys.get(1).cloned().unwrap_or_default();
            let key = (currency.clone(), model.clone(), tier.clone());
            let Estimate { saving, not_estimated } = savings.remove(&key).unwrap_or_default();
            mix.push(TierUse {
                currency: currency.clone(),
                model: model.clone(),
                tier,
                cost: row.cost,
                cost_percent,
                tokens_percent: tokens_percent.filter(|_| row.units.tokens.is_some()),
                units: row.units,
                saving,
                not_estimated,
            });
        }
    }
    Ok(mix)
}

#[derive(Clone, Copy, Default)]
struct Estimate {
    saving: Option<Decimal>,
    not_estimated: Decimal,
}

/// What each tier but on-demand saved, by currency, model and tier.
fn savings<'a>(
    usage: impl Iterator<Item = Fact<'a>>,
    basis: Basis,
) -> Result<BTreeMap<(String, String, String), Estimate>, SumOutOfRange> {
    // What is bought at one price but for the tier.
    let same = [
        FactField::Currency,
        FactField::Model,
        FactField::TokenKind,
        FactField::Context,
        FactField::Routing,
        FactField::Region,
    ];
    let mut bought: BTreeMap<([&str; 6], &str), Bought> = BTreeMap::new();
    for fact in usage {
        let Some(tokens) = fact.tokens() else { continue };
        let key = (same.map(|field| fact.get(field)), fact.get(FactField::Tier));
        bought.entry(key).or_default().add(Bought { tokens, cost: basis.cost(fact) })?;
    }
    let on_demand = Tier::OnDemand.as_str();
    let mut found: BTreeMap<(String, String, String), Estimate> = BTreeMap::new();
    for ((same, tier), tokens) in bought.iter().filter(|((_, tier), _)| *tier != on_demand) {
        let [currency, model, ..] = same;
        let estimate = found.entry(((*currency).to_owned(), (*model).to_owned(), (*tier).to_owned())).or_default();
        let add = |sum: Decimal, term: Decimal| sum.checked_add(term).ok_or(SumOutOfRange);
        if let Some(cost) = bought.get(&(*same, on_demand)).and_then(|price| price.cost_of(tokens.tokens)) {
            let saving = cost.checked_sub(tokens.cost).ok_or(SumOutOfRange)?;
            estimate.saving = Some(add(estimate.saving.unwrap_or_default(), saving)?);
        } else {
            estimate.not_estimated = add(estimate.not_estimated, tokens.tokens)?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{FactRow, decimal, fact, table};

    fn used(cost: &str, tokens: &str, fields: &[(&str, &str)]) -> FactRow {
        let mut fact = fact("2026-11-17", cost, fields);
        fact.measures.tokens = Some(decimal(tokens));
        fact
    }

    fn of(tier: &'static str, kind: &'static str, region: &'static str) -> [(&'static str, &'static str); 4] {
        [("model", "m"), ("tier", tier), ("token_kind", kind), ("region", region)]
    }

    #[test]
    fn each_tier_has_its_share_of_the_models_cost_and_tokens_and_they_sum_to_all_of_it() {
        let facts = [
            used("3", "1000000", &of("on-demand", "input", "a")),
            used("1.5", "1000000", &of("batch", "input", "a")),
            used("1.5", "1000000", &of("batch", "input", "b")),
            used("7", "1000000", &of("priority", "input", "a")),
            // Bought by the hour: a part of the cost, and none of the tokens.
            fact("2026-11-17", "2", &[("model", "m"), ("tier", "provisioned")]),
            used("5", "10", &[("model", "other"), ("tier", "on-demand")]),
            used("9", "10", &[("model", "m"), ("tier", "batch"), ("category", "tax")]),
        ];
        let mix = tier_mix(&table(&facts), Basis::Unblended).unwrap();
        let shown: Vec<_> = mix
            .iter()
            .map(|row| {
                let percent = |share: Option<Decimal>| share.map(|share| share.to_string()).unwrap_or_default();
                let shares = [row.cost.to_string(), percent(row.cost_percent), percent(row.tokens_percent)];
                format!("{} {} {}", row.model, row.tier, shares.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "m batch 3 20 50",
                "m on-demand 3 20 25",
                "m priority 7 46.7 25",
                "m provisioned 2 13.3 ",
                "other on-demand 5 100 100"
            ]
        );
    }

    #[test]
    fn a_tier_saves_what_its_tokens_would_have_cost_on_demand() {
        let facts = [
            used("3", "1000000", &of("on-demand", "input", "a")),
            used("30", "2000000", &of("on-demand", "output", "a")),
            used("3", "2000000", &of("batch", "input", "a")),
            used("7.5", "1000000", &of("batch", "output", "a")),
            // Nothing on demand here.
            used("1.5", "1000000", &of("batch", "input", "b")),
            used("5.25", "1000000", &of("priority", "input", "a")),
        ];
        let mix = tier_mix(&table(&facts), Basis::Unblended).unwrap();
        let [batch, on_demand, priority] = &mix[..] else { panic!() };
        assert_eq!(batch.saving, Some(decimal("10.5")), "2 million at 3 and 1 million at 15, less 3 and 7.5");
        assert_eq!(batch.not_estimated, decimal("1000000"));
        assert_eq!((on_demand.saving, on_demand.not_estimated), (None, Decimal::ZERO));
        assert_eq!(priority.saving, Some(decimal("-2.25")), "the dearer one");
    }

    #[test]
    fn a_tier_is_compared_with_what_the_same_context_costs_on_demand() {
        let of = |tier: &'static str, context: &'static str| [("model", "m"), ("tier", tier), ("context", context)];
        let facts = [
            used("3", "1000000", &of("on-demand", "standard")),
            used("12", "2000000", &of("on-demand", "long")),
            used("3", "1000000", &of("batch", "long")),
        ];
        let mix = tier_mix(&table(&facts), Basis::Unblended).unwrap();
        assert_eq!(mix[0].saving, Some(decimal("3")), "a million at 6, less 3");
    }
}
