//! What usage is told apart by: kind of token, tier, routing, context, feature.

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
        /// Search units of rerankers, and web searches.
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
        /// The ultrafast tier.
        Ultrafast = "ultrafast",
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
    /// How long the prompt was. Beyond a model's limit tokens have a price of their own, so that one model has two
    /// prices a kind of token.
    Context {
        /// Up to the limit, or of a model that has none.
        Standard = "standard",
        /// Beyond it: `long_ctx`, `long-context` and `LCtx` in usage types.
        Long = "long",
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
        /// Knowledge bases, reranking, web search, structured retrieval, data automation.
        Knowledge = "knowledge",
        /// Images, video and speech.
        Media = "media",
        /// Everything else, among it what is not known yet.
        Other = "other",
    }
}
