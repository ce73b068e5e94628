//! The tagging contract: which tags spend should have and which values they may have, and where the bill departs from
//! it. Every finding claims only what the bill shows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use wildmatch::WildMatch;

use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::grouping::spend_by_tag_sets;
use crate::facts::selection;
use crate::facts::spend::CostPolicy;
use crate::facts::tag_keys::{PRINCIPAL_TAGS, are_one_key, namesakes};
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::text::likeness;

/// More values than this are no vocabulary: somebody puts names of people, builds or dates into the tag.
pub const MOST_VALUES: usize = 100;

/// Money by currency. Currencies are never added together.
pub type Spend = BTreeMap<String, Decimal>;

/// What is agreed on one tag.
#[derive(Clone, Debug, PartialEq)]
pub struct TagRule {
    /// The key as the bill names it.
    pub key: String,
    /// Whether all spend that names its caller should have it.
    pub is_required: bool,
    /// The values that it may have, as globs over the whole value, case-sensitive; any if there is none.
    pub allowed: Vec<WildMatch>,
}

/// Where the bill departs from the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagFinding {
    /// Callers whose spend lacks a required tag.
    Untagged {
        key: String,
        /// What they spent without it, together.
        spend: Spend,
        /// What all callers spent.
        of: Spend,
        /// Each of them, the most expensive first.
        identities: Vec<(String, Spend)>,
    },
    /// Values that are probably one: they differ by case, separators or one letter.
    NearDuplicates {
        key: String,
        /// The values, the most expensive first.
        values: Vec<(String, Spend)>,
    },
    /// A value that the contract does not allow.
    OutOfContract {
        key: String,
        value: String,
        /// What was spent with it.
        spend: Spend,
        /// Who uses it, sorted.
        identities: Vec<String>,
        /// An allowed value, seen on the bill or spelt out in the contract, that was probably meant.
        like: Option<String>,
    },
    /// A tag with more than [`MOST_VALUES`] values.
    TooManyValues { key: String, values: usize },
    /// Keys on the bill that are probably this tag's: of the same kind, they differ by case, separators or one letter.
    /// Values are split between them.
    SpeltOtherwise {
        key: String,
        /// The other keys, with what was spent with them and without the tag; the most expensive first.
        others: Vec<(String, Spend)>,
    },
    /// A required tag that no line has, or none before some day although callers spent.
    NotActive {
        key: String,
        /// The first day of which a line has it.
        first_seen: Option<NaiveDate>,
        /// What callers spent before.
        before: Spend,
        /// Tags of other kinds on the bill that have this one's name: `resourceTags/team` for `iamPrincipal/team`.
        seen_as: Vec<String>,
    },
}

impl TagFinding {
    /// Its stable name.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Untagged { .. } => "untagged",
            Self::NearDuplicates { .. } => "near-duplicate-values",
            Self::OutOfContract { .. } => "value-out-of-contract",
            Self::TooManyValues { .. } => "too-many-values",
            Self::SpeltOtherwise { .. } => "tag-key-spelt-otherwise",
            Self::NotActive { .. } => "tag-not-active",
        }
    }

    /// The tag that it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Untagged { key, .. }
            | Self::NearDuplicates { key, .. }
            | Self::OutOfContract { key, .. }
            | Self::TooManyValues { key, .. }
            | Self::SpeltOtherwise { key, .. }
            | Self::NotActive { key, .. } => key,
        }
    }

    /// What to do about it, in a sentence without the end.
    pub fn cure(&self) -> String {
        match self {
            Self::Untagged { key, .. } => match key.strip_prefix(PRINCIPAL_TAGS) {
                Some(name) => format!("tag these roles and users with {name}; for the past add an [[owner]] rule"),
                None => format!("see that {key} is set; for the past add an [[owner]] rule"),
            },
            Self::NearDuplicates { .. } => "agree on one value and correct the tags; what is billed stays".to_owned(),
            Self::OutOfContract { like: Some(like), .. } => {
                format!("correct the tag to {}", crate::text::name(like, 64))
            }
            Self::OutOfContract { .. } => "correct the tag, or add the value to [tags] allowed".to_owned(),
            Self::TooManyValues { .. } => "group by another tag, or list the values in [tags] allowed".to_owned(),
            Self::SpeltOtherwise { key, .. } => {
                format!("set {key} where the other is set and activate it; for the past add an [[owner]] rule")
            }
            Self::NotActive { key, first_seen: None, seen_as, .. }
                if key.starts_with(PRINCIPAL_TAGS) && !seen_as.is_empty() =>
            {
                format!(
                    "that is a tag of another kind: tag the callers, and activate {key}, the one of IAM principals, as a cost \
                     allocation tag; it takes up to two days and fills in nothing that is past"
                )
            }
            Self::NotActive { key, first_seen: None, .. } if key.starts_with(PRINCIPAL_TAGS) => format!(
                "tag the callers, and activate {key} as a cost allocation tag once a tagged caller has called; it \
                 takes up to two days and fills in nothing that is past"
            ),
            Self::NotActive { first_seen: None, key, .. } => {
                format!("activate {key} as a cost allocation tag, or require a tag that the bill has")
            }
            Self::NotActive { .. } => "add an [[owner]] rule for the days before: tags are not retroactive".to_owned(),
        }
    }
}

