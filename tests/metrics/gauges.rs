//! Gauges never show what is true no more: whoever had a value and has none is zero, for a day of its own.

use chrono::TimeDelta;
use spend_ledger::store::faulty::Fault;

use super::world::{FactRow, Trouble, World, fact};

const TEAM: &str = "iamPrincipal/team";
const CONFIG: &str = "[metrics]\ntags = [\"iamPrincipal/team\"]\n[[budget]]\nname = \"each\"\neach = \"identity\"\n\
                      amount = \"10\"\nthresholds = [100]\n";
const GAUGES: [&str; 3] = ["MonthToDateSpend", "BudgetUsedPercent", "ForecastSpend"];

fn spent(day: &str, cost: &str, identity: &str, team: &str) -> FactRow {
    fact(day.parse().unwrap(), cost.parse().unwrap(), &[("identity", identity), (TEAM, team)])
}

/// Twenty days of ana and bob, so that there is a forecast.
fn november() -> Vec<FactRow> {
    let day = |day: u32| format!("2026-11-{day:02}");
    (1..=20).flat_map(|at| [spent(&day(at), "2", "ana", "search"), spent(&day(at), "1", "bob", "ads")]).collect()
}

/// The same, where bob's are ana's: nothing of bob and the team ads is left.
fn without_bob() -> Vec<FactRow> {
    let day = |day: u32| format!("2026-11-{day:02}");
    (1..=20).map(|at| spent(&day(at), "3", "ana", "search")).collect()
}

fn world() -> World {
    let world = World::new(CONFIG, "2026-11-21T09:00:00Z");
    world.commit("one", "2026-11", november());
    assert!(world.publish(Trouble::None).failures.is_empty());
    world
}

/// What was put just now, of series whose dimensions have one of these values: metric, value of the dimension, value.
fn put_now(world: &World, of: &[&str]) -> Vec<(&'static str, String, f64)> {
    let mut found = Vec::new();
    for name in GAUGES {
        for (dimensions, value) in world.cloudwatch.put_at(name, world.now) {
            if let Some((_, member)) = dimensions.iter().find(|(_, value)| of.contains(&value.as_str())) {
                found.push((name, member.clone(), value));
            }
        }
    }
    found
}

fn publish_after(world: &mut World, hours: i64) {
    world.pass(TimeDelta::hours(hours));
    let published = world.publish(Trouble::None);
    assert!(published.failures.is_empty(), "{:?}", published.failures);
}

#[test]
fn whose_value_is_gone_is_zero_at_once_and_on_a_day_of_its_own_and_then_no_more() {
    let mut world = world();
    let gone = ["bob", "ads"];
    let was = put_now(&world, &gone);
    assert_eq!(was.len(), 3, "{was:?}");
    assert!(was.iter().all(|(.., value)| *value > 0.0), "{was:?}");
    world.commit("one", "2026-11", without_bob());
    let zeros: Vec<_> = was.into_iter().map(|(metric, member, _)| (metric, member, 0.0)).collect();
    publish_after(&mut world, 6);
    assert_eq!(put_now(&world, &gone), zeros, "an alarm that looks at an hour sees it in the next");
    // Beside the value of the same day a zero is not the maximum.
    publish_after(&mut world, 24);
    assert_eq!(put_now(&world, &gone), zeros);
    assert_eq!(world.wrong_gauges(), [] as [String; 0]);
    for _ in 0..3 {
        publish_after(&mut world, 24);
        assert_eq!(put_now(&world, &gone), [], "what is forgotten costs nothing");
        assert!(!put_now(&world, &["ana"]).is_empty());
    }
}

#[test]
fn a_sweep_that_finds_nothing_new_puts_no_gauge() {
    let mut world = world();
    world.commit("one", "2026-11", without_bob());
    publish_after(&mut world, 1);
    let data = world.cloudwatch.data();
    assert_eq!(world.publish(Trouble::None).gauges, 0);
    assert_eq!(world.cloudwatch.data(), data);
}

#[test]
fn a_month_begins_at_zero_for_everybody_who_had_a_gauge_in_the_last() {
    let mut world = world();
    let everybody = ["ana", "bob", "search", "ads", "USD"];
    let of_november = put_now(&world, &everybody);
    world.now = "2026-12-01T00:00:00Z".parse().unwrap();
    publish_after(&mut world, 0);
    let zeros: Vec<_> = of_november.into_iter().map(|(metric, member, _)| (metric, member, 0.0)).collect();
    assert_eq!(put_now(&world, &everybody), zeros, "also before the first delivery of the month, and the forecast");
    publish_after(&mut world, 12);
    assert_eq!(put_now(&world, &everybody), []);
    world.commit("one", "2026-12", vec![spent("2026-12-01", "1", "ana", "search")]);
    publish_after(&mut world, 1);
    assert_eq!(world.wrong_gauges(), [] as [String; 0]);
    assert_eq!(put_now(&world, &["bob", "ads"]), []);
}

#[test]
fn a_budget_of_days_is_zero_on_a_day_on_which_nothing_is_spent_yet() {
    let mut world = World::new(&CONFIG.replace("amount", "window = \"day\"\namount"), "2026-11-20T23:45:00Z");
    world.commit("one", "2026-11", november());
    publish_after(&mut world, 0);
    let used = |world: &World| {
        let put = put_now(world, &["ana"]).into_iter();
        put.filter(|(metric, ..)| *metric == "BudgetUsedPercent").map(|(.., value)| value).collect::<Vec<_>>()
    };
    assert_eq!(used(&world), [20.0]);
    world.pass(TimeDelta::minutes(30));
    publish_after(&mut world, 0);
    assert_eq!(used(&world), [0.0], "the first sweep of the day");
}

#[test]
fn what_the_configuration_does_not_name_any_more_is_zero() {
    let mut world = world();
    world.configure("[metrics]\ntags = []\n");
    publish_after(&mut world, 1);
    let mut zeros: Vec<_> = put_now(&world, &["ana", "bob", "search", "ads"]);
    zeros.retain(|(.., value)| *value == 0.0);
    let named: Vec<_> = zeros.iter().map(|(metric, member, _)| (*metric, member.as_str())).collect();
    let budgets = [("BudgetUsedPercent", "ana"), ("BudgetUsedPercent", "bob")];
    assert_eq!(named, [[("MonthToDateSpend", "ads"), ("MonthToDateSpend", "search")], budgets].concat());
}

#[test]
fn another_namespace_is_not_told_of_gauges_that_it_never_had() {
    let mut world = world();
    world.configure(&CONFIG.replace("[metrics]", "[metrics]\nnamespace = \"Other\""));
    world.commit("one", "2026-11", without_bob());
    publish_after(&mut world, 1);
    assert_eq!(put_now(&world, &["bob", "ads"]), []);
}

#[test]
fn a_crash_at_any_call_leaves_no_gauge_that_nobody_knows_of() {
    for fault in [Fault::Before, Fault::After] {
        for call in 1..60 {
            let mut world = World::new(CONFIG, "2026-11-21T09:00:00Z");
            world.commit("one", "2026-11", november());
            let _ = world.publish(Trouble::Dies(call, fault));
            world.commit("one", "2026-11", without_bob());
            publish_after(&mut world, 1);
            publish_after(&mut world, 24);
            assert_eq!(world.wrong_gauges(), [] as [String; 0], "{call} {fault:?}");
        }
    }
}
