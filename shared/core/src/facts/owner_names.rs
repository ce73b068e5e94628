//! Who may be called: names that the configuration spells out. Whoever calls Bedrock chooses session names and session
//! tags; a value that only the bill has never picks the team that is paged.

use std::collections::{BTreeMap, BTreeSet};

use wildmatch::WildMatch;

use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;

/// How many digits the id of an AWS account has.
const ACCOUNT_ID: usize = 12;

/// What owners may be filled with, and whom to call instead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnerNames {
    /// The values that tags may have, by key: `[tags.allowed]`.
    pub tag_values: BTreeMap<String, Vec<WildMatch>>,
    /// The tag that names the owner of spend.
    pub owner_tag: Option<String>,
    /// Owners that the configuration names: those without `{…}`, and teams of `[[owner]]`.
    pub named: BTreeSet<String>,
    /// Values that it names: teams of `[[owner]]`, members with an override, values that a rule matches without a wildcard.
    pub values: BTreeSet<String>,
    /// Filled owners, as globs: `[alerts] owners`.
    pub owners: Vec<WildMatch>,
    /// Whom to call where a value is none of these: `[alerts] fallback_owner`.
    pub fallback: Option<String>,
}

impl OwnerNames {
    /// Whether the configuration lists this value of this tag. Where it says which values the tag may have, no other.
    pub(crate) fn lists_tag(&self, tag: &str, value: &str) -> bool {
        self.tag_values.get(tag).map_or_else(|| self.values.contains(value), |globs| any(globs, value))
    }

    /// Whether the configuration lists this member of a rule. Ids of accounts are AWS's: nobody chooses them.
    pub(crate) fn lists_member(&self, each: Option<&Dimension>, member: &str) -> bool {
        match each {
            Some(Dimension::Tag(tag)) => self.lists_tag(tag, member),
            Some(Dimension::Field(FactField::Owner)) => self.lists_owner_of_spend(member),
            Some(Dimension::Field(FactField::AccountId)) => is_account(member) || self.values.contains(member),
            _ => self.values.contains(member),
        }
    }

    /// Whether the configuration lists this owner of spend: by its tag, or as `account/ID`, which is who spent it.
    pub(crate) fn lists_owner_of_spend(&self, owner: &str) -> bool {
        owner.strip_prefix("account/").is_some_and(is_account)
            || self.lists_owner(owner)
            || self.owner_tag.as_deref().is_some_and(|tag| self.lists_tag(tag, owner))
    }

    /// Whether the configuration lists this owner as a whole.
    pub(crate) fn lists_owner(&self, owner: &str) -> bool {
        self.named.contains(owner) || any(&self.owners, owner)
    }
}

fn any(globs: &[WildMatch], value: &str) -> bool {
    globs.iter().any(|glob| glob.matches(value))
}

fn is_account(text: &str) -> bool {
    text.len() == ACCOUNT_ID && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_configuration_spells_out_is_listed() {
        let globs = |list: &[&str]| list.iter().map(|glob| WildMatch::new(glob)).collect::<Vec<_>>();
        let team = "iamPrincipal/team".to_owned();
        let names = OwnerNames {
            tag_values: [(team.clone(), globs(&["search", "fraud-*"]))].into(),
            owner_tag: Some(team.clone()),
            named: ["finops".to_owned()].into(),
            values: ["dana@example.com".to_owned()].into(),
            owners: globs(&["*-leads"]),
            fallback: None,
        };
        let (tag, owner) = (Dimension::Tag(team.clone()), Dimension::Field(FactField::Owner));
        let account = Dimension::Field(FactField::AccountId);
        for (each, member, is_listed) in [
            (Some(&tag), "search", true),
            (Some(&tag), "fraud-eu", true),
            (Some(&tag), "finops", false),
            (Some(&tag), "dana@example.com", false),
            (Some(&tag), "payments", false),
            (Some(&tag), "search-leads", false),
            (Some(&owner), "search", true),
            (Some(&owner), "finops", true),
            (Some(&owner), "account/111122223333", true),
            (Some(&owner), "account/evil", false),
            (Some(&account), "111122223333", true),
            (Some(&account), "search", false),
            (None, "search", false),
            (None, "finops", false),
            (None, "dana@example.com", true),
        ] {
            assert_eq!(names.lists_member(each, member), is_listed, "{each:?} {member}");
        }
        assert!(!names.lists_tag("iamPrincipal/center", "search"), "another tag's value");
        assert!(names.lists_owner("search-leads") && !names.lists_owner("search"));
    }
}
