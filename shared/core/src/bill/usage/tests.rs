//! What a line's other fields add to its usage type; the usage types themselves are in `types` and `table`.

mod table;
mod types;

use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::bill::line::LineKey;
use crate::bill::usage::kinds::{Context, Feature, Routing, TokenKind};

/// A bill line with these fields; the others are empty.
fn line(fields: &[(LineField, &str)]) -> LineKey {
    let text = |field| fields.iter().find(|(named, _)| *named == field).map_or("", |(_, text)| *text);
    LineKey {
        usage_date: NaiveDate::from_ymd_opt(2026, 10, 8).unwrap(),
        fields: LineField::ALL.map(|field| Arc::from(text(field))),
        tags: Arc::default(),
    }
}

/// An AWS-billed line: its product name is the service's.
fn aws(usage_type: &str) -> Usage {
    classify(
        &line(&[
            (LineField::BillingEntity, "AWS"),
            (LineField::ProductCode, "AmazonBedrock"),
            (LineField::ProductName, "Amazon Bedrock"),
            (LineField::LineItemType, "Usage"),
            (LineField::UsageType, usage_type),
            (LineField::PricingUnit, "1K tokens"),
        ]),
        &ModelAliases::new(),
    )
}

/// A Marketplace line: only its product name and resource name the model.
fn marketplace(usage_type: &str, product_name: &str, resource: &str) -> Usage {
    classify(
        &line(&[
            (LineField::BillingEntity, "AWS Marketplace"),
            (LineField::ProductCode, "7zgyu5r4k1lm2n3o4p5q6r7s8t"),
            (LineField::ProductName, product_name),
            (LineField::LineItemType, "Usage"),
            (LineField::UsageType, usage_type),
            (LineField::Resource, resource),
            (LineField::PricingUnit, "Units"),
        ]),
        &ModelAliases::new(),
    )
}

/// Model, token kind, tier, routing and feature in one text, `long` behind it of a long context, and `?` if the family is
/// unknown.
fn summary(usage: &Usage) -> String {
    let model = if usage.model.is_empty() { "-" } else { &usage.model };
    let (token, tier) = (usage.token_kind.as_str(), usage.tier.as_str());
    let (routing, feature) = (usage.routing.as_str(), usage.feature.as_str());
    let context = if usage.context == Context::Long { " long" } else { "" };
    let known = if usage.is_known { "" } else { " ?" };
    format!("{model} {token} {tier} {routing} {feature}{context}{known}")
}

#[test]
fn the_product_map_names_the_model_before_everything_else() {
    let opus = "Claude Opus 4.6 (Amazon Bedrock Edition)";
    let resource = "foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0";
    for (entity, map, product_name, usage_type, resource, model, as_billed) in [
        ("AWS Marketplace", "Claude Sonnet 4.6", opus, "", resource, "claude-sonnet-4.6", "Claude Sonnet 4.6"),
        ("AWS Marketplace", "", opus, "", resource, "claude-opus-4.6", opus),
        ("AWS Marketplace", "", "Amazon Bedrock Service", "", resource, "claude-haiku-4.5", &resource[17..]),
        (
            "AWS Marketplace",
            "",
            "Amazon Bedrock",
            "USE1-Claude4.6Opus-input-tokens",
            "",
            "claude-opus-4.6",
            "Claude4.6Opus",
        ),
        ("AWS", "R1", "Amazon Bedrock", "USE1-NovaLite-input-tokens", resource, "deepseek-r1", "R1"),
        ("AWS", "", "Amazon Bedrock", "USE1-NovaLite-input-tokens", resource, "nova-lite", "NovaLite"),
        (
            "AWS",
            "",
            "Amazon Bedrock",
            "USE1-openai.gpt-oss-120b-mantle-input-tokens-standard",
            "",
            "gpt-oss-120b",
            "openai.gpt-oss-120b",
        ),
        ("AWS", "", "Amazon Bedrock", "USE1-Something-Nobody-Has-Seen", resource, "claude-haiku-4.5", &resource[17..]),
        ("AWS", "", opus, "USE1-cross-region-geo-InputTokens", "", "claude-opus-4.6", opus),
        ("AWS", "", "Amazon Bedrock", "", "application-inference-profile", "", ""),
        ("AWS", "", "Amazon Bedrock", "", "custom-model", "", ""),
        (
            "AWS",
            "",
            "Amazon Bedrock",
            "",
            "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/x1",
            "",
            "",
        ),
        ("AWS", "", "Something Else", "", "", "", ""),
        (
            "AWS",
            "",
            "",
            "",
            "arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-v2:1",
            "claude-2.1",
            "anthropic.claude-v2:1",
        ),
    ] {
        let key = line(&[
            (LineField::BillingEntity, entity),
            (LineField::Model, map),
            (LineField::ProductName, product_name),
            (LineField::UsageType, usage_type),
            (LineField::Resource, resource),
        ]);
        let usage = classify(&key, &ModelAliases::new());
        assert_eq!((usage.model.as_str(), usage.model_as_billed.as_str()), (model, as_billed), "{key:?}");
    }
}

