//! The shortest history that still fails in the same way: parts are left out one at a time, as long as what is left fails.

use crate::history::History;
use crate::history::step::{Does, Round, Step};
use crate::model::Violation;
use crate::play::play;

/// How many histories are tried at most.
const MOST_TRIES: usize = 4000;

/// The shortest history found that fails as this one does, and how it fails. Nothing if this one does not fail.
pub fn shrink(history: &History) -> Option<(History, Violation)> {
    let mut violation = play(history, false).violation?;
    let gist = gist(&violation);
    let mut smallest = history.clone();
    let mut tries = 0;
    loop {
        let mut is_smaller = false;
        let mut place = 0;
        while let Some(candidate) = shorter(&smallest, place) {
            tries += 1;
            if tries > MOST_TRIES {
                return Some((smallest, violation));
            }
            match play(&candidate, false).violation.filter(|found| self::gist(found) == gist) {
                // What was left out is gone, and the next part stands in its place.
                Some(found) => (smallest, violation, is_smaller) = (candidate, found, true),
                None => place += 1,
            }
        }
        if !is_smaller {
            return Some((smallest, violation));
        }
    }
}

/// What a violation says without names and numbers: its first plain words.
fn gist(violation: &Violation) -> String {
    let is_plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    violation.split([' ', ':']).filter(is_plain).take(5).collect::<Vec<_>>().join(" ")
}

/// The history without its part number `place`: large parts come first.
fn shorter(history: &History, place: usize) -> Option<History> {
    let mut cuts = Vec::new();
    let steps = history.steps.len();
    // Whole steps, the last ones first.
    cuts.extend((0..steps).rev().map(Cut::Step));
    for (at, step) in history.steps.iter().enumerate() {
        let Step::Round(Round { actors, .. }) = step else { continue };
        cuts.extend((0..actors.len()).rev().map(|actor| Cut::Actor(at, actor)));
    }
    cuts.extend([Cut::Losses, Cut::Pages, Cut::SecondExport]);
    for (at, step) in history.steps.iter().enumerate() {
        match step {
            Step::Pass { minutes } if *minutes > 0 => cuts.push(Cut::HalfOfTime(at)),
            Step::Pass { .. } | Step::Upgrade { .. } => {}
            Step::Configure(_) => {
                cuts.extend([Cut::Weekly(at), Cut::Compares(at), Cut::Summaries(at), Cut::Exports(at)]);
            }
            Step::Round(round) => {
                for (number, actor) in round.actors.iter().enumerate() {
                    cuts.extend((0..actor.troubles.len()).rev().map(|trouble| Cut::Trouble(at, number, trouble)));
                    cuts.extend([Cut::Clock(at, number), Cut::Hurry(at, number)]);
                    let Does::Deliver(delivery) = &actor.does else { continue };
                    cuts.extend([Cut::Flaw(at, number), Cut::Gap(at, number)]);
                    for (chunk, rows) in delivery.chunks.iter().enumerate() {
                        cuts.push(Cut::File(at, number, chunk));
                        for row in (0..rows.len()).rev() {
                            cuts.extend([Cut::Row(at, number, chunk, row), Cut::Plain(at, number, chunk, row)]);
                        }
                    }
                }
                cuts.push(Cut::Pace(at));
            }
        }
    }
    // A cut that changes nothing would be taken for ever.
    cuts.into_iter().filter_map(|cut| cut.made(history)).nth(place)
}

/// A part that is left out, by its place.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Step(usize),
    Actor(usize, usize),
    Losses,
    Pages,
    SecondExport,
    HalfOfTime(usize),
    Weekly(usize),
    Compares(usize),
    Summaries(usize),
    /// What a configuration says of exports.
    Exports(usize),
    Trouble(usize, usize, usize),
    Clock(usize, usize),
    Hurry(usize, usize),
    Flaw(usize, usize),
    Gap(usize, usize),
    File(usize, usize, usize),
    Row(usize, usize, usize, usize),
    /// A row's account, team, currency and odd end.
    Plain(usize, usize, usize, usize),
    Pace(usize),
}

