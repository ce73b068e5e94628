//! `check`: what a configuration says, in a sentence for each rule, whom each matches, and what the metrics cost.

mod idle;

use std::collections::BTreeSet;
use std::io::Write;

use chrono::{DateTime, Utc};
use spend_core::fact::FactField;
use spend_core::mute::Mute;
use spend_core::rule::Rule;
use spend_core::{rules, sentence, text};
use spend_ledger::book::Book;
use spend_ledger::committed;
use spend_ledger::config::Config;
use spend_ledger::metrics;

use self::idle::Billed;
use crate::cli::Check;
use crate::error::CommandError;
use crate::{in_force, periods};

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
    for (rule, sentence) in sentence::of_all(rules) {
        writeln!(out, "{}: {sentence}", text::clean(&rule.name))?;
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
        if let Some(book) = &book {
            muted(mute, &config, book, out)?;
        }
    }
    for line in book.iter().flat_map(|book| idle::settings(&config, &Billed::of(book.facts()))) {
        writeln!(out, "{line}")?;
    }
    if let Some(cost) = cost {
        writeln!(out, "metrics: {cost}")?;
    }
    writeln!(out, "{} is a valid configuration", options.config.display())?;
    Ok(())
}

/// Whom a rule matches in the months that rules look at.
fn members(rule: &Rule, config: &Config, book: &Book, out: &mut impl Write) -> Result<(), CommandError> {
    let matched = rules::matched(rule, book.facts(), &config.cost)?;
    if matched.is_empty() {
        writeln!(out, "    notice: it matches nobody today")?;
        return Ok(());
    }
    for (member, spent) in matched.iter().take(NAMED) {
        let name = member.as_deref().map_or_else(|| "all that matches".to_owned(), text::shown);
        writeln!(out, "    {name}: {} in three months", text::money(&rule.currency, *spent))?;
    }
    if matched.len() > NAMED {
        writeln!(out, "    and {} more", matched.len() - NAMED)?;
    }
    let spent = book.facts().filter(|fact| rule.matches(&fact.key) && config.cost.spend(fact).is_some());
    let currencies: BTreeSet<_> = spent.map(|fact| fact.key.get(FactField::Currency)).collect();
    if !currencies.contains(rule.currency.as_str()) {
        let spent: Vec<_> = currencies.into_iter().map(text::shown).collect();
        writeln!(out, "    notice: nothing of it is spent in {}, but in {}", rule.currency, spent.join(", "))?;
    }
    let budget = config.rules.budgets.iter().find(|budget| budget.rule.name == rule.name);
    for own in budget.map(|budget| budget.overrides.as_slice()).unwrap_or_default() {
        if !matched.iter().any(|(member, _)| member.as_deref() == Some(own.member.as_str())) {
            writeln!(out, "    notice: it has no member {}, who has a limit of its own", text::shown(&own.member))?;
        }
    }
    Ok(())
}

/// Whether there is anybody to mute.
fn muted(mute: &Mute, config: &Config, book: &Book, out: &mut impl Write) -> Result<(), CommandError> {
    for (rule, _) in config.rules.all().filter(|(rule, _)| rule.name == mute.rule) {
        let matched = rules::matched(rule, book.facts(), &config.cost)?;
        if !matched.iter().any(|(member, _)| mute.matches(&rule.name, member.as_deref())) {
            writeln!(out, "    notice: it mutes nobody today")?;
        }
    }
    Ok(())
}
