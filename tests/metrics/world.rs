//! A ledger whose periods are committed by hand, and processes that publish from it and may die at any call.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::bill::line::ScanCounts;
use spend_core::facts::fact::{FactField, FactKey, FactTable};
use spend_core::facts::folding::Folded;
use spend_core::money::decimal::Decimal;
use spend_core::table::field::Field as _;
use spend_core::table::measures::Measures;
use spend_ledger::config::Config;
use spend_ledger::config::in_force::{Configured, InForceError};
use spend_ledger::metrics::{self, Published};
use spend_ledger::outputs::{Datum, Metrics, PublishError, Series};
use spend_ledger::state::commit::{AppliedDelivery, DeliveryOrder, OrderSource};
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::tabular;
use spend_ledger::store::faulty::Fault;
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};

use super::cloudwatch::{CloudWatch, rounded};
use crate::commands::block_on;

/// A fact that stands alone.
pub struct FactRow {
    key: FactKey,
    measures: Measures,
}

/// The table of some facts.
fn table(facts: Vec<FactRow>) -> FactTable {
    FactTable::of(facts.into_iter().map(|FactRow { key, measures }| (key, measures))).unwrap()
}

/// A fact of usage in USD; `fields` overwrite, keys with a slash are tags.
pub fn fact(day: NaiveDate, cost: Decimal, fields: &[(&str, &str)]) -> FactRow {
    let mut values: BTreeMap<&str, &str> = BTreeMap::from([("category", "usage"), ("currency", "USD")]);
    values.extend(fields.iter().copied());
    let texts = FactField::ALL.map(|field| Arc::from(values.get(field.name()).copied().unwrap_or("")));
    let tags = values.iter().filter(|(key, _)| key.contains('/'));
    let tags = tags.map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    let key = FactKey { usage_date: day, fields: texts, tags: Arc::new(tags) };
    FactRow { key, measures: Measures { unblended_cost: cost, net_unblended_cost: cost, ..Measures::default() } }
}

/// What may befall a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// It dies at its nth call, of store or `CloudWatch`.
    Dies(u64, Fault),
    /// Its nth call to put metrics has no answer, with or without effect.
    NoAnswer(u64, Fault),
    /// Its nth call to put metrics is throttled.
    Throttled(u64),
    /// Its nth call to put metrics is refused, for good as far as the answer says.
    Refused(u64),
    /// It has no time left after so many calls, each of which takes five seconds.
    Hurried(u64),
}

/// A process: everything that it does to the world is a call, counted from 1.
pub struct Process<'a> {
    world: &'a World,
    trouble: Trouble,
    calls: AtomicU64,
    puts: AtomicU64,
    /// Decides how long others have their turn before each call; none is once.
    pace: Option<AtomicU64>,
}

impl<'a> Process<'a> {
    pub fn new(world: &'a World, trouble: Trouble, pace: u64) -> Self {
        Self { pace: Some(AtomicU64::new(pace)), ..Self::stepping(world, trouble) }
    }

    /// One that each poll takes to its next call.
    pub fn stepping(world: &'a World, trouble: Trouble) -> Self {
        let zero = || AtomicU64::new(0);
        Self { world, trouble, calls: zero(), puts: zero(), pace: None }
    }

    /// Publishes at `now` by its own clock.
    pub async fn publish(&self, now: DateTime<Utc>) -> Published {
        metrics::publish(self, self, self, now, || self.time_left()).await
    }

