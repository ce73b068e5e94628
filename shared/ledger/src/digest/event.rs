//! A digest for machines: versioned JSON on the topic of events. Amounts are exact decimals in strings, days are UTC,
//! instants RFC 3339. All text is ASCII: what is not is escaped, so that no name can do anything to who looks at it.
//!
//! Lists are bounded: `omitted` says how many rows are left out, and totals are of all of them.
//!
//! - `from_figures`: how the event is filled from the figures of a digest.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;

use crate::outputs::data_event::DataEvent;
use crate::state::document::Document;

mod from_figures;

/// A digest: `{"format": "digest-event/1", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestEvent {
    /// `digest`.
    pub kind: String,
    /// `weekly`, `close` or `preliminary`.
    pub digest: String,
    /// The digest's id, the same as in the message for people.
    pub alert_id: String,
    /// What later digests of the same kind and month belong to.
    pub incident_key: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    pub period: BillingPeriod,
    /// `month-to-date`, `not-closed` or `closed`.
    pub extent: String,
    /// The basis of all costs but those that say otherwise: `unblended` or `net-unblended`.
    pub basis: String,
    /// The categories that are spend.
    pub count: Vec<String>,
    /// The days that are compared, the earlier ones; none if nothing can be compared.
    pub earlier: Option<SpanEvent>,
    /// And the later ones, as many.
    pub later: Option<SpanEvent>,
    /// The month before, if it has line items and has not closed.
    #[serde(default)]
    pub open_month: Option<OpenMonthEvent>,
    pub currencies: Vec<CurrencyEvent>,
    /// The budgets that are used up, or nearly; of a closed month those that were not kept. The worst first.
    pub budgets: Listed<BudgetUseEvent>,
    /// What is to be decided, the most urgent first.
    pub decisions: Listed<DecisionEvent>,
    /// What is not told of for a while.
    pub mutes: Listed<MuteEvent>,
    /// Callers that several parties probably stand behind.
    pub shared: Listed<SharedEvent>,
    /// Where the bill departs from what is agreed on tags.
    pub tag_findings: Listed<TagFindingEvent>,
    /// What is wrong with the data.
    pub warnings: WarningsEvent,
    /// The data of the period.
    pub data: DataEvent,
}

/// The beginning of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed<T> {
    /// The first rows.
    pub rows: Vec<T>,
    /// How many more there are.
    pub omitted: usize,
}

/// A span of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanEvent {
    /// Its first day.
    pub start: NaiveDate,
    /// The first day after it.
    pub end: NaiveDate,
}

/// A month that has not closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenMonthEvent {
    pub period: BillingPeriod,
    /// What counts as spend, by currency.
    pub spend: BTreeMap<String, Decimal>,
}

/// One currency. Currencies are never added together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyEvent {
    pub currency: String,
    /// What counts as spend.
    pub spend: Decimal,
    pub usage: Decimal,
    /// The part of the usage that names its caller.
    pub attributed: Decimal,
    /// Every category. Together they are the bill.
    pub categories: BTreeMap<String, Decimal>,
    /// The Bedrock part of the bill.
    pub bill: Decimal,
    /// The same, unblended: what is invoiced.
    pub unblended_bill: Decimal,
    /// The spend of days that may still change.
    pub provisional: Option<ProvisionalEvent>,
    /// What the month is heading for; none if it is over, or too early to say.
    pub forecast: Option<ForecastEvent>,
    /// The budget of all spend of the month, where there is one.
    pub budget: Option<BudgetUseEvent>,
    /// By caller, the largest first; an empty identity is what names nobody.
    pub callers: Listed<CallerEvent>,
    /// By each tag.
    pub showback: Vec<ShowbackEvent>,
    /// By model, the largest first.
    pub models: Listed<AmountEvent>,
    /// Why spend changed.
    pub change: Option<ChangeEvent>,
    /// The days after those that are compared, which the change does not tell of; none if nothing is known of any.
    #[serde(default)]
    pub left_out: Option<LeftOutEvent>,
    /// Callers that were not seen before the later days.
    pub new_callers: Listed<NewCallerEvent>,
    /// Spend that names nobody, by reason.
    pub nameless: Listed<NamelessEvent>,
    /// Callers without required tags, the largest first.
    pub untagged: Listed<UntaggedEvent>,
    /// What was restated since the last digest of this kind, in unblended cost.
    pub restated: Vec<RestatedEvent>,
}

/// The spend of days that may still change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionalEvent {
    /// From the first to after the last of them.
    pub days: SpanEvent,
    /// Their spend.
    pub spend: Decimal,
}

/// A caller's spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerEvent {
    pub identity: String,
    /// The period's spend.
    pub spend: Decimal,
    /// How it changed between the days that are compared.
    pub change: Option<Decimal>,
}

/// The spend by one tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowbackEvent {
    /// The tag as the bill names it.
    pub tag: String,
    /// By value, the largest first; empty is what has none.
    pub values: Listed<AmountEvent>,
}

/// Something with a name and its spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmountEvent {
    pub name: String,
    pub spend: Decimal,
}

