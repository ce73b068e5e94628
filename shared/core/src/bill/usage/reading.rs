//! What a usage type alone says.
//!
//! AWS's own: `{region}-{model}-{token type}[-{tier}][-cross-region-{routing}]`, or with `-mantle-` before the token
//! type. Marketplace's: `{region}-MP:{region}_{token type}[_{routing}][_{tier}]-Units`, in two styles of spelling.
//! `OpenAI`'s offers there call cache reads `cached_input_tokens`, and have no region.
//! Source: Amazon Bedrock user guide, "Understanding your cost and usage data"; features, media and order as in AWS's
//! CUDOS dashboard; usage types of the AWS Price List and of public exports, see `tests/usage_types.tsv`. The order matters: `cache-read-input-token-count` contains `input`, and so does
//! `reserved-1-month-input-tokens-per-minute`.

use crate::bill::usage::kinds::{Context, Feature, Routing, Tier, TokenKind};
use crate::text::words::{self, Word};

/// What a usage type says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading<'a> {
    pub(super) token_kind: TokenKind,
    pub(super) tier: Tier,
    /// `None` if the usage type does not say.
    pub(super) routing: Option<Routing>,
    pub(super) context: Context,
    pub(super) feature: Feature,
    pub(super) model: ModelIn<'a>,
    pub(super) counted: Counted,
    pub(super) is_marketplace: bool,
    pub(super) is_known: bool,
}

/// What a usage type counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// Single tokens: input, output, cached or embedded.
    Tokens,
    /// Tokens that are kept for a time: their unit may say tokens, but nothing is read or written.
    StoredTokens,
    /// Images, hours, requests, or what is not known.
    Others,
}

/// Where a line's model is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelIn<'a> {
    /// In the usage type, spelt like this.
    UsageType(&'a str),
    /// In other fields, if anywhere.
    Elsewhere,
    /// Nowhere: the line is about no model.
    Nowhere,
}

/// A family of usage types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Family {
    feature: Feature,
    token_kind: TokenKind,
    model: NamesModel,
}

/// Whether the usage types of a family name a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NamesModel {
    /// They do, before the first word of the grammar.
    BeforeGrammar,
    /// They do, and may consist of nothing else.
    Perhaps,
    /// They do not, but other fields of the line may.
    Elsewhere,
    /// The family is about no model.
    Never,
}

impl<'a> Reading<'a> {
    /// Reads `usage_type`; `service` is what the product is for, where it is for one feature alone.
    pub(super) fn of(usage_type: &'a str, service: Option<Feature>) -> Self {
        let text = Text::of(usage_type);
        let family = text.family(service);
        let Family { feature, token_kind, model } = family.unwrap_or(Family {
            feature: Feature::Other,
            token_kind: TokenKind::Other,
            model: NamesModel::Elsewhere,
        });
        let tier = match feature {
            Feature::Provisioned => Tier::Provisioned,
            Feature::Reserved => Tier::Reserved,
            _ => text.tier(),
        };
        let in_usage_type = match model {
            // `ProvisionedThroughput-Claude3Sonnet-ModelUnits`.
            NamesModel::BeforeGrammar if feature == Feature::Provisioned => {
                text.model(false).or_else(|| text.model_of_throughput())
            }
            NamesModel::BeforeGrammar => text.model(false),
            NamesModel::Perhaps => text.model(true),
            NamesModel::Elsewhere | NamesModel::Never => None,
        };
        let model = match in_usage_type {
            Some(spelling) => ModelIn::UsageType(spelling),
            None if model == NamesModel::Never => ModelIn::Nowhere,
            None => ModelIn::Elsewhere,
        };
        let is_of_tokens = matches!(
            token_kind,
            TokenKind::Input
                | TokenKind::Output
                | TokenKind::CacheRead
                | TokenKind::CacheWrite
                | TokenKind::CacheWrite1h
                | TokenKind::Embedding
        );
        Self {
            token_kind,
            tier,
            routing: text.routing(),
            context: text.context(),
            feature,
            model,
            counted: match is_of_tokens && text.has("token") {
                _ if text.has("cachestorage") => Counted::StoredTokens,
                true => Counted::Tokens,
                false => Counted::Others,
            },
            is_marketplace: text.is_marketplace,
            is_known: family.is_some(),
        }
    }
}

