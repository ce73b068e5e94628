//! What machines are told: versioned JSON on the topic of events. Amounts are exact decimals in strings, days are
//! UTC, instants RFC 3339. `docs/events.md` describes it for those who read it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::window::Window;
use spend_core::forecast::Outlook;
use spend_core::money::decimal::Decimal;
use spend_core::rules::finding::{Detail, Measurement};

use crate::outputs::data_event::DataEvent;
use crate::state::document::{Document, DocumentError, encode};

/// The most characters of a text that comes from a bill or a configuration. Tags and names have at most 256 characters.
/// Source: IAM user guide, "IAM and AWS STS quotas".
const LONGEST_TEXT: usize = 1024;

/// How many roles of a person are listed.
const MOST_ROLES: usize = 10;

/// An alert, or its end: `{"format": "alert-event/2", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// `budget`, `forecast`, `delta`, `anomaly` or `hygiene`.
    pub kind: String,
    /// `firing`: something is crossed; `updated`: not all of it any more; `resolved`: none of it any more.
    pub status: String,
    /// Why it is `updated` or `resolved`: `restated`, `receded`, `changed` or `over`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The alert's id, the same as in the message for people, and the same when it ends as when it began.
    pub alert_id: String,
    /// The incident that later alerts of the same rule, member and window belong to.
    pub incident_key: String,
    /// When the rule was evaluated.
    pub evaluated_at: DateTime<Utc>,
    /// What was found.
    pub finding: FindingEvent,
    /// The data that was evaluated.
    pub data: DataEvent,
}

/// Several findings of one owner in one message: `{"format": "alert-summary-event/2", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryEvent {
    /// The kind of the worst finding.
    pub kind: String,
    /// `firing`.
    pub status: String,
    /// Why they are told together: `first-run` or `too-many`.
    pub reason: String,
    /// The summary's id, the same as in the message for people.
    pub alert_id: String,
    /// The summary's own; each finding has one too, by which it will be resolved.
    pub incident_key: String,
    /// When the rules were evaluated.
    pub evaluated_at: DateTime<Utc>,
    /// The findings, the worst first.
    pub alerts: Vec<SummarisedEvent>,
    /// The data that was evaluated.
    pub data: DataEvent,
}

/// One finding of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummarisedEvent {
    pub kind: String,
    /// The id that it will be resolved by.
    pub alert_id: String,
    pub incident_key: String,
    /// What was found.
    pub finding: FindingEvent,
}

/// That somebody wants to see an event arrive: `{"format": "test-event/1", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestEvent {
    /// `test`.
    pub kind: String,
    /// `firing`.
    pub status: String,
    /// The test's id, the same as in the message for people.
    pub alert_id: String,
    /// The same: a test is no incident.
    pub incident_key: String,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
}

/// What was found of one member of a rule in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingEvent {
    /// The rule's name.
    pub rule: String,
    /// The member, if the rule is for each of some.
    pub member: Option<String>,
    /// What the members are, as in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// `page` or `notice`.
    pub severity: String,
    /// Whom to call.
    pub owner: Option<String>,
    /// What to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The window; of what is told of days it begins with the first of them.
    pub window: WindowEvent,
    /// The day that is told of, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<NaiveDate>,
    /// The currency of all amounts but those in `other_currencies`.
    pub currency: String,
    /// The spend; none if it is not known any more.
    pub spent: Option<Decimal>,
    /// What it is compared with: a budget's limit, or the least amount of the rule.
    pub amount: Decimal,
    /// The levels that this event tells of, lowest first: percents, or `new`, `spike`, `runaway`.
    pub fired: Vec<String>,
    /// All levels that are crossed.
    pub crossed: Vec<String>,
    /// What else there is to say, by the kind of the rule.
    #[serde(default, skip_serializing_if = "DetailEvent::is_empty")]
    pub detail: DetailEvent,
    /// Who spent most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<DriverEvent>,
    /// The most expensive day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<PeakEvent>,
    /// Matched spend that is not part of `spent`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_currencies: BTreeMap<String, Decimal>,
}

/// What only some kinds of rules say. What does not apply is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailEvent {
    /// Of budgets and forecasts: what the window will come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Decimal>,
    /// Four of five times it comes to this or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_low: Option<Decimal>,
    /// And to this or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_high: Option<Decimal>,
    /// Of deltas: `weekday`, `trailing` or `month`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Of deltas: the spend of that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Decimal>,
    /// Of anomalies: what such a day usually has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Decimal>,
    /// Of anomalies: above what a day is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Decimal>,
    /// Of hygiene: `tag:NAME` or `principal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lack: Option<String>,
    /// Of hygiene: all spend, with and without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Decimal>,
}

/// A span of days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowEvent {
    /// `month`, `week` or `day`.
    pub kind: String,
    /// Its first day.
    pub start: NaiveDate,
    /// The first day after it.
    pub end: NaiveDate,
}

