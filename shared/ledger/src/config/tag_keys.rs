//! Which keys of tags a configuration may name.

use spend_core::bill::line::{KEPT_TAG_PREFIXES, KeptTags};

/// What tags of resources begin with in the `tags` map.
/// Source: AWS Data Exports user guide, "CUR 2.0 tag columns".
const RESOURCE_TAGS: &str = "resourceTags/";

fn has_name(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|name| !name.is_empty())
}

/// What is wrong with a tag key: facts have only some, and a rule about any other would never match.
pub(crate) fn tag_key_problem(key: &str, kept: &KeptTags) -> Option<String> {
    let is_listed = kept.listed().any(|listed| &**listed == key);
    if is_listed || KEPT_TAG_PREFIXES.iter().any(|prefix| has_name(key, prefix)) {
        return None;
    }
    let prefixes = KEPT_TAG_PREFIXES.join(", ");
    let cure = if has_name(key, RESOURCE_TAGS) {
        "list it in `keep` of [tags]".to_owned()
    } else {
        format!("write it as the bill does, with one of {prefixes} before its name")
    };
    Some(format!("`{key}` is no tag that the ledger keeps: {cure}"))
}

/// What is wrong with a tag key that is to be kept: no bill would ever have it.
pub(crate) fn keep_problem(key: &str) -> Option<String> {
    let is_tag = KEPT_TAG_PREFIXES.into_iter().chain([RESOURCE_TAGS]).any(|prefix| has_name(key, prefix));
    let prefixes = KEPT_TAG_PREFIXES.join(", ");
    (!is_tag).then(|| {
        format!(
            "`{key}` is no tag: write it as the bill does, with {RESOURCE_TAGS} before its name, or one of {prefixes}"
        )
    })
}
