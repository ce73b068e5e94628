//! What an evaluation makes of the state: which crossings are new, which are to be told, how, and which are over.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use spend_core::calendar::data_span::DataSpan;
use spend_core::calendar::window::{Window, WindowKind, end_of};
use spend_core::facts::dimension::Dimension;
use spend_core::money::decimal::Decimal;
use spend_core::rules::evaluation::Evaluated;
use spend_core::rules::finding::{Detail, Level, Measurement, Verdict};
use spend_core::rules::mute::Mute;
use spend_core::rules::rule::Kind;

use crate::alert::crossing::{Crossing, NoLevel, Told};
use crate::alert::episodes::Episodes;
use crate::alert::origin::SKEW;
use crate::alert::sources::Known;
use crate::alert::state::AlertState;
use crate::alert::{ids, levels};
use crate::config::{Config, FirstRun};
use crate::state::book::Book;
use crate::state::document::{Document as _, DocumentError};

/// One evaluation of one configuration over one book.
pub(super) struct Evaluation<'a> {
    pub(super) known: &'a Known<'a>,
    pub(super) config: &'a Config,
    pub(super) book: &'a Book,
    pub(super) span: &'a DataSpan,
    pub(super) found: &'a Evaluated,
    /// The last day on which rules matched somebody, as far as the book knows.
    pub(super) matched: &'a BTreeMap<String, Option<NaiveDate>>,
    pub(super) now: DateTime<Utc>,
}

/// Something to tell: all levels of one incident that were crossed at once.
pub(super) struct New<'a> {
    /// Of an episode the day with most spend.
    pub(super) measured: &'a Measurement,
    pub(super) window: Window,
    pub(super) incident: String,
    /// The names of the levels, lowest first.
    pub(super) fired: Vec<String>,
    /// The key of the highest.
    pub(super) highest: String,
    pub(super) keys: Vec<String>,
    /// Whether it is told together with others, because of the first run.
    pub(super) is_first: bool,
}

/// What is done about a level that is newly found crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    Send,
    Summarise,
    Seed,
    Mute,
    /// Nothing yet: the first run goes on until the newest delivery is in.
    Wait,
}

impl<'a> Evaluation<'a> {
    pub(super) fn plan(&self, state: &mut AlertState) -> Result<AlertSummary, DocumentError> {
        let mut summary = AlertSummary { measured: self.found.measurements.len(), ..AlertSummary::default() };
        state.meet(levels::asked(self.config), self.now);
        let mut episodes = Episodes::of(state);
        // Everything that is crossed or may be. What the state takes to be crossed and is not in here is undone below.
        let mut alive = BTreeSet::new();
        let mut new: BTreeMap<String, New<'a>> = BTreeMap::new();
        for measured in &self.found.measurements {
            let is_alive = measured.levels.iter().any(|level| level.verdict != Verdict::Clear);
            if !is_alive || state.horizon.has_passed(measured) {
                continue;
            }
            let window = episodes.window(measured);
            let incident = incident_key(measured, window);
            for (rank, level) in measured.levels.iter().enumerate() {
                if level.verdict == Verdict::Clear {
                    continue;
                }
                let key = ids::crossing(&incident, &level.name, level.amount);
                alive.insert(key.clone());
                let disposition = match level.verdict {
                    // An undecided level keeps its crossing as it was. It is looked at only where a mute may have
                    // ended.
                    Verdict::Crossed => self.cross(state, measured, (window, &incident), level, &key)?,
                    _ if state.crossings.get(&key).is_some_and(|known| self.is_unmuted(known, measured)) => {
                        Some(self.disposition(state, measured, &incident, level))
                    }
                    _ => None,
                };
                // Another day of the same episode, measured after this one, finds it.
                if level.verdict == Verdict::Crossed
                    && let Some(crossing) = state.crossings.get(&key)
                {
                    episodes.add(crossing);
                }
                match disposition {
                    None => {}
                    Some(Disposition::Seed) => summary.seeded += 1,
                    Some(Disposition::Mute) => summary.muted += 1,
                    Some(Disposition::Wait) => summary.waiting += 1,
                    Some(told @ (Disposition::Send | Disposition::Summarise)) => {
                        let is_first = told == Disposition::Summarise;
                        add(&mut new, measured, window, &incident, (rank, level), key, is_first);
                    }
                }
            }
            // Of days that are found at once the later ones may cross no level that the first did not.
            let is_crossed = measured.levels.iter().any(|level| level.verdict == Verdict::Crossed);
            if let Some(told) = new.get_mut(&incident)
                && is_crossed
                && measured.spent > told.measured.spent
            {
                told.measured = measured;
            }
        }
        let new: Vec<_> = new.into_values().collect();
        // An incident with a new level is not also told as partly resolved.
        let told: BTreeSet<_> = new.iter().map(|new| new.incident.clone()).collect();
        summary.fired = self.tell(state, new)?;
        summary.resolved = self.undo(state, &alive, &told)?;
        // After the dispositions, which ask whether this is a rule's first evaluation of its first window.
        for (name, rule) in &mut state.rules {
            rule.matched = rule.matched.max(self.matched.get(name).copied().flatten());
            let has_numbers = self.span.months().any(|month| month == rule.first_month());
            rule.first_window_seen |= has_numbers && self.known.newest_is_in();
        }
        // Nobody asks for anything, and nobody did: there is no state then.
        if *state != AlertState::default() || !self.config.rules.is_empty() {
            state.origin.remember(self.known);
            state.forget(self.book, self.span.newest(), self.now);
        }
        Ok(summary)
    }

