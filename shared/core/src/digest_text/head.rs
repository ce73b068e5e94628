//! The six lines that stand alone, and what must be known of the data.

use super::extent;
use super::layout::{counted, fitting, labelled, plural, signed, signed_whole};
use super::movers::{days_compared, word};
use crate::decimal::Decimal;
use crate::digest::{CurrencyFigures, Figures};
use crate::forecast::Outlook;
use crate::spend::{Basis, CostPolicy};
use crate::text::{days, instant, money, month, share, shorten, used};

/// The lines of a currency.
pub(super) fn lines(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let totals = &found.totals;
    let spend = money(&totals.currency, totals.spend);
    let total = [
        format!("{spend} of {}, {}", what_counts(&figures.policy), extent(figures)),
        format!("{spend}, {}", extent(figures)),
    ];
    let mut lines = fitting("Total", &total);
    lines.extend(change(figures, found));
    lines.extend(forecast(figures, found));
    let attributed = if totals.usage.is_zero() && totals.unattributed().is_zero() {
        "there is no usage".to_owned()
    } else if totals.unattributed().is_zero() {
        "all usage names its caller".to_owned()
    } else {
        let part = share(totals.attributed, totals.usage);
        format!("{part} of usage names its caller; {} does not", money(&totals.currency, totals.unattributed()))
    };
    lines.extend(labelled("Attributed", &attributed));
    lines.extend(decisions(figures));
    lines.extend(reconciliation(figures, found));
    lines
}

/// The lines of a month without line items.
pub(super) fn nothing(figures: &Figures) -> Vec<String> {
    let text = format!("the bill has no Amazon Bedrock line items for {}", month(figures.period));
    let mut lines = labelled("Total", &text);
    lines.extend(decisions(figures));
    lines
}

fn change(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let (Some(windows), Some(change)) = (&figures.windows, &found.change) else {
        return labelled("Change", "not known yet: no earlier days that are settled and known");
    };
    let currency = &found.totals.currency;
    let largest = change.total.largest_terms();
    let said = |amount_text: &dyn Fn(&str, Decimal) -> String, span: &str| {
        let terms = largest.iter().take(2).map(|(term, amount)| {
            format!("{} {}", word(*term, *amount, &figures.policy), amount_text(currency, *amount))
        });
        let terms: Vec<_> = terms.collect();
        let colon = if terms.is_empty() { "" } else { ": " };
        format!("{} in {span}{colon}{}", amount_text(currency, change.total.change()), terms.join(", "))
    };
    let (long, short) = (days_compared(windows), format!("{} days", windows.length()));
    fitting("Change", &[said(&signed, &long), said(&signed, &short), said(&signed_whole, &short)])
}

/// Where the month is heading, against its budget, and how the other budgets do.
fn forecast(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let currency = &found.totals.currency;
    let (heading, reached) = match found.outlook {
        Outlook::Forecast(forecast) => {
            let last = figures.period.last_day();
            let expected = money(currency, forecast.expected);
            (format!("{expected} by {}", days(last, last)), forecast.expected)
        }
        Outlook::Over => ("the month is over".to_owned(), found.totals.spend),
        Outlook::TooEarly { .. } => ("too early to say".to_owned(), found.totals.spend),
    };
    let of_budget = found.budget.as_ref().map_or_else(String::new, |budget| {
        let is_foretold = matches!(found.outlook, Outlook::Forecast(_));
        let so_far = if is_foretold { "" } else { "; spent " };
        let separator = if is_foretold { ", " } else { "" };
        format!("{so_far}{separator}{} of its budget", used(reached, budget.amount))
    });
    let count = figures.budgets_measured.get(currency).copied().unwrap_or_default();
    let at_risk = figures.budgets.iter().filter(|budget| budget.currency == *currency).count();
    let others = match count {
        0 => "no budget is set".to_owned(),
        1 => format!("the one budget is {}at risk", if at_risk == 0 { "not " } else { "" }),
        count => format!("{at_risk} of {count} budgets at risk"),
    };
    fitting("Forecast", &[format!("{heading}{of_budget}; {others}")])
}

fn decisions(figures: &Figures) -> Vec<String> {
    let text = match figures.decisions.len() {
        0 => "nothing".to_owned(),
        count => format!("{}, listed below", counted(count, "thing")),
    };
    labelled("To decide", &text)
}

fn reconciliation(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let totals = &found.totals;
    let bill = money(&totals.currency, totals.bill);
    if totals.reconciled(&figures.policy) != Ok(totals.bill) {
        let text = format!("DOES NOT ADD UP: its parts are not {bill}. Do not post this; please report it");
        return labelled("The bill", &text);
    }
    let basis = match figures.policy.basis {
        Basis::Unblended => "",
        Basis::NetUnblended => " at net cost",
    };
    fitting("The bill", &[format!("adds up exactly: Bedrock's part of it is {bill}{basis}")])
}

/// Up to when the bill speaks, and what of it may still change.
pub(super) fn data_as_of(figures: &Figures) -> Vec<String> {
    let as_of = figures.data.as_of.map_or_else(|| "not known".to_owned(), instant);
    let mut lines = labelled("Data as of", &as_of);
    for found in &figures.currencies {
        let provisional = &found.totals.provisional;
        if let (Some((first, _)), Some((last, _))) = (provisional.first_key_value(), provisional.last_key_value()) {
            let sum = money(&found.totals.currency, found.totals.provisional_spend());
            let text = format!("{} ({sum}) may still change, as a rule upwards", days(*first, *last));
            lines.extend(labelled("Provisional", &text));
        }
    }
    lines
}

pub(super) fn warnings(figures: &Figures) -> Vec<String> {
    warning_texts(figures).iter().flat_map(|text| labelled("Warning", text)).collect()
}

/// What must be known of the data, in sentences.
pub(crate) fn warning_texts(figures: &Figures) -> Vec<String> {
    let warnings = &figures.warnings;
    let mut texts = Vec::new();
    if figures.data.unverified {
        texts.push("The bill was taken as found: nothing says that it is complete.".to_owned());
    }
    for export in &warnings.exports_without_principals {
        texts.push(format!(
            "Export {} has no column line_item_iam_principal: nothing in it can be attributed. Turn \
             INCLUDE_IAM_PRINCIPAL_DATA on and select the column; what is past is not filled in.",
            shorten(export, 60)
        ));
    }
    let rows = |count: u64| if count == 1 { "1 line item".to_owned() } else { format!("{count} line items") };
    if warnings.unknown_usage_rows > 0 {
        let count = rows(warnings.unknown_usage_rows);
        texts.push(format!("Of unknown usage type: {count}. The cost counts; model and kind may be missing."));
    }
    if warnings.rows_without_cost > 0 {
        texts.push(format!("Without a cost: {}, taken as zero.", rows(warnings.rows_without_cost)));
    }
    if warnings.rows_by_principal_alone > 0 {
        let count = rows(warnings.rows_by_principal_alone);
        texts.push(format!("Taken for Bedrock's only because they name a caller: {count}."));
    }
    if warnings.lost_history > 0 {
        let count = warnings.lost_history;
        texts
            .push(format!("What {count} of the deliveries since the last digest restated is lost with their history."));
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
