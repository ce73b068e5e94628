//! What the real `CloudWatch` refuses is never put, and no more series than was agreed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{Days, NaiveDate, TimeDelta};
use spend_core::errors::fault::Fault as _;
use spend_core::money::decimal::Decimal;
use spend_ledger::metrics;
use spend_ledger::state::keys::{Statement, health_key};
use spend_ledger::store::Store as _;
use spend_ledger::store::faulty::Fault;

use super::world::{FactRow, Process, Trouble, World, fact};
use crate::commands::block_on;

const NOW: &str = "2026-11-20T12:00:00Z";
const TEAM: &str = "iamPrincipal/team";

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The named series of a dimension that `CloudWatch` has.
fn series(world: &World, name: &str) -> BTreeSet<String> {
    let sums = world.cloudwatch.sums("Spend");
    let of = |dimensions: &[(String, String)]| {
        dimensions.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    };
    sums.keys().filter_map(|(dimensions, _)| of(dimensions)).collect()
}

/// Spend of `people` principals on five days, no two alike, with teams of seven.
fn crowd(people: u64, shift: u64) -> Vec<FactRow> {
    let of = |person: u64| {
        let (name, team) = (format!("person-{person}@example.com"), format!("team-{}", person / 7));
        let day = day(12) + Days::new(person % 5);
        let cost = Decimal::from_units(i128::from((person + shift) % people + 1) * 123_456_789_012_345).unwrap();
        fact(day, cost, &[("identity", &name), (TEAM, &team), ("model", "opus")])
    };
    (0..people).map(of).collect()
}

#[test]
fn five_thousand_principals_have_few_series_and_exact_sums() {
    let mut world = World::new("[metrics]\ntop = 50\ncap = 102\ntags = [\"iamPrincipal/team\"]", NOW);
    // Each delivery brings others to the top.
    for shift in [0, 1000, 2000, 3000] {
        world.commit("one", "2026-11", crowd(5000, shift));
        let published = world.publish(Trouble::None);
        assert!(published.failures.is_empty(), "{:?}", published.failures);
        assert_eq!(world.differences(), Vec::<String>::new());
        let cost = published.cost.unwrap();
        assert!(cost.monthly > usd("1") && cost.monthly < usd("20"), "{cost}");
        assert!(cost.to_string().contains(" series, predicted to cost $"), "{cost}");
        world.pass(TimeDelta::hours(8));
    }
    for name in ["Identity", "Tag:iamPrincipal/team"] {
        let found = series(&world, name);
        assert_eq!(found.len(), 101, "a hundred members and (other); nobody is (none)");
        assert!(found.contains("(other)"));
    }
}

#[test]
fn what_would_cost_too_much_is_folded() {
    let config = "[metrics]\ntop = 50\nmax_monthly_cost = \"6.00\"\ntags = [\"iamPrincipal/team\"]";
    let world = World::new(config, NOW);
    world.commit("one", "2026-11", crowd(500, 0));
    let published = world.publish(Trouble::None);
    let cost = published.cost.unwrap();
    assert!(cost.monthly <= usd("6") && cost.folded_to.is_some_and(|members| members > 0 && members < 50), "{cost}");
    assert!(cost.to_string().contains("max_monthly_cost"), "{cost}");
    assert_eq!(series(&world, "Identity").len(), cost.folded_to.unwrap() + 1);
    assert_eq!(world.differences(), Vec::<String>::new());
}

#[test]
fn values_as_long_as_they_may_be_go_in_calls_as_large_as_they_may_be() {
    let world = World::new("[metrics]\ntop = 500\nmax_monthly_cost = \"5000\"\ntags = [\"iamPrincipal/team\"]", NOW);
    let of = |person: usize| {
        let (name, team) = (format!("{person:0>1024}"), format!("\u{5b87}{person}").repeat(200));
        fact(day(14), usd("0.000000001"), &[("identity", &name), (TEAM, &team), ("model", &name)])
    };
    world.commit("one", "2026-11", (0..500).map(of).collect());
    let published = world.publish(Trouble::None);
    assert!(published.failures.is_empty(), "{:?}", published.failures);
    assert_eq!(world.differences(), Vec::<String>::new());
    assert_eq!(series(&world, "Tag:iamPrincipal/team").len(), 500, "no two of them are one series");
}

