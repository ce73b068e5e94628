//! The order of a model name's words, by family.

/// Words that say how a model is tuned or served, not which one it is.
fn is_noise(word: &str, family: &str) -> bool {
    match word {
        "instruct" | "mantle" | "model" => true,
        "chat" => family == "llama",
        "dense" => family == "qwen",
        "it" | "pt" => family == "gemma",
        _ => false,
    }
}

/// Puts a name's words in their one order.
pub(super) fn arrange(mut words: Vec<String>, provider: &str) -> Vec<String> {
    strip_latency(&mut words);
    let Some(family) = words.first().cloned() else { return words };
    let mut at = 0;
    words.retain(|word| {
        at += 1;
        // `Jamba Instruct` has no other name.
        at == 1 || !is_noise(word, &family) || (family == "jamba" && word == "instruct")
    });
    match family.as_str() {
        "claude" => return claude(&words),
        "titan" => return titan(words),
        // Usage types have `SD3.5`, ids `sd3-5`, names `Stable Diffusion 3.5`.
        "sd" => replace_first(&mut words, &["stable", "diffusion"]),
        "sdxl" => replace_first(&mut words, &["stable", "diffusion", "xl"]),
        "j2" => replace_first(&mut words, &["jurassic", "2"]),
        // Of `command-light-text-v14:7`, the name is `Command Light`.
        "command" => words.retain(|word| word != "text" && !word.starts_with("v14")),
        _ => {}
    }
    words.retain(|word| !is_first_revision(word));
    // `Pegasus v1.2` is `pegasus-1-2` in ids; DeepSeek writes the v in all of them.
    if provider != "deepseek" {
        words.iter_mut().filter(|word| word.contains('.')).for_each(|word| {
            if let Some(number) = revision_of(word) {
                *word = number.to_owned();
            }
        });
    }
    match (family.as_str(), provider) {
        ("nova" | "ministral", _) => version_last(&mut words, false),
        (_, "mistral") => words.iter_mut().for_each(join_release_month),
        ("command" | "embed" | "rerank", "amazon" | "cohere") | ("ray", "luma") => {
            version_last(&mut words, true);
            words.insert(0, provider.to_owned());
        }
        (first, "deepseek") if first != "deepseek" => words.insert(0, provider.to_owned()),
        // The version is part of the family's name: `qwen3`.
        ("qwen", _) if words.get(1).is_some_and(|word| is_version(word)) => {
            let version = words.remove(1);
            if let Some(first) = words.first_mut() {
                first.push_str(&version);
            }
        }
        _ => {}
    }
    let drops_first_version = matches!(family.as_str(), "nova" | "stable" | "sd" | "sdxl" | "rerank");
    if drops_first_version && words.len() > 2 && words.last().is_some_and(|word| word == "1") {
        words.pop();
    }
    words
}

/// Latency-optimised inference is a tier, but AWS puts it into some models' names.
fn strip_latency(words: &mut Vec<String>) {
    let is_latency = |window: &[String]| {
        let [first, second] = window else { return false };
        first == "latency" && matches!(second.as_str(), "optimized" | "optimised")
    };
    while let Some(at) = words.windows(2).position(is_latency) {
        words.drain(at..at + 2);
    }
    words.retain(|word| word != "latencyoptimized");
}

fn replace_first(words: &mut Vec<String>, by: &[&str]) {
    words.splice(..words.len().min(1), by.iter().map(|word| (*word).to_owned()));
}

/// Moves versions behind the other words; `of_revisions` says whether `v3` is one, written `3`.
fn version_last(words: &mut Vec<String>, of_revisions: bool) {
    let mut versions = Vec::new();
    words.retain(|word| {
        let version = if is_version(word) { Some(word.as_str()) } else { revision_of(word).filter(|_| of_revisions) };
        versions.extend(version.map(str::to_owned));
        version.is_none()
    });
    words.append(&mut versions);
}

/// Family, variant, version, revision: `claude-sonnet-3.5-v2`. The oldest models have no variant (`claude-2.1`), and
/// `anthropic.claude-v2:1` has its version where others have a revision.
fn claude(words: &[String]) -> Vec<String> {
    let rest = words.get(1..).unwrap_or_default();
    let has_version = rest.iter().any(|word| is_version(word));
    let (mut variants, mut versions, mut revisions) = (vec!["claude".to_owned()], Vec::new(), Vec::new());
    for word in rest {
        match revision_of(word) {
            _ if is_version(word) => versions.push(word.clone()),
            Some(number) if !has_version => versions.push(number.to_owned()),
            Some(number) if number.split('.').next() == Some("1") => {}
            Some(_) => revisions.push(word.clone()),
            None => variants.push(word.clone()),
        }
    }
    // There has only ever been one Claude Instant, spelt with and without its 1.
    if variants.last().is_some_and(|variant| variant == "instant") {
        versions.retain(|version| version.split('.').next() != Some("1"));
    }
    variants.append(&mut versions);
    variants.append(&mut revisions);
    variants
}

/// `TitanEmbeddingV2-Text`, `Titan Text Embeddings V2` and `titan-embed-text-v2:0` differ in order, number and in what
/// they leave out; the generation `G1` is in some of them.
fn titan(words: Vec<String>) -> Vec<String> {
    let has = |start: &str| words.iter().any(|word| word.starts_with(start));
    let kind: &[&str] = if has("embed") {
        if has("image") || has("multimodal") { &["embed", "image"] } else { &["embed", "text"] }
    } else if has("imagegenerator") || (has("image") && has("generator")) {
        &["image", "generator"]
    } else if has("text") {
        &["text"]
    } else {
        &[]
    };
    let said = ["embed", "embedding", "embeddings", "image", "multimodal", "generator", "imagegenerator", "text"];
    let mut arranged = vec!["titan".to_owned()];
    arranged.extend(kind.iter().map(|word| (*word).to_owned()));
    arranged.extend(words.into_iter().skip(1).filter(|word| {
        // `02` is a build of `titan-embed-g1-text-02`.
        !said.contains(&word.as_str()) && !matches!(word.as_str(), "g1" | "02") && !is_first_revision(word)
    }));
    arranged
}

/// The number of `v2`, `v3.5`.
fn revision_of(word: &str) -> Option<&str> {
    word.strip_prefix('v').filter(|number| is_version(number))
}

/// Whether `word` is a first revision, which most spellings leave out.
fn is_first_revision(word: &str) -> bool {
    matches!(word, "v0" | "v1")
}

/// `Mistral Large (24.02)` is `mistral-large-2402` in ids.
fn join_release_month(word: &mut String) {
    if let Some((year, month)) = word.split_once('.')
        && [year, month].iter().all(|part| part.len() == 2 && is_number(part))
    {
        *word = format!("{year}{month}");
    }
}

pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `4`, `4.6`.
pub(crate) fn is_version(text: &str) -> bool {
    text.split('.').all(is_number)
}
