//! Spend without a name, a tag or a single person behind it, and what to do about each.

use super::html::{
    Table, currency_heading, ids, money, name, number, numbers, section as html_section, slug, text, words,
};
use crate::allocation::tag_contract::{Spend, TagFinding};
use crate::digest::callers::{Nameless, Untagged};
use crate::digest::figures::CurrencyFigures;
use crate::money::decimal::Decimal;
use crate::page::figures::PageFigures;
use crate::text::lines::counted;
use crate::text::{day, or_none, share};

/// How many callers of each kind, how many findings, and how many accounts and values of each are named.
const CALLERS: usize = 50;
const FINDINGS: usize = 30;
const PARTS: usize = 5;

pub(super) fn section(page: &PageFigures) -> String {
    let figures = &page.figures;
    let mut body = String::new();
    for found in &figures.currencies {
        body.push_str(&currency_heading(figures.currencies.len(), &found.totals.currency));
        let parts = [nameless(found), untagged(found)].concat();
        body.push_str(if parts.is_empty() {
            "<p>All spend names its caller, and no caller lacks a tag.</p>\n"
        } else {
            &parts
        });
    }
    body.push_str(&shared(page));
    body.push_str(&people(page));
    body.push_str(&findings(page));
    html_section("asked", "Unattributed, untagged and shared: what to do", &body)
}

fn nameless(found: &CurrencyFigures) -> String {
    let currency = &found.totals.currency;
    let row = |nameless: &Nameless| {
        let (title, cure) = nameless.reason.advice();
        let part = share(nameless.spend, found.totals.spend);
        vec![name(title), number(nameless.spend), text(&part), format!("{}{}", text(cure), accounts(nameless))]
    };
    let table = Table {
        id: format!("nameless-{}", slug(currency)),
        caption: format!("Spend that names no caller, {}", or_none(currency)),
        columns: vec![words("Because"), numbers("Spend"), numbers("Share"), words("What to do")],
        rows: found.nameless.iter().map(row).collect(),
        foot: None,
    };
    if found.nameless.is_empty() { String::new() } else { table.html() }
}

/// Whom to ask about usage; nobody is asked about discounts.
fn accounts(nameless: &Nameless) -> String {
    if !nameless.reason.has_somebody_to_ask() {
        return String::new();
    }
    let named = nameless.accounts.iter().take(PARTS);
    let named: Vec<_> = named.map(|(account, spent)| format!("{} ({})", name(account), number(*spent))).collect();
    let more = match nameless.accounts.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let account = if nameless.accounts.len() == 1 { "account" } else { "accounts" };
    format!(" Ask {account} {}{more}.", named.join(", "))
}

fn untagged(found: &CurrencyFigures) -> String {
    if found.untagged.is_empty() {
        return String::new();
    }
    let currency = &found.totals.currency;
    let row = |caller: &Untagged| {
        let tags: Vec<_> = caller.tags.iter().map(|tag| name(tag)).collect();
        let ask = if caller.ask == caller.identity { "themselves".to_owned() } else { name(&caller.ask) };
        vec![
            name(&caller.identity),
            number(caller.spend),
            text(&share(caller.spend, found.totals.spend)),
            tags.join(", "),
            ask,
        ]
    };
    let all = found.untagged.iter().fold(Decimal::ZERO, |sum, caller| sum.checked_add(caller.spend).unwrap_or(sum));
    let more = found.untagged.len().saturating_sub(CALLERS);
    let more = if more > 0 { format!("<p>And {}.</p>\n", counted(more, "more caller")) } else { String::new() };
    let table = Table {
        id: format!("untagged-{}", slug(currency)),
        caption: format!("Callers without a tag that is required, {}", or_none(currency)),
        columns: vec![words("Identity"), numbers("Spend"), numbers("Share"), words("Lacks"), ids("Ask")],
        rows: found.untagged.iter().take(CALLERS).map(row).collect(),
        foot: None,
    };
    format!(
        "<p>{} lack a tag, with {} of spend. Ask those below to set it; for what is past add an [[owner]] rule.</p>\n\
         {}{more}",
        counted(found.untagged.len(), "caller"),
        money(currency, all),
        table.html()
    )
}

