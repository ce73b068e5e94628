//! Whom to ask: callers that are new, spend that names nobody, callers without tags.

use super::layout::{Cells, heading, row, row_of};
use crate::allocation::tag_contract::{Spend, TagFinding};
use crate::digest::callers::{Nameless, Untagged};
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::text::lines::counted;
use crate::text::{NONE, day, money, name, number, or_none, share, wrap};

/// How many callers are named.
const CALLERS: usize = 10;
/// How many findings about tags are told.
const TAG_FINDINGS: usize = 12;
/// How many accounts are named for one reason.
const ACCOUNTS: usize = 3;

pub(super) fn new_callers(found: &CurrencyFigures) -> Vec<String> {
    let callers = &found.new_callers;
    if callers.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), heading("New callers", &found.totals.currency, "", "first day")];
    for caller in callers.iter().take(CALLERS) {
        let cells = (number(caller.spend), day(caller.first_day));
        lines.push(row_of(&caller.identity, &Cells(&cells.0, "", &cells.1)));
        lines.extend(wrap("    ", &format!("owner: {}", name(or_none(&caller.owner), 60))));
    }
    lines.extend(more(callers.len()));
    lines
}

pub(super) fn nameless(found: &CurrencyFigures) -> Vec<String> {
    if found.nameless.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), heading("Spend that names no caller", &found.totals.currency, "share", "")];
    for nameless in &found.nameless {
        let (title, cure) = nameless.reason.advice();
        let part = share(nameless.spend, found.totals.spend);
        lines.push(row(title, &Cells(&number(nameless.spend), &part, "")));
        lines.extend(wrap("    ", &format!("{cure}{}", accounts(nameless))));
    }
    lines
}

/// Whom to ask about usage; nobody is asked about discounts.
fn accounts(nameless: &Nameless) -> String {
    if !nameless.reason.has_somebody_to_ask() {
        return String::new();
    }
    let named = nameless.accounts.iter().take(ACCOUNTS);
    let named = named.map(|(account, spent)| format!("{} ({})", name(or_none(account), 20), number(*spent)));
    let named: Vec<_> = named.collect();
    let more = match nameless.accounts.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let account = if nameless.accounts.len() == 1 { "account" } else { "accounts" };
    format!(" Ask {account} {}{more}.", named.join(", "))
}

pub(super) fn untagged(found: &CurrencyFigures) -> Vec<String> {
    let callers = &found.untagged;
    if callers.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), heading("Callers without a tag", &found.totals.currency, "share", "")];
    for caller in callers.iter().take(CALLERS) {
        let part = share(caller.spend, found.totals.spend);
        lines.push(row_of(&caller.identity, &Cells(&number(caller.spend), &part, "")));
        lines.extend(wrap("    ", &lacks(caller)));
    }
    lines.extend(more(callers.len()));
    lines
}

fn lacks(caller: &Untagged) -> String {
    let tags: Vec<_> = caller.tags.iter().map(|tag| name(tag, 40)).collect();
    let ask = match caller.ask.as_str() {
        ask if ask == caller.identity => "ask them".to_owned(),
        "" => format!("ask: {NONE}"),
        ask => format!("ask {}", name(ask, 40)),
    };
    format!("lacks {}; {ask}", tags.join(", "))
}

/// Callers that cannot be asked, because several parties stand behind them.
pub(super) fn shared(figures: &Figures) -> Vec<String> {
    if figures.shared.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Callers that are probably used by several parties".to_owned()];
    for found in figures.shared.iter().take(CALLERS) {
        let signs: Vec<_> = found.signs.iter().map(ToString::to_string).collect();
        lines.extend(wrap("  ", &format!("{}, {}", name(&found.identity, 50), spend(&found.spend))));
        lines.extend(wrap("    ", &format!("{}: {}", signs.join("; "), found.cure())));
    }
    lines.extend(more(figures.shared.len()));
    lines
}

/// Roles that are one caller, and may be many people.
pub(super) fn people(figures: &Figures) -> Vec<String> {
    if figures.people.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Roles whose sessions look like people".to_owned()];
    lines.extend(figures.people.iter().take(CALLERS).flat_map(|role| wrap("  ", &role.to_string())));
    let more = figures.people.len().checked_sub(CALLERS).filter(|more| *more > 0);
    lines.extend(more.map(|more| format!("  and {}", counted(more, "more role"))));
    lines
}

/// Where the bill departs from what is agreed on tags.
pub(super) fn tags(figures: &Figures) -> Vec<String> {
    if figures.tag_findings.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Tags to mend".to_owned()];
    for finding in figures.tag_findings.iter().take(TAG_FINDINGS) {
        let text = format!("{}: {}; {}", short(finding.key()), tag_finding(finding), finding.cure());
        lines.extend(wrap("  ", &text));
    }
    if let Some(more) = figures.tag_findings.len().checked_sub(TAG_FINDINGS).filter(|more| *more > 0) {
        lines.push(format!("  and {}", counted(more, "more finding")));
    }
    lines
}

fn tag_finding(finding: &TagFinding) -> String {
    match finding {
        TagFinding::Untagged { spend: spent, .. } => format!("lacking on {}", spend(spent)),
        TagFinding::NearDuplicates { values, .. } => {
            let values: Vec<_> =
                values.iter().take(5).map(|(value, spent)| format!("{} ({})", short(value), spend(spent))).collect();
            format!("probably one value: {}", values.join(", "))
        }
        TagFinding::OutOfContract { value, spend: spent, .. } => {
            format!("{} ({}) is not an agreed value", short(value), spend(spent))
        }
        TagFinding::TooManyValues { values, .. } => format!("it has {values} values"),
        TagFinding::SpeltOtherwise { others, .. } => {
            let others: Vec<_> =
                others.iter().take(5).map(|(key, spent)| format!("{} ({})", short(key), spend(spent))).collect();
            format!("probably the same tag, under another key: {}", others.join(", "))
        }
        TagFinding::NotActive { first_seen: None, before, seen_as, .. } => {
            let seen_as: Vec<_> = seen_as.iter().take(5).map(|key| short(key)).collect();
            let seen_as = if seen_as.is_empty() { String::new() } else { format!(", but {}", seen_as.join(", ")) };
            format!("no line of the bill has it{seen_as}; callers spent {}", spend(before))
        }
        TagFinding::NotActive { first_seen: Some(first), before, .. } => {
            format!("first seen on {}; callers spent {} before", day(*first), spend(before))
        }
    }
}

fn short(text: &str) -> String {
    name(text, 40)
}

/// Money in each of its currencies.
fn spend(spend: &Spend) -> String {
    let spends: Vec<_> = spend.iter().map(|(currency, amount)| money(currency, *amount)).collect();
    spends.join(" and ")
}

fn more(count: usize) -> Option<String> {
    let more = count.checked_sub(CALLERS).filter(|more| *more > 0)?;
    Some(format!("  and {} more", counted(more, "caller")))
}
