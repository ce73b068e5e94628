//! A history is played from its beginning to its end.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;

use crate::dice::Dice;
use crate::export;
use crate::functions::{Failed, Invocation};
use crate::history::History;
use crate::history::step::{Actor, Does, Function, Round, Step};
use crate::model::{self, Violation};
use crate::play::rest::{alone, come_to_rest};
use crate::play::turns::{Task, take_turns};
use crate::world::{Caller, Event, Line, Tally, World};

/// What came of a history.
#[derive(Debug)]
pub struct Outcome {
    /// What was not as it must be.
    pub violation: Option<Violation>,
    pub tally: Tally,
    /// What went on, one line each, if it was asked for.
    pub lines: Vec<String>,
    pub callers: Vec<Caller>,
    /// What is left in the end, if all is as it must be.
    pub end: BTreeSet<String>,
}

/// Plays a history. `is_told` asks for every call, in words.
pub fn play(history: &History, is_told: bool) -> Outcome {
    let world = Arc::new(World::new(history.seed, &history.setup, is_told));
    let played = catch_unwind(AssertUnwindSafe(|| live(history, &world)));
    let violation = match played {
        Ok(judged) => judged.err(),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            Some(format!("it panicked: {}", said.unwrap_or_default()))
        }
    };
    let end = if violation.is_none() { model::end(&world) } else { BTreeSet::new() };
    let mut inside = world.inside();
    let (tally, callers) = (inside.tally, std::mem::take(&mut inside.callers));
    Outcome { violation, tally, lines: inside.log.lines.take().unwrap_or_default(), callers, end }
}

fn live(history: &History, world: &Arc<World>) -> Result<(), Violation> {
    let (mut is_troubled, mut is_configured) = (false, false);
    for (number, step) in (1_usize..).zip(&history.steps) {
        world.say(|| format!("{number}. {}", step.to_string().lines().next().unwrap_or_default()));
        match step {
            Step::Pass { minutes } => world.pass(TimeDelta::minutes((*minutes).into())),
            Step::Configure(configuration) => {
                let bytes = Bytes::from(configuration.text());
                world.ledger.overwrite("config/ledger.toml", bytes.clone()).unwrap();
                world.ledger_written("config/ledger.toml", &bytes);
                if configuration.copied && !is_configured {
                    sweep(world)?;
                }
                is_configured = true;
            }
            Step::Upgrade { percent } => world.becomes_older(*percent),
            Step::Round(round) => {
                is_troubled |= work(world, number - 1, round);
                if round.actors.iter().any(|actor| actor.does == Does::Forget) {
                    forget(world)?;
                }
            }
        }
    }
    world.all_arrive();
    come_to_rest(world)?;
    model::judge(history, world, is_troubled)
}

/// Some work at once. Returns whether a call of one who sends messages went wrong.
fn work(world: &Arc<World>, step: usize, round: &Round) -> bool {
    let mut taken: Vec<(Function, Vec<Event>)> = Vec::new();
    let mut tasks = Vec::new();
    for (place, actor) in round.actors.iter().enumerate() {
        let name = match &actor.does {
            Does::Deliver(_) => "AWS".to_owned(),
            Does::Take(function, _) | Does::Sweep(function) => format!("{}-{place}", function.name()),
            Does::Digest => format!("digest-{place}"),
            Does::Forget => "the owner".to_owned(),
        };
        // Nobody kills AWS, nor the owner's command.
        let ends =
            world.now() + function(&actor.does).map_or(TimeDelta::days(1), |it| TimeDelta::seconds(it.seconds()));
        let line = Arc::new(Line::new(name, &actor.troubles, actor.hurried, ends));
        let (events, task) = task(world, actor, line, round.pace.wrapping_add(place as u64));
        taken.push(events);
        tasks.push(task);
    }
    let lines: Vec<_> = tasks.iter().map(|task| Arc::clone(&task.line)).collect();
    let outcomes = take_turns(tasks, Dice::of(round.pace));
    let mut is_troubled = false;
    let mut inside = world.inside();
    for (actor, ((outcome, (function, events)), line)) in outcomes.into_iter().zip(taken).zip(lines).enumerate() {
        inside.callers.push(Caller { step, actor, calls: line.calls(), changes: line.changes() });
        // Whoever died has done none of its events, as far as SQS knows.
        inside.queues.entry(function).or_default().put_back(outcome.unwrap_or(events));
        inside.tally.calls += u64::from(line.calls());
        inside.tally.faults += u64::from(line.met());
        inside.tally.sandboxes += 1;
        is_troubled |= line.met() > 0 && matches!(function, Function::Alert | Function::Digest);
    }
    is_troubled
}

