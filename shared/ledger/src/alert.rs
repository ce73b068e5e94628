//! The step that tells people of what rules find: each crossing once, never lost.
//!
//! One object, [`STATE_KEY`], says which crossings are known and which messages are to be sent. A crossing and its
//! messages are written in one conditional write, before anything is sent; see [`crate::outputs::outbox`]. So the same book
//! twice sends nothing twice, and of two evaluators that race one writes and the other finds it written. Configuration
//! and book are read after the state, and all of it again after a lost race; the state remembers which they were, and
//! nothing is planned from older ones.
//!
//! A crossing is *armed* until it is found; then it is *pending* until its messages are *sent*, or muted, or, where it
//! was there before its rule, known and never told. When the bill proves that it is true no more it is *resolved* and
//! armed again: its next time has the next number in its id.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use spend_core::calendar::data_span::DataSpan;
use spend_core::errors::class::Class;
use spend_core::messages::alert::trial::TestAlert;
use spend_core::money::decimal::SumOutOfRange;
use spend_core::rules::evaluation::Evaluated;
use spend_core::rules::rule::{Kind, Severity};
use spend_core::text::Text;

use crate::config::in_force::InForceError;
use crate::outputs::operations::{self, Note, NoteError};
use crate::outputs::outbox::{self, ATTEMPTS, Held, Lease, OutboxError, Sender};
use crate::outputs::{Message, Notifier, Topic};
use crate::state::committed::CommittedError;
use crate::state::document::DocumentError;
use crate::store::{Store, StoreError};

mod episodes;
pub(crate) mod event;
mod horizon;
mod ids;
mod levels;
mod origin;
mod plan;
mod restated;
mod silence;
mod sources;
pub(crate) mod state;
mod stored;
mod tell;
mod undo;

pub use event::{
    AlertEvent, DataEvent, DeliveryEvent, DetailEvent, DriverEvent, FindingEvent, PeakEvent, RiseEvent,
    SummarisedEvent, SummaryEvent, TestEvent, WindowEvent,
};
pub use sources::{Committed, Deployed, Given, Known, Sources};
pub use state::STATE_KEY;

use ids::{Attributes, NOTHING};
use origin::Older;
use plan::Evaluation;
use silence::Values;
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
    /// How many levels were found crossed and are not told of until the newest delivery is in, because this is the first
    /// run.
    pub waiting: usize,
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
    /// The committed periods cannot be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// There is no configuration to go by.
    #[error(transparent)]
    Config(#[from] InForceError),
    /// What there is is older than what was evaluated before.
    #[error(
        "nothing was evaluated: {key} {what}. Somebody has put back an earlier version of it, or it is lost: put back the \
         newest. What comes next mends it too, a delivery or a configuration; if nothing does, alerts go by what is \
         there from {until} on, and may tell again what they have told"
    )]
    Older {
        /// The object.
        key: String,
        /// What it has, and what it had.
        what: String,
        /// Until when is waited.
        until: DateTime<Utc>,
    },
    /// A sum is too large to be money.
    #[error("failed to evaluate the rules: {0}")]
    Sum(#[from] SumOutOfRange),
}