#[test]
fn a_value_with_the_name_of_a_rest_is_counted_with_the_others() {
    let world = World::new("[metrics]\ntop = 5\ntags = []", NOW);
    let rows = [("(none)", "1"), ("(other)", "2"), ("", "4"), ("ana", "8")];
    let facts = rows.map(|(identity, cost)| fact(day(14), usd(cost), &[("identity", identity)]));
    world.commit("one", "2026-11", facts.into());
    assert!(world.publish(Trouble::None).failures.is_empty());
    let sums = world.cloudwatch.sums("Spend");
    let of = |name: &str| {
        let dimensions = [("Currency", "USD"), ("Identity", name)];
        let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value.to_owned()));
        sums.get(&(dimensions.to_vec(), day(14))).copied()
    };
    assert_eq!([of("(none)"), of("(other)"), of("ana")], [Some(4.0), Some(3.0), Some(8.0)]);
}

#[test]
fn days_outside_the_window_are_counted_and_known_in_money() {
    // At noon of the 20th the window begins at noon of the 6th: the 7th is the first day whose midnight is in it.
    let mut world = World::new("", NOW);
    let costs = [(5, "1"), (6, "2"), (7, "4"), (8, "8"), (20, "16"), (21, "32")];
    let facts = |costs: &[(u32, &str)]| {
        costs.iter().map(|(number, cost)| fact(day(*number), usd(cost), &[])).collect::<Vec<_>>()
    };
    world.commit("one", "2026-11", facts(&costs));
    let first = world.publish(Trouble::None);
    assert_eq!(first.outside_window, BTreeMap::from([("USD".to_owned(), usd("35"))]), "and the day to come");
    assert_eq!(world.differences(), Vec::<String>::new());
    world.pass(TimeDelta::hours(24));
    assert_eq!(world.publish(Trouble::None).outside_window["USD"], usd("3"), "it has come");
    // The 7th has left the window by now; it is restated.
    world.commit("one", "2026-11", facts(&[(5, "1"), (6, "2"), (7, "3.5"), (8, "9"), (20, "16"), (21, "32")]));
    let restated = world.publish(Trouble::None);
    assert_eq!(restated.outside_window["USD"], usd("2.5"));
    let last = |name: &str| world.cloudwatch.put_at(name, world.now).last().unwrap().1;
    assert_eq!(last("SpendOutsideWindow").to_bits(), 2.5_f64.to_bits());
    assert!(last("DatumsTooOld") > 0.0);
    assert_eq!(world.missing()["USD"], usd("2.5"));
}

#[test]
fn what_was_planned_and_not_put_in_time_is_outside_the_window() {
    let mut world = World::new("[metrics]\ntags = []", NOW);
    world.commit("one", "2026-11", vec![fact(day(7), usd("4"), &[]), fact(day(8), usd("8"), &[])]);
    let throttled = world.publish(Trouble::Throttled(1));
    assert_eq!((throttled.spend, throttled.waiting), (0, 8));
    assert_eq!(throttled.failures[0].kind(), "publish.not_sent");
    world.pass(TimeDelta::hours(24));
    let late = world.publish(Trouble::None);
    assert_eq!((late.spend, late.waiting, late.outside_window["USD"]), (4, 0, usd("4")));
    assert_eq!(world.differences(), Vec::<String>::new());
}

