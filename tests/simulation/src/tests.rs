//! Seeds, and what was found by them.

use crate::history::by_hand::{budgets, delivers, from, usage};
use crate::history::generate::history;
use crate::once::{FATES, difference, peaceful, variants};
use crate::parallel;
use crate::play::play;
use crate::shrink::shrink;

/// How many seeds are played in each run of all tests.
const SEEDS: u64 = 300;

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
