//! Budgets: how much may be spent in a month, a week or a day.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::calendar::data_span::DataSpan;
use crate::calendar::window::{Window, WindowKind};
use crate::facts::fact::Fact;
use crate::facts::spend::CostPolicy;
use crate::forecast::Outlook;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::rules::finding::{Detail, Level, Measurement, Verdict};
use crate::rules::measure::{self, Measured, measure, verdict};
use crate::rules::member_totals::{MemberTotals, totals};
use crate::rules::overrides::Overrides;
use crate::rules::rule::Rule;

/// A limit on the spend of every window of a kind, for all that it matches or for each member.
#[derive(Clone, Debug)]
pub struct Budget {
    /// What it is about.
    pub rule: Rule,
    /// Over which days.
    pub window: WindowKind,
    /// The limit, above zero.
    pub amount: Decimal,
    /// Percents of the amount that people want to hear of when they are spent, ascending.
    pub thresholds: Vec<u32>,
    /// Percents of the amount that people want to hear of when spend is heading there, ascending.
    pub forecast: Vec<u32>,
    /// Members with a limit of their own.
    pub overrides: Overrides,
    /// A file beside the configuration with more of them, as it was named there.
    pub overrides_file: Option<String>,
}

impl Budget {
    /// The limit of a member.
    pub fn amount_for(&self, member: Option<&str>) -> Decimal {
        member.and_then(|member| self.overrides.amount(member)).unwrap_or(self.amount)
    }
}

/// Measures every budget in the window of its kind that `day` lies in: how much of each is used, as gauges show it.
/// The facts may be of several exports and periods, and their order does not matter. `span` says how far the data can
/// be trusted.
///
/// Budgets without `each` have one measurement, also where nothing was spent; others have one for each member with
/// matched spend. Sorted as the budgets are, then by member.
pub fn used<'a>(
    budgets: &'a [Budget],
    facts: &(impl Iterator<Item = &'a Fact> + Clone),
    policy: &CostPolicy,
    span: &DataSpan,
    day: NaiveDate,
) -> Result<Vec<Measurement>, SumOutOfRange> {
    let mut measurements = Vec::new();
    for budget in budgets {
        let window = Window::of(budget.window, day);
        for (member, totals) in totals(&budget.rule, facts.clone(), policy)? {
            let has_spend = totals.within(window.first_day(), window.last_day()).next().is_some();
            if budget.rule.each.is_none() || has_spend {
                measurements.extend(actual(budget, member.as_deref(), &totals, span, window, true)?);
            }
        }
    }
    Ok(measurements)
}

/// Measures one budget in each of the windows.
pub(crate) fn evaluate<'a>(
    budget: &'a Budget,
    facts: impl Iterator<Item = &'a Fact>,
    policy: &CostPolicy,
    span: &DataSpan,
    windows: &BTreeSet<Window>,
) -> Result<Vec<Measurement>, SumOutOfRange> {
    let mut measurements = Vec::new();
    for (member, totals) in totals(&budget.rule, facts, policy)? {
        for window in windows.iter().copied() {
            let has_facts = totals.within(window.first_day(), window.last_day()).next().is_some();
            if budget.rule.each.is_some() && !has_facts {
                continue;
            }
            // A forecast for each of five thousand members is most of the work, and few are told of.
            measurements.extend(actual(budget, member.as_deref(), &totals, span, window, false)?);
        }
    }
    Ok(measurements)
}

/// What was spent, and where it is heading if that is asked for, by the budget, by the caller or by what is crossed.
fn actual(
    budget: &Budget,
    member: Option<&str>,
    totals: &MemberTotals<'_>,
    span: &DataSpan,
    window: Window,
    is_asked: bool,
) -> Result<Vec<Measurement>, SumOutOfRange> {
    let amount = budget.amount_for(member);
    let shown = (window.first_day(), window.last_day());
    let spent = totals.sum(shown.0, shown.1)?;
    let is_covered = span.covers(window);
    let level = |percent: &u32, spent: Decimal| {
        let verdict = match verdict(spent, amount, *percent) {
            // What is missing may have been what crossed it.
            Verdict::Clear if !is_covered => Verdict::Undecided,
            verdict => verdict,
        };
        Level { name: percent.to_string(), amount, verdict }
    };
    let levels: Vec<_> = budget.thresholds.iter().map(|percent| level(percent, spent)).collect();
    let is_told = levels.iter().any(|level| level.verdict != Verdict::Clear);
    let is_foretold = is_asked || is_told || !budget.forecast.is_empty();
    let outlook = if is_foretold { Some(measure::of_window(totals, window, span)?) } else { None };
    let through = totals.within(shown.0, shown.1).next_back().map(|(day, _)| day);
    let detail = Detail::Budget(outlook);
    let measured = Measured { window, day: None, shown, covered: shown, spent, amount, detail, levels, through };
    let mut measurements = vec![measure(&budget.rule, member, totals, measured)?];
    let Some(outlook) = outlook.filter(|_| !budget.forecast.is_empty()) else { return Ok(measurements) };
    let levels = budget.forecast.iter().map(|percent| match outlook {
        // What is spent already is told by the spend, where a threshold says so. What cannot be foretold changes nothing.
        _ if verdict(spent, amount, *percent) == Verdict::Crossed => {
            let is_told = budget.thresholds.iter().any(|threshold| threshold <= percent);
            Level { verdict: if is_told { Verdict::Undecided } else { Verdict::Crossed }, ..level(percent, spent) }
        }
        Outlook::Forecast(forecast) => level(percent, forecast.expected),
        Outlook::Over => level(percent, spent),
        Outlook::TooEarly { .. } => Level { verdict: Verdict::Undecided, ..level(percent, spent) },
    });
    let (levels, detail) = (levels.collect(), Detail::Forecast(outlook));
    let measured = Measured { window, day: None, shown, covered: shown, spent, amount, detail, levels, through: None };
    measurements.push(measure(&budget.rule, member, totals, measured)?);
    Ok(measurements)
}

#[cfg(test)]
mod tests;