#[test]
fn a_delivery_that_changes_nothing_puts_nothing_and_asks_for_little() {
    let world = World::new("", NOW);
    world.commit("one", "2026-11", crowd(20, 0));
    assert!(world.publish(Trouble::None).spend > 0);
    let data = world.cloudwatch.data();
    let process = Process::new(&world, Trouble::None, 0);
    let again = block_on(process.publish(world.now));
    assert_eq!((again.spend, again.gauges, again.health, world.cloudwatch.data()), (0, 0, 0, data));
    assert!(process.calls() <= 8, "{} calls with nothing to do", process.calls());
    world.commit("one", "2026-11", crowd(20, 0));
    let same = world.publish(Trouble::None);
    assert_eq!((same.spend, same.failures.len()), (0, 0));
}

#[test]
fn a_namespace_with_data_of_somebody_else_gets_no_spend() {
    let mut world = World::new("", NOW);
    world.commit("one", "2026-11", crowd(20, 0));
    assert!(world.publish(Trouble::None).spend > 0);
    world.pass(TimeDelta::hours(60));
    world.store.remove("metrics/series.json");
    world.store.remove(&health_key("BedrockLedger"));
    let prefix = spend_ledger::state::keys::told_prefix("BedrockLedger");
    for object in block_on(spend_ledger::store::Store::list(&world.store, &prefix)).unwrap() {
        world.store.remove(&object.key);
    }
    let data = world.cloudwatch.sums("Spend");
    let lost = world.publish(Trouble::None);
    let withheld = lost.withheld.unwrap();
    assert!(withheld.to_string().contains("data of the last two weeks in USD"), "{withheld}");
    assert!(withheld.to_string().contains("name another namespace"), "{withheld}");
    assert_eq!((lost.spend, lost.failures.len(), world.cloudwatch.sums("Spend")), (0, 0, data));
    assert!(lost.gauges > 0 && lost.health > 0, "the others are put");
}

/// The object that says what was told of an export's month.
fn told_key(export: &str) -> String {
    Statement { export_id: export.to_owned(), period: "2026-11".parse().unwrap() }.told_key("BedrockLedger")
}

fn stored(world: &World, key: &str) -> Bytes {
    block_on(world.store.get(key)).unwrap().unwrap().0
}

#[test]
fn what_was_told_of_a_month_is_not_told_again_if_the_object_that_says_so_is_gone() {
    let mut world = World::new("", NOW);
    world.commit("one", "2026-11", crowd(9, 0));
    world.commit("two", "2026-11", crowd(8, 1));
    assert!(world.publish(Trouble::None).spend > 0);
    let (sums, told) = (world.cloudwatch.sums("Spend"), stored(&world, &told_key("one")));
    world.store.remove(&told_key("one"));
    world.pass(TimeDelta::hours(1));
    let lost = world.publish(Trouble::None);
    assert_eq!((lost.spend, world.cloudwatch.sums("Spend")), (0, sums));
    let withheld = lost.withheld.unwrap().to_string();
    assert!(withheld.contains(&told_key("one")) && !withheld.contains(&told_key("two")), "{withheld}");
    assert!(withheld.contains("put its newest whole version back"), "{withheld}");
    world.commit("two", "2026-11", crowd(8, 3));
    assert!(world.publish(Trouble::None).spend > 0, "the other export is told of");
    world.store.overwrite(&told_key("one"), told).unwrap();
    let mended = world.publish(Trouble::None);
    assert_eq!((mended.withheld, world.differences()), (None, Vec::<String>::new()));
}

#[test]
fn what_was_told_is_not_told_again_if_the_object_that_says_so_is_an_earlier_version() {
    let mut world = World::new("", NOW);
    world.commit("one", "2026-11", crowd(9, 0));
    assert!(world.publish(Trouble::None).spend > 0);
    let earlier = stored(&world, &told_key("one"));
    world.commit("one", "2026-11", crowd(9, 4));
    assert!(world.publish(Trouble::None).spend > 0);
    let (sums, newest) = (world.cloudwatch.sums("Spend"), stored(&world, &told_key("one")));
    world.store.overwrite(&told_key("one"), earlier).unwrap();
    world.pass(TimeDelta::hours(1));
    let lost = world.publish(Trouble::None);
    assert_eq!((lost.spend, world.cloudwatch.sums("Spend")), (0, sums));
    assert!(lost.withheld.unwrap().to_string().contains("older than"));
    world.store.overwrite(&told_key("one"), newest).unwrap();
    let mended = world.publish(Trouble::None);
    assert_eq!((mended.withheld, world.differences()), (None, Vec::<String>::new()));
}

