//! The numbers of a page as JSON, `page/2`: exact decimals as strings, days are UTC, instants RFC 3339. Lists are whole,
//! where the page shows the beginning. Strings are as billed: who shows them must escape them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use spend_core::money::decimal::Decimal;
use spend_core::page::figures::{Delivery, PageFigures, Pictures};
use spend_core::reporting::report::Row;

use crate::digest::event::DigestEvent;
use crate::state::book::Book;
use crate::state::document::Document;

/// The numbers of a page: `{"format": "page/2", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageNumbers {
    /// What a digest of the month would tell machines (`digest-event/1`), nothing omitted: totals, budgets, forecast,
    /// callers, changes and their terms, spend without a name or a tag, shared callers, categories. Its `alert_id` and
    /// `incident_key` are `page:PERIOD`.
    pub figures: DigestEvent,
    /// What pictures are drawn from beside it, by currency, in the order of `figures.currencies`.
    pub pictures: Vec<PictureNumbers>,
    /// The commits of the month, the newest first.
    pub commits: Vec<CommitNumbers>,
}

/// What the pictures of one currency are drawn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureNumbers {
    pub currency: String,
    /// The owners that have a colour, the largest first; beyond seven the last one is all others together.
    pub owners: Vec<OwnerNumbers>,
    /// The spend of the month's deliveries by usage day. Together they are the month's spend.
    pub daily: Vec<DailyNumbers>,
    /// The days of the month up to the last with spend, whichever delivery tells of them.
    pub course: Vec<CourseNumbers>,
    /// The days of the trends, in order.
    pub trend_days: Vec<NaiveDate>,
    /// The callers with the most spend, by those days.
    pub trends: Vec<TrendNumbers>,
    /// By model, the largest first: an empty model is what has none.
    pub models: Vec<ModelNumbers>,
    /// By model and kind of token.
    pub mix: Vec<ModelNumbers>,
    /// By kind of token.
    pub kinds: Vec<ModelNumbers>,
}

/// An owner with a colour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerNumbers {
    /// The owner; empty for nobody.
    pub owner: String,
    pub spend: Decimal,
}

/// The spend of a usage day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyNumbers {
    pub day: NaiveDate,
    /// Whether it may still change.
    pub provisional: bool,
    pub spend: Decimal,
    /// By owner, in the order of the owners.
    pub by_owner: Vec<Decimal>,
}

/// A day of the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseNumbers {
    pub day: NaiveDate,
    /// Whether it may still change.
    pub provisional: bool,
    pub spend: Decimal,
    /// The spend since the first of the month.
    pub to_date: Decimal,
}

/// A caller's spend by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendNumbers {
    pub identity: String,
    /// The spend of each of the days.
    pub days: Vec<Decimal>,
}

/// What a model, a kind of token, or both cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelNumbers {
    /// The model, where it is told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The kind of token, where it is told apart; empty where nothing is counted in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether prompts were longer than the model's usual limit, where that is told apart: `standard` or `long`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    pub spend: Decimal,
    /// How many tokens of it were counted.
    pub tokens: Option<Decimal>,
    /// What a million of them cost, to nine places.
    pub per_million: Option<Decimal>,
    /// Which part of the prompt came from the cache, in percent; of models alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_hit_percent: Option<Decimal>,
    /// An estimate of what the cache saved; of models alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_saving: Option<Decimal>,
}

/// A commit of the month.
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the format, and none excludes another")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitNumbers {
    pub export_id: String,
    pub delivery_id: String,
    /// When it was made.
    pub delivered_at: DateTime<Utc>,
    /// Up to when it speaks.
    pub data_as_of: Option<DateTime<Utc>>,
    /// Whether nothing says that it is complete.
    pub unverified: bool,
    /// Whether it is derived again, and no word of AWS's.
    pub rebuild: bool,
    /// Whether it is the one in force.
    pub in_force: bool,
    /// Whether the month had closed before.
    pub after_close: bool,
    /// The Bedrock part of the bill by currency, unblended; none if that is not known any more.
    pub totals: Option<BTreeMap<String, TotalNumbers>>,
    /// What it restated, unblended.
    pub restated: Vec<RestatedNumbers>,
}

/// A total before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalNumbers {
    pub before: Decimal,
    pub after: Decimal,
}

/// What was restated of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestatedNumbers {
    /// The usage day.
    pub day: NaiveDate,
    /// The caller; empty for nobody.
    pub identity: String,
    /// The category of the money.
    pub category: String,
    pub currency: String,
    pub before: Decimal,
    pub after: Decimal,
}

