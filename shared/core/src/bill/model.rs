//! Canonical model names: one lower-case name for a model, however the bill spells it.
//!
//! The bill writes one model in many ways: `Claude4.6Sonnet` in AWS's usage types, `openai.gpt-oss-120b` in those of
//! the newer endpoint, `Claude Sonnet 4.6 (Amazon Bedrock Edition)` on Marketplace rows, `Claude Sonnet 4.6` in the
//! `product` map and `us.anthropic.claude-sonnet-4-6-20260217-v1:0` in resource ids. Names are taken apart into words,
//! what does not tell models from one another falls away (makers, regions, dates, revisions, context sizes), and the
//! words are put together in one order. There is no list of models, so that next year's are named as well.
//!
//! - `order`: the order of a name's words, by family.

mod order;

use crate::bill::model::order::{is_number, is_version};
use crate::text::words;

/// A model's canonical name and its maker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelName {
    /// The canonical name (`claude-sonnet-4.6`): lower-case letters, digits, `.` and `-`; empty if the spelling has no
    /// word that names a model.
    pub name: String,
    /// Who makes it (`anthropic`); empty if unknown.
    pub provider: String,
}

/// What AWS Marketplace appends to a model's name, in lower case.
const EDITION: &str = "(amazon bedrock edition)";

/// What stands before the maker in ids of cross-region inference profiles.
/// Source: Amazon Bedrock user guide, "Supported Regions and models for inference profiles".
const PROFILE_PREFIXES: [&str; 13] =
    ["af", "amer", "apac", "au", "ca", "emea", "eu", "global", "jp", "me", "sa", "us", "us-gov"];

/// The maker of a family of models, by the family's first word.
const FAMILIES: [(&str, &str); 35] = [
    ("claude", "anthropic"),
    ("codestral", "mistral"),
    ("command", "cohere"),
    ("deepseek", "deepseek"),
    ("devstral", "mistral"),
    ("embed", "cohere"),
    ("gemma", "google"),
    ("glm", "zai"),
    ("gpt", "openai"),
    ("grok", "xai"),
    ("j2", "ai21"),
    ("jamba", "ai21"),
    ("jurassic", "ai21"),
    ("kimi", "moonshot"),
    ("llama", "meta"),
    ("magistral", "mistral"),
    ("marengo", "twelvelabs"),
    ("minimax", "minimax"),
    ("ministral", "mistral"),
    ("mistral", "mistral"),
    ("mixtral", "mistral"),
    ("nemotron", "nvidia"),
    ("nova", "amazon"),
    ("palmyra", "writer"),
    ("pegasus", "twelvelabs"),
    ("pixtral", "mistral"),
    ("qwen", "qwen"),
    ("r1", "deepseek"),
    ("ray", "luma"),
    ("rerank", "cohere"),
    ("sd", "stability"),
    ("sdxl", "stability"),
    ("stable", "stability"),
    ("titan", "amazon"),
    ("voxtral", "mistral"),
];

/// Words that are one word in some spellings and two in others.
const COMPOUNDS: [(&str, &str, &str); 14] = [
    ("ai", "21", "ai21"),
    ("ai21", "labs", "ai21"),
    ("deep", "seek", "deepseek"),
    ("luma", "ai", "luma"),
    ("mini", "max", "minimax"),
    ("mistral", "ai", "mistral"),
    ("moonshot", "ai", "moonshot"),
    ("multi", "modal", "multimodal"),
    ("open", "ai", "openai"),
    ("stability", "ai", "stability"),
    ("twelve", "labs", "twelvelabs"),
    ("writer", "inc", "writer"),
    ("x", "ai", "xai"),
    ("z", "ai", "zai"),
];

/// Names whose spellings no rule can join, because the id counts releases in another way than the display name, or
/// only one of them has the size. Source: AWS Price List, the attributes `model` and `usagetype` of one product;
/// Amazon Bedrock user guide, "Supported foundation models".
const SAME_MODEL: [(&str, &str); 12] = [
    ("deepseek-v3", "deepseek-v3.1"),
    ("generate-command", "cohere-command"),
    ("generate-command-light", "cohere-command-light"),
    ("magistral-small-2509", "magistral-small-1.2"),
    ("mistral-large", "mistral-large-2402"),
    ("mistral-large-3-675b", "mistral-large-3"),
    ("mistral-small", "mistral-small-2402"),
    ("nemotron-nano-12b-v2", "nemotron-nano-2-vl"),
    ("nemotron-nano-9b-v2", "nemotron-nano-2"),
    ("nova-multimodal-embeddings-2", "nova-multimodal-embeddings"),
    ("voxtral-mini-3b-2507", "voxtral-mini-1"),
    ("voxtral-small-24b-2507", "voxtral-small-1"),
];

