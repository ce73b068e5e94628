//! Every documented and observed usage type, and what it says.

use super::*;
use crate::bill::usage::kinds::{Context, Routing};

/// Usage types of AWS-billed lines, and their summaries.
const OF_AWS: &[(&str, &str)] = &[
    // Text.
    ("USE1-Claude4.6Sonnet-input-tokens", "claude-sonnet-4.6 input on-demand in-region inference"),
    ("USE1-Claude4.6Opus-output-tokens", "claude-opus-4.6 output on-demand in-region inference"),
    ("USE1-Claude2.0-input-tokens", "claude-2 input on-demand in-region inference"),
    ("USE1-NovaLite-input-tokens", "nova-lite input on-demand in-region inference"),
    ("EU-Llama3-3-70B-output-tokens", "llama-3.3-70b output on-demand in-region inference"),
    ("use1-claude4.6sonnet-input-tokens", "claude-sonnet-4.6 input on-demand in-region inference"),
    ("UGW1-openai.gpt-5.6-terra-mantle-input-tokens-standard", "gpt-5.6-terra input on-demand in-region inference"),
    ("GLM5-input-tokens", "glm-5 input on-demand in-region inference"),
    ("USE1-Nova2.0Pro-text-input-tokens", "nova-pro-2 input on-demand in-region inference"),
    ("USE1-NovaLite-input-tokens-custom-model", "nova-lite input on-demand in-region inference"),
    // Cache.
    ("USE1-Claude4.6Sonnet-cache-read-input-token-count", "claude-sonnet-4.6 cache-read on-demand in-region inference"),
    (
        "USW2-Claude4.5Haiku-cache-write-input-token-count-cross-region-global",
        "claude-haiku-4.5 cache-write on-demand global inference",
    ),
    (
        "USE1-Claude4.6Sonnet-cache-write-1h-input-token-count",
        "claude-sonnet-4.6 cache-write-1h on-demand in-region inference",
    ),
    (
        "USE1-anthropic.claude-opus-5-mantle-cache-read-tokens-global-standard",
        "claude-opus-5 cache-read on-demand global inference",
    ),
    (
        "USE1-anthropic.claude-opus-4-8-mantle-cache-write-tokens-1h-standard",
        "claude-opus-4.8 cache-write-1h on-demand in-region inference",
    ),
    (
        "USE1-openai.gpt-5.6-luna-mantle-cache-write-tokens-5m-long-ctx-flex",
        "gpt-5.6-luna cache-write flex in-region inference long",
    ),
    // Routing and long contexts.
    ("USE1-Claude4.6Sonnet-output-tokens-cross-region-global", "claude-sonnet-4.6 output on-demand global inference"),
    ("USW2-NovaPro-input-tokens-cross-region-geo", "nova-pro input on-demand geo inference"),
    (
        "USE1-Claude4Sonnet-input-tokens-long-context-cross-region-global",
        "claude-sonnet-4 input on-demand global inference long",
    ),
    ("USE1-NovaPro-input-tokens-cross-region", "nova-pro input on-demand geo inference"),
    ("USE1-cross-region-geo-InputTokens", "- input on-demand geo inference"),
    // Tiers.
    ("USE1-gpt-oss-120b-output-tokens-priority", "gpt-oss-120b output priority in-region inference"),
    ("USE1-Nova2.0Lite-input-tokens-flex", "nova-lite-2 input flex in-region inference"),
    ("USE1-Nova2.0Lite-input-tokens-flex-cross-region-global", "nova-lite-2 input flex global inference"),
    ("USE1-openai.gpt-oss-120b-mantle-input-tokens-standard", "gpt-oss-120b input on-demand in-region inference"),
    ("USE1-MistralSmall-input-tokens-batch", "mistral-small-2402 input batch in-region inference"),
    ("USE1-Claude4Sonnet-input-tokens-cross-region-global-batch", "claude-sonnet-4 input batch global inference"),
    ("USE1-NovaPro-input-tokens-latency-optimized", "nova-pro input latency-optimized in-region inference"),
    ("USE1-Llama3-1-70B-LatencyOptimized-input-tokens", "llama-3.1-70b input latency-optimized in-region inference"),
    // Reserved.
    (
        "USE1-Claude4.5Sonnet-reserved-1-month-input-tokens-per-minute-cross-region-geo",
        "claude-sonnet-4.5 other reserved geo reserved",
    ),
    (
        "USE1-Claude4.5Sonnet-reserved-3-month-output-tokens-per-minute-cross-region-global",
        "claude-sonnet-4.5 other reserved global reserved",
    ),
    // Media.
    ("USE1-Nova2.0Pro-input-image-token-count-cross-region-global", "nova-pro-2 image on-demand global media"),
    ("USE1-Nova2.0Pro-output-image-count", "nova-pro-2 image on-demand in-region media"),
    ("USE1-NovaCanvas-T2I-1024-Premium", "nova-canvas image on-demand in-region media"),
    ("USE1-NovaCanvas", "nova-canvas image on-demand in-region media"),
    ("USE1-TitanImageGeneratorV2-I2I-512-Standard", "titan-image-generator-v2 image on-demand in-region media"),
    ("USE1-Nova2.0Omni-input-video-token-count", "nova-omni-2 video on-demand in-region media"),
    ("USE1-NovaReel-T2V-HD-24fps", "nova-reel video on-demand in-region media"),
    ("USW2-Ray-V2-Medfps-HDRes", "luma-ray-2 video on-demand in-region media"),
    ("USE1-Nova2.0Omni-input-audio-token-count", "nova-omni-2 speech on-demand in-region media"),
    ("USE1-NovaSonic-speech-understanding-input-token", "nova-sonic speech on-demand in-region media"),
    // Embeddings and search.
    ("USE1-TitanEmbeddingV2-Text-input-tokens", "titan-embed-text-v2 embedding on-demand in-region inference"),
    (
        "USE1-NovaMultiModalEmbeddings-input-tokens-batch",
        "nova-multimodal-embeddings embedding batch in-region inference",
    ),
    ("USE1-TitanEmbeddingsG1-Image-input-tokens", "titan-embed-image embedding on-demand in-region inference"),
    ("USE1-TitanEmbeddingsG1-Image-input-image", "titan-embed-image image on-demand in-region media"),
    ("USW2-AmazonRerank-v1-searchunits", "amazon-rerank search on-demand in-region knowledge"),
    ("USE1-cohere.rerank-english-v3-search-units", "cohere-rerank-english-3 search on-demand in-region knowledge"),
    // Provisioned throughput and custom models.
    (
        "USE1-TitanText-Premier-ProvisionedThroughput-Custom-NoCommit-ModelUnits",
        "titan-text-premier other provisioned in-region provisioned",
    ),
    ("USE1-Nova-ProvisionedThroughput", "nova other provisioned in-region provisioned"),
    ("USE1-ProvisionedThroughput-Claude3Sonnet-ModelUnits", "claude-sonnet-3 other provisioned in-region provisioned"),
    (
        "USE1-ProvisionedThroughput-CommandR+-NoCommit-ModelUnits",
        "cohere-command-r-plus other provisioned in-region provisioned",
    ),
    (
        "USE1-ProvisionedThroughput-TitanText-Premier-1MonthCommit-ModelUnits",
        "titan-text-premier other provisioned in-region provisioned",
    ),
    ("USE1-ProvisionedThroughput-6MonthCommit-ModelUnits", "- other provisioned in-region provisioned"),
    ("USE1-ProvisionedThroughput-Custom-NoCommit-ModelUnits", "- other provisioned in-region provisioned"),
    ("USE1-ModelUnits", "- other provisioned in-region provisioned"),
    ("USE1-NovaPro-Customization-Training", "nova-pro other on-demand in-region customization"),
    ("USE1-NovaLite-customization-storage", "nova-lite other on-demand in-region customization"),
    ("USE1-NovaLite-rft-training", "nova-lite other on-demand in-region customization"),
    ("USE1-OSS-CustomModelImport-Inference-v1:0", "- other on-demand in-region customization"),
    ("USE1-custommodelimport-storage", "- other on-demand in-region customization"),
    // Features.
    ("USE1-Guardrail-AutomatedReasoningPolicyUnitsConsumed", "- other on-demand in-region guardrails"),
    ("USE1-Guardrail-ContentPolicyImageUnitsConsumed", "- other on-demand in-region guardrails"),
    ("USE1-Guardrail-InputImageUnitsConsumed", "- other on-demand in-region guardrails"),
    ("USE1-evaluations", "- other on-demand in-region other"),
    ("USE1-BedrockFlows-InvokeFlow", "- other on-demand in-region other"),
    ("USE1-OptimizePrompt-input-tokens", "- other on-demand in-region other"),
    ("USE1-prompt-routing", "- other on-demand in-region other"),
    ("USE1-nova-grounding", "- other on-demand in-region other"),
    ("USE1-GenerateSQL", "- other on-demand in-region knowledge"),
    ("USE1-StructuredRetrieve", "- other on-demand in-region knowledge"),
    ("USE1-DataAutomation-Standard-ImagesProcessed", "- other on-demand in-region knowledge"),
    ("USE1-Knowledge-Base:Consumption-based:Retrieval", "- other on-demand in-region knowledge"),
    // AgentCore, also where the product code does not say so.
    ("USE1-Runtime:Consumption-based:vCPU", "- other on-demand in-region agentcore"),
    ("USE1-runtime-memory", "- other on-demand in-region agentcore"),
    ("USE1-CodeInterpreter:Consumption-based:Memory", "- other on-demand in-region agentcore"),
    ("USE1-browsertool-vcpu", "- other on-demand in-region agentcore"),
    ("USE1-Gateway:Consumption-based:Search-API", "- other on-demand in-region agentcore"),
    ("USE1-gateway-api-invocations", "- other on-demand in-region agentcore"),
    ("USE1-gateway-tool-indexing", "- other on-demand in-region agentcore"),
    ("USE1-short-term-memory", "- other on-demand in-region agentcore"),
    ("USE1-long-term-memory-storage", "- other on-demand in-region agentcore"),
    // Unknown.
    ("USE1-Something-Nobody-Has-Seen", "- other on-demand in-region other ?"),
    ("USE1-Claude4.6Sonnet", "- other on-demand in-region other ?"),
    ("USE1-", "- other on-demand in-region other ?"),
];

