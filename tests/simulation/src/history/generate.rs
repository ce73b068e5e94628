//! The history of a seed.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use crate::dice::Dice;
use crate::history::bill::{
    ACCOUNTS, BillRow, CALLERS, COST_PLACES, CURRENCIES, ELSEWHERE, LINES, PAYERS, TEAMS, USES,
};
use crate::history::configuration::Configuration;
use crate::history::delivery::{Delivery, ExportKind, Flaw};
use crate::history::step::{Actor, Does, Function, Round, Step};
use crate::history::trouble::{At, Trouble};
use crate::history::{History, Setup, Times};

/// The most rows of a bill: enough for several of everything, few enough to be read by a person.
const MOST_ROWS: usize = 12;
/// The most where days lie between deliveries, and each tells of other days.
const MOST_ROWS_OF_SLOW: usize = 24;

/// The history of a seed.
pub fn history(seed: u64) -> History {
    let mut dice = Dice::of_all(&[seed, 1]);
    let setup = setup(&mut dice);
    let mut writer = Writer {
        now: setup.begins(),
        bills: BTreeMap::new(),
        deliveries: 0,
        // Some histories are peaceful, so that what needs no trouble at all to go wrong is found by a short one.
        troubled: *dice.pick(&[0, 20, 60, 90]),
        // By dice of its own: whatever else a seed's history has stays what it was.
        is_slow: Dice::of_all(&[seed, 2]).percent(20),
        dice,
        setup,
        steps: Vec::new(),
    };
    writer.write();
    History { seed, setup: writer.setup, steps: writer.steps }
}

fn setup(dice: &mut Dice) -> Setup {
    // From the middle of October to that of November, so that months end.
    let begins = u32::try_from(dice.below(30 * 24)).unwrap() + 14 * 24;
    let count = if dice.percent(30) { 2 } else { 1 };
    let exports = (0..count).map(|_| ExportKind {
        keeps: dice.percent(30),
        has_manifests: dice.percent(90),
        has_ids: dice.percent(70),
        is_csv: dice.percent(15),
        payer: u8::from(!dice.percent(70)),
    });
    let mut exports: Vec<_> = exports.collect();
    let is_lossy = dice.percent(50);
    let mut rate = |most: u64| if is_lossy { dice.below(most) } else { 0 };
    let (lost, doubled, late) = (rate(40), rate(40), rate(30));
    let page = *dice.pick(&[2, 5, 1000]);
    let copied = dice.percent(12).then(|| *dice.pick(&[Times::OfSource, Times::OfArrival]));
    if copied.is_some() {
        for export in &mut exports {
            export.has_manifests = true;
        }
    }
    Setup { begins, exports, lost, doubled, late, page, copied }
}

struct Writer {
    dice: Dice,
    setup: Setup,
    now: DateTime<Utc>,
    /// What the bill of an export and a month has by now.
    bills: BTreeMap<(u8, u8), Vec<BillRow>>,
    deliveries: u32,
    /// Of a hundred actors, how many have trouble.
    troubled: u64,
    /// Whether days lie between deliveries, so that days settle.
    is_slow: bool,
    steps: Vec<Step>,
}

impl Writer {
    fn write(&mut self) {
        if self.setup.copied.is_some() || self.dice.percent(85) {
            let mut configuration = self.configuration();
            // Whoever has a copy says so before anything is read.
            configuration.broken &= self.setup.copied.is_none();
            self.steps.push(Step::Configure(configuration));
        }
        let scenes = if self.is_slow { self.dice.between(5, 9) } else { self.dice.between(2, 7) };
        for _ in 0..scenes {
            self.scene();
        }
    }

