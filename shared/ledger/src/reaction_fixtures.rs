//! What the tests of the reactions need: facts, books, a notifier and metrics that remember or fail, a store that lets
//! others in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use spend_core::bill::line::ScanCounts;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::fact::{FactField, FactKey, FactTable};
use spend_core::facts::folding::Folded;
use spend_core::money::decimal::Decimal;
use spend_core::table::field::Field as _;
use spend_core::table::measures::Measures;

use crate::outputs::{Datum, Message, Metrics, Notifier, PublishError, Series, Topic};
use crate::state::book::{Book, BookPeriod};
use crate::state::commit::{AppliedDelivery, CommitKind, DeliveryOrder, OrderSource};
use crate::state::document::encode_compressed;
use crate::state::history::{HistoryEntry, Moved};
use crate::state::keys::Statement;
use crate::state::period::PeriodState;
use crate::store::memory::MemoryStore;
use crate::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A fact that stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FactRow {
    pub(crate) key: FactKey,
    pub(crate) measures: Measures,
}

/// The table of some facts.
pub(crate) fn table(facts: impl IntoIterator<Item = FactRow>) -> FactTable {
    FactTable::of(facts.into_iter().map(|FactRow { key, measures }| (key, measures))).unwrap()
}

/// The facts of a table, each to stand alone.
pub(crate) fn rows(facts: &FactTable) -> Vec<FactRow> {
    facts.rows().map(|fact| FactRow { key: fact.key(), measures: fact.measures() }).collect()
}

/// A usage fact in USD; `fields` overwrite, keys with a slash are tags.
pub(crate) fn fact(day: &str, cost: &str, fields: &[(&str, &str)]) -> FactRow {
    let mut values: BTreeMap<&str, &str> = BTreeMap::from([("category", "usage"), ("currency", "USD")]);
    values.extend(fields.iter().copied());
    let texts = FactField::ALL.map(|field| Arc::from(values.get(field.name()).copied().unwrap_or("")));
    let tags = values.iter().filter(|(key, _)| key.contains('/'));
    let tags = tags.map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    let key = FactKey { usage_date: day.parse().unwrap(), fields: texts, tags: Arc::new(tags) };
    let cost: Decimal = cost.parse().unwrap();
    FactRow { key, measures: Measures { unblended_cost: cost, net_unblended_cost: cost, ..Measures::default() } }
}

/// A period of the export `finops`.
pub(crate) fn period(month: &str, facts: Vec<FactRow>) -> BookPeriod {
    let month: BillingPeriod = month.parse().unwrap();
    BookPeriod {
        export_id: "finops".to_owned(),
        period: month,
        revision: 0,
        commits: Vec::new(),
        delivery_id: format!("delivery-of-{month}"),
        delivered_at: at("2026-11-21T00:00:00Z"),
        data_as_of: Some(at("2026-11-20T23:00:00Z").min(month.end())),
        unverified: false,
        closed: false,
        counts: ScanCounts::default(),
        unknown_usage_rows: 0,
        folded: Folded::default(),
        derivation: String::new(),
        facts: table(facts),
    }
}

/// Puts into the history that a commit of `finops` replaced `replaced` and restated what somebody spent on a day.
pub(crate) fn restate(
    store: &MemoryStore,
    commit: &AppliedDelivery,
    replaced: &str,
    (day, identity): (&str, &str),
    (before, after): (&str, &str),
) {
    let day: NaiveDate = day.parse().unwrap();
    let moved = Moved {
        day: Some(day),
        identity: Some(identity.to_owned()),
        category: Some("usage".to_owned()),
        currency: "USD".to_owned(),
        before: before.parse().unwrap(),
        after: after.parse().unwrap(),
    };
    let statement = Statement { export_id: "finops".to_owned(), period: BillingPeriod::of(day) };
    let key = statement.history_key(commit);
    let entry = HistoryEntry {
        export_id: statement.export_id,
        period: statement.period,
        kind: CommitKind::Delivery,
        delivery: commit.clone(),
        replaced: Some(replaced.to_owned()),
        after_close: false,
        totals: Vec::new(),
        moved: vec![moved],
    };
    store.overwrite(&key, encode_compressed(&entry).unwrap()).unwrap();
}

/// A delivery that was made, and committed, at a time; its data as well.
pub(crate) fn applied(delivery_id: &str, time: &str) -> AppliedDelivery {
    AppliedDelivery {
        sequence: 1,
        delivery_id: delivery_id.to_owned(),
        revision: 0,
        moved: String::new(),
        order: DeliveryOrder { source: OrderSource::LastModified, at: at(time) },
        applied_at: at(time),
        data_as_of: Some(at(time)),
        unverified: false,
    }
}

/// The state of a statement with one commit, of the delivery `d`.
pub(crate) fn state_of(statement: &Statement, facts: Vec<FactRow>) -> PeriodState {
    PeriodState {
        export_id: statement.export_id.clone(),
        period: statement.period,
        deliveries: vec![applied("d", "2026-11-20T00:00:00Z")],
        counts: ScanCounts::default(),
        unknown_usage_rows: 0,
        folded: Folded::default(),
        derivation: String::new(),
        facts: table(facts),
    }
}

