//! The step that tells people of what rules find: each crossing once, never lost.
//!
//! One object, [`STATE_KEY`], says which crossings are known and which messages are to be sent. A crossing and its
//! messages are written in one conditional write, before anything is sent; see [`crate::outbox`]. So the same book
//! twice sends nothing twice, and of two evaluators that race one writes and the other finds it written.
//!
//! A crossing is *armed* until it is found; then it is *pending* until its messages are *sent*, or muted, or, where it
//! was there before its rule, known and never told. When the bill proves that it is true no more it is *resolved* and
//! armed again: its next time has the next number in its id.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use spend_core::alert_text::TestAlert;
use spend_core::error_class::Class;
use spend_core::line::SumOutOfRange;
use spend_core::rule::{Kind, Severity};
use spend_core::text::Text;

use crate::book::Book;
use crate::config::Config;
use crate::document::DocumentError;
use crate::operations::{self, NoteError};
use crate::outbox::{self, Lease, OutboxError};
use crate::outputs::{Message, Notifier, Topic};
use crate::store::{Store, StoreError};

pub(crate) mod event;
mod ids;
mod levels;
mod plan;
mod restated;
mod silence;
pub(crate) mod state;
mod tell;
mod undo;

pub use event::{
    AlertEvent, DataEvent, DeliveryEvent, DetailEvent, DriverEvent, FindingEvent, PeakEvent, RiseEvent,
    SummarisedEvent, SummaryEvent, TestEvent, WindowEvent,
};
pub use state::STATE_KEY;

use ids::{Attributes, NOTHING};
use plan::Evaluation;
use state::AlertState;

/// What an evaluation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertSummary {
    /// How many members were measured, in all windows.
    pub measured: usize,
    /// How many messages that something is crossed were written down to be sent to people.
    pub fired: usize,
    /// How many levels were found crossed and will not be told of.
    pub seeded: usize,
    /// How many levels were found crossed and are not told of while they are muted.
    pub muted: usize,
    /// How many messages that something is crossed no more were written down.
    pub resolved: usize,
    /// How many messages were sent, to people and to machines, those of earlier runs among them.
    pub sent: usize,
}

/// Why rules were not evaluated, or not told of.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The state could not be changed, or messages were not sent.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// An event cannot be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The history could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Operations was not left a note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A sum is too large to be money.
    #[error("failed to evaluate the rules: {0}")]
    Sum(#[from] SumOutOfRange),
}

impl AlertError {
    /// The stable name of this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbox(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Note(error) => error.kind(),
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Outbox(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Note(error) => error.class(),
            Self::Sum(_) => Class::Operator,
        }
    }
}

/// Evaluates every rule over the months of the book, writes down what is to be told, and sends what is pending.
///
/// What earlier runs left pending is sent even where this evaluation fails.
///
/// # Errors
///
/// [`AlertError`]; running it again is safe and finishes what was left.
pub async fn react<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    config: &Config,
    book: &Book,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<AlertSummary, AlertError> {
    let recorded = record(store, config, book, now).await;
    let sent = drain(store, notifier, lease, now).await;
    Ok(AlertSummary { sent: sent?, ..recorded? })
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
    outbox::drain::<AlertState, S, N>(store, notifier, lease, now).await
}

/// Sends a message that tells of nothing the way of every alert: written down, sent, crossed off. What else is pending
/// is sent too. Asked twice in one second it is one test. Returns its id.
///
/// # Errors
///
/// [`AlertError`]; what was not sent stays pending.
pub async fn test<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<String, AlertError> {
    let id = format!("test:{}", now.to_rfc3339_opts(SecondsFormat::Secs, true));
    let text = TestAlert { alert_id: &id, now }.text();
    let attributes = Attributes {
        kind: Kind::Test.as_str(),
        status: "firing",
        rule: NOTHING,
        member: NOTHING,
        severity: Severity::Notice.as_str(),
        owner: NOTHING,
        alert_id: &id,
        incident_key: &id,
    };
    let event = TestEvent {
        kind: Kind::Test.to_string(),
        status: "firing".to_owned(),
        alert_id: id.clone(),
        incident_key: id.clone(),
        asked_at: now,
    };
    let messages = messages(text, event::body(&event)?, &attributes.map());
    outbox::update(store, |state: &mut AlertState| state.outbox.queue(&id, messages.to_vec(), now)).await?;
    drain(store, notifier, lease, now).await?;
    Ok(id)
}

/// Evaluates, writes down what is to be told, and leaves operations a note of each rule that nobody matches.
async fn record<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<AlertSummary, AlertError> {
    let span = book.span();
    let mut found = config.rules.evaluate(&book.facts(), &config.cost, &span)?;
    restated::mark(store, config, book, &mut found).await?;
    let matched = silence::last_matched(config, book);
    let evaluation = Evaluation { config, book, span: &span, found: &found, matched: &matched, now };
    // A failed plan leaves the state half changed, so it must not be written: it is undone by the copy.
    let planned = outbox::update(store, |state: &mut AlertState| {
        let mut changed = state.clone();
        let summary = evaluation.plan(&mut changed)?;
        let notes = silence::notes(&changed, config, book, span.newest());
        *state = changed;
        Ok::<_, DocumentError>((summary, notes))
    });
    let (summary, notes) = planned.await??;
    for note in notes {
        operations::leave(store, &note, now).await?;
    }
    Ok(summary)
}

/// What one alert sends: the text to people, and the event to machines under the same subject.
fn messages(text: Text, event: String, attributes: &BTreeMap<String, String>) -> [Message; 2] {
    let Text { subject, body } = text;
    let of = |topic, body| Message { topic, subject: subject.clone(), body, attributes: attributes.clone() };
    [of(Topic::Alerts, body), of(Topic::Events, event)]
}

#[cfg(test)]
mod tests;
