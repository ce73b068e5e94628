//! What `CloudWatch` was told of the spend of a statement: by series and day, rounded to [`PLACES`], with what is
//! planned, being put and in doubt. This stored document is the only memory of what was put.
//!
//! A difference goes through these states: planned (in a batch), claimed (somebody is putting the batch), then gone
//! from the batches: taken, or in doubt. [`Told::days`] counts it as told in all of them, so that no plan puts it a
//! second time. Only when it turns out not to have been taken is it subtracted again ([`Told::take_back`]) and planned
//! anew.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::{Decimal, SumOutOfRange, add};

use crate::metrics::series::{SpendSeries, Sums};
use crate::metrics::timing::CLAIM_LIVES;
use crate::outputs::{Datum, Unit, batches};
use crate::state::basis::Basis;
use crate::state::document::Document;
use crate::state::keys::Statement;

/// To how many places spend is rounded, half to even, before it is compared and put. A double holds sums of such
/// numbers up to a million to within a hundredth of the last place.
pub(super) const PLACES: u32 = 9;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The namespace that was told.
    pub(super) namespace: String,
    export_id: String,
    period: BillingPeriod,
    /// What the last plan was made of: equal texts make equal plans.
    pub(super) planned_for: String,
    /// What it was made from: nothing is planned from older facts. Version 1 does not say.
    #[serde(default)]
    pub(super) from: Basis,
    /// The number of the next batch.
    next_batch: u64,
    /// What was told of each series and day if all that is planned, being put and in doubt has its effect.
    #[serde(with = "pairs")]
    days: BTreeMap<SpendSeries, BTreeMap<NaiveDate, ToldDay>>,
    /// What has not had its effect yet, or not for certain.
    pub(super) batches: Vec<Batch>,
    /// Data of which nobody knows whether they were taken.
    pub(super) doubts: Vec<Doubt>,
    /// When what is in doubt was last read back in vain.
    pub(super) read_back_at: Option<DateTime<Utc>>,
    /// What the ledger has and `CloudWatch` was not told, on days outside its window, by currency. Both together are
    /// the ledger's spend.
    pub(super) outside: BTreeMap<String, Decimal>,
    /// Data that were not put because their day had left the window.
    pub(super) too_old: u64,
}

impl Document for Told {
    const FORMAT: &'static str = "told-metrics";
    const VERSION: u32 = 3;
    // Version 2 did not say what lies elsewhere.
    const READS_FROM: u32 = 1;
}

/// What was told of one day of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToldDay {
    /// The sum of the differences.
    pub(super) sum: Decimal,
    /// When one was last put, or began to be.
    pub(super) put_at: Option<DateTime<Utc>>,
    /// What of the sum was put to the series of a name that was forgotten since: reading this one back does not find it.
    #[serde(default, skip_serializing_if = "is_zero")]
    elsewhere: Decimal,
}

fn is_zero(amount: &Decimal) -> bool {
    amount.is_zero()
}

impl ToldDay {
    /// What the series itself was told.
    pub(super) fn put_here(self) -> Result<Decimal, SumOutOfRange> {
        self.sum.checked_sub(self.elsewhere).ok_or(SumOutOfRange)
    }
}

/// Differences that one call puts: they share one fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    /// Its number: a new one by each claim, so that whoever claimed it finds it as long as the claim is theirs.
    pub(super) number: u64,
    /// Since when somebody is putting it; none is nobody, and it was never put.
    pub(super) claimed_at: Option<DateTime<Utc>>,
    differences: Vec<Difference>,
}

/// What is to be added to a series on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Difference {
    pub(super) series: SpendSeries,
    pub(super) day: NaiveDate,
    pub(super) amount: Decimal,
}

/// A difference of unknown fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Doubt {
    /// The batch that it was put with.
    pub(super) batch: u64,
    #[serde(flatten)]
    pub(super) difference: Difference,
}

