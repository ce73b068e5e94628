//! Every call fails once: of one history with everything in it, one variant for each call of a sandbox and each way in which
//! that call can go wrong. In the end all is as if nothing had gone wrong.

use std::collections::BTreeSet;

use crate::history::bill::BillRow;
use crate::history::configuration::Configuration;
use crate::history::delivery::{Delivery, ExportKind};
use crate::history::step::{Actor, Does, Function, Round, Step};
use crate::history::trouble::Trouble;
use crate::history::{History, Setup};
use crate::play::play;

/// A day in the middle of November, in the morning.
const BEGINS: u32 = (31 + 9) * 24 + 6;

/// A history in which nothing goes wrong: two deliveries of a month, the second one with other numbers, all functions for
/// each of them, and after it everything that schedules start.
pub fn peaceful() -> History {
    let kind = ExportKind { keeps: false, has_manifests: true, has_ids: true, is_csv: false, payer: 0 };
    let setup = Setup { begins: BEGINS, exports: vec![kind], lost: 0, doubled: 0, late: 0, page: 1000 };
    let configuration = Configuration {
        budget: 100,
        weekly: Some(20),
        credits: false,
        top: 3,
        compares: true,
        broken: false,
    };
    let first = vec![vec![row(1, 1, 30), row(2, 4, 25)], vec![row(8, 6, 4)]];
    let second = vec![vec![row(1, 1, 35), row(2, 4, 25)], vec![row(8, 6, 44), row(9, 0, 3)]];
    let mut steps = vec![Step::Configure(configuration)];
    for (number, chunks) in (1..).zip([first, second]) {
        let delivery = Delivery { number, export: 0, month: 1, chunks, gap: 1, flaw: None };
        steps.push(alone(Does::Deliver(delivery)));
        steps.extend([Function::Ingest, Function::Aggregate, Function::Alert].map(|it| alone(Does::Take(it, 10))));
        // Claims of those that died are over.
        steps.push(Step::Pass { minutes: 45 });
        steps.extend([Function::Ingest, Function::Aggregate, Function::Alert].map(|it| alone(Does::Sweep(it))));
        steps.extend([Does::Digest, Does::Sweep(Function::Digest)].map(alone));
        steps.push(Step::Pass { minutes: 24 * 60 });
    }
    History { seed: 0, setup, steps }
}

fn alone(does: Does) -> Step {
    Step::Round(Round { pace: 0, actors: vec![Actor { does, clock: 0, hurried: None, troubles: Vec::new() }] })
}

fn row(day: u8, caller: u8, dollars: i64) -> BillRow {
    let cost = dollars * 10_i64.pow(crate::history::bill::COST_PLACES) + 5;
    BillRow { day, caller, used: 0, line: 0, account: 0, team: caller % 3, currency: 0, cost, invoiced: false }
}

/// The history with one call gone wrong, for each call and each way.
pub fn variants(peaceful: &History) -> Vec<History> {
    let mut variants = Vec::new();
    for caller in play(peaceful, false).callers {
        for call in 1..=caller.calls {
            // A call that changes nothing fails or does not.
            let ways = if caller.changes.contains(&call) {
                &Trouble::ALL[..]
            } else {
                &[Trouble::NoEffect, Trouble::DiesBefore, Trouble::Slow]
            };
            for trouble in ways {
                let mut variant = peaceful.clone();
                if let Step::Round(round) = &mut variant.steps[caller.step] {
                    round.actors[caller.actor].troubles.push((call, *trouble));
                }
                variants.push(variant);
            }
        }
    }
    variants
}

/// What is not in the end of a variant as it is in that of the peaceful history, in words.
pub fn difference(variant: &History, end: &BTreeSet<String>) -> Option<String> {
    let outcome = play(variant, false);
    if let Some(violation) = outcome.violation {
        return Some(violation);
    }
    let missing = end.difference(&outcome.end).map(|line| format!("\n  missing: {line}"));
    let further = outcome.end.difference(end).map(|line| format!("\n  further: {line}"));
    let differs: String = missing.chain(further).collect();
    (!differs.is_empty()).then(|| format!("it ends otherwise than without trouble:{differs}"))
}
