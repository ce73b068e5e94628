//! The six lines that stand alone, and what must be known of the data.

use super::layout::fitting;
use super::movers::days_compared;
use crate::digest::extent::Extent;
use crate::digest::figures::{CurrencyFigures, Figures, OpenMonth};
use crate::digest::left_out::LeftOut;
use crate::digest::phrase::largest_left_out;
use crate::digest::wording::{MAY_CHANGE, as_of, no_line_items, warning_texts, what_counts, word};
use crate::facts::spend::Basis;
use crate::forecast::Outlook;
use crate::money::currencies::largest_first;
use crate::money::decimal::Decimal;
use crate::text::lines::{labelled, signed, signed_whole};
use crate::text::{counted, days, money, month, share, short_month, used};

/// An amount as it is said.
type AmountText = fn(&str, Decimal) -> String;

/// How many columns a caller's name may take in a sentence.
const CALLER: usize = 50;

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
    lines.extend(restated(found));
    lines
}

/// The lines of a month without line items.
pub(crate) fn nothing(figures: &Figures) -> Vec<String> {
    let mut lines = labelled("Total", &no_line_items(figures.period));
    lines.extend(decisions(figures));
    lines
}

fn change(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let (Some(windows), Some(change)) = (&figures.windows, &found.change) else {
        return labelled("Change", "not known yet: no earlier days that are settled and known");
    };
    let currency = &found.totals.currency;
    let largest = change.total.largest_terms();
    let span = days_compared(windows);
    let said = |most: usize, total_text: AmountText, amount_text: AmountText| {
        let terms = largest.iter().take(most).map(|(term, amount)| {
            format!("{} {}", word(*term, *amount, &figures.policy), amount_text(currency, *amount))
        });
        let terms: Vec<_> = terms.collect();
        let colon = if terms.is_empty() { "" } else { ": " };
        format!("{} in {span}{colon}{}", total_text(currency, change.total.change()), terms.join(", "))
    };
    // Whatever there is no room for, the last day is said: the newest days are not in the change.
    let mut texts = vec![said(2, signed, signed)];
    if largest.iter().take(2).all(|(_, amount)| !amount.round_to(0).is_zero()) {
        texts.extend([said(2, signed, signed_whole), said(2, signed_whole, signed_whole)]);
    }
    texts.extend([said(1, signed, signed), said(1, signed, signed_whole), said(0, signed, signed)]);
    fitting("Change", &texts)
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
    let others = match (count, figures.extent) {
        (0, _) => "no budget is set".to_owned(),
        (1, Extent::Closed) => format!("the one budget was {}kept", if at_risk == 0 { "" } else { "not " }),
        (count, Extent::Closed) => format!("{at_risk} of {count} budgets over"),
        (1, _) => format!("the one budget is {}at risk", if at_risk == 0 { "not " } else { "" }),
        (count, _) => format!("{at_risk} of {count} budgets at risk"),
    };
    fitting("Forecast", &[format!("{heading}{of_budget}; {others}")])
}

fn decisions(figures: &Figures) -> Vec<String> {
    let text = match figures.decisions.len() {
        0 => "nothing".to_owned(),
        count => format!("{}, listed below", counted(count, "thing", "things")),
    };
    labelled("To decide", &text)
}

fn reconciliation(figures: &Figures, found: &CurrencyFigures) -> Vec<String> {
    let totals = &found.totals;
    let bill = money(&totals.currency, totals.bill);
    if totals.reconciled(&figures.policy) != Ok(totals.bill) {
        let text = format!("DOES NOT ADD UP: the sum of its parts is not {bill}. Do not post it; report this as a bug");
        return labelled("The bill", &text);
    }
    let basis = match figures.policy.basis {
        Basis::Unblended => "",
        Basis::NetUnblended => " at net cost",
    };
    if figures.data.unverified {
        let exact = format!("the files as found add up exactly to {bill}{basis}; they may be incomplete");
        return fitting("The bill", &[exact]);
    }
    fitting("The bill", &[format!("adds up exactly: Bedrock's part of it is {bill}{basis}")])
}

/// What was restated of closed months: people have posted it.
pub(crate) fn restated(found: &CurrencyFigures) -> Vec<String> {
    let months = restated_months(found);
    if months.is_empty() { Vec::new() } else { labelled("Restated", &format!("after close: {}", several(&months))) }
}

/// The closed months that were restated: `Oct 2026 by +$180.00`.
pub(super) fn restated_months(found: &CurrencyFigures) -> Vec<String> {
    let months = found.restated.iter().filter(|restated| restated.after_close).map(|restated| {
        let month = short_month(restated.period);
        if restated.amount.is_zero() {
            return format!("{month}, its sum unchanged");
        }
        format!("{month} by {}", signed(&found.totals.currency, restated.amount))
    });
    months.collect()
}

/// The first of some, and how many more there are.
pub(super) fn several(said: &[String]) -> String {
    let named = said.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" and ");
    match said.len().saturating_sub(2) {
        0 => named,
        more => format!("{named}, and {more} more"),
    }
}

/// The month before, while nobody else tells of it.
fn open_month(open: &OpenMonth) -> Vec<String> {
    let spends = largest_first(&open.spend).into_iter().map(|(currency, spend)| money(currency, spend));
    let spends = spends.collect::<Vec<_>>();
    let spends = if spends.is_empty() { "no spend".to_owned() } else { spends.join(" and ") };
    labelled("Not closed", &format!("{}: {spends}", month(open.period)))
}

/// What is large and not in the change, because its days may still change.
fn left_out(currency: &str, left_out: &LeftOut) -> Vec<String> {
    let Some(largest) = largest_left_out(currency, left_out) else { return Vec::new() };
    let more = match left_out.callers.len().saturating_sub(1) {
        0 => String::new(),
        more => format!("; {} more like that", counted(more, "caller", "callers")),
    };
    let (span, all) = (days(left_out.first, left_out.last), money(currency, left_out.spend));
    labelled("Left out", &format!("of the change: {span}, {all}, with {}{more}", largest.plain(CALLER)))
}

/// The month before, up to when the bill speaks, what of it may still change, and what the change leaves out of that.
pub(super) fn data_as_of(figures: &Figures) -> Vec<String> {
    let mut lines = figures.open_month.as_ref().map_or_else(Vec::new, open_month);
    lines.extend(labelled("Data as of", &as_of(figures.data.as_of)));
    for found in &figures.currencies {
        let provisional = &found.totals.provisional;
        if let (Some((first, _)), Some((last, _))) = (provisional.first_key_value(), provisional.last_key_value()) {
            let sum = money(&found.totals.currency, found.totals.provisional_spend());
            let text = format!("{} ({sum}) {MAY_CHANGE}", days(*first, *last));
            lines.extend(labelled("Provisional", &text));
        }
        if let Some(found_after) = &found.left_out {
            lines.extend(left_out(&found.totals.currency, found_after));
        }
    }
    lines
}

pub(crate) fn warnings(figures: &Figures) -> Vec<String> {
    warning_texts(figures).iter().flat_map(|text| labelled("Warning", text)).collect()
}

/// The period and how much of it there is: `November 2026 to date`.
pub(crate) fn extent(figures: &Figures) -> String {
    let extent = match figures.extent {
        Extent::ToDate => " to date",
        Extent::NotClosed => ", not closed yet",
        Extent::Closed => ", closed",
    };
    format!("{}{extent}", month(figures.period))
}
