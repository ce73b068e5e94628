//! The step that tells finance: the month to date, at most once a week.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use spend_core::bedrock_line::Rule;
use spend_core::digest_text::{Digest, DigestWarnings};
use spend_core::error_class::Class;
use spend_core::fact::Fact;
use spend_core::line::SumOutOfRange;
use spend_core::period::BillingPeriod;

use crate::book::{Book, BookPeriod};
use crate::config::Config;
use crate::document::Document;
use crate::outbox::{self, Outbox, OutboxError, OutboxState};
use crate::outputs::{Message, Notifier, Topic};
use crate::store::Store;

/// Where the state lies.
pub const STATE_KEY: &str = "digests/state.json";

/// Which digests were made, and what is to be sent. Nothing in it is ever deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct DigestState {
    outbox: Outbox,
    /// Of which deliveries (by export) the last digest of each period was made.
    told: BTreeMap<BillingPeriod, BTreeMap<String, String>>,
}

impl Document for DigestState {
    const FORMAT: &'static str = "digest-state";
    const VERSION: u32 = 1;
}

impl OutboxState for DigestState {
    const KEY: &'static str = STATE_KEY;

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestSummary {
    /// The id of the digest that was made, if one was due.
    pub made: Option<String>,
    /// How many messages were sent, those of earlier runs among them.
    pub sent: usize,
}

/// Why there is no digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// The state could not be changed, or messages were not sent.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A sum is too large to be money.
    #[error("failed to sum up the digest: {0}")]
    Sum(#[from] SumOutOfRange),
}

impl DigestError {
    /// The stable name of this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbox(error) => error.kind(),
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Outbox(error) => error.class(),
            Self::Sum(_) => Class::Operator,
        }
    }
}

/// Makes the digest of the month that contains `now`, or of the newest month if that one has no facts, unless this
/// ISO week (Monday, UTC) has one of it already or nothing was delivered since the last one, and sends what is
/// pending. An empty book has no digest.
///
/// # Errors
///
/// [`DigestError`]; running it again is safe and finishes what was left.
pub async fn react<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<DigestSummary, DigestError> {
    let made = record(store, config, book, now).await;
    let sent = drain(store, notifier, now).await;
    Ok(DigestSummary { made: made?, sent: sent? })
}

/// Sends what is pending. Returns how many messages were sent.
///
/// # Errors
///
/// [`OutboxError`]; what was not sent stays pending.
pub async fn drain<S: Store, N: Notifier>(store: &S, notifier: &N, now: DateTime<Utc>) -> Result<usize, OutboxError> {
    outbox::drain::<DigestState, S, N>(store, notifier, now).await
}

async fn record<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<Option<String>, DigestError> {
    let Some(period) = period_to_tell(book, now) else { return Ok(None) };
    let week = now.iso_week();
    let id = format!("digest:{period}:{:04}-W{:02}", week.year(), week.week());
    let message = message(config, book, period, &id, now)?;
    let in_force = |found: &BookPeriod| (found.export_id.clone(), found.delivery_id.clone());
    let deliveries: BTreeMap<_, _> = book.of(period).map(in_force).collect();
    let made = outbox::update(store, |state: &mut DigestState| {
        let is_due = !state.outbox.knows(&id) && state.told.get(&period) != Some(&deliveries);
        if is_due {
            state.outbox.queue(&id, vec![message.clone()], now);
            state.told.insert(period, deliveries.clone());
        }
        is_due
    });
    Ok(made.await?.then_some(id))
}

/// The month that contains `now` if it has facts, else the newest that has some, else the newest.
fn period_to_tell(book: &Book, now: DateTime<Utc>) -> Option<BillingPeriod> {
    let current = BillingPeriod::of(now.date_naive());
    let has_facts = |period: &BillingPeriod| book.of(*period).any(|found| !found.facts.is_empty());
    let months = book.months();
    let newest = months.iter().rev().find(|period| has_facts(period)).or(months.last());
    Some(current).filter(has_facts).or(newest.copied())
}

fn message(
    config: &Config,
    book: &Book,
    period: BillingPeriod,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Message, SumOutOfRange> {
    let facts: Vec<&Fact> = book.of(period).flat_map(|found| &found.facts).collect();
    let text = Digest {
        period,
        facts: &facts,
        policy: &config.cost,
        showback_tag: config.required_tags.first().map(String::as_str),
        data: book.status(period),
        warnings: warnings(book.of(period)),
        now,
    }
    .text()?;
    let attributes = [
        ("kind", "digest"),
        ("status", "-"),
        ("rule", "-"),
        ("member", "-"),
        ("severity", "notice"),
        ("owner", "-"),
        ("alert_id", id),
        ("incident_key", &format!("digest:{period}")),
    ];
    let attributes: BTreeMap<_, _> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Message { topic: Topic::Digest, subject: text.subject, body: text.body, attributes })
}

fn warnings<'a>(periods: impl Iterator<Item = &'a BookPeriod>) -> DigestWarnings {
    let mut warnings = DigestWarnings::default();
    for found in periods {
        if found.counts.lacks_principal_column() {
            warnings.exports_without_principals.insert(found.export_id.clone());
        }
        let by_principal_alone = found.counts.rules.iter().find(|(rule, ..)| *rule == Rule::Principal);
        warnings.rows_by_principal_alone += by_principal_alone.map_or(0, |(_, _, alone)| alone);
        warnings.unknown_usage_rows += found.unknown_usage_rows;
        warnings.rows_without_cost += found.counts.rows_without_cost;
    }
    warnings
}

#[cfg(test)]
mod tests;
