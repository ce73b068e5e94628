//! Every family's spellings: those of usage types, Marketplace and display names, and ids.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Canonical name, maker, and spellings that all mean this model. No two rows may meet.
const MODELS: &[(&str, &str, &[&str])] = &[
    (
        "claude-sonnet-4.6",
        "anthropic",
        &[
            "Claude4.6Sonnet",
            "Claude Sonnet 4.6",
            "Claude Sonnet 4.6 (Amazon Bedrock Edition)",
            "Anthropic Claude Sonnet 4.6",
            "anthropic.claude-sonnet-4-6",
            "anthropic.claude-sonnet-4-6-v1:0",
            "anthropic.claude-sonnet-4-6-v1",
            "us.anthropic.claude-sonnet-4-6-20260217-v1:0",
            "global.anthropic.claude-sonnet-4-6-2026-02-17-v1:0:200k",
            "claude4.6sonnet",
            "CLAUDE SONNET 4.6",
        ],
    ),
    ("claude-sonnet-4", "anthropic", &["Claude4Sonnet", "Claude Sonnet 4", "anthropic.claude-sonnet-4-20250514-v1:0"]),
    ("claude-opus-4.6", "anthropic", &["Claude4.6Opus", "anthropic.claude-opus-4-6-v1:0", "Claude Opus 4.6"]),
    ("claude-opus-4.8", "anthropic", &["anthropic.claude-opus-4-8", "Claude Opus 4.8 (Amazon Bedrock Edition)"]),
    (
        "claude-opus-5",
        "anthropic",
        &["anthropic.claude-opus-5", "Claude Opus 5 (Amazon Bedrock Edition)", "Claude5Opus"],
    ),
    ("claude-opus-4.1", "anthropic", &["Claude4.1Opus", "anthropic.claude-opus-4-1-20250805-v1:0"]),
    ("claude-haiku-4.5", "anthropic", &["Claude4.5Haiku", "apac.anthropic.claude-haiku-4-5-20251001-v1:0"]),
    (
        "claude-sonnet-3.7",
        "anthropic",
        &["Claude 3.7 Sonnet", "Claude3.7Sonnet", "anthropic.claude-3-7-sonnet-20250219-v1:0"],
    ),
    (
        "claude-sonnet-3.5",
        "anthropic",
        &["Claude 3.5 Sonnet", "anthropic.claude-3-5-sonnet-20240620-v1:0", "Claude3.5Sonnet"],
    ),
    (
        "claude-sonnet-3.5-v2",
        "anthropic",
        &[
            "Claude 3.5 Sonnet v2 (Amazon Bedrock Edition)",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "Claude3.5SonnetV2",
            "Claude3.5Sonnetv2",
        ],
    ),
    ("claude-haiku-3", "anthropic", &["Claude3Haiku", "Claude 3 Haiku", "anthropic.claude-3-haiku-20240307-v1:0:48k"]),
    ("claude-2", "anthropic", &["Claude2.0", "Claude 2.0", "anthropic.claude-v2", "anthropic.claude-v2:0"]),
    ("claude-2.1", "anthropic", &["Claude2.1", "Claude v2.1", "anthropic.claude-v2:1:200k"]),
    (
        "claude-instant",
        "anthropic",
        &["ClaudeInstant", "Claude Instant", "Claude Instant v1.2", "anthropic.claude-instant-v1"],
    ),
    ("claude-fable-5", "anthropic", &["Claude Fable 5 (Amazon Bedrock Edition)", "anthropic.claude-fable-5-v1:0"]),
    (
        "nova-lite",
        "amazon",
        &["NovaLite", "Nova Lite", "Nova Lite 1.0", "Amazon Nova Lite", "amazon.nova-lite-v1:0:300k"],
    ),
    ("nova-lite-2", "amazon", &["Nova2.0Lite", "Nova 2 Lite", "Nova 2.0 Lite", "us.amazon.nova-2-lite-v1:0"]),
    ("nova-pro", "amazon", &["NovaPro", "amazon.nova-pro-v1:0", "Nova Pro Latency Optimized"]),
    ("nova-pro-2", "amazon", &["Nova2.0Pro", "amazon.nova-2-pro-v1:0"]),
    ("nova-sonic", "amazon", &["NovaSonic", "Nova Sonic", "amazon.nova-sonic-v1:0"]),
    ("nova-sonic-2", "amazon", &["Nova Sonic 2.0", "amazon.nova-2-sonic-v1:0", "Nova2.0Sonic"]),
    ("nova-reel", "amazon", &["NovaReel", "amazon.nova-reel-v1:0", "amazon.nova-reel-v1:1"]),
    ("nova-canvas", "amazon", &["NovaCanvas", "Nova Canvas", "amazon.nova-canvas-v1:0"]),
    (
        "nova-multimodal-embeddings",
        "amazon",
        &["NovaMultiModalEmbeddings", "Nova Multimodal Embeddings", "amazon.nova-2-multimodal-embeddings-v1:0"],
    ),
    (
        "titan-embed-text",
        "amazon",
        &[
            "TitanEmbeddingsG1-Text",
            "Titan Embeddings G1 - Text",
            "amazon.titan-embed-text-v1",
            "amazon.titan-embed-g1-text-02",
        ],
    ),
    (
        "titan-embed-text-v2",
        "amazon",
        &["TitanEmbeddingV2-Text", "Titan Text Embeddings V2", "amazon.titan-embed-text-v2:0:8k"],
    ),
    (
        "titan-embed-image",
        "amazon",
        &["TitanEmbeddingsG1-Image", "Titan Multimodal Embeddings G1", "amazon.titan-embed-image-v1:0"],
    ),
    ("titan-image-generator", "amazon", &["TitanImageGeneratorG1", "amazon.titan-image-generator-v1:0"]),
    (
        "titan-image-generator-v2",
        "amazon",
        &["TitanImageGeneratorV2", "Titan Image Generator G1 v2", "amazon.titan-image-generator-v2:0"],
    ),
    (
        "titan-text-express",
        "amazon",
        &["TitanTextG1-Express", "Titan Text G1 - Express", "amazon.titan-text-express-v1:0:8k"],
    ),
    ("titan-text-premier", "amazon", &["TitanText-Premier", "amazon.titan-text-premier-v1:0"]),
    (
        "llama-3.3-70b",
        "meta",
        &["Llama3-3-70B", "Llama 3.3 70B", "Llama 3.3 70B Instruct", "us.meta.llama3-3-70b-instruct-v1:0"],
    ),
    ("llama-3-70b", "meta", &["Llama3-70B", "Meta Llama 3 70B Instruct", "meta.llama3-70b-instruct-v1:0"]),
    ("llama-3.2-1b", "meta", &["Llama3-2-1B", "Llama 3.2 1B", "meta.llama3-2-1b-instruct-v1:0:128k"]),
    ("llama-3.1-70b", "meta", &["Llama 3.1 70B", "Llama 3.1 70B Latency Optimized", "Llama3-1-70B"]),
    ("llama-2-13b", "meta", &["Llama 2 Chat 13B", "meta.llama2-13b-chat-v1:0:4k"]),
    (
        "llama-4-maverick-17b",
        "meta",
        &["Llama4-Maverick-17B", "Llama 4 Maverick 17B", "meta.llama4-maverick-17b-instruct-v1:0"],
    ),
    ("mistral-7b", "mistral", &["Mistral 7B", "Mistral7B", "mistral.mistral-7b-instruct-v0:2"]),
    ("mixtral-8x7b", "mistral", &["Mixtral 8x7B", "mistral.mixtral-8x7b-instruct-v0:1"]),
    ("mistral-large-2402", "mistral", &["MistralLarge", "Mistral Large (24.02)", "mistral.mistral-large-2402-v1:0"]),
    (
        "mistral-large-2407",
        "mistral",
        &["Mistral Large 24.07", "Mistral Large (24.07)", "mistral.mistral-large-2407-v1:0"],
    ),
    (
        "mistral-large-3",
        "mistral",
        &["Mistral Large 3", "mistral.mistral-large-3-675b-instruct", "Mistral AI Mistral Large 3"],
    ),
    ("mistral-small-2402", "mistral", &["MistralSmall", "Mistral Small", "mistral.mistral-small-2402-v1:0"]),
    ("pixtral-large-2502", "mistral", &["Pixtral Large 25.02", "us.mistral.pixtral-large-2502-v1:0"]),
    ("ministral-3b-3", "mistral", &["Ministral 3B 3.0", "Ministral 3 3B", "mistral.ministral-3-3b-instruct"]),
    ("ministral-8b-3", "mistral", &["Ministral 8B 3.0", "mistral.ministral-3-8b-instruct"]),
    ("magistral-small-1.2", "mistral", &["Magistral Small 1.2", "mistral.magistral-small-2509"]),
    ("voxtral-mini-1", "mistral", &["Voxtral Mini 1.0", "mistral.voxtral-mini-3b-2507"]),
    ("deepseek-r1", "deepseek", &["R1", "DeepSeek-R1", "DeepSeekR1", "us.deepseek.r1-v1:0"]),
    ("deepseek-v3.1", "deepseek", &["DeepSeek V3.1", "DeepSeek-V3.1", "DeepSeekV3-1", "deepseek.v3-v1:0"]),
    ("deepseek-v3.2", "deepseek", &["DeepSeek v3.2", "deepseek.v3.2"]),
    ("qwen3-32b", "qwen", &["Qwen3-32B", "Qwen3 32B (dense)", "qwen.qwen3-32b-v1:0", "qwen.qwen3-32b"]),
    ("qwen3-235b-a22b-2507", "qwen", &["Qwen3 235B A22B 2507", "qwen.qwen3-235b-a22b-2507-v1:0"]),
    ("qwen3-vl-235b-a22b", "qwen", &["Qwen3-VL-235B-A22B", "Qwen3 VL 235B A22B", "qwen.qwen3-vl-235b-a22b"]),
    ("qwen3-coder-30b-a3b", "qwen", &["Qwen3-Coder-30B-A3B-Instruct", "qwen.qwen3-coder-30b-a3b-v1:0"]),
    ("qwen3-next-80b-a3b", "qwen", &["Qwen3 Next 80B A3B", "qwen.qwen3-next-80b-a3b-instruct"]),
    ("gpt-oss-120b", "openai", &["gpt-oss-120b", "openai.gpt-oss-120b", "openai.gpt-oss-120b-1:0", "GPT-OSS-120B"]),
    ("gpt-oss-20b", "openai", &["gpt-oss-20b", "us.openai.gpt-oss-20b-1:0"]),
    ("gpt-oss-safeguard-120b", "openai", &["GPT-OSS-Safeguard-120B", "GPT OSS Safeguard 120B"]),
    ("gpt-5.6-luna", "openai", &["openai.gpt-5.6-luna", "GPT 5.6 Luna", "openai.gpt-5.6-luna-2026-08-07"]),
    (
        "cohere-embed-english-3",
        "cohere",
        &["cohere.embed-english-v3", "Cohere Embed 3 Model - English", "Embed English v3"],
    ),
    ("cohere-embed-multilingual-3", "cohere", &["cohere.embed-multilingual-v3:0:512", "Embed Multilingual v3"]),
    ("cohere-embed-4", "cohere", &["cohere.embed-v4:0", "Cohere Embed 4 Model (Amazon Bedrock Edition)"]),
    ("cohere-rerank-3.5", "cohere", &["cohere.rerank-v3-5:0", "Cohere Rerank v3.5", "Rerank 3.5"]),
    ("cohere-rerank-english-3", "cohere", &["cohere.rerank-english-v3"]),
    ("cohere-command-r", "cohere", &["Command R", "cohere.command-r-v1:0"]),
    ("cohere-command-r-plus", "cohere", &["Command R+", "Cohere Command R+", "cohere.command-r-plus-v1:0"]),
    ("cohere-command-light", "cohere", &["Command Light", "cohere.command-light-text-v14:7:4k"]),
    ("amazon-rerank", "amazon", &["AmazonRerank-v1", "Amazon Rerank 1.0", "amazon.rerank-v1:0"]),
    (
        "stable-diffusion-3.5-large",
        "stability",
        &["Stable Diffusion 3.5 Large v1.0 (Amazon Bedrock Edition)", "SD3.5 Large", "stability.sd3-5-large-v1:0"],
    ),
    ("stable-diffusion-3-large", "stability", &["SD3 Large", "stability.sd3-large-v1:0", "Stability AI SD3 Large 1.0"]),
    ("stable-diffusion-xl", "stability", &["SDXL 1.0", "stability.stable-diffusion-xl-v1:0"]),
    (
        "stable-image-ultra",
        "stability",
        &["Stable Image Ultra", "Stable Image Ultra 1.0", "stability.stable-image-ultra-v1:1"],
    ),
    ("stable-image-core", "stability", &["Stable Image Core 1.0", "stability.stable-image-core-v1:1"]),
    ("luma-ray-2", "luma", &["Ray-V2", "Ray2", "Luma Ray2", "Luma AI Ray 2", "luma.ray-v2:0"]),
    ("jamba-1.5-large", "ai21", &["Jamba 1.5 Large", "AI21 Labs Jamba 1.5 Large", "ai21.jamba-1-5-large-v1:0"]),
    ("jamba-instruct", "ai21", &["Jamba-Instruct", "ai21.jamba-instruct-v1:0"]),
    ("jurassic-2-ultra", "ai21", &["Jurassic-2 Ultra", "ai21.j2-ultra-v1"]),
    ("gemma-3-27b", "google", &["Gemma 3 27B PT", "Gemma-3-27B-IT", "google.gemma-3-27b-it"]),
    ("glm-4.7-flash", "zai", &["GLM 4.7 Flash", "zai.glm-4.7-flash", "Z.AI GLM 4.7 Flash"]),
    ("glm-5", "zai", &["GLM 5", "zai.glm5"]),
    ("grok-4.3", "xai", &["xai.grok-4.3", "xAI Grok 4.3"]),
    ("kimi-k2-thinking", "moonshot", &["Kimi K2 Thinking", "moonshot.kimi-k2-thinking"]),
    ("kimi-k2.5", "moonshot", &["Kimi K2.5", "moonshotai.kimi-k2.5"]),
    ("minimax-m2", "minimax", &["Minimax M2", "minimax.minimax-m2"]),
    ("minimax-m2.5", "minimax", &["MiniMax M2.5", "minimax.minimax-m2.5"]),
    ("nemotron-nano-2", "nvidia", &["NVIDIA Nemotron Nano 2", "nvidia.nemotron-nano-9b-v2"]),
    ("nemotron-nano-2-vl", "nvidia", &["NVIDIA Nemotron Nano 2 VL", "nvidia.nemotron-nano-12b-v2"]),
    ("nemotron-nano-3-30b", "nvidia", &["Nemotron Nano 3 30B", "nvidia.nemotron-nano-3-30b"]),
    ("palmyra-x5", "writer", &["Palmyra X5", "Writer Palmyra X5", "us.writer.palmyra-x5-v1:0"]),
    ("pegasus-1.2", "twelvelabs", &["TwelveLabs Pegasus 1.2", "Pegasus v1.2", "us.twelvelabs.pegasus-1-2-v1:0"]),
    ("marengo-embed-2.7", "twelvelabs", &["Marengo Embed 2.7", "twelvelabs.marengo-embed-2-7-v1:0"]),
    ("", "", &["", " ", "(Amazon Bedrock Edition)", "-_/", "…"]),
];