#[test]
fn guardrails_and_agentcore_have_no_model_whatever_the_line_names() {
    for (product_code, usage_type) in [
        ("AmazonBedrock", "USE1-Guardrail-ContentPolicyUnitsConsumed"),
        ("AmazonBedrockAgentCore", "USE1-Evaluations:Consumption-based:Input-Tokens"),
        ("AmazonBedrockAgentCore", "USE1-Something-Nobody-Has-Seen"),
    ] {
        let key = line(&[
            (LineField::ProductCode, product_code),
            (LineField::UsageType, usage_type),
            (LineField::Model, "Claude Sonnet 4.6"),
        ]);
        let usage = classify(&key, &ModelAliases::new());
        assert_eq!((usage.model.as_str(), usage.model_as_billed.as_str()), ("", ""), "{usage_type}");
        assert!(usage.is_known && usage.token_kind == TokenKind::Other, "{usage_type}");
        assert_eq!(usage.feature == Feature::AgentCore, product_code == "AmazonBedrockAgentCore");
    }
}

#[test]
fn the_billed_provider_wins_over_the_one_in_the_model() {
    for (billed, model, provider) in [
        ("Anthropic", "Claude Sonnet 4.6", "anthropic"),
        ("Mistral AI", "", "mistral"),
        ("", "Nova 2.0 Lite", "amazon"),
        ("New Lab", "Claude Sonnet 4.6", "newlab"),
        ("", "Thinker 2", ""),
        ("", "", ""),
    ] {
        let key = line(&[(LineField::Provider, billed), (LineField::Model, model)]);
        assert_eq!(classify(&key, &ModelAliases::new()).provider, provider, "{billed} {model}");
    }
}

#[test]
fn an_inference_profile_says_the_routing_where_the_usage_type_does_not() {
    for (usage_type, resource, routing) in [
        ("USE1-MP:USE1_InputTokenCount-Units", "inference-profile/us.anthropic.claude-opus-4-6-v1:0", Routing::Geo),
        ("USE1-MP:USE1_InputTokenCount-Units", "inference-profile/global.anthropic.claude-opus-5", Routing::Global),
        ("USE1-MP:USE1_InputTokenCount_Global-Units", "inference-profile/us.anthropic.claude-opus-5", Routing::Global),
        ("USE1-MP:USE1_InputTokenCount-Units", "foundation-model/anthropic.claude-opus-5", Routing::InRegion),
        ("USE1-MP:USE1_InputTokenCount-Units", "inference-profile/anthropic.claude-opus-5", Routing::InRegion),
        ("USE1-MP:USE1_InputTokenCount-Units", "application-inference-profile", Routing::InRegion),
    ] {
        assert_eq!(marketplace(usage_type, "", resource).routing, routing, "{usage_type} {resource}");
    }
}

#[test]
fn embedding_models_count_embeddings_also_where_the_usage_type_says_input() {
    let usage = marketplace("USE1-MP:USE1_InputTokenCount-Units", "Cohere Embed 4 (Amazon Bedrock Edition)", "");
    assert_eq!((usage.token_kind, usage.tokens_per_unit), (TokenKind::Embedding, Some(1_000_000)));
}

