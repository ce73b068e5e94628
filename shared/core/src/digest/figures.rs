//! The numbers of a digest.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::allocation::shared_role::SharedRole;
use crate::allocation::tag_contract::TagFinding;
use crate::calendar::data_status::DataStatus;
use crate::calendar::period::BillingPeriod;
use crate::digest::callers::{Caller, Nameless, NewCaller, Untagged};
use crate::digest::decision::Decision;
use crate::digest::extent::{DigestKind, Extent};
use crate::digest::left_out::LeftOut;
use crate::digest::restated::RestatedPeriod;
use crate::digest::totals::Totals;
use crate::facts::folding::Folded;
use crate::facts::net_cost::StandIn;
use crate::facts::people::PeopleRole;
use crate::facts::spend::CostPolicy;
use crate::forecast::Outlook;
use crate::money::decimal::Decimal;
use crate::reporting::report::Row;
use crate::reporting::variance::Variance;
use crate::reporting::variance::windows::Windows;
use crate::rules::finding::Measurement;
use crate::rules::mute::Mute;

/// What readers of a digest must know of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestWarnings {
    /// Exports that were made without the caller's identity.
    pub exports_without_principals: BTreeSet<String>,
    /// Line items whose usage type belongs to no known family.
    pub unknown_usage_rows: u64,
    /// How many callers facts do not keep apart.
    pub folded: Folded,
    /// Bedrock line items without a cost.
    pub rows_without_cost: u64,
    /// Line items that are taken for Bedrock's only because they name a caller.
    pub rows_by_principal_alone: u64,
    /// Deliveries since the last digest of which it is not known any more what they changed.
    pub lost_history: u64,
    /// Keys of resource tags on the bill that facts do not have.
    pub resource_tags: BTreeSet<String>,
}

/// Why spend changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Everything: the sum of the owners.
    pub total: Variance,
    /// By owner, the largest change first.
    pub owners: Vec<Variance>,
}

/// The month before while it has not closed: nobody else tells of it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenMonth {
    pub period: BillingPeriod,
    /// Its spend by currency, summed as that of the digest's own period.
    pub spend: BTreeMap<String, Decimal>,
}

/// The numbers of a digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Why it is made.
    pub kind: DigestKind,
    pub period: BillingPeriod,
    /// How much of it there is.
    pub extent: Extent,
    /// What counts as spend.
    pub policy: CostPolicy,
    /// Which days are compared, if any.
    pub windows: Option<Windows>,
    /// The month before, if it has line items and has not closed.
    pub open_month: Option<OpenMonth>,
    /// By currency, the largest spend first; none if the bill has no Bedrock line items.
    pub currencies: Vec<CurrencyFigures>,
    /// The budgets that are used by [`AT_RISK`] percent at least, or heading beyond their amount; of a closed month those
    /// that were not kept. The worst first.
    pub budgets: Vec<Measurement>,
    /// How many budgets there are in each currency, members counted one by one.
    pub budgets_measured: BTreeMap<String, usize>,
    /// What is not told of for a while.
    pub mutes: Vec<Mute>,
    /// Callers that several parties probably stand behind, the most expensive first.
    pub shared: Vec<SharedRole>,
    /// Roles whose sessions are named like people, the most sessions first.
    pub people: Vec<PeopleRole>,
    /// Where the bill departs from what is agreed on tags. Who lacks a tag is told with each currency.
    pub tag_findings: Vec<TagFinding>,
    /// What is to be decided, the most urgent first.
    pub decisions: Vec<Decision>,
    /// How far the data can be trusted.
    pub data: DataStatus,
    /// The same, up to where later months speak too: by it days are settled, here as in what is compared.
    pub settling: DataStatus,
    /// What is wrong with the data.
    pub warnings: DigestWarnings,
    /// The lines of the period whose unblended cost stands in for a net cost that was asked for.
    pub stand_in: StandIn,
    /// The time at which the digest was made.
    pub now: DateTime<Utc>,
}

/// The numbers of one currency. Currencies are never added together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyFigures {
    /// What everything comes to.
    pub totals: Totals,
    /// Where the period's spend is heading.
    pub outlook: Outlook,
    /// The budget of all spend of the period, where there is one: the first.
    pub budget: Option<Measurement>,
    /// The spend by caller, largest first; an empty name is what names nobody.
    pub callers: Vec<Caller>,
    /// By tag, in the order asked for, and its values.
    pub showback: Vec<(String, Vec<Row>)>,
    /// The spend by model, largest first.
    pub models: Vec<Row>,
    /// Why spend changed; `None` where nothing can be compared.
    pub change: Option<Change>,
    /// What came after the days that are compared; `None` if nothing did, or nothing is compared.
    pub left_out: Option<LeftOut>,
    /// Callers that were not seen up to the end of the earlier span of days, largest first.
    pub new_callers: Vec<NewCaller>,
    /// Spend that names nobody, by the reason.
    pub nameless: Vec<Nameless>,
    /// Callers without some of the tags, largest first.
    pub untagged: Vec<Untagged>,
    /// What was restated since the last digest, by period.
    pub restated: Vec<RestatedPeriod>,
}

/// From how many percent of its amount on a budget is at risk.
pub const AT_RISK: i64 = 80;
