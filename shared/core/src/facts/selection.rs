//! Names that select nothing: what the ledger has instead, and which of it may have been meant.

use std::collections::BTreeSet;

use crate::facts::dimension::Dimension;
use crate::facts::fact::Fact;
use crate::facts::matcher::Matcher;
use crate::table::tags::Tags;
use crate::text::near::near;
use crate::text::{NONE, shown};

/// How many tag keys are listed.
const KEYS: usize = 12;

/// The tag keys that facts have.
pub fn tags<'a>(facts: impl Iterator<Item = Fact<'a>>) -> BTreeSet<&'a str> {
    let mut tags = BTreeSet::new();
    let mut last: Option<&Tags> = None;
    for fact in facts {
        // Sets of tags repeat, and a table has each once.
        if last.is_some_and(|last| std::ptr::eq(last, fact.tags())) {
            continue;
        }
        last = Some(fact.tags());
        for key in fact.tags().keys() {
            // Most facts have the tags of the one before.
            if !tags.contains(&**key) {
                tags.insert(&**key);
            }
        }
    }
    tags
}

/// What to say of a tag key that none of the facts has, where they have `known`.
pub fn unknown_tag(key: &str, known: &BTreeSet<&str>) -> String {
    let listed: Vec<_> = known.iter().take(KEYS).map(|key| shown(key)).collect();
    let more = known.len().saturating_sub(KEYS);
    let has = match (listed.is_empty(), more) {
        (true, _) => "the ledger has no tag at all".to_owned(),
        (false, 0) => format!("the ledger has {}", listed.join(", ")),
        (false, more) => format!("the ledger has {} and {more} more", listed.join(", ")),
    };
    let meant = meant(key, known.iter().copied()).map_or_else(String::new, |meant| format!("; {meant}"));
    format!("no line has the tag {}: {has}{meant}", shown(key))
}

/// Why a matcher matches none of the facts, with what it may have meant; nothing if it matches one.
pub fn unmatched<'a>(matcher: &Matcher, facts: impl Iterator<Item = Fact<'a>> + Clone) -> Option<String> {
    if facts.clone().any(|fact| matcher.matches(fact)) {
        return None;
    }
    if let Dimension::Tag(key) = matcher.dimension() {
        let known = tags(facts.clone());
        if !known.contains(key.as_str()) {
            return Some(unknown_tag(key, &known));
        }
    }
    let (dimension, glob) = (matcher.dimension(), matcher.glob());
    if glob == NONE {
        return Some(format!("every line has a value of {dimension}, and {NONE} is what has none"));
    }
    let values: BTreeSet<_> = facts.map(|fact| dimension.value(fact)).collect();
    let meant =
        meant(&glob, values.iter().map(|value| &**value)).map_or_else(String::new, |meant| format!(": {meant}"));
    Some(format!("no line has a value of {dimension} that is {}{meant}", shown(&glob)))
}

/// Which of some names may have been meant: `did you mean dana@example.com?` Nothing if none is near. `wanted` may be a
/// glob.
pub fn meant<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<_> = near(wanted.trim_matches(['*', '?']), known);
    let named: Vec<_> = near.iter().map(|name| shown(name)).collect();
    (!named.is_empty()).then(|| format!("did you mean {}?", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{fact, table};

    #[test]
    fn what_selects_nothing_is_told_with_what_may_have_been_meant() {
        let facts = [
            fact("2026-11-02", "1", &[("identity", "dana@example.com"), ("iamPrincipal/team", "search")]),
            fact("2026-11-02", "1", &[("identity", "role/app@444455556666"), ("iamPrincipal/team", "ads")]),
        ];
        let facts = table(&facts);
        let said = |key: &str, glob: &str| unmatched(&Matcher::new(key.parse().unwrap(), glob), facts.rows());
        assert_eq!(said("identity", "dana@*"), None);
        assert_eq!(
            said("identity", "dnaa@example.com").unwrap(),
            "no line has a value of identity that is dnaa@example.com: did you mean dana@example.com?"
        );
        assert_eq!(said("tag:iamPrincipal/team", "Search*").unwrap().rsplit(": ").next(), Some("did you mean search?"));
        assert_eq!(
            said("tag:team", "search").unwrap(),
            "no line has the tag team: the ledger has iamPrincipal/team; did you mean iamPrincipal/team?"
        );
        assert_eq!(
            said("identity", "(none)").unwrap(),
            "every line has a value of identity, and (none) is what has none"
        );
        assert_eq!(said("model", "x").unwrap(), "no line has a value of model that is x");
    }
}
