//! Where the tags of a row come from: the `tags` map, and what older or narrower exports have in its place.
//!
//! The `tags` map has whole keys, case and punctuation kept. `resource_tags` and `cost_category`, and columns that a
//! query lays flat, have names that AWS or SQL normalised: lower case, with `_` for what is no letter or digit.
//! Source: AWS Data Exports user guide, "CUR 2.0 tag columns"; AWS Cloud Intelligence Dashboards for the spellings.

use std::collections::HashSet;
use std::sync::Arc;

use spend_core::bill::line::KeptTags;

use crate::columns::names::TAGS;

const RESOURCE_PREFIX: &str = "resourceTags/";
const CATEGORY_PREFIX: &str = "costCategory/";

/// What flattened columns begin with.
const FLAT_RESOURCE: &str = "resource_tags_";
const FLAT_CATEGORY: &str = "cost_category_";
const FLAT_TAG: &str = "tags_";

/// The tag keys that a value is for: usually one.
pub(crate) type Keys = Arc<[Arc<str>]>;

/// Where tags come from, besides the `tags` map.
pub(crate) struct TagSources {
    kept: KeptTags,
    /// Flattened columns with the keys that they give, in order of precedence.
    flat: Vec<(String, Keys)>,
    has_flat_tags: bool,
}

impl TagSources {
    pub(crate) fn of(roots: &HashSet<&str>, kept: &KeptTags) -> Self {
        let mut sources = Self { kept: kept.clone(), flat: Vec::new(), has_flat_tags: false };
        let mut names: Vec<_> = roots.iter().copied().filter(|name| *name != TAGS).collect();
        names.sort_unstable();
        for name in &names {
            if let Some(keys) = name.strip_prefix(FLAT_RESOURCE).map(|key| sources.of_resource_tag(key)) {
                sources.add(name, keys);
            }
        }
        for name in &names {
            if let Some(category) = name.strip_prefix(FLAT_CATEGORY).filter(|category| !category.is_empty()) {
                sources.add(name, sources.of_cost_category(category));
            }
        }
        for name in &names {
            if let Some(keys) = name.strip_prefix(FLAT_TAG).map(|key| sources.listed(|listed| names_meet(listed, key)))
            {
                sources.has_flat_tags |= !keys.is_empty();
                sources.add(name, keys);
            }
        }
        sources
    }

    fn add(&mut self, column: &str, keys: Keys) {
        if !keys.is_empty() {
            self.flat.push((column.to_owned(), keys));
        }
    }

    /// Whether a key of the `tags` map is kept.
    pub(crate) fn keeps(&self, key: &str) -> bool {
        self.kept.keeps(key)
    }

    /// Whether a listed tag can come from the `resource_tags` map.
    pub(crate) fn reads_resource_tags(&self) -> bool {
        self.kept.listed().any(|key| key.starts_with(RESOURCE_PREFIX))
    }

    /// Whether flattened columns stand in for the `tags` map.
    pub(crate) fn has_flat_tags(&self) -> bool {
        self.has_flat_tags
    }

    /// The flattened columns, in order of precedence.
    pub(crate) fn flat(&self) -> impl Iterator<Item = &str> {
        self.flat.iter().map(|(column, _)| column.as_str())
    }

    /// The keys that they give.
    pub(crate) fn flat_keys(&self) -> impl Iterator<Item = &Keys> {
        self.flat.iter().map(|(_, keys)| keys)
    }

    /// The listed keys that a key of `resource_tags` is: `user_team` or `user:team` is `resourceTags/team`.
    pub(crate) fn of_resource_tag(&self, key: &str) -> Keys {
        let is_that = |name: &str| {
            let is_whole = name.starts_with("user:") || name.get(..4).is_some_and(|start| names_meet(start, "aws_"));
            match key.split_at_checked("user_".len()) {
                _ if is_whole => names_meet(key, name),
                Some((user, key)) => names_meet(user, "user_") && names_meet(key, name),
                None => false,
            }
        };
        self.listed(|listed| listed.strip_prefix(RESOURCE_PREFIX).is_some_and(is_that))
    }

    /// The key of a cost category: as it is listed if it is, else by the name that the bill has.
    pub(crate) fn of_cost_category(&self, name: &str) -> Keys {
        let listed =
            self.listed(|key| key.strip_prefix(CATEGORY_PREFIX).is_some_and(|listed| names_meet(listed, name)));
        if listed.is_empty() { Arc::from([Arc::from(format!("{CATEGORY_PREFIX}{name}"))]) } else { listed }
    }

    fn listed(&self, is_that: impl Fn(&str) -> bool) -> Keys {
        self.kept.listed().filter(|key| is_that(key)).map(Arc::clone).collect()
    }
}

/// Whether two names are the same once case and punctuation are normalised away.
pub(crate) fn names_meet(left: &str, right: &str) -> bool {
    normal(left).eq(normal(right))
}

/// A name with case and punctuation normalised away.
pub(crate) fn normal_name(name: &str) -> String {
    normal(name).collect()
}

fn normal(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().flat_map(char::to_lowercase).map(|char| if char.is_alphanumeric() { char } else { '_' })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &Keys) -> Vec<&str> {
        keys.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn resource_tags_are_met_in_both_spellings_and_nothing_else_is() {
        let listed = ["resourceTags/Cost Center", "resourceTags/user_id", "resourceTags/aws:createdBy"];
        let sources = TagSources::of(&HashSet::new(), &KeptTags::new(listed));
        for (key, found) in [
            ("user_cost_center", &["resourceTags/Cost Center"][..]),
            ("user:Cost Center", &["resourceTags/Cost Center"]),
            ("user_user_id", &["resourceTags/user_id"]),
            ("user_id", &[]),
            ("aws_createdby", &["resourceTags/aws:createdBy"]),
            ("aws:createdBy", &["resourceTags/aws:createdBy"]),
            ("user_aws_createdby", &[]),
            ("cost_center", &[]),
            ("üser_cost_center", &[]),
            ("", &[]),
        ] {
            assert_eq!(keys(&sources.of_resource_tag(key)), found, "{key}");
        }
    }

    #[test]
    fn cost_categories_are_spelt_as_they_are_listed() {
        let sources = TagSources::of(&HashSet::new(), &KeptTags::new(["costCategory/Business Unit"]));
        assert_eq!(keys(&sources.of_cost_category("business_unit")), ["costCategory/Business Unit"]);
        assert_eq!(keys(&sources.of_cost_category("Env")), ["costCategory/Env"]);
    }

    #[test]
    fn flattened_columns_are_read_if_their_tags_are_kept() {
        let roots = HashSet::from([
            "tags",
            "resource_tags_user_team",
            "resource_tags_user_other",
            "cost_category_env",
            "cost_category",
            "tags_iamprincipal_team",
            "tags_other",
        ]);
        let sources = TagSources::of(&roots, &KeptTags::new(["resourceTags/team", "iamPrincipal/team"]));
        let flat: Vec<_> = sources.flat().zip(sources.flat_keys().map(keys)).collect();
        assert_eq!(
            flat,
            [
                ("resource_tags_user_team", vec!["resourceTags/team"]),
                ("cost_category_env", vec!["costCategory/env"]),
                ("tags_iamprincipal_team", vec!["iamPrincipal/team"]),
            ]
        );
        assert!(sources.has_flat_tags() && sources.reads_resource_tags());
    }
}
