//! Health: what an alarm on the ledger itself watches, by export, at the time of publishing, at least every hour.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::{Fact, FactField};
use spend_core::facts::grouping::{distinct, spend_by};
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::text::or_none;

use crate::config::Config;
use crate::metrics::daily::PeriodSpend;
use crate::metrics::error::MetricsError;
use crate::metrics::scene::Scene;
use crate::metrics::series::{CURRENCY, Members, exports, folded};
use crate::metrics::spend::AllTold;
use crate::metrics::told::Told;
use crate::outputs::{Datum, Unit, subscriptions};
use crate::state::basis::Basis;
use crate::state::book::{Book, BookPeriod};
use crate::state::document::{Document, decode, decode_compressed, encode};
use crate::state::history;
use crate::state::keys::{METRICS_PREFIX, Statement, health_key};
use crate::state::objects::Kind;
use crate::state::restated;
use crate::store::conditional::{self, Change, put_over};
use crate::store::{ETag, Put, Store};

/// The dimension of all that is of an export.
const EXPORT: &str = "Export";

/// How many read a topic, by its name; not put on one machine, where there are no topics.
const CONFIRMED_SUBSCRIPTIONS: &str = "ConfirmedSubscriptions";

/// For how long a delivery's restatement is told.
const RESTATED_FOR: TimeDelta = TimeDelta::days(1);

/// When health was last put, and of what: written after it was put. A crash between the two puts it again, which a
/// gauge does not mind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutHealth {
    at: DateTime<Utc>,
    /// Empty if nobody knows of what it was put last.
    basis: String,
    /// What it was made from. Version 1 does not say.
    #[serde(default)]
    pub(super) from: Basis,
    /// How many batches there were by then, by the key of the object that says what was told: so that it is known that
    /// something was, where that object is gone or is an earlier version of itself. Version 1 did not say.
    #[serde(default)]
    told: BTreeMap<String, u64>,
}

impl Document for PutHealth {
    const FORMAT: &'static str = "put-health";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}

impl PutHealth {
    /// Whether an hour has begun since health was put, or something has changed.
    pub(super) fn is_due(&self, made_of: &str, now: DateTime<Utc>) -> bool {
        let hour = |at: DateTime<Utc>| at.timestamp().div_euclid(3600);
        self.basis != made_of || hour(self.at) != hour(now)
    }

    /// Whether there were more batches than the object at `key` knows of; none where it is not there.
    fn knows_more(&self, key: &str, batches: Option<u64>) -> bool {
        self.told.get(key).is_some_and(|told| batches.is_none_or(|batches| batches < *told))
    }

