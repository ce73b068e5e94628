//! What is remembered of digests.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;

use crate::outputs::outbox::{self, Outbox, OutboxError, OutboxState};
use crate::state::book::Book;
use crate::state::document::Document;
use crate::store::Store;

/// Where the state lies.
pub const STATE_KEY: &str = "digests/state.json";

/// For how long before the oldest month of the book digests are remembered. A book without its newest month, until that is
/// put back, begins a month earlier and tells nobody anything twice.
const REMEMBERED: Days = Days::new(366);

/// Which digests were made, and what is to be sent. Digests of months that no book has any more leave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DigestState {
    pub(super) outbox: Outbox,
    /// Of which deliveries (by export) the last digest of each period was made.
    pub(super) told: BTreeMap<BillingPeriod, BTreeMap<String, String>>,
    /// When there was something to tell for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first_seen: Option<DateTime<Utc>>,
    /// The ids of digests that were due before, and are never made.
    #[serde(default)]
    pub(super) passed: BTreeSet<String>,
    /// What the last digest of each kind knew.
    #[serde(default)]
    pub(super) seen: BTreeMap<String, Told>,
}

impl DigestState {
    /// Forgets digests of months long before those of the book: a week's is never due after its week, and a month's only
    /// while the book has the month.
    pub(super) fn forget(&mut self, book: &Book) {
        let oldest = book.months().first().and_then(|month| month.first_day().checked_sub_days(REMEMBERED));
        if let Some(oldest) = oldest {
            self.outbox.forget(oldest.and_time(NaiveTime::MIN).and_utc());
            self.told.retain(|period, _| period.first_day() >= oldest);
        }
    }
}

/// The commits that a digest knew: the last one's number, by period and export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Told(BTreeMap<BillingPeriod, BTreeMap<String, u64>>);

impl Told {
    pub(super) fn of(book: &Book) -> Self {
        let mut told = Self::default();
        for found in &book.periods {
            if let Some(last) = found.commits.last() {
                told.0.entry(found.period).or_default().insert(found.export_id.clone(), last.sequence);
            }
        }
        told
    }

    /// The last commit that was known of an export's period, if it was known.
    pub(super) fn sequence(&self, period: BillingPeriod, export_id: &str) -> Option<u64> {
        self.0.get(&period)?.get(export_id).copied()
    }
}

impl Document for DigestState {
    const FORMAT: &'static str = "digest-state";
    const VERSION: u32 = 1;
}

impl OutboxState for DigestState {
    const KEY: &'static str = STATE_KEY;

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

pub(crate) async fn read<S: Store>(store: &S) -> Result<DigestState, OutboxError> {
    outbox::update(store, |state: &mut DigestState| state.clone()).await
}

/// The deliveries of a month, by export.
pub(crate) fn in_force(book: &Book, period: BillingPeriod) -> BTreeMap<String, String> {
    book.of(period).map(|found| (found.export_id.clone(), found.delivery_id.clone())).collect()
}
