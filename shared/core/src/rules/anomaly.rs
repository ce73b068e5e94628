//! Anomalies: a day that is unlike its own past.
//!
//! The past of a day is the four weeks that had settled before it began, whenever it is looked at: so a verdict changes
//! only when the bill does. A day that is still filling up can only grow, so it proves a spike as well as a settled one.

use chrono::{Datelike, Days, NaiveDate};

use crate::calendar::data_span::DataSpan;
use crate::calendar::window::{Window, WindowKind};
use crate::facts::fact::Fact;
use crate::money::decimal::{Decimal, SumOutOfRange, median};
use crate::rules::finding::{Detail, Level, Measurement, Shape, Verdict};
use crate::rules::measure::{Measured, below_or_crossed, measure};
use crate::rules::member_totals::{MemberTotals, totals};
use crate::rules::rule::{Kind, Rule};
use crate::rules::rule_kind::{Known, RuleKind};
use crate::rules::sentence::{verb, whom};
use crate::rules::weaker::raised;
use crate::text::money;

/// Days unlike their past that people want to hear of.
#[derive(Clone, Debug)]
pub struct Anomaly {
    pub rule: Rule,
    /// A day must have this much, and this much more than usual.
    pub minimum: Decimal,
    /// A spike lies this many deviations above what is usual, and is at least twice that.
    pub deviations: u32,
    /// A runaway day has more than this many times what is usual.
    pub runaway: u32,
    /// A member is told of once it has spent more than this before it has a past: in its first ten days.
    pub new_above: Decimal,
}

/// How many days before a day are not settled yet when it begins.
const UNSETTLED: u64 = 4;
const PAST_DAYS: u64 = 28;
/// A shorter past says nothing.
const FEWEST_DAYS: u64 = 7;
/// A member is new for so many days: as long as its past is too short to say anything.
const NEW_DAYS: u64 = UNSETTLED + FEWEST_DAYS - 1;
/// Nobody is new in a ledger that begins less than so many days before.
const KNOWN_DAYS: u64 = 14;

impl RuleKind for Anomaly {
    fn rule(&self) -> &Rule {
        &self.rule
    }

    fn kind(&self) -> Kind {
        Kind::Anomaly
    }

    fn sentence(&self) -> String {
        let of = |amount: Decimal| money(&self.rule.currency, amount);
        let (verb, whom) = (verb(&self.rule), whom(&self.rule));
        format!(
            "{verb} when a day of {whom} is unusual: {} deviations above its own four weeks, at least twice the usual and \
             at least {} more. {verb} when a day has more than {} times the usual, and when a new spender has more than \
             {} in its first ten days.",
            self.deviations,
            of(self.minimum),
            self.runaway,
            of(self.new_above)
        )
    }

    fn about(&self) -> String {
        format!("{} deviations, {} times", self.deviations, self.runaway)
    }

    fn levels(&self) -> Vec<(Kind, String, Decimal)> {
        let shapes = [(Shape::New, self.new_above), (Shape::Spike, self.minimum), (Shape::Runaway, self.minimum)];
        shapes.map(|(shape, amount)| (Kind::Anomaly, shape.to_string(), amount)).into()
    }

    /// Whatever its limits are now: a day that was unlike its past stays one.
    fn asks_for(&self, _: Kind, _: WindowKind, _: Option<&str>, _: Option<u32>, _: Decimal) -> bool {
        true
    }

    fn evaluate<'a>(
        &'a self,
        facts: impl Iterator<Item = Fact<'a>> + Clone,
        known: &Known<'_>,
    ) -> Result<Vec<Measurement>, SumOutOfRange> {
        let mut measurements = Vec::new();
        for (member, totals) in totals(&self.rule, facts, known.policy)? {
            for day in known.days.iter().copied() {
                if totals.on(day).is_zero() {
                    continue;
                }
                let found = match self.newcomer(&totals, known.span, day)? {
                    None => self.against_past(&totals, known.span, day),
                    found => found,
                };
                if let Some(measured) = found {
                    measurements.push(measure(&self.rule, member.as_deref(), &totals, measured)?);
                }
            }
        }
        Ok(measurements)
    }

    fn complete(&self, known: &Known<'_>) -> Vec<Window> {
        known.windows_of_days()
    }

    fn weaker(&self, new: &Self, called: &str) -> Vec<String> {
        let of = |amount| money(&new.rule.currency, amount);
        let more = |what: &str, old: Decimal, new: Decimal| {
            (new > old).then(|| format!("{called} {what} {}, before {}", of(new), of(old)))
        };
        let changes = [
            more("needs at least", self.minimum, new.minimum),
            raised(&format!("{called} needs deviations from the usual of"), &self.deviations, &new.deviations),
            raised(&format!("{called} calls a day runaway from a multiple of"), &self.runaway, &new.runaway),
            more("tells of new spenders above", self.new_above, new.new_above),
        ];
        changes.into_iter().flatten().collect()
    }
}

