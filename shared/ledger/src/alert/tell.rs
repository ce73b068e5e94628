//! Writing down what is told: a message for each, or one for many of one owner.

use std::collections::{BTreeMap, BTreeSet};

use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::Window;
use spend_core::messages::alert::Alert;
use spend_core::messages::alert::summary::{SummaryAlert, SummaryReason};
use spend_core::rules::finding::Measurement;
use spend_core::text::SEVERAL;

use crate::alert::crossing::Told;
use crate::alert::event::{AlertEvent, FindingEvent, SummarisedEvent, SummaryEvent, body};
use crate::alert::ids::alert_id;
use crate::alert::plan::{Evaluation, New};
use crate::alert::state::AlertState;
use crate::outputs::data_event::DataEvent;
use crate::outputs::message::MOST_BODY_BYTES;
use crate::outputs::{Attributes, NOTHING, Topic};
use crate::state::document::DocumentError;

impl Evaluation<'_> {
    /// Writes down the messages of what is new. Returns how many there are for people.
    pub(super) fn tell(&self, state: &mut AlertState, new: Vec<New<'_>>) -> Result<usize, DocumentError> {
        let (mut first, mut sent): (Vec<_>, Vec<_>) = new.into_iter().partition(|new| new.is_first);
        // Who is to be woken is told first, and of what is most.
        for new in [&mut first, &mut sent] {
            new.sort_by_key(|new| (new.measured.severity, std::cmp::Reverse(severeness(new.measured))));
        }
        let rest = sent.split_off(sent.len().min(self.config.max_per_run));
        let mut fired = sent.len();
        for new in &sent {
            self.send(state, new)?;
        }
        for (reason, told) in [(SummaryReason::FirstRun, first), (SummaryReason::TooMany, rest)] {
            for of_owner in by_owner(told, |new| new.measured.owner.clone()) {
                fired += match (reason, of_owner.as_slice()) {
                    // Nothing is saved by telling less of one.
                    (SummaryReason::TooMany, [alone]) => self.send(state, alone)?,
                    (_, several) => {
                        let mut count = 0;
                        for part in several.chunks(SummaryAlert::MOST) {
                            count += self.summarise(state, reason, part)?;
                        }
                        count
                    }
                };
            }
        }
        Ok(fired)
    }

    /// One message for all levels of an incident that were crossed at once, named after the highest.
    fn send(&self, state: &mut AlertState, new: &New<'_>) -> Result<usize, DocumentError> {
        let New { measured, window, incident, fired, .. } = new;
        let id = id_of(state, new);
        let data = self.span.status(data_window(measured));
        let text = Alert {
            measurement: measured,
            fired,
            data,
            known_since: self.book.known_since(data_window(measured)),
            folded: self.book.folded(data_window(measured)),
            policy: &self.config.cost,
            alert_id: &id,
            now: self.now,
        }
        .text();
        let event = AlertEvent {
            kind: measured.kind().to_string(),
            status: "firing".to_owned(),
            why: None,
            alert_id: id.clone(),
            incident_key: incident.to_owned(),
            evaluated_at: self.now,
            finding: FindingEvent::new(measured, *window, fired),
            data: DataEvent::new(&data, self.book, data_window(measured)),
        };
        let attributes = Attributes {
            kind: measured.kind().as_str(),
            status: "firing",
            rule: &measured.rule,
            member: measured.member.as_deref().unwrap_or_default(),
            severity: measured.severity.as_str(),
            owner: measured.owner.as_deref().unwrap_or_default(),
            alert_id: &id,
            incident_key: incident,
        };
        let messages = attributes.messages(Topic::Alerts, text, body(&event)?);
        state.outbox.queue(&id, messages.into(), self.now);
        told(state, new, &id);
        Ok(1)
    }

    /// One message for several findings of one owner, the worst first; several messages where their event would be too
    /// large for one. Returns how many there are for people.
    fn summarise(
        &self,
        state: &mut AlertState,
        reason: SummaryReason,
        new: &[New<'_>],
    ) -> Result<usize, DocumentError> {
        let Some(worst) = new.first() else { return Ok(0) };
        let month = BillingPeriod::of(self.now.date_naive()).first_day();
        let id = format!("{}:{month}:{}", reason.as_str(), state.summaries + 1);
        let window = data_window(worst.measured);
        let data = self.span.status(window);
        let measurements: Vec<&Measurement> = new.iter().map(|new| new.measured).collect();
        let text = SummaryAlert {
            reason,
            measurements: &measurements,
            data,
            known_since: self.book.known_since(window),
            policy: &self.config.cost,
            alert_id: &id,
            now: self.now,
        }
        .text();
        let alerts = new.iter().map(|new| SummarisedEvent {
            kind: new.measured.kind().to_string(),
            alert_id: id_of(state, new),
            incident_key: new.incident.clone(),
            finding: FindingEvent::new(new.measured, new.window, &new.fired),
        });
        let event = SummaryEvent {
            kind: worst.measured.kind().to_string(),
            status: "firing".to_owned(),
            reason: reason.as_str().to_owned(),
            alert_id: id.clone(),
            // Each is an incident of its own: one key for several would let incident tools keep the first owner's alone.
            incident_key: id.clone(),
            evaluated_at: self.now,
            alerts: alerts.collect(),
            data: DataEvent::new(&data, self.book, window),
        };
        let event = body(&event)?;
        if event.len() > MOST_BODY_BYTES && new.len() > 1 {
            let (left, right) = new.split_at(new.len() / 2);
            return Ok(self.summarise(state, reason, left)? + self.summarise(state, reason, right)?);
        }
        let attributes = Attributes {
            kind: worst.measured.kind().as_str(),
            status: "firing",
            rule: one(new.iter().map(|new| new.measured.rule.as_str())),
            member: one(new.iter().map(|new| new.measured.member.as_deref().unwrap_or(NOTHING))),
            // Who filters by severity is told of all because of the worst.
            severity: worst.measured.severity.as_str(),
            owner: worst.measured.owner.as_deref().unwrap_or_default(),
            alert_id: &id,
            incident_key: &id,
        };
        state.summaries += 1;
        let incidents = new.iter().map(|new| new.incident.clone()).collect();
        let messages = attributes.messages(Topic::Alerts, text, event);
        state.outbox.queue_of(&id, incidents, messages.into(), self.now);
        for new in new {
            told(state, new, &id);
        }
        Ok(1)
    }
}

