//! The data behind an event, as machines are told of it with alerts and digests.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::data_status::DataStatus;
use spend_core::calendar::period::BillingPeriod;
use spend_core::calendar::window::Window;

use crate::state::book::Book;

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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEvent {
    pub export_id: String,
    pub period: BillingPeriod,
    pub delivery_id: String,
    /// When it was made.
    pub delivered_at: DateTime<Utc>,
}

impl DataEvent {
    pub(crate) fn new(data: &DataStatus, book: &Book, window: Window) -> Self {
        let deliveries = window.periods().flat_map(|period| book.of(period)).map(|found| DeliveryEvent {
            export_id: found.export_id.clone(),
            period: found.period,
            delivery_id: found.delivery_id.clone(),
            delivered_at: found.delivered_at,
        });
        Self { as_of: data.as_of, unverified: data.unverified, closed: data.closed, deliveries: deliveries.collect() }
    }
}
