//! Finds in the figures what somebody has to decide or to do.

use crate::digest::decision::{Decision, heading};
use crate::digest::extent::{DigestKind, Extent};
use crate::digest::figures::Figures;
use crate::money::decimal::{Decimal, SumOutOfRange, add};

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
        let unattributed = found.totals.unattributed();
        if !unattributed.is_zero() {
            decisions.push(Decision::AssignUnattributed { currency: currency.clone(), amount: unattributed });
        }
        let mut without_tags = Decimal::ZERO;
        for untagged in &found.untagged {
            add(&mut without_tags, untagged.spend)?;
        }
        let callers = found.untagged.len();
        if callers > 0 {
            decisions.push(Decision::AskForTags { currency: currency.clone(), callers, amount: without_tags });
        }
    }
    let (callers, findings) = (figures.shared.len(), figures.tag_findings.len());
    decisions.extend((callers > 0).then_some(Decision::OwnShared { callers }));
    decisions.extend((findings > 0).then_some(Decision::MendTags { findings }));
    Ok(decisions)
}