    /// Records that a level is crossed. What is to be done about it, unless that was done before.
    fn cross(
        &self,
        state: &mut AlertState,
        measured: &Measurement,
        (window, incident): (Window, &str),
        level: &Level,
        key: &str,
    ) -> Result<Option<Disposition>, DocumentError> {
        let disposition = self.disposition(state, measured, incident, level);
        if disposition == Disposition::Wait {
            // Nothing is recorded: the next evaluation decides as if it were the first.
            return Ok(Some(disposition));
        }
        let rise = rise(measured);
        let known = state.crossings.get_mut(key);
        let count = match known {
            None => 1,
            Some(known) if known.is_crossed => {
                let is_unmuted = self.is_unmuted(known, measured);
                // An episode that goes on rests on its last day; a window rests on the day on which it was crossed.
                if measured.day.is_some() {
                    known.through = known.through.max(measured.through);
                }
                // What is not told because of a clock that ran ahead is not known.
                let is_unseeded = known.told == Told::Nobody && known.at > self.now + SKEW;
                if !is_unmuted && !is_unseeded {
                    return Ok(None);
                }
                known.count
            }
            // It was armed again and is crossed again: the next number, unless it is no news.
            Some(known) if is_no_news(known, rise) => return Ok(None),
            Some(known) => known.count + 1,
        };
        let crossing = Crossing {
            rule: measured.rule.clone(),
            member: measured.member.clone(),
            currency: measured.currency.clone(),
            kind: measured.kind(),
            window,
            level: level.name.parse().map_err(no_level)?,
            amount: level.amount,
            at: self.now,
            count,
            through: measured.through,
            is_crossed: true,
            told: match disposition {
                Disposition::Mute => Told::Muted,
                Disposition::Seed | Disposition::Wait => Told::Nobody,
                // By this or, where several are told together, by that: it is told before the state is written.
                Disposition::Send | Disposition::Summarise => Told::By(ids::alert_id(key, count)),
            },
            spent: Some(measured.spent),
            rise,
            severity: measured.severity,
            owner: measured.owner.clone(),
        };
        state.crossings.insert(key.to_owned(), crossing);
        Ok(Some(disposition))
    }

    /// Whether a crossing is to be told of that nobody was told of because of a mute: the mute has ended, and what was
    /// measured had not ended before it did. Of an episode a day that was not known under the mute is to be told of.
    fn is_unmuted(&self, crossing: &Crossing, measured: &Measurement) -> bool {
        let (rule, member) = (&crossing.rule, crossing.member.as_deref());
        if !crossing.is_crossed || crossing.told != Told::Muted || self.is_muted(rule, member) {
            return false;
        }
        // A mute that was taken out of the configuration has ended just now.
        let each = self.each(rule);
        let mutes = self.config.mutes.iter().filter(|mute| mute.matches(rule, each, member));
        let ended = mutes.map(Mute::end).filter(|end| *end > crossing.at).max().unwrap_or(self.now);
        end_of(measured.last_day()) > ended || measured.last_day() > crossing.last_day()
    }

