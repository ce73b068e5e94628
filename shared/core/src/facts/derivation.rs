//! Facts out of bill lines, by the configuration: identity, model, owner, category.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::bill::line::{Line, LineField, LineTable, ScanCounts};
use crate::bill::principal::KeepSessions;
use crate::bill::reduction::Reduction;
use crate::bill::unattributed::Unattributed;
use crate::bill::usage::{ModelAliases, kinds};
use crate::facts::dimension::Dimension;
use crate::facts::fact::{FactField, FactTable, FactTableBuilder};
use crate::facts::folding::{Folded, Folding, Limits};
use crate::facts::matcher::Matcher;
use crate::facts::owner::{OwnerBy, OwnerRule, OwnerSource};
use crate::facts::used::{Caller, Draft, Owned, Used};
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::table::codes::{number, place};
use crate::table::combinations::Combinations;
use crate::table::combined::Combined;
use crate::table::field::Field as _;
use crate::table::measures::Measures;

#[cfg(test)]
mod tests;

/// The facts of one billing period of one delivery, sorted by key, and what the scan of its chunks found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The rows, each key once.
    pub rows: FactTable,
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
        self.derive_folded(reductions.iter(), &folding)
    }

    /// The same. Each reduction is let go once its lines are added: there may be thousands.
    pub fn derive_of(&self, reductions: Vec<Reduction>) -> Result<Facts, SumOutOfRange> {
        let folding = Folding::of(&reductions, &self.keep_sessions, &self.limits)?;
        self.derive_folded(reductions.into_iter(), &folding)
    }

    fn derive_folded<R: Borrow<Reduction>>(
        &self,
        mut reductions: impl ExactSizeIterator<Item = R>,
        folding: &Folding,
    ) -> Result<Facts, SumOutOfRange> {
        let mut deriver = Deriver::new(self, folding);
        let mut counts = ScanCounts::default();
        while let Some(reduction) = reductions.next() {
            deriver.is_last = reductions.len() == 0;
            let reduction = reduction.borrow();
            counts.merge(&reduction.counts);
            deriver.add(&reduction.lines, reduction.counts.lacks_principal_column())?;
        }
        let unknown_usage_rows = deriver.unknown_usage_rows;
        Ok(Facts { rows: deriver.facts.finish(), counts, unknown_usage_rows, folded: folding.folded() })
    }

    /// Owner, what decided it, and cost center of a fact whose other fields are known: by tag, else by the first rule
    /// that applies; spend that neither names belongs to its account, where there is one. The tags are those that facts
    /// have.
    pub(crate) fn owned(&self, draft: Draft<'_>) -> (Owned, OwnerBy) {
        let tags = &draft.caller.named.tags;
        let filled = |tag: &String| tags.get(tag.as_str()).map(|value| &**value).filter(|value| !value.is_empty());
        let tagged = self.owner_tags.iter().find_map(|tag| filled(tag).map(|value| (tag, value)));
        let cost_center_tag = self.cost_center_tag.as_ref().and_then(filled);
        let rule = match (tagged, cost_center_tag) {
            (Some(_), Some(_)) => None,
            _ => self.owner_rules.iter().find(|rule| rule.applies(draft)),
        };
        let (owner, source, by) = match (tagged, rule, &*draft.caller.account) {
            (Some((tag, value)), ..) => (value.to_owned(), OwnerSource::Tag, OwnerBy::Tag(tag.clone())),
            (None, Some(rule), _) => (rule.team.clone(), OwnerSource::Rule, OwnerBy::Rule(rule.to_string())),
            (None, None, "") => (String::new(), OwnerSource::None, OwnerBy::Nobody),
            (None, None, account) => (format!("account/{account}"), OwnerSource::Account, OwnerBy::Account),
        };
        let cost_center = cost_center_tag.or_else(|| rule.and_then(|rule| rule.cost_center.as_deref()));
        let cost_center = cost_center.unwrap_or_default().to_owned();
        (Owned { owner, source: source.as_str(), cost_center }, by)
    }

    /// What owner rules match by.
    fn matched_by_owner_rules(&self) -> impl Iterator<Item = &Dimension> {
        self.owner_rules.iter().flat_map(|rule| &rule.matches).map(Matcher::dimension)
    }

    /// A number for each day: no owner rule tells days of one number apart.
    fn owner_spans(&self, days: &[NaiveDate]) -> Vec<u32> {
        if self.matched_by_owner_rules().any(|dimension| *dimension == Dimension::Day) {
            return (0..number(days.len())).collect();
        }
        // A rule begins or ceases to cover days on these only.
        let turns: BTreeSet<NaiveDate> =
            self.owner_rules.iter().flat_map(|rule| [rule.from, rule.to]).flatten().collect();
        days.iter().map(|day| number(turns.range(..=*day).count())).collect()
    }
}

