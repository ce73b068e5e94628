//! What machines are told: versioned JSON on the topic of events. Amounts are exact decimals in strings, days are
//! UTC, instants RFC 3339.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use spend_core::budget::Measurement;
use spend_core::data_status::DataStatus;
use spend_core::decimal::Decimal;
use spend_core::period::BillingPeriod;

use super::ids;
use crate::book::Book;
use crate::document::{Document, DocumentError, encode};

/// The most bytes of an event's body: SNS takes 256 KiB with the subject and the attributes.
/// Source: Amazon SNS API reference, "Publish".
const MOST_BYTES: usize = 200_000;

/// A budget that has crossed thresholds: `{"format": "alert-event/1", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// `budget`.
    pub kind: String,
    /// `firing`.
    pub status: String,
    /// The alert's id, the same as in the message for people.
    pub alert_id: String,
    /// The incident that later alerts of the same budget and month belong to.
    pub incident_key: String,
    /// When the budget was evaluated.
    pub evaluated_at: DateTime<Utc>,
    /// The budget.
    pub budget: BudgetEvent,
    /// The data that was evaluated.
    pub data: DataEvent,
}

/// Budgets that were past a threshold at their first evaluation: `{"format": "first-run-event/1", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstRunEvent {
    /// `budget`.
    pub kind: String,
    /// `firing`.
    pub status: String,
    /// The alert's id, the same as in the message for people.
    pub alert_id: String,
    /// The incident.
    pub incident_key: String,
    /// When the budgets were evaluated.
    pub evaluated_at: DateTime<Utc>,
    /// The budgets, the worst first.
    pub budgets: Vec<BudgetEvent>,
    /// How many more there are for which there was no room.
    pub omitted: usize,
    /// The data that was evaluated.
    pub data: DataEvent,
}

/// What a budget, or a member of it, spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetEvent {
    /// The budget's name.
    pub rule: String,
    /// The member, if the budget is for each of some.
    pub member: Option<String>,
    /// What the members are, as in the configuration.
    pub each: Option<String>,
    /// `page` or `notice`.
    pub severity: String,
    /// Whom to call.
    pub owner: Option<String>,
    /// What to read.
    pub runbook: Option<String>,
    /// The month.
    pub window: WindowEvent,
    /// The currency of all amounts but those in `other_currencies`.
    pub currency: String,
    /// The spend.
    pub spent: Decimal,
    /// The limit.
    pub amount: Decimal,
    /// The thresholds that this event tells of, in percent of the amount.
    pub fired: Vec<u32>,
    /// All thresholds that are reached.
    pub crossed: Vec<u32>,
    /// Who spent most.
    pub driver: Option<DriverEvent>,
    /// The most expensive day.
    pub peak: Option<PeakEvent>,
    /// Matched spend that is not part of `spent`.
    pub other_currencies: BTreeMap<String, Decimal>,
}

/// A span of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowEvent {
    /// `month`.
    pub kind: String,
    /// Its first day.
    pub start: NaiveDate,
    /// The first day after it.
    pub end: NaiveDate,
}

/// Who spent most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverEvent {
    /// The identity.
    pub identity: String,
    /// Its kind, as in facts.
    pub identity_kind: String,
    /// The principal as billed with the largest part; empty if the bill names none.
    pub principal: String,
    /// The identity's spend.
    pub spent: Decimal,
    /// Its most expensive model.
    pub model: String,
    /// Its spend on that model.
    pub model_spent: Decimal,
}

/// The most expensive day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeakEvent {
    /// The day.
    pub day: NaiveDate,
    /// Its spend.
    pub spent: Decimal,
    /// The median of the other days.
    pub others_median: Option<Decimal>,
}

/// The data behind an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataEvent {
    /// Up to when the bill speaks.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether nothing says that a delivery is complete.
    pub unverified: bool,
    /// Whether the month is closed.
    pub closed: bool,
    /// The deliveries of the month.
    pub deliveries: Vec<DeliveryEvent>,
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEvent {
    /// The export.
    pub export_id: String,
    /// The billing period.
    pub period: BillingPeriod,
    /// The delivery.
    pub delivery_id: String,
    /// When it was made.
    pub delivered_at: DateTime<Utc>,
}