/// How much is used, so that of equally urgent messages the worst is first.
fn severeness(measured: &Measurement) -> (i128, spend_core::money::decimal::Decimal) {
    let percent =
        measured.spent.percent_of(measured.amount).map_or(i128::MAX, spend_core::money::decimal::Decimal::units);
    (percent, measured.spent)
}

/// The window whose data a measurement rests on.
fn data_window(measured: &Measurement) -> Window {
    measured.day.map_or(measured.window, |day| Window::of(spend_core::calendar::window::WindowKind::Day, day))
}

/// The id of what is told of an incident: that of the highest level.
fn id_of(state: &AlertState, new: &New<'_>) -> String {
    let count = state.crossings.get(&new.highest).map_or(1, |crossing| crossing.count);
    alert_id(&new.highest, count)
}

/// Records by which message an incident was told.
fn told(state: &mut AlertState, new: &New<'_>, id: &str) {
    for key in &new.keys {
        if let Some(crossing) = state.crossings.get_mut(key) {
            crossing.told = Told::By(id.to_owned());
        }
    }
}

/// What belongs to one owner each, in the order of the first of them: who filters by owner gets theirs and no other's.
pub(super) fn by_owner<T>(all: Vec<T>, owner: impl Fn(&T) -> Option<String>) -> Vec<Vec<T>> {
    let (mut owners, mut places): (Vec<Vec<T>>, BTreeMap<Option<String>, usize>) = Default::default();
    for one in all {
        let place = *places.entry(owner(&one)).or_insert(owners.len());
        match owners.get_mut(place) {
            Some(theirs) => theirs.push(one),
            None => owners.push(vec![one]),
        }
    }
    owners
}

/// The one value that all have, or that there are several.
pub(super) fn one<'a>(values: impl Iterator<Item = &'a str>) -> &'a str {
    let values: BTreeSet<_> = values.collect();
    match values.first() {
        Some(only) if values.len() == 1 => only,
        _ => SEVERAL,
    }
}
