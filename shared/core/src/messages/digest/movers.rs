//! Why spend changed: the owners that moved most, and the terms of their change in plain words.

use std::collections::BTreeSet;

use super::layout::{Cells, heading, row, row_of, signed_number};
use crate::bill::category::Category;
use crate::digest::{CurrencyFigures, Figures};
use crate::facts::spend::{Basis, CostPolicy};
use crate::money::decimal::Decimal;
use crate::reporting::variance::{Term, Variance, Windows};
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
        lines.extend(wrap("  ", "What was restated since the last digest is not told apart at net cost."));
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

/// A term in a word or two.
pub(crate) fn word(term: Term, amount: Decimal, policy: &CostPolicy) -> &'static str {
    let only_discounts = policy.count.iter().all(|counted| matches!(counted, Category::Usage | Category::Discount));
    match term {
        Term::New => "new callers",
        Term::Gone => "callers gone",
        Term::Moved => "other owner",
        Term::Volume if amount.is_negative() => "fewer tokens",
        Term::Volume => "more tokens",
        Term::ModelMix => "other models",
        Term::TokenMix => "other tokens",
        Term::TierMix => "other tiers",
        Term::ContextMix => "other contexts",
        Term::Price => "prices",
        Term::Charges if only_discounts => "discounts",
        Term::Charges => "charges",
        Term::Unexplained => "not in tokens",
        Term::Restatement => "restated",
    }
}

/// What the words that are not plain mean.
fn legend(told: &BTreeSet<Term>) -> Vec<String> {
    told.iter().filter_map(|term| meaning(*term)).flat_map(|text| wrap("  ", text)).collect()
}

/// What the word of a term means, where it is not plain.
pub(crate) fn meaning(term: Term) -> Option<&'static str> {
    match term {
        Term::Moved => Some("Other owner: the same callers, who belong to another owner than before."),
        Term::ModelMix => Some("Other models: a dearer or cheaper mix of models for the same number of tokens."),
        Term::TokenMix => Some("Other tokens: more or less output, or more or less of the input from the cache."),
        Term::TierMix => Some("Other tiers: more or less of it bought in batches, with priority or ultrafast."),
        Term::ContextMix => Some("Other contexts: more or less of it in prompts beyond a model's usual limit."),
        Term::Price => Some("Prices: another price for the same model, kind of token, tier and context."),
        Term::Unexplained => Some("Not in tokens: usage that is counted otherwise, such as images or hours."),
        Term::Restatement => Some("Restated: AWS has changed the earlier days since the last digest told them."),
        Term::New | Term::Gone | Term::Volume | Term::Charges => None,
    }
}