/// Data are being put, or in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// `CloudWatch` took it.
    Landed,
    /// It did not, for certain: it may the next time.
    NotPut,
    /// It did not, and says that it never will: others go first.
    Refused,
    /// Nobody knows.
    InDoubt,
}

impl Batch {
    pub(super) fn data(&self) -> Vec<Datum> {
        self.differences.iter().map(Difference::datum).collect()
    }
}

impl Difference {
    fn datum(&self) -> Datum {
        let series = self.series.series();
        let timestamp = self.day.and_time(NaiveTime::MIN).and_utc();
        Datum { name: series.name, dimensions: series.dimensions, timestamp, value: self.amount, unit: Unit::None }
    }
}

impl Told {
    /// Nothing was told yet.
    pub(super) fn nothing(namespace: &str, statement: &Statement) -> Self {
        Self {
            namespace: namespace.to_owned(),
            export_id: statement.export_id.clone(),
            period: statement.period,
            planned_for: String::new(),
            from: Basis::default(),
            next_batch: 1,
            days: BTreeMap::new(),
            batches: Vec::new(),
            doubts: Vec::new(),
            read_back_at: None,
            outside: BTreeMap::new(),
            too_old: 0,
        }
    }

    /// How many batches there were, which only grows: a lesser number is that of an earlier version.
    pub(super) fn batches_so_far(&self) -> u64 {
        self.next_batch
    }

    /// What was told of a day of a series, if anything was.
    pub(super) fn day(&self, series: &SpendSeries, day: NaiveDate) -> Option<ToldDay> {
        self.days.get(series)?.get(&day).copied()
    }

    /// The currencies in which a day of `month` was ever told, also where it is back at zero.
    pub(super) fn totals_of(&self, month: BillingPeriod) -> impl Iterator<Item = &str> {
        let totals = self.days.iter().filter(|(series, _)| series.is_total());
        let of_month = totals.filter(move |(_, days)| days.keys().any(|day| month.contains(*day)));
        of_month.map(|(series, _)| series.currency.as_str())
    }

    /// Plans whatever makes what was told equal to `targets`, which are rounded, in place of what was planned and not
    /// claimed. Series of dimensions that `concerns` does not name stay as they were told.
    pub(super) fn plan(
        &mut self,
        targets: &Sums,
        concerns: impl Fn(&SpendSeries) -> bool,
        window: &RangeInclusive<NaiveDate>,
    ) -> Result<(), SumOutOfRange> {
        // What was planned and never claimed was never put. It is taken back, and planned again from what is true now.
        for batch in self.batches.extract_if(.., |batch| batch.claimed_at.is_none()).collect::<Vec<_>>() {
            self.take_back(batch.differences.iter())?;
        }
        (self.outside, self.too_old) = (BTreeMap::new(), 0);
        // A series that was told and has no spend any more goes back to zero.
        let none = BTreeMap::new();
        let mut differences = Vec::new();
        let vanished = self.days.keys().filter(|series| !targets.contains_key(series)).map(|series| (series, &none));
        let all: Vec<_> = targets.iter().chain(vanished).filter(|(series, _)| concerns(series)).collect();
        for (series, target) in all {
            let told_days = self.days.get(series);
            let days = target.keys().chain(told_days.into_iter().flat_map(BTreeMap::keys));
            for day in days.copied().collect::<BTreeSet<_>>() {
                let told = told_days.and_then(|days| days.get(&day)).map_or(Decimal::ZERO, |told| told.sum);
                let spend = target.get(&day).copied().unwrap_or_default();
                let amount = spend.checked_sub(told).ok_or(SumOutOfRange)?;
                if amount.is_zero() {
                    continue;
                }
                if window.contains(&day) {
                    differences.push(Difference { series: series.clone(), day, amount });
                    continue;
                }
                // `CloudWatch` refuses days outside its window. What is missing there is known in money: of the total
                // alone, because each dimension sums to it.
                self.too_old += u64::from(day < *window.start());
                if series.is_total() {
                    let outside = self.outside.entry(series.currency.clone()).or_default();
                    *outside = outside.checked_add(amount).ok_or(SumOutOfRange)?;
                }
            }
        }
        // They count as told from the plan on, before they are put: a crash in between leaves them planned, not
        // forgotten.
        for Difference { series, day, amount } in &differences {
            let told = self.days.entry(series.clone()).or_default().entry(*day).or_default();
            told.sum = told.sum.checked_add(*amount).ok_or(SumOutOfRange)?;
        }
        self.batch(differences);
        Ok(())
    }

