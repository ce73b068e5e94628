//! A commit of a billing period: which delivery was applied, when it was made, and how deliveries are ordered.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests;
