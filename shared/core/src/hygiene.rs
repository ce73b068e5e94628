//! Hygiene: how much spend says not whose it is.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use crate::data_span::DataSpan;
use crate::decimal::Decimal;
use crate::dimension::Dimension;
use crate::fact::{Fact, FactField};
use crate::line::SumOutOfRange;
use crate::measure::{Detail, Level, Measured, Measurement, Verdict, measure, verdict};
use crate::rule::{Matcher, Rule};
use crate::spend::CostPolicy;
use crate::text::NONE;
use crate::totals::totals;
use crate::window::Window;

/// A share of a month's spend without an owner that people want to hear of.
#[derive(Clone, Debug)]
pub struct Hygiene {
    /// What it is about: the spend that should have what is missing.
    pub rule: Rule,
    /// What is missing.
    pub lack: Lack,
    /// Of how much of the spend, in percent.
    pub percent: u32,
    /// And of how much in money.
    pub amount: Decimal,
}

/// What spend can lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// A tag, by its key as the bill has it.
    Tag(String),
    /// A principal.
    Principal,
}

impl Lack {
    /// As in the configuration: `principal` or `tag:NAME`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Tag(name) => format!("tag:{name}"),
            Self::Principal => "principal".to_owned(),
        }
    }

    fn matcher(&self) -> Matcher {
        let dimension = match self {
            Self::Tag(name) => Dimension::Tag(name.clone()),
            Self::Principal => Dimension::Field(FactField::Principal),
        };
        Matcher::new(dimension, NONE)
    }
}

/// For people: `the tag iamPrincipal/team`, `a principal`.
impl fmt::Display for Lack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(name) => write!(formatter, "the tag {name}"),
            Self::Principal => formatter.pad("a principal"),
        }
    }
}

/// Measures a rule in every month of `windows`. What has no spend that lacks anything is not listed.
pub(crate) fn evaluate<'a>(
    hygiene: &'a Hygiene,
    facts: impl Iterator<Item = &'a Fact> + Clone,
    policy: &CostPolicy,
    span: &DataSpan,
    windows: &BTreeSet<Window>,
) -> Result<Vec<Measurement>, SumOutOfRange> {
    let lacking = hygiene.lacking();
    let all = totals(&hygiene.rule, facts.clone(), policy)?;
    let mut measurements = Vec::new();
    for (member, part) in totals(&lacking, facts, policy)? {
        let Some(all) = all.get(&member) else { continue };
        for window in windows.iter().copied() {
            let shown = (window.first_day(), window.last_day());
            let (spent, whole) = (part.sum(shown.0, shown.1)?, all.sum(shown.0, shown.1)?);
            if spent.is_zero() {
                continue;
            }
            let by_share = verdict(spent, whole.max(Decimal::ZERO), hygiene.percent);
            let verdict = match (by_share, verdict(spent, hygiene.amount, 100)) {
                (Verdict::Crossed, Verdict::Crossed) => Verdict::Crossed,
                (Verdict::Clear, _) | (_, Verdict::Clear) if span.covers(window) => Verdict::Clear,
                _ => Verdict::Undecided,
            };
            let level = Level { name: hygiene.percent.to_string(), amount: hygiene.amount, verdict };
            let detail = Detail::Hygiene { lack: hygiene.lack.clone(), whole, percent: hygiene.percent };
            let measured = Measured {
                window,
                day: None,
                shown,
                covered: shown,
                spent,
                amount: hygiene.amount,
                detail,
                levels: vec![level],
                through: all.within(shown.0, shown.1).next_back().map(|(day, _)| day),
            };
            let name = member.as_ref().map(Cow::as_ref);
            measurements.push(measure(&lacking, name, &part, measured)?);
        }
    }
    Ok(measurements)
}

impl Hygiene {
    /// The rule about the part of the spend that lacks it.
    fn lacking(&self) -> Rule {
        let mut rule = self.rule.clone();
        rule.matches.push(self.lack.matcher());
        rule
    }
}

#[cfg(test)]
mod tests;
