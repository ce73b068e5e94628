//! The stored state of billing periods: sealed deliveries, the committed period, its history.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use spend_core::bill::line::ScanCounts;
use spend_core::bill::usage;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::fact::FactField;
use spend_core::facts::folding::Folded;
use spend_core::money::decimal::Decimal;

use crate::state::columns::Columns;
use crate::state::document::Document;
use crate::state::keys::Statement;
use crate::store::ETag;

/// How a delivery stands to others of its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderSource {
    /// The timestamp in the folder's name (create-new mode).
    Folder,
    /// The manifest's last modification in the export's bucket.
    LastModified,
    /// The order in which a command line met them: files on disk have arbitrary times.
    Arrival,
}

/// When a delivery was made, as far as can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryOrder {
    /// Where the time comes from.
    pub source: OrderSource,
    pub at: DateTime<Utc>,
}

impl DeliveryOrder {
    /// Whether a delivery that was never applied replaces the one that `committed` belongs to.
    ///
    /// On equal seconds the one not seen before is the newer, and so it is where only arrival tells them apart.
    pub fn replaces(self, committed: Self) -> bool {
        let arrival = self.source == OrderSource::Arrival || committed.source == OrderSource::Arrival;
        arrival || self.at.timestamp() >= committed.at.timestamp()
    }
}

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

/// A chunk's reduction, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReduction {
    /// The chunk's key in the export's bucket.
    pub chunk: String,
    /// The version that was reduced.
    pub etag: ETag,
    /// What the scan found.
    pub counts: ScanCounts,
    /// The bill lines.
    pub lines: Columns,
}

impl Document for StoredReduction {
    const FORMAT: &'static str = "reduction";
    const VERSION: u32 = 2;
    // The counts of version 1 have no keys of resource tags.
    const READS_FROM: u32 = 1;
}

/// What replaced a period's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommitKind {
    /// A delivery that was never applied before.
    Delivery,
    /// The delivery in force, derived again from its reductions.
    Rebuild,
}

impl CommitKind {
    /// The name in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Rebuild => "rebuild",
        }
    }
}

/// A delivery that was committed, for the first time or derived again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedDelivery {
    /// Which commit of the period it was, from 1.
    pub sequence: u64,
    pub delivery_id: String,
    /// How often it was derived again before: 0 when it was applied, more for each rebuild. With the delivery it says
    /// which facts are the newer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub revision: u64,
    /// A hash of what it moved: it names the history entry, so that of two attempts at one commit which moved
    /// different things only the entry of the one that was committed counts.
    pub moved: String,
    /// When it was made.
    pub order: DeliveryOrder,
    /// When it was committed.
    pub applied_at: DateTime<Utc>,
    /// The latest end of a usage row, at most `applied_at`.
    pub data_as_of: Option<DateTime<Utc>>,
    /// Whether nothing says that the tree was one complete delivery.
    pub unverified: bool,
}

impl AppliedDelivery {
    pub fn kind(&self) -> CommitKind {
        if self.revision == 0 { CommitKind::Delivery } else { CommitKind::Rebuild }
    }

    /// Whether its delivery was made before that of `other`, which is of another month. Where arrival alone tells, the
    /// one that was applied in an earlier run.
    pub fn was_made_before(&self, other: &Self) -> bool {
        if self.order.source == OrderSource::Arrival || other.order.source == OrderSource::Arrival {
            self.applied_at < other.applied_at
        } else {
            self.order.at < other.order.at
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(revision: &u64) -> bool {
    *revision == 0
}

/// A billing period of an export: the facts of its newest delivery, and which deliveries it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodState {
    pub export_id: String,
    pub period: BillingPeriod,
    /// The commits, oldest first: the last one is in force. None of their deliveries is ever applied again; the one in
    /// force may be derived again, and then stands here again.
    pub deliveries: Vec<AppliedDelivery>,
    /// What the scan of its chunks found.
    pub counts: ScanCounts,
    /// Usage line items of no known family.
    pub unknown_usage_rows: u64,
    /// How many callers the facts do not keep apart.
    #[serde(default, skip_serializing_if = "Folded::is_empty")]
    pub folded: Folded,
    /// What of the configuration the facts were derived with.
    pub derivation: String,
    pub facts: Columns,
}

impl Document for PeriodState {
    const FORMAT: &'static str = "period-state";
    const VERSION: u32 = 3;
    // Version 2 had no `folded`: all callers were kept apart.
    const READS_FROM: u32 = 1;

    /// Version 1 had no column `context`.
    fn upgraded(mut self, _: u32) -> Self {
        self.facts.derive(FactField::Context, FactField::UsageType, |usage_type| usage::context(usage_type).as_str());
        self
    }
}

impl PeriodState {
    /// The delivery in force.
    pub fn current(&self) -> Option<&AppliedDelivery> {
        self.deliveries.last()
    }

    /// Whether `delivery_id` was applied, now or earlier.
    pub fn has_applied(&self, delivery_id: &str) -> bool {
        self.deliveries.iter().any(|applied| applied.delivery_id == delivery_id)
    }
}

/// What a commit moved: written before it, named by its sequence, its delivery and a hash of what is moved. It is true
/// if the committed state names it; an attempt that lost or crashed may leave one that no state names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub export_id: String,
    pub period: BillingPeriod,
    pub kind: CommitKind,
    pub delivery: AppliedDelivery,
    /// The delivery that it replaced; of a rebuild the same.
    pub replaced: Option<String>,
    /// Whether the period was closed, by what was known of it, before this delivery was made: what it moves is then
    /// restated after close. Never for a rebuild, which is no word of AWS's.
    pub after_close: bool,
    /// The bill's Bedrock total per currency, before and after.
    pub totals: Vec<Moved>,
    /// What moved, by day, identity and category, sorted. Taxes are dated the first of the month and move with it.
    pub moved: Vec<Moved>,
}

impl Document for HistoryEntry {
    const FORMAT: &'static str = "history";
    const VERSION: u32 = 1;
}

impl HistoryEntry {
    /// Whether it restates a month after its close: then everything that it moves is restated.
    pub fn is_restated_after_close(&self) -> bool {
        self.after_close && !self.moved.is_empty()
    }
}

/// A total before and after a delivery, in unblended cost. Whether it is a restatement is judged when it is read, see
/// [`crate::state::restated`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moved {
    /// The usage day; none for a total over all days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<NaiveDate>,
    /// The identity; empty is nobody, none is a total over all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The category; none is a total over all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    pub currency: String,
    /// What the replaced delivery said.
    pub before: Decimal,
    /// What this one says.
    pub after: Decimal,
    /// Whether the day had settled by the data of the replaced delivery alone. It is kept for releases that took this for
    /// a restatement; what other months had said is not in it, so nothing reads it any more. Never in a rebuild.
    #[serde(default, rename = "restated", skip_serializing_if = "std::ops::Not::not")]
    pub had_settled_alone: bool,
}

