//! The step: sends, evaluates, writes down and sends again.

use chrono::{DateTime, SecondsFormat, Utc};
use spend_core::calendar::data_span::DataSpan;
use spend_core::errors::fault::Fault as _;
use spend_core::messages::alert::trial::TestAlert;
use spend_core::rules::evaluation::Evaluated;
use spend_core::rules::rule::{Kind, Severity};

use crate::alert::error::AlertError;
use crate::alert::event::{self, TestEvent};
use crate::alert::origin::Older;
use crate::alert::plan::{AlertSummary, Evaluation};
use crate::alert::restated;
use crate::alert::silence::{self, Values};
use crate::alert::sources::{Known, Sources};
use crate::alert::state::AlertState;
use crate::outputs::operations::{self, Note};
use crate::outputs::outbox::{self, Held, Lease, OutboxError, Sender};
use crate::outputs::{Attributes, Notifier, Topic};
use crate::store::Store;
use crate::store::conditional::ATTEMPTS;

/// Sends what is pending, evaluates every rule over the months of the book, writes down what is to be told, and sends
/// that.
///
/// What earlier runs left pending goes first: an evaluation that fails or takes too long keeps none of it back.
///
/// Running it again is safe and finishes what was left.
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
/// What was not sent stays pending.
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
/// What was not sent stays pending.
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
        severity: Severity::Notice.as_str(),
        alert_id: &id,
        incident_key: &id,
        ..Attributes::default()
    };
    let event = TestEvent {
        kind: Kind::Test.to_string(),
        status: "firing".to_owned(),
        alert_id: id.clone(),
        incident_key: id.clone(),
        asked_at: now,
    };
    let messages = attributes.messages(Topic::Alerts, text, event::body(&event)?);
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
    Err(OutboxError::contended::<AlertState>().into())
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