/// A usage type as words.
struct Text<'a> {
    /// What is left without region and Marketplace's frame.
    rest: &'a str,
    words: Vec<Word<'a>>,
    /// The words in lower case.
    lower: Vec<String>,
    /// The words in lower case without anything between them: spellings differ in what that is.
    squashed: String,
    /// The index of the first word that is the grammar's and not the model's.
    grammar: Option<usize>,
    is_marketplace: bool,
}

impl<'a> Text<'a> {
    fn of(usage_type: &'a str) -> Self {
        let without_region = strip_region(usage_type);
        let (without_prefix, has_prefix) = match strip_prefix_ignoring_case(without_region, "MP:") {
            Some(rest) => (strip_region(rest), true),
            None => (without_region, false),
        };
        // In AWS's own `search-units` the units are counted, in Marketplace's they are the pricing unit.
        let without_units = without_prefix.strip_suffix("-Units").or_else(|| without_prefix.strip_suffix("-units"));
        let (text, has_suffix) = match without_units {
            Some(rest) if has_prefix || without_prefix.ends_with("-Units") => (rest, true),
            _ => (without_prefix, false),
        };
        let words = words::split(text);
        let lower: Vec<String> = words.iter().map(|word| word.text.to_lowercase()).collect();
        let squashed = lower.concat();
        let is_marketplace = has_prefix || has_suffix;
        let grammar = (0..lower.len()).find(|at| starts_grammar(&lower, *at));
        Self { rest: text, words, lower, squashed, grammar, is_marketplace }
    }

    fn has(&self, text: &str) -> bool {
        self.squashed.contains(text)
    }

