use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::*;
use crate::metrics::daily::Daily;
use crate::metrics::series::{Members, limits};
use crate::outputs::{Datum, MAX_DATA, Series};
use crate::reaction_fixtures::{Answer, FactRow, TestMetrics, at, book, fact, period};
use crate::state::basis::Basis;
use crate::state::book::BookPeriod;
use crate::store::StoreError;
use crate::store::around::{Access, Around, Before};
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-20T12:00:00Z";

fn of(export: &str) -> Statement {
    Statement { export_id: export.to_owned(), period: "2026-11".parse().unwrap() }
}

fn spend<'a, S, M>(store: &'a S, metrics: &'a M) -> Spend<'a, S, M> {
    Spend { store, metrics, namespace: "n", now: at(NOW) }
}

/// What is planned from for these months, by a configuration without tags.
fn scene(config: &Config, made_of: &str, periods: Vec<BookPeriod>) -> Scene {
    let book = book(periods);
    let (daily, mut members) = (Daily::of(&book, config).unwrap(), Members::default());
    members.grow(&book, &daily, limits(config, &book)).unwrap();
    Scene { book: Arc::new(book), daily, members, basis: Basis::default(), made_of: made_of.to_owned() }
}

fn config() -> Config {
    Config::parse("t", "[metrics]\ntags = []").unwrap()
}

/// November of an export, with these facts.
fn november(export: &str, facts: Vec<FactRow>) -> BookPeriod {
    BookPeriod { export_id: export.to_owned(), ..period("2026-11", facts) }
}

/// So many callers that spend 1 USD on the 14th, each with a model and an account of its own.
fn callers(count: usize) -> Vec<FactRow> {
    let caller = |number: usize| {
        let name = format!("{number:0>4}");
        fact("2026-11-14", "1", &[("identity", &name), ("model", &name), ("account_id", &name)])
    };
    (0..count).map(caller).collect()
}

/// Plans what is known of the export `a`, and says what came of it.
async fn plan<S: Store>(store: &S, metrics: &TestMetrics, config: &Config, scene: &Scene) -> Planned {
    let spend = spend(store, metrics);
    let statements: Vec<_> = scene.book.periods.iter().map(|period| of(&period.export_id)).collect();
    let told = spend.told(&statements).await.unwrap();
    spend.plan(config, scene, told).await.unwrap()
}

async fn told(store: &MemoryStore) -> Told {
    spend(store, &TestMetrics::default()).read(&of("a")).await.unwrap().unwrap().0
}

/// A ledger in which the spend of so many callers is planned for the export `a`: three data for each, and the total.
async fn planned(count: usize) -> MemoryStore {
    let limits = "top = 500\ncap = 502\nmax_monthly_cost = \"100000\"";
    let config = Config::parse("t", &format!("[metrics]\ntags = []\n{limits}")).unwrap();
    let store = MemoryStore::default();
    let scene = scene(&config, "one", vec![november("a", callers(count))]);
    assert!(matches!(plan(&store, &TestMetrics::default(), &config, &scene).await, Planned::Done));
    store
}

const EVER: fn() -> Duration = || Duration::MAX;

fn sizes(told: &Told) -> Vec<usize> {
    told.batches.iter().map(|batch| batch.data().len()).collect()
}

#[tokio::test]
async fn a_plan_is_due_until_it_was_made_of_the_same_and_all_of_it_can_be_put() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    let statements = [of("a"), of("b")];
    let is_due = async |made_of: &str, now: &str| {
        let spend = Spend { now: at(now), ..spend(&store, &metrics) };
        spend.is_plan_due(&spend.told(&statements).await.unwrap(), made_of)
    };
    assert!(is_due("one", NOW).await, "nothing was told yet");
    let one = scene(&config(), "one", vec![november("a", callers(1))]);
    plan(&store, &metrics, &config(), &one).await;
    assert!(is_due("one", NOW).await, "of the other statement nothing was told");
    let both = scene(&config(), "one", vec![november("a", callers(1)), november("b", callers(1))]);
    plan(&store, &metrics, &config(), &both).await;
    assert!(!is_due("one", NOW).await);
    assert!(is_due("two", NOW).await);
    assert!(is_due("one", "2026-11-28T12:00:00Z").await, "the 14th has left the window, and is planned still");
}

