//! What the files of a chargeback rest on: `chargeback/1`, for people and programs that post them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;

use crate::state::book::BookPeriod;
use crate::state::document::Document;

/// What the files of a month rest on: `{"format": "chargeback/1", …}`. Amounts are exact decimals in strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub period: BillingPeriod,
    /// The state of the ledger that all files are of: the last column of each.
    pub state: String,
    /// `month-to-date`, `not-closed` (preliminary: AWS still changes it) or `closed`.
    pub extent: String,
    /// The basis of all costs: `unblended` or `net-unblended`.
    pub basis: String,
    /// The deliveries, one of each export.
    pub deliveries: Vec<DeliveryAbout>,
    /// What `chargeback.csv` comes to, by currency.
    pub totals: Vec<TotalAbout>,
    /// The metering files, in the order in which they were read.
    pub metering: Vec<MeteringAbout>,
    /// The other files.
    pub files: Vec<FileAbout>,
    /// What splits did, and instead of what; what is odd about metering records; what else must be known. A line each.
    pub notes: Vec<String>,
}

impl Document for About {
    const FORMAT: &'static str = "chargeback";
    const VERSION: u32 = 1;
}

/// A delivery that files rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAbout {
    pub export_id: String,
    pub delivery_id: String,
    /// How often its facts were derived again.
    pub revision: u64,
    /// When it was made.
    pub delivered_at: DateTime<Utc>,
    /// Up to when its usage rows reach.
    pub data_as_of: Option<DateTime<Utc>>,
    /// Whether nothing says that it is complete.
    pub unverified: bool,
}

impl DeliveryAbout {
    pub(super) fn of(found: &BookPeriod) -> Self {
        Self {
            export_id: found.export_id.clone(),
            delivery_id: found.delivery_id.clone(),
            revision: found.revision,
            delivered_at: found.delivered_at,
            data_as_of: found.data_as_of,
            unverified: found.unverified,
        }
    }
}

/// What a chargeback comes to in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalAbout {
    pub currency: String,
    pub billed: Decimal,
    /// What is charged: the same.
    pub charged: Decimal,
    /// What is to be posted, in cents.
    pub invoices: Decimal,
}

/// A metering file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeteringAbout {
    pub file: String,
    /// How many of its records are of the month: none if it cannot be used.
    pub records: usize,
    /// Why it cannot be used; nothing if it can.
    pub problems: Vec<String>,
}

/// One of the other files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAbout {
    /// Its name, beside this one.
    pub name: String,
    /// How many rows it has, the header apart.
    pub rows: usize,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}