/// Checks a bill against `rules`. `resource_tags` are keys on the bill that facts do not have. Findings are in the order of the rules; of one rule in that of [`TagFinding`].
pub fn check<'a>(
    rules: &[TagRule],
    facts: impl IntoIterator<Item = Fact<'a>>,
    policy: &CostPolicy,
    resource_tags: &BTreeSet<String>,
) -> Result<Vec<TagFinding>, SumOutOfRange> {
    let by = [Dimension::Day, Dimension::Field(FactField::Currency), Dimension::Field(FactField::Identity)];
    let counted = spend_by_tag_sets(facts.into_iter(), policy, &by)?;
    let mut keys: BTreeSet<&str> = selection::tags(counted.iter().map(|(fact, _)| *fact));
    keys.extend(resource_tags.iter().map(String::as_str));
    let mut findings = Vec::new();
    for rule in rules {
        let seen = Seen::of(&rule.key, &counted)?;
        if rule.is_required {
            findings.extend(seen.untagged(rule));
        }
        findings.extend(seen.values(rule));
        let is_agreed = |key: &str| rules.iter().any(|rule| rule.key == key);
        let is_other = |key: &&str| !is_agreed(key) && are_one_key(&rule.key, key);
        let others: Vec<_> = keys.iter().copied().filter(is_other).collect();
        let spelt_otherwise = spelt_otherwise(rule, &others, &counted)?;
        // Who has it under another key is not to be asked to tag anew.
        let has_it_otherwise = spelt_otherwise.is_some() && seen.first_day.is_none();
        findings.extend(spelt_otherwise);
        if rule.is_required && !has_it_otherwise {
            findings.extend(seen.not_active(rule, &keys)?);
        }
    }
    Ok(findings)
}

/// What was spent with other spellings of a tag's key and without the tag.
fn spelt_otherwise(
    rule: &TagRule,
    others: &[&str],
    counted: &[(Fact<'_>, Decimal)],
) -> Result<Option<TagFinding>, SumOutOfRange> {
    let mut spends: BTreeMap<&str, Spend> = BTreeMap::new();
    for (fact, spent) in counted.iter().filter(|(fact, _)| fact.tag(&rule.key).is_empty()) {
        for other in others.iter().filter(|other| !fact.tag(other).is_empty()) {
            add(spends.entry(other).or_default(), fact.get(FactField::Currency), *spent)?;
        }
    }
    let others = by_money(spends.iter().map(|(key, spend)| (*key, spend)));
    Ok((!others.is_empty()).then(|| TagFinding::SpeltOtherwise { key: rule.key.clone(), others }))
}

/// What a bill shows of one tag.
#[derive(Default)]
struct Seen<'a> {
    /// What callers spent.
    of: Spend,
    /// What callers spent without the tag.
    without: BTreeMap<&'a str, Spend>,
    /// What was spent with each value, and by whom.
    values: BTreeMap<&'a str, (Spend, BTreeSet<&'a str>)>,
    first_day: Option<NaiveDate>,
    days_without: BTreeMap<NaiveDate, Spend>,
}