#[tokio::test]
async fn a_plan_says_what_it_was_made_of_and_is_not_made_twice() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    let mut one = scene(&config(), "one", vec![november("a", callers(1))]);
    one.basis = Basis::of(&one.book, "x");
    plan(&store, &metrics, &config(), &one).await;
    let first = told(&store).await;
    assert_eq!((first.planned_for.as_str(), &first.from, first.waiting()), ("one", &one.basis, 4));
    // The same text, whatever else: nothing is written.
    let other = scene(&config(), "one", vec![november("a", callers(2))]);
    plan(&store, &metrics, &config(), &other).await;
    assert_eq!(told(&store).await, first);
    // Another text, the same spend: it is written down.
    let other = scene(&config(), "two", vec![november("a", callers(1))]);
    plan(&store, &metrics, &config(), &other).await;
    assert_eq!((told(&store).await.planned_for.as_str(), told(&store).await.waiting()), ("two", 4));
    // What cannot be put any more is planned again, too.
    let later = Spend { now: at("2026-11-28T12:00:00Z"), ..spend(&store, &metrics) };
    later.plan(&config(), &other, later.told(&[of("a")]).await.unwrap()).await.unwrap();
    assert_eq!((told(&store).await.waiting(), told(&store).await.too_old), (0, 4));
}

#[tokio::test]
async fn a_plan_over_a_version_that_is_gone_is_lost() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    let one = scene(&config(), "one", vec![november("a", callers(1))]);
    let spend = spend(&store, &metrics);
    let before = spend.told(&[of("a")]).await.unwrap();
    plan(&store, &metrics, &config(), &one).await;
    let lost = spend.plan(&config(), &one, before).await.unwrap();
    assert!(matches!(lost, Planned::Lost(key) if key == of("a").told_key("n")));
}

#[tokio::test]
async fn a_dimension_that_was_taken_out_keeps_what_it_was_told_and_the_others_follow() {
    let (store, metrics) = (MemoryStore::default(), TestMetrics::default());
    let of_team = |cost| vec![november("a", vec![fact("2026-11-14", cost, &[("userAttribute/team", "t")])])];
    let with = Config::parse("t", "[metrics]\ntags = [\"userAttribute/team\"]").unwrap();
    plan(&store, &metrics, &with, &scene(&with, "one", of_team("1"))).await;
    spend(&store, &metrics).put(&of("a"), &EVER).await;
    plan(&store, &metrics, &config(), &scene(&config(), "two", of_team("5"))).await;
    spend(&store, &metrics).put(&of("a"), &EVER).await;
    let sums: BTreeMap<_, _> = metrics.sums().into_iter().map(|((series, _), sum)| (series.dimensions, sum)).collect();
    let by = |name: &str| {
        let found: Vec<_> = sums.iter().filter(|(dimensions, _)| dimensions.contains_key(name)).collect();
        let [(_, sum)] = &found[..] else { panic!("one series: {found:?}") };
        sum.to_string()
    };
    assert_eq!([by("Tag:userAttribute/team"), by("Identity"), by("Model"), by("Account")], ["1", "5", "5", "5"]);
    assert_eq!(sums[&BTreeMap::from([("Currency".to_owned(), "USD".to_owned())])].to_string(), "5");
}

#[tokio::test]
async fn parts_of_several_exports_add_up_to_the_rounded_sum() {
    let part = |export: &str| november(export, vec![fact("2026-11-14", "0.0000000004", &[])]);
    let scene = scene(&config(), "one", ["a", "b", "c"].map(part).into());
    let total = SpendSeries { currency: "USD".to_owned(), of: None };
    let day = "2026-11-14".parse().unwrap();
    let parts: Vec<_> = targets(&scene).unwrap().values().map(|sums| sums[&total][&day].to_string()).collect();
    // 0.4, 0.8 and 1.2 of the last place.
    assert_eq!(parts, ["0", "0.000000001", "0"]);
}

