//! What usage is told apart by: kind of token, tier, routing, context, feature.

use crate::named;

named! {
    /// What was counted. `Other` is what has no tokens or is unknown.
    pub enum TokenKind {
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
        Image = "image",
        Video = "video",
        Speech = "speech",
        Embedding = "embedding",
        /// Search units of rerankers, and web searches.
        Search = "search",
        /// Everything else.
        Other = "other",
    }
}

named! {
    /// How the call was bought.
    pub enum Tier {
        /// Paid per use.
        OnDemand = "on-demand",
        Batch = "batch",
        Flex = "flex",
        Priority = "priority",
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
    pub enum Routing {
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
    pub enum Context {
        /// Up to the limit, or of a model that has none.
        Standard = "standard",
        /// Beyond it: `long_ctx`, `long-context` and `LCtx` in usage types.
        Long = "long",
    }
}

named! {
    /// Which part of Amazon Bedrock was used.
    pub enum Feature {
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