#[test]
fn every_spelling_of_a_model_meets_in_its_canonical_name() {
    for (name, provider, spellings) in MODELS {
        for spelling in *spellings {
            let model = canonical(spelling);
            assert_eq!((model.name.as_str(), model.provider.as_str()), (*name, *provider), "{spelling}");
        }
    }
}

#[test]
fn a_canonical_name_is_its_own_canonical_name() {
    for (name, ..) in MODELS {
        assert_eq!(canonical(name).name, *name);
    }
    // Two versions that come to stand side by side; more makers than there are rounds.
    for made_up in ["Claude Sonnetde Sonnet 4.6 4.hropicc.laude-2", &format!("{}Ray 2", "Meta ".repeat(40))] {
        let name = canonical(made_up).name;
        assert_eq!(canonical(&name).name, name);
    }
}

#[test]
fn models_that_are_not_known_yet_keep_maker_words_and_version() {
    for (spelling, name, provider) in [
        ("newlab.thinker-2-large-v1:0", "thinker-2-large", "newlab"),
        ("Thinker 2 Large", "thinker-2-large", ""),
        ("Thinker 2 2507", "thinker-2-2507", ""),
        ("Thinker2Large", "thinker-2-large", ""),
        ("eu.newlab.thinker-2-5-large-20270101-v2:0", "thinker-2.5-large-v2", "newlab"),
        ("Größenwahn 3", "größenwahn-3", ""),
    ] {
        let model = canonical(spelling);
        assert_eq!((model.name.as_str(), model.provider.as_str()), (name, provider), "{spelling}");
    }
}

