//! `CloudWatch` holds what the ledger says, whatever AWS restates, whoever crashes where, and whoever works at the same
//! time.

mod cloudwatch;
mod dashboard;
mod gauges;
mod limits;
mod races;
mod restated;
mod world;

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};
use spend_core::money::decimal::Decimal;
use spend_ledger::store::faulty::Fault;
use world::{FactRow, Trouble, World, fact};

/// Few series and many identities, so that members join all the time; a page of spend that is a credit counts too.
const CONFIG: &str =
    "[cost]\ncount = [\"usage\", \"credit\"]\n[metrics]\ntop = 2\ncap = 6\ntags = [\"iamPrincipal/team\"]";
/// The same, where credits do not count and fewer have a series.
const OTHER_CONFIG: &str = "[cost]\ncount = [\"usage\"]\n[metrics]\ntop = 1\ncap = 4\ntags = [\"iamPrincipal/team\"]";
const NOW: &str = "2026-11-01T09:00:00Z";
const TEAM: &str = "iamPrincipal/team";

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// What is read changes.
    Change(Change),
    /// Somebody publishes.
    Publish(Trouble),
    /// Two do, the clock of one being off by so many minutes; what they read changes somewhere in between.
    Both([Trouble; 2], u64, i64, Option<Change>),
    /// Time passes, in hours.
    Pass(i64),
}

/// What publishers read is another from now on.
#[derive(Clone, Debug)]
enum Change {
    /// AWS delivers a period of an export: all its facts, other than before.
    Deliver { export: usize, period: usize, facts: Vec<Row> },
    /// Whoever owns the configuration writes one of two.
    Configure(bool),
}

/// Day from 18 October, identity, cost in 10⁻¹⁰, and whether it is a credit.
type Row = (u64, u8, i64, bool);

fn trouble() -> impl Strategy<Value = Trouble> {
    let fault = || prop_oneof![Just(Fault::Before), Just(Fault::After)];
    prop_oneof![
        2 => Just(Trouble::None),
        3 => (1..40_u64, fault()).prop_map(|(call, fault)| Trouble::Dies(call, fault)),
        2 => (1..6_u64, fault()).prop_map(|(put, fault)| Trouble::NoAnswer(put, fault)),
        1 => (1..4_u64).prop_map(Trouble::Throttled),
        1 => (1..4_u64).prop_map(Trouble::Refused),
        1 => (8..60_u64).prop_map(Trouble::Hurried),
        1 => (1..12_u64).prop_map(Trouble::Retried),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    // Ten places, so that many a sum ends in a five that is to be rounded to even.
    let row = (0..24_u64, 0..7_u8, prop_oneof![-20_000_000_000..50_000_000_000_i64, -40..40_i64], any::<bool>());
    prop_oneof![
        6 => (0..2_usize, 0..2_usize, prop::collection::vec(row, 0..14))
            .prop_map(|(export, period, facts)| Change::Deliver { export, period, facts }),
        1 => any::<bool>().prop_map(Change::Configure),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => change().prop_map(Step::Change),
        4 => trouble().prop_map(Step::Publish),
        3 => ([trouble(), trouble()], any::<u64>(), -20..20_i64, prop::option::of(change()))
            .prop_map(|(troubles, pace, off, change)| Step::Both(troubles, pace, off, change)),
        3 => prop_oneof![0..9_i64, 0..80_i64].prop_map(Step::Pass),
    ]
}

fn facts(rows: &[Row]) -> Vec<FactRow> {
    let first: NaiveDate = "2026-10-18".parse().unwrap();
    let of = |(day, identity, cost, is_credit): &Row| {
        let cost = Decimal::from_units(i128::from(*cost) * 100_000_000).unwrap();
        let (name, team) = (format!("person-{identity}@example.com"), format!("team-{}", identity % 4));
        let category = if *is_credit { "credit" } else { "usage" };
        let mut fields = vec![("category", category), ("model", ["opus", "haiku"][usize::from(identity % 2)])];
        if *identity > 0 {
            fields.extend([("identity", name.as_str()), (TEAM, team.as_str())]);
        }
        fact(first + chrono::Days::new(*day), cost, &fields)
    };
    rows.iter().map(of).collect()
}

fn apply(change: &Change, world: &World) {
    match change {
        Change::Deliver { export, period, facts: rows } => {
            world.commit(["one", "two"][*export], ["2026-10", "2026-11"][*period], facts(rows));
        }
        Change::Configure(other) => world.configure(if *other { OTHER_CONFIG } else { CONFIG }),
    }
}

fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new(CONFIG, NOW);
    for step in steps {
        match step {
            Step::Change(change) => apply(change, &world),
            Step::Publish(trouble) => drop(world.publish(*trouble)),
            Step::Both(troubles, pace, off, change) => {
                let meanwhile = |world: &World| change.iter().for_each(|change| apply(change, world));
                world.publish_twice(*troubles, *pace, TimeDelta::minutes(*off), meanwhile);
            }
            Step::Pass(hours) => world.pass(TimeDelta::hours(*hours)),
        }
    }
    // Whoever was putting something when the last process died is given up.
    world.pass(TimeDelta::hours(1));
    let published = [world.publish(Trouble::None), world.publish(Trouble::None)];
    for published in &published {
        prop_assert!(published.failures.is_empty(), "{:?}", published.failures);
    }
    if published[1].in_doubt > 0 {
        for _ in 0..2 {
            world.pass(TimeDelta::hours(73));
            let _ = world.publish(Trouble::None);
        }
    }
    let data = world.cloudwatch.sums("Spend").len();
    let last = world.publish(Trouble::None);
    prop_assert_eq!((last.spend, last.waiting, last.in_doubt, last.failures.len()), (0, 0, 0, 0));
    prop_assert_eq!(world.cloudwatch.sums("Spend").len(), data);
    prop_assert_eq!(world.differences(), Vec::<String>::new());
    let mut outside = last.outside_window;
    outside.retain(|_, amount| !amount.is_zero());
    prop_assert_eq!(outside, world.missing(), "what is missing is known in money");
    world.pass(TimeDelta::hours(25));
    let last = world.publish(Trouble::None);
    prop_assert!(last.failures.is_empty(), "{:?}", last.failures);
    prop_assert_eq!(world.wrong_gauges(), Vec::<String>::new());
    Ok(())
}

#[test]
fn cloudwatch_holds_what_the_ledger_says_after_any_history() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let cases = Cases { cases: 250, failure_persistence: None, ..Cases::default() };
    let histories = prop::collection::vec(step(), 1..24);
    TestRunner::new_with_rng(cases, rng)
        .run(&histories, |steps| play(&steps))
        .unwrap_or_else(|error| panic!("{error}"));
}
