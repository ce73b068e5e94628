//! What was alerted: `alerts/state.json`. Only what cannot be found again leaves it, see [`super::horizon`].

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::Window;

use crate::alert::crossing::{Crossing, Told};
use crate::alert::horizon::Horizon;
use crate::alert::origin::Origin;
use crate::outputs::outbox::{Outbox, OutboxState};
use crate::state::book::Book;
use crate::state::document::Document;

/// Where the state lies.
pub const STATE_KEY: &str = "alerts/state.json";

/// For how long it is remembered that a message was sent. That it is not queued again is known from its crossing; this
/// is for people, and for tests that were asked for twice.
const SENT_FOR: TimeDelta = TimeDelta::days(7);

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

impl AlertState {
    /// Forgets what is over, was told, and cannot be found again.
    pub(super) fn forget(&mut self, book: &Book, newest: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        self.horizon.advance(book, newest, now);
        let horizon = self.horizon;
        // Of an incident that machines take to be open they hear first that it is over.
        let is_open = |crossing: &Crossing| crossing.is_crossed && matches!(crossing.told, Told::By(_));
        self.crossings.retain(|_, crossing| is_open(crossing) || !horizon.has_left(crossing));
        self.outbox.forget(now - SENT_FOR);
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
