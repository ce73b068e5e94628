//! The numbers of a digest: a month for finance, who spent it, why it changed, and how it adds up to the bill.
//!
//! Mail ([`crate::messages::digest`]), page ([`crate::page`]) and machines get all of it from [`Figures`], so that they
//! say the same.
//!
//! - `figures`: the type of all numbers; this file fills it;
//! - `totals`: the sums of a currency, and whether they are the bill; `extent`: how much of the month is known;
//! - `callers`: who spent, who is new, whom to ask; `restated`: what deliveries changed of settled days;
//! - `left_out`: what came after the days that are compared;
//! - `decision`, `decisions`: what finance is asked to decide;
//! - `phrase`, `wording`: sentences and words that mail and page share.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::allocation::chargeback::is_split_identity;
use crate::allocation::shared_role;
use crate::allocation::split::Split;
use crate::allocation::tag_contract::{self, TagFinding, TagRule};
use crate::calendar::data_span::DataSpan;
use crate::calendar::data_status::DataStatus;
use crate::calendar::period::BillingPeriod;
use crate::calendar::window::{Window, WindowKind};
use crate::digest::decision::heading;
use crate::digest::extent::{DigestKind, Extent};
use crate::digest::figures::{AT_RISK, Change, CurrencyFigures, DigestWarnings, Figures, OpenMonth};
use crate::digest::restated::RestatedPeriod;
use crate::digest::totals::Totals;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;
use crate::facts::fact_set::FactSet;
use crate::facts::grouping::spend_by;
use crate::facts::net_cost::StandIn;
use crate::facts::people::{self, Roles};
use crate::facts::restated::Restated;
use crate::facts::spend::{Basis, CostPolicy};
use crate::forecast::{self, Outlook};
use crate::money::currencies;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::reporting::report;
use crate::reporting::variance::windows::Windows;
use crate::reporting::variance::{self, Correction, Variance};
use crate::rules::finding::Measurement;
use crate::rules::mute::Mute;

pub mod callers;
pub mod decision;
pub mod decisions;
pub mod extent;
pub mod figures;
pub mod left_out;
pub(crate) mod phrase;
pub mod restated;
pub mod totals;
pub mod wording;

/// What a digest is made of.
#[derive(Clone, Debug)]
pub struct Digest<'a> {
    /// Why it is made.
    pub kind: DigestKind,
    pub period: BillingPeriod,
    /// All facts of its deliveries, whatever their usage date: together they are the Bedrock part of the bill.
    pub facts: FactSet<'a>,
    /// The facts of all months that are known, those of the period among them: changes are measured over usage days.
    pub known: FactSet<'a>,
    /// The month before with all facts of its deliveries, unless it has closed.
    pub open_month: Option<(BillingPeriod, FactSet<'a>)>,
    /// Which days are compared; `None` where too few are settled and known.
    pub windows: Option<Windows>,
    /// What deliveries have changed of settled days since the last digest of this kind.
    pub restated: &'a [Restated],
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// What is agreed on tags. Spend is shown back by each of them.
    pub contract: &'a [TagRule],
    /// Whose spend is divided among others when it is charged back.
    pub splits: &'a [Split],
    /// How much of each budget is used.
    pub budgets: &'a [Measurement],
    /// What is not told of for a while.
    pub mutes: &'a [&'a Mute],
    /// How far the data of the period can be trusted.
    pub data: DataStatus,
    /// How far the data of all known months can be trusted.
    pub span: &'a DataSpan,
    /// What is wrong with the data.
    pub warnings: DigestWarnings,
    /// The time at which the digest is made.
    pub now: DateTime<Utc>,
}