/// Tokens are counted on usage alone: a tax or discount line may repeat the usage type and amount of what it is about.
pub(crate) fn tokens(used: &Used, usage_amount: Decimal) -> Result<Option<Decimal>, SumOutOfRange> {
    match used.usage.tokens_per_unit {
        Some(factor) if used.category == Category::Usage => {
            usage_amount.checked_mul(factor).map(Some).ok_or(SumOutOfRange)
        }
        _ => Ok(None),
    }
}

/// The first day for which AWS records principals; earlier days are never filled in.
/// Source: AWS What's New, "Amazon Bedrock now supports cost allocation by IAM user and role", April 2026.
pub(crate) const PRINCIPALS_SINCE: (i32, u32, u32) = (2026, 4, 8);

/// Why a line of a day names nobody.
pub(crate) fn unattributed(day: NaiveDate, used: &Used, lacks_principal: bool) -> Unattributed {
    let (year, month, first) = PRINCIPALS_SINCE;
    let too_early = NaiveDate::from_ymd_opt(year, month, first).is_some_and(|since| day < since);
    if used.category != Category::Usage {
        Unattributed::NotUsage
    } else if lacks_principal {
        Unattributed::NoPrincipalColumn
    } else if too_early {
        Unattributed::BeforeRecorded
    } else if used.usage.feature == kinds::Feature::Inference {
        Unattributed::CallerNotRecorded
    } else {
        Unattributed::FeatureNotCovered
    }
}

fn are_distinct<T: Eq + Hash>(mut values: impl ExactSizeIterator<Item = T>) -> bool {
    let mut known = HashSet::with_capacity(values.len());
    values.all(|value| known.insert(value))
}

/// Turns lines into facts. What depends on what was used, or on who used it, is worked out once for each.
struct Deriver<'a> {
    derivation: &'a Derivation,
    folding: &'a Folding,
    facts: FactTableBuilder,
    unknown_usage_rows: u64,
    /// Whether an owner rule looks at what was used.
    is_owned_by_usage: bool,
    /// Whether no lines follow those that are added.
    is_last: bool,
}

/// The numbers of texts in the table of facts, by field.
type Texts = [u32; FactField::ALL.len()];

/// The fields that follow from who used something, what, and when.
const OWNED: [FactField; 4] =
    [FactField::Owner, FactField::OwnerSource, FactField::CostCenter, FactField::UnattributedReason];

impl<'a> Deriver<'a> {
    fn new(derivation: &'a Derivation, folding: &'a Folding) -> Self {
        let is_of_usage = |dimension| matches!(dimension, &Dimension::Field(field) if !field.is_of_caller());
        let is_owned_by_usage = derivation.matched_by_owner_rules().any(is_of_usage);
        let facts = FactTableBuilder::default();
        Self { derivation, folding, facts, unknown_usage_rows: 0, is_owned_by_usage, is_last: false }
    }