    fn time_left(&self) -> Duration {
        match self.trouble {
            Trouble::Hurried(calls) => {
                Duration::from_secs(5) * u32::try_from(calls.saturating_sub(self.calls())).unwrap()
            }
            _ => Duration::MAX,
        }
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Before a call: on which side of it the process dies, if it does; an error if it is dead.
    async fn turn(&self) -> Result<Option<Fault>, ()> {
        let turns = self.pace.as_ref().map_or(1, |pace| {
            let next = pace.load(Ordering::SeqCst).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            pace.store(next, Ordering::SeqCst);
            (next >> 33) % 4
        });
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.trouble {
            Trouble::Dies(last, _) if call > last => Err(()),
            Trouble::Dies(last, fault) if call == last => Ok(Some(fault)),
            _ => Ok(None),
        }
    }

    async fn store<T>(&self, key: &str, effect: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let failed = || StoreError::Unavailable { action: "reach", key: key.to_owned(), source: "dead".into() };
        match self.turn().await {
            Err(()) | Ok(Some(Fault::Before)) => Err(failed()),
            Ok(Some(Fault::After)) => effect.await.and(Err(failed())),
            Ok(None) => effect.await,
        }
    }
}

impl Configured for Process<'_> {
    async fn config(&self) -> Result<Config, InForceError> {
        Ok(self.store("config", async { Ok(self.world.config()) }).await?)
    }
}

impl Store for Process<'_> {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        self.store(key, self.world.store.get(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.store(key, self.world.store.get_range(key, range, etag)).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.store(key, self.world.store.head(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        self.store(prefix, self.world.store.list(prefix)).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.store(key, self.world.store.put_if_absent(key, bytes)).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.store(key, self.world.store.put_if_match(key, bytes, etag)).await
    }
}

impl Metrics for Process<'_> {
    async fn put(&self, namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        let what = || format!("{} data", data.len());
        let in_doubt = || PublishError::InDoubt { what: what(), source: "no answer".into() };
        let fault = self.turn().await.map_err(|()| in_doubt())?;
        let put = self.puts.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = match self.trouble {
            Trouble::NoAnswer(nth, fault) if nth == put => Some(fault),
            Trouble::Throttled(nth) if nth == put => {
                return Err(PublishError::NotSent { what: what(), source: "throttled".into() });
            }
            Trouble::Refused(nth) if nth == put => {
                return Err(PublishError::Refused { what: what(), reason: "refused".into() });
            }
            _ => fault,
        };
        if fault != Some(Fault::Before) {
            self.world.cloudwatch.put(namespace, data).await?;
        }
        fault.map_or(Ok(()), |_| Err(in_doubt()))
    }

    async fn daily_sums(
        &self,
        namespace: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        let failed = || PublishError::NotRead { what: "sums".to_owned(), source: "dead".into() };
        match self.turn().await {
            Ok(None) => self.world.cloudwatch.daily_sums(namespace, series, days).await,
            _ => Err(failed()),
        }
    }
}

/// The ledger, `CloudWatch` and the time.
pub struct World {
    pub store: MemoryStore,
    pub cloudwatch: CloudWatch,
    config: Mutex<Config>,
    pub now: DateTime<Utc>,
    committed: Mutex<BTreeMap<Statement, Committed>>,
}

/// What the ledger says of a statement.
#[derive(Clone, Default)]
struct Committed {
    facts: FactTable,
    deliveries: Vec<AppliedDelivery>,
}

impl World {
    pub fn new(config: &str, now: &str) -> Self {
        let mut world = Self {
            store: MemoryStore::default(),
            cloudwatch: CloudWatch::default(),
            config: Mutex::new(Config::parse("test", config).unwrap()),
            now: now.parse().unwrap(),
            committed: Mutex::default(),
        };
        world.pass(TimeDelta::zero());
        world
    }

    pub fn pass(&mut self, time: TimeDelta) {
        self.now += time;
        self.cloudwatch.set_now(self.now);
    }

    /// A delivery is committed.
    pub fn commit(&self, export: &str, period: &str, facts: Vec<FactRow>) {
        let mut committed = self.committed.lock().unwrap();
        let all: usize = committed.values().map(|committed| committed.deliveries.len()).sum();
        let statement = Statement { export_id: export.to_owned(), period: period.parse().unwrap() };
        let of_statement = committed.entry(statement.clone()).or_default();
        of_statement.facts = table(facts);
        of_statement.deliveries.push(AppliedDelivery {
            sequence: u64::try_from(of_statement.deliveries.len()).unwrap() + 1,
            delivery_id: format!("d{}", all + 1),
            revision: 0,
            moved: String::new(),
            order: DeliveryOrder { source: OrderSource::LastModified, at: self.now },
            applied_at: self.now,
            data_as_of: Some(self.now),
            unverified: false,
        });
        self.write(&statement, of_statement);
    }

