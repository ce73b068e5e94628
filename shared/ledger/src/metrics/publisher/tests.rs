use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::NaiveDate;
use spend_core::money::decimal::Decimal;

use super::*;
use crate::config::in_force::InForceError;
use crate::metrics::health::lost;
use crate::outputs::Series;
use crate::reaction_fixtures::{Answer, TestMetrics, at, fact, state_of};
use crate::state::tabular;
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-20T06:10:00Z";

fn of(export: &str) -> Statement {
    Statement { export_id: export.to_owned(), period: "2026-11".parse().unwrap() }
}

/// Commits November of an export: what was spent by day. With the total a day has four series.
fn commit(store: &MemoryStore, export: &str, delivery_id: &str, spent: &[(&str, &str)]) {
    let facts = spent.iter().map(|(day, cost)| fact(day, cost, &[("identity", "ana")])).collect();
    let mut state = state_of(&of(export), facts);
    state.deliveries[0].delivery_id = delivery_id.to_owned();
    store.overwrite(&of(export).state_key(), tabular::encode(&state).unwrap()).unwrap();
}

fn config() -> Config {
    Config::parse("t", "[metrics]\ntags = []\nnamespace = \"n\"").unwrap()
}

async fn publish_at(store: &MemoryStore, metrics: &TestMetrics, now: &str) -> Published {
    publish(store, metrics, &config(), at(now), || Duration::MAX).await
}

/// How many data of spend, gauges and health were put.
fn put(published: &Published) -> (usize, usize, usize) {
    (published.spend, published.gauges, published.health)
}

fn total() -> Series {
    Series { name: "Spend".to_owned(), dimensions: BTreeMap::from([("Currency".to_owned(), "USD".to_owned())]) }
}

/// What the total of a day was told.
fn told(metrics: &TestMetrics, day: &str) -> String {
    metrics.sums().get(&(total(), day.parse().unwrap())).copied().unwrap_or_default().to_string()
}

const SPENT: [(&str, &str); 1] = [("2026-11-14", "5")];

#[tokio::test]
async fn each_part_is_put_once_and_again_when_its_time_has_come() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    let nothing = publish_at(&store, &metrics, NOW).await;
    assert_eq!((put(&nothing), store.list("").await.unwrap().len()), ((0, 0, 0), 0), "nothing is committed");
    commit(&store, "a", "one", &SPENT);
    let first = publish_at(&store, &metrics, NOW).await;
    let (spend, gauges, health) = put(&first);
    assert_eq!(spend, 4);
    assert!(gauges > 0 && health > 0 && first.failures.is_empty() && first.withheld.is_none());
    assert_eq!(first.cost.unwrap().series, (spend + gauges + health) as u64, "they are what is paid for");
    assert_eq!(metrics.sizes(), [4, gauges, health], "a call each");
    assert_eq!((first.waiting, first.left, first.in_doubt, first.refused), (0, 0, 0, 0));
    let again = publish_at(&store, &metrics, "2026-11-20T06:59:59Z").await;
    assert_eq!((put(&again), again.cost), ((0, 0, 0), None));
    let next_hour = publish_at(&store, &metrics, "2026-11-20T07:00:00Z").await;
    assert_eq!((next_hour.spend, next_hour.gauges), (0, 0));
    assert!(next_hour.health > 0);
    let next_day = publish_at(&store, &metrics, "2026-11-21T07:00:00Z").await;
    assert_eq!(next_day.spend, 0);
    assert!(next_day.gauges > 0 && next_day.health > 0);
}

#[tokio::test]
async fn what_a_delivery_changed_is_put_as_a_difference() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &SPENT);
    assert!(publish_at(&store, &metrics, NOW).await.failures.is_empty());
    commit(&store, "a", "one", &[("2026-11-14", "3"), ("2026-11-15", "1")]);
    let second = publish_at(&store, &metrics, NOW).await;
    assert_eq!(second.spend, 8);
    assert!(second.gauges > 0 && second.health > 0, "they are made of it too");
    assert_eq!((told(&metrics, "2026-11-14"), told(&metrics, "2026-11-15")), ("3".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn without_time_all_is_left_to_the_next_call() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &SPENT);
    let hurried = publish(&store, &metrics, &config(), at(NOW), || Duration::ZERO).await;
    assert_eq!((put(&hurried), hurried.waiting, metrics.sizes().len()), ((0, 0, 0), 4, 0));
    let whole = publish_at(&store, &metrics, NOW).await;
    assert_eq!(hurried.left, whole.spend + whole.gauges + whole.health);
    assert_eq!((whole.spend, whole.left), (4, 0));
}

#[tokio::test]
async fn gauges_that_are_refused_are_put_again_and_keep_no_other_part_from_being_put() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::answering([Answer::Taken, Answer::Refused]));
    commit(&store, "a", "one", &SPENT);
    let refused = publish_at(&store, &metrics, NOW).await;
    assert_eq!((refused.spend, refused.gauges, refused.failures.len()), (4, 0, 1));
    assert!(refused.health > 0 && refused.refused > 0);
    let again = publish_at(&store, &metrics, NOW).await;
    assert_eq!(put(&again), (0, refused.refused, 0));
}