impl Anomaly {
    /// The day on which what a member has spent since it was first seen comes to be too much, as long as it has no past.
    fn newcomer(
        &self,
        totals: &MemberTotals<'_>,
        span: &DataSpan,
        day: NaiveDate,
    ) -> Result<Option<Measured>, SumOutOfRange> {
        let (Some(first), Some(known)) = (totals.first_spend(), span.first_day()) else { return Ok(None) };
        let is_new = day >= first && day < after(first, NEW_DAYS) && first >= after(known, KNOWN_DAYS);
        if !is_new {
            return Ok(None);
        }
        let spent = totals.sum(first, day)?;
        let before = if day > first { totals.sum(first, ago(day, 1))? } else { Decimal::ZERO };
        // It is told of the day on which it comes to be true, and not of each day after.
        let verdict = if before > self.new_above { Verdict::Clear } else { decide(spent, self.new_above) };
        let level = Level { name: Shape::New.to_string(), amount: self.new_above, verdict };
        let detail = Detail::Anomaly { shape: Shape::New, usual: Decimal::ZERO, limit: self.new_above, past_days: 0 };
        Ok(Some(Measured {
            window: Window::of(WindowKind::Day, day),
            day: Some(day),
            shown: (ago(day, 7).min(first), day),
            covered: (first, day),
            spent,
            amount: self.new_above,
            detail,
            levels: vec![level],
            through: Some(day),
        }))
    }

    fn against_past(&self, totals: &MemberTotals<'_>, span: &DataSpan, day: NaiveDate) -> Option<Measured> {
        // The past ends where it had settled when the day began, also if more has settled since: looked at later, the
        // verdict is the same.
        let last = ago(day, UNSETTLED);
        let first = ago(last, PAST_DAYS - 1).max(totals.first_spend()?).max(span.first_day()?);
        if last < after(first, FEWEST_DAYS - 1) || !span.is_settled(last) {
            return None;
        }
        let past: Vec<(NaiveDate, Decimal)> = first.iter_days().zip(totals.series(first, last)).collect();
        let all = median(past.iter().map(|(_, spent)| *spent).collect())?;
        // The medians of weekdays are worked out once and not for each day: this runs for every member on 14 days.
        let mut by_weekday: [Vec<Decimal>; 7] = Default::default();
        for (day, spent) in &past {
            if let Some(same) = by_weekday.get_mut(place_of(*day)) {
                same.push(*spent);
            }
        }
        let usual_by_weekday = by_weekday.map(|same| median(same).unwrap_or(all));
        let usual_on = |day: NaiveDate| usual_by_weekday.get(place_of(day)).copied().unwrap_or(all);
        // The larger of the two, so that a busy weekday is no spike, and neither is work on a day that is usually free.
        let usual = all.max(usual_on(day));
        let off = |(day, spent): &(NaiveDate, Decimal)| spent.checked_sub(usual_on(*day)).map(Decimal::abs);
        let deviation = median(past.iter().filter_map(off).collect())?;
        // The median absolute deviation times 1.4826 (1 / Φ⁻¹(3/4)) is the standard deviation of a normal distribution.
        // A past spike moves it hardly, as it would move a standard deviation.
        // Source: Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", 1993.
        let spread = Decimal::from_units(deviation.units() / 10_000 * 14_826)?.checked_mul(self.deviations.into())?;
        // A height that the past reached twice is a rhythm, such as the runs of a month's end: no spike below it.
        let mut largest: Vec<_> = past.iter().map(|(_, spent)| *spent).collect();
        largest.sort_unstable();
        let rhythm = largest.iter().rev().nth(1).copied().unwrap_or_default();
        let limit = usual.checked_add(spread.max(usual).max(self.minimum))?.max(rhythm).max(self.minimum);
        let spent = totals.on(day);
        let spike = Level { name: Shape::Spike.to_string(), amount: self.minimum, verdict: decide(spent, limit) };
        // Nothing is many times zero: a member that usually has nothing has spikes alone.
        let many = usual.checked_mul(self.runaway.into()).filter(|_| usual > Decimal::ZERO).map(|many| many.max(limit));
        let runaway = Level {
            name: Shape::Runaway.to_string(),
            amount: self.minimum,
            verdict: many.map_or(Verdict::Clear, |many| decide(spent, many)),
        };
        let (shape, told_limit) = match many {
            Some(many) if runaway.verdict == Verdict::Crossed => (Shape::Runaway, many),
            _ => (Shape::Spike, limit),
        };
        Some(Measured {
            window: Window::of(WindowKind::Day, day),
            day: Some(day),
            shown: (ago(day, 7), day),
            covered: (day, day),
            spent,
            amount: self.minimum,
            detail: Detail::Anomaly { shape, usual, limit: told_limit, past_days: past.len() },
            levels: vec![spike, runaway],
            through: Some(day),
        })
    }
}

/// Whether `spent` is above `limit`.
fn decide(spent: Decimal, limit: Decimal) -> Verdict {
    below_or_crossed(spent > limit, spent.units(), limit.units())
}

/// The place of its weekday in a week.
fn place_of(day: NaiveDate) -> usize {
    usize::try_from(day.weekday().num_days_from_monday()).unwrap_or_default()
}

fn ago(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

fn after(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

#[cfg(test)]
mod tests;