    /// Somebody puts a statement back to what it was before its newest commit.
    pub fn put_back(&self, export: &str, period: &str, facts: Vec<FactRow>) {
        let mut committed = self.committed.lock().unwrap();
        let statement = Statement { export_id: export.to_owned(), period: period.parse().unwrap() };
        let of_statement = committed.get_mut(&statement).unwrap();
        of_statement.facts = table(facts);
        of_statement.deliveries.pop();
        self.write(&statement, of_statement);
    }

    fn write(&self, statement: &Statement, committed: &Committed) {
        let state = PeriodState {
            export_id: statement.export_id.clone(),
            period: statement.period,
            deliveries: committed.deliveries.clone(),
            counts: ScanCounts::default(),
            unknown_usage_rows: 0,
            folded: Folded::default(),
            derivation: String::new(),
            facts: committed.facts.clone(),
        };
        self.store.overwrite(&statement.state_key(), tabular::encode(&state).unwrap()).unwrap();
    }

    pub fn config(&self) -> Config {
        self.config.lock().unwrap().clone()
    }

    /// Another configuration is in force from now on.
    pub fn configure(&self, text: &str) {
        *self.config.lock().unwrap() = Config::parse("test", text).unwrap();
    }

    pub fn publish(&self, trouble: Trouble) -> Published {
        block_on(Process::new(self, trouble, 0).publish(self.now))
    }

    /// Two processes at once, in turns that `pace` decides.
    pub fn publish_twice(&self, pace: u64) {
        let [one, two] = [pace, !pace].map(|pace| Process::new(self, Trouble::None, pace));
        let (one, two) = block_on(async { tokio::join!(one.publish(self.now), two.publish(self.now)) });
        assert_eq!([one.withheld, two.withheld], [None, None], "what the other has told meanwhile is not lost");
    }

    /// What the ledger says of each series and day, and of the members that have one.
    pub fn ledger(&self) -> BTreeMap<(Vec<(String, String)>, NaiveDate), Decimal> {
        let (members, config) = (self.members(), self.config());
        let mut sums: BTreeMap<_, Decimal> = BTreeMap::new();
        let mut axes = vec![("Identity".to_owned(), "identity"), ("Model".to_owned(), "model")];
        axes.push(("Account".to_owned(), "account_id"));
        axes.extend(config.metrics.tags.iter().map(|tag| (format!("Tag:{tag}"), tag.as_str())));
        for fact in self.committed.lock().unwrap().values().flat_map(|committed| &committed.facts) {
            let Some(cost) = config.cost.spend(fact) else { continue };
            let (day, currency) = (fact.day(), fact.get(FactField::Currency).to_owned());
            let mut add = |dimensions: Vec<(String, String)>| {
                let sum = sums.entry((dimensions, day)).or_default();
                *sum = sum.checked_add(cost).unwrap();
            };
            let currency_of = ("Currency".to_owned(), currency.clone());
            add(vec![currency_of.clone()]);
            for (name, field) in &axes {
                let column = FactField::ALL.into_iter().find(|column| column.name() == *field);
                let value = column.map_or_else(|| fact.tag(field), |column| fact.get(column));
                let member = (day.format("%Y-%m").to_string(), name.clone(), currency.clone(), value.to_owned());
                let label = match value {
                    "" => "(none)",
                    value if members.contains(&member) => value,
                    _ => "(other)",
                };
                let label = spend_ledger::outputs::dimension_text(label).into_owned();
                let mut dimensions = vec![currency_of.clone(), (name.clone(), label)];
                dimensions.sort();
                add(dimensions);
            }
        }
        sums
    }

