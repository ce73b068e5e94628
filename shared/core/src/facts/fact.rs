//! Facts: the rows of the ledger, derived from bill lines by the configuration.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::money::decimal::SumOutOfRange;
use crate::named;
use crate::table::builder::TableBuilder;
use crate::table::field::Field;
use crate::table::measures::Measures;
use crate::table::rows::{Row, Table};
use crate::table::tags::Tags;

named! {
    /// A text field of a fact. Empty means that there is none. [`FactKey`] holds and compares the fields in this order.
    ///
    /// A field that follows from others stands behind them, so that it never changes the order of rows that were
    /// stored without it.
    pub enum FactField {
        /// The account that pays.
        PayerAccountId = "payer_account_id",
        /// The account that used the service.
        AccountId = "account_id",
        /// The caller's ARN as billed; of what is folded the ARN up to the session, and [`OTHER`](crate::text::OTHER).
        Principal = "principal",
        /// Whom the spend is grouped by, see [`Identity`](crate::bill::principal::Identity).
        Identity = "identity",
        /// What kind of caller that is.
        IdentityKind = "identity_kind",
        /// Whom the spend belongs to.
        Owner = "owner",
        /// What decided that, see [`OwnerSource`](crate::facts::owner::OwnerSource).
        OwnerSource = "owner_source",
        /// Where the spend is booked; empty if neither a tag nor a rule says so.
        CostCenter = "cost_center",
        /// Why there is no principal; empty if there is one.
        UnattributedReason = "unattributed_reason",
        /// What kind of money it is, see [`Category`](crate::bill::category::Category).
        Category = "category",
        /// Who makes the model.
        Provider = "provider",
        /// The model's canonical name.
        Model = "model",
        /// The model as the bill spells it.
        ModelAsBilled = "model_as_billed",
        /// Which part of Amazon Bedrock.
        Feature = "feature",
        /// What was counted.
        TokenKind = "token_kind",
        /// How it was bought.
        Tier = "tier",
        /// Where it was served.
        Routing = "routing",
        Region = "region",
        ProductCode = "product_code",
        UsageType = "usage_type",
        Operation = "operation",
        /// The unit of the usage amount.
        PricingUnit = "pricing_unit",
        /// The currency of the costs.
        Currency = "currency",
        /// How long the prompt was, see [`Context`](crate::bill::usage::kinds::Context). It follows from the usage type.
        Context = "context",
    }
}

impl Field for FactField {
    const ALL: &'static [Self] = &Self::ALL;

    fn place(self) -> usize {
        self as usize
    }

    /// The column name in the facts file and in stored state.
    fn name(self) -> &'static str {
        self.as_str()
    }

    fn is_of_caller(self) -> bool {
        matches!(
            self,
            Self::AccountId
                | Self::Principal
                | Self::Identity
                | Self::IdentityKind
                | Self::Owner
                | Self::OwnerSource
                | Self::CostCenter
                | Self::UnattributedReason
        )
    }
}

/// Facts in columns.
pub type FactTable = Table<FactField>;

/// A row of the ledger.
pub type Fact<'a> = Row<'a, FactField>;

/// Sums rows to facts.
pub type FactTableBuilder = TableBuilder<FactField>;

/// What facts are grouped and matched by: of a row of the ledger, or of one that is about to become one.
pub trait FactTexts<'a>: Copy {
    /// The day (UTC) of the usage.
    fn day(self) -> NaiveDate;

    /// A field's text; empty if there is none.
    fn get(self, field: FactField) -> &'a str;

    /// A tag's value; empty if there is none.
    fn tag(self, key: &str) -> &'a str;
}

impl<'a> FactTexts<'a> for Fact<'a> {
    fn day(self) -> NaiveDate {
        self.day()
    }

    fn get(self, field: FactField) -> &'a str {
        self.get(field)
    }

    fn tag(self, key: &str) -> &'a str {
        self.tag(key)
    }
}

impl<'a> FactTexts<'a> for &'a FactKey {
    fn day(self) -> NaiveDate {
        self.usage_date
    }

    fn get(self, field: FactField) -> &'a str {
        FactKey::get(self, field)
    }

    fn tag(self, key: &str) -> &'a str {
        FactKey::tag(self, key)
    }
}

/// What tells one fact from another. Ordered by day, fields, tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactKey {
    /// The day (UTC) of the usage.
    pub usage_date: NaiveDate,
    /// The fields, in the order of [`FactField::ALL`].
    pub fields: [Arc<str>; FactField::ALL.len()],
    /// Tag keys as the bill has them (`iamPrincipal/team`).
    pub tags: Arc<Tags>,
}

impl FactKey {
    /// A field's text; empty if there is none.
    pub fn get(&self, field: FactField) -> &str {
        self.fields.get(field as usize).map_or("", |text| text)
    }

    /// The same, shared.
    pub fn text(&self, field: FactField) -> Arc<str> {
        self.fields.get(field as usize).cloned().unwrap_or_default()
    }

    /// A tag's value; empty if the fact does not have it.
    pub fn tag(&self, key: &str) -> &str {
        self.tags.get(key).map_or("", |value| value)
    }
}

impl FactTable {
    /// The table of rows that stand alone.
    pub fn of(rows: impl IntoIterator<Item = (FactKey, Measures)>) -> Result<Self, SumOutOfRange> {
        let mut builder = FactTableBuilder::default();
        for (FactKey { usage_date, fields, tags }, measures) in rows {
            builder.add_row(usage_date, &fields, &tags, &measures)?;
        }
        Ok(builder.finish())
    }

    /// The table of some of its rows.
    pub fn only(&self, is_kept: impl Fn(Fact<'_>) -> bool) -> Result<Self, SumOutOfRange> {
        let mut builder = FactTableBuilder::default();
        builder.add_rows(self.rows().filter(|fact| is_kept(*fact)))?;
        Ok(builder.finish())
    }
}

impl Fact<'_> {
    /// What tells it from the others, to stand alone.
    pub fn key(self) -> FactKey {
        FactKey {
            usage_date: self.day(),
            fields: FactField::ALL.map(|field| self.text(field)),
            tags: self.shared_tags(),
        }
    }
}