#[test]
fn makers_have_one_lower_case_name() {
    for (spelling, name) in [
        ("Anthropic", "anthropic"),
        ("Mistral AI", "mistral"),
        ("Mistral", "mistral"),
        ("AI21 Labs", "ai21"),
        ("Stability AI", "stability"),
        ("Luma AI", "luma"),
        ("Z.AI", "zai"),
        ("xAI", "xai"),
        ("OpenAI", "openai"),
        ("Some New Lab", "somenewlab"),
        ("", ""),
    ] {
        assert_eq!(provider_name(spelling), name, "{spelling}");
    }
}

/// A Claude model as a version and a variant.
fn claude() -> impl Strategy<Value = ((u8, Option<u8>), String)> {
    let version = (3_u8..30, proptest::option::of(1_u8..30));
    let variant = prop_oneof![
        prop::sample::select(vec!["Sonnet", "Opus", "Haiku"]).prop_map(str::to_owned),
        "[A-Z][a-z]{3,8}".prop_filter("a word of its own", |word| {
            let ends_in_v = word.ends_with('v');
            !ends_in_v && !["Model", "Mantle", "Instant", "Instruct"].contains(&word.as_str())
        }),
    ];
    (version, variant)
}

fn spellings((major, minor): (u8, Option<u8>), variant: &str, month: u8, day: u8) -> [String; 6] {
    let (dotted, dashed) = match minor {
        Some(minor) => (format!("{major}.{minor}"), format!("{major}-{minor}")),
        None => (major.to_string(), major.to_string()),
    };
    let id = format!("anthropic.claude-{}-{dashed}-2026{month:02}{day:02}-v1:0", variant.to_lowercase());
    [
        format!("Claude{dotted}{variant}"),
        format!("Claude {variant} {dotted} (Amazon Bedrock Edition)"),
        format!("Claude {dotted} {variant}"),
        format!("us.{id}"),
        format!("global.{id}"),
        id,
    ]
}