/// Which export a payer's period is counted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The export that is counted.
    pub export_id: String,
}

impl Document for Claim {
    const FORMAT: &'static str = "claim";
    const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::reaction_fixtures::fact;
    use crate::state::document::{decode, encode};

    fn state() -> PeriodState {
        let of = |region, usage_type, context| {
            fact("2026-11-03", "1", &[("region", region), ("usage_type", usage_type), ("context", context)])
        };
        let facts = [
            of("eu-west-1", "EU-MP:EU_InputTokenCount-Units", "standard"),
            of("eu-west-1", "EU-MP:EU_InputTokenCount_LCtx-Units", "long"),
            // Where the region comes first, a long context may stand behind a standard one.
            of("us-east-1", "USE1-MP:USE1_cached_input_tokens_long_ctx_standard-Units", "long"),
            of("us-east-1", "USE1-MP:USE1_input_tokens_standard-Units", "standard"),
            of("us-east-1", "USE1-openai.gpt-5.6-terra-mantle-output-tokens-long-ctx-standard", "long"),
        ];
        PeriodState {
            export_id: "finops".to_owned(),
            period: "2026-11".parse().unwrap(),
            deliveries: Vec::new(),
            counts: ScanCounts::default(),
            unknown_usage_rows: 0,
            folded: Folded::default(),
            derivation: String::new(),
            facts: Columns::of_facts(&facts),
        }
    }

    /// The document of `state`, as version 1 wrote it.
    fn version_1(state: &PeriodState) -> String {
        let text = String::from_utf8(encode(state).unwrap().to_vec()).unwrap();
        let mut value: Value = serde_json::from_str(&text.replace("period-state/3", "period-state/1")).unwrap();
        value["facts"]["columns"].as_object_mut().unwrap().remove("context").unwrap();
        // The format stands first.
        let format = value.as_object_mut().unwrap().remove("format").unwrap();
        value.to_string().replacen('{', &format!("{{\"format\":{format},"), 1)
    }

    #[test]
    fn a_state_of_version_1_has_the_contexts_that_its_usage_types_say() {
        let state = state();
        let read: PeriodState = decode("k", version_1(&state).as_bytes()).unwrap();
        assert_eq!(read.facts.into_facts().unwrap(), state.facts.into_facts().unwrap());
    }

    #[test]
    fn a_reduction_of_version_1_is_read() {
        let reduction = StoredReduction {
            chunk: "c".to_owned(),
            etag: ETag("1".to_owned()),
            counts: ScanCounts { rows: 3, ..ScanCounts::default() },
            lines: Columns::default(),
        };
        let text = String::from_utf8(encode(&reduction).unwrap().to_vec()).unwrap();
        assert_eq!(
            decode::<StoredReduction>("k", text.replace("reduction/2", "reduction/1").as_bytes()).unwrap(),
            reduction
        );
    }

    #[test]
    fn a_state_of_this_version_without_contexts_is_damaged() {
        let text = version_1(&state()).replacen("period-state/1", "period-state/3", 1);
        let read: PeriodState = decode("k", text.as_bytes()).unwrap();
        let error = read.facts.into_facts().unwrap_err();
        assert_eq!(error.to_string(), "column context is missing");
    }
}
