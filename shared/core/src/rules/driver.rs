//! Who is behind a number: the identity, model and token kind with most of it, and since when there is more of it.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::bill::principal::IdentityKind;
use crate::facts::people::Roles;
use crate::money::decimal::{Decimal, SumOutOfRange, add, median, sum};
use crate::rules::member_totals::{MemberTotals, Spender};
use crate::text::{NONE, or_none};

/// Who spent most, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The identity with the largest spend; [`NONE`] if the bill names nobody.
    pub identity: String,
    pub identity_kind: IdentityKind,
    pub spent: Decimal,
    /// The principal as billed with the largest part of that; empty if the bill names nobody.
    pub principal: String,
    /// The roles that a person came through, the most spend first; none of who is no person.
    pub roles: Roles,
    /// The identity's most expensive model; [`NONE`] if the bill names none.
    pub model: String,
    /// What the identity spent on that model.
    pub model_spent: Decimal,
    /// What was counted for most of that: input, output, …
    pub token: String,
    /// The account where that happened; empty if the bill names none.
    pub account: String,
    /// The region where that happened; empty if the bill names none.
    pub region: String,
    /// Since when the identity spends more than it did, if it does.
    pub rise: Option<Rise>,
}

/// A stretch of days on which an identity spent more than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rise {
    /// The first of these days.
    pub since: NaiveDate,
    /// The last of them.
    pub until: NaiveDate,
    /// What they have beyond as many usual days.
    pub by: Decimal,
    /// What a usual day has: the median of the days before.
    pub usual: Decimal,
}

/// How many days before a stretch say what is usual.
const PAST: usize = 28;

/// The identity with the largest spend in a span of days, its largest principal, its most expensive model, and what of
/// that was counted for most.
pub(crate) fn driver(
    totals: &MemberTotals<'_>,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Option<Driver>, SumOutOfRange> {
    let mut spenders: BTreeMap<Spender<'_>, Decimal> = BTreeMap::new();
    for (_, total) in totals.within(first, last) {
        for (spender, spent) in total.spenders() {
            add(spenders.entry(spender).or_default(), spent)?;
        }
    }
    let Some(((identity, kind), spent)) = largest(&spenders, |spender| Some((spender.identity, spender.kind)))? else {
        return Ok(None);
    };
    let is_theirs = |spender: &Spender<'_>| (spender.identity, spender.kind) == (identity, kind);
    let principal = largest(&spenders, |spender| is_theirs(spender).then_some(spender.principal))?;
    let sessions = spenders.iter().filter(|(spender, _)| is_theirs(spender));
    let roles = Roles::of(IdentityKind::of(kind), sessions.map(|(spender, spent)| (spender.principal, *spent)))?;
    let (model, model_spent) =
        largest(&spenders, |spender| is_theirs(spender).then_some(spender.model))?.unwrap_or_default();
    let on_model = |spender: &Spender<'_>| is_theirs(spender) && spender.model == model;
    let token = largest(&spenders, |spender| on_model(spender).then_some(spender.token))?;
    let place = largest(&spenders, |spender| on_model(spender).then_some((spender.account, spender.region)))?;
    let (account, region) = place.map_or(("", ""), |(place, _)| place);
    Ok(Some(Driver {
        identity: or_none(identity).to_owned(),
        identity_kind: IdentityKind::of(kind),
        spent,
        principal: principal.map_or_else(String::new, |(principal, _)| principal.to_owned()),
        roles,
        model: or_none(model).to_owned(),
        model_spent,
        token: token.map_or(NONE, |(token, _)| or_none(token)).to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        rise: rise(totals, &is_theirs, last)?,
    }))
}

/// The group with the largest sum; of equal ones the first in order.
fn largest<'a, K: Ord + Copy>(
    spenders: &BTreeMap<Spender<'a>, Decimal>,
    group: impl Fn(&Spender<'a>) -> Option<K>,
) -> Result<Option<(K, Decimal)>, SumOutOfRange> {
    let mut sums: BTreeMap<K, Decimal> = BTreeMap::new();
    for (spender, spent) in spenders {
        if let Some(group) = group(spender) {
            add(sums.entry(group).or_default(), *spent)?;
        }
    }
    Ok(sums.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best }))
}

/// The stretch around the identity's most expensive day of the four weeks to `last` on which every day is more than
/// twice its usual one.
fn rise(
    totals: &MemberTotals<'_>,
    is_theirs: &impl Fn(&Spender<'_>) -> bool,
    last: NaiveDate,
) -> Result<Option<Rise>, SumOutOfRange> {
    let mut days: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    let from = ago(last, 2 * PAST);
    for (day, total) in totals.within(from, last) {
        let spent = sum(total.spenders().filter(|(spender, _)| is_theirs(spender)).map(|(_, spent)| spent))?;
        days.insert(day, spent);
    }
    let of = |day: &NaiveDate| days.get(day).copied().unwrap_or_default();
    let recent = ago(last, PAST);
    let Some(peak) = days.range(recent..).max_by_key(|(day, spent)| (**spent, **day)).map(|(day, _)| *day) else {
        return Ok(None);
    };
    let Some(begun) = days.iter().find(|(_, spent)| **spent > Decimal::ZERO).map(|(day, _)| *day) else {
        return Ok(None);
    };
    let before: Vec<_> = begun.iter_days().take_while(|day| *day < peak).map(|day| of(&day)).collect();
    let kept = before.len().saturating_sub(PAST);
    let Some(usual) = median(before.into_iter().skip(kept).collect()) else { return Ok(None) };
    let is_more = |day: &NaiveDate| of(day) > usual.checked_mul(2).unwrap_or(usual);
    let first = peak.iter_days().rev().take_while(|day| is_more(day) && *day >= begun).last();
    let end = peak.iter_days().take_while(|day| is_more(day) && *day <= last).last();
    let (Some(since), Some(until)) = (first, end) else { return Ok(None) };
    let stretch: Vec<_> = since.iter_days().take_while(|day| *day <= until).collect();
    let Some(usual_sum) = i64::try_from(stretch.len()).ok().and_then(|count| usual.checked_mul(count)) else {
        return Err(SumOutOfRange);
    };
    let by = sum(stretch.iter().map(of))?.checked_sub(usual_sum).ok_or(SumOutOfRange)?;
    Ok(Some(Rise { since, until, by, usual }))
}

fn ago(day: NaiveDate, days: usize) -> NaiveDate {
    u64::try_from(days).ok().and_then(|days| day.checked_sub_days(Days::new(days))).unwrap_or(day)
}