impl Document for AlertEvent {
    const FORMAT: &'static str = "alert-event";
    const VERSION: u32 = 1;
}

impl Document for FirstRunEvent {
    const FORMAT: &'static str = "first-run-event";
    const VERSION: u32 = 1;
}

impl AlertEvent {
    pub(super) fn new(
        alert_id: &str,
        measured: &Measurement,
        fired: &[u32],
        data: &DataStatus,
        book: &Book,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            kind: "budget".to_owned(),
            status: "firing".to_owned(),
            alert_id: alert_id.to_owned(),
            incident_key: ids::incident_key(measured),
            evaluated_at: now,
            budget: BudgetEvent::new(measured, fired),
            data: DataEvent::new(data, book, measured.window),
        }
    }
}

impl FirstRunEvent {
    pub(super) fn new(
        alert_id: &str,
        incident_key: &str,
        window: BillingPeriod,
        told: &[(&Measurement, Vec<u32>)],
        data: &DataStatus,
        book: &Book,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            kind: "budget".to_owned(),
            status: "firing".to_owned(),
            alert_id: alert_id.to_owned(),
            incident_key: incident_key.to_owned(),
            evaluated_at: now,
            budgets: told.iter().map(|(measured, fired)| BudgetEvent::new(measured, fired)).collect(),
            omitted: 0,
            data: DataEvent::new(data, book, window),
        }
    }
}

impl FirstRunEvent {
    /// The event as the body of a message, without as many of the last budgets as is needed to make it fit.
    pub(super) fn body(mut self) -> Result<String, DocumentError> {
        loop {
            let body = body(&self)?;
            if body.len() <= MOST_BYTES || self.budgets.is_empty() {
                return Ok(body);
            }
            let kept = self.budgets.len() / 2;
            self.omitted += self.budgets.len() - kept;
            self.budgets.truncate(kept);
        }
    }
}

impl BudgetEvent {
    fn new(measured: &Measurement, fired: &[u32]) -> Self {
        let window = measured.window;
        Self {
            rule: measured.rule.clone(),
            member: measured.member.clone(),
            each: measured.each.as_ref().map(ToString::to_string),
            severity: measured.severity.to_string(),
            owner: measured.owner.clone(),
            runbook: measured.runbook.clone(),
            window: WindowEvent { kind: "month".to_owned(), start: window.first_day(), end: window.next().first_day() },
            currency: measured.currency.clone(),
            spent: measured.spent,
            amount: measured.amount,
            fired: fired.to_vec(),
            crossed: measured.crossed.clone(),
            driver: measured.driver.as_ref().map(|driver| DriverEvent {
                identity: driver.identity.clone(),
                identity_kind: driver.identity_kind.clone(),
                principal: driver.principal.clone(),
                spent: driver.spent,
                model: driver.model.clone(),
                model_spent: driver.model_spent,
            }),
            peak: measured.peak().map(|peak| PeakEvent {
                day: peak.day,
                spent: peak.spent,
                others_median: peak.others_median,
            }),
            other_currencies: measured.other_currencies.clone(),
        }
    }
}

impl DataEvent {
    pub(crate) fn new(data: &DataStatus, book: &Book, window: BillingPeriod) -> Self {
        let deliveries = book.of(window).map(|found| DeliveryEvent {
            export_id: found.export_id.clone(),
            period: found.period,
            delivery_id: found.delivery_id.clone(),
            delivered_at: found.delivered_at,
        });
        Self { as_of: data.as_of, unverified: data.unverified, closed: data.closed, deliveries: deliveries.collect() }
    }
}

/// The event as the body of a message.
pub(super) fn body<D: Document>(event: &D) -> Result<String, DocumentError> {
    // JSON is UTF-8: nothing is replaced.
    encode(event).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