/// Nobody can say then what was told of a month of which nothing is known.
#[test]
fn a_month_of_which_nothing_is_known_waits_as_long_as_the_memory_of_what_was_told_is_damaged() {
    let world = World::new("", NOW);
    world.commit("one", "2026-11", crowd(9, 0));
    assert!(world.publish(Trouble::None).spend > 0);
    let (sums, health) = (world.cloudwatch.sums("Spend"), health_key("BedrockLedger"));
    world.store.remove(&told_key("one"));
    let whole = stored(&world, &health);
    world.store.overwrite(&health, Bytes::from_static(b"damaged")).unwrap();
    let damaged = world.publish(Trouble::None);
    assert_eq!((damaged.spend, world.cloudwatch.sums("Spend")), (0, sums));
    assert!(damaged.failures[0].to_string().contains("put it back from an earlier version"), "{}", damaged.failures[0]);
    world.store.overwrite(&health, whole).unwrap();
    assert!(world.publish(Trouble::None).withheld.is_some());
}

#[test]
fn a_crash_at_any_call_costs_nothing_but_time() {
    let scene = || {
        let mut world = World::new("[metrics]\ntop = 3\ntags = []", NOW);
        world.commit("one", "2026-11", crowd(9, 0));
        let _ = world.publish(Trouble::None);
        world.pass(TimeDelta::hours(8));
        world.commit("one", "2026-11", crowd(9, 4));
        world.commit("two", "2026-11", crowd(8, 1));
        world
    };
    let whole = scene();
    let process = Process::new(&whole, Trouble::None, 0);
    let _ = block_on(process.publish(whole.now));
    let calls = process.calls();
    assert!(calls > 20, "{calls}");
    for (call, fault) in (1..=calls).flat_map(|call| [(call, Fault::Before), (call, Fault::After)]) {
        let mut world = scene();
        let _ = world.publish(Trouble::Dies(call, fault));
        world.pass(TimeDelta::hours(1));
        let next = world.publish(Trouble::None);
        assert!(next.failures.is_empty(), "{:?}", next.failures);
        if next.in_doubt > 0 {
            world.pass(TimeDelta::hours(73));
            assert_eq!(world.publish(Trouble::None).in_doubt, 0, "call {call} {fault:?}");
        }
        assert_eq!(world.differences(), Vec::<String>::new(), "call {call} {fault:?}");
    }
}

#[test]
fn of_two_at_work_each_datum_is_put_once() {
    for pace in 0..60_u64 {
        let world = World::new("[metrics]\ntop = 3\ntags = []", NOW);
        world.commit("one", "2026-11", crowd(9, 0));
        world.commit("two", "2026-11", crowd(9, 5));
        let pace = pace.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        world.publish_twice(pace);
        let last = world.publish(Trouble::None);
        assert_eq!((last.spend, last.waiting, last.in_doubt), (0, 0, 0), "pace {pace}");
        assert_eq!(world.differences(), Vec::<String>::new(), "pace {pace}");
    }
}

