//! All rules of a configuration, and one evaluation of them over what is known. Pure: the same facts, rules and states
//! of data give the same findings, whatever the order of the facts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{Days, NaiveDate};

use crate::calendar::data_span::DataSpan;
use crate::calendar::window::{Window, WindowKind};
use crate::facts::fact::Fact;
use crate::facts::owner_names::OwnerNames;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, sum};
use crate::rules::anomaly::{self, Anomaly};
use crate::rules::budget::{self, Budget};
use crate::rules::delta::{self, Delta};
use crate::rules::finding::{Against, Measurement};
use crate::rules::hygiene::{self, Hygiene};
use crate::rules::member_totals::totals;
use crate::rules::rule::{Kind, Rule};

/// Every rule of a configuration, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Limits.
    pub budgets: Vec<Budget>,
    /// Rises against an earlier time.
    pub deltas: Vec<Delta>,
    /// Days unlike their past.
    pub anomalies: Vec<Anomaly>,
    /// Spend that says not whose it is.
    pub hygiene: Vec<Hygiene>,
}

/// How many days back, from the newest data on, days are looked at one by one: what is older is history.
pub const DAYS_LOOKED_AT: u64 = 14;

/// What an evaluation found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluated {
    /// What each rule found of each member and window: in no window more than one of a kind.
    pub measurements: Vec<Measurement>,
    /// The windows in which what was not found is known not to be there, by rule and kind.
    pub complete: BTreeSet<(String, Kind, Window)>,
}

impl Rules {
    /// What every rule has, with the kinds of what it finds.
    pub fn all(&self) -> impl Iterator<Item = (&Rule, Kind)> {
        let budgets = self.budgets.iter().map(|budget| (&budget.rule, Kind::Budget));
        let deltas = self.deltas.iter().map(|delta| (&delta.rule, Kind::Delta));
        let anomalies = self.anomalies.iter().map(|anomaly| (&anomaly.rule, Kind::Anomaly));
        let hygiene = self.hygiene.iter().map(|hygiene| (&hygiene.rule, Kind::Hygiene));
        budgets.chain(deltas).chain(anomalies).chain(hygiene)
    }

    /// Gives every rule's owner the names that it may be filled with.
    pub fn name_owners(&mut self, names: &Arc<OwnerNames>) {
        let budgets = self.budgets.iter_mut().map(|budget| &mut budget.rule);
        let deltas = self.deltas.iter_mut().map(|delta| &mut delta.rule);
        let anomalies = self.anomalies.iter_mut().map(|anomaly| &mut anomaly.rule);
        let hygiene = self.hygiene.iter_mut().map(|hygiene| &mut hygiene.rule);
        for rule in budgets.chain(deltas).chain(anomalies).chain(hygiene) {
            rule.owner = rule.owner.take().map(|owner| owner.with_names(names));
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Evaluates every rule in every window that has begun and that the months of `span` have days of.
    pub fn evaluate<'a>(
        &'a self,
        facts: &(impl Iterator<Item = &'a Fact> + Clone),
        policy: &CostPolicy,
        span: &DataSpan,
    ) -> Result<Evaluated, SumOutOfRange> {
        let mut found = Evaluated::default();
        let days = recent_days(span);
        let months = windows(WindowKind::Month, span);
        for budget in &self.budgets {
            let windows = windows(budget.window, span);
            found.measurements.extend(budget::evaluate(budget, facts.clone(), policy, span, &windows)?);
            let covered = windows.iter().filter(|window| span.covers(**window));
            for window in covered {
                found.complete.insert((budget.rule.name.clone(), Kind::Budget, *window));
                found.complete.insert((budget.rule.name.clone(), Kind::Forecast, *window));
            }
        }
        for delta in &self.deltas {
            found.measurements.extend(delta::evaluate(delta, facts.clone(), policy, span, &days)?);
            let current = span.last_settled().map(|day| Window::of(WindowKind::Month, day));
            match delta.against {
                Against::Month => {
                    found.complete.extend(current.map(|month| (delta.rule.name.clone(), Kind::Delta, month)));
                }
                Against::Weekday | Against::Trailing => found.complete_days(&delta.rule, Kind::Delta, &days),
            }
        }
        for anomaly in &self.anomalies {
            found.measurements.extend(anomaly::evaluate(anomaly, facts.clone(), policy, span, &days)?);
            found.complete_days(&anomaly.rule, Kind::Anomaly, &days);
        }
        for hygiene in &self.hygiene {
            let measured = hygiene::evaluate(hygiene, facts.clone(), policy, span, &months)?;
            found.measurements.extend(measured);
            let covered = months.iter().filter(|window| span.covers(**window));
            found.complete.extend(covered.map(|window| (hygiene.rule.name.clone(), Kind::Hygiene, *window)));
        }
        Ok(found)
    }
}

/// Whom a rule matches: its members with what they have in its currency, largest first; [`None`] where it has none.
pub fn matched<'a>(
    rule: &Rule,
    facts: impl Iterator<Item = &'a Fact>,
    policy: &CostPolicy,
) -> Result<Vec<(Option<String>, Decimal)>, SumOutOfRange> {
    let mut matched = Vec::new();
    for (member, totals) in totals(rule, facts, policy)? {
        let spent = sum(totals.amounts().into_values())?;
        let has_facts = !totals.amounts().is_empty();
        if has_facts {
            matched.push((member.map(Cow::into_owned), spent));
        }
    }
    matched.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    Ok(matched)
}

impl Evaluated {
    fn complete_days(&mut self, rule: &Rule, kind: Kind, days: &[NaiveDate]) {
        let days = days.iter().map(|day| (rule.name.clone(), kind, Window::of(WindowKind::Day, *day)));
        self.complete.extend(days);
    }
}

/// The days that are looked at one by one, in order.
fn recent_days(span: &DataSpan) -> Vec<NaiveDate> {
    let (Some(newest), Some(first)) = (span.newest(), span.first_day()) else { return Vec::new() };
    let newest = newest.date_naive();
    let oldest = newest.checked_sub_days(Days::new(DAYS_LOOKED_AT)).unwrap_or(newest).max(first);
    oldest.iter_days().take_while(|day| *day <= newest).collect()
}

/// The windows of a kind that have days in the months of `span`, as far as they have begun in the data.
fn windows(kind: WindowKind, span: &DataSpan) -> BTreeSet<Window> {
    let days = span.months().flat_map(|month| Window::from(month).days().collect::<Vec<_>>());
    let windows = days.map(|day| Window::of(kind, day));
    windows.filter(|window| span.has_begun(*window)).collect()
}
