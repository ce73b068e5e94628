//! Budgets: how much may be spent in a month, a week or a day.

use std::collections::{BTreeMap, BTreeSet};

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
use crate::rules::overrides::{Overrides, compared};
use crate::rules::rule::{Kind, Rule};
use crate::rules::rule_kind::{Known, RuleKind};
use crate::rules::sentence::{percents, verb, whom};
use crate::rules::weaker::{NAME, instead};
use crate::text::{money, name};

/// How many members with a larger limit are named.
const MEMBERS: usize = 5;

/// A limit on the spend of every window of a kind, for all that it matches or for each member.
#[derive(Clone, Debug)]
pub struct Budget {
    pub rule: Rule,
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

/// How much of a budget is used in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used<'a> {
    /// The rule's name.
    pub rule: &'a str,
    /// The member, where the budget is for each of some.
    pub member: Option<String>,
    pub spent: Decimal,
    /// The member's limit.
    pub amount: Decimal,
}

/// How much of every budget is used in the window of its kind that `day` lies in. The facts may be of several exports and
/// periods, and their order does not matter.
///
/// Budgets without `each` are there once, also where nothing was spent; others for each member with matched spend. Sorted
/// as the budgets are, then by member.
pub fn used<'a>(
    budgets: &'a [Budget],
    facts: &(impl Iterator<Item = Fact<'a>> + Clone),
    policy: &CostPolicy,
    day: NaiveDate,
) -> Result<Vec<Used<'a>>, SumOutOfRange> {
    let mut all = Vec::new();
    each_used(budgets, facts, policy, day, |budget, member, totals, window| {
        let spent = totals.sum(window.first_day(), window.last_day())?;
        let amount = budget.amount_for(member);
        all.push(Used { rule: &budget.rule.name, member: member.map(str::to_owned), spent, amount });
        Ok(())
    })?;
    Ok(all)
}

/// The same with all that people want to know of each, and where it is heading. `span` says how far the data can be
/// trusted.
pub fn foretold<'a>(
    budgets: &'a [Budget],
    facts: &(impl Iterator<Item = Fact<'a>> + Clone),
    policy: &CostPolicy,
    span: &DataSpan,
    day: NaiveDate,
) -> Result<Vec<Measurement>, SumOutOfRange> {
    let mut all = Vec::new();
    each_used(budgets, facts, policy, day, |budget, member, totals, window| {
        all.extend(actual(budget, member, totals, span, window, true)?);
        Ok(())
    })?;
    Ok(all)
}

/// Goes through the members of budgets of which something is used in the window that `day` lies in.
fn each_used<'a>(
    budgets: &'a [Budget],
    facts: &(impl Iterator<Item = Fact<'a>> + Clone),
    policy: &CostPolicy,
    day: NaiveDate,
    mut of: impl FnMut(&'a Budget, Option<&str>, &MemberTotals<'_>, Window) -> Result<(), SumOutOfRange>,
) -> Result<(), SumOutOfRange> {
    for budget in budgets {
        let window = Window::of(budget.window, day);
        for (member, totals) in totals(&budget.rule, facts.clone(), policy)? {
            let has_spend = totals.within(window.first_day(), window.last_day()).next().is_some();
            if budget.rule.each.is_none() || has_spend {
                of(budget, member.as_deref(), &totals, window)?;
            }
        }
    }
    Ok(())
}

impl RuleKind for Budget {
    fn rule(&self) -> &Rule {
        &self.rule
    }

    fn kind(&self) -> Kind {
        Kind::Budget
    }

    fn finds(&self) -> Vec<Kind> {
        vec![Kind::Budget, Kind::Forecast]
    }

    fn sentence(&self) -> String {
        let window = match self.window {
            WindowKind::Month => "a calendar month",
            WindowKind::Week => "a week from Monday on",
            WindowKind::Day => "a day",
        };
        let heading = percents(&self.forecast);
        let (spends, forecast) = match (percents(&self.thresholds), heading) {
            (Some(percents), Some(heading)) => {
                (format!("spends {percents}"), format!(", and when it is heading past {heading}"))
            }
            (Some(percents), None) => (format!("spends {percents}"), String::new()),
            (None, heading) => (format!("is heading past {}", heading.unwrap_or_default()), String::new()),
        };
        let overrides = match self.overrides.len() {
            0 => String::new(),
            1 => "; one member has a limit of its own".to_owned(),
            many => format!("; {many} members have limits of their own"),
        };
        let (verb, whom) = (verb(&self.rule), whom(&self.rule));
        let amount = money(&self.rule.currency, self.amount);
        format!("{verb} when {whom} {spends} of {amount} in {window}{forecast}{overrides}.")
    }

    fn about(&self) -> String {
        self.window.to_string()
    }

    fn levels(&self) -> Vec<(Kind, String, Decimal)> {
        let amounts: BTreeSet<_> = self.overrides.iter().map(|own| own.amount).chain([self.amount]).collect();
        let thresholds = self.thresholds.iter().map(|percent| (Kind::Budget, percent));
        let percents: Vec<_> =
            thresholds.chain(self.forecast.iter().map(|percent| (Kind::Forecast, percent))).collect();
        let of_amount = |amount| percents.iter().map(move |(kind, percent)| (*kind, percent.to_string(), amount));
        amounts.into_iter().flat_map(of_amount).collect()
    }

