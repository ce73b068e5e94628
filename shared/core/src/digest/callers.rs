//! Who spent it, who is new, and whom to ask about spend that names nobody or lacks a tag.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::bill::principal::IdentityKind;
use crate::bill::unattributed::Unattributed;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::fact_set::FactSet;
use crate::facts::grouping::spend_by;
use crate::facts::people::Roles;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::reporting::report::Row;
use crate::reporting::variance::Variance;
use crate::reporting::variance::windows::Windows;

/// A caller's spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The identity; empty for what names nobody.
    pub identity: String,
    /// The period's spend.
    pub spend: Decimal,
    /// How it changed between the two spans of days; `None` where nothing can be compared.
    pub change: Option<Decimal>,
    /// The roles that a person came through.
    pub roles: Roles,
}

/// A caller that was not seen up to the end of the earlier span of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCaller {
    pub identity: String,
    /// Whom its first spend belongs to.
    pub owner: String,
    /// The first day on which it used anything.
    pub first_day: NaiveDate,
    /// What it has spent since.
    pub spend: Decimal,
}

/// Spend that names nobody, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nameless {
    pub reason: Unattributed,
    pub spend: Decimal,
    /// By account, the largest first: whom to ask.
    pub accounts: Vec<(String, Decimal)>,
}

/// A caller whose usage lacks tags that it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untagged {
    pub identity: String,
    /// The spend that lacks one of the tags at least.
    pub spend: Decimal,
    /// The tags that are missing.
    pub tags: BTreeSet<String>,
    /// Whom to ask: the person, else the owner, which may be an account.
    pub ask: String,
}

/// The rows with their changes, and behind them those who spent something then and nothing in the period: the changes
/// are then all of the change.
pub(super) fn with_changes(
    rows: Vec<Row>,
    windows: Option<Windows>,
    changes: &[Variance],
    mut roles: BTreeMap<&str, Roles>,
) -> Vec<Caller> {
    let mut changes: BTreeMap<_, _> = changes.iter().map(|change| (change.group.as_str(), change.change())).collect();
    let mut callers = Vec::new();
    for row in rows {
        let identity = row.keys.into_iter().next().unwrap_or_default();
        let change = changes.remove(identity.as_str());
        let change = windows.map(|_| change.unwrap_or_default());
        let roles = roles.remove(identity.as_str()).unwrap_or_default();
        callers.push(Caller { identity, spend: row.cost, change, roles });
    }
    let absent = changes.into_iter().filter(|(_, change)| !change.is_zero());
    callers.extend(absent.map(|(identity, change)| Caller {
        identity: identity.to_owned(),
        spend: Decimal::ZERO,
        change: Some(change),
        roles: Roles::default(),
    }));
    callers
}

/// What was spent on usage by `dimensions`, each with the first fact that has them.
fn usage_by<'a>(
    facts: &FactSet<'a>,
    policy: &CostPolicy,
    dimensions: &[Dimension],
) -> Result<Vec<(Fact<'a>, Decimal)>, SumOutOfRange> {
    let mut of_usage = policy.clone();
    of_usage.count.retain(|category| *category == Category::Usage);
    spend_by(facts.iter(), &of_usage, dimensions)
}

pub(super) fn new(
    facts: &FactSet<'_>,
    policy: &CostPolicy,
    windows: &Windows,
) -> Result<Vec<NewCaller>, SumOutOfRange> {
    let mut callers: BTreeMap<&str, NewCaller> = BTreeMap::new();
    let by = [Dimension::Day, Dimension::Field(FactField::Identity), Dimension::Field(FactField::Owner)];
    for (fact, spend) in usage_by(facts, policy, &by)? {
        let (key, identity) = (fact, fact.get(FactField::Identity));
        if identity.is_empty() {
            continue;
        }
        let owner = || key.get(FactField::Owner).to_owned();
        let caller = callers.entry(identity).or_insert_with(|| NewCaller {
            identity: identity.to_owned(),
            owner: owner(),
            first_day: key.day(),
            spend: Decimal::ZERO,
        });
        if key.day() < caller.first_day {
            (caller.first_day, caller.owner) = (key.day(), owner());
        }
        add(&mut caller.spend, spend)?;
    }
    // Days between the two spans are of neither: who came on one of them is new in the terms of the change too.
    let is_new = |caller: &NewCaller| caller.first_day > windows.earlier.last;
    let mut callers: Vec<_> = callers.into_values().filter(is_new).collect();
    callers.sort_by(|left, right| right.spend.cmp(&left.spend).then_with(|| left.identity.cmp(&right.identity)));
    Ok(callers)
}

pub(super) fn nameless(facts: &FactSet<'_>, policy: &CostPolicy) -> Result<Vec<Nameless>, SumOutOfRange> {
    let mut reasons: BTreeMap<Unattributed, BTreeMap<&str, Decimal>> = BTreeMap::new();
    let by = [FactField::UnattributedReason, FactField::AccountId].map(Dimension::Field);
    for (fact, spend) in spend_by(facts.iter(), policy, &by)? {
        let Some(reason) = Unattributed::of(fact.get(FactField::UnattributedReason)) else { continue };
        let account = fact.get(FactField::AccountId);
        add(reasons.entry(reason).or_default().entry(account).or_default(), spend)?;
    }
    let mut nameless = Vec::new();
    for (reason, accounts) in reasons {
        let mut spend = Decimal::ZERO;
        for spent in accounts.values() {
            add(&mut spend, *spent)?;
        }
        let mut accounts: Vec<_> = accounts.into_iter().map(|(account, spent)| (account.to_owned(), spent)).collect();
        accounts.sort_by_key(|(_, spent)| Reverse(*spent));
        nameless.push(Nameless { reason, spend, accounts });
    }
    nameless.sort_by_key(|found| Reverse(found.spend));
    Ok(nameless)
}

pub(super) fn untagged(
    facts: &FactSet<'_>,
    policy: &CostPolicy,
    tags: &[&str],
) -> Result<Vec<Untagged>, SumOutOfRange> {
    let mut callers: BTreeMap<&str, Untagged> = BTreeMap::new();
    let fields = [FactField::Identity, FactField::IdentityKind, FactField::Owner];
    let mut by: Vec<_> = fields.map(Dimension::Field).into();
    by.extend(tags.iter().map(|tag| Dimension::Tag((*tag).to_owned())));
    for (fact, spend) in usage_by(facts, policy, &by)? {
        let (key, identity) = (fact, fact.get(FactField::Identity));
        let missing: Vec<_> = tags.iter().filter(|tag| key.tag(tag).is_empty()).collect();
        if identity.is_empty() || missing.is_empty() {
            continue;
        }
        let is_person = key.get(FactField::IdentityKind) == IdentityKind::Sso.as_str();
        let ask = if is_person { identity } else { key.get(FactField::Owner) };
        let caller = callers.entry(identity).or_insert_with(|| Untagged {
            identity: identity.to_owned(),
            spend: Decimal::ZERO,
            tags: BTreeSet::new(),
            ask: ask.to_owned(),
        });
        caller.tags.extend(missing.into_iter().map(|tag| (*tag).to_owned()));
        add(&mut caller.spend, spend)?;
    }
    let mut callers: Vec<_> = callers.into_values().filter(|caller| !caller.spend.is_zero()).collect();
    callers.sort_by(|left, right| right.spend.cmp(&left.spend).then_with(|| left.identity.cmp(&right.identity)));
    Ok(callers)
}
