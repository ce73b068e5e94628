//! The types of a page: what it shows.

use chrono::{DateTime, NaiveDate, Utc};

use crate::digest::figures::{CurrencyFigures, Figures};
use crate::facts::restated::Restated;
use crate::money::decimal::Decimal;
use crate::reporting::report::Row;
use crate::reporting::unit_cost::CacheUse;

/// What a page is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct PageFigures {
    /// What a digest of the month would tell.
    pub figures: Figures,
    /// What pictures need beside it, by currency: as many, and in the same order.
    pub currencies: Vec<Pictures>,
    /// The commits of the month, by export, the newest first.
    pub deliveries: Vec<Delivery>,
}

/// What the pictures of one currency are drawn from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// The owners that have a colour, the largest first, with their spend; the last one may be all others together.
    pub owners: Vec<(String, Decimal)>,
    /// The spend of the month's deliveries by usage day, in order. Together they are the spend.
    pub days: Vec<OwnerDay>,
    /// The days of the month up to the last with spend, whichever delivery tells of them: what budgets are about.
    pub course: Vec<CourseDay>,
    /// The days of the trends, in order.
    pub trend_days: Vec<TrendDay>,
    /// The callers with the most spend.
    pub trends: Vec<Trend>,
    /// The spend by model and kind of token, the largest first.
    pub mix: Vec<Row>,
    /// The spend by kind of token, the largest first.
    pub kinds: Vec<Row>,
    /// What the prompt cache does, by model.
    pub cache: Vec<CacheUse>,
}

/// A usage day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerDay {
    pub day: NaiveDate,
    /// Whether it may still change.
    pub is_provisional: bool,
    pub spend: Decimal,
    /// By owner, in the order of [`Pictures::owners`].
    pub by_owner: Vec<Decimal>,
}

/// A day of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CourseDay {
    pub day: NaiveDate,
    /// Whether it may still change.
    pub is_provisional: bool,
    pub spend: Decimal,
    /// The spend from the first day of the month up to and with it.
    pub to_date: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrendDay {
    pub day: NaiveDate,
    /// Whether it may still change.
    pub is_provisional: bool,
}

/// A caller's spend, day by day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trend {
    pub identity: String,
    /// The spend of each of [`Pictures::trend_days`].
    pub days: Vec<Decimal>,
}

/// A commit of the month: a delivery, or one derived again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub export_id: String,
    pub delivery_id: String,
    /// When it was made.
    pub delivered_at: DateTime<Utc>,
    /// When it was committed.
    pub applied_at: DateTime<Utc>,
    /// Up to when it speaks.
    pub data_as_of: Option<DateTime<Utc>>,
    /// Whether nothing says that it is complete.
    pub is_unverified: bool,
    /// Whether it is derived again, and no word of AWS's.
    pub is_rebuild: bool,
    /// Whether it is the one in force.
    pub is_in_force: bool,
    /// What it changed; none if that is not known any more.
    pub moved: Option<DeliveryMoves>,
}

/// What a commit changed, in unblended cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryMoves {
    /// Whether the month had closed before.
    pub is_after_close: bool,
    /// The Bedrock part of the bill by currency, before and after.
    pub totals: Vec<(String, Decimal, Decimal)>,
    pub restated: Vec<Restated>,
}

impl PageFigures {
    pub(crate) fn each(&self) -> impl Iterator<Item = (&CurrencyFigures, &Pictures)> {
        self.figures.currencies.iter().zip(&self.currencies)
    }
}
