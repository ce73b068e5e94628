use std::sync::Arc;

use super::*;
use crate::metrics::daily::Daily;
use crate::reaction_fixtures::{applied, at, book, fact, period, restate};
use crate::state::commit::AppliedDelivery;
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-21T06:30:00Z";

/// The health of the export `finops`, as metric and value; of amounts in USD.
fn health(periods: &[BookPeriod], told: Option<&Told>) -> BTreeMap<String, String> {
    let (config, members) = (Config::default(), Members::default());
    let spent: Vec<_> = periods.iter().map(|period| PeriodSpend::of(period, &config).unwrap()).collect();
    let health = Health {
        export: "finops",
        is_awaited: true,
        now: at(NOW),
        config: &config,
        members: &members,
        periods: periods.iter().collect(),
        spent: spent.iter().collect(),
        told: told.into_iter().collect(),
        restated: Amounts::from([("USD".to_owned(), Decimal::ONE)]),
    };
    let data = health.data().unwrap();
    assert!(data.iter().all(|datum| datum.dimensions[EXPORT] == "finops" && datum.timestamp == at(NOW)));
    data.into_iter().map(|datum| (datum.name, datum.value.to_string())).collect()
}

fn value(health: &BTreeMap<String, String>, name: &str) -> Option<String> {
    health.get(name).cloned()
}

#[test]
fn health_says_how_old_the_delivery_is_and_whose_spend_is_not_known() {
    let team = [("identity", "ana"), ("iamPrincipal/team", "search"), ("iamPrincipal/cost-center", "12")];
    let facts = vec![
        fact("2026-11-02", "1", &team),
        fact("2026-11-03", "2", &team[..2]),
        fact("2026-11-03", "4", &[]),
        fact("2026-10-30", "64", &[]),
    ];
    let mut november = period("2026-11", facts);
    november.unknown_usage_rows = 3;
    let october = BookPeriod { unknown_usage_rows: 9, ..period("2026-10", Vec::new()) };
    let health = health(&[october, november], None);
    assert_eq!(value(&health, "DeliveryAgeHours").as_deref(), Some("6.5"));
    assert_eq!(value(&health, "UnattributedSpend").as_deref(), Some("4"));
    assert_eq!(value(&health, "UntaggedSpend").as_deref(), Some("6"));
    assert_eq!(value(&health, "UnknownUsageRows").as_deref(), Some("3"));
    assert_eq!(value(&health, "RestatedSpend").as_deref(), Some("1"));
    assert_eq!(value(&health, "SeriesFolded").as_deref(), Some("3"), "one identity, one team, one cost center");
    for name in ["SpendOutsideWindow", "DatumsTooOld", "InDoubtDatums"] {
        assert_eq!(value(&health, name), None, "nothing was told yet, and nobody can say");
    }
}

#[test]
fn health_says_what_cloudwatch_was_not_told() {
    let statement = Statement { export_id: "finops".to_owned(), period: "2026-11".parse().unwrap() };
    let mut told = Told::nothing("n", &statement);
    told.outside = Amounts::from([("USD".to_owned(), "-2.5".parse().unwrap())]);
    told.too_old = 7;
    let health = health(&[period("2026-11", vec![fact("2026-11-02", "1", &[])])], Some(&told));
    assert_eq!(value(&health, "SpendOutsideWindow").as_deref(), Some("-2.5"));
    assert_eq!(value(&health, "DatumsTooOld").as_deref(), Some("7"));
    assert_eq!(value(&health, "InDoubtDatums").as_deref(), Some("0"));
}

/// A month of an export, with spend of these payers.
fn month_of(export: &str, month: &str, payers: &[&str]) -> BookPeriod {
    let facts = payers.iter().map(|payer| fact(&format!("{month}-01"), "1", &[("payer_account_id", payer)])).collect();
    BookPeriod { export_id: export.to_owned(), ..period(month, facts) }
}

