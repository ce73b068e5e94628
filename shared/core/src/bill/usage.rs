//! What a line item's usage type says: provider, model, token kind, tier, routing, context and feature.
//!
//! - `kinds`: what usage is told apart by: kind of token, tier, routing, context, feature;
//! - `reading`: what a usage type alone says.

pub mod kinds;
mod reading;

use std::collections::BTreeMap;

use crate::bill::bedrock_line::KNOWLEDGE_BASE;
use crate::bill::line::{LineField, LineTexts};
use crate::bill::model::{self, ModelName};
use crate::bill::usage::kinds::{Context, Feature, Routing, Tier, TokenKind};

use reading::{Counted, ModelIn, Reading};

/// What a line item's usage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Who makes the model, in lower case (`anthropic`); empty if unknown.
    pub provider: String,
    /// The canonical name (`claude-sonnet-4.6`); empty where the line has no model.
    pub model: String,
    /// The model as the line spells it; empty where the line has none.
    pub model_as_billed: String,
    /// What was counted.
    pub token_kind: TokenKind,
    /// How it was bought.
    pub tier: Tier,
    /// Where it was served.
    pub routing: Routing,
    /// How long the prompt was.
    pub context: Context,
    /// Which part of Bedrock it is.
    pub feature: Feature,
    /// How many single tokens one pricing unit is, where the unit is tokens.
    pub tokens_per_unit: Option<i64>,
    /// Whether the usage type belongs to a family that this release knows. The others are counted. A line that is not
    /// usage and has no usage type (a credit, a fee) has nothing to know.
    pub is_known: bool,
}

/// Names that the configuration gives to models: from the canonical name or the spelling as billed to another name.
pub type ModelAliases = BTreeMap<String, String>;

/// Classifies one bill line, and names its model.
///
/// What is not known is [`Feature::Other`] and not `is_known`, never an error.
pub fn classify<'a>(line: impl LineTexts<'a>, aliases: &ModelAliases) -> Usage {
    let usage_type = line.get(LineField::UsageType);
    let codes = [LineField::ProductCode, LineField::ServiceCode].map(|field| line.get(field));
    let reading = Reading::of(usage_type, codes.into_iter().find_map(feature_of_service));
    let is_marketplace = reading.is_marketplace || line.get(LineField::BillingEntity) == "AWS Marketplace";
    let (model, model_as_billed) = find_model(line, reading.model, is_marketplace).unwrap_or_default();

    let billed_provider = model::provider_name(line.get(LineField::Provider));
    let provider = if billed_provider.is_empty() { model.provider } else { billed_provider };
    // An embedding model's tokens are the same whether the usage type names the model or, on Marketplace rows, not.
    let token_kind = match reading.token_kind {
        TokenKind::Input if model.name.contains("embed") => TokenKind::Embedding,
        kind => kind,
    };
    let alias = aliases.get(model_as_billed).or_else(|| aliases.get(&model.name)).filter(|_| !model.name.is_empty());
    Usage {
        provider,
        model_as_billed: model_as_billed.to_owned(),
        token_kind,
        tier: reading.tier,
        routing: reading.routing.unwrap_or_else(|| routing_of_profile(line.get(LineField::Resource))),
        context: reading.context,
        feature: reading.feature,
        tokens_per_unit: match reading.counted {
            Counted::StoredTokens => None,
            counted => tokens_per_unit(line.get(LineField::PricingUnit), is_marketplace && counted == Counted::Tokens),
        },
        is_known: reading.is_known || (usage_type.is_empty() && line.get(LineField::LineItemType) != "Usage"),
        model: alias.cloned().unwrap_or(model.name),
    }
}

/// The context of a usage type, which alone says it.
pub fn context(usage_type: &str) -> Context {
    Reading::of(usage_type, None).context
}