    /// A delivery or none, and some who are at work.
    fn scene(&mut self) {
        if self.dice.percent(20) {
            let configuration = self.configuration();
            self.steps.push(Step::Configure(configuration));
        }
        let mut actors = Vec::new();
        if self.dice.percent(85) {
            let delivery = self.delivery();
            actors.push(Actor { does: Does::Deliver(delivery), clock: 0, hurried: None, troubles: Vec::new() });
            // Mostly functions come after AWS, sometimes while it still writes.
            if self.dice.percent(60) {
                self.round(&mut actors);
            }
        }
        for _ in 0..self.dice.below(4) {
            for _ in 0..=self.dice.below(3) {
                let actor = self.actor();
                actors.push(actor);
            }
            self.round(&mut actors);
        }
        self.round(&mut actors);
        if self.dice.percent(25) {
            self.relay();
        }
        if self.dice.percent(4) {
            let mut actor = self.actor();
            (actor.does, actor.hurried) = (Does::Forget, None);
            actors.push(actor);
            self.round(&mut actors);
        }
        if self.dice.percent(8) {
            self.steps.push(Step::Upgrade { percent: *self.dice.pick(&[50, 100]) });
        }
        let minutes = match self.dice.below(10) {
            0..3 => self.dice.between(0, 20),
            3..6 => self.dice.between(20, 300),
            6..9 => self.dice.between(300, 1600),
            _ => self.dice.between(1600, 5000),
        };
        let minutes = if self.is_slow { self.dice.between(24 * 60, 4 * 24 * 60) } else { minutes };
        let minutes = u32::try_from(minutes).unwrap();
        self.now += TimeDelta::minutes(minutes.into());
        self.steps.push(Step::Pass { minutes });
    }

    /// The functions in their order, some of each at once: so that several have the same to tell.
    fn relay(&mut self) {
        for function in [Function::Ingest, Function::Aggregate, Function::Alert] {
            let mut actors = Vec::new();
            for _ in 0..=self.dice.below(3) {
                let mut actor = self.actor();
                actor.does = if self.dice.percent(50) { Does::Sweep(function) } else { Does::Take(function, 10) };
                actors.push(actor);
            }
            self.round(&mut actors);
        }
    }

    fn round(&mut self, actors: &mut Vec<Actor>) {
        if !actors.is_empty() {
            self.steps.push(Step::Round(Round { pace: self.dice.number(), actors: std::mem::take(actors) }));
        }
    }

    fn actor(&mut self) -> Actor {
        let dice = &mut self.dice;
        let function = *dice.pick(&[
            Function::Ingest,
            Function::Ingest,
            Function::Aggregate,
            Function::Aggregate,
            Function::Alert,
            Function::Alert,
            Function::Digest,
        ]);
        let does = match (function, dice.below(3)) {
            (Function::Digest, 0) => Does::Digest,
            (Function::Digest, _) | (_, 0) => Does::Sweep(function),
            _ => Does::Take(function, u8::try_from(dice.between(1, 10)).unwrap()),
        };
        let clock = if dice.percent(30) { i16::try_from(dice.between(-75, 75)).unwrap() } else { 0 };
        let hurried = dice.percent(5).then(|| u16::try_from(dice.between(3, 40)).unwrap());
        let mut troubles = Vec::new();
        if dice.percent(self.troubled) {
            for _ in 0..=dice.below(3) {
                // Early calls are made more often than late ones.
                let most = *dice.pick(&[3, 10, 30, 60]);
                let mut call = |most| u16::try_from(dice.between(1, most)).unwrap();
                let at = if call(10) <= 3 { At::Telling(call(3)) } else { At::Call(call(most)) };
                troubles.push((at, *dice.pick(&Trouble::ALL)));
            }
            troubles.sort_by_key(|(at, _)| *at);
            troubles.dedup_by_key(|(at, _)| *at);
        }
        Actor { does, clock, hurried, troubles }
    }

    fn configuration(&mut self) -> Configuration {
        let (dice, exports) = (&mut self.dice, &self.setup.exports);
        let rivals = exports.len() == 2 && exports[0].payer == exports[1].payer;
        let chosen = (rivals && dice.percent(40)).then(|| (exports[0].payer, u8::from(dice.percent(50))));
        let one = |dice: &mut Dice, percent| {
            (exports.len() == 2 && dice.percent(percent)).then(|| u8::from(dice.percent(50)))
        };
        // What is chosen of a payer and does not count is refused.
        let only = if chosen.is_none() { one(dice, 15) } else { None };
        let retired = one(dice, 15);
        Configuration {
            chosen,
            only,
            retired,
            first_run: if dice.percent(33) { "summary" } else { "send" },
            singly: *dice.pick(&[20, 20, 1, 2]),
            budget: *dice.pick(&[50, 100, 200, 1000]),
            weekly: dice.percent(60).then(|| *dice.pick(&[20, 60, 150])),
            credits: dice.percent(25),
            top: *dice.pick(&[1, 3, 50]),
            // Settled days are compared: where days pass there are some.
            compares: dice.percent(if self.is_slow { 85 } else { 40 }),
            copied: self.setup.copied.is_some(),
            broken: dice.percent(8),
        }
    }