fn shared(page: &PageFigures) -> String {
    let shared = &page.figures.shared;
    if shared.is_empty() {
        return String::new();
    }
    let rows = shared.iter().take(CALLERS).map(|found| {
        let signs: Vec<_> = found.signs.iter().map(ToString::to_string).collect();
        vec![name(&found.identity), spend(&found.spend), text(&signs.join("; ")), text(found.cure())]
    });
    let table = Table {
        id: "shared".to_owned(),
        caption: "Callers that are probably used by several parties".to_owned(),
        columns: vec![words("Identity"), numbers("Spend"), words("Signs"), words("What to do")],
        rows: rows.collect(),
        foot: None,
    };
    table.html()
}

/// Roles that are one caller, and may be many people.
fn people(page: &PageFigures) -> String {
    let people = &page.figures.people;
    if people.is_empty() {
        return String::new();
    }
    let rows = people.iter().take(CALLERS);
    let table = Table {
        id: "people".to_owned(),
        caption: "Roles whose sessions look like people".to_owned(),
        columns: vec![words("Role"), numbers("Sessions"), words("What to do")],
        rows: rows
            .map(|role| {
                let cure = "if your identity provider sets their names, add the role to keep_sessions";
                vec![name(&role.role), text(&role.sessions.to_string()), text(cure)]
            })
            .collect(),
        foot: None,
    };
    table.html()
}

/// Where the bill departs from what is agreed on tags.
fn findings(page: &PageFigures) -> String {
    let findings = &page.figures.tag_findings;
    if findings.is_empty() {
        return String::new();
    }
    let rows = findings.iter().take(FINDINGS);
    let more = findings.len().saturating_sub(FINDINGS);
    let more = if more > 0 { format!("<p>And {}.</p>\n", counted(more, "more finding")) } else { String::new() };
    let table = Table {
        id: "tags".to_owned(),
        caption: "Tags to mend".to_owned(),
        columns: vec![words("Tag"), words("Finding"), words("What to do")],
        rows: rows.map(|finding| vec![name(finding.key()), said(finding), text(&finding.cure())]).collect(),
        foot: None,
    };
    format!("{}{more}", table.html())
}

fn said(finding: &TagFinding) -> String {
    match finding {
        TagFinding::Untagged { spend: spent, .. } => format!("lacking on {}", spend(spent)),
        TagFinding::NearDuplicates { values, .. } => {
            let values: Vec<_> =
                values.iter().take(PARTS).map(|(value, spent)| format!("{} ({})", name(value), spend(spent))).collect();
            format!("probably one value: {}", values.join(", "))
        }
        TagFinding::OutOfContract { value, spend: spent, .. } => {
            format!("{} ({}) is not an agreed value", name(value), spend(spent))
        }
        TagFinding::TooManyValues { values, .. } => format!("it has {values} values"),
        TagFinding::SpeltOtherwise { others, .. } => {
            let others: Vec<_> =
                others.iter().take(PARTS).map(|(key, spent)| format!("{} ({})", name(key), spend(spent))).collect();
            format!("probably the same tag, under another key: {}", others.join(", "))
        }
        TagFinding::NotActive { first_seen: None, before, seen_as, .. } => {
            let seen_as: Vec<_> = seen_as.iter().take(PARTS).map(|key| name(key)).collect();
            let seen_as = if seen_as.is_empty() { String::new() } else { format!(", but {}", seen_as.join(", ")) };
            format!("no line of the bill has it{seen_as}; callers spent {}", spend(before))
        }
        TagFinding::NotActive { first_seen: Some(first), before, .. } => {
            format!("first seen on {}; callers spent {} before", day(*first), spend(before))
        }
    }
}

/// Money in each of its currencies.
fn spend(spend: &Spend) -> String {
    let spends: Vec<_> = spend.iter().map(|(currency, amount)| money(currency, *amount)).collect();
    spends.join(" and ")
}
