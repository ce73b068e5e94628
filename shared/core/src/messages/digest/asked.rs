//! Whom to ask: callers that are new, spend that names nobody, callers without tags.

use super::layout::{Cells, heading, row, row_of};
use crate::allocation::tag_contract::Spend;
use crate::digest::callers::Untagged;
use crate::digest::figures::{CurrencyFigures, Figures};
use crate::digest::phrase::{accounts_to_ask, tag_finding};
use crate::digest::wording::{NAMELESS, NEW_CALLERS, PEOPLE, SHARED, TAGS};
use crate::text::{NONE, counted, day, money, name, number, or_none, share, wrap};

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
    let mut lines = vec![String::new(), heading(NEW_CALLERS, &found.totals.currency, "", "first day")];
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
    let mut lines = vec![String::new(), heading(NAMELESS, &found.totals.currency, "share", "")];
    for nameless in &found.nameless {
        let (title, cure) = nameless.reason.advice();
        let part = share(nameless.spend, found.totals.spend);
        lines.push(row(title, &Cells(&number(nameless.spend), &part, "")));
        lines.extend(wrap("    ", &format!("{cure}{}", accounts_to_ask(nameless, ACCOUNTS).plain(20))));
    }
    lines
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
    let mut lines = vec![String::new(), SHARED.to_owned()];
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
    let mut lines = vec![String::new(), PEOPLE.to_owned()];
    lines.extend(figures.people.iter().take(CALLERS).flat_map(|role| wrap("  ", &role.to_string())));
    let more = figures.people.len().checked_sub(CALLERS).filter(|more| *more > 0);
    lines.extend(more.map(|more| format!("  and {}", counted(more, "more role", "more roles"))));
    lines
}

/// Where the bill departs from what is agreed on tags.
pub(super) fn tags(figures: &Figures) -> Vec<String> {
    if figures.tag_findings.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), TAGS.to_owned()];
    for finding in figures.tag_findings.iter().take(TAG_FINDINGS) {
        let text = format!("{}: {}; {}", name(finding.key(), 40), tag_finding(finding).plain(40), finding.cure());
        lines.extend(wrap("  ", &text));
    }
    if let Some(more) = figures.tag_findings.len().checked_sub(TAG_FINDINGS).filter(|more| *more > 0) {
        lines.push(format!("  and {}", counted(more, "more finding", "more findings")));
    }
    lines
}

/// Money in each of its currencies.
fn spend(spend: &Spend) -> String {
    let spends: Vec<_> = spend.iter().map(|(currency, amount)| money(currency, *amount)).collect();
    spends.join(" and ")
}

fn more(count: usize) -> Option<String> {
    let more = count.checked_sub(CALLERS).filter(|more| *more > 0)?;
    Some(format!("  and {} more", counted(more, "caller", "callers")))
}