#[tokio::test]
async fn spend_that_nobody_here_has_put_keeps_all_from_being_planned() {
    let series = |currency: &str, of: &[(&str, &str)]| {
        let all = of.iter().copied().chain([("Currency", currency)]);
        let dimensions = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Series { name: "Spend".to_owned(), dimensions }
    };
    let days = BTreeMap::from([("2026-11-10".parse().unwrap(), 1.0)]);
    let facts = vec![fact("2026-11-14", "1", &[]), fact("2026-11-14", "1", &[("currency", "EUR")])];
    let scene = scene(&config(), "one", vec![november("a", facts)]);
    let held = BTreeMap::from([(series("USD", &[]), days.clone())]);
    let (store, metrics) = (MemoryStore::default(), TestMetrics { held: held.clone(), ..TestMetrics::default() });
    let Planned::Withheld(withheld) = plan(&store, &metrics, &config(), &scene).await else { panic!("it is withheld") };
    assert_eq!(withheld, Withheld::Unknown { namespace: "n".to_owned(), currencies: vec!["USD".to_owned()] });
    let asked = metrics.asked.lock().unwrap().clone();
    assert_eq!(asked, [(vec![series("EUR", &[]), series("USD", &[])], window(at(NOW)))], "the totals are enough");
    assert!(store.list("").await.unwrap().is_empty());

    // Whoever has begun since the first look has put it. Then the plan is theirs.
    let (twin, key) = (planned(1).await, of("a").told_key("n"));
    let (theirs, _) = twin.get(&key).await.unwrap().unwrap();
    let begun = Around { inner: &store, before: Begun { store: &store, theirs, lists: AtomicU64::new(0) } };
    assert!(matches!(plan(&begun, &metrics, &config(), &scene).await, Planned::Lost(lost) if lost == key));

    // A ledger that knows what it has told does not ask.
    let metrics = TestMetrics { held, ..TestMetrics::default() };
    assert!(matches!(plan(&twin, &metrics, &config(), &scene).await, Planned::Done));
    assert!(metrics.asked.lock().unwrap().is_empty());
    // And where the namespace holds nothing, a ledger begins.
    let begins = plan(&MemoryStore::default(), &TestMetrics::default(), &config(), &scene).await;
    assert!(matches!(begins, Planned::Done));
}

/// Before the second listing somebody else has planned what is to be told of the export `a`.
struct Begun<'a> {
    store: &'a MemoryStore,
    theirs: Bytes,
    lists: AtomicU64,
}

