//! What a commit moved, as it is stored.

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;

use crate::state::commit::{AppliedDelivery, CommitKind};
use crate::state::committed::CommittedError;
use crate::state::document::{Document, decode_as};
use crate::state::keys::Statement;
use crate::store::Store;

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
    const VERSION: u32 = 2;
    // Version 1 was not compressed, and said of each row whether its day had settled by one month's data alone.
    const READS_FROM: u32 = 1;
}

/// What a commit of `statement` moved; none if its entry is gone.
pub async fn of<S: Store>(
    store: &S,
    statement: &Statement,
    commit: &AppliedDelivery,
) -> Result<Option<HistoryEntry>, CommittedError> {
    for key in [statement.history_key(commit), statement.earlier_history_key(commit)] {
        if let Some((bytes, _)) = store.get(&key).await? {
            let entry: HistoryEntry = decode_as(&key, &bytes)?;
            // Of attempts that differ in their time alone, the committed one has the last word.
            return Ok(Some(HistoryEntry { delivery: commit.clone(), ..entry }));
        }
    }
    Ok(None)
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
}
