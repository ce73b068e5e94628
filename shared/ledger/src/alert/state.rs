//! What was alerted: `alerts/state.json`. Only what cannot be found again leaves it, see [`super::horizon`].

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::{Window, WindowKind};
use spend_core::money::decimal::Decimal;
use spend_core::rules::rule::{Kind, Severity};

use super::horizon::Horizon;
use super::origin::Origin;
use crate::outputs::outbox::{Outbox, OutboxState};
use crate::state::document::Document;

/// Where the state lies.
pub const STATE_KEY: &str = "alerts/state.json";

/// What was alerted and what is to be sent. How it is stored is in [`super::stored`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlertState {
    /// Every rule of the last evaluation, by name. What is taken out of a configuration is new when it comes back.
    pub(super) rules: BTreeMap<String, RuleState>,
    /// Every crossing that was found and may be found again, by rule, member, currency, window, kind, level and amount.
    pub(super) crossings: BTreeMap<String, Crossing>,
    /// How many messages told of several findings.
    pub(super) summaries: u32,
    /// What was forgotten.
    pub(super) horizon: Horizon,
    /// What all of it was planned from.
    pub(super) origin: Origin,
    /// The messages.
    pub(super) outbox: Outbox,
}

/// When a rule, and what it asks for, came into being.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RuleState {
    /// The time of its first evaluation as it is: about the same spend of the same members.
    pub(super) first_seen: DateTime<Utc>,
    /// Whether the windows that were open then were evaluated: the backfill of older months comes before them, and
    /// `[alerts] first_run` is about the first time that they have numbers.
    pub(super) first_window_seen: bool,
    /// The last day on which it matched somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) matched: Option<NaiveDate>,
    /// What it is about, as a hash.
    #[serde(default)]
    pub(super) definition: String,
    /// When each of its levels was first asked for. Windows that had ended by then are never told of.
    #[serde(default)]
    pub(super) levels: BTreeMap<String, DateTime<Utc>>,
}

/// A level that was crossed. It stays recorded when the spend falls below it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Crossing {
    pub(super) rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) member: Option<String>,
    pub(super) currency: String,
    /// What kind of message tells of it.
    pub(super) kind: Kind,
    /// The window, or the first day of the episode.
    pub(super) window: Window,
    /// What was crossed.
    pub(super) level: String,
    /// The amount that belongs to it.
    pub(super) amount: Decimal,
    /// When it was found crossed for the last time.
    pub(super) at: DateTime<Utc>,
    /// How often it was crossed.
    pub(super) count: u32,
    /// The last day that it rests on: only once that has settled it can be known to be crossed no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) through: Option<NaiveDate>,
    /// Whether it is crossed, as far as is known; if not, it is armed again.
    pub(super) is_crossed: bool,
    /// Who was told.
    pub(super) told: Told,
    /// What was spent when it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) spent: Option<Decimal>,
    /// Of a delta by how much that was more than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rise: Option<Decimal>,
    /// How urgent it was when it was found.
    pub(super) severity: Severity,
    /// Whom to call, as it was when it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
}

/// Who was told of a crossing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Told {
    /// Nobody, and nobody will be: it was there when the rule was first seen, or is past because an amount was raised.
    Nobody,
    /// Nobody: it is muted. It is told when the mute ends, unless what it is about ended under the mute.
    Muted,
    /// Everybody, by the message with this id.
    By(String),
    /// Everybody, and machines were told that the window is over.
    Over(String),
}

impl Crossing {
    /// Whether people and machines were told of it.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.told, Told::By(_) | Told::Over(_))
    }

    /// The last day that it is about.
    pub(super) fn last_day(&self) -> NaiveDate {
        match self.window.kind() {
            WindowKind::Day => self.through.unwrap_or_else(|| self.window.last_day()),
            WindowKind::Month | WindowKind::Week => self.window.last_day(),
        }
    }
}

impl RuleState {
    pub(super) fn first_seen(now: DateTime<Utc>) -> Self {
        Self {
            first_seen: now,
            first_window_seen: false,
            matched: None,
            definition: String::new(),
            levels: BTreeMap::new(),
        }
    }

    /// The month of the first evaluation.
    pub(super) fn first_month(&self) -> BillingPeriod {
        BillingPeriod::of(self.first_seen.date_naive())
    }

    /// Whether a window was open at the first evaluation.
    pub(super) fn was_open(&self, window: Window) -> bool {
        window.first_day().and_time(NaiveTime::MIN).and_utc() <= self.first_seen && self.first_seen < window.end()
    }
}

impl Document for AlertState {
    const FORMAT: &'static str = "alert-state";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
    const IS_INDENTED: bool = false;
}

impl OutboxState for AlertState {
    const KEY: &'static str = STATE_KEY;

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}
