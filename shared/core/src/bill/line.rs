//! Bill lines: a chunk's Bedrock rows, summed by the bill's own fields, before any configuration touches them.
//!
//! - `limits`: how long a text of the bill may be.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::bill::bedrock_line::RuleCounts;
use crate::money::decimal::{DecimalError, SumOutOfRange};
use crate::named;
use crate::table::builder::TableBuilder;
use crate::table::field::Field;
use crate::table::measures::Measures;
use crate::table::rows::{Row, Table};
use crate::table::tags::Tags;

pub mod limits;

/// The tag keys that every reduction keeps, by prefix: the others can be many and are nobody's dimension.
pub const KEPT_TAG_PREFIXES: [&str; 4] = ["iamPrincipal/", "userAttribute/", "accountTag/", "costCategory/"];

/// Which tags a reduction keeps: those of [`KEPT_TAG_PREFIXES`], and further ones that were listed by their whole key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptTags {
    listed: BTreeSet<Arc<str>>,
}

impl KeptTags {
    /// The usual tags and `listed` ones, written as the bill does (`resourceTags/team`).
    pub fn new<'a>(listed: impl IntoIterator<Item = &'a str>) -> Self {
        Self { listed: listed.into_iter().map(Arc::from).collect() }
    }

    /// The keys that were listed, sorted.
    pub fn listed(&self) -> impl Iterator<Item = &Arc<str>> {
        self.listed.iter()
    }

    /// Whether a tag is kept.
    pub fn keeps(&self, key: &str) -> bool {
        KEPT_TAG_PREFIXES.into_iter().any(|prefix| key.starts_with(prefix)) || self.listed.contains(key)
    }
}

named! {
    /// A text field that tells one bill line from another. Null and empty are the same in the bill, and both are empty
    /// here. [`LineKey`] holds and compares the fields in this order.
    pub enum LineField {
        /// `bill_payer_account_id`.
        PayerAccountId = "payer_account_id",
        /// `line_item_usage_account_id`.
        AccountId = "account_id",
        /// `line_item_iam_principal`: the ARN as billed.
        Principal = "principal",
        /// `bill_bill_type`.
        BillType = "bill_type",
        /// `bill_billing_entity`.
        BillingEntity = "billing_entity",
        /// `line_item_line_item_type`.
        LineItemType = "line_item_type",
        /// `line_item_product_code`.
        ProductCode = "product_code",
        /// `product_servicecode`.
        ServiceCode = "service_code",
        /// `product_name` of the `product` map, else its `servicename`.
        ProductName = "product_name",
        /// `provider` of the `product` map.
        Provider = "provider",
        /// `model` of the `product` map.
        Model = "model",
        /// `inference_type` of the `product` map.
        InferenceType = "inference_type",
        /// `feature` of the `product` map.
        Feature = "feature",
        /// `line_item_usage_type`.
        UsageType = "usage_type",
        /// `line_item_operation`.
        Operation = "operation",
        /// What a Bedrock `line_item_resource_id` says of the model: `foundation-model/ID` or `inference-profile/ID`; of
        /// other resources the type alone, because their ids are without bound.
        Resource = "resource",
        /// `product_region_code`.
        Region = "region",
        /// `pricing_unit`.
        PricingUnit = "pricing_unit",
        /// `line_item_currency_code`.
        Currency = "currency",
    }
}

impl Field for LineField {
    const ALL: &'static [Self] = &Self::ALL;

    fn place(self) -> usize {
        self as usize
    }

    fn name(self) -> &'static str {
        self.as_str()
    }

    fn is_of_caller(self) -> bool {
        matches!(self, Self::AccountId | Self::Principal)
    }
}

/// Bill lines in columns.
pub type LineTable = Table<LineField>;

/// A bill line.
pub type Line<'a> = Row<'a, LineField>;

/// Sums rows of a bill to lines.
pub type LineTableBuilder = TableBuilder<LineField>;

/// What tells one bill line from another. Ordered by day, fields, tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineKey {
    /// The day (UTC) on which the usage interval starts.
    pub usage_date: NaiveDate,
    /// The fields, in the order of [`LineField::ALL`].
    pub fields: [Arc<str>; LineField::ALL.len()],
    /// The tags kept, see [`KeptTags`].
    pub tags: Arc<Tags>,
}

impl LineKey {
    /// A field's text; empty if the bill has none.
    pub fn get(&self, field: LineField) -> &str {
        self.fields.get(field as usize).map_or("", |text| text)
    }

    /// The same, shared.
    pub fn text(&self, field: LineField) -> Arc<str> {
        self.fields.get(field as usize).cloned().unwrap_or_default()
    }
}

