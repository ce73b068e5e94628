//! Words, headings and sentences that the mail and the page share.

use chrono::{DateTime, Utc};

use crate::bill::category::Category;
use crate::calendar::period::BillingPeriod;
use crate::digest::figures::Figures;
use crate::facts::folding::Folded;
use crate::facts::spend::{Basis, CostPolicy};
use crate::money::decimal::Decimal;
use crate::reporting::variance::terms::Term;
use crate::text::{instant, month, name};

/// Headings of sections and tables.
pub(crate) const NEW_CALLERS: &str = "New callers";
pub(crate) const NAMELESS: &str = "Spend that names no caller";
pub(crate) const SHARED: &str = "Callers that are probably used by several parties";
pub(crate) const PEOPLE: &str = "Roles whose sessions look like people";
pub(crate) const TAGS: &str = "Tags to mend";
pub(crate) const BUDGETS_NOT_KEPT: &str = "Budgets that were not kept";

pub(crate) const ROUNDING: &str = "Amounts are rounded one by one, exact sums are not. Days are UTC.";
/// What is said of provisional days.
pub(crate) const MAY_CHANGE: &str = "may still change, usually upwards";
/// Restatements are known in unblended cost alone.
pub(crate) const RESTATED_AT_NET_COST: &str = "At net cost, restatements since the last digest are not shown apart.";
/// Net costs are after discounts that also stand in lines of their own: what is invoiced is unblended.
pub(crate) const INVOICED: &str = "At net cost, after discounts. Invoiced is the unblended cost:";

/// Up to when the bill speaks.
pub(crate) fn as_of(as_of: Option<DateTime<Utc>>) -> String {
    as_of.map_or_else(|| "not known".to_owned(), instant)
}

/// Why there is nothing to tell.
pub(crate) fn no_line_items(period: BillingPeriod) -> String {
    format!("the bill has no Amazon Bedrock line items for {}", month(period))
}

/// A category as a heading names it.
pub(crate) fn plural(category: Category) -> &'static str {
    match category {
        Category::Usage => "usage",
        Category::Discount => "discounts",
        Category::Credit => "credits",
        Category::Refund => "refunds",
        Category::Fee => "fees",
        Category::Tax => "tax",
        Category::Other => "other",
    }
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

/// What the word of a term means, where it is not plain.
pub(crate) fn meaning(term: Term) -> Option<&'static str> {
    match term {
        Term::Moved => Some("Other owner: the same callers, who belong to another owner than before."),
        Term::ModelMix => Some("Other models: a dearer or cheaper mix of models for the same number of tokens."),
        Term::TokenMix => Some("Other tokens: more or less output, or more or less input from the cache."),
        Term::TierMix => Some("Other tiers: more or less usage in the batch, priority or ultrafast tier."),
        Term::ContextMix => Some("Other contexts: more or less usage in prompts beyond a model's usual limit."),
        Term::Price => Some("Prices: another price for the same model, kind of token, tier and context."),
        Term::Unexplained => Some("Not in tokens: usage that is not measured in tokens, such as images or hours."),
        Term::Restatement => Some("Restated: AWS changed the earlier days after the last digest."),
        Term::New | Term::Gone | Term::Volume | Term::Charges => None,
    }
}

/// What must be known of the data, in sentences.
pub(crate) fn warning_texts(figures: &Figures) -> Vec<String> {
    let warnings = &figures.warnings;
    let mut texts = Vec::new();
    if figures.data.unverified {
        texts.push("The bill was taken as found. It may be incomplete.".to_owned());
    }
    for export in &warnings.exports_without_principals {
        texts.push(format!(
            "Export {} has no column line_item_iam_principal: nothing in it can be attributed. Turn \
             INCLUDE_IAM_PRINCIPAL_DATA on and select the column. AWS does not fill in past days.",
            name(export, 60)
        ));
    }
    let rows = |count: u64| if count == 1 { "1 line item".to_owned() } else { format!("{count} line items") };
    if warnings.unknown_usage_rows > 0 {
        let count = rows(warnings.unknown_usage_rows);
        texts.push(format!(
            "{count} of unknown usage type: the cost counts, but model and kind of token may be missing."
        ));
    }
    texts.extend(figures.stand_in.sentence());
    if warnings.rows_without_cost > 0 {
        texts.push(format!("{} without a cost: counted as zero.", rows(warnings.rows_without_cost)));
    }
    if warnings.rows_by_principal_alone > 0 {
        let count = rows(warnings.rows_by_principal_alone);
        texts.push(format!("{count} counted as Amazon Bedrock only because of a caller's name."));
    }
    // Nothing here is by session: a fleet has many, and that is nothing to warn of.
    texts.extend(Folded { sessions: 0, ..warnings.folded }.sentences());
    if warnings.lost_history > 0 {
        let deliveries = if warnings.lost_history == 1 { "delivery" } else { "deliveries" };
        texts.push(format!(
            "The history of {} {deliveries} since the last digest is lost: what was restated there is not known.",
            warnings.lost_history
        ));
    }
    texts
}

/// What counts as spend, in words: `usage and discounts`.
pub(crate) fn what_counts(policy: &CostPolicy) -> String {
    let mut names: Vec<_> = policy.count.iter().map(|category| plural(*category)).collect();
    let last = names.pop().unwrap_or("nothing");
    let names = if names.is_empty() { last.to_owned() } else { format!("{} and {last}", names.join(", ")) };
    match policy.basis {
        Basis::Unblended => names,
        Basis::NetUnblended => format!("{names} at net cost"),
    }
}