impl Before for Begun<'_> {
    async fn before(&self, access: Access, _: &str) -> Result<(), StoreError> {
        if access == Access::List && self.lists.fetch_add(1, Ordering::SeqCst) == 1 {
            self.store.overwrite(&of("a").told_key("n"), self.theirs.clone())?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn batches_are_put_one_by_one_until_all_are_taken() {
    let (store, metrics) = (planned(400).await, TestMetrics::default());
    let done = spend(&store, &metrics).put(&of("a"), &EVER).await;
    assert_eq!((done.put, done.refused, done.left, done.failures.len()), (1_201, 0, 0, 0));
    assert_eq!(metrics.sizes(), [MAX_DATA, 201]);
    assert_eq!((told(&store).await.waiting(), told(&store).await.doubts.len()), (0, 0));
    let again = spend(&store, &metrics).put(&of("a"), &EVER).await;
    assert_eq!((again.put, metrics.sizes().len()), (0, 2), "nothing is put twice");
}

#[tokio::test]
async fn what_is_refused_keeps_no_other_from_being_put_and_is_tried_by_the_next_call() {
    let (store, metrics) = (planned(400).await, TestMetrics::answering([Answer::Refused, Answer::Taken]));
    let done = spend(&store, &metrics).put(&of("a"), &EVER).await;
    assert_eq!((done.put, done.refused, done.left), (201, MAX_DATA, 0));
    assert!(matches!(&done.failures[..], [MetricsError::Publish(PublishError::Refused { .. })]));
    assert_eq!(sizes(&told(&store).await), [MAX_DATA]);
    let again = spend(&store, &metrics).put(&of("a"), &EVER).await;
    assert_eq!((again.put, again.refused), (MAX_DATA, 0));
    let metrics = TestMetrics::answering([Answer::Refused; 2]);
    let done = spend(&planned(400).await, &metrics).put(&of("a"), &EVER).await;
    assert_eq!((done.refused, done.failures.len()), (1_201, 1), "the first refusal is enough");
}

#[tokio::test]
async fn after_any_other_failure_the_next_call_goes_on() {
    for (answer, doubts) in [(Answer::NotSent, 0), (Answer::InDoubt, MAX_DATA)] {
        let (store, metrics) = (planned(400).await, TestMetrics::answering([answer]));
        let done = spend(&store, &metrics).put(&of("a"), &EVER).await;
        assert_eq!((done.put, done.refused, done.left, done.failures.len()), (0, 0, 0, 1), "{answer:?}");
        let after = told(&store).await;
        assert_eq!((after.doubts.len(), after.waiting()), (doubts, 1_201 - doubts), "{answer:?}");
        assert!(after.batches.iter().all(|batch| batch.claimed_at.is_none()), "{answer:?}");
        let again = spend(&store, &metrics).put(&of("a"), &EVER).await;
        assert_eq!(again.put, 1_201 - doubts, "{answer:?}");
    }
}

#[tokio::test]
async fn without_time_nothing_is_claimed_and_what_was_claimed_too_late_goes_back() {
    let (store, metrics) = (planned(400).await, TestMetrics::default());
    let before = told(&store).await;
    let done = spend(&store, &metrics).put(&of("a"), &|| Duration::from_secs(39)).await;
    assert_eq!((done.put, done.left, done.failures.len()), (0, 1_201, 0));
    assert_eq!(told(&store).await, before);

    // Enough before the claim, too little after it.
    let calls = Cell::new(0);
    let time_left = || {
        calls.set(calls.get() + 1);
        Duration::from_secs(if calls.get() == 1 { 40 } else { 39 })
    };
    let done = spend(&store, &metrics).put(&of("a"), &time_left).await;
    assert_eq!((done.put, done.left, metrics.sizes().len()), (0, 1_201, 0));
    let after = told(&store).await;
    assert_eq!((sizes(&after), after.doubts.len()), (vec![MAX_DATA, 201], 0));
    assert!(after.batches.iter().all(|batch| batch.claimed_at.is_none()));

    // Enough for one.
    let calls = Cell::new(0);
    let time_left = || {
        calls.set(calls.get() + 1);
        Duration::from_secs(if calls.get() <= 2 { 40 } else { 39 })
    };
    let done = spend(&store, &metrics).put(&of("a"), &time_left).await;
    assert_eq!((done.put, done.left), (MAX_DATA, 201));
    let nothing = spend(&store, &metrics).put(&of("b"), &|| Duration::ZERO).await;
    assert_eq!((nothing.left, nothing.failures.len()), (0, 0), "there is nothing of this statement");
}

#[tokio::test]
async fn what_somebody_claimed_and_was_not_heard_of_is_in_doubt() {
    let store = planned(400).await;
    let key = of("a").told_key("n");
    let mut claimed = told(&store).await;
    claimed.claim(&window(at(NOW)), &BTreeSet::new(), at("2026-11-20T11:00:00Z")).unwrap();
    store.overwrite(&key, encode_compressed(&claimed).unwrap()).unwrap();
    let metrics = TestMetrics::default();
    // Even without time to put something.
    let done = spend(&store, &metrics).put(&of("a"), &|| Duration::ZERO).await;
    assert_eq!((done.put, done.left), (0, 201));
    assert_eq!((told(&store).await.doubts.len(), told(&store).await.waiting()), (MAX_DATA, 201));
    let done = spend(&store, &metrics).put(&of("a"), &EVER).await;
    assert_eq!((done.put, told(&store).await.doubts.len()), (201, MAX_DATA));
}

/// Before each write somebody else has written.
struct Slow<'a> {
    store: &'a MemoryStore,
    changed: AtomicU64,
}

impl Before for Slow<'_> {
    async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
        if access == Access::PutIfMatch {
            let mut other = told(self.store).await;
            other.too_old = self.changed.fetch_add(1, Ordering::SeqCst) + 1;
            self.store.overwrite(key, encode_compressed(&other).unwrap())?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn who_is_always_slower_gives_up_and_has_put_nothing() {
    let (inner, metrics) = (planned(1).await, TestMetrics::default());
    let store = Around { inner: &inner, before: Slow { store: &inner, changed: AtomicU64::new(0) } };
    let done = spend(&store, &metrics).put(&of("a"), &EVER).await;
    assert!(matches!(&done.failures[..], [MetricsError::Contended { key }] if *key == of("a").told_key("n")));
    assert!(metrics.sizes().is_empty());
}

#[tokio::test]
async fn data_are_put_at_midnight_of_their_day_with_their_dimensions() {
    let (store, metrics) = (planned(1).await, TestMetrics::default());
    spend(&store, &metrics).put(&of("a"), &EVER).await;
    let taken: Vec<Datum> = metrics.taken.lock().unwrap().concat();
    assert!(taken.iter().all(|datum| datum.name == "Spend" && datum.timestamp == at("2026-11-14T00:00:00Z")));
    let dimensions: Vec<Vec<_>> =
        taken.iter().map(|datum| datum.dimensions.keys().map(String::as_str).collect()).collect();
    assert_eq!(
        dimensions,
        [vec!["Currency"], vec!["Account", "Currency"], vec!["Currency", "Identity"], vec!["Currency", "Model"]]
    );
}
