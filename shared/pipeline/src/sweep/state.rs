//! What sweeps remember: what they have nothing left to do for, and what they saw of the ledger then. A sweep believes what
//! it finds: where the ledger is not as remembered, the memory counts for nothing. Losing it costs time alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_ledger::document::{Document, decode, encode};
use spend_ledger::keys;
use spend_ledger::store::{ETag, ObjectSummary, Put, Store};

use crate::error::PipelineError;

/// A sweep's memory: one object.
pub(super) trait Memory: Document + Clone + Default + PartialEq {
    /// Where it lies.
    const KEY: &'static str;
}

/// What was read, and what is to be written.
pub(super) struct Remembered<D> {
    pub(super) document: D,
    before: D,
    etag: Option<ETag>,
}

/// Deliveries in the export's bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SweptDeliveries {
    /// The id of the note that told what was found, the last time that one did.
    pub(super) introduced: Option<String>,
    /// Of what each delivery's outcome depended on when it was done with, by the delivery's name.
    pub(super) done: BTreeMap<String, String>,
    /// The object that declared the delivery ready, where that is how it was done with. Version 1 did not say.
    #[serde(default)]
    pub(super) ready: BTreeMap<String, String>,
    /// Deliveries that wait, by name. Version 1 did not have it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) waiting: BTreeMap<String, Waiting>,
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
    /// For how long sweeps have found the delivery as it is.
    pub(super) fn unchanged(&mut self, name: &str, fingerprint: &str, now: DateTime<Utc>) -> TimeDelta {
        let found = || Waiting { fingerprint: fingerprint.to_owned(), since: now };
        let waiting = self.waiting.entry(name.to_owned()).or_insert_with(found);
        if waiting.fingerprint != fingerprint {
            *waiting = found();
        }
        now.signed_duration_since(waiting.since)
    }
}

impl Document for SweptDeliveries {
    const FORMAT: &'static str = "swept";
    const VERSION: u32 = 2;
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
}

impl Document for SweptReady {
    const FORMAT: &'static str = "swept-ready";
    const VERSION: u32 = 2;
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
    Ok(Remembered { before: document.clone(), document, etag })
}

/// Writes what is new. Where another sweep was faster its memory stands: it has done the same, and what it has not is
/// done again.
pub(super) async fn write<D: Memory, L: Store>(ledger: &L, remembered: Remembered<D>) -> Result<(), PipelineError> {
    let Remembered { document, before, etag } = remembered;
    if document == before {
        return Ok(());
    }
    let bytes = encode(&document)?;
    let (Put::Written(_) | Put::Lost) = match etag {
        None => ledger.put_if_absent(D::KEY, bytes).await?,
        Some(etag) => ledger.put_if_match(D::KEY, bytes, &etag).await?,
    };
    Ok(())
}