impl Document for PageNumbers {
    const FORMAT: &'static str = "page";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}

impl PageNumbers {
    pub(super) fn of(page: &PageFigures, book: &Book) -> Self {
        let id = format!("page:{}", page.figures.period);
        let pictures = page.figures.currencies.iter().zip(&page.currencies);
        Self {
            figures: DigestEvent::new(&id, &id, &page.figures, book, usize::MAX),
            pictures: pictures
                .map(|(found, pictures)| PictureNumbers::of(&found.totals.currency, &found.models, pictures))
                .collect(),
            commits: page.deliveries.iter().map(CommitNumbers::of).collect(),
        }
    }
}

impl PictureNumbers {
    fn of(currency: &str, models: &[Row], pictures: &Pictures) -> Self {
        let owner = |(owner, spend): &(String, Decimal)| OwnerNumbers { owner: owner.clone(), spend: *spend };
        let model = |row: &Row| {
            let numbers = ModelNumbers::of(row, &[Named::Model]);
            let cache = pictures.cache.iter().find(|cache| Some(&cache.model) == numbers.model.as_ref());
            ModelNumbers {
                cache_hit_percent: cache.and_then(spend_core::reporting::unit_cost::CacheUse::hit_percent),
                cache_saving: cache.and_then(|cache| cache.saving),
                ..numbers
            }
        };
        Self {
            currency: currency.to_owned(),
            owners: pictures.owners.iter().map(owner).collect(),
            daily: pictures
                .days
                .iter()
                .map(|of_day| DailyNumbers {
                    day: of_day.day,
                    provisional: of_day.is_provisional,
                    spend: of_day.spend,
                    by_owner: of_day.by_owner.clone(),
                })
                .collect(),
            course: pictures
                .course
                .iter()
                .map(|of_day| CourseNumbers {
                    day: of_day.day,
                    provisional: of_day.is_provisional,
                    spend: of_day.spend,
                    to_date: of_day.to_date,
                })
                .collect(),
            trend_days: pictures.trend_days.iter().map(|on| on.day).collect(),
            trends: pictures
                .trends
                .iter()
                .map(|trend| TrendNumbers { identity: trend.identity.clone(), days: trend.days.clone() })
                .collect(),
            models: models.iter().map(model).collect(),
            mix: pictures
                .mix
                .iter()
                .map(|row| ModelNumbers::of(row, &[Named::Model, Named::Token, Named::Context]))
                .collect(),
            kinds: pictures.kinds.iter().map(|row| ModelNumbers::of(row, &[Named::Token])).collect(),
        }
    }
}

/// What the keys of a row are.
#[derive(PartialEq)]
enum Named {
    Model,
    Token,
    Context,
}

impl ModelNumbers {
    fn of(row: &Row, keys: &[Named]) -> Self {
        let key = |named: &Named| keys.iter().position(|key| key == named).and_then(|at| row.keys.get(at)).cloned();
        Self {
            model: key(&Named::Model),
            token: key(&Named::Token),
            context: key(&Named::Context),
            spend: row.cost,
            tokens: row.units.tokens,
            per_million: row.units.per_million(),
            cache_hit_percent: None,
            cache_saving: None,
        }
    }
}

impl CommitNumbers {
    fn of(delivery: &Delivery) -> Self {
        let moved = delivery.moved.as_ref();
        let totals = moved.map(|moved| {
            let totals = moved.totals.iter();
            totals
                .map(|(currency, before, after)| (currency.clone(), TotalNumbers { before: *before, after: *after }))
                .collect()
        });
        let restated = moved.into_iter().flat_map(|moved| &moved.restated).map(|of_day| RestatedNumbers {
            day: of_day.day,
            identity: of_day.identity.clone(),
            category: of_day.category.as_str().to_owned(),
            currency: of_day.currency.clone(),
            before: of_day.before,
            after: of_day.after,
        });
        Self {
            export_id: delivery.export_id.clone(),
            delivery_id: delivery.delivery_id.clone(),
            delivered_at: delivery.delivered_at,
            data_as_of: delivery.data_as_of,
            unverified: delivery.is_unverified,
            rebuild: delivery.is_rebuild,
            in_force: delivery.is_in_force,
            after_close: moved.is_some_and(|moved| moved.is_after_close),
            totals,
            restated: restated.collect(),
        }
    }
}