#[test]
fn pricing_units_say_how_many_tokens_they_are() {
    for (unit, tokens) in [
        ("1K tokens", Some(1_000)),
        ("1M tokens", Some(1_000_000)),
        ("1m Tokens", Some(1_000_000)),
        ("1B tokens", Some(1_000_000_000)),
        ("100 K tokens", Some(100_000)),
        ("1000 tokens", Some(1_000)),
        ("tokens", Some(1)),
        ("Tokens ", Some(1)),
        ("1M TPM Hour", None),
        ("Units", None),
        ("K tokens", None),
        ("-1K tokens", None),
        ("+1K tokens", None),
        ("0 tokens", None),
        ("1.5K tokens", None),
        ("99999999999B tokens", None),
        ("training tokens", None),
        ("image", None),
        ("Second", None),
        ("", None),
    ] {
        assert_eq!(tokens_per_unit(unit, false), tokens, "{unit}");
    }
}

#[test]
fn marketplace_units_are_millions_where_tokens_are_counted() {
    for (usage_type, tokens) in [
        ("USE1-MP:USE1_InputTokenCount-Units", Some(1_000_000)),
        ("USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units", Some(1_000_000)),
        ("USE1-MP:USE1_output_tokens_standard-Units", Some(1_000_000)),
        ("USE1-MP:USE1_created_image-Units", None),
        ("USE1-MP:USE1_search_units-Units", None),
        ("USE1-MP:USE1_cohere_embed_english-Units", None),
        ("USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units", None),
        ("USE1-MP:USE1_something_new-Units", None),
    ] {
        assert_eq!(marketplace(usage_type, "", "").tokens_per_unit, tokens, "{usage_type}");
    }
    let units = [(LineField::BillingEntity, "AWS"), (LineField::PricingUnit, "Units")];
    let of_aws = [&units[..], &[(LineField::UsageType, "USE1-NovaLite-input-tokens")]].concat();
    assert_eq!(classify(&line(&of_aws), &ModelAliases::new()).tokens_per_unit, None);
}

#[test]
fn lines_without_a_usage_type_are_unknown_only_if_they_are_usage() {
    for (line_item_type, is_known) in [("Credit", true), ("EdpDiscount", true), ("Fee", true), ("Usage", false)] {
        let usage = classify(&line(&[(LineField::LineItemType, line_item_type)]), &ModelAliases::new());
        assert_eq!(usage.is_known, is_known, "{line_item_type}");
        assert_eq!(summary(&Usage { is_known: true, ..usage }), "- other on-demand in-region other");
    }
}

#[test]
fn aliases_rename_by_canonical_name_or_by_the_billed_spelling() {
    let alias = |from: &str, to: &str| ModelAliases::from([(from.to_owned(), to.to_owned())]);
    let key = line(&[(LineField::UsageType, "USE1-Claude4.6Sonnet-input-tokens")]);
    for (aliases, model) in [
        (alias("claude-sonnet-4.6", "house-model"), "house-model"),
        (alias("Claude4.6Sonnet", "House Model"), "House Model"),
        (alias("claude-sonnet-4.5", "house-model"), "claude-sonnet-4.6"),
        (alias("", "house-model"), "claude-sonnet-4.6"),
    ] {
        let usage = classify(&key, &aliases);
        assert_eq!((usage.model.as_str(), usage.model_as_billed.as_str()), (model, "Claude4.6Sonnet"));
        assert_eq!(usage.provider, "anthropic");
    }
    let nameless = line(&[(LineField::UsageType, "USE1-Something-Nobody-Has-Seen")]);
    assert_eq!(classify(&nameless, &alias("", "house-model")).model, "");
}

proptest! {
    #[test]
    fn no_text_panics_in_any_field(
        texts in prop::collection::vec(
            ".*|(USE1-)?(MP:USE1_)?[A-Za-z0-9._-]{0,30}(-Units)?|(foundation-model/|inference-profile/)[a-z0-9.:-]{0,30}\
             |[0-9]{0,20}[ kKmMbB]{0,2}tokens",
            LineField::ALL.len(),
        )
    ) {
        let mut key = line(&[]);
        for (field, text) in key.fields.iter_mut().zip(&texts) {
            *field = Arc::from(text.as_str());
        }
        let usage = classify(&key, &ModelAliases::new());
        prop_assert!(usage.tokens_per_unit.is_none_or(|tokens| tokens > 0));
        prop_assert_eq!(usage.model.is_empty(), usage.model_as_billed.is_empty());
        prop_assert!(usage.is_known || usage.feature == Feature::Other);
    }
}