/// The schedule of `aggregate` strikes, and nothing goes wrong.
fn sweep(world: &Arc<World>) -> Result<(), Violation> {
    let line = Arc::new(Line::new("aggregate".to_owned(), &[], None, world.now() + TimeDelta::days(1)));
    let invocation = Invocation::new(world, &line, world.now());
    let done = alone(world, &line, Box::pin(async move { invocation.sweep_aggregate().await }));
    done.map_err(|Failed(why)| format!("a sweep fails although nothing goes wrong: {why}"))
}

/// The owner's command once more, with nothing that goes wrong.
fn forget(world: &Arc<World>) -> Result<(), Violation> {
    let line = Arc::new(Line::new("the owner".to_owned(), &[], None, world.now() + TimeDelta::days(1)));
    let invocation = Invocation::new(world, &line, world.now());
    let done = alone(world, &line, Box::pin(async move { invocation.forget().await }));
    done.map_err(|Failed(why)| format!("nobody can be forgotten: {why}"))
}

/// The function that an actor is, if it is one.
fn function(does: &Does) -> Option<Function> {
    match does {
        Does::Deliver(_) | Does::Forget => None,
        Does::Take(function, _) | Does::Sweep(function) => Some(*function),
        Does::Digest => Some(Function::Digest),
    }
}

/// What an actor does, and the events that it took, by function.
fn task(world: &Arc<World>, actor: &Actor, line: Arc<Line>, order: u64) -> ((Function, Vec<Event>), Task<Vec<Event>>) {
    let now = world.now() + TimeDelta::seconds(actor.clock.into());
    let invocation = Invocation::new(world, &line, now);
    let mut taken = (Function::Digest, Vec::new());
    let work: std::pin::Pin<Box<dyn Future<Output = Vec<Event>>>> = match actor.does.clone() {
        Does::Deliver(delivery) => {
            let world = Arc::clone(world);
            Box::pin(async move {
                export::deliver(world, delivery).await;
                Vec::new()
            })
        }
        Does::Take(function, most) => {
            let now = world.now();
            let mut inside = world.inside();
            let events = inside.queues.entry(function).or_default().take(most.into(), now, &mut Dice::of(order));
            taken = (function, events.clone());
            Box::pin(async move {
                match function {
                    Function::Ingest => invocation.ingest(events).await,
                    Function::Aggregate => invocation.aggregate(events).await,
                    Function::Alert => invocation.alert(events).await,
                    Function::Digest => Vec::new(),
                }
            })
        }
        Does::Sweep(function) => {
            taken.0 = function;
            Box::pin(async move {
                // The schedule does not try again; the next quarter of an hour does.
                drop(match function {
                    Function::Ingest => invocation.sweep_ingest().await,
                    Function::Aggregate => invocation.sweep_aggregate().await,
                    Function::Alert => invocation.sweep_alert().await,
                    Function::Digest => invocation.sweep_digest().await,
                });
                Vec::new()
            })
        }
        Does::Digest => Box::pin(async move {
            drop(invocation.digest().await);
            Vec::new()
        }),
        Does::Forget => Box::pin(async move {
            drop(invocation.forget().await);
            Vec::new()
        }),
    };
    (taken, Task { line, work })
}
