//! What was alerted: `alerts/state.json`. Nothing in it is ever deleted.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::period::BillingPeriod;

use crate::document::Document;
use crate::outbox::{Outbox, OutboxState};

/// Where the state lies.
pub const STATE_KEY: &str = "alerts/state.json";

/// What was alerted and what is to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AlertState {
    /// Every rule that was ever evaluated, by name.
    pub(super) rules: BTreeMap<String, RuleState>,
    /// Every crossing that was ever found, by rule, member, currency, window, kind, threshold and amount.
    pub(super) crossings: BTreeMap<String, Crossing>,
    /// How many messages told of a first evaluation.
    pub(super) summaries: u32,
    /// The messages.
    pub(super) outbox: Outbox,
}

/// When a rule came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RuleState {
    /// The time of its first evaluation. Months that had ended by then are never told of.
    pub(super) first_seen: DateTime<Utc>,
    /// Whether the month of its first evaluation was evaluated: the backfill of older months comes before it, and
    /// `[alerts] first_run` is about the first time that it has numbers.
    pub(super) first_window_seen: bool,
}

/// A threshold that was crossed. It stays recorded when the spend falls below it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Crossing {
    /// When it was found.
    pub(super) at: DateTime<Utc>,
    /// How often it was crossed.
    pub(super) count: u32,
    /// The alert that tells of it; nothing tells of what was past when the rule was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) alert_id: Option<String>,
}

impl RuleState {
    pub(super) fn first_seen(now: DateTime<Utc>) -> Self {
        Self { first_seen: now, first_window_seen: false }
    }

    /// The month of the first evaluation.
    pub(super) fn first_window(&self) -> BillingPeriod {
        BillingPeriod::of(self.first_seen.date_naive())
    }
}

impl Document for AlertState {
    const FORMAT: &'static str = "alert-state";
    const VERSION: u32 = 1;
}

impl OutboxState for AlertState {
    const KEY: &'static str = STATE_KEY;

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}