    fn batch(&mut self, mut differences: Vec<Difference>) {
        let data: Vec<_> = differences.iter().map(Difference::datum).collect();
        for data in batches(&data) {
            let rest = differences.split_off(data.len().min(differences.len()));
            self.batches.push(Batch { number: self.next_batch, claimed_at: None, differences });
            self.next_batch += 1;
            differences = rest;
        }
    }

    /// Calls members by other names. What was told of a name and of the one that it gets adds up, so that each
    /// dimension still sums to what it summed to. Nothing is renamed while it is not known what was taken of a name's
    /// data: a series that is read back must be the one that was put.
    pub(crate) fn rename(
        &mut self,
        renamed: impl Fn(&str) -> Option<String>,
    ) -> Result<Result<(), Busy>, SumOutOfRange> {
        let other = |series: &SpendSeries| {
            let (axis, member) = series.of.as_ref()?;
            Some(SpendSeries { of: Some((axis.clone(), renamed(member)?)), ..series.clone() })
        };
        let claimed = self.batches.iter().filter(|batch| batch.claimed_at.is_some());
        let claimed = claimed.flat_map(|batch| &batch.differences);
        if claimed.chain(self.doubts.iter().map(|doubt| &doubt.difference)).any(|one| other(&one.series).is_some()) {
            return Ok(Err(Busy));
        }
        // What is planned is put to the series of the other name, and what was put stays in that of the name.
        let mut planned: BTreeMap<(SpendSeries, NaiveDate), Decimal> = BTreeMap::new();
        for difference in self.batches.iter_mut().flat_map(|batch| &mut batch.differences) {
            if let Some(series) = other(&difference.series) {
                let of_name = std::mem::replace(&mut difference.series, series);
                add(planned.entry((of_name, difference.day)).or_default(), difference.amount)?;
            }
        }
        for (series, days) in std::mem::take(&mut self.days) {
            let renamed = other(&series);
            let known = self.days.entry(renamed.clone().unwrap_or_else(|| series.clone())).or_default();
            for (day, told) in days {
                let sum = known.entry(day).or_default();
                add(&mut sum.sum, told.sum)?;
                sum.put_at = sum.put_at.max(told.put_at);
                let elsewhere = if renamed.is_some() {
                    let planned = planned.get(&(series.clone(), day)).copied().unwrap_or_default();
                    told.sum.checked_sub(planned).ok_or(SumOutOfRange)?
                } else {
                    told.elsewhere
                };
                add(&mut sum.elsewhere, elsewhere)?;
            }
        }
        Ok(Ok(()))
    }

    /// Whether somebody may claim the batch: nobody has, its days can all be put, and it is none of `tried`.
    fn is_free(batch: &Batch, window: &RangeInclusive<NaiveDate>, tried: &BTreeSet<u64>) -> bool {
        let can_be_put = |difference: &Difference| window.contains(&difference.day);
        batch.claimed_at.is_none() && !tried.contains(&batch.number) && batch.differences.iter().all(can_be_put)
    }

    /// How many data could be claimed.
    pub(super) fn free(&self, window: &RangeInclusive<NaiveDate>, tried: &BTreeSet<u64>) -> usize {
        let free = self.batches.iter().filter(|batch| Self::is_free(batch, window, tried));
        free.map(|batch| batch.differences.len()).sum()
    }