#[tokio::test]
async fn spend_that_is_refused_waits_and_what_is_in_doubt_is_settled_once_it_can_be_read() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::answering([Answer::Refused]));
    commit(&store, "a", "one", &SPENT);
    let refused = publish_at(&store, &metrics, NOW).await;
    assert_eq!((refused.spend, refused.refused, refused.waiting, refused.in_doubt), (0, 4, 4, 0));

    let (store, mut metrics) = (MemoryStore::default(), TestMetrics::answering([Answer::InDoubt]));
    commit(&store, "a", "one", &SPENT);
    let doubtful = publish_at(&store, &metrics, NOW).await;
    assert_eq!((doubtful.spend, doubtful.in_doubt, doubtful.waiting, doubtful.settled), (0, 4, 0, 0));
    // It was taken: nothing is put again. The others of its series were not: they are.
    metrics.held = BTreeMap::from([(total(), BTreeMap::from([("2026-11-14".parse::<NaiveDate>().unwrap(), 5.0)]))]);
    let hurried = publish(&store, &metrics, &config(), at("2026-11-23T06:10:00Z"), || Duration::ZERO).await;
    assert_eq!((hurried.settled, hurried.in_doubt), (0, 4));
    let settled = publish_at(&store, &metrics, "2026-11-23T06:10:00Z").await;
    assert_eq!((settled.settled, settled.spend, settled.in_doubt), (4, 3, 0));
    assert_eq!(told(&metrics, "2026-11-14"), "0");
}

#[tokio::test]
async fn what_is_missing_of_what_was_told_withholds_its_month_alone() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &SPENT);
    commit(&store, "b", "one", &SPENT);
    assert!(publish_at(&store, &metrics, NOW).await.failures.is_empty());
    assert_eq!(lost(&store).await.unwrap(), [""; 0]);
    let key = of("a").told_key("n");
    store.remove(&key);
    assert_eq!(lost(&store).await.unwrap(), [key.as_str()]);
    commit(&store, "a", "one", &[("2026-11-14", "50")]);
    commit(&store, "b", "one", &[("2026-11-14", "6")]);
    let withheld = publish_at(&store, &metrics, NOW).await;
    assert_eq!(withheld.withheld, Some(Withheld::Lost { namespace: "n".to_owned(), objects: vec![key] }));
    assert_eq!((withheld.spend, told(&metrics, "2026-11-14").as_str()), (4, "11"));
}

#[tokio::test]
async fn of_a_namespace_with_strange_spend_gauges_and_health_are_put_alone() {
    let held = BTreeMap::from([(total(), BTreeMap::from([("2026-11-10".parse::<NaiveDate>().unwrap(), 1.0)]))]);
    let (store, metrics) = (MemoryStore::default(), TestMetrics { held, ..TestMetrics::default() });
    commit(&store, "a", "one", &SPENT);
    let withheld = publish_at(&store, &metrics, NOW).await;
    assert!(matches!(withheld.withheld, Some(Withheld::Unknown { .. })));
    assert_eq!((withheld.spend, withheld.waiting, withheld.left), (0, 0, 0));
    assert!(withheld.gauges > 0 && withheld.health > 0);
}

#[tokio::test]
async fn what_cloudwatch_does_not_take_any_more_is_known_in_money_of_all_exports() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &[("2026-11-02", "5"), ("2026-11-14", "1")]);
    commit(&store, "b", "one", &[("2026-11-03", "7")]);
    let published = publish_at(&store, &metrics, NOW).await;
    let outside: Vec<_> = published.outside_window.iter().map(|(of, sum)| (of.as_str(), sum.to_string())).collect();
    assert_eq!((published.spend, outside), (4, vec![("USD", "12".to_owned())]));
    assert_eq!(Decimal::ONE.to_string(), told(&metrics, "2026-11-14"));
}

#[tokio::test]
async fn a_state_that_was_put_back_is_followed_and_said_once() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "two", &SPENT);
    assert!(publish_at(&store, &metrics, NOW).await.failures.is_empty());
    commit(&store, "a", "one", &[("2026-11-14", "3")]);
    let back = publish_at(&store, &metrics, NOW).await;
    let said: Vec<_> = back.set_back.iter().map(|set_back| set_back.from.delivery_id.as_str()).collect();
    assert_eq!((said, back.spend, told(&metrics, "2026-11-14").as_str()), (vec!["two"], 4, "3"));
    assert!(publish_at(&store, &metrics, NOW).await.set_back.is_empty());
}

/// A configuration that is read for the third time when the newest delivery has become readable again.
struct Late<'a> {
    store: &'a MemoryStore,
    reads: AtomicUsize,
}

impl Configured for Late<'_> {
    async fn config(&self) -> Result<Config, InForceError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == 2 {
            commit(self.store, "a", "two", &SPENT);
        }
        Ok(config())
    }
}

