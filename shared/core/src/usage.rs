//! What a line item's usage type says: provider, model, token kind, tier, routing and feature.

use std::collections::BTreeMap;

use crate::line::LineKey;

/// Declares an enum whose variants have the names that facts and reports show.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in facts and reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

named! {
    /// What was counted. `Other` is what has no tokens or is unknown.
    TokenKind {
        /// Prompt tokens.
        Input = "input",
        /// Completion tokens.
        Output = "output",
        /// Tokens read from the prompt cache.
        CacheRead = "cache-read",
        /// Tokens written to the prompt cache for five minutes.
        CacheWrite = "cache-write",
        /// Tokens written to the prompt cache for an hour.
        CacheWrite1h = "cache-write-1h",
        /// Images in or out.
        Image = "image",
        /// Video in or out.
        Video = "video",
        /// Speech in or out.
        Speech = "speech",
        /// Embeddings.
        Embedding = "embedding",
        /// Search units of rerankers.
        Search = "search",
        /// Everything else.
        Other = "other",
    }
}

named! {
    /// How the call was bought.
    Tier {
        /// Paid per use.
        OnDemand = "on-demand",
        /// A batch job.
        Batch = "batch",
        /// The flex tier.
        Flex = "flex",
        /// The priority tier.
        Priority = "priority",
        /// Reserved tokens per minute.
        Reserved = "reserved",
        /// Provisioned throughput.
        Provisioned = "provisioned",
        /// Latency-optimised inference.
        LatencyOptimized = "latency-optimized",
    }
}

named! {
    /// Where the call was served.
    Routing {
        /// In the region that was called.
        InRegion = "in-region",
        /// In a region of the same geography.
        Geo = "geo",
        /// In any commercial region.
        Global = "global",
    }
}

named! {
    /// Which part of Amazon Bedrock was used.
    Feature {
        /// Model invocations.
        Inference = "inference",
        /// Provisioned throughput.
        Provisioned = "provisioned",
        /// Reserved tokens per minute.
        Reserved = "reserved",
        /// Training, fine-tuning, importing and storing custom models.
        Customization = "customization",
        /// Guardrails and automated reasoning.
        Guardrails = "guardrails",
        /// `AgentCore` runtime, tools, gateway and memory.
        AgentCore = "agentcore",
        /// Knowledge bases, reranking, structured retrieval, data automation.
        Knowledge = "knowledge",
        /// Images, video and speech.
        Media = "media",
        /// Everything else, among it what is not known yet.
        Other = "other",
    }
}

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
    /// Which part of Bedrock it is.
    pub feature: Feature,
    /// How many single tokens one pricing unit is, where the unit is tokens.
    pub tokens_per_unit: Option<i64>,
    /// Whether the usage type belongs to a family that this release knows. The others are counted.
    pub is_known: bool,
}

/// Names that the configuration gives to models: from the canonical name or the spelling as billed to another name.
pub type ModelAliases = BTreeMap<String, String>;

/// Classifies one bill line.
#[must_use]
pub fn classify(line: &LineKey, aliases: &ModelAliases) -> Usage {
    let _ = (line, aliases);
    Usage {
        provider: String::new(),
        model: String::new(),
        model_as_billed: String::new(),
        token_kind: TokenKind::Other,
        tier: Tier::OnDemand,
        routing: Routing::InRegion,
        feature: Feature::Other,
        tokens_per_unit: None,
        is_known: false,
    }
}