/// What a service is for, of those that are for one feature alone.
fn feature_of_service(code: &str) -> Option<Feature> {
    if code.eq_ignore_ascii_case("AmazonBedrockAgentCore") {
        Some(Feature::AgentCore)
    } else if code.starts_with(KNOWLEDGE_BASE) {
        Some(Feature::Knowledge)
    } else {
        None
    }
}

/// The model with the text that names it. Marketplace usage types name no model, and AWS's own product names are those
/// of the service.
fn find_model<'a>(line: impl LineTexts<'a>, model: ModelIn<'a>, is_marketplace: bool) -> Option<(ModelName, &'a str)> {
    let usage_type = match model {
        ModelIn::UsageType(spelling) => Some(spelling),
        ModelIn::Elsewhere => None,
        ModelIn::Nowhere => return None,
    };
    let product_name = Some(line.get(LineField::ProductName)).filter(|name| names_a_model(name));
    let resource = resource_model(line.get(LineField::Resource));
    let [second, third, last] = if is_marketplace {
        [product_name, resource, usage_type]
    } else {
        [usage_type, resource, product_name.filter(|name| model::is_edition(name))]
    };
    [Some(line.get(LineField::Model)), second, third, last]
        .into_iter()
        .flatten()
        .map(|spelling| (model::canonical(spelling), spelling))
        .find(|(model, _)| !model.name.is_empty())
}

/// Whether a product name is a model's (`Claude Opus 4.6 (Amazon Bedrock Edition)`), not the service's
/// (`Amazon Bedrock`, `Amazon Bedrock Service`).
fn names_a_model(product_name: &str) -> bool {
    !model::strip_edition(product_name).to_ascii_lowercase().contains("bedrock")
}

/// The model id in `foundation-model/ID` or `inference-profile/ID`, with or without an ARN before it. The profiles that
/// applications make have ids that say nothing.
fn resource_model(resource: &str) -> Option<&str> {
    ["foundation-model/", "inference-profile/"].into_iter().find_map(|kind| {
        let (before, id) = resource.split_once(kind)?;
        (before.is_empty() || before.ends_with(':')).then_some(id)
    })
}

/// Where an inference profile serves, for usage types that do not say. Marketplace's say `Global`, but bill a
/// geography's profile like the region: there only the resource tells. `global.` profiles are global, those of other
/// regions (`us.`, `eu.`) geographic.
/// Source: Amazon Bedrock user guide, "Supported Regions and models for inference profiles".
fn routing_of_profile(resource: &str) -> Routing {
    let is_profile = !resource.contains("application-") && resource.contains("inference-profile/");
    match resource_model(resource).filter(|_| is_profile).and_then(|id| id.split_once('.')) {
        Some((prefix, _)) if prefix.eq_ignore_ascii_case("global") => Routing::Global,
        Some((prefix, _)) if model::is_profile_prefix(prefix) => Routing::Geo,
        _ => Routing::InRegion,
    }
}

/// How many single tokens a pricing unit is: `1K tokens`, `1M tokens`, `tokens`, and Marketplace's `Units`, which are
/// millions where tokens are counted (the line's description says `Million Input Tokens`). `1M TPM Hour` is none.
fn tokens_per_unit(unit: &str, units_are_tokens: bool) -> Option<i64> {
    let unit = unit.trim().to_ascii_lowercase();
    if unit == "units" {
        return units_are_tokens.then_some(1_000_000);
    }
    let count = unit.strip_suffix("tokens").or_else(|| unit.strip_suffix("token"))?.trim_end();
    if count.is_empty() {
        return Some(1);
    }
    let (digits, factor) = match count.strip_suffix(['k', 'm', 'b']).map(str::trim_end) {
        None => (count, 1),
        Some(digits) if count.ends_with('k') => (digits, 1_000),
        Some(digits) if count.ends_with('m') => (digits, 1_000_000),
        Some(digits) => (digits, 1_000_000_000),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = digits.parse().ok().filter(|number| is_number && *number > 0)?;
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests;
