//! The step: makes the digests that are due, and sends them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::digest::extent::DigestKind;

use crate::config::Config;
use crate::digest::compose;
use crate::digest::due::{self, Due};
use crate::digest::error::DigestError;
use crate::digest::state::{DigestState, Told, in_force, read};
use crate::outputs::outbox::{self, Lease, OutboxError};
use crate::outputs::{Message, Notifier};
use crate::state::book::Book;
use crate::store::Store;

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestSummary {
    /// The id of the digest that was made, if one was due; several are separated by blanks.
    pub made: Option<String>,
    /// How many messages were sent, those of earlier runs among them.
    pub sent: usize,
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
/// Running it again is safe and finishes what was left.
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
/// What was not sent stays pending.
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
        state.forget(book);
        made
    });
    Ok(recorded.await?)
}