impl Digest<'_> {
    /// Sums everything up.
    pub fn figures(&self) -> Result<Figures, SumOutOfRange> {
        // A month's rows end with it; what is delivered of the next one tells that its last days have settled.
        let settling = self.span.status(Window::of(WindowKind::Month, self.period.first_day()));
        let mut totals = Totals::of(&self.facts, self.policy, &settling)?;
        let corrections = self.corrections()?;
        let [mut owners, mut callers] = self.explained([FactField::Owner, FactField::Identity], &corrections)?;
        // A currency that the period has no spend in may have changed all the same.
        let changed = owners.iter().filter(|owner| !owner.terms.is_empty()).map(|owner| owner.currency.as_str());
        let restated = self.restated.iter().map(|restated| restated.currency.as_str());
        let elsewhere: BTreeSet<_> = changed.chain(restated).collect();
        totals.extend(elsewhere.into_iter().map(Totals::new));
        totals.sort_by(|left, right| left.currency.cmp(&right.currency));
        totals.dedup_by(|next, first| next.currency == first.currency);
        totals.sort_by(|left, right| currencies::order((&left.currency, left.spend), (&right.currency, right.spend)));
        let mut found = Vec::new();
        for total in totals {
            let of_currency = |variances: &mut Vec<Variance>| -> Vec<Variance> {
                variances.extract_if(.., |variance| variance.currency == total.currency).collect()
            };
            found.push(self.currency(total.clone(), of_currency(&mut owners), &of_currency(&mut callers))?);
        }
        let extent = Extent::of(self.period, self.data.closed, self.now);
        let mut budgets: Vec<_> =
            self.budgets.iter().filter(|budget| is_worth_telling(budget, extent)).cloned().collect();
        budgets.sort_by_key(|budget| std::cmp::Reverse(budget.spent.percent_of(budget.amount)));
        let mut budgets_measured = BTreeMap::new();
        for budget in self.budgets {
            *budgets_measured.entry(budget.currency.clone()).or_default() += 1;
        }
        let mut figures = Figures {
            kind: self.kind,
            period: self.period,
            extent,
            policy: self.policy.clone(),
            windows: self.windows,
            open_month: self.open_month()?,
            currencies: found,
            budgets,
            budgets_measured,
            mutes: self.mutes.iter().map(|mute| (*mute).clone()).collect(),
            shared: shared_role::find(self.facts.iter(), self.policy, |fact| {
                is_split_identity(self.splits, fact, false)
            })?,
            people: people::of_facts(self.facts.iter()),
            tag_findings: self.tag_findings()?,
            decisions: Vec::new(),
            data: self.data,
            settling,
            warnings: self.warnings.clone(),
            stand_in: StandIn::of(self.policy.basis, self.facts.iter())?,
            now: self.now,
        };
        figures.decisions = decisions::of(&figures)?;
        Ok(figures)
    }

    fn open_month(&self) -> Result<Option<OpenMonth>, SumOutOfRange> {
        let Some((period, facts)) = self.open_month.as_ref().filter(|(_, facts)| !facts.is_empty()) else {
            return Ok(None);
        };
        let mut spend = BTreeMap::new();
        for (fact, spent) in spend_by(facts.iter(), self.policy, &[Dimension::Field(FactField::Currency)])? {
            add(spend.entry(fact.get(FactField::Currency).to_owned()).or_default(), spent)?;
        }
        Ok(Some(OpenMonth { period: *period, spend }))
    }

    fn tag_findings(&self) -> Result<Vec<TagFinding>, SumOutOfRange> {
        let (facts, resource_tags) = (self.facts.iter(), &self.warnings.resource_tags);
        let mut findings = tag_contract::check(self.contract, facts, self.policy, resource_tags)?;
        findings.retain(|finding| !matches!(finding, TagFinding::Untagged { .. }));
        Ok(findings)
    }

    fn currency(
        &self,
        totals: Totals,
        owners: Vec<Variance>,
        changes: &[Variance],
    ) -> Result<CurrencyFigures, SumOutOfRange> {
        let facts = self.facts.in_currency(&totals.currency);
        let keys = self.contract.iter().map(|rule| Dimension::Tag(rule.key.clone()));
        let by = [FactField::Identity, FactField::Model].map(Dimension::Field).into_iter().chain(keys);
        let by: Vec<_> = by.map(|dimension| vec![dimension]).collect();
        let mut totals_by = report::spend_by_each(facts.iter(), &by, self.policy)?.into_iter();
        let (identities, models) = (totals_by.next().unwrap_or_default(), totals_by.next().unwrap_or_default());
        let showback = self.contract.iter().map(|rule| rule.key.clone()).zip(totals_by).collect();
        let required = self.contract.iter().filter(|rule| rule.is_required).map(|rule| rule.key.as_str());
        let required: Vec<_> = required.collect();
        let change = match self.windows {
            Some(_) => Some(Change { total: variance::together(&owners, &totals.currency)?, owners }),
            None => None,
        };
        let (new_callers, left_out) = match &self.windows {
            Some(windows) => {
                let known = self.known.in_currency(&totals.currency);
                let left_out = left_out::of(&known, self.policy, windows, self.period)?;
                (callers::new(&known, self.policy, windows)?, left_out)
            }
            None => (Vec::new(), None),
        };
        let roles = Roles::of_people(facts.iter(), self.policy)?;
        Ok(CurrencyFigures {
            outlook: self.outlook(&totals.currency)?,
            budget: self.budgets.iter().find(|budget| self.is_of_everything(budget, &totals.currency)).cloned(),
            callers: callers::with_changes(identities, self.windows, changes, roles),
            showback,
            models,
            change,
            left_out,
            new_callers,
            nameless: callers::nameless(&facts, self.policy)?,
            untagged: callers::untagged(&facts, self.policy, &required)?,
            restated: self.restated_periods(&totals.currency)?,
            totals,
        })
    }

    /// Where the spend of the period's usage days is heading.
    fn outlook(&self, currency: &str) -> Result<Outlook, SumOutOfRange> {
        let mut days: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
        for (fact, spend) in spend_by(self.known.in_currency(currency).iter(), self.policy, &[Dimension::Day])? {
            add(days.entry(fact.day()).or_default(), spend)?;
        }
        forecast::outlook(&days, Window::of(WindowKind::Month, self.period.first_day()), self.span)
    }

    fn is_of_everything(&self, budget: &Measurement, currency: &str) -> bool {
        let is_of_period = budget.window == Window::of(WindowKind::Month, self.period.first_day());
        is_of_period && budget.currency == currency && budget.scope.is_empty() && budget.each.is_none()
    }

    fn explained<const N: usize>(
        &self,
        by: [FactField; N],
        corrections: &[Correction],
    ) -> Result<[Vec<Variance>; N], SumOutOfRange> {
        let Some(windows) = &self.windows else { return Ok(std::array::from_fn(|_| Vec::new())) };
        variance::explain(&self.known.iter(), self.policy, windows, &by.map(Dimension::Field), corrections)
    }

    /// What was restated, as far as it can be told of spend: the history keeps unblended costs, so on another basis
    /// nothing is known, and restatements are part of the other terms.
    fn corrections(&self) -> Result<Vec<Correction>, SumOutOfRange> {
        let known = self.restated.iter().filter(|_| self.policy.basis == Basis::Unblended);
        let counted = known.filter(|restated| self.policy.count.contains(&restated.category));
        let correction = |restated: &Restated| {
            Ok(Correction {
                day: restated.day,
                identity: restated.identity.clone(),
                currency: restated.currency.clone(),
                amount: restated.change()?,
            })
        };
        counted.map(correction).collect()
    }

    fn restated_periods(&self, currency: &str) -> Result<Vec<RestatedPeriod>, SumOutOfRange> {
        let of_currency = self.restated.iter().filter(|restated| restated.currency == currency);
        restated::by_period(of_currency)
    }
}

/// Whether a budget is used up or at risk. Nothing is at risk in a month that has closed: a budget was kept, or not.
fn is_worth_telling(budget: &Measurement, extent: Extent) -> bool {
    match extent {
        Extent::Closed => budget.spent >= budget.amount,
        Extent::ToDate | Extent::NotClosed => {
            let used = budget.spent.percent_of(budget.amount);
            let is_nearly_used = used.is_some_and(|used| used >= Decimal::from_integer(AT_RISK));
            is_nearly_used || heading(budget).is_some_and(|expected| expected >= budget.amount)
        }
    }
}
