//! What is true no more: crossings that the bill has undone, that nobody asks for any more, or whose window is over.
//!
//! Who is told depends on why. A restatement makes an alert wrong: everybody who heard it is told. A forecast or a
//! comparison that has receded is told to people only where it paged. A changed rule or a window that is over is told
//! to machines alone, so that incident tools close what they opened.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::{Window, WindowKind, end_of};
use spend_core::messages::alert::resolved::{ResolvedAlert, Why};
use spend_core::messages::alert::summary::{ResolvedSummary, SummaryAlert};
use spend_core::rules::finding::Measurement;
use spend_core::rules::rule::{Kind, Severity};
use spend_core::rules::rule_kind::RuleKind;

use crate::alert::crossing::{Crossing, Told};
use crate::alert::event::{AlertEvent, FindingEvent, WindowEvent, body, bounded};
use crate::alert::ids;
use crate::alert::plan::Evaluation;
use crate::alert::state::AlertState;
use crate::alert::tell::{by_owner, one};
use crate::outputs::data_event::DataEvent;
use crate::outputs::{Attributes, Message, NOTHING, Topic};
use crate::state::document::DocumentError;

/// How long after the end of its window an incident ends too: by then a page has been answered, and what AWS corrects
/// later is told by itself.
const OVER_AFTER: TimeDelta = TimeDelta::days(7);

/// How many incidents end by that in one evaluation: when a month of five thousand people does, nothing else waits
/// long.
const OVER_AT_ONCE: usize = 500;

/// What is true no more of one incident.
struct Undone<'a> {
    /// The keys of what was told, lowest level first.
    keys: Vec<&'a str>,
    why: Why,
}

/// What is looked up of incidents that have ended: made once for all of them.
struct Lookup<'a> {
    /// What is crossed of each incident, by key.
    crossed: BTreeMap<String, Vec<&'a str>>,
    /// What was measured of each member.
    measured: BTreeMap<Whose<'a>, Vec<&'a Measurement>>,
}

/// A rule and kind, a member and a currency.
type Whose<'a> = (&'a str, Kind, Option<&'a str>, &'a str);

/// How it is told that an incident has ended, or is less than it was.
struct Ended {
    id: String,
    incident: String,
    /// The highest level that it is about.
    highest: Crossing,
    /// To people.
    text: Option<Message>,
    /// To machines.
    event: Option<Message>,
}

/// Several incidents of one owner that have ended, in one message to people.
struct EndedSummary {
    id: String,
    incidents: BTreeSet<String>,
    message: Message,
}

