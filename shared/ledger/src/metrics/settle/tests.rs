use super::*;
use crate::metrics::series::Sums;
use crate::metrics::timing::window;
use crate::metrics::told::Fate;
use crate::reaction_fixtures::at;

const NOW: &str = "2026-11-20T12:00:00Z";

fn day() -> NaiveDate {
    "2026-11-14".parse().unwrap()
}

fn total() -> SpendSeries {
    SpendSeries { currency: "USD".to_owned(), of: None }
}

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// What was told of an export after these sums, each put with such a fate.
fn found(export: &str, told_sums: &[(&str, Fate)]) -> Found {
    let statement = Statement { export_id: export.to_owned(), period: "2026-11".parse().unwrap() };
    let mut told = Told::nothing("n", &statement);
    for (sum, fate) in told_sums {
        let targets = Sums::from([(total(), BTreeMap::from([(day(), usd(sum))]))]);
        told.plan(&targets, |_| true, &window(at(NOW))).unwrap();
        let batch = told.claim(&window(at(NOW)), &BTreeSet::new(), at(NOW)).unwrap();
        told.learn(&batch, *fate).unwrap();
    }
    Found { statement, told, etag: ETag(String::new()) }
}

/// How many of the doubts were not taken, if `held` says it.
fn missing(all: &[Found], held: f64) -> Option<usize> {
    decide(all, &(total(), day()), held).unwrap().map(|missing| missing.len())
}

#[test]
fn what_is_held_says_what_was_taken() {
    let all = [found("a", &[("5", Fate::Landed), ("7", Fate::InDoubt)])];
    assert_eq!(missing(&all, 7.0), Some(0));
    assert_eq!(missing(&all, 5.0), Some(1));
    assert_eq!(missing(&all, 6.0), None);
    assert_eq!(missing(&all, 0.0), None);
}

#[test]
fn several_doubts_of_several_exports_are_told_apart_by_their_sum() {
    let all = [
        found("a", &[("1", Fate::InDoubt), ("3", Fate::InDoubt)]),
        found("b", &[("10", Fate::Landed), ("14", Fate::InDoubt)]),
    ];
    let place = (total(), day());
    let not_taken = |held: f64| decide(&all, &place, held).unwrap();
    assert_eq!(not_taken(17.0), Some(BTreeSet::new()));
    assert_eq!(not_taken(13.0), Some(BTreeSet::from([(1, 0)])));
    assert_eq!(not_taken(11.0), Some(BTreeSet::from([(0, 1), (1, 0)])));
    assert_eq!(not_taken(10.0), Some(BTreeSet::from([(0, 0), (0, 1), (1, 0)])));
    assert_eq!(not_taken(12.0), Some(BTreeSet::from([(0, 0), (1, 0)])));
    assert_eq!(not_taken(9.0), None);
}

#[test]
fn fifty_thousand_put_in_parts_are_known_to_the_last_place() {
    let all = [found("a", &[("50000", Fate::Landed), ("50000.000000001", Fate::InDoubt)])];
    assert_eq!(missing(&all, 50_000.000_000_001), Some(0));
    assert_eq!(missing(&all, 50_000.0), Some(1));
    let parts = (0..64).fold(0.0, |sum, _| sum + 50_000.000_000_001 / 64.0);
    assert_eq!(missing(&all, parts), Some(0));
}

#[test]
fn of_two_outcomes_that_doubles_cannot_tell_apart_neither_is_believed() {
    let all = [found("a", &[("90000000", Fate::Landed), ("90000000.000000001", Fate::InDoubt)])];
    assert_eq!(missing(&all, 90_000_000.0), None);
}

#[test]
fn a_series_and_day_is_read_once_nothing_was_put_to_it_for_72_hours() {
    let quiet = || [found("a", &[("7", Fate::InDoubt)]), found("b", &[("4", Fate::Landed)])];
    assert_eq!(readable(&quiet(), at("2026-11-23T11:59:59Z")), []);
    assert_eq!(readable(&quiet(), at("2026-11-23T12:00:00Z")), [(total(), day())]);
    let mut waiting = quiet();
    let targets = Sums::from([(total(), BTreeMap::from([(day(), usd("9"))]))]);
    waiting[1].told.plan(&targets, |_| true, &window(at(NOW))).unwrap();
    assert_eq!(readable(&waiting, at("2026-11-23T12:00:00Z")), [], "another export has something to put to it");
    let mut in_vain = quiet();
    in_vain[0].told.read_back_at = Some(at("2026-11-23T12:00:00Z"));
    assert_eq!(readable(&in_vain, at("2026-11-24T11:00:00Z")), []);
    assert_eq!(readable(&in_vain, at("2026-11-24T12:00:00Z")).len(), 1);
}
