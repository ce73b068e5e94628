//! Facts out of bill lines, by the configuration: identity, model, owner, category.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::bill::line::{Interner, LineField, LineKey, Measures, ScanCounts, Tags};
use crate::bill::principal::{Identity, IdentityKind, KeepSessions};
use crate::bill::reduction::Reduction;
use crate::bill::unattributed::Unattributed;
use crate::bill::usage::{self, ModelAliases, kinds};
use crate::facts::fact::{Fact, FactField, FactKey};
use crate::facts::folding::{Folded, Folding, Limits};
use crate::facts::owner::{OwnerBy, OwnerRule, OwnerSource};
use crate::money::decimal::SumOutOfRange;

/// The facts of one billing period of one delivery, sorted by key, and what the scan of its chunks found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The rows, each key once.
    pub rows: Vec<Fact>,
    /// What the scan found.
    pub counts: ScanCounts,
    /// Line items whose usage type belongs to no known family.
    pub unknown_usage_rows: u64,
    /// How many callers are not kept apart.
    pub folded: Folded,
}

/// What of the configuration facts depend on.
#[derive(Clone, Debug, Default)]
pub struct Derivation {
    /// Roles whose sessions are people.
    pub keep_sessions: KeepSessions,
    /// Names for models.
    pub model_aliases: ModelAliases,
    /// The tag keys that name an owner, the first that a fact has wins.
    pub owner_tags: Vec<String>,
    /// The tag key that names the cost center.
    pub cost_center_tag: Option<String>,
    /// Who owns what no tag does, the first that applies wins.
    pub owner_rules: Vec<OwnerRule>,
    /// How many callers are kept apart.
    pub limits: Limits,
}

impl Derivation {
    /// Derives the facts of a delivery from the reductions of its chunks. Their order does not matter.
    pub fn derive(&self, reductions: &[Reduction]) -> Result<Facts, SumOutOfRange> {
        let folding = Folding::of(reductions, &self.keep_sessions, &self.limits)?;
        let mut interner = Interner::default();
        let mut usages: HashMap<[Arc<str>; LineField::ALL.len()], usage::Usage> = HashMap::new();
        let mut sums: HashMap<FactKey, Measures> = HashMap::new();
        let mut counts = ScanCounts::default();
        let mut unknown_usage_rows = 0;
        for reduction in reductions {
            counts.merge(&reduction.counts);
            let lacks_principal = reduction.counts.lacks_principal_column();
            for (line, measures) in &reduction.lines {
                let usage = usages
                    .entry(fields_without_caller(line))
                    .or_insert_with(|| usage::classify(line, &self.model_aliases));
                let category = category_of(line);
                if category == Category::Usage && !usage.is_known {
                    unknown_usage_rows += measures.line_items;
                }
                let tokens = tokens(category, usage, measures)?;
                let (key, _) = self.key(line, category, usage, lacks_principal, &folding, &mut interner);
                sums.entry(key).or_default().add(&Measures { tokens, ..measures.clone() })?;
            }
        }
        let mut rows: Vec<_> = sums.into_iter().map(|(key, measures)| Fact { key, measures }).collect();
        rows.sort_unstable_by(|left, right| left.key.cmp(&right.key));
        Ok(Facts { rows, counts, unknown_usage_rows, folded: folding.folded() })
    }

    /// The fact that a line adds to, and what decided its owner.
    pub(crate) fn key(
        &self,
        line: &LineKey,
        category: Category,
        usage: &usage::Usage,
        lacks_principal: bool,
        folding: &Folding,
        interner: &mut Interner,
    ) -> (FactKey, OwnerBy) {
        let identity = Identity::of(line.get(LineField::Principal), &self.keep_sessions);
        let reason = match identity.kind {
            IdentityKind::None => unattributed(line, category, usage.feature, lacks_principal).as_str(),
            _ => "",
        };
        let fields = FactField::ALL.map(|field| {
            interner.intern(match field {
                FactField::PayerAccountId => line.get(LineField::PayerAccountId),
                FactField::AccountId => line.get(LineField::AccountId),
                FactField::Principal => line.get(LineField::Principal),
                FactField::Identity => &identity.name,
                FactField::IdentityKind => identity.kind.as_str(),
                // Rules match by the other fields, as the bill has them: see below.
                FactField::Owner | FactField::OwnerSource | FactField::CostCenter => "",
                FactField::UnattributedReason => reason,
                FactField::Category => category.as_str(),
                FactField::Provider => &usage.provider,
                FactField::Model => &usage.model,
                FactField::ModelAsBilled => &usage.model_as_billed,
                FactField::Feature => usage.feature.as_str(),
                FactField::TokenKind => usage.token_kind.as_str(),
                FactField::Tier => usage.tier.as_str(),
                FactField::Routing => usage.routing.as_str(),
                FactField::Region => line.get(LineField::Region),
                FactField::ProductCode => line.get(LineField::ProductCode),
                FactField::UsageType => line.get(LineField::UsageType),
                FactField::Operation => line.get(LineField::Operation),
                FactField::PricingUnit => line.get(LineField::PricingUnit),
                FactField::Currency => line.get(LineField::Currency),
                FactField::Context => usage.context.as_str(),
            })
        });
        let mut key = FactKey { usage_date: line.usage_date, fields, tags: Arc::clone(&line.tags) };
        let caller = folding.caller(&line.text(LineField::Principal), identity, &line.tags);
        // Rules go by what the bill says, for they name few owners. Tags would name as many as callers choose.
        let (owned, by) = self.owned(&key, &caller.tags);
        let named = [
            (FactField::Principal, &*caller.principal),
            (FactField::Identity, &caller.identity.name),
            (FactField::IdentityKind, caller.identity.kind.as_str()),
        ];
        for (field, text) in named.into_iter().chain(owned.iter().map(|(field, text)| (*field, text.as_str()))) {
            if let Some(found) = key.fields.get_mut(field as usize).filter(|found| ***found != *text) {
                *found = interner.intern(text);
            }
        }
        key.tags = caller.tags;
        (key, by)
    }