#[test]
fn a_delivery_is_awaited_of_whom_a_payers_newest_month_is_counted_from() {
    let (old, new) = (|month| month_of("old", month, &["1"]), |month| month_of("new", month, &["1"]));
    let all = Config::default();
    let awaited = |config: &Config, periods: &[BookPeriod]| {
        let book = Book { periods: periods.to_vec() };
        super::awaited(&book, config).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(awaited(&all, &[old("2026-10"), old("2026-11")]), ["old"]);
    assert_eq!(awaited(&all, &[old("2026-10"), new("2026-11")]), ["new"], "the old one was replaced");
    assert_eq!(awaited(&all, &[old("2026-10"), month_of("new", "2026-11", &[])]), ["new", "old"], "nobody knows yet");
    assert_eq!(awaited(&all, &[month_of("old", "2026-10", &["1", "2"]), new("2026-11")]), ["new", "old"], "for 2");
    assert_eq!(awaited(&all, &[month_of("two", "2026-10", &["2"]), new("2026-11")]), ["new", "two"]);
    let taken_out = BookPeriod { revision: 1, ..month_of("old", "2026-11", &[]) };
    assert_eq!(awaited(&all, &[taken_out, new("2026-11")]), ["new"], "its claims were moved");
    let retired = Config::parse("ledger.toml", "[export]\nretired = [\"old\"]").unwrap();
    assert_eq!(awaited(&retired, &[old("2026-11"), month_of("new", "2026-12", &[])]), ["new"]);
}

#[test]
fn health_is_put_when_an_hour_has_begun_or_something_has_changed() {
    let put = PutHealth { at: at(NOW), basis: "a".to_owned(), from: Basis::default(), told: BTreeMap::new() };
    assert!(!put.is_due("a", at("2026-11-21T06:59:59Z")));
    assert!(put.is_due("a", at("2026-11-21T07:00:00Z")));
    assert!(put.is_due("b", at(NOW)));
}

fn scene(made_of: &str) -> Scene {
    Scene {
        book: Arc::default(),
        daily: Daily::default(),
        members: Members::default(),
        basis: Basis::default(),
        made_of: made_of.to_owned(),
    }
}

#[tokio::test]
async fn health_that_others_put_meanwhile_is_put_again() {
    let (store, now, told) = (MemoryStore::default(), at(NOW), AllTold::new());
    let before = read(&store, "n").await.unwrap();
    was_put(&store, "n", None, (&scene("newer"), &told), now).await.unwrap();
    assert!(!read(&store, "n").await.unwrap().unwrap().0.is_due("newer", now));
    was_put(&store, "n", before, (&scene("older"), &told), now).await.unwrap();
    let kept = read(&store, "n").await.unwrap();
    let put = &kept.as_ref().unwrap().0;
    assert!(put.is_due("newer", now) && put.is_due("older", now), "nobody knows whose was put last");
    was_put(&store, "n", kept, (&scene("newer"), &told), now).await.unwrap();
    assert!(!read(&store, "n").await.unwrap().unwrap().0.is_due("newer", now));
}

/// What was told of the exports `one` and `two`, by how many batches there were.
fn told(batches: [u64; 2]) -> AllTold {
    let of = |(export, batches): (&str, u64)| {
        let statement = Statement { export_id: export.to_owned(), period: "2026-11".parse().unwrap() };
        let mut told = serde_json::to_value(Told::nothing("n", &statement)).unwrap();
        told["next_batch"] = batches.into();
        (statement, Some((serde_json::from_value(told).unwrap(), ETag("1".to_owned()))))
    };
    ["one", "two"].into_iter().zip(batches).map(of).collect()
}

#[tokio::test]
async fn health_remembers_the_most_that_was_told_whoever_writes_it() {
    let (store, now) = (MemoryStore::default(), at(NOW));
    let lost_with = async |batches| {
        let lost = lost_among(Some(&read(&store, "n").await.unwrap()), "n", &told(batches));
        lost.into_iter().map(|statement| statement.export_id).collect::<Vec<_>>()
    };
    was_put(&store, "n", None, (&scene("a"), &told([5, 2])), now).await.unwrap();
    // This one loses the race.
    was_put(&store, "n", None, (&scene("b"), &told([3, 7])), now).await.unwrap();
    assert_eq!(lost_with([5, 7]).await, [""; 0]);
    assert_eq!(lost_with([4, 7]).await, ["one"]);
    assert_eq!(lost_with([5, 6]).await, ["two"]);
    // This one wins it, and knows of one of them alone.
    let kept = read(&store, "n").await.unwrap();
    let of_two = told([0, 8]).into_iter().filter(|(statement, _)| statement.export_id == "two").collect();
    was_put(&store, "n", kept, (&scene("c"), &of_two), now).await.unwrap();
    assert_eq!(lost_with([5, 8]).await, [""; 0]);
    assert_eq!(lost_with([4, 7]).await, ["one", "two"]);
}

#[tokio::test]
async fn what_was_restated_counts_for_a_day() {
    let (store, config) = (MemoryStore::default(), Config::default());
    for (applied_at, restated) in [("2026-11-20T06:30:01Z", Some("2")), ("2026-11-20T06:30:00Z", None)] {
        let first = applied("one", "2026-11-17T00:00:00Z");
        let second = AppliedDelivery { sequence: 2, ..applied("two", applied_at) };
        restate(&store, &second, "one", ("2026-11-02", "ana"), ("5", "3"));
        let november = BookPeriod { commits: vec![first, second], ..period("2026-11", Vec::new()) };
        let book = book(vec![november.clone()]);
        let found = restated_spend(&store, &config, &book, &[&november], at(NOW)).await.unwrap();
        let expected = restated.map(|amount| ("USD".to_owned(), amount.parse().unwrap()));
        assert_eq!(found, expected.into_iter().collect(), "{applied_at}");
    }
}