    fn has_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.has(text))
    }

    /// The words behind the model's name; all, where none is the grammar's.
    fn tail(&self) -> &[String] {
        self.lower.get(self.grammar.unwrap_or(0)..).unwrap_or_default()
    }

    fn tail_has(&self, test: impl Fn(&str) -> bool) -> bool {
        self.tail().iter().any(|word| test(word))
    }

    fn has_word(&self, words: &[&str]) -> bool {
        self.lower.iter().any(|word| words.contains(&word.as_str()))
    }

    fn tier(&self) -> Tier {
        // Marketplace writes `MillionBatchInputTokens` too, and lower-cased copies have it in one word.
        if self.tail_has(|word| word.contains("batch")) {
            Tier::Batch
        } else if self.tail_has(|word| word == "flex") {
            Tier::Flex
        } else if self.tail_has(|word| word == "priority") {
            Tier::Priority
        } else if self.tail().concat().contains("ultrafast") {
            Tier::Ultrafast
        } else if self.has("latencyoptimi") {
            Tier::LatencyOptimized
        } else {
            Tier::OnDemand
        }
    }

    fn routing(&self) -> Option<Routing> {
        if self.tail_has(|word| word == "global") {
            Some(Routing::Global)
        } else if self.tail_has(|word| word == "geo") || self.has("crossregion") {
            Some(Routing::Geo)
        } else {
            None
        }
    }

    fn context(&self) -> Context {
        let tail = self.tail();
        let is_long = (0..tail.len()).any(|at| is_long_context(tail, at));
        if is_long { Context::Long } else { Context::Standard }
    }

    /// What stands before the grammar; or the whole text, if it may be nothing but a model.
    fn model(&self, may_be_all: bool) -> Option<&'a str> {
        let end = match self.grammar {
            Some(at) => at,
            None if may_be_all => self.words.len(),
            None => return None,
        };
        let before = self.lower.get(..end)?;
        // `Nova2.0Pro-text-input-tokens`: the modality is the grammar's. In `TitanEmbeddingV2-Text` it is the name's.
        let is_nova = before.first().is_some_and(|first| first == "nova");
        let modalities = before.iter().skip(1).rev().take_while(|word| is_nova && is_modality(word)).count();
        self.spelling(0, end - modalities)
    }

    /// The model whose throughput is provisioned, where it is named behind that: up to what is said of the commitment.
    fn model_of_throughput(&self) -> Option<&'a str> {
        let start = self.lower.iter().position(|word| word == "throughput")? + 1;
        let behind = self.lower.get(start..)?;
        let ends = |at: usize| {
            let word_at = |at: usize| behind.get(at).map_or("", String::as_str);
            let (word, next) = (word_at(at), word_at(at + 1));
            starts_grammar(behind, at)
                || matches!(word, "custom" | "hour" | "hours" | "hourly" | "usage")
                || word.starts_with("commit")
                || ["commit", "month"].iter().any(|commitment| next.starts_with(commitment))
        };
        let end = (0..behind.len()).find(|at| ends(*at)).unwrap_or(behind.len());
        self.spelling(start, start + end)
    }

    /// The words from `start` to before `end` as billed, with all that belongs to them: `CommandR+`.
    fn spelling(&self, start: usize, end: usize) -> Option<&'a str> {
        let is_separator = |letter: char| matches!(letter, '-' | '_' | '.' | ':' | '/') || letter.is_whitespace();
        self.words.get(start..end)?.first()?;
        let at = |index: usize| self.words.get(index).map_or(self.rest.len(), |word| word.start);
        // Nothing stands before the first word that is not the spelling's own.
        let from = if start == 0 { 0 } else { at(start) };
        self.rest.get(from..at(end)).map(|spelling| spelling.trim_matches(is_separator))
    }

    /// The family, in the order of the module's documentation.
    fn family(&self, service: Option<Feature>) -> Option<Family> {
        let family = |feature, token_kind, model| Some(Family { feature, token_kind, model });
        let other = |feature, model| family(feature, TokenKind::Other, model);
        // Managed knowledge bases are sold under several services, `AgentCore` among them.
        let service = if self.has("knowledgebase") { Some(Feature::Knowledge) } else { service };
        if let Some(feature) = service {
            return other(feature, NamesModel::Never);
        }
        if self.has_any(&["custommodelimport", "custommodelunit"]) {
            return other(Feature::Customization, NamesModel::Never);
        }
        if self.has_any(&["provisionedthroughput", "modelunit"]) {
            return other(Feature::Provisioned, NamesModel::BeforeGrammar);
        }
        if self.has_any(&["customization", "finetun", "modelstorage", "rfttraining"])
            || self.tail_has(|word| word == "training")
        {
            return other(Feature::Customization, NamesModel::BeforeGrammar);
        }
        if self.tail_has(|word| word == "reserved" || word == "tpm") || self.has("tokensperminute") {
            return other(Feature::Reserved, NamesModel::BeforeGrammar);
        }
        self.feature().or_else(|| self.media()).or_else(|| self.agent_core()).or_else(|| self.tokens())
    }

    /// Guardrails, evaluations and the other features beside inference.
    fn feature(&self) -> Option<Family> {
        let none = NamesModel::Never;
        let (feature, token_kind, model) = if self.has_any(&["guardrail", "automatedreasoning"]) {
            (Feature::Guardrails, TokenKind::Other, none)
        } else if self.has_any(&["searchunit", "rerank"]) {
            (Feature::Knowledge, TokenKind::Search, NamesModel::BeforeGrammar)
        } else if self.has("websearch") {
            (Feature::Knowledge, TokenKind::Search, none)
        } else if self.has_any(&["generatesql", "structuredretriev", "dataautomation"]) {
            (Feature::Knowledge, TokenKind::Other, none)
        } else if self.has_any(&[
            "evaluation",
            "invokeflow",
            "bedrockflow",
            "optimizeprompt",
            "promptoptimization",
            "promptrout",
            "novagrounding",
        ]) {
            (Feature::Other, TokenKind::Other, none)
        } else {
            return None;
        };
        Some(Family { feature, token_kind, model })
    }

    /// Images, video and speech, as models of their own and as tokens of multimodal models; and embeddings.
    fn media(&self) -> Option<Family> {
        // `NovaSonic-text-input-tokens`: text that a speech model reads and writes is text, at the price of text.
        let is_text = |pair: &[String]| matches!(pair, [text, way] | [way, text] if text == "text" && matches!(way.as_str(), "input" | "output"));
        if self.has("token") && !self.has("embed") && self.lower.windows(2).any(is_text) {
            return None;
        }
        let token_kind = if self.has_any(&["novacanvas", "imagegenerator", "stableimage", "stablediffusion"])
            || self.has_word(&["t2i", "i2i"])
            || self.has_any(&["inputimage", "outputimage", "createdimage"])
            || (self.grammar.is_some() && self.tail_has(|word| word == "image" || word == "images"))
        {
            TokenKind::Image
        } else if self.has_any(&["novareel", "inputvideo", "outputvideo"])
            || self.has_word(&["t2v", "i2v"])
            || self.tail_has(|word| word.ends_with("fps"))
            || (self.grammar.is_some() && self.tail_has(|word| word == "video"))
        {
            TokenKind::Video
        } else if self.has_any(&["sonic", "inputaudio", "outputaudio", "inputspeech", "outputspeech"])
            || (self.grammar.is_some() && self.tail_has(|word| word == "speech" || word == "audio"))
        {
            TokenKind::Speech
        } else if self.has("embed") {
            let model = if self.is_marketplace { NamesModel::Elsewhere } else { NamesModel::Perhaps };
            return Some(Family { feature: Feature::Inference, token_kind: TokenKind::Embedding, model });
        } else {
            return None;
        };
        Some(Family { feature: Feature::Media, token_kind, model: NamesModel::Perhaps })
    }

    fn agent_core(&self) -> Option<Family> {
        let is_agent_core = self.has_any(&[
            "agentcore",
            "consumptionbased",
            "codeinterpreter",
            "browsertool",
            "shorttermmemory",
            "longtermmemory",
            "toolindexing",
            "gatewayapi",
            "gatewaysearch",
            "gatewaydataprocessing",
        ]) || (self.has("runtime") && self.has_any(&["vcpu", "memory"]));
        is_agent_core.then_some(Family {
            feature: Feature::AgentCore,
            token_kind: TokenKind::Other,
            model: NamesModel::Never,
        })
    }

    /// Tokens of text, and what is sold beside them.
    fn tokens(&self) -> Option<Family> {
        let is_one_of = |words: &[&str]| self.tail_has(|word| words.iter().any(|start| word.starts_with(start)));
        let token_kind = if self.has_any(&["cachestorage", "cachevalidation"]) {
            TokenKind::Other
        } else if self.has_any(&["cacheread", "cachedinput"]) {
            TokenKind::CacheRead
        } else if self.has("cachewrite1h") || (self.has("cachewrite") && self.tail_has(|word| word == "1h")) {
            TokenKind::CacheWrite1h
        } else if self.has("cachewrite") {
            TokenKind::CacheWrite
        } else if !self.has("token") {
            self.bare_tokens()?
        } else if is_one_of(&["input", "prompttoken"]) || self.has("inputtoken") {
            TokenKind::Input
        } else if is_one_of(&["output", "response"]) || self.has_any(&["outputtoken", "responsetoken"]) {
            TokenKind::Output
        } else {
            return None;
        };
        Some(Family { feature: Feature::Inference, token_kind, model: NamesModel::BeforeGrammar })
    }

    /// `moonshotai.kimi-k2.5-input`: tokens that are not called so, if nothing but a tier or a routing stands behind.
    fn bare_tokens(&self) -> Option<TokenKind> {
        self.grammar?;
        let tail = self.tail();
        let (way, rest) = tail.strip_prefix(&["mantle".to_owned()]).unwrap_or(tail).split_first()?;
        let kind = match way.as_str() {
            "input" => TokenKind::Input,
            "output" => TokenKind::Output,
            _ => return None,
        };
        let is_qualifier = |word: &String| QUALIFIERS.contains(&word.as_str());
        rest.iter().all(is_qualifier).then_some(kind)
    }
}