    /// Takes the next batch that is free, so that nobody else does.
    pub(super) fn claim(
        &mut self,
        window: &RangeInclusive<NaiveDate>,
        tried: &BTreeSet<u64>,
        now: DateTime<Utc>,
    ) -> Option<Batch> {
        let batch = self.batches.iter_mut().find(|batch| Self::is_free(batch, window, tried))?;
        batch.claimed_at = Some(now);
        // A new number for each claim: whoever held an earlier claim on this batch does not find it any more.
        batch.number = self.next_batch;
        self.next_batch += 1;
        for Difference { series, day, .. } in &batch.differences {
            if let Some(told) = self.days.get_mut(series).and_then(|days| days.get_mut(day)) {
                told.put_at = Some(now);
            }
        }
        Some(batch.clone())
    }

    /// Notes what became of a batch that was claimed, also where it was given up for in doubt meanwhile. Where it was
    /// noted before, whatever somebody else has made of the batch since then stays.
    pub(super) fn learn(&mut self, batch: &Batch, fate: Fate) -> Result<(), SumOutOfRange> {
        let number = batch.number;
        if let Some(index) = self.batches.iter().position(|found| found.number == number) {
            let batch = self.batches.remove(index);
            match fate {
                Fate::Landed => {}
                // To its place, or behind all others.
                Fate::NotPut => self.batches.insert(index, Batch { claimed_at: None, ..batch }),
                Fate::Refused => self.batches.push(Batch { claimed_at: None, ..batch }),
                Fate::InDoubt => {
                    let doubts = batch.differences.into_iter();
                    self.doubts.extend(doubts.map(|difference| Doubt { batch: number, difference }));
                }
            }
            return Ok(());
        }
        if fate == Fate::InDoubt {
            return Ok(());
        }
        // The claim was given up as an orphan meanwhile, and its data were put in doubt: now their fate is known after
        // all.
        let learnt: Vec<_> = self.doubts.extract_if(.., |doubt| doubt.batch == number).collect();
        if fate != Fate::Landed && !learnt.is_empty() {
            self.take_back(learnt.iter().map(|doubt| &doubt.difference))?;
            self.planned_for.clear();
        }
        Ok(())
    }

    /// The differences were not put, and are to be planned again.
    pub(super) fn take_back<'a>(
        &mut self,
        differences: impl Iterator<Item = &'a Difference>,
    ) -> Result<(), SumOutOfRange> {
        for Difference { series, day, amount } in differences {
            let told = self.days.entry(series.clone()).or_default().entry(*day).or_default();
            told.sum = told.sum.checked_sub(*amount).ok_or(SumOutOfRange)?;
        }
        Ok(())
    }

    /// The batches that were claimed so long ago that nobody can be putting them any more. Of a claim from a clock that
    /// ran ahead nobody knows better.
    pub(super) fn orphans(&self, now: DateTime<Utc>) -> Vec<Batch> {
        let is_orphan =
            |batch: &&Batch| batch.claimed_at.is_some_and(|at| now.signed_duration_since(at).abs() > CLAIM_LIVES);
        self.batches.iter().filter(is_orphan).cloned().collect()
    }

    /// Whether something that is planned can not be put any more.
    pub(super) fn is_stale(&self, window: &RangeInclusive<NaiveDate>) -> bool {
        let free = self.batches.iter().filter(|batch| batch.claimed_at.is_none());
        free.flat_map(|batch| &batch.differences).any(|difference| !window.contains(&difference.day))
    }

    /// Whether a batch adds to the series on the day.
    pub(super) fn awaits(&self, series: &SpendSeries, day: NaiveDate) -> bool {
        let differences = self.batches.iter().flat_map(|batch| &batch.differences);
        differences.into_iter().any(|difference| difference.day == day && difference.series == *series)
    }

    /// How many data are planned and not put.
    pub(super) fn waiting(&self) -> usize {
        self.batches.iter().map(|batch| batch.differences.len()).sum()
    }
}

/// A map whose keys are no texts, as a list of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
