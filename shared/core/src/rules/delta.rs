//! Deltas: settled spend against that of an earlier day or month.

use chrono::{Days, NaiveDate};

use crate::calendar::data_span::DataSpan;
use crate::calendar::period::BillingPeriod;
use crate::calendar::window::{Window, WindowKind};
use crate::facts::fact::Fact;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::rules::finding::{Against, Detail, Level, Measurement, Verdict};
use crate::rules::measure::{Measured, below_or_crossed, measure, percentage};
use crate::rules::member_totals::{MemberTotals, totals};
use crate::rules::rule::{Kind, Rule};
use crate::rules::rule_kind::{Known, RuleKind};
use crate::rules::sentence::{verb, whom};
use crate::rules::weaker::{instead, raised};
use crate::text::money;

/// A rise against an earlier time that people want to hear of.
#[derive(Clone, Debug)]
pub struct Delta {
    pub rule: Rule,
    pub against: Against,
    /// By how much that must be exceeded, in percent of it.
    pub rise_percent: u32,
    /// And by how much in money.
    pub rise_amount: Decimal,
}

impl RuleKind for Delta {
    fn rule(&self) -> &Rule {
        &self.rule
    }

    fn kind(&self) -> Kind {
        Kind::Delta
    }

    fn sentence(&self) -> String {
        let (what, than) = match self.against {
            Against::Weekday => ("a settled day", "the same weekday before"),
            Against::Trailing => ("a settled day", "the mean of the seven days before"),
            Against::Month => ("the month to date", "as many days of the month before"),
        };
        let amount = money(&self.rule.currency, self.rise_amount);
        let (verb, whom, percent) = (verb(&self.rule), whom(&self.rule), self.rise_percent);
        format!("{verb} when {what} of {whom} has more than {percent}% and {amount} more than {than}.")
    }

    fn about(&self) -> String {
        self.against.to_string()
    }

    fn levels(&self) -> Vec<(Kind, String, Decimal)> {
        vec![(Kind::Delta, self.rise_percent.to_string(), self.rise_amount)]
    }

    fn asks_for(&self, _: Kind, _: WindowKind, _: Option<&str>, percent: Option<u32>, amount: Decimal) -> bool {
        self.rise_amount == amount && percent == Some(self.rise_percent)
    }

    /// A month to date is held against another one every day.
    fn recedes(&self, _: Kind, window: WindowKind) -> bool {
        window == WindowKind::Month
    }

    /// Measures the settled ones of the days, or the month of the last settled day.
    fn evaluate<'a>(
        &'a self,
        facts: impl Iterator<Item = Fact<'a>> + Clone,
        known: &Known<'_>,
    ) -> Result<Vec<Measurement>, SumOutOfRange> {
        let mut measurements = Vec::new();
        for (member, totals) in totals(&self.rule, facts, known.policy)? {
            if self.against == Against::Month {
                measurements.extend(self.month(member.as_deref(), &totals, known.span)?);
                continue;
            }
            for day in known.days.iter().copied().filter(|day| known.span.is_settled(*day)) {
                measurements.extend(self.day(member.as_deref(), &totals, known.span, day)?);
            }
        }
        Ok(measurements)
    }

    fn complete(&self, known: &Known<'_>) -> Vec<Window> {
        match self.against {
            Against::Month => {
                known.span.last_settled().map(|day| Window::of(WindowKind::Month, day)).into_iter().collect()
            }
            Against::Weekday | Against::Trailing => known.windows_of_days(),
        }
    }

    fn weaker(&self, new: &Self, called: &str) -> Vec<String> {
        let of = |amount| money(&new.rule.currency, amount);
        let changes = [
            instead(&format!("{called} compares with"), &self.against, &new.against),
            raised(&format!("{called} needs a rise in percent of"), &self.rise_percent, &new.rise_percent),
            (new.rise_amount > self.rise_amount)
                .then(|| format!("{called} needs a rise of {}, before {}", of(new.rise_amount), of(self.rise_amount))),
        ];
        changes.into_iter().flatten().collect()
    }
}

impl Delta {
    fn day(
        &self,
        member: Option<&str>,
        totals: &MemberTotals<'_>,
        span: &DataSpan,
        day: NaiveDate,
    ) -> Result<Option<Measurement>, SumOutOfRange> {
        let back = |days: u64| day.checked_sub_days(Days::new(days)).unwrap_or(day);
        let week_before = back(7);
        // Days before the ledger's first are unknown, not zero.
        if span.first_day().is_none_or(|first| week_before < first) {
            return Ok(None);
        }
        let before = match self.against {
            Against::Weekday => totals.on(week_before),
            Against::Trailing | Against::Month => {
                let sum = totals.sum(week_before, back(1))?;
                Decimal::from_units(sum.units() / 7).unwrap_or_default()
            }
        };
        let spent = totals.on(day);
        if spent.is_zero() && before.is_zero() {
            return Ok(None);
        }
        let is_new = totals.first_spend().is_none_or(|first| first > back(1));
        let measured = Measured {
            window: Window::of(WindowKind::Day, day),
            day: Some(day),
            shown: (week_before, day),
            covered: (day, day),
            through: Some(day),
            ..self.measured(spent, before, is_new)
        };
        measure(&self.rule, member, totals, measured).map(Some)
    }

    /// The month of the last settled day, up to that day.
    fn month(
        &self,
        member: Option<&str>,
        totals: &MemberTotals<'_>,
        span: &DataSpan,
    ) -> Result<Option<Measurement>, SumOutOfRange> {
        let Some(last) = span.last_settled() else { return Ok(None) };
        let month = BillingPeriod::of(last);
        let earlier = month.previous();
        let window = Window::from(month);
        if !span.covers(earlier.into()) || !span.covers(window) {
            return Ok(None);
        }
        // As many days of the month before, or all of it where it is shorter.
        let so_many = last - month.first_day();
        let before_last = (earlier.first_day() + so_many).min(earlier.last_day());
        let spent = totals.sum(window.first_day(), last)?;
        let before = totals.sum(earlier.first_day(), before_last)?;
        if spent.is_zero() && before.is_zero() {
            return Ok(None);
        }
        let is_new = totals.first_spend().is_none_or(|first| first >= window.first_day());
        let shown = (window.first_day(), last);
        let measured = Measured { window, shown, covered: shown, ..self.measured(spent, before, is_new) };
        measure(&self.rule, member, totals, measured).map(Some)
    }

    /// What is compared; where and when is filled in by the caller.
    fn measured(&self, spent: Decimal, before: Decimal, is_new: bool) -> Measured {
        let (rise_percent, amount) = (self.rise_percent, self.rise_amount);
        let level = Level { name: rise_percent.to_string(), amount, verdict: self.verdict(spent, before) };
        let detail = Detail::Delta { against: self.against, before, rise_percent, is_new };
        let any = NaiveDate::default();
        let (window, days) = (Window::of(WindowKind::Day, any), (any, any));
        let levels = vec![level];
        Measured { window, day: None, shown: days, covered: days, spent, amount, detail, levels, through: None }
    }

    /// Both the percent and the amount must be exceeded; of nothing every percent is.
    fn verdict(&self, spent: Decimal, before: Decimal) -> Verdict {
        let rise = spent.units() - before.units();
        let Some(by_percent) = percentage(before, self.rise_percent) else { return Verdict::Clear };
        let limit = by_percent.max(self.rise_amount.units());
        below_or_crossed(rise > limit, rise, limit)
    }
}

#[cfg(test)]
mod tests;
