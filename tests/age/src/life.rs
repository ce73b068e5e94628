//! The life of a ledger, day by day, by the program's own steps. Nothing waits: the time is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::messages::operations::deployed::Place;
use spend_ledger::config::in_force::{self, Configured, InForceError};
use spend_ledger::config::{Config, Counting};
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{operations, subscriptions};
use spend_ledger::state::committed;
use spend_ledger::state::keys;
use spend_ledger::state::objects::Kind;
use spend_ledger::{alert, chargeback, digest, metrics};
use spend_pipeline::ingest::FileTimes;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::sweep::{self, Sweep};

use crate::company::{BUCKET, Company};
use crate::figures::{Costs, Step, measured};
use crate::outside::Outside;
use crate::shelf::{Holding, Shelf};

/// The hour at which digests are made.
const MORNING: u32 = 8;

/// The first month.
pub const FIRST_MONTH: (i32, u32) = (2026, 11);

/// Within how many minutes a day's deliveries come.
const FOR_DELIVERIES: u32 = 18 * 60;

/// How long every step may take: they are not the matter here.
const TIME: Duration = Duration::from_hours(1);

/// How a ledger lives.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub company: Company,
    pub months: u64,
    /// How many deliveries of the current month there are on a day that has some.
    pub deliveries_a_day: u32,
    /// On every so many days there are deliveries.
    pub every: u64,
}

/// What there is, by kind of object.
pub type Holdings = BTreeMap<Option<Kind>, Holding>;

/// A ledger and all around it.
#[derive(Debug)]
pub struct Life {
    pub settings: Settings,
    pub ledger: Shelf,
    pub export: Arc<Shelf>,
    pub outside: Outside,
    /// What each step has cost, since it was taken last.
    pub costs: Costs,
    /// What there was at the end of each month.
    pub holdings: Vec<Holdings>,
    /// How many deliveries there were.
    pub deliveries: u64,
    now: DateTime<Utc>,
}

/// What is in force, at each look.
struct InForce<'a>(&'a Shelf);

impl Configured for InForce<'_> {
    async fn config(&self) -> Result<Config, InForceError> {
        in_force::of_deployment(self.0).await
    }
}