impl Evaluation<'_> {
    /// Arms again what is crossed no more, and tells of it whom it was told. `alive` is what is crossed or may be,
    /// `told` the incidents that a message tells of in this very evaluation. Returns how many messages were written
    /// down.
    pub(super) fn undo(
        &self,
        state: &mut AlertState,
        alive: &BTreeSet<String>,
        told: &BTreeSet<String>,
    ) -> Result<usize, DocumentError> {
        // Decided from the state before anything is undone, so that the order of crossings does not matter.
        let before = state.crossings.clone();
        let mut lookup = Lookup { crossed: BTreeMap::new(), measured: BTreeMap::new() };
        let mut incidents: BTreeMap<String, Undone<'_>> = BTreeMap::new();
        let mut over: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (key, crossing) in before.iter().filter(|(_, crossing)| crossing.is_crossed) {
            let incident = incident_of(crossing);
            lookup.crossed.entry(incident.clone()).or_default().push(key);
            // What left the horizon cannot be measured again: that it was not found says nothing.
            let is_alive =
                alive.contains(key) || self.asking_for(crossing).is_some() && state.horizon.has_left(crossing);
            if let Some(why) = self.undone(crossing, is_alive) {
                if let Some(crossing) = state.crossings.get_mut(key) {
                    crossing.is_crossed = false;
                }
                // Nobody was told of the others, so nobody is told of their end.
                if crossing.is_told() {
                    let undone = incidents.entry(incident).or_insert(Undone { keys: Vec::new(), why });
                    undone.keys.push(key);
                }
            } else if matches!(crossing.told, Told::By(_)) && self.is_over(crossing) {
                over.entry(incident).or_default().push(key);
            }
        }
        if !incidents.is_empty() || !over.is_empty() {
            for measured in &self.found.measurements {
                let whose = (&*measured.rule, measured.kind(), measured.member.as_deref(), &*measured.currency);
                lookup.measured.entry(whose).or_default().push(measured);
            }
        }
        let mut ended = Vec::new();
        for (incident, undone) in incidents {
            // What follows is told by itself: a limit that was moved, a level that was crossed meanwhile.
            if !told.contains(&incident) {
                ended.extend(self.ended(state, &lookup, &incident, &undone)?);
            }
        }
        // The rest stays as it is, and is found again by the next evaluation.
        for (incident, keys) in over.into_iter().take(OVER_AT_ONCE) {
            for key in &keys {
                if let Some(crossing) = state.crossings.get_mut(*key)
                    && let Told::By(id) = &crossing.told
                {
                    crossing.told = Told::Over(id.clone());
                }
            }
            ended.extend(self.ended(state, &lookup, &incident, &Undone { keys, why: Why::Over })?);
        }
        Ok(self.tell_ended(state, ended))
    }

    /// Writes down what has ended: for machines each by itself, for people not more messages than a run sends of new
    /// ones, and the rest of an owner's in one. Returns how many messages there are for people.
    fn tell_ended(&self, state: &mut AlertState, ended: Vec<Ended>) -> usize {
        let (mut to_people, quiet): (Vec<_>, Vec<_>) = ended.into_iter().partition(|ended| ended.text.is_some());
        // Pages first, since only so many are told one by one.
        to_people.sort_by_key(|ended| ended.highest.severity);
        let mut rest = to_people.split_off(to_people.len().min(self.config.max_per_run));
        let mut summaries = Vec::new();
        for mut theirs in by_owner(std::mem::take(&mut rest), |ended| ended.highest.owner.clone()) {
            if theirs.len() > 1 {
                for part in theirs.chunks_mut(SummaryAlert::MOST) {
                    summaries.push(self.ended_summary(state, part));
                }
                rest.extend(theirs);
            } else {
                to_people.extend(theirs);
            }
        }
        let count = to_people.len() + summaries.len();
        for Ended { id, text, event, .. } in to_people.into_iter().chain(rest).chain(quiet) {
            let messages: Vec<_> = text.into_iter().chain(event).collect();
            if !messages.is_empty() {
                state.outbox.queue(&id, messages, self.now);
            }
        }
        for EndedSummary { id, incidents, message } in summaries {
            state.outbox.queue_of(&id, incidents, vec![message], self.now);
        }
        count
    }

    /// One message to people in the place of theirs for each; machines are told of each.
    fn ended_summary(&self, state: &mut AlertState, ended: &mut [Ended]) -> EndedSummary {
        state.summaries += 1;
        let month = BillingPeriod::of(self.now.date_naive()).first_day();
        let incident_key = format!("too-many-resolved:{month}");
        let id = format!("{incident_key}:{}", state.summaries);
        let texts: Vec<Message> = ended.iter_mut().filter_map(|ended| ended.text.take()).collect();
        let subjects: Vec<_> = texts.iter().map(|message| message.subject.as_str()).collect();
        let text = ResolvedSummary { subjects: &subjects, alert_id: &id }.text();
        // They are of one owner, the most urgent first.
        let all = || ended.iter().map(|ended| &ended.highest);
        let first = all().next();
        let attributes = Attributes {
            kind: first.map_or("", |first| first.kind.as_str()),
            status: "resolved",
            rule: one(all().map(|crossing| crossing.rule.as_str())),
            member: one(all().map(|crossing| crossing.member.as_deref().unwrap_or(NOTHING))),
            severity: first.map_or("", |first| first.severity.as_str()),
            owner: first.and_then(|first| first.owner.as_deref()).unwrap_or_default(),
            alert_id: &id,
            incident_key: &incident_key,
        };
        let message = attributes.message(Topic::Alerts, text);
        EndedSummary { incidents: ended.iter().map(|ended| ended.incident.clone()).collect(), id, message }
    }

    /// Why a crossing is crossed no more, if that is certain.
    fn undone(&self, crossing: &Crossing, is_alive: bool) -> Option<Why> {
        if is_alive {
            return None;
        }
        let Some(rule) = self.asking_for(crossing) else { return Some(Why::Changed) };
        // Absence proves something only where the window was evaluated completely.
        let looked = (crossing.rule.clone(), crossing.kind, crossing.window);
        let is_known = self.found.complete.contains(&looked);
        // A half-filled day proves an overspend, never a saving.
        let is_settled = crossing.through.is_none_or(|day| self.span.is_settled(day));
        let recedes = rule.recedes(crossing.kind, crossing.window.kind());
        let why = if recedes { Why::Receded } else { Why::Restated };
        (is_known && is_settled).then_some(why)
    }

    /// The rule that still asks for what was crossed.
    fn asking_for(&self, crossing: &Crossing) -> Option<&dyn RuleKind> {
        let Crossing { kind, window, member, level, amount, .. } = crossing;
        self.config
            .rules
            .all()
            .filter(|rule| rule.rule().name == crossing.rule && rule.finds().contains(kind))
            .find(|rule| rule.asks_for(*kind, window.kind(), member.as_deref(), level.percent(), *amount))
    }

    /// Whether both its window and its message are old enough: what was told late is not over at once.
    fn is_over(&self, crossing: &Crossing) -> bool {
        end_of(crossing.last_day()).max(crossing.at) + OVER_AFTER <= self.now
    }

    /// How it is told that an incident is over, or less than it was, if anybody is told.
    fn ended(
        &self,
        state: &AlertState,
        lookup: &Lookup<'_>,
        incident: &str,
        undone: &Undone<'_>,
    ) -> Result<Option<Ended>, DocumentError> {
        // The highest level gives the message its id, amount and owner, as it did when it was told.
        let known = undone.keys.iter().filter_map(|key| Some((*key, state.crossings.get(*key)?.clone())));
        let mut levels: Vec<(&str, Crossing)> = known.collect();
        levels.sort_by_key(|(_, crossing)| crossing.level);
        // Machines were told already that what is over is resolved.
        let is_open = |crossing: &Crossing| undone.why == Why::Over || matches!(crossing.told, Told::By(_));
        let open = levels.iter().rev().find(|(_, crossing)| is_open(crossing));
        let is_closed = open.is_none();
        let Some((key, highest)) = open.or(levels.last()).cloned() else { return Ok(None) };
        let crossed = lookup.crossed.get(incident).into_iter().flatten();
        // A level of the incident that is still crossed and told keeps it open: then it is updated, not resolved.
        let crossed = crossed.filter_map(|key| state.crossings.get(*key));
        let open_levels = crossed.filter(|crossing| crossing.is_crossed && matches!(crossing.told, Told::By(_)));
        let still = open_levels.map(|crossing| crossing.level).max().map(|level| level.to_string());
        let status = if still.is_some() { "updated" } else { "resolved" };
        let id = ids::alert_id(key, highest.count);
        let window = data_window(&highest);
        let data = self.span.status(window);
        let names: Vec<String> = levels.iter().map(|(_, crossing)| crossing.level.to_string()).collect();
        let measured = lookup.measurement_of(&highest);
        let text = ResolvedAlert {
            rule: &highest.rule,
            member: highest.member.as_deref(),
            kind: highest.kind,
            window: highest.window,
            currency: &highest.currency,
            measured,
            was: highest.spent,
            amount: highest.amount,
            undone: &names,
            still: still.as_deref(),
            why: undone.why,
            owner: highest.owner.as_deref(),
            told_at: highest.at,
            data,
            known_since: self.book.known_since(window),
            alert_id: &id,
            now: self.now,
        }
        .text();
        let event = AlertEvent {
            kind: highest.kind.to_string(),
            status: status.to_owned(),
            why: Some(undone.why.as_str().to_owned()),
            alert_id: id.clone(),
            incident_key: incident.to_owned(),
            evaluated_at: self.now,
            finding: FindingEvent {
                rule: highest.rule.clone(),
                member: highest.member.as_deref().map(bounded),
                severity: highest.severity.to_string(),
                owner: highest.owner.as_deref().map(bounded),
                window: WindowEvent::new(highest.window),
                currency: bounded(&highest.currency),
                spent: measured.map(|measured| measured.spent),
                amount: highest.amount,
                fired: names.clone(),
                crossed: still.iter().cloned().collect(),
                ..FindingEvent::default()
            },
            data: DataEvent::new(&data, self.book, window),
        };
        let attributes = Attributes {
            kind: highest.kind.as_str(),
            status,
            rule: &highest.rule,
            member: highest.member.as_deref().unwrap_or_default(),
            severity: highest.severity.as_str(),
            owner: highest.owner.as_deref().unwrap_or_default(),
            alert_id: &id,
            incident_key: incident,
        };
        let concerns_people = match undone.why {
            // What was said turned out to be wrong: whoever heard it hears that too.
            Why::Restated => true,
            Why::Receded => highest.severity == Severity::Page,
            Why::Changed | Why::Over => false,
        };
        let is_told = concerns_people && !self.is_muted(&highest.rule, highest.member.as_deref());
        let [text, event] = attributes.messages(Topic::Alerts, text, body(&event)?);
        let ended = Ended {
            id: format!("{id}:{status}:{}", undone.why.as_str()),
            text: is_told.then_some(text),
            event: (!is_closed).then_some(event),
            incident: incident.to_owned(),
            highest,
        };
        Ok(Some(ended))
    }
}

impl<'a> Lookup<'a> {
    /// What was found now in the place of a crossing.
    fn measurement_of(&self, crossing: &Crossing) -> Option<&'a Measurement> {
        let whose = (&*crossing.rule, crossing.kind, crossing.member.as_deref(), &*crossing.currency);
        let days = crossing.window.first_day()..=crossing.last_day();
        let is_its = |measured: &&&Measurement| {
            measured.window == crossing.window || measured.day.is_some_and(|day| days.contains(&day))
        };
        self.measured.get(&whose)?.iter().rev().find(is_its).copied()
    }
}

fn incident_of(crossing: &Crossing) -> String {
    let Crossing { rule, member, currency, window, kind, .. } = crossing;
    ids::incident_key(rule, member.as_deref(), currency, *window, *kind)
}

/// The window whose data a crossing rests on.
fn data_window(crossing: &Crossing) -> Window {
    match crossing.window.kind() {
        WindowKind::Day => Window::of(WindowKind::Day, crossing.last_day()),
        WindowKind::Month | WindowKind::Week => crossing.window,
    }
}
