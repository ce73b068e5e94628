//! What is stored of a delivery before it is applied: its pinned files, that they are all reduced, that a manifest came
//! before its files.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;

use crate::state::commit::DeliveryOrder;
use crate::state::document::Document;
use crate::state::keys::Statement;
use crate::store::ETag;

/// One version of one file of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PinnedChunk {
    /// The key in the export's bucket.
    pub key: String,
    /// The version that belongs to the delivery.
    pub etag: ETag,
    /// Its length in bytes.
    pub size: u64,
    /// When that version was written.
    pub last_modified: DateTime<Utc>,
}

/// What a delivery consists of, pinned when its manifest was seen.
///
/// Version 1 had neither `execution` nor what follows `chunks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedDelivery {
    pub export_id: String,
    pub period: BillingPeriod,
    /// Its execution id; without one, a hash of the manifest's version and the chunks'. Sealed again, because its files
    /// turned out to be others, a hash of `execution` and the chunks' versions.
    pub delivery_id: String,
    /// What AWS delivered, whichever files were found of it: the execution id, or a hash of the manifest's version.
    /// All deliveries that are sealed of one manifest have the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub execution: String,
    /// When it was made.
    pub order: DeliveryOrder,
    /// The manifest's key in the export's bucket; empty where there is none.
    pub manifest: String,
    /// Whether nothing says that the tree is one complete delivery.
    pub unverified: bool,
    /// Its files, sorted by key.
    pub chunks: Vec<PinnedChunk>,
    /// Those of its files, by key and sorted, that an earlier delivery had already: they were taken because no others
    /// came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// The deliveries of the same manifest that were sealed before it: none of them is applied after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
}

impl SealedDelivery {
    /// The statement that it is a refresh of.
    pub fn statement(&self) -> Statement {
        Statement { export_id: self.export_id.clone(), period: self.period }
    }

    /// What AWS delivered; of a delivery that version 1 sealed its own id.
    pub fn execution(&self) -> &str {
        if self.execution.is_empty() { &self.delivery_id } else { &self.execution }
    }
}

impl Document for SealedDelivery {
    const FORMAT: &'static str = "sealed-delivery";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}

/// That a manifest was there before its files were: files that are no newer than it are no later delivery's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenManifest {
    pub export_id: String,
    pub period: BillingPeriod,
    /// What it is the manifest of, as in [`SealedDelivery`].
    pub execution: String,
    /// When that was made.
    pub order: DeliveryOrder,
    /// Its key in the export's bucket.
    pub manifest: String,
}

impl Document for SeenManifest {
    const FORMAT: &'static str = "seen-manifest";
    const VERSION: u32 = 1;
}

/// That every chunk of a delivery is reduced. It is written once, and its creation asks for aggregation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyDelivery {
    /// The delivery, as it was sealed when its last chunk was reduced: a later seal does not change it.
    pub delivery: SealedDelivery,
}

impl Document for ReadyDelivery {
    const FORMAT: &'static str = "ready-delivery";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}
