//! The table of usage types that were seen in price lists and on bills in public, and how each is read.

use std::collections::BTreeSet;

use super::*;
use crate::bill::bedrock_line::{Rule, RuleSet};
use crate::bill::usage::kinds::{Context, Routing, Tier};

/// A row for each usage type: what is sold (a Marketplace product's name, else AWS's product code), the usage type, its
/// unit and how many single tokens that is, and the reading.
const TABLE: &str = include_str!("usage_types.tsv");

/// Names of Marketplace's products, and the models that they are.
const PRODUCTS: &[(&str, &str)] = &[
    ("Claude 3 Haiku", "claude-haiku-3"),
    ("Claude 3.5 Sonnet", "claude-sonnet-3.5"),
    ("Claude Haiku 4.5", "claude-haiku-4.5"),
    ("Claude Haiku 5.5", "claude-haiku-5.5"),
    ("Claude Opus 4.6", "claude-opus-4.6"),
    ("Claude Opus 4.7", "claude-opus-4.7"),
    ("Claude Opus 4.8", "claude-opus-4.8"),
    ("Claude Opus 5", "claude-opus-5"),
    ("Claude Opus 5.5", "claude-opus-5.5"),
    ("Claude Sonnet 4.6", "claude-sonnet-4.6"),
    ("Claude Sonnet 5", "claude-sonnet-5"),
    ("Claude Fable 5", "claude-fable-5"),
    ("Claude Mythos 5", "claude-mythos-5"),
    ("Claude Mythos Preview", "claude-mythos-preview"),
    ("OpenAI GPT-6 Astra", "gpt-6-astra"),
    ("Cohere Command R", "cohere-command-r"),
    ("Cohere Command R+", "cohere-command-r-plus"),
    ("Cohere Embed 3 Model - English", "cohere-embed-english-3"),
    ("Cohere Embed Model 3 - Multilingual", "cohere-embed-multilingual-3"),
    ("Cohere Embed 4 Model", "cohere-embed-4"),
    ("Cohere Generate Model - Command", "cohere-command"),
    ("Cohere Generate Model - Command-Light", "cohere-command-light"),
    ("Cohere Rerank v3.5", "cohere-rerank-3.5"),
    ("Meta Llama 2 Chat 70B", "llama-2-70b"),
    ("Meta Llama 2 Chat 13B", "llama-2-13b"),
    ("Jamba 1.5 Large", "jamba-1.5-large"),
    ("Jamba 1.5 Mini", "jamba-1.5-mini"),
    ("Jamba-Instruct", "jamba-instruct"),
    ("Jurassic-2 Mid", "jurassic-2-mid"),
    ("Jurassic-2 Ultra", "jurassic-2-ultra"),
    ("Stable Diffusion 3 Large v1.0", "stable-diffusion-3-large"),
    ("Stable Diffusion 3.5 Large v1.0", "stable-diffusion-3.5-large"),
    ("Palmyra X4", "palmyra-x4"),
    ("Palmyra X5", "palmyra-x5"),
    ("TwelveLabs Marengo Embed 2.7", "marengo-embed-2.7"),
    ("TwelveLabs Marengo Embed 3.0", "marengo-embed-3"),
    ("TwelveLabs Pegasus 1.2", "pegasus-1.2"),
];

#[test]
fn every_usage_type_that_was_seen_is_read_as_the_table_says() {
    let mut wrong = Vec::new();
    for row in TABLE.lines().skip(1) {
        let [sold_as, usage_type, unit, single_tokens, reading @ ..] = &row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let is_marketplace = sold_as.contains("Edition");
        let usage = classify(
            &line(&[
                (LineField::BillingEntity, if is_marketplace { "AWS Marketplace" } else { "AWS" }),
                (LineField::ProductCode, if is_marketplace { "7zgyu5r4k1lm2n3o4p5q6r7s8t" } else { *sold_as }),
                (LineField::ProductName, if is_marketplace { *sold_as } else { "Amazon Bedrock" }),
                (LineField::LineItemType, "Usage"),
                (LineField::UsageType, usage_type),
                (LineField::PricingUnit, unit),
            ]),
            &ModelAliases::new(),
        );
        let found = [
            if usage.model.is_empty() { "-" } else { &usage.model },
            usage.token_kind.as_str(),
            usage.tier.as_str(),
            usage.routing.as_str(),
            usage.context.as_str(),
            usage.feature.as_str(),
        ];
        let tokens = usage.tokens_per_unit.map(|tokens| tokens.to_string()).unwrap_or_default();
        if found != reading || tokens != *single_tokens || !usage.is_known || context(usage_type) != usage.context {
            wrong.push(format!("{usage_type}: {found:?} {tokens} {}, not {reading:?}", usage.is_known));
        }
        let mut rules = RuleSet::default();
        rules.test(Rule::ProductCode, sold_as);
        rules.test(Rule::ProductName, sold_as);
        assert!(rules.is_bedrock(), "{sold_as}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dimension_has_a_usage_type_in_the_table() {
    let values: BTreeSet<&str> = TABLE.lines().skip(1).flat_map(|row| row.split('\t').skip(5)).collect();
    let tiers = Tier::ALL.iter().map(|tier| tier.as_str());
    let others = Routing::ALL.iter().map(|way| way.as_str()).chain(Context::ALL.iter().map(|context| context.as_str()));
    for value in tiers.chain(others) {
        assert!(values.contains(value), "{value}");
    }
}

#[test]
fn every_product_of_marketplace_is_a_model() {
    for (product, model) in PRODUCTS {
        let name = format!("{product} (Amazon Bedrock Edition)");
        let usage = marketplace("USE1-MP:input_tokens_standard-Units", &name, "");
        assert_eq!((usage.model.as_str(), usage.model_as_billed.as_str()), (*model, name.as_str()));
        assert!(!usage.provider.is_empty(), "{product}");
    }
}
