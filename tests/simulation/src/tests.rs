//! Seeds, and what was found by them.

use crate::history::History;
use crate::history::by_hand::{alone, budgets, delivers, from, usage};
use crate::history::configuration::Configuration;
use crate::history::generate::history;
use crate::history::step::{Actor, Does, Function, Round, Step};
use crate::history::trouble::{At, Trouble};
use crate::once::{FATES, difference, peaceful, variants};
use crate::parallel;
use crate::play::play;
use crate::shrink::shrink;

/// How many seeds are played in each run of all tests.
const SEEDS: u64 = 500;

fn assert_all_hold(told: &[String]) {
    assert!(told.is_empty(), "\n{}", told.join("\n\n"));
}

#[test]
fn every_seed_ends_as_the_model_says() {
    let (found, _) = parallel::find(0..SEEDS, 1, |seed| play(&history(seed), false).violation);
    let told = found.into_iter().map(|(seed, violation)| match shrink(&history(seed)) {
        Some((shortest, violation)) => format!("{shortest}=> {violation}"),
        None => violation,
    });
    assert_all_hold(&told.collect::<Vec<_>>());
}

#[test]
fn the_first_seeds_have_whatever_can_happen() {
    let histories: Vec<_> = (0..SEEDS).map(history).collect();
    let has = |name: &str, is_it: &dyn Fn(&History) -> bool| {
        let count = histories.iter().filter(|history| is_it(history)).count();
        assert!(count > 2, "{name}: {count} of {SEEDS} histories");
    };
    let step = |of: &'static dyn Fn(&Step) -> bool| move |history: &History| history.steps.iter().any(of);
    let configured = |of: &'static dyn Fn(&Configuration) -> bool| {
        move |history: &History| {
            history.steps.iter().any(|step| matches!(step, Step::Configure(configuration) if of(configuration)))
        }
    };
    let does = |step: &Step, of: &dyn Fn(&Does) -> bool| match step {
        Step::Round(round) => round.actors.iter().any(|actor| of(&actor.does)),
        _ => false,
    };
    has("a copy", &|history| history.setup.copied.is_some());
    let passes = |step: &Step| if let Step::Pass { minutes } = step { *minutes } else { 0 };
    has("days between deliveries", &|history| history.steps.iter().map(passes).sum::<u32>() > 10 * 24 * 60);
    has("lost events", &|history| history.setup.lost > 0);
    has("an upgrade", &step(&|step| matches!(step, Step::Upgrade { .. })));
    has("somebody forgotten", &|history| history.steps.iter().any(|step| does(step, &|does| *does == Does::Forget)));
    has("a broken file", &configured(&|configuration| configuration.broken));
    has("one export that counts", &configured(&|configuration| configuration.only.is_some()));
    has("an export that is retired", &configured(&|configuration| configuration.retired.is_some()));
    has("an export that is chosen", &configured(&|configuration| configuration.chosen.is_some()));
    has("summaries", &configured(&|configuration| configuration.first_run == "summary"));
    has("few alerts at once", &configured(&|configuration| configuration.singly == 1));
}

/// A quarter of the calls, because all take two minutes of a processor: `make simulate EACH_CALL=1` lets each fail.
#[test]
fn calls_may_fail_once_in_any_way_and_all_ends_the_same() {
    let peaceful = peaceful();
    let outcome = play(&peaceful, false);
    assert_eq!(outcome.violation, None);
    assert!(outcome.end.len() > 20, "{:?}", outcome.end);
    let variants: Vec<_> = variants(&peaceful, &FATES).into_iter().step_by(4).collect();
    let (found, _) = parallel::find(0..variants.len() as u64, 3, |number| {
        difference(&variants[usize::try_from(number).unwrap()], &outcome.end)
    });
    let told = found.into_iter().map(|(number, how)| format!("{}=> {how}", variants[usize::try_from(number).unwrap()]));
    assert_all_hold(&told.collect::<Vec<_>>());
}