#[test]
fn what_reads_back_as_neither_stays_in_doubt_and_is_not_repeated() {
    let mut world = World::new("[metrics]\ntags = []", NOW);
    world.commit("one", "2026-11", vec![fact(day(14), usd("4"), &[])]);
    let doubtful = world.publish(Trouble::NoAnswer(1, Fault::Before));
    assert_eq!((doubtful.spend, doubtful.in_doubt), (0, 4));
    assert_eq!(doubtful.failures[0].kind(), "publish.in_doubt");
    // Somebody else puts to one of the series.
    let foreign = spend_ledger::outputs::Datum {
        name: "Spend".to_owned(),
        dimensions: BTreeMap::from([("Currency".to_owned(), "USD".to_owned())]),
        timestamp: day(14).and_hms_opt(0, 0, 0).unwrap().and_utc(),
        value: usd("1"),
        unit: spend_ledger::outputs::Unit::None,
    };
    block_on(spend_ledger::outputs::Metrics::put(&world.cloudwatch, "BedrockLedger", &[foreign])).unwrap();
    world.pass(TimeDelta::hours(71));
    assert_eq!(world.publish(Trouble::None).settled, 0, "not yet");
    world.pass(TimeDelta::hours(1));
    let settled = world.publish(Trouble::None);
    assert_eq!((settled.settled, settled.in_doubt, settled.spend), (3, 1, 3), "all but the total");
    assert_eq!(world.differences().len(), 1);
    world.pass(TimeDelta::hours(48));
    let still = world.publish(Trouble::None);
    assert_eq!((still.in_doubt, still.spend), (1, 0));
}

/// More data than one call takes: two batches, the second with one datum.
fn two_batches() -> World {
    let world = World::new("[metrics]\ntop = 500\nmax_monthly_cost = \"5000\"\ntags = []", NOW);
    let of = |person: u64| {
        let name = format!("person-{person:0>3}");
        let days = (7..20).map(move |number| (name.clone(), number));
        days.map(|(name, number)| fact(day(number), usd("1"), &[("identity", &name)]))
    };
    world.commit("one", "2026-11", (0..80).flat_map(of).collect());
    world
}

#[test]
fn a_batch_is_claimed_only_while_there_is_time_for_its_put() {
    let world = two_batches();
    let process = Process::new(&world, Trouble::None, 0);
    let _ = block_on(process.publish(world.now));
    let (mut landed, calls) = (BTreeSet::new(), process.calls());
    for hurry in (0..calls + 10).step_by(3) {
        let world = two_batches();
        let published = world.publish(Trouble::Hurried(hurry));
        assert!(published.failures.is_empty(), "{:?}", published.failures);
        assert_eq!(published.in_doubt, 0);
        assert_eq!(published.left > 0, published.waiting > 0 || published.health == 0, "{published:?}");
        landed.insert(published.spend);
        let rest = world.publish(Trouble::None);
        assert_eq!((rest.waiting, rest.left, rest.in_doubt), (0, 0, 0));
        assert_eq!(world.differences(), Vec::<String>::new(), "{hurry} calls");
    }
    assert_eq!(landed.len(), 3, "none, the first or both: {landed:?}");
}

#[test]
fn what_is_refused_keeps_nothing_else_from_being_put_and_is_tried_again() {
    let mut world = two_batches();
    let published = world.publish(Trouble::Refused(1));
    assert_eq!(published.failures.iter().map(metrics::MetricsError::kind).collect::<Vec<_>>(), ["publish.refused"]);
    assert_eq!((published.refused, published.waiting), (1000, 1000));
    assert!(published.spend > 0 && published.gauges > 0 && published.health > 0, "{published:?}");
    assert!(!world.differences().is_empty());
    // Again the first put of the call, which is of the same batch: the other one is told.
    world.pass(TimeDelta::minutes(15));
    assert_eq!(world.publish(Trouble::Refused(1)).refused, 1000);
    let last = world.publish(Trouble::None);
    assert_eq!((last.spend, last.refused, last.waiting), (1000, 0, 0));
    assert_eq!(world.differences(), Vec::<String>::new());
}

#[test]
fn a_gauge_that_is_refused_keeps_no_other_from_being_put() {
    // The third put is of gauges.
    let world = two_batches();
    let published = world.publish(Trouble::Refused(3));
    assert_eq!((published.waiting, published.gauges, published.failures.len()), (0, 0, 1), "{published:?}");
    assert!(published.refused > 0 && published.health > 0);
    assert!(world.publish(Trouble::None).gauges > 0, "it is tried again");
}
