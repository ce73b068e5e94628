//! What is to be decided or done, one thing after the other.

use crate::digest::decision::{self, Decision};
use crate::digest::figures::Figures;
use crate::money::decimal::Decimal;
use crate::rules::finding::Measurement;
use crate::text::lines::{inert, signed};
use crate::text::{counted, money, month, used, wrap};

/// How many decisions are spelled out.
const MOST: usize = 15;
/// How many columns a name may take in a sentence.
const NAME: usize = 50;

pub(super) fn lines(figures: &Figures) -> Vec<String> {
    if figures.decisions.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "To decide".to_owned()];
    for (index, decision) in figures.decisions.iter().take(MOST).enumerate() {
        lines.extend(wrap(&format!("  {}. ", index + 1), &sentence(decision)));
    }
    if let Some(more) = figures.decisions.len().checked_sub(MOST).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more of the last kinds"));
    }
    lines
}

fn sentence(decision: &Decision) -> String {
    match decision {
        Decision::PostDifference { period, currency, amount } => format!(
            "AWS changed {} by {} after it had closed. Post the difference.",
            month(*period),
            signed(currency, *amount)
        ),
        Decision::Accrue { period, currency, amount } => format!(
            "AWS has not closed {} yet. To close your books now, accrue {}. The final bill will differ.",
            month(*period),
            money(currency, *amount)
        ),
        Decision::BudgetOver(budget) => of_budget(budget, "is used up", budget.spent),
        Decision::BudgetHeading(budget) => {
            of_budget(budget, "will be used up", decision::heading(budget).unwrap_or_default())
        }
        Decision::NameCallers { export_id } => format!(
            "Export {} does not name callers. Ask its operator to add them (see the warning above).",
            name(export_id)
        ),
        Decision::AssignUnattributed { currency, amount } => {
            format!(
                "{} of usage names no caller: decide who pays for it (see by account below).",
                money(currency, *amount)
            )
        }
        Decision::AskForTags { currency, callers, amount } => format!(
            "{} with {} of spend {} a tag: ask those below to set it.",
            counted(*callers, "caller", "callers"),
            money(currency, *amount),
            if *callers == 1 { "lacks" } else { "lack" }
        ),
        Decision::OwnShared { callers } => format!(
            "{} probably used by several parties: decide how their spend is shared out (below).",
            if *callers == 1 { "1 caller is".to_owned() } else { format!("{callers} callers are") }
        ),
        Decision::MendTags { findings } => {
            format!("{} about tags to mend (below).", counted(*findings, "finding", "findings"))
        }
        Decision::CheckDelivery => {
            "The bill may be incomplete. Compare it with AWS's console before you post it.".to_owned()
        }
    }
}

/// A budget that is used up, or will be: by how much, and whom to ask.
fn of_budget(budget: &Measurement, is_used_up: &str, reached: Decimal) -> String {
    let member = budget.member.as_deref().map_or_else(String::new, |member| format!(" of {}", name(member)));
    let whose = if budget.is_owner_of_spend { ", who own the spend" } else { "" };
    let owner = budget.owner.as_deref().map_or_else(String::new, |owner| format!(" Ask {}{whose}.", name(owner)));
    let (rule, window, used) = (inert(&budget.rule, NAME), budget.window.long(), used(reached, budget.amount));
    let (reached, amount) = (money(&budget.currency, reached), money(&budget.currency, budget.amount));
    let what = format!("Budget {rule}{member} {is_used_up} in {window}: {reached} of {amount} ({used}).");
    format!("{what} Raise it or cut spend.{owner}")
}

fn name(text: &str) -> String {
    crate::text::name(text, NAME)
}