impl AlertError {
    /// The stable name of this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbox(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Note(error) => error.kind(),
            Self::Committed(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::Older { .. } => "store.older_version",
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    pub fn class(&self) -> Class {
        match self {
            Self::Outbox(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Note(error) => error.class(),
            Self::Committed(error) => error.class(),
            Self::Config(error) => error.class(),
            Self::Older { .. } => Class::Wait,
            Self::Sum(_) => Class::Operator,
        }
    }
}

/// Sends what is pending, evaluates every rule over the months of the book, writes down what is to be told, and sends that.
///
/// What earlier runs left pending goes first: an evaluation that fails or takes too long keeps none of it back.
///
/// # Errors
///
/// [`AlertError`]; running it again is safe and finishes what was left.
pub async fn react<S: Store, N: Notifier>(
    store: &S,
    notifier: &N,
    sources: &impl Sources,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<AlertSummary, AlertError> {
    let mut sender = Sender::<AlertState, S, N>::new(store, notifier, lease, now);
    // What keeps this from being sent keeps it from being sent below.
    let _ = sender.send().await;
    let recorded = record(store, sources, lease, now).await;
    sender.send().await?;
    let sent = sender.finish();
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

/// How often older sources are read again before they are taken to stay so.
const READ_AGAIN: usize = 2;

/// What an evaluation found.
struct Found<'a> {
    known: Known<'a>,
    span: DataSpan,
    evaluated: Evaluated,
}

impl<'a> Found<'a> {
    async fn of<S: Store>(store: &S, known: Known<'a>) -> Result<Self, AlertError> {
        let (config, book, span) = (known.config(), known.book(), known.book().span());
        let mut evaluated = config.rules.evaluate(&book.facts(), &config.cost, &span)?;
        restated::mark(store, config, book, &mut evaluated).await?;
        Ok(Self { known, span, evaluated })
    }
}

/// Evaluates, writes down what is to be told, and leaves operations a note of each rule that nobody matches.
async fn record<S: Store>(
    store: &S,
    sources: &impl Sources,
    lease: Lease,
    now: DateTime<Utc>,
) -> Result<AlertSummary, AlertError> {
    let mut found: Option<Found<'_>> = None;
    let mut older = 0;
    for _ in 0..ATTEMPTS {
        let held = Held::<AlertState>::read(store).await?;
        // Now that the state is read, what is there is no older than what it was planned from.
        let is_current = match &found {
            Some(found) => sources.is_current(&found.known).await?,
            None => false,
        };
        let Found { known, span, evaluated } = match found.take().filter(|_| is_current) {
            Some(found) => found,
            None => Found::of(store, sources.read().await?).await?,
        };
        // Who works alone on a ledger races with nobody: what is there is what is meant.
        if lease != Lease::Alone
            && !held.state.origin.has_waited(now)
            && let Some(is) = held.state.origin.older(&known)
        {
            older += 1;
            if older <= READ_AGAIN {
                continue;
            }
            return Err(wait(store, is, now).await?);
        }
        let (config, book) = (known.config(), known.book());
        let values = Values::of(config, book);
        let matched = values.last_matched(config);
        let evaluation =
            Evaluation { known: &known, config, book, span: &span, found: &evaluated, matched: &matched, now };
        let mut state = held.state.clone();
        let summary = evaluation.plan(&mut state)?;
        let notes = silence::notes(&state, config, &values, span.newest());
        if state != held.state && held.replace(store, state).await?.is_none() {
            drop(values);
            found = Some(Found { known, span, evaluated });
            continue;
        }
        for note in notes {
            operations::leave(store, &note, now).await?;
        }
        return Ok(summary);
    }
    Err(OutboxError::Contended { key: STATE_KEY, attempts: ATTEMPTS }.into())
}

/// Writes down since when there is only what is older, and tells operations.
async fn wait<S: Store>(store: &S, older: Older, now: DateTime<Utc>) -> Result<AlertError, AlertError> {
    let until = outbox::update(store, |state: &mut AlertState| state.origin.wait(now)).await?;
    let Older { key, what } = older;
    let about = key.clone();
    let error = AlertError::Older { key, what, until };
    let note = Note::of_error(error.kind(), &about, "evaluating rules", &error.to_string(), now);
    operations::leave(store, &note, now).await?;
    Ok(error)
}

/// What one alert sends: the text to people, and the event to machines under the same subject.
fn messages(text: Text, event: String, attributes: &BTreeMap<String, String>) -> [Message; 2] {
    let Text { subject, body } = text;
    let of = |topic, body| Message { topic, subject: subject.clone(), body, attributes: attributes.clone() };
    [of(Topic::Alerts, body), of(Topic::Events, event)]
}

#[cfg(test)]
mod tests;