impl<'a> Seen<'a> {
    fn of(key: &str, counted: &[(Fact<'a>, Decimal)]) -> Result<Self, SumOutOfRange> {
        let mut seen = Self::default();
        for (fact, spent) in counted {
            let currency = fact.get(FactField::Currency);
            let identity = fact.get(FactField::Identity);
            let value = fact.tag(key);
            if !identity.is_empty() {
                add(&mut seen.of, currency, *spent)?;
            }
            if !value.is_empty() {
                let (spend, identities) = seen.values.entry(value).or_default();
                add(spend, currency, *spent)?;
                identities.insert(identity);
                seen.first_day = seen.first_day.into_iter().chain([fact.day()]).min();
            } else if !identity.is_empty() {
                add(seen.without.entry(identity).or_default(), currency, *spent)?;
                add(seen.days_without.entry(fact.day()).or_default(), currency, *spent)?;
            }
        }
        Ok(seen)
    }

    fn untagged(&self, rule: &TagRule) -> Option<TagFinding> {
        let mut spend = Spend::new();
        for (currency, spent) in self.without.values().flatten() {
            // What callers spent together was summed in `of`, a part of it is in range unless signs differ.
            add(&mut spend, currency, *spent).ok()?;
        }
        let identities = by_money(self.without.iter().map(|(name, spend)| (*name, spend)));
        (!identities.is_empty()).then(|| TagFinding::Untagged {
            key: rule.key.clone(),
            spend,
            of: self.of.clone(),
            identities,
        })
    }

    fn values(&self, rule: &TagRule) -> Vec<TagFinding> {
        let key = || rule.key.clone();
        let mut findings = Vec::new();
        if rule.allowed.is_empty() {
            if self.values.len() <= MOST_VALUES {
                let spelt: Vec<_> = self.values.keys().copied().collect();
                for group in likeness::groups(&spelt) {
                    let spends = group.iter().filter_map(|value| Some((*value, &self.values.get(value)?.0)));
                    findings.push(TagFinding::NearDuplicates { key: key(), values: by_money(spends) });
                }
            }
        } else {
            let is_allowed = |value: &str| rule.allowed.iter().any(|glob| glob.matches(value));
            let (good, bad): (Vec<_>, Vec<_>) = self.values.iter().partition(|(value, _)| is_allowed(value));
            let spelt_out = rule.allowed.iter().map(ToString::to_string).filter(|glob| !glob.contains(['*', '?']));
            let known: BTreeSet<String> =
                good.into_iter().map(|(value, _)| (*value).to_owned()).chain(spelt_out).collect();
            for (value, (spend, identities)) in bad {
                findings.push(TagFinding::OutOfContract {
                    key: key(),
                    value: (*value).to_owned(),
                    spend: spend.clone(),
                    identities: identities.iter().map(|identity| (*identity).to_owned()).collect(),
                    like: known.iter().find(|allowed| likeness::are_alike(allowed, value)).cloned(),
                });
            }
        }
        if self.values.len() > MOST_VALUES {
            findings.push(TagFinding::TooManyValues { key: key(), values: self.values.len() });
        }
        findings
    }

    fn not_active(&self, rule: &TagRule, keys: &BTreeSet<&str>) -> Result<Option<TagFinding>, SumOutOfRange> {
        let mut before = Spend::new();
        let days = self.days_without.iter().filter(|(day, _)| self.first_day.is_none_or(|first| **day < first));
        for (currency, spent) in days.flat_map(|(_, spend)| spend) {
            add(&mut before, currency, *spent)?;
        }
        if before.is_empty() {
            return Ok(None);
        }
        let seen_as = namesakes(&rule.key, keys.iter().copied());
        Ok(Some(TagFinding::NotActive { key: rule.key.clone(), first_seen: self.first_day, before, seen_as }))
    }
}

/// Adds to the amount of a currency.
pub(super) fn add(spend: &mut Spend, currency: &str, term: Decimal) -> Result<(), SumOutOfRange> {
    if let Some(sum) = spend.get_mut(currency) {
        *sum = sum.checked_add(term).ok_or(SumOutOfRange)?;
    } else {
        spend.insert(currency.to_owned(), term);
    }
    Ok(())
}

/// Names with their money, the most expensive first: by the largest amount in any one currency, then by name.
fn by_money<'a>(spends: impl Iterator<Item = (&'a str, &'a Spend)>) -> Vec<(String, Spend)> {
    let mut sorted: Vec<_> = spends.map(|(name, spend)| (name.to_owned(), spend.clone())).collect();
    let largest = |spend: &Spend| spend.values().max().copied();
    sorted.sort_by(|left, right| largest(&right.1).cmp(&largest(&left.1)).then_with(|| left.0.cmp(&right.0)));
    sorted
}

#[cfg(test)]
mod tests;