    pub(super) fn is_muted(&self, rule: &str, member: Option<&str>) -> bool {
        self.config.mutes_in_force(self.now).any(|mute| mute.matches(rule, self.each(rule), member))
    }

    /// What the members of a rule are; nothing where the configuration does not have it any more.
    fn each(&self, rule: &str) -> Option<&Dimension> {
        self.config.rules.rules().find(|found| found.name == rule)?.each.as_ref()
    }

    fn disposition(&self, state: &AlertState, measured: &Measurement, incident: &str, level: &Level) -> Disposition {
        let seen = state.rules.get(&measured.rule);
        // A level that nobody knows of would be a mistake of ours, and is no reason to be silent.
        let since = state.level_since(&measured.rule, measured.kind(), &level.name, level.amount);
        let since = since.or(seen.map(|rule| rule.first_seen));
        // A new or changed rule never alerts on windows that had already ended.
        if since.is_some_and(|since| end_of(measured.last_day()) <= since) {
            return Disposition::Seed;
        }
        // Raising a budget during an incident does not make its lower levels news.
        if matches!(measured.kind(), Kind::Budget | Kind::Forecast) && state.was_known_higher(incident, level) {
            return Disposition::Seed;
        }
        if self.is_muted(&measured.rule, measured.member.as_deref()) {
            return Disposition::Mute;
        }
        // `[alerts] first_run` is about the windows that were open when the rule was first evaluated, and about no
        // others.
        if seen.is_none_or(|rule| rule.first_window_seen || !rule.was_open(measured.window)) {
            return Disposition::Send;
        }
        if !self.known.newest_is_in() {
            return Disposition::Wait;
        }
        match self.config.first_run {
            FirstRun::Send => Disposition::Send,
            FirstRun::Summary => Disposition::Summarise,
            FirstRun::Silent => Disposition::Seed,
        }
    }
}

/// That rules measure a level which the state cannot hold: a mistake in this program.
fn no_level(error: NoLevel) -> DocumentError {
    DocumentError::Unwritable { name: AlertState::FORMAT, source: serde::ser::Error::custom(error) }
}

/// By how much a delta found more than before.
fn rise(measured: &Measurement) -> Option<Decimal> {
    let Detail::Delta { before, .. } = measured.detail else { return None };
    measured.spent.checked_sub(before)
}

/// Whether crossing again is no news: a month to date moves by itself, around the level as well as past it. Who was
/// told of it once in the month is told again only of what is twice as bad.
fn is_no_news(known: &Crossing, rise: Option<Decimal>) -> bool {
    let is_month = known.kind == Kind::Delta && known.window.kind() == WindowKind::Month;
    let is_twice =
        known.rise.zip(rise).is_none_or(|(told, rise)| told.checked_mul(2).is_none_or(|twice| rise >= twice));
    is_month && known.is_told() && !is_twice
}

/// The incident that a measurement belongs to.
fn incident_key(measured: &Measurement, window: Window) -> String {
    ids::incident_key(&measured.rule, measured.member.as_deref(), &measured.currency, window, measured.kind())
}

/// Adds a level to what is told of its incident.
fn add<'a>(
    new: &mut BTreeMap<String, New<'a>>,
    measured: &'a Measurement,
    window: Window,
    incident: &str,
    (rank, level): (usize, &Level),
    key: String,
    is_first: bool,
) {
    let name = level.name.clone();
    let entry = new.entry(incident.to_owned()).or_insert_with(|| New {
        measured,
        window,
        incident: incident.to_owned(),
        fired: Vec::new(),
        highest: key.clone(),
        keys: Vec::new(),
        is_first,
    });
    if !entry.fired.contains(&name) {
        // Levels come lowest first, of each day of an episode.
        let at = entry.fired.iter().take_while(|fired| rank_of(measured, fired) < rank).count();
        if at == entry.fired.len() {
            entry.highest.clone_from(&key);
        }
        entry.fired.insert(at, name);
        entry.keys.push(key);
    }
}

fn rank_of(measured: &Measurement, name: &str) -> usize {
    measured.levels.iter().position(|level| level.name == name).unwrap_or(0)
}

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
    /// How many levels were found crossed and are not told of until the newest delivery is in, because this is the
    /// first run.
    pub waiting: usize,
    /// How many messages that something is crossed no more were written down.
    pub resolved: usize,
    /// How many messages were sent, to people and to machines, those of earlier runs among them.
    pub sent: usize,
}
