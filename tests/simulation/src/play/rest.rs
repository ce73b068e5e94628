//! After a history nothing goes wrong any more, and schedules strike until nothing is left to do.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::dice::Dice;
use crate::functions::{Failed, Invocation};
use crate::history::step::Function;
use crate::model::Violation;
use crate::play::turns::{Task, take_turns};
use crate::world::{Line, World};

/// How long each wait is, in minutes: leases and short pauses end, then quiet exports are believed, then long pauses end,
/// then CloudWatch shows what was put, twice: what turns out not to have been taken may get into doubt again.
const WAITS: [i64; 5] = [16, 130, 370, 73 * 60, 74 * 60];

/// How often queues are emptied before it is a circle.
const MOST_ROUNDS: usize = 60;

/// What is done when a schedule strikes, in the order of a quarter of an hour.
#[derive(Clone, Copy, Debug)]
enum Strike {
    Sweep(Function),
    Digest,
}

const STRIKES: [Strike; 5] = [
    Strike::Sweep(Function::Ingest),
    Strike::Sweep(Function::Aggregate),
    Strike::Sweep(Function::Alert),
    Strike::Digest,
    Strike::Sweep(Function::Digest),
];

/// Brings everything to rest, and sees that it stays so.
pub fn come_to_rest(world: &Arc<World>) -> Result<(), Violation> {
    for (number, wait) in (1..).zip(WAITS) {
        world.pass(TimeDelta::minutes(wait));
        world.say(|| format!("nothing goes wrong any more; wait {number}"));
        let failed = if number < WAITS.len() { run(world, &STRIKES[..3])? } else { run(world, &STRIKES)? };
        if number == WAITS.len()
            && let Some(Failed(why)) = failed.into_iter().next()
        {
            return Err(format!("a step fails although nothing goes wrong: {why}"));
        }
    }
    // What sweeps and messages of the last round led to.
    everything(world)?;
    let before = marks(world);
    world.say(|| "everything once more".to_owned());
    everything(world)?;
    let after = marks(world);
    if before == after {
        return Ok(());
    }
    Err(format!("everything once more changes something: writes, data, messages {before:?} became {after:?}"))
}

/// How much was written, put and sent.
fn marks(world: &World) -> (u64, u64, usize) {
    let inside = world.inside();
    let sent = inside.log.happened.iter().filter(|happened| matches!(happened, crate::world::Happened::Sent { .. }));
    (inside.log.writes, inside.log.data, sent.count())
}

/// All events that are due, and all schedules.
fn everything(world: &Arc<World>) -> Result<(), Violation> {
    run(world, &STRIKES).map(drop)
}

/// All events that are due, and some schedules. Gives what failed.
fn run(world: &Arc<World>, strikes: &[Strike]) -> Result<Vec<Failed>, Violation> {
    let mut failed = Vec::new();
    drain(world)?;
    for strike in strikes.iter().copied() {
        let line = Arc::new(Line::new(format!("{strike:?}"), &[], None, world.now() + TimeDelta::days(1)));
        let work = {
            let invocation = Invocation::new(world, &line, world.now());
            async move {
                match strike {
                    Strike::Sweep(Function::Ingest) => invocation.sweep_ingest().await,
                    Strike::Sweep(Function::Aggregate) => invocation.sweep_aggregate().await,
                    Strike::Sweep(Function::Alert) => invocation.sweep_alert().await,
                    Strike::Sweep(Function::Digest) => invocation.sweep_digest().await,
                    Strike::Digest => invocation.digest().await,
                }
            }
        };
        failed.extend(alone(world, &line, Box::pin(work)).err());
        drain(world)?;
    }
    Ok(failed)
}

fn drain(world: &Arc<World>) -> Result<(), Violation> {
    for _ in 0..MOST_ROUNDS {
        let mut is_empty = true;
        for function in [Function::Ingest, Function::Aggregate, Function::Alert] {
            let now = world.now();
            let mut order = Dice::of(1);
            let queue = |world: &World, order: &mut Dice| {
                world.inside().queues.entry(function).or_default().take(10, now, order)
            };
            let events = queue(world, &mut order);
            if events.is_empty() {
                continue;
            }
            is_empty = false;
            let line = Arc::new(Line::new(function.name().to_owned(), &[], None, world.now() + TimeDelta::days(1)));
            let invocation = Invocation::new(world, &line, now);
            let again = alone(
                world,
                &line,
                Box::pin(async move {
                    match function {
                        Function::Ingest => invocation.ingest(events).await,
                        Function::Aggregate => invocation.aggregate(events).await,
                        _ => invocation.alert(events).await,
                    }
                }),
            );
            world.inside().queues.entry(function).or_default().put_back(again);
        }
        if is_empty {
            return Ok(());
        }
    }
    Err("events lead to events without an end".to_owned())
}

/// Lets one work alone to its end.
pub fn alone<T>(world: &World, line: &Arc<Line>, work: std::pin::Pin<Box<dyn Future<Output = T>>>) -> T {
    let outcome = take_turns(vec![Task { line: Arc::clone(line), work }], Dice::of(0)).pop().flatten().unwrap();
    let mut inside = world.inside();
    inside.tally.calls += u64::from(line.calls());
    inside.tally.sandboxes += 1;
    outcome
}
