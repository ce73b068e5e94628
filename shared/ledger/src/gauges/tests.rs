use std::sync::Mutex;

use spend_core::fact::Fact;

use super::*;
use crate::memory_store::MemoryStore;
use crate::outputs::{Series, check_data};
use crate::reaction_fixtures::{at, book, fact, period};

const NOW: &str = "2026-11-21T06:00:00Z";

/// Remembers what was put, and refuses what `CloudWatch` would.
#[derive(Default)]
struct TestMetrics(Mutex<Vec<Datum>>);

impl Metrics for TestMetrics {
    async fn put(&self, namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        check_data(namespace, data)?;
        self.0.lock().unwrap().extend_from_slice(data);
        Ok(())
    }

    async fn daily_sums(
        &self,
        _: &str,
        _: &[Series],
        _: std::ops::RangeInclusive<chrono::NaiveDate>,
    ) -> Result<Vec<BTreeMap<chrono::NaiveDate, f64>>, PublishError> {
        Err(PublishError::NotRead { what: "gauges".to_owned(), source: "gauges are not read back".into() })
    }
}

/// What is put of `facts`, as dimensions and value.
fn put(store: &MemoryStore, config: &Config, facts: Vec<Fact>) -> Vec<(BTreeMap<String, String>, String)> {
    let metrics = TestMetrics::default();
    let book = book(vec![period("2026-11", facts)]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let count = runtime.block_on(publish(store, &metrics, config, &book, at(NOW))).unwrap();
    let data = metrics.0.into_inner().unwrap();
    assert_eq!(count, data.len());
    data.into_iter().map(|datum| (datum.dimensions, datum.value.to_string())).collect()
}

fn dimensions(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn gauges_are_put_once_for_a_delivery_and_again_when_other_money_counts() {
    let store = MemoryStore::default();
    let facts = || vec![fact("2026-11-02", "3", &[]), fact("2026-11-02", "-1", &[("category", "credit")])];
    let total = |data: &[(BTreeMap<String, String>, String)]| data.first().map(|(_, value)| value.clone());
    assert_eq!(total(&put(&store, &Config::default(), facts())).as_deref(), Some("3"));
    assert_eq!(put(&store, &Config::default(), facts()), []);
    let with_credits = Config::parse("t", "[cost]\ncount = [\"usage\", \"credit\"]").unwrap();
    assert_eq!(total(&put(&store, &with_credits, facts())).as_deref(), Some("2"));
    assert_eq!(put(&store, &with_credits, facts()), []);
}

#[test]
fn a_row_without_a_currency_keeps_no_gauge_from_being_put() {
    let facts = vec![fact("2026-11-02", "3", &[]), fact("2026-11-02", "0", &[("currency", "")])];
    let data = put(&MemoryStore::default(), &Config::default(), facts);
    assert!(data.contains(&(dimensions(&[("Currency", "(none)")]), "0".to_owned())), "{data:?}");
    assert!(data.contains(&(dimensions(&[("Currency", "USD")]), "3".to_owned())), "{data:?}");
}

#[test]
fn a_tag_of_any_length_and_script_keeps_no_gauge_from_being_put() {
    let (one, other) = ("\u{5b87}".repeat(256), "\u{5b87}".repeat(255) + "\u{5b99}");
    let team = |team: &str| fact("2026-11-02", "3", &[("iamPrincipal/team", team)]);
    let data = put(&MemoryStore::default(), &Config::default(), vec![team(&one), team(&other)]);
    let shown: std::collections::BTreeSet<_> =
        data.iter().filter_map(|(dimensions, _)| dimensions.get("Tag:iamPrincipal/team")).collect();
    assert_eq!(shown.len(), 2);
}

#[test]
fn more_gauges_than_one_call_takes_are_put_by_several() {
    let names: Vec<_> = (0..400).map(|number| format!("team-{number}")).collect();
    let facts = names.iter().flat_map(|name| {
        ["USD", "CNY"].map(|currency| {
            fact("2026-11-02", "1", &[("currency", currency), ("identity", name), ("iamPrincipal/team", name)])
        })
    });
    let config = Config::parse("t", "[metrics]\ntop = 500").unwrap();
    assert_eq!(put(&MemoryStore::default(), &config, facts.collect()).len(), 2 + 4 * 400);
}
