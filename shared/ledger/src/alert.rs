//! The step that tells people of budgets: each crossing of a threshold once, never lost.
//!
//! One object, [`STATE_KEY`], says which crossings are known and which messages are to be sent. A crossing and its
//! messages are written in one conditional write, before anything is sent; see [`crate::outbox`]. So the same book
//! twice sends nothing twice, and of two evaluators that race one writes and the other finds it written.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use spend_core::alert_text::{BudgetAlert, FirstRunAlert};
use spend_core::budget::{self, Measurement};
use spend_core::error_class::Class;
use spend_core::line::SumOutOfRange;
use spend_core::period::BillingPeriod;
use spend_core::text::Text;

use crate::book::Book;
use crate::config::{Config, FirstRun};
use crate::document::DocumentError;
use crate::outbox::{self, OutboxError};
use crate::outputs::{Message, Notifier, Topic};
use crate::store::Store;

mod event;
mod ids;
mod state;

pub use event::{
    AlertEvent, BudgetEvent, DataEvent, DeliveryEvent, DriverEvent, FirstRunEvent, PeakEvent, WindowEvent,
};
pub use state::STATE_KEY;

use ids::{alert_id, attributes, incident_key};
use state::{AlertState, Crossing, RuleState};

/// How far the clocks of two evaluators may be apart.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// What an evaluation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertSummary {
    /// How many budgets and members were measured, in all months.
    pub measured: usize,
    /// How many messages were written down to be sent to people.
    pub fired: usize,
    /// How many thresholds were found crossed and will not be told of.
    pub seeded: usize,
    /// How many messages were sent, to people and to machines, those of earlier runs among them.
    pub sent: usize,
}

/// Why budgets were not evaluated, or not told of.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The state could not be changed, or messages were not sent.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// An event cannot be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A sum is too large to be money.
    #[error("failed to measure budgets: {0}")]
    Sum(#[from] SumOutOfRange),
}

impl AlertError {
    /// The stable name of this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbox(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Sum(_) => "bug.sum_out_of_range",
        }
    }

    /// How to handle it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Outbox(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Sum(_) => Class::Operator,
        }
    }
}

/// Evaluates every budget over every month of the book, writes down what is to be told, and sends what is pending.
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
    now: DateTime<Utc>,
) -> Result<AlertSummary, AlertError> {
    let recorded = record(store, config, book, now).await;
    let sent = drain(store, notifier, now).await;
    Ok(AlertSummary { sent: sent?, ..recorded? })
}

/// Sends what is pending. Returns how many messages were sent.
///
/// # Errors
///
/// [`OutboxError`]; what was not sent stays pending.
pub async fn drain<S: Store, N: Notifier>(store: &S, notifier: &N, now: DateTime<Utc>) -> Result<usize, OutboxError> {
    outbox::drain::<AlertState, S, N>(store, notifier, now).await
}

/// Evaluates, and writes down what is to be told.
async fn record<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<AlertSummary, AlertError> {
    let mut months = Vec::new();
    for window in book.months() {
        let measurements = budget::evaluate(&config.budgets, book.facts(), &config.cost, window)?;
        months.push((window, measurements));
    }
    let evaluation = Evaluation { config, book, months: &months, now };
    // A failed plan leaves the state half changed, so it must not be written: it is undone by the copy.
    let planned = outbox::update(store, |state: &mut AlertState| {
        let mut changed = state.clone();
        evaluation.plan(&mut changed).inspect(|_| *state = changed)
    });
    Ok(planned.await??)
}

/// One evaluation: the same however often a lost race makes it be planned again.
struct Evaluation<'a> {
    config: &'a Config,
    book: &'a Book,
    months: &'a [(BillingPeriod, Vec<Measurement>)],
    now: DateTime<Utc>,
}

/// What is done about thresholds that are newly found crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    Send,
    Summarise,
    Seed,
}