/// The canonical name behind any spelling of a model.
///
/// Claude and Nova are family, variant, version (`claude-sonnet-3.5-v2`, `nova-lite-2`); other families keep the order
/// of their own names (`llama-3.3-70b`).
///
/// ```
/// use spend_core::bill::model::canonical;
///
/// assert_eq!(canonical("Claude4.6Sonnet"), canonical("us.anthropic.claude-sonnet-4-6-20260217-v1:0"));
/// assert_eq!(canonical("Claude Sonnet 4.6 (Amazon Bedrock Edition)").name, "claude-sonnet-4.6");
/// ```
///
/// A canonical name is a spelling too, of the same name, unless a spelling of a hundred words needs more rounds than are
/// made.
pub fn canonical(spelling: &str) -> ModelName {
    let ModelName { mut name, provider } = arranged(spelling);
    // Words that stand side by side only now may be read together, as two versions are.
    for _ in 0..MOST_ROUNDS {
        let again = arranged(&name).name;
        if again == name {
            break;
        }
        name = again;
    }
    ModelName { name, provider }
}

/// How often a name is arranged again at most. What the bill names takes one round; what is made up takes one for a few words
/// each, and may have no end of words.
const MOST_ROUNDS: usize = 64;

fn arranged(spelling: &str) -> ModelName {
    let (id_provider, rest) = strip_id_prefix(strip_edition(spelling.trim()));
    let mut words = to_words(rest);
    let mut maker = id_provider.map(provider_name);
    strip_maker(&mut words, &mut maker);
    let family = words.first().map(String::as_str).unwrap_or_default();
    let provider = maker.unwrap_or_else(|| provider_of_family(family).to_owned());
    let arranged = order::arrange(words, &provider).join("-");
    let name = match SAME_MODEL.iter().find(|(other, _)| *other == arranged) {
        Some((_, same)) => (*same).to_owned(),
        None => arranged,
    };
    ModelName { name, provider }
}

/// A maker's name in lower case, as in model ids, however it is spelt: `Mistral AI` is `mistral`.
pub fn provider_name(spelling: &str) -> String {
    let squashed: String = spelling.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let known = match squashed.as_str() {
        "ai21labs" => "ai21",
        "alibaba" | "alibabacloud" => "qwen",
        "amazonwebservices" | "aws" => "amazon",
        "googledeepmind" => "google",
        "lumaai" | "lumalabs" => "luma",
        "metaai" => "meta",
        "mistralai" => "mistral",
        "moonshotai" => "moonshot",
        "stabilityai" => "stability",
        "zhipuai" => "zai",
        _ => return squashed,
    };
    known.to_owned()
}

fn provider_of_family(family: &str) -> &'static str {
    FAMILIES.iter().find(|(first, _)| *first == family).map_or("", |(_, provider)| provider)
}

/// The name without Marketplace's edition.
pub(crate) fn strip_edition(name: &str) -> &str {
    let cut = name.len().saturating_sub(EDITION.len());
    match (name.get(..cut), name.get(cut..)) {
        (Some(rest), Some(edition)) if edition.eq_ignore_ascii_case(EDITION) => rest.trim_end(),
        _ => name,
    }
}

/// Whether Marketplace's edition stands behind the name: then it is a model's.
pub(crate) fn is_edition(name: &str) -> bool {
    strip_edition(name).len() < name.len()
}

/// Whether `segment` is where a cross-region profile serves: `us`, `eu`, `global`.
pub(crate) fn is_profile_prefix(segment: &str) -> bool {
    PROFILE_PREFIXES.iter().any(|prefix| prefix.eq_ignore_ascii_case(segment))
}

/// Takes the dotted prefixes off an id: `us.anthropic.claude-…` is made by `anthropic`. The dot of a version is
/// followed by a digit, that of a prefix by a letter; names with blanks are no ids.
fn strip_id_prefix(id: &str) -> (Option<&str>, &str) {
    let (mut provider, mut rest) = (None, id);
    while let Some((segment, tail)) = rest.split_once('.') {
        let is_prefix = segment.starts_with(|c: char| c.is_ascii_alphabetic())
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && tail.starts_with(|c: char| c.is_ascii_alphabetic())
            && !tail.contains(char::is_whitespace);
        if !is_prefix {
            break;
        }
        if !is_profile_prefix(segment) {
            provider = Some(segment);
        }
        rest = tail;
    }
    (provider, rest)
}

