//! Publishers that have read unequal books, configurations or clocks: the slower one undoes nothing, wherever the two
//! take turns.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, TimeDelta, Utc};
use spend_ledger::metrics::Published;

use super::world::{FactRow, Process, Trouble, World, fact};

const CONFIG: &str = "[metrics]\ntags = []\n";
const NOW: &str = "2026-11-20T23:10:00Z";
/// At [`NOW`] the first day of the window, and outside it half an hour later.
const EDGE: &str = "2026-11-07";

fn spent(day: &str, cost: &str, identity: &str) -> FactRow {
    fact(day.parse().unwrap(), cost.parse().unwrap(), &[("identity", identity)])
}

/// A delivery of the month, in which everything costs `cost`.
fn delivery(cost: &str) -> Vec<FactRow> {
    vec![spent(EDGE, cost, "ana"), spent("2026-11-19", cost, "bob")]
}

type Running<'a> = Pin<Box<dyn Future<Output = Published> + 'a>>;

/// Lets a publisher make so many calls more; what it came to, if it has ended.
fn advance(publisher: &mut Running<'_>, calls: usize) -> Option<Published> {
    for _ in 0..=calls {
        if let Poll::Ready(published) = publisher.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(published);
        }
    }
    None
}

fn finish(publisher: &mut Running<'_>) -> Published {
    advance(publisher, 10_000).expect("it does not end")
}

/// What one race is: the slower one makes `before` calls, then something happens and the faster one begins and makes
/// `during` calls, then the slower one ends and the faster one does.
fn race<'a>(
    mut slower: Running<'a>,
    before: usize,
    between: impl FnOnce() -> Running<'a>,
    during: usize,
) -> (bool, bool) {
    let slow = advance(&mut slower, before);
    let mut faster = between();
    let fast = advance(&mut faster, during);
    let cut = (slow.is_none(), fast.is_none());
    for published in [slow.unwrap_or_else(|| finish(&mut slower)), fast.unwrap_or_else(|| finish(&mut faster))] {
        assert!(published.failures.is_empty(), "{:?}", published.failures);
    }
    cut
}

fn publisher(world: &World, now: DateTime<Utc>) -> Running<'_> {
    Box::pin(async move { Process::stepping(world, Trouble::None).publish(now).await })
}

/// A world in which a delivery was published, and another one was committed since.
fn scene() -> World {
    let world = World::new(CONFIG, NOW);
    world.commit("one", "2026-11", delivery("1"));
    assert!(world.publish(Trouble::None).failures.is_empty());
    world.commit("one", "2026-11", delivery("2"));
    world
}

fn total_of_the_edge(world: &World) -> f64 {
    let total = vec![("Currency".to_owned(), "USD".to_owned())];
    world.cloudwatch.sums("Spend")[&(total, EDGE.parse().unwrap())]
}

/// Plays `play` with every number of calls before the switch, and with every one after it of the faster one if
/// `both_are_cut`.
fn everywhere(both_are_cut: bool, play: impl Fn(usize, usize) -> (bool, bool)) {
    let (mut before, mut races) = (0, 0);
    loop {
        let mut during = if both_are_cut { 0 } else { 10_000 };
        let slower_was_cut = loop {
            races += 1;
            let (slower, faster) = play(before, during);
            if !faster {
                break slower;
            }
            during += 1;
        };
        if !slower_was_cut {
            break;
        }
        before += 1;
    }
    assert!(before > 10, "{races} races, {before} calls");
}

#[test]
fn whoever_read_an_older_book_does_not_put_cloudwatch_back() {
    everywhere(true, |before, during| {
        let world = scene();
        let between = || {
            world.commit("one", "2026-11", delivery("3"));
            publisher(&world, world.now)
        };
        let cut = race(publisher(&world, world.now), before, between, during);
        assert_eq!(world.differences(), Vec::<String>::new(), "after {before} calls, {during}");
        cut
    });
}

#[test]
fn at_the_edge_of_the_window_nothing_stays_at_an_older_book() {
    everywhere(false, |before, during| {
        let mut world = scene();
        let between = || {
            world.commit("one", "2026-11", delivery("3"));
            publisher(&world, world.now + TimeDelta::minutes(10))
        };
        let cut = race(publisher(&world, world.now), before, between, during);
        world.pass(TimeDelta::minutes(40));
        assert!(world.publish(Trouble::None).failures.is_empty());
        assert_eq!(total_of_the_edge(&world).to_bits(), 3.0_f64.to_bits(), "after {before} calls");
        cut
    });
}

#[test]
fn whoever_read_an_older_configuration_does_not_put_cloudwatch_back() {
    everywhere(false, |before, during| {
        let world = scene();
        let between = || {
            world.configure("[cost]\ncount = [\"credit\"]\n[metrics]\ntags = []\n");
            publisher(&world, world.now)
        };
        let cut = race(publisher(&world, world.now), before, between, during);
        assert_eq!(world.differences(), Vec::<String>::new(), "after {before} calls");
        cut
    });
}

#[test]
fn gauges_that_an_older_book_puts_last_are_put_again() {
    everywhere(false, |before, during| {
        let world = scene();
        let between = || {
            world.commit("one", "2026-11", delivery("3"));
            publisher(&world, world.now)
        };
        let cut = race(publisher(&world, world.now), before, between, during);
        assert!(world.publish(Trouble::None).failures.is_empty());
        let shown = world.cloudwatch.last_values("MonthToDateSpend");
        let total = shown[&vec![("Currency".to_owned(), "USD".to_owned())]];
        assert_eq!(total.to_bits(), 6.0_f64.to_bits(), "after {before} calls");
        cut
    });
}

#[test]
fn a_state_that_was_put_back_is_followed_and_said_once() {
    let world = scene();
    assert!(world.publish(Trouble::None).set_back.is_empty());
    world.put_back("one", "2026-11", delivery("1"));
    let published = world.publish(Trouble::None);
    let said: Vec<_> = published.set_back.iter().map(ToString::to_string).collect();
    let expected = "state/export=one/period=2026-11.json.zst was put back from commit 2 (delivery d2) to commit 1 \
                    (delivery d1)";
    assert_eq!((said, published.failures.len()), (vec![expected.to_owned()], 0));
    assert_eq!(world.differences(), Vec::<String>::new());
    assert!(world.publish(Trouble::None).set_back.is_empty(), "it is known");
    world.commit("one", "2026-11", delivery("7"));
    assert!(world.publish(Trouble::None).set_back.is_empty());
    assert_eq!(world.differences(), Vec::<String>::new());
}
