//! Facts: the rows of the ledger, derived from bill lines by the configuration.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::bill::line::{Measures, Tags};

/// A text field of a fact. Empty means that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactField {
    /// The account that pays.
    PayerAccountId,
    /// The account that used the service.
    AccountId,
    /// The caller's ARN as billed; of what is folded the ARN up to the session, and [`OTHER`](crate::text::OTHER).
    Principal,
    /// Whom the spend is grouped by, see [`Identity`].
    Identity,
    /// What kind of caller that is.
    IdentityKind,
    /// Whom the spend belongs to.
    Owner,
    /// What decided that, see [`OwnerSource`].
    OwnerSource,
    /// Where the spend is booked; empty if neither a tag nor a rule says so.
    CostCenter,
    /// Why there is no principal; empty if there is one.
    UnattributedReason,
    /// What kind of money it is, see [`Category`].
    Category,
    /// Who makes the model.
    Provider,
    /// The model's canonical name.
    Model,
    /// The model as the bill spells it.
    ModelAsBilled,
    /// Which part of Amazon Bedrock.
    Feature,
    /// What was counted.
    TokenKind,
    /// How it was bought.
    Tier,
    /// Where it was served.
    Routing,
    /// The AWS region code.
    Region,
    /// The product code as billed.
    ProductCode,
    /// The usage type as billed.
    UsageType,
    /// The operation as billed.
    Operation,
    /// The unit of the usage amount.
    PricingUnit,
    /// The currency of the costs.
    Currency,
    /// How long the prompt was, see [`Context`](kinds::Context). It follows from the usage type.
    Context,
}

impl FactField {
    /// Every field, in the order in which [`FactKey`] holds and compares them.
    ///
    /// A field that follows from others stands behind them: so it never changes the order of rows that were stored
    /// without it.
    pub const ALL: [Self; 24] = [
        Self::PayerAccountId,
        Self::AccountId,
        Self::Principal,
        Self::Identity,
        Self::IdentityKind,
        Self::Owner,
        Self::OwnerSource,
        Self::CostCenter,
        Self::UnattributedReason,
        Self::Category,
        Self::Provider,
        Self::Model,
        Self::ModelAsBilled,
        Self::Feature,
        Self::TokenKind,
        Self::Tier,
        Self::Routing,
        Self::Region,
        Self::ProductCode,
        Self::UsageType,
        Self::Operation,
        Self::PricingUnit,
        Self::Currency,
        Self::Context,
    ];

    /// The column name in the facts file and in stored state.
    pub fn name(self) -> &'static str {
        match self {
            Self::PayerAccountId => "payer_account_id",
            Self::AccountId => "account_id",
            Self::Principal => "principal",
            Self::Identity => "identity",
            Self::IdentityKind => "identity_kind",
            Self::Owner => "owner",
            Self::OwnerSource => "owner_source",
            Self::CostCenter => "cost_center",
            Self::UnattributedReason => "unattributed_reason",
            Self::Category => "category",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::ModelAsBilled => "model_as_billed",
            Self::Feature => "feature",
            Self::TokenKind => "token_kind",
            Self::Tier => "tier",
            Self::Routing => "routing",
            Self::Region => "region",
            Self::ProductCode => "product_code",
            Self::UsageType => "usage_type",
            Self::Operation => "operation",
            Self::PricingUnit => "pricing_unit",
            Self::Currency => "currency",
            Self::Context => "context",
        }
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

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What tells it from the others.
    pub key: FactKey,
    /// Its sums.
    pub measures: Measures,
}