impl Evaluation<'_> {
    fn plan(&self, state: &mut AlertState) -> Result<AlertSummary, DocumentError> {
        let mut summary = AlertSummary::default();
        for rule in &self.config.budgets {
            let rule = state.rules.entry(rule.name.clone()).or_insert_with(|| RuleState::first_seen(self.now));
            // A clock that ran ahead then made months look over that are not.
            rule.first_seen = rule.first_seen.min(self.now);
        }
        let mut sent = Vec::new();
        let mut summarised: BTreeMap<BillingPeriod, Vec<(&Measurement, Vec<u32>)>> = BTreeMap::new();
        for (window, measurements) in self.months {
            summary.measured += measurements.len();
            for measured in measurements {
                let is_new = |percent: &u32| match state.crossings.get(&ids::crossing(measured, *percent)) {
                    // What is not told because of a clock that ran ahead is not known.
                    Some(crossing) => crossing.alert_id.is_none() && crossing.at > self.now + SKEW,
                    None => true,
                };
                let fired: Vec<u32> = measured.crossed.iter().copied().filter(is_new).collect();
                if fired.is_empty() {
                    continue;
                }
                match self.disposition(state, measured) {
                    Disposition::Send => sent.push((measured, fired)),
                    Disposition::Summarise => summarised.entry(*window).or_default().push((measured, fired)),
                    Disposition::Seed => {
                        summary.seeded += fired.len();
                        self.cross(state, measured, &fired, None);
                    }
                }
            }
        }
        summary.fired = sent.len() + summarised.len();
        // Who is to be woken is told first.
        sent.sort_by_key(|(measured, _)| measured.severity);
        for (measured, fired) in sent {
            self.send(state, measured, &fired)?;
        }
        for (window, told) in summarised {
            self.summarise(state, window, told)?;
        }
        for (name, rule) in &mut state.rules {
            let is_configured = self.config.budgets.iter().any(|budget| budget.name == *name);
            let has_numbers = self.months.iter().any(|(window, _)| *window == rule.first_window());
            rule.first_window_seen |= is_configured && has_numbers;
        }
        Ok(summary)
    }

    fn disposition(&self, state: &AlertState, measured: &Measurement) -> Disposition {
        let Some(rule) = state.rules.get(&measured.rule) else { return Disposition::Send };
        if measured.window.end() <= rule.first_seen {
            return Disposition::Seed;
        }
        if rule.first_window_seen || rule.first_window() != measured.window {
            return Disposition::Send;
        }
        match self.config.first_run {
            FirstRun::Send => Disposition::Send,
            FirstRun::Summary => Disposition::Summarise,
            FirstRun::Silent => Disposition::Seed,
        }
    }

    /// Records that thresholds are crossed, and which alert tells of it.
    fn cross(&self, state: &mut AlertState, measured: &Measurement, fired: &[u32], alert_id: Option<&str>) {
        for percent in fired {
            let crossing = Crossing { at: self.now, count: 1, alert_id: alert_id.map(str::to_owned) };
            state.crossings.insert(ids::crossing(measured, *percent), crossing);
        }
    }

    /// One message for all thresholds of a measurement that were crossed at once, named after the highest.
    fn send(&self, state: &mut AlertState, measured: &Measurement, fired: &[u32]) -> Result<(), DocumentError> {
        let Some(highest) = fired.last() else { return Ok(()) };
        let id = alert_id(measured, *highest, 1);
        let data = self.book.status(measured.window);
        let policy = &self.config.cost;
        let text = BudgetAlert { measurement: measured, fired, data, policy, alert_id: &id, now: self.now }.text();
        let event = AlertEvent::new(&id, measured, fired, &data, self.book, self.now);
        let attributes = attributes(Some(measured), &id, &incident_key(measured));
        state.outbox.queue(&id, messages(text, event::body(&event)?, attributes), self.now);
        self.cross(state, measured, fired, Some(&id));
        Ok(())
    }

    /// One message for all budgets that were past a threshold at their first evaluation, the worst first.
    fn summarise(
        &self,
        state: &mut AlertState,
        window: BillingPeriod,
        mut told: Vec<(&Measurement, Vec<u32>)>,
    ) -> Result<(), DocumentError> {
        told.sort_by_key(|(measured, _)| std::cmp::Reverse((measured.highest(), measured.spent)));
        state.summaries += 1;
        let incident = format!("first-run:{}", window.first_day());
        let id = format!("{incident}:{}", state.summaries);
        let data = self.book.status(window);
        let measurements: Vec<Measurement> = told.iter().map(|(measured, _)| (*measured).clone()).collect();
        let text = FirstRunAlert {
            measurements: &measurements,
            window,
            data,
            policy: &self.config.cost,
            alert_id: &id,
            now: self.now,
        }
        .text();
        let event = FirstRunEvent::new(&id, &incident, window, &told, &data, self.book, self.now);
        let only = if let [only] = measurements.as_slice() { Some(only) } else { None };
        let attributes = attributes(only, &id, &incident);
        state.outbox.queue(&id, messages(text, event.body()?, attributes), self.now);
        for (measured, fired) in told {
            self.cross(state, measured, &fired, Some(&id));
        }
        Ok(())
    }
}

/// What one alert sends: the text to people, and the event to machines under the same subject.
fn messages(text: Text, event: String, attributes: BTreeMap<String, String>) -> Vec<Message> {
    let Text { subject, body } = text;
    let for_people = Message { topic: Topic::Alerts, subject: subject.clone(), body, attributes: attributes.clone() };
    vec![for_people, Message { topic: Topic::Events, subject, body: event, attributes }]
}

#[cfg(test)]
mod tests;