#[test]
fn an_export_that_delivers_no_more_hides_no_week_of_another() {
    let stopped = delivers(1, 0, 0, vec![vec![usage(18, 1, 5)]]);
    let goes_on = delivers(2, 1, 0, vec![vec![usage(19, 9, 117)]]);
    assert_eq!(play(&from(0, 21, 2, vec![budgets(1000, 20), stopped, goes_on]), false).violation, None);
}

fn at_once(actors: Vec<Actor>) -> Step {
    Step::Round(Round { pace: 60, actors })
}

fn actor(does: Does) -> Actor {
    Actor { does, clock: 0, hurried: None, troubles: Vec::new() }
}

fn dies(does: Does, telling: u16) -> Step {
    at_once(vec![Actor { troubles: vec![(At::Telling(telling), Trouble::DiesBefore)], ..actor(does) }])
}

/// Seed 32164: the clock that was behind wrote down that the gauge was last put on the day before.
#[test]
fn gauges_go_back_to_zero_whoever_put_them_by_a_clock_that_was_behind() {
    let behind = Actor { clock: -73, ..actor(Does::Sweep(Function::Aggregate)) };
    let steps = vec![
        delivers(1, 0, 1, vec![vec![usage(4, 9, 2)]]),
        alone(Does::Take(Function::Ingest, 10)),
        at_once(vec![actor(Does::Take(Function::Aggregate, 10)), behind]),
        delivers(2, 0, 1, vec![vec![]]),
    ];
    let mut midnight = from(1, 9, 1, steps);
    midnight.setup.begins -= 6;
    assert_eq!(play(&midnight, false).violation, None);
}

/// Seed 42022: a message that nobody had tried to send for a day and a half was throttled, and a later one of its incident
/// went before it.
#[test]
fn nothing_is_resolved_for_a_machine_that_was_not_told_of_it_yet() {
    let throttled = vec![(At::Telling(3), Trouble::Throttled)];
    let steps = vec![
        budgets(100, 500),
        delivers(1, 0, 0, vec![vec![usage(18, 5, 54)]]),
        alone(Does::Sweep(Function::Ingest)),
        alone(Does::Take(Function::Aggregate, 10)),
        dies(Does::Take(Function::Alert, 10), 3),
        budgets(1000, 500),
        Step::Pass { minutes: 34 * 60 },
        alone(Does::Sweep(Function::Aggregate)),
        at_once(vec![Actor { troubles: throttled, ..actor(Does::Sweep(Function::Alert)) }]),
    ];
    assert_eq!(play(&from(0, 27, 1, steps), false).violation, None);
}

/// Seed 32199: what was put of a forgotten person was looked for in the series of the alias.
#[test]
fn what_a_forgotten_person_spent_is_taken_back_although_the_sandbox_died() {
    let steps = vec![
        delivers(1, 0, 1, vec![vec![usage(5, 5, 30)]]),
        alone(Does::Take(Function::Ingest, 10)),
        alone(Does::Take(Function::Aggregate, 10)),
        alone(Does::Forget),
        delivers(2, 0, 1, vec![vec![]]),
        alone(Does::Sweep(Function::Ingest)),
        dies(Does::Sweep(Function::Aggregate), 1),
    ];
    assert_eq!(play(&from(1, 8, 1, steps), false).violation, None);
}

/// Seed 169234: with the alias its subject was longer than SNS takes, and it was refused for ever.
#[test]
fn an_alert_that_was_pending_when_its_person_was_forgotten_is_sent() {
    let summary = Configuration { weekly: Some(20), first_run: "summary", ..Configuration::default() };
    let steps = vec![
        Step::Configure(summary),
        delivers(1, 0, 0, vec![vec![usage(19, 5, 29)]]),
        alone(Does::Sweep(Function::Ingest)),
        alone(Does::Take(Function::Aggregate, 10)),
        dies(Does::Take(Function::Alert, 10), 2),
        alone(Does::Forget),
    ];
    assert_eq!(play(&from(0, 22, 1, steps), false).violation, None);
}
