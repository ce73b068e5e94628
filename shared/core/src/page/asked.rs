//! Spend without a name, a tag or a single person behind it, and what to do about each.

use maud::{Markup, html};

use super::html::{
    Table, currency_heading, ids, joined, money, name, number, numbers, phrase, section as html_section, slug, text,
    words,
};
use crate::allocation::tag_contract::Spend;
use crate::digest::callers::{Nameless, Untagged};
use crate::digest::figures::CurrencyFigures;
use crate::digest::phrase::{accounts_to_ask, tag_finding};
use crate::digest::wording::{NAMELESS, PEOPLE, SHARED, TAGS};
use crate::money::decimal::Decimal;
use crate::page::figures::PageFigures;
use crate::text::{counted, or_none, share};

/// How many callers of each kind, how many findings, and how many accounts are named.
const CALLERS: usize = 50;
const FINDINGS: usize = 30;
const ACCOUNTS: usize = 5;

pub(super) fn section(page: &PageFigures) -> Markup {
    let figures = &page.figures;
    let body = html! {
        @for found in &figures.currencies {
            (currency_heading(figures.currencies.len(), &found.totals.currency))
            @if found.nameless.is_empty() && found.untagged.is_empty() {
                p { "All spend names its caller, and no caller lacks a tag." }
            }
            (nameless(found))
            (untagged(found))
        }
        (shared(page))
        (people(page))
        (findings(page))
    };
    html_section("asked", "Unattributed, untagged and shared: what to do", &body)
}

fn nameless(found: &CurrencyFigures) -> Markup {
    if found.nameless.is_empty() {
        return Markup::default();
    }
    let currency = &found.totals.currency;
    let row = |nameless: &Nameless| {
        let (title, cure) = nameless.reason.advice();
        let part = share(nameless.spend, found.totals.spend);
        vec![
            name(title),
            number(nameless.spend),
            text(&part),
            html! { (text(cure)) (phrase(&accounts_to_ask(nameless, ACCOUNTS))) },
        ]
    };
    let table = Table {
        id: format!("nameless-{}", slug(currency)),
        caption: format!("{NAMELESS}, {}", or_none(currency)),
        columns: vec![words("Because"), numbers("Spend"), numbers("Share"), words("What to do")],
        rows: found.nameless.iter().map(row).collect(),
        foot: None,
    };
    table.html()
}

fn untagged(found: &CurrencyFigures) -> Markup {
    if found.untagged.is_empty() {
        return Markup::default();
    }
    let currency = &found.totals.currency;
    let row = |caller: &Untagged| {
        let tags: Vec<_> = caller.tags.iter().map(|tag| name(tag)).collect();
        let ask = if caller.ask == caller.identity { text("themselves") } else { name(&caller.ask) };
        vec![
            name(&caller.identity),
            number(caller.spend),
            text(&share(caller.spend, found.totals.spend)),
            joined(&tags, ", "),
            ask,
        ]
    };
    let all = found.untagged.iter().fold(Decimal::ZERO, |sum, caller| sum.checked_add(caller.spend).unwrap_or(sum));
    let more = found.untagged.len().saturating_sub(CALLERS);
    let table = Table {
        id: format!("untagged-{}", slug(currency)),
        caption: format!("Callers without a tag that is required, {}", or_none(currency)),
        columns: vec![words("Identity"), numbers("Spend"), numbers("Share"), words("Lacks"), ids("Ask")],
        rows: found.untagged.iter().take(CALLERS).map(row).collect(),
        foot: None,
    };
    html! {
        p {
            (counted(found.untagged.len(), "caller", "callers")) (if found.untagged.len() == 1 { " lacks" } else { " lack" })
            " a tag, with " (money(currency, all)) " of spend. "
            "Ask those below to set it. For past spend, add an [[owner]] rule."
        }
        (table.html())
        @if more > 0 { p { "And " (counted(more, "more caller", "more callers")) "." } }
    }
}

fn shared(page: &PageFigures) -> Markup {
    let shared = &page.figures.shared;
    if shared.is_empty() {
        return Markup::default();
    }
    let rows = shared.iter().take(CALLERS).map(|found| {
        let signs: Vec<_> = found.signs.iter().map(ToString::to_string).collect();
        vec![name(&found.identity), spend(&found.spend), text(&signs.join("; ")), text(found.cure())]
    });
    let table = Table {
        id: "shared".to_owned(),
        caption: SHARED.to_owned(),
        columns: vec![words("Identity"), numbers("Spend"), words("Signs"), words("What to do")],
        rows: rows.collect(),
        foot: None,
    };
    table.html()
}

/// Roles that are one caller, and may be many people.
fn people(page: &PageFigures) -> Markup {
    let people = &page.figures.people;
    if people.is_empty() {
        return Markup::default();
    }
    let rows = people.iter().take(CALLERS);
    let table = Table {
        id: "people".to_owned(),
        caption: PEOPLE.to_owned(),
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
fn findings(page: &PageFigures) -> Markup {
    let findings = &page.figures.tag_findings;
    if findings.is_empty() {
        return Markup::default();
    }
    let rows = findings.iter().take(FINDINGS);
    let more = findings.len().saturating_sub(FINDINGS);
    let table = Table {
        id: "tags".to_owned(),
        caption: TAGS.to_owned(),
        columns: vec![words("Tag"), words("Finding"), words("What to do")],
        rows: rows
            .map(|finding| vec![name(finding.key()), phrase(&tag_finding(finding)), text(&finding.cure())])
            .collect(),
        foot: None,
    };
    html! {
        (table.html())
        @if more > 0 { p { "And " (counted(more, "more finding", "more findings")) "." } }
    }
}

/// Money in each of its currencies.
fn spend(spend: &Spend) -> Markup {
    let spends: Vec<_> = spend.iter().map(|(currency, amount)| money(currency, *amount)).collect();
    joined(&spends, " and ")
}
