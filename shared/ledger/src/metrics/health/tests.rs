use super::*;
use crate::memory_store::MemoryStore;
use crate::reaction_fixtures::{at, fact, period};

const NOW: &str = "2026-11-21T06:30:00Z";

/// The health of the export `finops`, as metric and value; of amounts in USD.
fn health(periods: &[BookPeriod], told: Option<&Told>) -> BTreeMap<String, String> {
    let (config, members) = (Config::default(), Members::default());
    let health = Health {
        export: "finops",
        now: at(NOW),
        config: &config,
        members: &members,
        periods: periods.iter().collect(),
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

#[tokio::test]
async fn health_is_put_when_an_hour_has_begun_or_something_has_changed() {
    let (store, config) = (MemoryStore::default(), Config::default());
    let due = async |now: &str, basis: &str| read(&store, &config).await.unwrap().is_due(at(now), basis);
    assert!(due(NOW, "a").await);
    let put = PutHealth { at: at(NOW), basis: "a".to_owned(), told: BTreeMap::new() };
    store.overwrite(&health_key(&config.metrics.namespace), encode(&put).unwrap()).unwrap();
    assert!(!due("2026-11-21T06:59:59Z", "a").await);
    assert!(due("2026-11-21T07:00:00Z", "a").await);
    assert!(due(NOW, "b").await);
}
