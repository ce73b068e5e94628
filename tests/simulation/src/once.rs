//! Every call fails once: of one history with everything in it, one variant for each call of a sandbox and each way in which
//! that call can go wrong. In the end all is as if nothing had gone wrong.

use std::collections::BTreeSet;

use crate::history::History;
use crate::history::by_hand::{alone, budgets, delivers, from, usage};
use crate::history::step::{Does, Function, Step};
use crate::history::trouble::{At, Trouble};
use crate::play::play;

/// A history in which nothing goes wrong: two deliveries of a month, the second one with other numbers, all functions for
/// each of them, and after it everything that schedules start.
pub fn peaceful() -> History {
    let first = vec![vec![usage(7, 1, 30), usage(8, 4, 25)], vec![usage(9, 6, 4)]];
    let second = vec![vec![usage(7, 1, 35), usage(8, 4, 25)], vec![usage(9, 6, 44), usage(9, 0, 3)]];
    // The configuration is in force before the first delivery: what was put by the defaults stays in CloudWatch.
    let adopts = [Does::Take(Function::Aggregate, 10), Does::Sweep(Function::Aggregate)].map(alone);
    let mut steps = vec![budgets(100, 20)];
    steps.extend(adopts);
    for (number, chunks) in (1..).zip([first, second]) {
        steps.push(delivers(number, 0, 1, chunks));
        steps.extend([Function::Ingest, Function::Aggregate, Function::Alert].map(|it| alone(Does::Take(it, 10))));
        // Claims of those that died are over.
        steps.push(Step::Pass { minutes: 45 });
        steps.extend([Function::Ingest, Function::Aggregate, Function::Alert].map(|it| alone(Does::Sweep(it))));
        // Twice, as Lambda tries again what a schedule started: a digest that is only made of the next delivery says what
        // the one of the next week would have said.
        steps.extend([Does::Digest, Does::Digest, Does::Sweep(Function::Digest)].map(alone));
        steps.push(Step::Pass { minutes: 24 * 60 });
    }
    from(1, 10, 1, steps)
}

/// The ways in which a call can go wrong as far as its fate goes: refused before its effect, and not answered, without the
/// effect and with it; and with it, the sandbox can be gone.
pub const FATES: [Trouble; 4] = [Trouble::Throttled, Trouble::NoEffect, Trouble::NoAnswer, Trouble::DiesAfter];

/// The history with one call gone wrong, for each call and each of these ways.
pub fn variants(peaceful: &History, ways: &[Trouble]) -> Vec<History> {
    let mut variants = Vec::new();
    for caller in play(peaceful, false).callers {
        for call in 1..=caller.calls {
            // A call that changes nothing fails or does not.
            let changes = caller.changes.contains(&call);
            for trouble in ways.iter().filter(|way| changes || **way == Trouble::NoEffect) {
                let mut variant = peaceful.clone();
                if let Step::Round(round) = &mut variant.steps[caller.step] {
                    round.actors[caller.actor].troubles.push((At::Call(call), *trouble));
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
