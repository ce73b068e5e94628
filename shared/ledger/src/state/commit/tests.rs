use super::*;
use crate::reaction_fixtures::{applied, at};

fn order(source: OrderSource, time: &str) -> DeliveryOrder {
    DeliveryOrder { source, at: at(time) }
}

#[test]
fn a_later_second_replaces_an_earlier_one_and_so_does_the_same_if_it_was_not_seen_before() {
    let committed = order(OrderSource::LastModified, "2026-11-20T06:00:00.7Z");
    for (time, replaces) in [
        ("2026-11-20T05:59:59.9Z", false),
        ("2026-11-20T06:00:00Z", true),
        ("2026-11-20T06:00:00.9Z", true),
        ("2026-11-20T06:00:01Z", true),
    ] {
        for source in [OrderSource::Folder, OrderSource::LastModified] {
            assert_eq!(order(source, time).replaces(committed), replaces, "{time}");
        }
    }
}

#[test]
fn where_arrival_alone_tells_the_one_that_comes_replaces_the_one_that_is_there() {
    let (early, late) = ("2026-11-01T00:00:00Z", "2026-11-20T00:00:00Z");
    assert!(order(OrderSource::Arrival, early).replaces(order(OrderSource::Folder, late)));
    assert!(order(OrderSource::Folder, early).replaces(order(OrderSource::Arrival, late)));
}

#[test]
fn a_commit_is_of_a_rebuild_once_its_delivery_was_derived_again() {
    let first = applied("one", "2026-11-20T00:00:00Z");
    assert_eq!(first.kind(), CommitKind::Delivery);
    let again = AppliedDelivery { revision: 1, ..first.clone() };
    assert_eq!(again.kind(), CommitKind::Rebuild);
    let stored = |commit: &AppliedDelivery| serde_json::to_value(commit).unwrap().get("revision").cloned();
    assert_eq!((stored(&first), stored(&again)), (None, Some(1.into())), "what is zero is not stored");
    assert_eq!([CommitKind::Delivery, CommitKind::Rebuild].map(CommitKind::as_str), ["delivery", "rebuild"]);
}

#[test]
fn of_two_months_the_delivery_that_was_made_first_is_told_by_its_time_or_where_that_says_nothing_by_its_commit() {
    let of =
        |source, made: &str, committed: &str| AppliedDelivery { order: order(source, made), ..applied("d", committed) };
    let (early, late) = ("2026-11-01T00:00:00Z", "2026-11-20T00:00:00Z");
    for source in [OrderSource::Folder, OrderSource::LastModified] {
        let (one, other) = (of(source, early, late), of(source, late, early));
        assert!(one.was_made_before(&other) && !other.was_made_before(&one) && !one.was_made_before(&one));
    }
    let (copy, folder) = (of(OrderSource::Arrival, late, early), of(OrderSource::Folder, early, late));
    assert!(copy.was_made_before(&folder) && !folder.was_made_before(&copy) && !copy.was_made_before(&copy));
}