    /// Remembers what others know, too: of each object the most batches.
    fn learn(&mut self, told: BTreeMap<String, u64>) {
        for (key, batches) in told {
            let so_far = self.told.entry(key).or_default();
            *so_far = batches.max(*so_far);
        }
    }
}

/// What was found of the health that was put, and its version; none if it never was.
pub(super) type Kept = Option<(PutHealth, ETag)>;

/// What is known of the health that was put.
pub(super) async fn read<S: Store>(store: &S, namespace: &str) -> Result<Kept, MetricsError> {
    let key = health_key(namespace);
    let Some((bytes, etag)) = store.get(&key).await? else { return Ok(None) };
    Ok(Some((decode(&key, &bytes)?, etag)))
}

/// The statements of which more was told than their objects know. `kept` was read before what was `told`. Where it cannot
/// be read nobody can say what was told by then, and those of which nothing is known may be among them.
pub(super) fn lost_among(kept: Option<&Kept>, namespace: &str, told: &AllTold) -> Vec<Statement> {
    let is_lost = |statement: &Statement, batches: Option<u64>| match kept {
        None => batches.is_none(),
        Some(kept) => kept.as_ref().is_some_and(|(put, _)| put.knows_more(&statement.told_key(namespace), batches)),
    };
    let batches =
        told.iter().map(|(statement, told)| (statement, told.as_ref().map(|(told, _)| told.batches_so_far())));
    batches
        .filter(|(statement, batches)| is_lost(statement, *batches))
        .map(|(statement, _)| statement.clone())
        .collect()
}

/// The keys of the objects that say less of what `CloudWatch` was told than was told, of whatever namespace: those that are
/// gone, or were put back from an earlier version. As long as they are, `Spend` of their months is withheld.
pub async fn lost<S: Store>(store: &S) -> Result<Vec<String>, MetricsError> {
    let objects = store.list(METRICS_PREFIX).await?;
    let mut lost = Vec::new();
    for object in objects.iter().filter(|object| Kind::of(&object.key) == Some(Kind::Health)) {
        let Some((bytes, _)) = store.get(&object.key).await? else { continue };
        let put: PutHealth = decode(&object.key, &bytes)?;
        for key in put.told.keys() {
            let found = store.get(key).await?;
            // What is damaged is said where it is read.
            let told = found.map(|(bytes, _)| decode_compressed::<Told>(key, &bytes)).transpose();
            if let Ok(told) = told
                && put.knows_more(key, told.map(|told| told.batches_so_far()))
            {
                lost.push(key.clone());
            }
        }
    }
    Ok(lost)
}

/// Writes down that health was put, over what was `kept` before anything that it was made from was read, and how much was
/// `told`. Where others have put theirs meanwhile nobody knows whose was put last: then the next call puts it again.
pub(super) async fn was_put<S: Store>(
    store: &S,
    namespace: &str,
    kept: Kept,
    (scene, told): (&Scene, &AllTold),
    now: DateTime<Utc>,
) -> Result<(), MetricsError> {
    let key = health_key(namespace);
    let batches = |(statement, told): (&Statement, &Option<(Told, ETag)>)| {
        told.as_ref().map(|(told, _)| (statement.told_key(namespace), told.batches_so_far()))
    };
    let told: BTreeMap<_, _> = told.iter().filter_map(batches).collect();
    let mut put = PutHealth { at: now, basis: scene.made_of.clone(), from: scene.basis.clone(), told: told.clone() };
    let before = kept.map(|(before, etag)| {
        put.learn(before.told);
        etag
    });
    if let Put::Written(_) = put_over(store, &key, encode(&put)?, before.as_ref()).await? {
        return Ok(());
    }
    let learnt = conditional::change(store, &key, |theirs| {
        let Some(theirs) = theirs else { return Ok(Change::Keep(())) };
        let mut theirs: PutHealth = decode(&key, theirs)?;
        theirs.basis.clear();
        theirs.learn(told.clone());
        Ok::<_, MetricsError>(Change::Write(encode(&theirs)?, ()))
    });
    learnt.await?.ok_or(MetricsError::Contended { key: key.clone() })
}

/// The health of every export, and how many subscriptions the topics have.
pub(super) async fn data<S: Store>(
    store: &S,
    config: &Config,
    (scene, told): (&Scene, &AllTold),
    now: DateTime<Utc>,
) -> Result<Vec<Datum>, MetricsError> {
    let mut data = Vec::new();
    let awaited = awaited(&scene.book, config);
    for export in exports(&scene.book) {
        let all = scene.book.periods.iter().zip(&scene.daily.periods);
        let (periods, spent): (Vec<_>, Vec<_>) = all.filter(|(period, _)| period.export_id == export).unzip();
        let told = told.iter().filter(|(statement, _)| statement.export_id == export);
        let told: Vec<_> = told.filter_map(|(_, told)| told.as_ref().map(|(told, _)| told)).collect();
        let restated = restated_spend(store, config, &scene.book, &periods, now).await?;
        let is_awaited = awaited.contains(export);
        let health =
            Health { export, is_awaited, now, config, members: &scene.members, periods, spent, told, restated };
        data.extend(health.data()?);
    }
    if let Some((bytes, _)) = store.get(subscriptions::STATE_KEY).await? {
        let count = |count| Decimal::from_integer(i64::try_from(count).unwrap_or(i64::MAX));
        data.extend(subscriptions::watched(&bytes, now)?.into_iter().map(|(topic, confirmed)| Datum {
            name: CONFIRMED_SUBSCRIPTIONS.to_owned(),
            dimensions: BTreeMap::from([("Topic".to_owned(), topic)]),
            timestamp: now,
            value: count(confirmed),
            unit: Unit::Count,
        }));
    }
    Ok(data)
}

/// The exports whose next delivery is awaited: those that a payer's newest month is counted from, and those of which no
/// delivery had any Bedrock row, so that nobody knows whose bill they have. An export that another one has replaced holds
/// older months alone. One that the configuration calls retired is never awaited.
fn awaited<'a>(book: &'a Book, config: &Config) -> BTreeSet<&'a str> {
    let payers: Vec<BTreeSet<_>> = book
        .periods
        .iter()
        .map(|period| distinct(period.facts.rows(), FactField::PayerAccountId).into_iter().collect())
        .collect();
    let mut newest: BTreeMap<&str, BillingPeriod> = BTreeMap::new();
    for (period, payers) in book.periods.iter().zip(&payers) {
        for payer in payers {
            let known = newest.entry(payer).or_insert(period.period);
            *known = period.period.max(*known);
        }
    }
    let mut with_facts = BTreeSet::new();
    let mut awaited = BTreeSet::new();
    for (period, payers) in book.periods.iter().zip(&payers).filter(|(_, payers)| !payers.is_empty()) {
        with_facts.insert(period.export_id.as_str());
        if payers.iter().any(|payer| newest.get(payer) == Some(&period.period)) {
            awaited.insert(period.export_id.as_str());
        }
    }
    // Of what was delivered and taken out again, because its claims were moved, nothing is awaited.
    let empty = book.periods.iter().filter(|period| period.revision == 0);
    awaited.extend(empty.map(|period| period.export_id.as_str()).filter(|export| !with_facts.contains(export)));
    awaited.retain(|export| !config.counting.is_retired(export));
    awaited
}