proptest! {
    #[test]
    fn all_spellings_of_a_claude_meet((version, variant) in claude(), month in 1_u8..13, day in 1_u8..29) {
        let (major, minor) = version;
        let minor = minor.map(|minor| format!(".{minor}")).unwrap_or_default();
        let expected = format!("claude-{}-{major}{minor}", variant.to_lowercase());
        for spelling in spellings(version, &variant, month, day) {
            let model = canonical(&spelling);
            prop_assert_eq!(&model.name, &expected, "{}", spelling);
            prop_assert_eq!(&model.provider, "anthropic");
        }
    }

    #[test]
    fn different_claudes_never_meet(left in claude(), right in claude(), month in 1_u8..13) {
        prop_assume!((left.0, left.1.to_lowercase()) != (right.0, right.1.to_lowercase()));
        for (left, right) in spellings(left.0, &left.1, month, 1).iter().zip(spellings(right.0, &right.1, month, 1)) {
            prop_assert_ne!(canonical(left).name, canonical(&right).name);
        }
    }

    #[test]
    fn no_text_panics_and_names_are_of_letters_digits_dots_and_dashes(
        text in ".*|[A-Za-z0-9.:_ +()-]{0,40}|(us\\.)?anthropic\\.claude[a-z0-9.:-]{0,20}"
    ) {
        let model = canonical(&text);
        prop_assert!(model.name.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-'), "{}", model.name);
        let _ = provider_name(&text);
    }

    #[test]
    fn a_name_of_any_words_is_its_own_canonical_name(
        words in proptest::collection::vec(
            "Claude|Nova|Mistral AI|Meta|Cohere|deepseek|sonnet|command|v1|v2|[0-9]{1,2}|[0-9]\\.[0-9]|20260217|x\\.ai|2025|instruct",
            1..7,
        ),
        between in "[ .:-]",
    ) {
        let name = canonical(&words.join(&between)).name;
        prop_assert_eq!(canonical(&name).name, name);
    }
}

#[test]
fn no_two_models_meet() {
    let mut seen = BTreeSet::new();
    for (name, ..) in MODELS {
        assert!(seen.insert(*name), "{name} stands twice in the table");
    }
    // Neighbours that carelessness would join.
    for (left, right) in [
        ("anthropic.claude-opus-4-20250514-v1:0", "anthropic.claude-opus-4-1-20250805-v1:0"),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("meta.llama3-70b-instruct-v1:0", "meta.llama3-1-70b-instruct-v1:0"),
        ("Llama 3.2 1B", "Llama 3.2 11B"),
        ("minimax.minimax-m2", "minimax.minimax-m2.5"),
        ("Mistral Large", "Mistral Large 3"),
        ("GLM 4.7", "GLM 4.7 Flash"),
        ("amazon.nova-lite-v1:0", "amazon.nova-2-lite-v1:0"),
        ("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"),
        ("cohere.command-r-v1:0", "cohere.command-r-plus-v1:0"),
        ("amazon.rerank-v1:0", "cohere.rerank-v3-5:0"),
        ("gpt-5-1:0", "gpt-5"),
        ("Thinker v1.1", "Thinker v1.2"),
        ("Thinker 1", "Thinker 2"),
    ] {
        assert_ne!(canonical(left).name, canonical(right).name, "{left} and {right}");
    }
}
