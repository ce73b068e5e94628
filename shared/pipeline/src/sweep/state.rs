//! What sweeps remember: deliveries that are done with, and what the ledger looked like then. Where the ledger differs
//! from the memory, the ledger counts. Losing the memory costs time alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_ledger::state::document::{Document, decode, encode};
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::conditional::{ATTEMPTS, put_over};
use spend_ledger::store::{ETag, ObjectSummary, Put, Store};

use super::trial::{Left, Trial};
use crate::error::PipelineError;

/// A sweep's memory: one object.
pub(super) trait Memory: Document + Clone + Default + PartialEq {
    /// Where it lies.
    const KEY: &'static str;
}

/// A change of a sweep's memory that can be made again, on the memory that another sweep has written meanwhile.
type Change<D> = Box<dyn Fn(&mut D) + Send>;

/// What was read, and what is to be written.
pub(super) struct Remembered<D> {
    pub(super) document: D,
    before: D,
    etag: Option<ETag>,
    /// What [`Remembered::change`] has changed since it was written last.
    changes: Vec<Change<D>>,
}

impl<D: fmt::Debug> fmt::Debug for Remembered<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Remembered").field("document", &self.document).finish_non_exhaustive()
    }
}

impl<D: Memory> Remembered<D> {
    /// Changes the memory so that the change survives a race. What is changed in `document` itself is lost with a race:
    /// that is for what the next sweep finds again.
    pub(super) fn change(&mut self, change: impl Fn(&mut D) + Send + 'static) {
        change(&mut self.document);
        self.changes.push(Box::new(change));
    }

    /// Writes what is new. After a lost race the changes are made again on what the other sweep has written: both have
    /// done work that need not be done again.
    pub(super) async fn save<L: Store>(&mut self, ledger: &L) -> Result<(), PipelineError> {
        for _ in 0..ATTEMPTS {
            if self.document == self.before {
                self.changes.clear();
                return Ok(());
            }
            let bytes = encode(&self.document)?;
            match put_over(ledger, D::KEY, bytes, self.etag.as_ref()).await? {
                Put::Written(etag) => {
                    self.etag = Some(etag);
                    self.before = self.document.clone();
                    self.changes.clear();
                    return Ok(());
                }
                Put::Lost => {
                    let Self { document, before, etag, .. } = read::<D, L>(ledger).await?;
                    (self.document, self.before, self.etag) = (document, before, etag);
                    for change in &self.changes {
                        change(&mut self.document);
                    }
                }
            }
        }
        Err(PipelineError::Contended { key: D::KEY.to_owned(), attempts: ATTEMPTS })
    }
}

/// Deliveries in the export's bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SweptDeliveries {
    /// The id of the note that told what was found, the last time that one did.
    pub(super) introduced: Option<String>,
    /// The fingerprint of each delivery that is done with, by the delivery's name.
    pub(super) done: BTreeMap<String, String>,
    /// The object that declared the delivery ready, where that is how it was done with. Version 1 did not say.
    #[serde(default)]
    pub(super) ready: BTreeMap<String, String>,
    /// Deliveries that wait, by name. Version 1 did not have it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) waiting: BTreeMap<String, Waiting>,
    /// Attempts at deliveries that did not end, failed or are under way, by the delivery's name. Version 2 did not have
    /// it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) trials: BTreeMap<String, Trial>,
    /// How often the files were looked through for the first note without an end. Version 2 did not say.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) looks: u32,
    /// How many deliveries are left, and since when they do not become fewer. Version 2 did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<Left>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde passes")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// A delivery that waits. The times of its files do not tell when they came: a replica has those of its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// What its outcome depends on.
    fingerprint: String,
    /// Since when a sweep has found it so.
    since: DateTime<Utc>,
}

impl SweptDeliveries {
    /// Records that a sweep found the delivery waiting, with this fingerprint.
    pub(super) fn find(&mut self, name: &str, fingerprint: &str, now: DateTime<Utc>) {
        let found = || Waiting { fingerprint: fingerprint.to_owned(), since: now };
        let waiting = self.waiting.entry(name.to_owned()).or_insert_with(found);
        if waiting.fingerprint != fingerprint {
            *waiting = found();
        }
    }

    /// How long sweeps have found the delivery unchanged.
    pub(super) fn unchanged(&self, name: &str, now: DateTime<Utc>) -> TimeDelta {
        self.waiting.get(name).map_or_else(TimeDelta::zero, |waiting| now.signed_duration_since(waiting.since))
    }
}

impl Document for SweptDeliveries {
    const FORMAT: &'static str = "swept";
    const VERSION: u32 = 3;
    const READS_FROM: u32 = 1;
}

impl Memory for SweptDeliveries {
    const KEY: &'static str = keys::SWEPT_DELIVERIES;
}

/// Ready deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SweptReady {
    /// Those that were applied, or are not to be, by key.
    pub(super) done: BTreeSet<String>,
    /// The states beside which they were, as the listing showed them ([`version`]), by key. Version 1 did not say.
    #[serde(default)]
    pub(super) states: BTreeMap<String, String>,
    /// Which exports and payers counted then, as a text. Version 2 did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) counting: String,
    /// Exports that delivered and were not counted, because another one is. Version 2 did not say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) contested: BTreeSet<Contested>,
    /// Attempts at ready deliveries that did not end, failed or are under way, by key. Version 2 did not have it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) trials: BTreeMap<String, Trial>,
    /// How many deliveries are left, and since when they do not become fewer. Version 2 did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<Left>,
}

/// A month of an export that is not counted, because another export is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Contested {
    /// The export that is not counted.
    pub(super) export_id: String,
    /// The month.
    pub(super) period: BillingPeriod,
    /// The payer; empty where one of the exports does not say.
    pub(super) payer: String,
    /// The export that is counted.
    pub(super) counted: String,
}

impl SweptReady {
    /// Whether anything of an export was ever applied.
    pub(super) fn has_state(&self, export_id: &str) -> bool {
        let states = self.states.keys().filter_map(|key| Statement::from_state_key(key));
        states.into_iter().any(|statement| statement.export_id == export_id)
    }
}

impl Document for SweptReady {
    const FORMAT: &'static str = "swept-ready";
    const VERSION: u32 = 3;
    const READS_FROM: u32 = 1;
}

/// Which version of an object it is, as far as a listing tells.
pub(super) fn version(object: &ObjectSummary) -> String {
    format!("{} {}", object.last_modified.timestamp(), object.size)
}

impl Memory for SweptReady {
    const KEY: &'static str = keys::SWEPT_READY;
}

/// What the last sweep remembered.
pub(super) async fn read<D: Memory, L: Store>(ledger: &L) -> Result<Remembered<D>, PipelineError> {
    let (document, etag) = match ledger.get(D::KEY).await? {
        None => (D::default(), None),
        Some((bytes, etag)) => (decode::<D>(D::KEY, &bytes)?, Some(etag)),
    };
    Ok(Remembered { before: document.clone(), document, etag, changes: Vec::new() })
}