/// Why spend changed: `terms` sum to `after - before`, exactly. Their names and formulas are those of
/// [`spend_core::reporting::variance`]; what is left out is zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// The earlier days' spend, as it was told.
    pub before: Decimal,
    /// The later days' spend.
    pub after: Decimal,
    pub terms: BTreeMap<String, Decimal>,
    /// The same by owner, the largest change first.
    pub owners: Listed<VarianceEvent>,
}

/// The days after those that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutEvent {
    /// From the first of them to after the last that is known.
    pub days: SpanEvent,
    /// Their spend.
    pub spend: Decimal,
    /// The callers with a day that is more than their highest one compared by a tenth of what the later days cost, the
    /// largest first.
    pub callers: Listed<LargeDayEvent>,
}

/// A caller's day that would change the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeDayEvent {
    /// The identity; empty is what names nobody.
    pub identity: String,
    pub day: NaiveDate,
    /// What was spent on it.
    pub spend: Decimal,
    /// The most that the caller spent on a day that is compared.
    pub compared: Decimal,
}

/// Why one owner's spend changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VarianceEvent {
    pub owner: String,
    /// The earlier days' spend, as it was told.
    pub before: Decimal,
    /// The later days' spend.
    pub after: Decimal,
    pub terms: BTreeMap<String, Decimal>,
}

/// A caller that was not seen before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCallerEvent {
    pub identity: String,
    /// Whom its first spend belongs to.
    pub owner: String,
    pub first_day: NaiveDate,
    /// Its spend since.
    pub spend: Decimal,
}

/// Spend that names nobody, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamelessEvent {
    /// The reason, as in facts.
    pub reason: String,
    pub spend: Decimal,
    pub accounts: Listed<AmountEvent>,
}

/// A caller without required tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntaggedEvent {
    pub identity: String,
    /// The spend that lacks one of the tags at least.
    pub spend: Decimal,
    /// The tags that are missing.
    pub tags: Vec<String>,
    /// Whom to ask.
    pub ask: String,
}

/// What was restated of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestatedEvent {
    /// The month.
    pub period: BillingPeriod,
    /// Whether it had closed.
    pub after_close: bool,
    /// By how much it moved.
    pub amount: Decimal,
    /// By day and caller, the largest first.
    pub moves: Listed<MoveEvent>,
}

/// What was restated of one caller's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveEvent {
    pub day: NaiveDate,
    /// The caller; empty for nobody.
    pub identity: String,
    /// By how much it moved.
    pub amount: Decimal,
}

/// A budget that is used up, or nearly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetUseEvent {
    /// The budget's name.
    pub rule: String,
    /// The member, if the budget is for each of some.
    pub member: Option<String>,
    /// Whom to call.
    pub owner: Option<String>,
    pub currency: String,
    /// The spend.
    pub spent: Decimal,
    /// The limit.
    pub amount: Decimal,
    /// What it is heading for, where that is foretold.
    pub expected: Option<Decimal>,
}

/// What a month is heading for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastEvent {
    /// The most likely total.
    pub expected: Decimal,
    /// Four of five totals lie at this or above and at `high` or below.
    pub low: Decimal,
    /// See `low`.
    pub high: Decimal,
    /// From how many settled days that is known.
    pub settled_days: usize,
}

/// What is not told of for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteEvent {
    pub rule: String,
    /// Which of its members, as in the configuration.
    pub member: String,
    /// The first day on which messages are sent again.
    pub until: NaiveDate,
    /// Why.
    pub reason: String,
}

/// Something to decide or to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionEvent {
    /// `post-difference`, `accrue`, `budget-over`, `budget-heading`, `name-callers`, `assign-unattributed`,
    /// `ask-for-tags`, `own-shared`, `mend-tags` or `check-delivery`.
    pub decision: String,
    /// The month that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<BillingPeriod>,
    /// What it is about: a budget, with its member behind a colon, or an export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The currency of the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The money that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// How many callers or findings it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
}

/// A caller that several parties probably stand behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedEvent {
    pub identity: String,
    /// Its spend, by currency.
    pub spend: BTreeMap<String, Decimal>,
    /// Why it is taken for that, in words.
    pub signs: Vec<String>,
    /// What to do.
    pub cure: String,
}

/// Where the bill departs from what is agreed on tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagFindingEvent {
    /// Its stable name.
    pub finding: String,
    pub tag: String,
    /// The values that it is about, or the other keys.
    pub values: Vec<String>,
    /// What to do.
    pub cure: String,
}

/// What readers must know of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningsEvent {
    /// Exports that were made without the caller's identity.
    pub exports_without_principals: Vec<String>,
    /// Line items whose usage type belongs to no known family.
    pub unknown_usage_rows: u64,
    /// Line items without a cost.
    pub rows_without_cost: u64,
    /// Line items that are taken for Bedrock's only because they name a caller.
    pub rows_by_principal_alone: u64,
    /// Deliveries of which it is not known any more what they restated.
    pub lost_history: u64,
}

impl Document for DigestEvent {
    const FORMAT: &'static str = "digest-event";
    const VERSION: u32 = 1;
}