#[test]
fn usage_types_of_aws_say_everything() {
    for (usage_type, expected) in OF_AWS {
        assert_eq!(summary(&aws(usage_type)), *expected, "{usage_type}");
    }
}

#[test]
fn marketplace_usage_types_say_all_but_the_model() {
    let product_name = "Claude Opus 4.6 (Amazon Bedrock Edition)";
    let resource = "foundation-model/anthropic.claude-opus-4-6-v1:0";
    for (usage_type, expected) in [
        ("USE1-MP:USE1_InputTokenCount-Units", "input on-demand in-region inference"),
        ("USE1-MP:USE1_OutputTokenCount-Units", "output on-demand in-region inference"),
        ("USE1-MP:USE1_OutputTokenCount_Batch-Units", "output batch in-region inference"),
        ("USE1-MP:USE1_ResponseTokenCount-Units", "output on-demand in-region inference"),
        ("USE1-MP:USE1_CacheReadInputTokenCount_Global-Units", "cache-read on-demand global inference"),
        ("USE1-MP:USE1_CacheWriteInputTokenCount-Units", "cache-write on-demand in-region inference"),
        ("USE1-MP:USE1_CacheWrite1hInputTokenCount-Units", "cache-write-1h on-demand in-region inference"),
        ("USE1-MP:USE1_CacheWrite1hInputTokenCount_Global_Batch-Units", "cache-write-1h batch global inference"),
        ("USE1-MP:USE1_InputTokenCount_Geo-Units", "input on-demand geo inference"),
        ("USE1-MP:USE1_OutputTokenCount_LatencyOptimized-Units", "output latency-optimized in-region inference"),
        ("USE1-MP:USE1_InputTokenCount_LongContext-Units", "input on-demand in-region inference long"),
        ("APN1-MP:APN1_MillionBatchInputTokens-Units", "input batch in-region inference"),
        ("USE1-MP:USE1_input_tokens_standard-Units", "input on-demand in-region inference"),
        ("USE1-MP:USE1_output_tokens_standard-Units", "output on-demand in-region inference"),
        ("USE1-MP:USE1_input_tokens_global_standard-Units", "input on-demand global inference"),
        ("USE1-MP:USE1_cache_read_tokens_global_standard-Units", "cache-read on-demand global inference"),
        ("USE1-MP:USE1_cache_write_tokens_standard-Units", "cache-write on-demand in-region inference"),
        ("USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units", "cache-write-1h on-demand global inference"),
        ("USE1_input_tokens_standard-Units", "input on-demand in-region inference"),
        ("use1-mp:use1_cachewrite1hinputtokencount_global-units", "cache-write-1h on-demand global inference"),
        ("use1-mp:use1_outputtokencount_batch-units", "output batch in-region inference"),
        ("USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units", "other reserved geo reserved"),
        ("USE1-MP:USE1_Reserved_3Month_OutputTPM_Global-Units", "other reserved global reserved"),
        (
            "USE1-MP:USE1_ProvisionedThroughput_1MonthCommit_ModelUnits_Usage-Units",
            "other provisioned in-region provisioned",
        ),
        ("USE1-MP:USE1_search_units-Units", "search on-demand in-region knowledge"),
        ("USE1-MP:USE1_created_image-Units", "image on-demand in-region media"),
        ("USE1-MP:USE1_InputImageCount-Units", "image on-demand in-region media"),
        ("USE1-MP:USE1_cohere_embed_english-Units", "embedding on-demand in-region inference"),
        ("USE1-MP:USE1_something_new-Units", "other on-demand in-region other ?"),
    ] {
        for (product_name, resource) in [(product_name, resource), (product_name, ""), ("", resource)] {
            let usage = marketplace(usage_type, product_name, resource);
            assert_eq!(summary(&usage), format!("claude-opus-4.6 {expected}"), "{usage_type}");
            assert_eq!(usage.provider, "anthropic");
        }
    }
}