    /// Owner, what decided it, and cost center of a fact whose other fields are known: by tag, else by the first rule
    /// that applies; spend that neither names belongs to its account, where there is one. `tags` are those that facts
    /// have.
    fn owned(&self, key: &FactKey, tags: &Tags) -> ([(FactField, String); 3], OwnerBy) {
        let filled = |tag: &String| tags.get(tag.as_str()).map(|value| &**value).filter(|value| !value.is_empty());
        let tagged = self.owner_tags.iter().find_map(|tag| filled(tag).map(|value| (tag, value)));
        let cost_center_tag = self.cost_center_tag.as_ref().and_then(filled);
        let rule = match (tagged, cost_center_tag) {
            (Some(_), Some(_)) => None,
            _ => self.owner_rules.iter().find(|rule| rule.applies(key)),
        };
        let (owner, source, by) = match (tagged, rule, key.get(FactField::AccountId)) {
            (Some((tag, value)), ..) => (value.to_owned(), OwnerSource::Tag, OwnerBy::Tag(tag.clone())),
            (None, Some(rule), _) => (rule.team.clone(), OwnerSource::Rule, OwnerBy::Rule(rule.to_string())),
            (None, None, "") => (String::new(), OwnerSource::None, OwnerBy::Nobody),
            (None, None, account) => (format!("account/{account}"), OwnerSource::Account, OwnerBy::Account),
        };
        let cost_center = cost_center_tag.or_else(|| rule.and_then(|rule| rule.cost_center.as_deref()));
        let fields = [
            (FactField::Owner, owner),
            (FactField::OwnerSource, source.as_str().to_owned()),
            (FactField::CostCenter, cost_center.unwrap_or_default().to_owned()),
        ];
        (fields, by)
    }
}

/// The fields that say what was used, whoever used it: many callers share a usage, which is classified once.
pub(crate) fn fields_without_caller(line: &LineKey) -> [Arc<str>; LineField::ALL.len()] {
    let mut fields = line.fields.clone();
    for caller in [LineField::PayerAccountId, LineField::AccountId, LineField::Principal] {
        if let Some(field) = fields.get_mut(caller as usize) {
            *field = Arc::default();
        }
    }
    fields
}

pub(crate) fn category_of(line: &LineKey) -> Category {
    Category::of(line.get(LineField::LineItemType), line.get(LineField::BillType))
}

/// Tokens are counted on usage alone: a tax or discount line may repeat the usage type and amount of what it is about.
pub(crate) fn tokens(
    category: Category,
    usage: &usage::Usage,
    measures: &Measures,
) -> Result<Option<crate::money::decimal::Decimal>, SumOutOfRange> {
    match usage.tokens_per_unit {
        Some(factor) if category == Category::Usage => {
            measures.usage_amount.checked_mul(factor).map(Some).ok_or(SumOutOfRange)
        }
        _ => Ok(None),
    }
}

/// The first day for which AWS records principals; earlier days are never filled in.
/// Source: AWS What's New, "Amazon Bedrock now supports cost allocation by IAM user and role", April 2026.
pub(crate) const PRINCIPALS_SINCE: (i32, u32, u32) = (2026, 4, 8);

/// Why a line names nobody.
pub(crate) fn unattributed(
    line: &LineKey,
    category: Category,
    feature: kinds::Feature,
    lacks_principal: bool,
) -> Unattributed {
    let (year, month, day) = PRINCIPALS_SINCE;
    let too_early = NaiveDate::from_ymd_opt(year, month, day).is_some_and(|since| line.usage_date < since);
    if category != Category::Usage {
        Unattributed::NotUsage
    } else if lacks_principal {
        Unattributed::NoPrincipalColumn
    } else if too_early {
        Unattributed::BeforeRecorded
    } else if feature == kinds::Feature::Inference {
        Unattributed::CallerNotRecorded
    } else {
        Unattributed::FeatureNotCovered
    }
}