#[tokio::test]
async fn a_state_that_seems_put_back_is_looked_at_again_before_it_is_followed() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "two", &SPENT);
    assert!(publish_at(&store, &metrics, NOW).await.failures.is_empty());
    commit(&store, "a", "one", &[("2026-11-14", "3")]);
    let late = Late { store: &store, reads: AtomicUsize::default() };
    let published = publish(&store, &metrics, &late, at(NOW), || Duration::MAX).await;
    assert!(published.set_back.is_empty() && published.failures.is_empty());
    assert_eq!(told(&metrics, "2026-11-14"), "5");
}

#[tokio::test]
async fn a_book_that_was_read_before_is_used_as_long_as_nothing_was_committed_since() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &SPENT);
    let (book, versions) = committed::book_and_versions(&store, at(NOW)).await.unwrap();
    let kept = Some((Arc::new(book), versions));
    commit(&store, "a", "one", &[("2026-11-14", "3")]);
    let published = publish_of(&store, &metrics, &config(), kept, at(NOW), || Duration::MAX).await;
    assert_eq!((published.spend, told(&metrics, "2026-11-14").as_str()), (4, "3"), "it was out of date");
}

/// The values of a metric that were put, by one of its dimensions.
fn values(metrics: &TestMetrics, name: &str, dimension: &str) -> Vec<(String, String)> {
    let taken = metrics.taken.lock().unwrap();
    let data = taken.iter().flatten().filter(|datum| datum.name == name);
    data.map(|datum| (datum.dimensions[dimension].clone(), datum.value.to_string())).collect()
}

#[tokio::test]
async fn each_export_has_its_own_health() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &[("2026-11-02", "5")]);
    let nobodys = state_of(&of("b"), vec![fact("2026-11-14", "3", &[])]);
    store.overwrite(&of("b").state_key(), tabular::encode(&nobodys).unwrap()).unwrap();
    assert!(publish_at(&store, &metrics, NOW).await.failures.is_empty());
    let by_export = |name| values(&metrics, name, "Export");
    let expected = |a: &str, b: &str| [("a".to_owned(), a.to_owned()), ("b".to_owned(), b.to_owned())];
    assert_eq!(by_export("UnattributedSpend"), expected("0", "3"));
    assert_eq!(by_export("DatumsTooOld"), expected("4", "0"));
}

#[tokio::test]
async fn another_configuration_is_another_reason_to_put_gauges_and_what_it_takes_away_goes_to_zero() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &SPENT);
    let text = "[metrics]\ntags = []\nnamespace = \"n\"\n[[budget]]\nname = \"b\"\namount = \"10\"";
    let budget = Config::parse("t", text).unwrap();
    assert!(publish(&store, &metrics, &budget, at(NOW), || Duration::MAX).await.failures.is_empty());
    let without = publish_at(&store, &metrics, NOW).await;
    assert!(without.gauges > 0);
    let used = values(&metrics, "BudgetUsedPercent", "Budget");
    assert_eq!(used, [("b".to_owned(), "50".to_owned()), ("b".to_owned(), "0".to_owned())]);
    let taken = metrics.taken.lock().unwrap();
    let units = taken.iter().flatten().filter(|datum| datum.name == "BudgetUsedPercent").map(|datum| datum.unit);
    assert!(units.into_iter().all(|unit| unit == crate::outputs::Unit::Percent));
}

#[tokio::test]
async fn members_that_are_stored_already_are_not_written_again() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    commit(&store, "a", "one", &SPENT);
    assert!(publish_at(&store, &metrics, NOW).await.failures.is_empty());
    let written = async || store.head(METRIC_SERIES).await.unwrap().unwrap().last_modified;
    let first = written().await;
    assert!(publish_at(&store, &metrics, "2026-11-21T07:00:00Z").await.gauges > 0);
    assert_eq!(written().await, first);
}

#[tokio::test]
async fn who_runs_out_of_time_between_two_calls_knows_what_is_left() {
    let (store, metrics, config) = (MemoryStore::default(), TestMetrics::default(), config());
    let calls = std::cell::Cell::new(0);
    let time_left = || {
        calls.set(calls.get() + 1);
        if calls.get() > 2 { Duration::ZERO } else { Duration::MAX }
    };
    let published = Published::default();
    let (book, missing, now) = (None, Vec::new(), at(NOW));
    let mut publisher =
        Publisher { store: &store, metrics: &metrics, configured: &config, now, time_left, published, book, missing };
    let datum = |index: usize| Datum {
        name: format!("gauge {index}"),
        dimensions: BTreeMap::new(),
        timestamp: now,
        value: Decimal::ONE,
        unit: crate::outputs::Unit::None,
    };
    let data: Vec<_> = (0..2501).map(datum).collect();
    assert!(!publisher.put_all(&config, &data).await.unwrap());
    assert_eq!((metrics.sizes(), publisher.published.left), (vec![1000, 1000], 501));
}
