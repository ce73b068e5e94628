//! Seeds, and what was found by them.

use crate::history::History;
use crate::history::by_hand::{budgets, delivers, from, usage};
use crate::history::configuration::Configuration;
use crate::history::generate::history;
use crate::history::step::{Does, Step};
use crate::once::{FATES, difference, peaceful, variants};
use crate::parallel;
use crate::play::play;
use crate::shrink::shrink;

/// How many seeds are played in each run of all tests.
const SEEDS: u64 = 100;

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