/// What may stand behind a kind of token.
const QUALIFIERS: [&str; 17] = [
    "batch",
    "context",
    "cross",
    "ctx",
    "fast",
    "flex",
    "geo",
    "global",
    "l",
    "latency",
    "long",
    "optimized",
    "priority",
    "region",
    "standard",
    "ultra",
    "ultrafast",
];

/// Whether the word at `at` says that a prompt was longer than a model's usual limit: `long_ctx`, `long-context`, `LCtx`.
fn is_long_context(words: &[String], at: usize) -> bool {
    let word_at = |at: usize| words.get(at).map_or("", String::as_str);
    matches!(
        (word_at(at), word_at(at + 1)),
        ("long", "context" | "ctx") | ("l", "ctx") | ("lctx" | "longctx" | "longcontext", _)
    )
}

fn is_modality(word: &str) -> bool {
    matches!(word, "text" | "image" | "video" | "speech" | "audio")
}

/// Whether the word at `at` begins what a usage type says of the line, behind the model's name. The words of the
/// grammar are written apart, together (`InputTokenCount` in lower case) or abbreviated.
fn starts_grammar(words: &[String], at: usize) -> bool {
    const STARTS: [&str; 17] = [
        "batch",
        "cachedinput",
        "cacheread",
        "cachestorage",
        "cachevalidation",
        "cachewrite",
        "customization",
        "custommodel",
        "input",
        "latencyoptimi",
        "millionbatch",
        "modelunit",
        "output",
        "provisioned",
        "response",
        "searchunit",
        "tokencount",
    ];
    const WORDS: [&str; 13] = [
        "created",
        "i2i",
        "i2v",
        "mantle",
        "million",
        "modelstorage",
        "reserved",
        "rft",
        "t2i",
        "t2v",
        "training",
        "tokens",
        "tpm",
    ];
    const PAIRS: [(&str, &[&str]); 7] = [
        ("cache", &["read", "reads", "storage", "validation", "write", "writes"]),
        ("cached", &["input"]),
        ("cross", &["region"]),
        ("custom", &["model"]),
        ("latency", &["optimized", "optimised"]),
        ("model", &["unit", "units", "storage", "import"]),
        ("search", &["unit", "units"]),
    ];
    let word_at = |at: usize| words.get(at).map_or("", String::as_str);
    let (word, next) = (word_at(at), word_at(at + 1));
    WORDS.contains(&word)
        || STARTS.iter().any(|start| word.starts_with(start))
        || PAIRS.iter().any(|(first, seconds)| *first == word && seconds.contains(&next))
        || is_long_context(words, at)
        // `Ray-V2-Medfps-HDRes`, `NovaSonic-speech-understanding-input-token`.
        || word.ends_with("fps")
        || (word_at(0) == "nova" && matches!(word, "speech" | "audio" | "video"))
}

/// Takes a region's code off the front: `USE1-`, `APN1_`, `EU-`. A bare `GPT5-` or `GLM5-` is a model.
fn strip_region(text: &str) -> &str {
    const GEOGRAPHIES: [&str; 11] = ["AF", "AP", "CA", "CN", "EU", "IL", "ME", "MX", "SA", "UG", "US"];
    let Some((code, rest)) = text.split_once(['-', '_']) else { return text };
    let is_one_of = |prefix: &str| GEOGRAPHIES.iter().any(|geography| prefix.eq_ignore_ascii_case(geography));
    let is_region = match (code.get(..2), code.as_bytes()) {
        (Some(prefix), [_, _]) => prefix.eq_ignore_ascii_case("EU"),
        (Some(prefix), [_, _, way, number]) => {
            is_one_of(prefix) && way.is_ascii_alphabetic() && number.is_ascii_digit()
        }
        _ => false,
    };
    if is_region { rest } else { text }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
