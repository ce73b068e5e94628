//! What somebody has to decide or to do, found in the figures.

use super::{DigestKind, Extent, Figures, add, heading};
use crate::calendar::period::BillingPeriod;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::rules::measure::Measurement;

/// Something to decide or to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A closed month has changed: what was posted is wrong.
    PostDifference {
        /// The month.
        period: BillingPeriod,
        /// The currency.
        currency: String,
        /// By how much it changed.
        amount: Decimal,
    },
    /// A month has not closed and its books may have to be.
    Accrue {
        /// The month.
        period: BillingPeriod,
        /// The currency.
        currency: String,
        /// The spend so far.
        amount: Decimal,
    },
    /// A budget is used up.
    BudgetOver(Box<Measurement>),
    /// A budget is heading beyond its amount.
    BudgetHeading(Box<Measurement>),
    /// An export does not name callers.
    NameCallers {
        /// The export.
        export_id: String,
    },
    /// Usage does not name its caller: somebody has to pay for it.
    AssignUnattributed {
        /// The currency.
        currency: String,
        /// The usage.
        amount: Decimal,
    },
    /// Callers lack tags.
    AskForTags {
        /// The currency.
        currency: String,
        /// How many callers.
        callers: usize,
        /// Their spend that lacks a tag.
        amount: Decimal,
    },
    /// Callers are probably used by several parties.
    OwnShared {
        /// How many callers.
        callers: usize,
    },
    /// The bill departs from what is agreed on tags, besides lacking them.
    MendTags {
        /// How many findings.
        findings: usize,
    },
    /// Nothing says that the bill is complete.
    CheckDelivery,
}

impl Decision {
    /// The name for machines.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::PostDifference { .. } => "post-difference",
            Self::Accrue { .. } => "accrue",
            Self::BudgetOver(_) => "budget-over",
            Self::BudgetHeading(_) => "budget-heading",
            Self::NameCallers { .. } => "name-callers",
            Self::AssignUnattributed { .. } => "assign-unattributed",
            Self::AskForTags { .. } => "ask-for-tags",
            Self::OwnShared { .. } => "own-shared",
            Self::MendTags { .. } => "mend-tags",
            Self::CheckDelivery => "check-delivery",
        }
    }
}

/// The most urgent first.
pub(super) fn of(figures: &Figures) -> Result<Vec<Decision>, SumOutOfRange> {
    let mut decisions = Vec::new();
    for found in &figures.currencies {
        let currency = &found.totals.currency;
        for restated in found.restated.iter().filter(|restated| restated.after_close) {
            let (period, amount) = (restated.period, restated.amount);
            decisions.push(Decision::PostDifference { period, currency: currency.clone(), amount });
        }
        if figures.kind == DigestKind::Preliminary && figures.extent == Extent::NotClosed {
            let (period, amount) = (figures.period, found.totals.spend);
            decisions.push(Decision::Accrue { period, currency: currency.clone(), amount });
        }
    }
    if figures.data.unverified {
        decisions.push(Decision::CheckDelivery);
    }
    let over = figures.budgets.iter().filter(|budget| budget.spent >= budget.amount);
    decisions.extend(over.map(|budget| Decision::BudgetOver(Box::new(budget.clone()))));
    let heading = figures.budgets.iter().filter(|budget| {
        budget.spent < budget.amount && heading(budget).is_some_and(|expected| expected >= budget.amount)
    });
    decisions.extend(heading.map(|budget| Decision::BudgetHeading(Box::new(budget.clone()))));
    let exports = figures.warnings.exports_without_principals.iter();
    decisions.extend(exports.map(|export_id| Decision::NameCallers { export_id: export_id.clone() }));
    for found in &figures.currencies {
        let currency = &found.totals.currency;
        let amount = found.totals.unattributed();
        if !amount.is_zero() {
            decisions.push(Decision::AssignUnattributed { currency: currency.clone(), amount });
        }
        let mut amount = Decimal::ZERO;
        for untagged in &found.untagged {
            add(&mut amount, untagged.spend)?;
        }
        let callers = found.untagged.len();
        if callers > 0 {
            decisions.push(Decision::AskForTags { currency: currency.clone(), callers, amount });
        }
    }
    let (callers, findings) = (figures.shared.len(), figures.tag_findings.len());
    decisions.extend((callers > 0).then_some(Decision::OwnShared { callers }));
    decisions.extend((findings > 0).then_some(Decision::MendTags { findings }));
    Ok(decisions)
}