    fn asks_for(
        &self,
        kind: Kind,
        window: WindowKind,
        member: Option<&str>,
        percent: Option<u32>,
        amount: Decimal,
    ) -> bool {
        let percents = if kind == Kind::Forecast { &self.forecast } else { &self.thresholds };
        self.window == window
            && self.amount_for(member) == amount
            && percent.is_some_and(|percent| percents.contains(&percent))
    }

    fn recedes(&self, kind: Kind, _: WindowKind) -> bool {
        kind == Kind::Forecast
    }

    fn evaluate<'a>(
        &'a self,
        facts: impl Iterator<Item = Fact<'a>> + Clone,
        known: &Known<'_>,
    ) -> Result<Vec<Measurement>, SumOutOfRange> {
        let windows = known.windows(self.window);
        let mut measurements = Vec::new();
        for (member, totals) in totals(&self.rule, facts, known.policy)? {
            for window in windows.iter().copied() {
                let has_facts = totals.within(window.first_day(), window.last_day()).next().is_some();
                if self.rule.each.is_some() && !has_facts {
                    continue;
                }
                // `false`: a forecast for each of five thousand members is most of the work, and few are told of.
                measurements.extend(actual(self, member.as_deref(), &totals, known.span, window, false)?);
            }
        }
        Ok(measurements)
    }

    fn complete(&self, known: &Known<'_>) -> Vec<Window> {
        known.covered(self.window)
    }

    fn weaker(&self, new: &Self, called: &str) -> Vec<String> {
        let of = |amount| money(&new.rule.currency, amount);
        let gone = |old: &[u32], new: &[u32]| {
            percents(&old.iter().copied().filter(|percent| !new.contains(percent)).collect::<Vec<_>>())
        };
        let changes = [
            (new.amount > self.amount)
                .then(|| format!("{called} allows {}, before {}", of(new.amount), of(self.amount))),
            instead(&format!("{called} is for a"), &self.window, &new.window),
            gone(&self.thresholds, &new.thresholds).map(|gone| format!("{called} no longer tells of {gone}")),
            gone(&self.forecast, &new.forecast)
                .map(|gone| format!("{called} no longer tells that spend is heading past {gone}")),
        ];
        changes.into_iter().flatten().chain(larger_overrides(self, new, called)).collect()
    }
}

/// Members that may spend more than before, beyond what all may.
fn larger_overrides(old: &Budget, new: &Budget, called: &str) -> Vec<String> {
    let limits = |budget: &Budget| -> BTreeMap<String, Decimal> {
        let each = budget.rule.each.as_ref();
        budget.overrides.iter().map(|own| (compared(&own.member, each), own.amount)).collect()
    };
    let (before, now) = (limits(old), limits(new));
    let mut more: Vec<_> = Vec::new();
    for member in before.keys().chain(now.keys().filter(|member| !before.contains_key(*member))) {
        let was = before.get(member).copied().unwrap_or(old.amount);
        let is = now.get(member).copied().unwrap_or(new.amount);
        if is > was {
            let of = |amount| money(&new.rule.currency, amount);
            more.push(format!("{called} allows {} {}, before {}", name(member, NAME), of(is), of(was)));
        }
    }
    let left_out = more.len().saturating_sub(MEMBERS);
    more.truncate(MEMBERS);
    if left_out > 0 {
        more.push(format!("{called} allows {left_out} more members more than before"));
    }
    more
}

/// One measurement of the spend, and one of the forecast where the budget has forecast levels. The outlook is worked out
/// if the caller asks for it, if the budget has forecast levels, or if a level is not clear.
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
            // Data is missing, and the missing spend may be above the level.
            Verdict::Clear if !is_covered => Verdict::Undecided,
            verdict => verdict,
        };
        Level { name: percent.to_string(), amount, verdict }
    };
    let spent_levels: Vec<_> = budget.thresholds.iter().map(|percent| level(percent, spent)).collect();
    let is_told = spent_levels.iter().any(|level| level.verdict != Verdict::Clear);
    let is_foretold = is_asked || is_told || !budget.forecast.is_empty();
    let outlook = if is_foretold { Some(measure::of_window(totals, window, span)?) } else { None };
    let through = totals.within(shown.0, shown.1).next_back().map(|(day, _)| day);
    let measured = |detail, levels, through| Measured {
        window,
        day: None,
        shown,
        covered: shown,
        spent,
        amount,
        detail,
        levels,
        through,
    };
    let of_spend = measured(Detail::Budget(outlook), spent_levels, through);
    let mut measurements = vec![measure(&budget.rule, member, totals, of_spend)?];
    let Some(outlook) = outlook.filter(|_| !budget.forecast.is_empty()) else { return Ok(measurements) };
    let forecast_levels = budget.forecast.iter().map(|percent| match outlook {
        // A percent that spend has passed already is told by a threshold at or below it, if there is one: the forecast
        // would say it again.
        _ if verdict(spent, amount, *percent) == Verdict::Crossed => {
            let is_told_by_spend = budget.thresholds.iter().any(|threshold| threshold <= percent);
            Level {
                verdict: if is_told_by_spend { Verdict::Undecided } else { Verdict::Crossed },
                ..level(percent, spent)
            }
        }
        Outlook::Forecast(forecast) => level(percent, forecast.expected),
        Outlook::Over => level(percent, spent),
        // Without a forecast, what was told before stays.
        Outlook::TooEarly { .. } => Level { verdict: Verdict::Undecided, ..level(percent, spent) },
    });
    let of_forecast = measured(Detail::Forecast(outlook), forecast_levels.collect(), None);
    measurements.push(measure(&budget.rule, member, totals, of_forecast)?);
    Ok(measurements)
}

#[cfg(test)]
mod tests;