#[test]
fn a_plus_tells_models_apart_and_is_billed_with_them() {
    for (usage_type, model, as_billed) in [
        ("USE1-CommandR-input-tokens", "cohere-command-r", "CommandR"),
        ("USE1-CommandR+-input-tokens", "cohere-command-r-plus", "CommandR+"),
        ("USE1-CommandR+_output-tokens-batch", "cohere-command-r-plus", "CommandR+"),
    ] {
        let usage = aws(usage_type);
        assert_eq!((usage.model.as_str(), usage.model_as_billed.as_str()), (model, as_billed), "{usage_type}");
    }
}

const MODELS: [&str; 12] = [
    "Claude4.6Sonnet",
    "Claude2.0",
    "NovaLite",
    "Nova2.0Pro",
    "Llama3-3-70B",
    "gpt-oss-120b",
    "openai.gpt-oss-120b-mantle",
    "qwen.qwen3-32b-mantle",
    "R1",
    "MistralLarge2407",
    "Thinker7-Large",
    "newlab.thinker-2.5-mantle",
];

proptest! {
    #[test]
    fn a_model_is_billed_as_it_is_spelled_up_to_what_separates_it(
        name in "[A-Z][a-z]{2,9}[0-9]?[!-,;-@+*()\u{e9}]{0,3}",
        token in prop::sample::select(vec!["-input-tokens", "_output-tokens", "-cache-read-input-token-count"]),
    ) {
        prop_assume!(!name.starts_with("Nova"));
        let usage = aws(&format!("USE1-{name}{token}"));
        prop_assert!(usage.model.is_empty() || usage.model_as_billed == name, "{:?} of {}", usage, name);
    }

    #[test]
    fn what_stands_behind_the_token_type_never_changes_the_model(
        name in prop::sample::select(&MODELS[..]),
        region in "(USE1-|APN1-|EUC1-|EU-)?",
        token in prop::sample::select(vec![
            "input-tokens", "output-tokens", "cache-read-input-token-count", "cache-write-1h-input-token-count",
            "input-image-token-count", "reserved-1-month-input-tokens-per-minute", "ProvisionedThroughput",
        ]),
        suffix in "((-priority)|(-flex)|(-batch)|(-ultrafast)|(-standard)|(-latency-optimized)|(-long-context)|(-long-ctx)\
                   |(-custom-model)|(-cross-region-global)|(-cross-region-geo)){0,3}",
    ) {
        let expected = model::canonical(name.trim_end_matches("-mantle")).name;
        let usage = aws(&format!("{region}{name}-{token}{suffix}"));
        prop_assert_eq!(usage.model, expected);
        prop_assert_eq!(usage.model_as_billed, name.trim_end_matches("-mantle"));
        prop_assert_eq!(usage.token_kind, aws(&format!("{region}{name}-{token}")).token_kind);
        let routing = match (suffix.contains("global"), suffix.contains("geo")) {
            (true, _) => Routing::Global,
            (false, true) => Routing::Geo,
            (false, false) => Routing::InRegion,
        };
        prop_assert_eq!(usage.routing, routing);
        prop_assert_eq!(usage.context == Context::Long, suffix.contains("long"));
    }
}
