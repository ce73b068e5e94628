//! `check`: what a configuration says, in a sentence for each rule, whom each matches, and what the metrics cost.

use std::io::Write;

use chrono::{DateTime, Utc};
use spend_core::rules::evaluation;
use spend_core::rules::rule::Rule;
use spend_core::text;
use spend_ledger::config::Config;
use spend_ledger::metrics;
use spend_ledger::state::book::Book;
use spend_ledger::state::committed;

use crate::cli::Check;
use crate::error::CommandError;
use crate::{idle, in_force, periods};

/// How many members of a rule are named.
const NAMED: usize = 5;

/// Writes it to `out`.
///
/// # Errors
///
/// [`CommandError`]: everything that is wrong with the configuration, or that the ledger cannot be read.
pub(crate) async fn run(options: &Check, now: DateTime<Utc>, out: &mut impl Write) -> Result<(), CommandError> {
    let (config, _) = in_force::read(&options.config)?;
    let now = options.now.unwrap_or(now);
    let (mut book, mut cost) = (None, None);
    if let Some(ledger) = &options.ledger {
        let store = periods::open(ledger)?;
        book = Some(committed::book(&store, now).await?);
        cost = Some(metrics::predict(&store, &config, now).await?);
    }
    let rules = &config.rules;
    for kind in rules.all() {
        let rule = kind.rule();
        writeln!(out, "{}: {}", text::clean(&rule.name), kind.sentence())?;
        if let Some(book) = &book {
            members(rule, &config, book, out)?;
        }
    }
    if rules.is_empty() {
        writeln!(out, "there is no rule: nothing would ever be told")?;
    }
    for mute in &config.mutes {
        let state = if mute.is_in_force(now) { "muted until" } else { "was muted until" };
        let (rule, member, reason) = (text::clean(&mute.rule), text::clean(&mute.member), text::clean(&mute.reason));
        writeln!(out, "{rule}: {state} {} for {member}: {reason}", mute.until)?;
        if let Some(notice) = book.as_ref().and_then(|book| idle::of_mute(mute, &config, book)) {
            writeln!(out, "    notice: {notice}")?;
        }
    }
    for (subject, notice) in book.iter().flat_map(|book| idle::settings(&config, book)) {
        writeln!(out, "{subject}: notice: {notice}")?;
    }
    if let Some(cost) = cost {
        writeln!(out, "metrics: {cost}")?;
    }
    writeln!(out, "{} is a valid configuration", options.config.display())?;
    Ok(())
}

/// Whom a rule matches in the months that rules look at.
fn members(rule: &Rule, config: &Config, book: &Book, out: &mut impl Write) -> Result<(), CommandError> {
    let matched = evaluation::matched(rule, book.facts(), &config.cost)?;
    for (member, spent) in matched.iter().take(NAMED) {
        let name = member.as_deref().map_or_else(|| "all that matches".to_owned(), text::shown);
        writeln!(out, "    {name}: {} in three months", text::money(&rule.currency, *spent))?;
    }
    if matched.len() > NAMED {
        writeln!(out, "    and {} more", matched.len() - NAMED)?;
    }
    for notice in idle::of_rule(rule, config, book) {
        writeln!(out, "    notice: {notice}")?;
    }
    Ok(())
}