/// Who spent most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverEvent {
    pub identity: String,
    /// Its kind, as in facts.
    pub identity_kind: String,
    /// The principal as billed with the largest part; empty if the bill names none.
    pub principal: String,
    /// Of a person, the roles that the spend came through, as `NAME@ACCOUNT`: the ten with most of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The identity's spend.
    pub spent: Decimal,
    /// Its most expensive model.
    pub model: String,
    /// Its spend on that model.
    pub model_spent: Decimal,
    /// What most of that was counted for: `input`, `output`, …
    pub token: String,
    /// The account where that happened.
    pub account: String,
    /// The region where that happened.
    pub region: String,
    /// Since when it spends more than it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rise: Option<RiseEvent>,
}

/// A stretch of days on which an identity spent more than usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiseEvent {
    /// The first of these days.
    pub since: NaiveDate,
    /// The last of them.
    pub until: NaiveDate,
    /// What they have beyond as many usual days.
    pub by: Decimal,
    /// What a usual day has.
    pub usual: Decimal,
}

/// The most expensive day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeakEvent {
    pub day: NaiveDate,
    /// Its spend.
    pub spent: Decimal,
    /// The median of the other days.
    pub others_median: Option<Decimal>,
}

impl Document for AlertEvent {
    const FORMAT: &'static str = "alert-event";
    const VERSION: u32 = 2;
    // Version 1 had no roles of a driver.
    const READS_FROM: u32 = 1;
}

impl Document for SummaryEvent {
    const FORMAT: &'static str = "alert-summary-event";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}

impl Document for TestEvent {
    const FORMAT: &'static str = "test-event";
    const VERSION: u32 = 1;
}

/// A text exactly as it is, but for one that would make a message too large. JSON spells out what cannot be seen.
pub(super) fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

impl FindingEvent {
    pub(super) fn new(measured: &Measurement, window: Window, fired: &[String]) -> Self {
        let optional = |text: &Option<String>| text.as_deref().map(bounded);
        Self {
            rule: measured.rule.clone(),
            member: optional(&measured.member),
            each: measured.each.as_ref().map(|each| bounded(&each.to_string())),
            severity: measured.severity.to_string(),
            owner: optional(&measured.owner),
            runbook: measured.runbook.clone(),
            window: WindowEvent::new(window),
            day: measured.day,
            currency: bounded(&measured.currency),
            spent: Some(measured.spent),
            amount: measured.amount,
            fired: fired.to_vec(),
            crossed: measured.crossed().map(|level| level.name.clone()).collect(),
            detail: DetailEvent::new(&measured.detail),
            driver: measured.driver.as_ref().map(|driver| DriverEvent {
                identity: bounded(&driver.identity),
                identity_kind: driver.identity_kind.as_str().to_owned(),
                principal: bounded(&driver.principal),
                roles: driver.roles.iter().take(MOST_ROLES).map(bounded).collect(),
                spent: driver.spent,
                model: bounded(&driver.model),
                model_spent: driver.model_spent,
                token: bounded(&driver.token),
                account: bounded(&driver.account),
                region: bounded(&driver.region),
                rise: driver.rise.map(|rise| RiseEvent {
                    since: rise.since,
                    until: rise.until,
                    by: rise.by,
                    usual: rise.usual,
                }),
            }),
            peak: measured.peak().map(|peak| PeakEvent {
                day: peak.day,
                spent: peak.spent,
                others_median: peak.others_median,
            }),
            other_currencies: measured.other_currencies.iter().map(|(code, sum)| (bounded(code), *sum)).collect(),
        }
    }
}

impl DetailEvent {
    fn new(detail: &Detail) -> Self {
        match detail {
            Detail::Budget(Some(Outlook::Forecast(forecast))) | Detail::Forecast(Outlook::Forecast(forecast)) => Self {
                expected: Some(forecast.expected),
                expected_low: Some(forecast.low),
                expected_high: Some(forecast.high),
                ..Self::default()
            },
            Detail::Budget(_) | Detail::Forecast(_) => Self::default(),
            Detail::Delta { against, before, .. } => {
                Self { against: Some(against.to_string()), before: Some(*before), ..Self::default() }
            }
            Detail::Anomaly { usual, limit, .. } => {
                Self { usual: Some(*usual), limit: Some(*limit), ..Self::default() }
            }
            Detail::Hygiene { lack, whole, .. } => {
                Self { lack: Some(bounded(&lack.key())), whole: Some(*whole), ..Self::default() }
            }
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl WindowEvent {
    pub(super) fn new(window: Window) -> Self {
        let end = window.end().date_naive();
        Self { kind: window.kind().to_string(), start: window.first_day(), end }
    }
}

/// The event as the body of a message.
pub(super) fn body<D: Document>(event: &D) -> Result<String, DocumentError> {
    // JSON is UTF-8: nothing is replaced.
    encode(event).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