/// The texts of a bill line, of a table or alone.
pub trait LineTexts<'a>: Copy {
    /// A field's text; empty if the bill has none.
    fn get(self, field: LineField) -> &'a str;
}

impl<'a> LineTexts<'a> for Line<'a> {
    fn get(self, field: LineField) -> &'a str {
        self.get(field)
    }
}

impl<'a> LineTexts<'a> for &'a LineKey {
    fn get(self, field: LineField) -> &'a str {
        LineKey::get(self, field)
    }
}

impl LineTable {
    /// The table of lines that stand alone.
    pub fn of(lines: impl IntoIterator<Item = (LineKey, Measures)>) -> Result<Self, SumOutOfRange> {
        let mut builder = LineTableBuilder::default();
        for (LineKey { usage_date, fields, tags }, measures) in lines {
            builder.add_row(usage_date, &fields, &tags, &measures)?;
        }
        Ok(builder.finish())
    }
}

impl Line<'_> {
    /// What tells it from the others, to stand alone.
    pub fn key(self) -> LineKey {
        LineKey {
            usage_date: self.day(),
            fields: LineField::ALL.map(|field| self.text(field)),
            tags: self.shared_tags(),
        }
    }
}

/// What reading a chunk, or all chunks of a delivery, found besides the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanCounts {
    /// Rows read.
    pub rows: u64,
    /// Rows that are Bedrock's.
    pub bedrock_rows: u64,
    /// What each rule caught.
    pub rules: RuleCounts,
    /// Bedrock rows whose unblended cost is null: they count as zero.
    pub rows_without_cost: u64,
    /// Bedrock usage rows with a cost and without an invoice id: while there are any, the bill is not final.
    pub usage_rows_without_invoice: u64,
    /// The latest end of a Bedrock usage row.
    pub latest_usage_end: Option<DateTime<Utc>>,
    /// Columns that were looked for and are in no chunk, or are missing in some.
    pub missing_columns: BTreeSet<String>,
    /// Keys of resource tags that Bedrock rows have and that no line keeps (`resourceTags/team`): the first
    /// [`ScanCounts::MOST_RESOURCE_TAGS`] in their order.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resource_tags: BTreeSet<String>,
}

impl ScanCounts {
    /// How many keys of resource tags are noted: they say what was activated, and are nobody's dimension.
    pub const MOST_RESOURCE_TAGS: usize = 100;

    /// Notes a tag of a Bedrock row that no line keeps.
    pub fn note_unkept_tag(&mut self, key: &str) {
        if key.starts_with("resourceTags/") && key.len() <= LONGEST_TAG_KEY {
            self.resource_tags.insert(key.to_owned());
            self.limit_resource_tags();
        }
    }

    fn limit_resource_tags(&mut self) {
        while self.resource_tags.len() > Self::MOST_RESOURCE_TAGS {
            self.resource_tags.pop_last();
        }
    }

    /// Adds what another chunk's scan found.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.bedrock_rows += other.bedrock_rows;
        self.rules.merge(&other.rules);
        self.rows_without_cost += other.rows_without_cost;
        self.usage_rows_without_invoice += other.usage_rows_without_invoice;
        self.latest_usage_end = self.latest_usage_end.max(other.latest_usage_end);
        self.missing_columns.extend(other.missing_columns.iter().cloned());
        self.resource_tags.extend(other.resource_tags.iter().cloned());
        self.limit_resource_tags();
    }

    /// Whether the export was made without the caller's identity (`INCLUDE_IAM_PRINCIPAL_DATA`).
    pub fn lacks_principal_column(&self) -> bool {
        self.missing_columns.contains(PRINCIPAL_COLUMN)
    }
}

/// A tag's key has at most 128 characters, in UTF-8 up to four bytes each, behind its prefix.
/// Source: AWS Billing user guide, "User-defined tag restrictions".
const LONGEST_TAG_KEY: usize = "resourceTags/".len() + 128 * 4;

/// The column that names the caller.
pub const PRINCIPAL_COLUMN: &str = "line_item_iam_principal";

/// Shares equal texts: a bill repeats few values in very many rows.
#[derive(Debug, Default)]
pub struct Interner(std::collections::HashSet<Arc<str>>);

impl Interner {
    /// The shared copy of `text`, if there is one already.
    pub fn get(&self, text: &str) -> Option<Arc<str>> {
        self.0.get(text).map(Arc::clone)
    }

    /// The shared copy of `text`.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.0.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&shared));
        shared
    }
}

/// A number in the bill that is not money, with the column it stands in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {source}")]
pub struct BadNumber {
    pub column: &'static str,
    /// Why it is no number.
    pub source: DecimalError,
}