impl Cut {
    /// The history without the part, if that is another one.
    fn made(self, history: &History) -> Option<History> {
        let mut shorter = history.clone();
        self.make(&mut shorter)?;
        (shorter != *history && shorter.is_possible()).then_some(shorter)
    }

    fn make(self, history: &mut History) -> Option<()> {
        let setup = &mut history.setup;
        match self {
            Self::Losses => (setup.lost, setup.doubled, setup.late) = (0, 0, 0),
            Self::Pages => setup.page = 1000,
            Self::SecondExport => {
                let is_used = |step: &Step| match step {
                    Step::Round(round) => round
                        .actors
                        .iter()
                        .any(|actor| matches!(&actor.does, Does::Deliver(delivery) if delivery.export > 0)),
                    _ => false,
                };
                if history.steps.iter().any(is_used) {
                    return None;
                }
                history.setup.exports.truncate(1);
            }
            Self::Step(at) => drop(history.steps.remove(at)),
            Self::Actor(at, actor) => drop(round(history, at)?.actors.remove(actor)),
            Self::HalfOfTime(at) => match &mut history.steps[at] {
                Step::Pass { minutes } => *minutes /= 2,
                _ => return None,
            },
            Self::Weekly(at) | Self::Compares(at) | Self::Summaries(at) | Self::Exports(at) => {
                let Step::Configure(configuration) = &mut history.steps[at] else { return None };
                match self {
                    Self::Weekly(_) => configuration.weekly = None,
                    Self::Summaries(_) => (configuration.first_run, configuration.singly) = ("send", 20),
                    Self::Compares(_) => configuration.compares = false,
                    _ => (configuration.chosen, configuration.only, configuration.retired) = (None, None, None),
                }
            }
            Self::Trouble(at, actor, trouble) => {
                round(history, at)?.actors[actor].troubles.remove(trouble);
            }
            Self::Clock(at, actor) => round(history, at)?.actors[actor].clock = 0,
            Self::Hurry(at, actor) => round(history, at)?.actors[actor].hurried = None,
            Self::Pace(at) => {
                let round = round(history, at)?;
                round.pace = if round.actors.len() > 1 { round.pace % 100 } else { 0 };
            }
            Self::Flaw(at, actor) => delivery(history, at, actor)?.flaw = None,
            Self::Gap(at, actor) => delivery(history, at, actor)?.gap = 0,
            Self::File(at, actor, chunk) => {
                let delivery = delivery(history, at, actor)?;
                if delivery.flaw.is_some() || delivery.chunks.len() < 2 {
                    return None;
                }
                let rows = delivery.chunks.remove(chunk);
                delivery.chunks[0].extend(rows);
            }
            Self::Row(at, actor, chunk, row) => {
                delivery(history, at, actor)?.chunks[chunk].remove(row);
            }
            Self::Plain(at, actor, chunk, row) => {
                let row = &mut delivery(history, at, actor)?.chunks[chunk][row];
                (row.account, row.team, row.currency) = (0, 0, 0);
                let whole = 10_i64.pow(crate::history::bill::COST_PLACES);
                row.cost = if row.cost % whole == 0 { row.cost } else { row.cost / whole * whole + whole };
            }
        }
        Some(())
    }
}

fn round(history: &mut History, at: usize) -> Option<&mut Round> {
    match &mut history.steps[at] {
        Step::Round(round) => Some(round),
        _ => None,
    }
}

fn delivery(history: &mut History, at: usize, actor: usize) -> Option<&mut crate::history::delivery::Delivery> {
    match &mut round(history, at)?.actors[actor].does {
        Does::Deliver(delivery) => Some(delivery),
        _ => None,
    }
}
