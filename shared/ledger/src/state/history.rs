//! What a commit moved, as it is stored.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;

use crate::state::commit::{AppliedDelivery, CommitKind};
use crate::state::document::Document;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reaction_fixtures::applied;

    #[test]
    fn a_closed_month_is_restated_by_a_delivery_that_moves_something() {
        let moved = Moved {
            day: None,
            identity: None,
            category: None,
            currency: "USD".to_owned(),
            before: Decimal::ZERO,
            after: Decimal::ONE,
            had_settled_alone: false,
        };
        let entry = |after_close, moved: &[Moved]| HistoryEntry {
            export_id: "cur".to_owned(),
            period: "2026-11".parse().unwrap(),
            kind: CommitKind::Delivery,
            delivery: applied("one", "2026-12-30T00:00:00Z"),
            replaced: None,
            after_close,
            totals: Vec::new(),
            moved: moved.to_vec(),
        };
        let moved = [moved];
        assert!(entry(true, &moved).is_restated_after_close());
        assert!(!entry(true, &[]).is_restated_after_close());
        assert!(!entry(false, &moved).is_restated_after_close() && !entry(false, &[]).is_restated_after_close());
    }
}