/// The words of a name without revision, context size and date, in lower case.
fn to_words(name: &str) -> Vec<String> {
    let (name, revision) = strip_revision(name);
    let spelt_out = if name.contains('+') { name.replace('+', " plus ") } else { name.to_owned() };
    let mut words: Vec<String> = Vec::new();
    for word in words::split(&spelt_out) {
        let mut word = word.text.to_lowercase();
        // Lower case may add marks of its own, as in Turkish.
        word.retain(|c| c.is_alphanumeric() || c == '.');
        let compound = words.last().and_then(|last| {
            COMPOUNDS
                .iter()
                .find(|(first, second, _)| *first == last.as_str() && *second == word)
                .map(|(.., both)| both)
        });
        match (compound, words.last_mut()) {
            (Some(both), Some(last)) => (*both).clone_into(last),
            _ => words.push(word),
        }
    }
    words.extend(revision);
    strip_dates(&mut words);
    join_versions(words)
}

/// Splits `-v1:0:200k` and `-1:0` off an id, and says the revision (`v2`, `v2.1`) where it tells models apart.
fn strip_revision(id: &str) -> (&str, Option<String>) {
    let Some((head, tail)) = id.split_once(':') else { return (id, None) };
    let stem = head.trim_end_matches(|c: char| c.is_ascii_digit());
    let major = head.get(stem.len()..).unwrap_or_default();
    let minor = tail.split(':').next().unwrap_or_default();
    match stem.strip_suffix("-v").or_else(|| stem.strip_suffix("-V")) {
        Some(stem) if !major.is_empty() => {
            // Only the oldest Claudes have their version there: `claude-v2:1`.
            let is_claude = stem.to_ascii_lowercase().contains("claude");
            let minor = Some(minor).filter(|minor| is_number(minor) && *minor != "0");
            match minor {
                _ if !is_claude && matches!(major, "0" | "1") => (stem, None),
                Some(minor) => (stem, Some(format!("v{major}.{minor}"))),
                None => (stem, Some(format!("v{major}"))),
            }
        }
        // `gpt-oss-120b-1:0`; but the 5 of `rerank-v3-5:0` is its version.
        _ if major == "1" => match stem.strip_suffix('-') {
            Some(stem) if !stem.ends_with(|c: char| c.is_ascii_digit()) => (stem, None),
            _ => (head, None),
        },
        _ => (head, None),
    }
}

/// Drops `20250929` and `2025-09-29`.
fn strip_dates(words: &mut Vec<String>) {
    let is_year = |word: &String| word.len() == 4 && word.starts_with("20") && is_number(word);
    let is_short = |word: &String| word.len() == 2 && is_number(word);
    while let Some(at) = words
        .windows(3)
        .position(|window| matches!(window, [year, month, day] if is_year(year) && is_short(month) && is_short(day)))
    {
        words.drain(at..at + 3);
    }
    words.retain(|word| !(word.len() == 8 && word.starts_with("20") && is_number(word)));
}

/// Joins the parts of versions: `4`, `6` is `4.6`, `v3`, `5` is `v3.5`, `2.0` is `2`.
fn join_versions(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        match joined.last_mut() {
            Some(last) if is_number(&word) && word.len() <= 2 && can_take_minor(last) => {
                last.push('.');
                last.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    for word in &mut joined {
        while let Some(stem) = word.strip_suffix(".0") {
            *word = stem.to_owned();
        }
    }
    joined
}

/// Whether a number after `word` is its minor version: `4`, `3.5`, `v3`, `k2`, but not `70b`.
fn can_take_minor(word: &str) -> bool {
    let digits = word.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(word);
    is_version(digits) && digits.split('.').all(|part| part.len() <= 2)
}

/// Drops makers' names before a family's: `Meta Llama 3`, `Amazon Nova`, `Luma Ray2`, `Mistral AI Mistral Large`.
fn strip_maker(words: &mut Vec<String>, provider: &mut Option<String>) {
    let is_maker = |pair: &&[String]| {
        let [first, second] = pair else { return false };
        // Some makers name a family after themselves: `Mistral Large`, `DeepSeek V3.1`.
        let is_family = !provider_of_family(first).is_empty();
        FAMILIES.iter().any(|(_, maker)| maker == first) && (!is_family || first == second)
    };
    let makers = words.windows(2).take_while(is_maker).count();
    let first = words.drain(..makers).next();
    *provider = provider.take().or(first);
}

#[cfg(test)]
mod tests;
