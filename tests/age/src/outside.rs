//! Stand-ins for CloudWatch and SNS: they take everything, count, and add up what was put of the total.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use chrono::NaiveDate;
use spend_core::money::decimal::Decimal;
use spend_ledger::outputs::{
    Datum, Message, Metrics, Notifier, PublishError, Series, Subscribers, Subscriptions, Topic,
};

/// All that is outside the buckets.
#[derive(Debug, Default)]
pub struct Outside(Mutex<Taken>);

/// What was taken.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Calls of CloudWatch.
    pub puts: u64,
    pub data: u64,
    /// Messages to people.
    pub mails: u64,
    /// Messages to machines.
    pub events: u64,
    /// `Spend` without a dimension but the currency, by day.
    pub spend: BTreeMap<NaiveDate, Decimal>,
}

impl Outside {
    /// What was taken so far.
    pub fn taken(&self) -> Taken {
        self.0.lock().unwrap().clone()
    }
}

impl Metrics for Outside {
    async fn put(&self, _namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        let mut taken = self.0.lock().unwrap();
        taken.puts += u64::from(!data.is_empty());
        taken.data += data.len() as u64;
        for datum in data.iter().filter(|datum| datum.name == "Spend" && datum.dimensions.len() == 1) {
            let sum = taken.spend.entry(datum.timestamp.date_naive()).or_default();
            *sum = sum.checked_add(datum.value).unwrap();
        }
        Ok(())
    }

    async fn daily_sums(
        &self,
        _namespace: &str,
        series: &[Series],
        _days: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        // Every put is answered, so nothing is in doubt; it is asked once, before the first put.
        Ok(series.iter().map(|_| BTreeMap::new()).collect())
    }
}

impl Notifier for Outside {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()?;
        let mut taken = self.0.lock().unwrap();
        match message.topic {
            Topic::Events => taken.events += 1,
            _ => taken.mails += 1,
        }
        Ok(())
    }
}

impl Subscriptions for Outside {
    async fn subscribers(&self, _topic: Topic) -> Result<Subscribers, PublishError> {
        Ok(Subscribers { confirmed: 1, pending: 0 })
    }
}
