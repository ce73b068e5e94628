//! Hygiene: how much spend says not whose it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::bill::principal::IdentityKind;
use crate::calendar::window::{Window, WindowKind};
use crate::facts::fact::{Fact, FactField};
use crate::facts::tag_keys::are_one_key;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::rules::driver::Driver;
use crate::rules::finding::{Detail, Lack, Level, Measurement, Verdict};
use crate::rules::measure::{Measured, measure, verdict};
use crate::rules::member_totals::{MemberTotals, totals};
use crate::rules::rule::{Kind, Rule};
use crate::rules::rule_kind::{Known, RuleKind};
use crate::rules::sentence::{verb, whom};
use crate::rules::weaker::{instead, raised};
use crate::text::{money, or_none};

/// A share of a month's spend without an owner that people want to hear of.
#[derive(Clone, Debug)]
pub struct Hygiene {
    /// What it is about: the spend that should have what is missing.
    pub rule: Rule,
    pub lack: Lack,
    /// Of how much of the spend, in percent.
    pub percent: u32,
    /// And of how much in money.
    pub amount: Decimal,
}

impl RuleKind for Hygiene {
    fn rule(&self) -> &Rule {
        &self.rule
    }

    fn kind(&self) -> Kind {
        Kind::Hygiene
    }

    fn sentence(&self) -> String {
        let amount = money(&self.rule.currency, self.amount);
        let (verb, whom, percent, lack) = (verb(&self.rule), whom(&self.rule), self.percent, &self.lack);
        format!("{verb} when {percent}% and {amount} of a month's spend of {whom} is without {lack}.")
    }

    fn about(&self) -> String {
        self.lack.key()
    }

    fn levels(&self) -> Vec<(Kind, String, Decimal)> {
        vec![(Kind::Hygiene, self.percent.to_string(), self.amount)]
    }

    fn asks_for(&self, _: Kind, _: WindowKind, _: Option<&str>, percent: Option<u32>, amount: Decimal) -> bool {
        self.amount == amount && percent == Some(self.percent)
    }

    /// The share falls with every line that says whose it is.
    fn recedes(&self, _: Kind, _: WindowKind) -> bool {
        true
    }

    /// Measures the months. What has no spend that lacks anything is not listed.
    fn evaluate<'a>(
        &'a self,
        facts: impl Iterator<Item = Fact<'a>> + Clone,
        known: &Known<'_>,
    ) -> Result<Vec<Measurement>, SumOutOfRange> {
        let lacking = self.lacking();
        let all = totals(&self.rule, facts.clone(), known.policy)?;
        let months = known.windows(WindowKind::Month);
        let mut measurements = Vec::new();
        for (member, part) in totals(&lacking, facts, known.policy)? {
            let Some(all) = all.get(&member) else { continue };
            for window in months.iter().copied() {
                let shown = (window.first_day(), window.last_day());
                let (spent, whole) = (part.sum(shown.0, shown.1)?, all.sum(shown.0, shown.1)?);
                if spent.is_zero() {
                    continue;
                }
                let by_share = verdict(spent, whole.max(Decimal::ZERO), self.percent);
                let verdict = match (by_share, verdict(spent, self.amount, 100)) {
                    (Verdict::Crossed, Verdict::Crossed) => Verdict::Crossed,
                    (Verdict::Clear, _) | (_, Verdict::Clear) if known.span.covers(window) => Verdict::Clear,
                    _ => Verdict::Undecided,
                };
                let level = Level { name: self.percent.to_string(), amount: self.amount, verdict };
                let lack = self.lack.clone();
                let detail = Detail::Hygiene { lack, whole, percent: self.percent, spelt: None };
                let measured = Measured {
                    window,
                    day: None,
                    shown,
                    covered: shown,
                    spent,
                    amount: self.amount,
                    detail,
                    levels: vec![level],
                    through: all.within(shown.0, shown.1).next_back().map(|(day, _)| day),
                };
                let name = member.as_ref().map(Cow::as_ref);
                let mut measurement = measure(&lacking, name, &part, measured)?;
                if let (Detail::Hygiene { lack, spelt, .. }, Some(driver)) =
                    (&mut measurement.detail, &measurement.driver)
                {
                    *spelt = spelt_otherwise(lack, driver, &part, shown)?;
                }
                measurements.push(measurement);
            }
        }
        Ok(measurements)
    }

    fn complete(&self, known: &Known<'_>) -> Vec<Window> {
        known.covered(WindowKind::Month)
    }

    fn weaker(&self, new: &Self, called: &str) -> Vec<String> {
        let of = |amount| money(&new.rule.currency, amount);
        let lack = |rule: &Self| rule.lack.to_string();
        let changes = [
            instead(&format!("{called} looks for spend without"), &lack(self), &lack(new)),
            raised(&format!("{called} needs a share in percent of"), &self.percent, &new.percent),
            (new.amount > self.amount)
                .then(|| format!("{called} needs {}, before {}", of(new.amount), of(self.amount))),
        ];
        changes.into_iter().flatten().collect()
    }
}

/// The key of probably the same tag that a driver's spend without it has; of several the one with the largest spend.
fn spelt_otherwise(
    lack: &Lack,
    driver: &Driver,
    part: &MemberTotals<'_>,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Option<String>, SumOutOfRange> {
    let Lack::Tag(tag) = lack else { return Ok(None) };
    let mut others: BTreeMap<&str, Decimal> = BTreeMap::new();
    for (key, spent) in part.within(first, last).flat_map(|(_, total)| total.facts()) {
        let is_theirs = or_none(key.get(FactField::Identity)) == driver.identity
            && IdentityKind::of(key.get(FactField::IdentityKind)) == driver.identity_kind;
        for other in key.tags().keys().filter(|_| is_theirs) {
            if &**other != tag && !key.tag(other).is_empty() && are_one_key(tag, other) {
                add(others.entry(other).or_default(), spent)?;
            }
        }
    }
    let largest = others.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    Ok(largest.map(|(key, _)| key.to_owned()))
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