impl Life {
    /// A ledger that is empty.
    pub fn new(settings: Settings) -> Self {
        let (year, month) = FIRST_MONTH;
        let now = NaiveDate::from_ymd_opt(year, month, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
        Self {
            settings,
            ledger: Shelf::new(),
            export: Arc::new(Shelf::new()),
            outside: Outside::default(),
            costs: Costs::new(),
            holdings: Vec::new(),
            deliveries: 0,
            now,
        }
    }

    fn set_now(&mut self, now: DateTime<Utc>) {
        self.now = now;
        self.ledger.set_now(now);
        self.export.set_now(now);
    }

    /// Lives through the next month. `on_day` is called after each day that had deliveries.
    pub async fn month(&mut self, mut on_day: impl FnMut(&Self)) {
        let month = BillingPeriod::of(self.now.date_naive());
        let number = self.holdings.len() as u64;
        if number.is_multiple_of(3) {
            let (text, overrides) = self.settings.company.configuration(number / 3);
            self.ledger.overwrite(&keys::beside_config("people.csv"), &Bytes::from(overrides));
            self.ledger.overwrite(keys::CONFIG, &Bytes::from(text));
        }
        let mut day = month.first_day();
        while month.contains(day) {
            let at = |hour: u32| day.and_hms_opt(hour, 0, 0).unwrap().and_utc();
            // AWS delivers the month before until it is closed, and once more when everybody has forgotten it.
            let is_a_day = u64::from(day.day0()).is_multiple_of(self.settings.every);
            if number > 0 && (is_a_day && day.day() <= 7 || day.day() == 20) {
                self.set_now(at(3));
                let before = BillingPeriod::of(month.first_day() - Days::new(1));
                self.deliver(before).await;
            }
            if is_a_day {
                for turn in 0..self.settings.deliveries_a_day {
                    let later = FOR_DELIVERIES * turn / self.settings.deliveries_a_day;
                    self.set_now(at(5) + TimeDelta::minutes(later.into()));
                    self.deliver(month).await;
                }
                on_day(self);
            }
            if is_a_day {
                self.set_now(self.now.max(at(MORNING)));
                self.digest().await;
            }
            day = day + Days::new(1);
        }
        self.set_now(month.end() - TimeDelta::seconds(60));
        self.idle().await;
        self.holdings.push(self.ledger.holdings());
        self.set_now(month.end());
    }

    /// AWS replaces the files of a month, and all that follows from it happens.
    async fn deliver(&mut self, month: BillingPeriod) {
        for (key, bytes) in self.settings.company.delivery(month, self.now) {
            self.export.overwrite(&key, &bytes);
        }
        self.deliveries += 1;
        let mut costs = std::mem::take(&mut self.costs);
        measured(&mut costs, Step::Ingest, &self.ledger, &self.export, self.ingest()).await;
        measured(&mut costs, Step::Aggregate, &self.ledger, &self.export, self.aggregate()).await;
        measured(&mut costs, Step::Metrics, &self.ledger, &self.export, self.publish()).await;
        measured(&mut costs, Step::Alert, &self.ledger, &self.export, self.alert()).await;
        self.costs = costs;
    }

    async fn digest(&mut self) {
        let mut costs = std::mem::take(&mut self.costs);
        measured(&mut costs, Step::Digest, &self.ledger, &self.export, self.tell_finance()).await;
        self.costs = costs;
    }

    async fn idle(&mut self) {
        let mut costs = std::mem::take(&mut self.costs);
        let sweeps = async {
            self.ingest().await;
            self.aggregate().await;
            self.publish().await;
            self.alert().await;
        };
        measured(&mut costs, Step::Idle, &self.ledger, &self.export, sweeps).await;
        self.costs = costs;
    }

    async fn config(&self) -> Config {
        in_force::of_deployment(&self.ledger).await.unwrap()
    }

    async fn ingest(&self) {
        let config = self.config().await;
        let (kept, place) = (config.kept_tags(), Place { bucket: BUCKET, prefix: "" });
        let (export, ledger, now, times) = (&self.export, &self.ledger, self.now, FileTimes::Delivered);
        let sweep = Sweep { export, ledger, place, times, kept: &kept, counting: &Counting::default(), now };
        let swept = sweep.deliveries(|| TIME).await.unwrap();
        assert!(swept.failures.is_empty() && swept.troubles.is_empty() && swept.left == 0, "{swept:?}");
    }

    async fn aggregate(&self) {
        in_force::adopt(&self.ledger, self.now).await.unwrap();
        let with = Deriver::of_deployment(&self.config().await, &Counting::default());
        let counted = sweep::ready(&self.ledger, &with, self.now, || TIME).await.unwrap();
        assert!(counted.failures.is_empty() && counted.troubles.is_empty() && counted.left == 0, "{counted:?}");
    }

    async fn publish(&self) {
        let published = metrics::publish(&self.ledger, &self.outside, &InForce(&self.ledger), self.now, || TIME).await;
        assert!(published.failures.is_empty() && published.withheld.is_none(), "{published:?}");
    }

    async fn alert(&self) {
        let deployed = alert::Deployed { ledger: &self.ledger, now: self.now };
        alert::react(&self.ledger, &self.outside, &deployed, Lease::INVOCATION, self.now).await.unwrap();
        operations::drain(&self.ledger, &self.outside, Lease::INVOCATION, self.now).await.unwrap();
        subscriptions::check(&self.ledger, &self.outside, self.now).await.unwrap();
        subscriptions::drain(&self.ledger, &self.outside, Lease::INVOCATION, self.now).await.unwrap();
    }

    async fn tell_finance(&self) {
        let config = self.config().await;
        let book = committed::book(&self.ledger, self.now).await.unwrap();
        digest::page::write(&self.ledger, &config, &book, self.now).await.unwrap();
        chargeback::write(&self.ledger, &config, &book, self.now).await.unwrap();
        digest::react(&self.ledger, &self.outside, &config, &book, Lease::INVOCATION, self.now).await.unwrap();
    }

    /// What CloudWatch was told of a day must be what the bill says of it, in cents.
    pub fn is_told(&self, day: NaiveDate) -> bool {
        let cents = self.settings.company.total(day, self.now);
        let told = self.outside.taken().spend.get(&day).copied().unwrap_or_default();
        told.to_string() == format!("{}.{:02}", cents / 100, cents % 100).trim_end_matches('0').trim_end_matches('.')
    }
}
