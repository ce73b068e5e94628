//! The book: the committed facts that alerts, gauges and digests read.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use spend_core::bill::line::ScanCounts;
use spend_core::calendar::data_span::DataSpan;
use spend_core::calendar::data_status::DataStatus;
use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::Window;
use spend_core::facts::fact::{Fact, FactTable};
use spend_core::facts::fact_set::FactSet;
use spend_core::facts::folding::Folded;

use crate::state::commit::AppliedDelivery;

/// The committed state of the billing periods that can still matter, of every active export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// A period of an export once.
    pub periods: Vec<BookPeriod>,
}

/// One billing period of one export, as its newest delivery has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookPeriod {
    pub export_id: String,
    pub period: BillingPeriod,
    /// The commits, oldest first: the last one is in force.
    pub commits: Vec<AppliedDelivery>,
    /// The delivery in force.
    pub delivery_id: String,
    /// How often it was derived again.
    pub revision: u64,
    /// When it was made.
    pub delivered_at: DateTime<Utc>,
    /// The latest end of a usage row, at most the time of the commit.
    pub data_as_of: Option<DateTime<Utc>>,
    /// Whether nothing says that the delivery is complete.
    pub unverified: bool,
    /// Whether its numbers are final, see [`BillingPeriod::is_closed`].
    pub closed: bool,
    /// What the scan of its chunks found.
    pub counts: ScanCounts,
    /// Usage line items of no known family.
    pub unknown_usage_rows: u64,
    /// How many callers the facts do not keep apart.
    pub folded: Folded,
    /// The fingerprint of the configuration that the facts were derived with.
    pub derivation: String,
    pub facts: FactTable,
}

impl BookPeriod {
    /// The delivery in force and its revision, as one text: equal texts are equal facts.
    pub fn commit(&self) -> String {
        match self.revision {
            0 => self.delivery_id.clone(),
            revision => format!("{} rebuild {revision}", self.delivery_id),
        }
    }
}

impl Book {
    /// The facts of all exports and periods.
    pub fn all_facts(&self) -> FactSet<'_> {
        self.periods.iter().map(|found| &found.facts).collect()
    }

    /// The facts of the deliveries of one period, of all exports.
    pub fn facts_of(&self, period: BillingPeriod) -> FactSet<'_> {
        self.of(period).map(|found| &found.facts).collect()
    }

    /// Every fact of all exports and periods.
    pub fn facts(&self) -> impl Iterator<Item = Fact<'_>> + Clone {
        self.periods.iter().flat_map(|period| &period.facts)
    }

    /// What the exports have of one period.
    pub fn of(&self, period: BillingPeriod) -> impl Iterator<Item = &BookPeriod> + Clone {
        self.periods.iter().filter(move |found| found.period == period)
    }

    /// The commits of every month that it has of an export.
    pub fn commits<'a>(&'a self, export_id: &'a str) -> impl Iterator<Item = (BillingPeriod, &'a AppliedDelivery)> {
        let of_export = self.periods.iter().filter(move |found| found.export_id == export_id);
        of_export.flat_map(|found| found.commits.iter().map(|commit| (found.period, commit)))
    }

    /// The months that it has, each once, in order.
    pub fn months(&self) -> BTreeSet<BillingPeriod> {
        self.periods.iter().map(|found| found.period).collect()
    }

    /// How far the data of a month can be trusted, all exports together.
    pub fn status(&self, month: BillingPeriod) -> DataStatus {
        let of_export = |found: &BookPeriod| DataStatus {
            as_of: found.data_as_of,
            unverified: found.unverified,
            closed: found.closed,
        };
        self.of(month).map(of_export).reduce(DataStatus::and).unwrap_or_default()
    }

    /// How far the data of each month can be trusted.
    pub fn span(&self) -> DataSpan {
        let months = self.months().into_iter().map(|month| (month, self.status(month)));
        DataSpan::new(months.collect()).reaching(self.periods.iter().filter_map(|found| found.data_as_of).max())
    }

    /// How many callers the facts of a window's months do not keep apart, all exports together.
    pub fn folded(&self, window: Window) -> Folded {
        let found = window.periods().flat_map(|period| self.of(period)).map(|found| found.folded);
        found.fold(Folded::default(), Folded::and)
    }

    /// When the newest delivery was made of what is known of a window.
    pub fn known_since(&self, window: Window) -> Option<DateTime<Utc>> {
        window.periods().flat_map(|period| self.of(period)).map(|found| found.delivered_at).max()
    }
}
