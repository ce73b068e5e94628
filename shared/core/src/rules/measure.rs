//! Measuring one member of a rule in one window: the steps that every kind of rule shares.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::calendar::data_span::DataSpan;
use crate::calendar::window::Window;
use crate::forecast::{Outlook, outlook};
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::rules::driver::driver;
use crate::rules::finding::{Detail, Level, Measurement, Verdict};
use crate::rules::member_totals::{MemberTotals, Seen};
use crate::rules::owner_template::{Filled, TagValue};
use crate::rules::rule::Rule;
use crate::text::{NONE, SEVERAL};

/// How far a value must fall below a level before crossing it again is news, in percent of the level.
const REARM_PERCENT: u32 = 95;

/// What [`measure`] needs to know besides the rule and its totals.
pub(crate) struct Measured {
    pub(crate) window: Window,
    pub(crate) day: Option<NaiveDate>,
    /// The days that are shown.
    pub(crate) shown: (NaiveDate, NaiveDate),
    /// The days that `spent` is of.
    pub(crate) covered: (NaiveDate, NaiveDate),
    pub(crate) spent: Decimal,
    pub(crate) amount: Decimal,
    pub(crate) detail: Detail,
    pub(crate) levels: Vec<Level>,
    pub(crate) through: Option<NaiveDate>,
}

/// A measurement with all that people want to know of it.
pub(crate) fn measure(
    rule: &Rule,
    member: Option<&str>,
    totals: &MemberTotals<'_>,
    measured: Measured,
) -> Result<Measurement, SumOutOfRange> {
    let Measured { window, day, shown, covered, spent, amount, detail, levels, through } = measured;
    let (first, last) = covered;
    let mut tags: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let mut of_spend = Seen::Nothing;
    let mut other_currencies: BTreeMap<String, Decimal> = BTreeMap::new();
    for (_, total) in totals.within(first, last) {
        for (tag, value) in &total.tags {
            let seen = tags.entry(tag).or_insert(*value);
            *seen = seen.filter(|seen| Some(*seen) == *value);
        }
        of_spend = of_spend.and(total.owner);
        for (currency, amount) in total.other_currencies() {
            add(other_currencies.entry(currency.to_owned()).or_default(), amount)?;
        }
    }
    let Called { owner, is_owner_of_spend, unlisted } = owner(rule, member, of_spend, |tag| match tags.get(tag) {
        None => TagValue::None,
        Some(None) => TagValue::Several,
        Some(Some(value)) => TagValue::One((*value).to_owned()),
    });
    let mut selects: Vec<_> =
        rule.matches.iter().map(|matcher| format!("{}={}", matcher.dimension(), matcher.glob())).collect();
    selects.extend(rule.each.as_ref().zip(member).map(|(each, member)| format!("{each}={member}")));
    let days = totals.within(shown.0, shown.1).map(|(day, total)| (day, total.spent));
    // Who is behind it is worked out only where somebody will read it.
    let is_told = levels.iter().any(|level| level.verdict != Verdict::Clear);
    let after = if first == last && is_told { last.succ_opt() } else { None };
    let later_days = after.into_iter().flat_map(|next| totals.within(next, NaiveDate::MAX));
    let later = later_days.map(|(day, total)| (day, total.spent)).filter(|(_, spent)| !spent.is_zero());
    Ok(Measurement {
        rule: rule.name.clone(),
        member: member.map(str::to_owned),
        each: rule.each.clone(),
        scope: rule.scope(),
        selects,
        currency: rule.currency.clone(),
        window,
        day,
        spent,
        covered,
        amount,
        detail,
        levels,
        through,
        severity: rule.severity,
        owner,
        is_owner_of_spend,
        unlisted_owner: unlisted,
        runbook: rule.runbook.clone(),
        days: days.filter(|(_, spent)| !spent.is_zero()).collect(),
        later: later.collect(),
        restated: None,
        driver: if is_told { driver(totals, first, last)? } else { None },
        other_currencies,
    })
}

/// Whom to call, and why it is not who the rule names.
pub(crate) struct Called {
    owner: Option<String>,
    is_owner_of_spend: bool,
    unlisted: Option<String>,
}

pub(crate) fn owner(
    rule: &Rule,
    member: Option<&str>,
    of_spend: Seen<'_>,
    tag_value: impl FnMut(&str) -> TagValue,
) -> Called {
    let by_rule = |owner| Called { owner, is_owner_of_spend: false, unlisted: None };
    let Some(template) = &rule.owner else { return by_rule(None) };
    let names = template.names();
    let unlisted = match template.fill(rule.each.as_ref(), member, tag_value) {
        // Nobody is called "(none)-leads".
        Filled::Owner(filled) if filled.contains(NONE) => match of_spend {
            Seen::Nothing => return by_rule(Some(filled)),
            Seen::One(_) | Seen::Several => None,
        },
        Filled::Owner(filled) => return by_rule(Some(filled)),
        Filled::Unlisted(value) => Some(value),
    };
    match of_spend {
        Seen::One(owner) if names.lists_owner_of_spend(owner) => {
            Called { owner: Some(owner.to_owned()), is_owner_of_spend: true, unlisted }
        }
        Seen::Several if unlisted.is_none() => {
            Called { owner: Some(SEVERAL.to_owned()), is_owner_of_spend: true, unlisted: None }
        }
        Seen::One(owner) => Called {
            owner: names.fallback.clone(),
            is_owner_of_spend: false,
            unlisted: unlisted.or_else(|| Some(owner.to_owned())),
        },
        Seen::Several | Seen::Nothing => Called { owner: names.fallback.clone(), is_owner_of_spend: false, unlisted },
    }
}

/// `percent` of `amount`, rounded up to the next 10⁻¹⁸, or `None` where no decimal is as large.
pub(crate) fn percentage(amount: Decimal, percent: u32) -> Option<i128> {
    // The whole and the rest apart, so that only what no decimal can reach overflows.
    let (whole, rest) = (amount.units() / 100, amount.units() % 100);
    let percent = i128::from(percent);
    whole.checked_mul(percent)?.checked_add((rest * percent + 99).div_euclid(100))
}

/// Whether `spent` has reached `percent` of `amount`: exact, whatever their size.
pub(crate) fn verdict(spent: Decimal, amount: Decimal, percent: u32) -> Verdict {
    let Some(limit) = percentage(amount, percent) else { return Verdict::Clear };
    below_or_crossed(spent.units() >= limit, spent.units(), limit)
}

/// The verdict on a value: crossed, or clear only where it is so far below the limit that crossing it again is news.
pub(crate) fn below_or_crossed(is_crossed: bool, value: i128, limit: i128) -> Verdict {
    // Divided first, because a hundredfold may leave the range.
    let rearmed = (limit / 100).saturating_mul(REARM_PERCENT.into());
    if is_crossed {
        Verdict::Crossed
    } else if value < rearmed {
        Verdict::Clear
    } else {
        Verdict::Undecided
    }
}

/// Where a member's spend is heading in a window.
pub(crate) fn of_window(totals: &MemberTotals<'_>, window: Window, span: &DataSpan) -> Result<Outlook, SumOutOfRange> {
    if span.last_settled().is_some_and(|settled| window.last_day() <= settled) {
        return Ok(Outlook::Over);
    }
    outlook(&totals.amounts(), window, span)
}