/// Amounts by currency.
type Amounts = BTreeMap<String, Decimal>;

/// By how much the deliveries of the last day restated spend, up or down.
async fn restated_spend<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    periods: &[&BookPeriod],
    now: DateTime<Utc>,
) -> Result<Amounts, MetricsError> {
    let mut amounts = Amounts::new();
    for period in periods {
        let statement = Statement { export_id: period.export_id.clone(), period: period.period };
        let recent = period.commits.iter().rev();
        let recent = recent.take_while(|commit| now.signed_duration_since(commit.applied_at) < RESTATED_FOR);
        let commits = || book.commits(&period.export_id);
        for commit in recent.filter(|commit| restated::is_possible(period.period, commit, commits())) {
            let Some(entry) = history::of(store, &statement, commit).await? else { continue };
            let restated = restated::of(&entry, commits());
            for moved in restated.iter().filter(|moved| config.cost.count.contains(&moved.category)) {
                add(&mut amounts, &moved.currency, moved.change()?.abs())?;
            }
        }
    }
    Ok(amounts)
}

fn add(amounts: &mut Amounts, currency: &str, amount: Decimal) -> Result<(), SumOutOfRange> {
    let sum = amounts.entry(or_none(currency).to_owned()).or_default();
    *sum = sum.checked_add(amount).ok_or(SumOutOfRange)?;
    Ok(())
}

/// What the health of an export is made of.
struct Health<'a> {
    export: &'a str,
    /// Whether its next delivery is awaited.
    is_awaited: bool,
    now: DateTime<Utc>,
    config: &'a Config,
    members: &'a Members,
    periods: Vec<&'a BookPeriod>,
    /// What was spent according to each of them.
    spent: Vec<&'a PeriodSpend>,
    told: Vec<&'a Told>,
    restated: Amounts,
}