    fn delivery(&mut self) -> Delivery {
        let export = self.dice.count(self.setup.exports.len());
        let kind = self.setup.exports[export].clone();
        let current = month(self.now);
        let month = if self.dice.percent(30) { current.saturating_sub(1) } else { current };
        let export = u8::try_from(export).unwrap();
        let mut bill = self.bills.remove(&(export, month)).unwrap_or_default();
        let most = if self.is_slow { MOST_ROWS_OF_SLOW } else { MOST_ROWS };
        self.change(&mut bill, month, most);
        self.bills.insert((export, month), bill.clone());
        let dice = &mut self.dice;
        let mut chunks = vec![Vec::new(); usize::try_from(dice.between(1, 3)).unwrap()];
        for row in bill {
            let chunk = dice.count(chunks.len());
            chunks[chunk].push(row);
        }
        let files = chunks.len() as u64;
        let flaw = match dice.below(100) {
            // Of what never came it cannot be said that it is late.
            0..8 if self.setup.copied.is_some() => None,
            0..4 if kind.has_manifests => Some(Flaw::Halts(u8::try_from(dice.below(files)).unwrap() + 1)),
            4..8 if kind.has_manifests => Some(Flaw::NoManifest),
            8..12 => Some(Flaw::Damaged(u8::try_from(dice.below(files)).unwrap())),
            _ => None,
        };
        let gap = if dice.percent(70) { 0 } else { u8::try_from(dice.below(40)).unwrap() };
        self.deliveries += 1;
        Delivery { number: self.deliveries, export, month, chunks, gap, flaw }
    }

    /// AWS knows more of the month, or something else.
    fn change(&mut self, bill: &mut Vec<BillRow>, of: u8, most: usize) {
        let (dice, now) = (&mut self.dice, self.now);
        let is_over = month(now) > of;
        let last = if is_over { 28 } else { i64::from(now.day()).min(28) };
        match dice.below(20) {
            // The same again.
            0 => return,
            1 => bill.clear(),
            2 | 3 => {
                for _ in 0..=dice.below(3) {
                    if !bill.is_empty() {
                        bill.swap_remove(dice.count(bill.len()));
                    }
                }
            }
            _ => {}
        }
        if !bill.is_empty() && dice.percent(40) {
            let place = dice.count(bill.len());
            bill[place].cost = cost(dice);
        }
        for _ in 0..=dice.below(4) {
            let row = row(dice, last);
            if bill.len() < most {
                bill.push(row);
            }
        }
        if is_over && dice.percent(40) {
            for row in bill.iter_mut() {
                row.invoiced = true;
            }
        }
    }
}

/// The month that a time lies in, from October 2026.
fn month(now: DateTime<Utc>) -> u8 {
    u8::try_from((now.year() - 2026) * 12 + i32::try_from(now.month()).unwrap() - 10).unwrap()
}

fn row(dice: &mut Dice, last: i64) -> BillRow {
    let place = |dice: &mut Dice, length: usize| u8::try_from(dice.count(length)).unwrap();
    let line = if dice.percent(70) { 0 } else { place(dice, LINES.len()) };
    let used = if dice.percent(60) { 0 } else { place(dice, USES.len()) };
    BillRow {
        day: u8::try_from(dice.between(1.max(last - 9), last)).unwrap(),
        // What is not Bedrock's and has a caller is Bedrock's after all; that happens, and seldom.
        caller: if used == ELSEWHERE && dice.percent(80) { 0 } else { place(dice, CALLERS.len()) },
        used,
        line,
        account: place(dice, ACCOUNTS.len()),
        team: place(dice, TEAMS.len()),
        currency: if dice.percent(85) { 0 } else { place(dice, CURRENCIES.len()) },
        cost: cost(dice),
        invoiced: false,
    }
}

/// An amount: mostly some dollars with an odd end, sometimes almost nothing, or exactly half of the last place that
/// metrics keep.
fn cost(dice: &mut Dice) -> i64 {
    let whole = 10_i64.pow(COST_PLACES);
    match dice.below(10) {
        0 => dice.between(-40, 40),
        1 => dice.between(0, 30) * whole,
        2 => -dice.between(0, 20 * whole),
        3 => dice.between(0, 100) * whole + 5,
        4 => dice.between(0, 200 * whole),
        _ => dice.between(0, 40 * whole),
    }
}

/// The payer of an export.
pub fn payer(kind: &ExportKind) -> &'static str {
    PAYERS[usize::from(kind.payer)]
}
