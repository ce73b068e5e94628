//! The step that tells finance: once a week, when a month closes, and of a month that has not closed in time. Each once,
//! never lost.
//!
//! One object, [`STATE_KEY`], says which digests are known and what is to be sent; see [`crate::outputs::outbox`]. A digest is
//! two messages with one id: text for people, and [`DigestEvent`] for machines. Both come from the same figures.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::digest::extent::DigestKind;
use spend_core::errors::class::Class;
use spend_core::money::decimal::SumOutOfRange;

use crate::config::Config;
use crate::outputs::outbox::{self, Lease, OutboxError};
use crate::outputs::{Message, Notifier};
use crate::state::book::Book;
use crate::state::committed::CommittedError;
use crate::state::document::DocumentError;
use crate::store::Store;

mod compose;
mod due;
pub(crate) mod event;
pub mod page;
mod restated;
pub(crate) mod state;
mod windows;

pub use event::{
    AmountEvent, BudgetUseEvent, CallerEvent, ChangeEvent, CurrencyEvent, DecisionEvent, DigestEvent, ForecastEvent,
    LargeDayEvent, LeftOutEvent, Listed, MoveEvent, MuteEvent, NamelessEvent, NewCallerEvent, OpenMonthEvent,
    ProvisionalEvent, RestatedEvent, SharedEvent, ShowbackEvent, SpanEvent, TagFindingEvent, UntaggedEvent,
    VarianceEvent, WarningsEvent,
};
pub use state::STATE_KEY;

use due::Due;
use state::{DigestState, Told};

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestSummary {
    /// The id of the digest that was made, if one was due; several are separated by blanks.
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
    /// What deliveries have changed could not be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// A document could not be read, or the event not be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A sum is too large to be money.
    #[error("failed to sum up the digest: {0}")]
    Sum(#[from] SumOutOfRange),
}

impl DigestError {
    /// The stable name of this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbox(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    pub fn class(&self) -> Class {
        match self {
            Self::Outbox(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Sum(_) => Class::Operator,
        }
    }
}

/// Makes the digests that are due, and sends what is pending. May be called as often as one likes.
///
/// Due are, each once:
/// - *weekly*: from `[digest] day` on, of the month that contains `now`, or of the newest month if that one has no
///   facts; not while nothing was delivered since the last digest of that month;
/// - *close*: of a month that has closed;
/// - *preliminary*: of a month that has not closed on the 15th of the next one.
///
/// The first call tells of the week alone: months that had closed, or were late, are not told of any more. An empty book
/// has no digest.
///
/// # Errors
///
/// [`DigestError`]; running it again is safe and finishes what was left.
pub async fn react<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    config: &Config,
    book: &Book,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<DigestSummary, DigestError> {
    let made = record(store, config, book, now).await;
    let sent = drain(store, notifier, lease, now).await;
    let made = made?;
    Ok(DigestSummary { made: (!made.is_empty()).then(|| made.join(" ")), sent: sent? })
}

/// Sends what is pending. Returns how many messages were sent.
///
/// # Errors
///
/// [`OutboxError`]; what was not sent stays pending.
pub async fn drain<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    outbox::drain::<DigestState, S, N>(store, notifier, lease, now).await
}

/// The messages of a digest of `kind`, whether it is due or not. Nothing is written. Without a period it is of the month
/// that a digest of this kind would be about now; `None` if the book has no such month.
pub async fn preview<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    kind: DigestKind,
    period: Option<BillingPeriod>,
    now: DateTime<Utc>,
) -> Result<Option<Vec<Message>>, DigestError> {
    let period = match period {
        Some(period) => book.months().into_iter().find(|known| *known == period),
        None => due::period_to_tell(book, kind, now),
    };
    let Some(period) = period else { return Ok(None) };
    let state = read(store).await?;
    let due = Due::new(kind, period, config.digest.day, now);
    Ok(Some(compose::messages(store, config, book, &state, &due, now).await?))
}

/// Writes down what is due, with its messages. Returns the ids.
async fn record<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DigestError> {
    let state = read(store).await?;
    let mut composed: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for due in due::find(&state, config, book, now) {
        composed.insert(due.id.clone(), compose::messages(store, config, book, &state, &due, now).await?);
    }
    let recorded = outbox::update(store, |state: &mut DigestState| {
        if book.periods.is_empty() {
            return Vec::new();
        }
        let due = due::find(state, config, book, now);
        due::begin(state, book, now);
        let mut made = Vec::new();
        for due in due {
            // What has become due only now is the next call's.
            let Some(messages) = composed.get(&due.id) else { continue };
            state.outbox.queue(&due.id, messages.clone(), now);
            state.told.insert(due.period, in_force(book, due.period));
            if due.kind != DigestKind::Preliminary {
                state.seen.insert(due.kind.as_str().to_owned(), Told::of(book));
            }
            made.push(due.id);
        }
        made
    });
    Ok(recorded.await?)
}

async fn read<S: Store>(store: &S) -> Result<DigestState, OutboxError> {
    outbox::update(store, |state: &mut DigestState| state.clone()).await
}

/// The deliveries of a month, by export.
fn in_force(book: &Book, period: BillingPeriod) -> BTreeMap<String, String> {
    book.of(period).map(|found| (found.export_id.clone(), found.delivery_id.clone())).collect()
}

#[cfg(test)]
mod tests;