/// One more fact in a period.
pub(crate) fn add(period: &mut BookPeriod, fact: FactRow) {
    period.facts = table(rows(&period.facts).into_iter().chain([fact]));
}

pub(crate) fn book(periods: Vec<BookPeriod>) -> Book {
    Book { periods }
}

/// Remembers what was sent; calls, counted from 1, may fail before or after that.
#[derive(Debug, Default)]
pub(crate) struct TestNotifier {
    calls: Mutex<u64>,
    fails: Vec<(u64, bool)>,
    refuses: BTreeSet<u64>,
    sent: Mutex<Vec<Message>>,
}

impl TestNotifier {
    /// The call `call` fails, with its effect if `after`.
    pub(crate) fn failing(call: u64, after: bool) -> Self {
        Self { fails: vec![(call, after)], ..Self::default() }
    }

    /// These calls are refused.
    pub(crate) fn refusing(calls: impl IntoIterator<Item = u64>) -> Self {
        let refuses: BTreeSet<_> = calls.into_iter().collect();
        Self { fails: refuses.iter().map(|call| (*call, false)).collect(), refuses, ..Self::default() }
    }

    /// The call `call` fails as well, without an effect.
    pub(crate) fn and_failing(mut self, call: u64) -> Self {
        self.fails.push((call, false));
        self
    }

    pub(crate) fn sent(&self) -> Vec<Message> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> u64 {
        *self.calls.lock().unwrap()
    }

    /// The ids of the messages on a topic, in the order in which they were sent.
    pub(crate) fn ids(&self, topic: Topic) -> Vec<String> {
        let sent = self.sent();
        sent.iter()
            .filter(|message| message.topic == topic)
            .map(|message| message.attributes["alert_id"].clone())
            .collect()
    }
}

impl Notifier for TestNotifier {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()?;
        tokio::task::yield_now().await;
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        let failure = self.fails.iter().find(|(call, _)| *call == *calls);
        if failure.is_none_or(|(_, after)| *after) {
            self.sent.lock().unwrap().push(message.clone());
        }
        match failure {
            None => Ok(()),
            Some((call, _)) if self.refuses.contains(call) => {
                Err(PublishError::Refused { what: message.subject.clone(), reason: "a test".into() })
            }
            Some(_) => Err(PublishError::InDoubt { what: message.subject.clone(), source: "a test".into() }),
        }
    }
}

/// How a call to put metrics ends. All but the first have no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Taken,
    Refused,
    NotSent,
    InDoubt,
}

/// Remembers what was put, and what was asked; the first calls to put end as they were told to.
#[derive(Debug, Default)]
pub(crate) struct TestMetrics {
    pub(crate) answers: Mutex<VecDeque<Answer>>,
    /// What was taken, call by call.
    pub(crate) taken: Mutex<Vec<Vec<Datum>>>,
    /// What is answered of a series on each day.
    pub(crate) held: BTreeMap<Series, BTreeMap<NaiveDate, f64>>,
    /// The series and days that somebody has asked for, call by call.
    pub(crate) asked: Mutex<Vec<(Vec<Series>, RangeInclusive<NaiveDate>)>>,
}

impl TestMetrics {
    pub(crate) fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() }
    }

    /// How many data each call put that was taken.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.taken.lock().unwrap().iter().map(Vec::len).collect()
    }

    /// What was put to each series on each day, in all.
    pub(crate) fn sums(&self) -> BTreeMap<(Series, NaiveDate), Decimal> {
        let mut sums = BTreeMap::new();
        for Datum { name, dimensions, timestamp, value, .. } in self.taken.lock().unwrap().iter().flatten() {
            let series = Series { name: name.clone(), dimensions: dimensions.clone() };
            let sum: &mut Decimal = sums.entry((series, timestamp.date_naive())).or_default();
            *sum = sum.checked_add(*value).unwrap();
        }
        sums
    }
}

impl Metrics for TestMetrics {
    async fn put(&self, _: &str, data: &[Datum]) -> Result<(), PublishError> {
        let what = || format!("{} data", data.len());
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Taken);
        match answer {
            Answer::Taken => {
                self.taken.lock().unwrap().push(data.to_vec());
                Ok(())
            }
            Answer::Refused => Err(PublishError::Refused { what: what(), reason: "a test".into() }),
            Answer::NotSent => Err(PublishError::NotSent { what: what(), source: "a test".into() }),
            Answer::InDoubt => Err(PublishError::InDoubt { what: what(), source: "a test".into() }),
        }
    }

    async fn daily_sums(
        &self,
        _: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        self.asked.lock().unwrap().push((series.to_vec(), days));
        Ok(series.iter().map(|series| self.held.get(series).cloned().unwrap_or_default()).collect())
    }
}

/// Lets other tasks run before every call, so that two steps on one store take turns.
#[derive(Debug)]
pub(crate) struct TurnTaking<'a>(pub(crate) &'a MemoryStore);

impl Store for TurnTaking<'_> {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        tokio::task::yield_now().await;
        self.0.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.0.get_range(key, range, etag).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.0.head(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        self.0.list(prefix).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        tokio::task::yield_now().await;
        self.0.put_if_absent(key, bytes).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        tokio::task::yield_now().await;
        self.0.put_if_match(key, bytes, etag).await
    }
}
