//! All rules of a configuration, and one evaluation of them over what is known. Pure: the same facts, rules and states
//! of data give the same findings, whatever the order of the facts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{Days, NaiveDate};

use crate::calendar::data_span::DataSpan;
use crate::calendar::window::Window;
use crate::facts::fact::Fact;
use crate::facts::owner_names::OwnerNames;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, sum};
use crate::rules::anomaly::Anomaly;
use crate::rules::budget::Budget;
use crate::rules::delta::Delta;
use crate::rules::finding::Measurement;
use crate::rules::hygiene::Hygiene;
use crate::rules::member_totals::totals;
use crate::rules::rule::{Kind, Rule};
use crate::rules::rule_kind::{Known, RuleKind};
use crate::rules::weaker;

/// How many days back, from the newest data on, days are looked at one by one: what is older is history.
pub const DAYS_LOOKED_AT: u64 = 14;

/// What an evaluation found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluated {
    /// What each rule found of each member and window: in no window more than one of a kind.
    pub measurements: Vec<Measurement>,
    /// Windows that were evaluated completely, by rule and kind: what is missing there is known to be missing.
    pub complete: BTreeSet<(String, Kind, Window)>,
}

/// Declares [`Rules`] out of the list of kinds, and what is done with every one of them.
macro_rules! rules {
    ($($list:ident: $kind:ty,)+) => {
        /// Every rule of a configuration, in the order of the file.
        #[derive(Clone, Debug, Default)]
        pub struct Rules {
            $(pub $list: Vec<$kind>,)+
        }

        impl Rules {
            /// Every rule, by kind.
            pub fn all(&self) -> impl Iterator<Item = &dyn RuleKind> {
                std::iter::empty()$(.chain(self.$list.iter().map(|rule| rule as &dyn RuleKind)))+
            }

            /// Gives every rule's owner the names that it may be filled with.
            pub fn name_owners(&mut self, names: &Arc<OwnerNames>) {
                $(for rule in &mut self.$list {
                    rule.rule.owner = rule.rule.owner.take().map(|owner| owner.with_names(names));
                })+
            }

            /// Evaluates every rule in every window that has begun and that the months of `span` have days of.
            pub fn evaluate<'a>(
                &'a self,
                facts: &(impl Iterator<Item = Fact<'a>> + Clone),
                policy: &CostPolicy,
                span: &DataSpan,
            ) -> Result<Evaluated, SumOutOfRange> {
                let known = Known { policy, span, days: &recent_days(span) };
                let mut found = Evaluated::default();
                $(for rule in &self.$list {
                    found.measurements.extend(rule.evaluate(facts.clone(), &known)?);
                    found.add_complete(rule, &known);
                })+
                Ok(found)
            }

            /// What the rules that `new` still has tell less of there, in the order of these.
            fn weakened(&self, new: &Self) -> Vec<String> {
                [$(weakened(&self.$list, &new.$list)),+].concat()
            }
        }
    };
}

// Every kind of rule, a line each: the list of its rules, and its type.
rules! {
    budgets: Budget,
    deltas: Delta,
    anomalies: Anomaly,
    hygiene: Hygiene,
}

impl Rules {
    /// What every rule has.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.all().map(RuleKind::rule)
    }

    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// What `new` no longer tells, tells later or more quietly: rules that are gone first, then those that tell less or
    /// of less. Each is a sentence without its end.
    pub fn weaker(&self, new: &Self) -> Vec<String> {
        let is_gone = |old: &&dyn RuleKind| {
            !new.all().any(|found| found.rule().name == old.rule().name && found.kind() == old.kind())
        };
        let gone = self.all().filter(is_gone).map(|old| {
            let called = weaker::called(old.rule(), old.kind());
            format!("{called} is gone: {}", old.sentence().trim_end_matches('.'))
        });
        gone.chain(self.weakened(new)).collect()
    }
}

/// What the rules of a kind that are in `new` too tell less of there.
fn weakened<T: RuleKind>(before: &[T], after: &[T]) -> Vec<String> {
    let mut said = Vec::new();
    for old in before {
        if let Some(new) = after.iter().find(|new| new.rule().name == old.rule().name) {
            let called = weaker::called(old.rule(), old.kind());
            said.extend(weaker::common(old.rule(), new.rule(), &called));
            said.extend(old.weaker(new, &called));
        }
    }
    said
}

/// Whom a rule matches: its members with what they have in its currency, which is nothing where all their spend is in
/// another, largest first; [`None`] where it has none.
pub fn matched<'a>(
    rule: &Rule,
    facts: impl Iterator<Item = Fact<'a>>,
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
    fn add_complete(&mut self, rule: &impl RuleKind, known: &Known<'_>) {
        for window in rule.complete(known) {
            self.complete.extend(rule.finds().into_iter().map(|kind| (rule.rule().name.clone(), kind, window)));
        }
    }
}

/// The days that are looked at one by one, in order.
fn recent_days(span: &DataSpan) -> Vec<NaiveDate> {
    let (Some(as_of), Some(first)) = (span.newest(), span.first_day()) else { return Vec::new() };
    let newest = as_of.date_naive();
    let oldest = newest.checked_sub_days(Days::new(DAYS_LOOKED_AT)).unwrap_or(newest).max(first);
    oldest.iter_days().take_while(|day| *day <= newest).collect()
}

#[cfg(test)]
mod tests;
