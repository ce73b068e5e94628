//! Why spend changed: the owners that moved most, and the terms of their change in plain words.

use std::collections::BTreeSet;

use super::layout::{Cells, heading, row, row_of};
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::wording::{RESTATED_AT_NET_COST, meaning, word};
use crate::facts::spend::{Basis, CostPolicy};
use crate::money::decimal::Decimal;
use crate::reporting::variance::Variance;
use crate::reporting::variance::terms::Term;
use crate::reporting::variance::windows::Windows;
use crate::text::lines::signed_number;
use crate::text::{OTHER, days, number, wrap};

/// How many owners are named.
const OWNERS: usize = 5;
/// The narrowest that a change is worth a row: it would be shown as zero.
const HUNDREDTH: i128 = 10_i128.pow(Decimal::SCALE - 2);

/// `7 days to 17 Nov`.
pub(super) fn days_compared(windows: &Windows) -> String {
    let last = windows.later.last;
    format!("{} days to {}", windows.length(), days(last, last))
}

pub(super) fn lines(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let (Some(windows), Some(change)) = (&figures.windows, &found.change) else { return Vec::new() };
    let moved: Vec<_> = change.owners.iter().filter(|owner| is_worth_a_row(owner.terms.values())).collect();
    if moved.is_empty() {
        return Vec::new();
    }
    let title = format!(
        "Why it changed: {} against {}",
        days(windows.later.first, windows.later.last),
        days(windows.earlier.first, windows.earlier.last)
    );
    let mut lines = vec![String::new(), title, heading("  by owner", &found.totals.currency, "", "change")];
    let mut told = BTreeSet::new();
    let named = moved.get(..OWNERS).unwrap_or(&moved);
    for owner in named {
        let change = signed_number(owner.change());
        lines.push(row_of(&owner.group, &Cells(&number(owner.after), "", &change)));
        lines.extend(terms(owner, &figures.policy, &mut told));
    }
    let rest = change.owners.len().saturating_sub(named.len());
    if rest > 0 {
        let minus = |total: Decimal, part: &dyn Fn(&Variance) -> Decimal| {
            named.iter().fold(total, |left, owner| left.checked_sub(part(owner)).unwrap_or(left))
        };
        let after = minus(change.total.after, &|owner| owner.after);
        let by = minus(change.total.change(), &|owner| owner.change());
        lines.push(row(&format!("{OTHER}, {rest} more"), &Cells(&number(after), "", &signed_number(by))));
    }
    let (after, by) = (number(change.total.after), signed_number(change.total.change()));
    lines.push(row("together", &Cells(&after, "", &by)));
    lines.extend(terms(&change.total, &figures.policy, &mut told));
    lines.extend(legend(&told));
    if figures.policy.basis == Basis::NetUnblended {
        lines.extend(wrap("  ", RESTATED_AT_NET_COST));
    }
    lines
}

fn is_worth_a_row<'a>(mut terms: impl Iterator<Item = &'a Decimal>) -> bool {
    terms.any(|amount| amount.units().abs() >= HUNDREDTH)
}

/// The terms that are not nothing, the largest first.
fn terms(variance: &Variance, policy: &CostPolicy, told: &mut BTreeSet<Term>) -> Vec<String> {
    let terms = variance.largest_terms();
    let shown = terms.into_iter().filter(|(_, amount)| amount.units().abs() >= HUNDREDTH);
    let shown: Vec<_> = shown
        .map(|(term, amount)| {
            told.insert(term);
            format!("{} {}", word(term, amount, policy), signed_number(amount))
        })
        .collect();
    if shown.is_empty() { Vec::new() } else { wrap("    ", &shown.join(", ")) }
}

/// What the words that are not plain mean.
fn legend(told: &BTreeSet<Term>) -> Vec<String> {
    told.iter().filter_map(|term| meaning(*term)).flat_map(|text| wrap("  ", text)).collect()
}