    fn add(&mut self, lines: &LineTable, lacks_principal: bool) -> Result<(), SumOutOfRange> {
        let of = |is_of_caller: bool| {
            let fields = LineField::ALL.into_iter().filter(move |field| field.is_of_caller() == is_of_caller);
            fields.filter_map(|field| lines.texts(field)).map(|column| (&column.codes, column.values.len()))
        };
        let usages = Combined::of(lines.len(), of(false));
        let tags = (&lines.tags().codes, lines.tags().values.len());
        let callers = Combined::of(lines.len(), of(true).chain([tags]));
        let used_of: Vec<(Used, u32)> = usages.rows.iter().map(|row| self.used(lines.row(*row))).collect();
        let caller_of: Vec<(Caller, Texts, u32)> =
            callers.rows.iter().map(|row| self.caller(lines.row(*row))).collect();
        let days = &lines.days().values;
        let spans = self.derivation.owner_spans(days);
        let numbers: Vec<u32> = days.iter().map(|day| self.facts.day(*day)).collect();
        let mut owners = Combinations::new(4);
        let mut owned_of: Vec<u32> = Vec::new();
        // Rows that follow each other are mostly of one owner.
        let mut last = None;
        // Lines have each key once. Where each use and each caller of them is another one of facts, so have their facts.
        let are_apart = self.is_last
            && self.facts.is_empty()
            && are_distinct(used_of.iter().map(|(_, number)| number))
            && are_distinct(caller_of.iter().map(|(_, texts, tags)| (texts, tags)));
        if are_apart {
            self.facts.reserve_apart(lines.len());
        } else {
            self.facts.reserve(lines.len());
        }
        for ((line, usage), caller) in lines.rows().zip(&usages.of_row).zip(&callers.of_row) {
            let (Some((used, used_number)), Some((named, texts, tags))) =
                (used_of.get(place(*usage)), caller_of.get(place(*caller)))
            else {
                continue;
            };
            let day = place(line.day_code());
            let reason = named.is_nobody().then(|| unattributed(line.day(), used, lacks_principal));
            let owning = [
                *caller,
                if self.is_owned_by_usage { *usage } else { 0 },
                spans.get(day).copied().unwrap_or_default(),
                reason.map_or(0, |reason| reason as u32 + 1),
            ];
            let (owner, is_new) = match last {
                Some((same, owner)) if same == owning => (owner, false),
                _ => owners.of(&owning),
            };
            last = Some((owning, owner));
            if is_new {
                let reason = reason.map_or("", Unattributed::as_str);
                let draft = Draft { day: line.day(), used, caller: named, reason };
                let (whose, _) = self.derivation.owned(draft);
                let mut texts = *texts;
                for field in OWNED {
                    if let Some(slot) = texts.get_mut(field as usize) {
                        *slot = self.facts.text(field, draft.named(field, &whose));
                    }
                }
                owned_of.push(self.facts.caller(&texts));
            }
            let measures = line.measures();
            if used.is_unknown() {
                self.unknown_usage_rows += measures.line_items;
            }
            let measures = Measures { tokens: tokens(used, measures.usage_amount)?, ..measures };
            let day = numbers.get(day).copied().unwrap_or_default();
            let caller = owned_of.get(place(owner)).copied().unwrap_or_default();
            if are_apart {
                self.facts.append_numbered(day, *used_number, caller, *tags, &measures)?;
            } else {
                self.facts.add_numbered(day, *used_number, caller, *tags, &measures)?;
            }
        }
        Ok(())
    }

    /// What a line says was used, and its number.
    fn used(&mut self, line: Line<'_>) -> (Used, u32) {
        let used = Used::of(line, &self.derivation.model_aliases);
        let texts =
            FactField::ALL.map(|field| if field.is_of_caller() { 0 } else { self.facts.text(field, used.get(field)) });
        (used, self.facts.used(&texts))
    }

    /// Who a line says used it, and the numbers of its texts and tags.
    fn caller(&mut self, line: Line<'_>) -> (Caller, Texts, u32) {
        let caller = Caller::of(line, &line.shared_tags(), &self.derivation.keep_sessions, self.folding);
        let named = |field| match field {
            FactField::AccountId => Some(&*caller.account),
            FactField::Principal => Some(&*caller.named.principal),
            FactField::Identity => Some(caller.named.identity.name.as_str()),
            FactField::IdentityKind => Some(caller.named.identity.kind.as_str()),
            _ => None,
        };
        let texts = FactField::ALL.map(|field| named(field).map_or(0, |text| self.facts.text(field, text)));
        let tags = self.facts.tags(&caller.named.tags);
        (caller, texts, tags)
    }
}