impl Health<'_> {
    fn data(&self) -> Result<Vec<Datum>, SumOutOfRange> {
        let month = BillingPeriod::of(self.now.date_naive());
        let facts = || self.periods.iter().flat_map(|period| &period.facts);
        let current = || facts().filter(|fact| month.contains(fact.day()));
        let mut data = Vec::new();
        let delivered_at = self.periods.iter().map(|period| period.delivered_at).max();
        if let Some(delivered_at) = delivered_at.filter(|_| self.is_awaited) {
            data.push(self.datum(
                "DeliveryAgeHours",
                None,
                hours(self.now.signed_duration_since(delivered_at)),
                Unit::None,
            ));
        }
        let newest = self.periods.iter().max_by_key(|period| period.period);
        let unknown = newest.map_or(0, |period| period.unknown_usage_rows);
        data.push(self.count("UnknownUsageRows", unknown));
        let folded = folded(self.spent.iter().flat_map(|spent| spent.all()), self.members, month);
        data.push(self.count("SeriesFolded", u64::try_from(folded).unwrap_or(u64::MAX)));
        let currencies: BTreeSet<_> = distinct(facts(), FactField::Currency).into_iter().map(or_none).collect();
        let nobody = |fact: Fact<'_>| fact.get(FactField::Identity).is_empty();
        let tags = &self.config.required_tags;
        let untagged = |fact: Fact<'_>| tags.iter().any(|tag| fact.tag(tag).is_empty());
        let fields = [FactField::Currency, FactField::Identity].map(Dimension::Field);
        let by_tags = tags.iter().cloned().map(Dimension::Tag);
        let by: Vec<_> = fields.into_iter().chain(by_tags).collect();
        let spent = spend_by(current(), &self.config.cost, &by)?;
        let spend_of = |wanted: &dyn Fn(Fact<'_>) -> bool| {
            let mut amounts = Amounts::new();
            for (fact, spend) in spent.iter().filter(|(fact, _)| wanted(*fact)) {
                add(&mut amounts, fact.get(FactField::Currency), *spend)?;
            }
            Ok::<_, SumOutOfRange>(amounts)
        };
        let mut amounts = vec![
            ("UnattributedSpend", spend_of(&nobody)?),
            ("UntaggedSpend", spend_of(&untagged)?),
            ("RestatedSpend", self.restated.clone()),
        ];
        // Where nothing was told because it was withheld, nobody can say what of it was outside.
        if !self.told.is_empty() {
            let mut outside = Amounts::new();
            for (currency, amount) in self.told.iter().flat_map(|told| &told.outside) {
                add(&mut outside, currency, *amount)?;
            }
            amounts.push(("SpendOutsideWindow", outside));
            data.push(self.count("DatumsTooOld", self.told.iter().map(|told| told.too_old).sum()));
            let in_doubt: usize = self.told.iter().map(|told| told.doubts.len()).sum();
            data.push(self.count("InDoubtDatums", u64::try_from(in_doubt).unwrap_or(u64::MAX)));
        }
        for (name, amounts) in amounts {
            for currency in &currencies {
                let amount = amounts.get(*currency).copied().unwrap_or_default();
                data.push(self.datum(name, Some(currency), amount, Unit::None));
            }
        }
        Ok(data)
    }

    fn count(&self, name: &str, count: u64) -> Datum {
        let count = Decimal::from_integer(i64::try_from(count).unwrap_or(i64::MAX));
        self.datum(name, None, count, Unit::Count)
    }

    fn datum(&self, name: &str, currency: Option<&str>, value: Decimal, unit: Unit) -> Datum {
        let currency = currency.map(|currency| (CURRENCY.to_owned(), currency.to_owned()));
        let dimensions = currency.into_iter().chain([(EXPORT.to_owned(), self.export.to_owned())]).collect();
        Datum { name: name.to_owned(), dimensions, timestamp: self.now, value, unit }
    }
}

/// Whole hours and tenths, never below zero.
fn hours(age: TimeDelta) -> Decimal {
    const TENTH_OF_AN_HOUR: i64 = 360;
    let tenths = age.num_seconds().max(0) / TENTH_OF_AN_HOUR;
    Decimal::from_units(i128::from(tenths) * (Decimal::ONE.units() / 10)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
