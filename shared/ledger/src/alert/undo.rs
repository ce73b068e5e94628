//! What is true no more: crossings that the bill has undone, that nobody asks for any more, or whose window is over.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use spend_core::alert_text::{ResolvedAlert, Why};
use spend_core::anomaly::Shape;
use spend_core::measure::Measurement;
use spend_core::rule::{Kind, Severity};
use spend_core::window::{Window, WindowKind, end_of};

use super::event::{AlertEvent, DataEvent, FindingEvent, WindowEvent, body, bounded};
use super::ids::{self, Attributes, NOTHING};
use super::plan::Evaluation;
use super::state::{AlertState, Crossing, Told};
use super::{for_machines, messages};
use crate::document::DocumentError;

/// How long after the end of its window an incident ends too: by then a page has been answered, and what AWS corrects
/// later is told by itself.
const OVER_AFTER: TimeDelta = TimeDelta::days(7);

/// What is true no more of one incident.
struct Undone<'a> {
    /// The keys of what was told, lowest level first.
    keys: Vec<&'a str>,
    why: Why,
}

impl Evaluation<'_> {
    /// Arms again what is crossed no more, and tells of it whom it was told. `alive` is what is crossed or may be,
    /// `told` the incidents that a message tells of in this very evaluation. Returns how many messages were written down.
    pub(super) fn undo(
        &self,
        state: &mut AlertState,
        alive: &BTreeSet<String>,
        told: &BTreeSet<String>,
    ) -> Result<usize, DocumentError> {
        let before = state.crossings.clone();
        let mut incidents: BTreeMap<String, Undone<'_>> = BTreeMap::new();
        let mut over: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (key, crossing) in before.iter().filter(|(_, crossing)| crossing.is_crossed) {
            let incident = incident_of(crossing);
            if let Some(why) = self.undone(crossing, alive.contains(key)) {
                if let Some(crossing) = state.crossings.get_mut(key) {
                    crossing.is_crossed = false;
                }
                if crossing.is_told() {
                    let undone = incidents.entry(incident).or_insert(Undone { keys: Vec::new(), why });
                    undone.keys.push(key);
                }
            } else if matches!(crossing.told, Told::By(_)) && self.is_over(crossing) {
                over.entry(incident).or_default().push(key);
            }
        }
        let mut messages = 0;
        for (incident, undone) in incidents {
            // What follows is told by itself: a limit that was moved, a level that was crossed meanwhile.
            if !told.contains(&incident) {
                messages += usize::from(self.resolve(state, &incident, &undone)?);
            }
        }
        for (incident, keys) in over {
            for key in &keys {
                if let Some(crossing) = state.crossings.get_mut(*key)
                    && let Told::By(id) = &crossing.told
                {
                    crossing.told = Told::Over(id.clone());
                }
            }
            self.resolve(state, &incident, &Undone { keys, why: Why::Over })?;
        }
        Ok(messages)
    }

    /// Why a crossing is crossed no more, if that is certain.
    fn undone(&self, crossing: &Crossing, is_alive: bool) -> Option<Why> {
        if is_alive {
            return None;
        }
        if !self.is_configured(crossing) {
            return Some(Why::Changed);
        }
        let looked = (crossing.rule.clone(), crossing.kind, crossing.window);
        let is_known = self.found.complete.contains(&looked);
        // A half-filled day proves an overspend, never a saving.
        let is_settled = crossing.through.is_none_or(|day| self.span.is_settled(day));
        let why = match crossing.kind {
            Kind::Budget | Kind::Delta | Kind::Anomaly | Kind::Test => Why::Restated,
            Kind::Forecast | Kind::Hygiene => Why::Receded,
        };
        (is_known && is_settled).then_some(why)
    }

    /// Whether a rule still asks for what was crossed.
    fn is_configured(&self, crossing: &Crossing) -> bool {
        let rules = &self.config.rules;
        let (member, level) = (crossing.member.as_deref(), &crossing.level);
        let has = |percents: &[u32]| percents.iter().any(|percent| percent.to_string() == *level);
        match crossing.kind {
            Kind::Budget | Kind::Forecast => rules.budgets.iter().any(|budget| {
                let percents = if crossing.kind == Kind::Budget { &budget.thresholds } else { &budget.forecast };
                budget.rule.name == crossing.rule
                    && budget.window == crossing.window.kind()
                    && budget.amount_for(member) == crossing.amount
                    && has(percents)
            }),
            Kind::Delta => rules.deltas.iter().any(|delta| {
                delta.rule.name == crossing.rule && delta.rise_amount == crossing.amount && has(&[delta.rise_percent])
            }),
            Kind::Anomaly => rules.anomalies.iter().any(|anomaly| anomaly.rule.name == crossing.rule),
            Kind::Hygiene => rules.hygiene.iter().any(|hygiene| {
                hygiene.rule.name == crossing.rule && hygiene.amount == crossing.amount && has(&[hygiene.percent])
            }),
            Kind::Test => false,
        }
    }

    fn is_over(&self, crossing: &Crossing) -> bool {
        end_of(crossing.last_day()) + OVER_AFTER <= self.now
    }

    /// Writes down that an incident is over, or less than it was. Returns whether people are told.
    fn resolve(&self, state: &mut AlertState, incident: &str, undone: &Undone<'_>) -> Result<bool, DocumentError> {
        let known = undone.keys.iter().filter_map(|key| Some((*key, state.crossings.get(*key)?.clone())));
        let mut levels: Vec<(&str, Crossing)> = known.collect();
        levels.sort_by_key(|(_, crossing)| rank(&crossing.level));
        // Machines were told already that what is over is resolved.
        let is_open = |crossing: &Crossing| undone.why == Why::Over || matches!(crossing.told, Told::By(_));
        let open = levels.iter().rev().find(|(_, crossing)| is_open(crossing));
        let is_closed = open.is_none();
        let Some((key, highest)) = open.or(levels.last()).cloned() else { return Ok(false) };
        let still = state.crossings.values().filter(|crossing| {
            crossing.is_crossed && matches!(crossing.told, Told::By(_)) && incident_of(crossing) == incident
        });
        let still = still.max_by_key(|crossing| rank(&crossing.level)).map(|crossing| crossing.level.clone());
        let status = if still.is_some() { "updated" } else { "resolved" };
        let id = ids::alert_id(key, highest.count);
        let window = data_window(&highest);
        let data = self.span.status(window);
        let names: Vec<String> = levels.iter().map(|(_, crossing)| crossing.level.clone()).collect();
        let measured = self.measurement_of(&highest);
        let text = ResolvedAlert {
            rule: &highest.rule,
            member: highest.member.as_deref(),
            kind: highest.kind,
            window: highest.window,
            currency: &highest.currency,
            spent: measured.map(|measured| measured.spent),
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
            kind: highest.kind,
            status,
            rule: &highest.rule,
            member: highest.member.as_deref().unwrap_or(NOTHING),
            severity: highest.severity.as_str(),
            owner: highest.owner.as_deref().unwrap_or(NOTHING),
            alert_id: &id,
            incident_key: incident,
        }
        .map();
        let is_told = match undone.why {
            // What was said turned out to be wrong: whoever heard it hears that too.
            Why::Restated => true,
            Why::Receded => highest.severity == Severity::Page,
            Why::Changed | Why::Over => false,
        };
        let event = body(&event)?;
        let messages = match (is_told, is_closed) {
            (true, false) => messages(text, event, &attributes),
            (true, true) => messages(text, event, &attributes).into_iter().take(1).collect(),
            (false, false) => vec![for_machines(text.subject, event, &attributes)],
            (false, true) => return Ok(false),
        };
        state.outbox.queue(&format!("{id}:{status}:{}", undone.why.as_str()), messages, self.now);
        Ok(is_told)
    }

    /// What was found now in the place of a crossing.
    fn measurement_of(&self, crossing: &Crossing) -> Option<&Measurement> {
        self.found.measurements.iter().rev().find(|measured| {
            measured.kind() == crossing.kind
                && measured.rule == crossing.rule
                && measured.member == crossing.member
                && measured.currency == crossing.currency
                && (measured.window == crossing.window
                    || measured
                        .day
                        .is_some_and(|day| (crossing.window.first_day()..=crossing.last_day()).contains(&day)))
        })
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

/// How high a level is: percents by number, and a runaway above all.
fn rank(level: &str) -> u32 {
    if level == Shape::Runaway.as_str() { u32::MAX } else { level.parse().unwrap_or(0) }
}