    /// Month, dimension, currency and value of every member.
    pub fn members(&self) -> BTreeSet<(String, String, String, String)> {
        let Some((bytes, _)) = block_on(self.store.get("metrics/series.json")).unwrap() else { return BTreeSet::new() };
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let mut members = BTreeSet::new();
        for (month, axes) in document["months"].as_object().unwrap() {
            for (axis, currencies) in axes.as_object().unwrap() {
                for (currency, values) in currencies.as_object().unwrap() {
                    let values = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned());
                    members.extend(values.map(|value| (month.clone(), axis.clone(), currency.clone(), value)));
                }
            }
        }
        members
    }

    /// Every series and day on which `CloudWatch` and the ledger differ, of the days that can be put now.
    pub fn differences(&self) -> Vec<String> {
        let (ledger, held) = (self.ledger(), self.cloudwatch.sums("Spend"));
        let oldest = self.now - TimeDelta::days(14) + TimeDelta::minutes(30);
        let places: BTreeSet<_> = ledger.keys().chain(held.keys()).cloned().collect();
        let mut differences = Vec::new();
        for place in places {
            let midnight = place.1.and_hms_opt(0, 0, 0).unwrap().and_utc();
            if midnight < oldest || midnight > self.now {
                continue;
            }
            let says = ledger.get(&place).copied().unwrap_or_default().round_to(9);
            let holds = rounded(held.get(&place).copied().unwrap_or_default());
            if says != holds {
                differences.push(format!("{place:?}: the ledger says {says}, CloudWatch holds {holds}"));
            }
        }
        differences
    }

    /// What the gauges of the month so far are to show, by dimensions: of a month of which nothing was delivered nothing.
    pub fn month_to_date(&self) -> BTreeMap<Vec<(String, String)>, Decimal> {
        let month = |day: NaiveDate| day.format("%Y-%m").to_string();
        let this_month = month(self.now.date_naive());
        let mut gauges: BTreeMap<_, Decimal> = BTreeMap::new();
        if !self.committed.lock().unwrap().keys().any(|statement| statement.period.to_string() == this_month) {
            return gauges;
        }
        let first_tag = self.config().metrics.tags.first().map(|tag| format!("Tag:{tag}"));
        let shown =
            |name: &String| ["Currency", "Identity"].contains(&name.as_str()) || Some(name) == first_tag.as_ref();
        for ((dimensions, day), spend) in self.ledger() {
            if month(day) == this_month && dimensions.iter().all(|(name, _)| shown(name)) {
                let sum = gauges.entry(dimensions).or_default();
                *sum = sum.checked_add(spend).unwrap();
            }
        }
        gauges
    }

    /// Every gauge of the month so far whose last day shows something else than the ledger says, or than zero where it
    /// says nothing. What was put today was put just now.
    pub fn wrong_gauges(&self) -> Vec<String> {
        let ledger = self.month_to_date();
        let shown = self.cloudwatch.last_maxima("MonthToDateSpend");
        let missing =
            ledger.keys().filter(|series| !shown.contains_key(*series)).map(|series| format!("no {series:?}"));
        let wrong = shown.iter().filter_map(|(series, (day, value))| {
            let says = ledger.get(series).copied();
            let is_right = match says {
                Some(says) => *day == self.now.date_naive() && rounded(*value) == says.round_to(9),
                None => rounded(*value).is_zero(),
            };
            (!is_right).then(|| format!("{series:?}: the ledger says {says:?}, CloudWatch shows {value} on {day}"))
        });
        missing.chain(wrong).collect()
    }

    /// What the ledger's totals have more than `CloudWatch`'s, over all days.
    pub fn missing(&self) -> BTreeMap<String, Decimal> {
        let mut missing: BTreeMap<String, Decimal> = BTreeMap::new();
        let ledger = self.ledger().into_iter().map(|(place, sum)| (place, sum.round_to(9)));
        let held = self.cloudwatch.sums("Spend").into_iter().map(|(place, sum)| (place, rounded(sum).negated()));
        for ((dimensions, _), amount) in ledger.chain(held) {
            if let [(_, currency)] = &dimensions[..] {
                let sum = missing.entry(currency.clone()).or_default();
                *sum = sum.checked_add(amount).unwrap();
            }
        }
        missing.retain(|_, sum| !sum.is_zero());
        missing
    }
}
