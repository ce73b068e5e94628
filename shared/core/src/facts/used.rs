//! What facts say of what was used, and of who used it: each worked out once for all lines that have it in common.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::bill::line::{LineField, LineTexts};
use crate::bill::principal::{Identity, IdentityKind, KeepSessions};
use crate::bill::usage::{self, ModelAliases, Usage};
use crate::facts::fact::{FactField, FactTexts};
use crate::facts::folding::{Folding, Named};
use crate::table::tags::Tags;

/// The fields that facts have as the bill has them.
const AS_BILLED: [(FactField, LineField); 7] = [
    (FactField::PayerAccountId, LineField::PayerAccountId),
    (FactField::Region, LineField::Region),
    (FactField::ProductCode, LineField::ProductCode),
    (FactField::UsageType, LineField::UsageType),
    (FactField::Operation, LineField::Operation),
    (FactField::PricingUnit, LineField::PricingUnit),
    (FactField::Currency, LineField::Currency),
];

/// What was used, whoever used it.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub(crate) usage: Usage,
    pub(crate) category: Category,
    billed: [Arc<str>; AS_BILLED.len()],
}

impl Used {
    /// What a line says of it.
    pub(crate) fn of<'a>(line: impl LineTexts<'a>, aliases: &ModelAliases) -> Self {
        Self {
            usage: usage::classify(line, aliases),
            category: Category::of(line.get(LineField::LineItemType), line.get(LineField::BillType)),
            billed: AS_BILLED.map(|(_, field)| Arc::from(line.get(field))),
        }
    }

    /// Whether its usage type belongs to no known family.
    pub(crate) fn is_unknown(&self) -> bool {
        self.category == Category::Usage && !self.usage.is_known
    }

    /// A field's text; empty where it says nothing of what was used.
    pub(crate) fn get(&self, field: FactField) -> &str {
        match field {
            FactField::Category => self.category.as_str(),
            FactField::Provider => &self.usage.provider,
            FactField::Model => &self.usage.model,
            FactField::ModelAsBilled => &self.usage.model_as_billed,
            FactField::Feature => self.usage.feature.as_str(),
            FactField::TokenKind => self.usage.token_kind.as_str(),
            FactField::Tier => self.usage.tier.as_str(),
            FactField::Routing => self.usage.routing.as_str(),
            FactField::Context => self.usage.context.as_str(),
            field => {
                let billed = AS_BILLED.iter().zip(&self.billed).find(|((known, _), _)| *known == field);
                billed.map_or("", |(_, text)| text)
            }
        }
    }
}

/// Who used something.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: Arc<str>,
    principal: Arc<str>,
    /// As the bill has it.
    identity: Identity,
    tags: Arc<Tags>,
    /// As facts have it.
    pub(crate) named: Named,
}

impl Caller {
    /// What a line with these tags says of it.
    pub(crate) fn of<'a>(line: impl LineTexts<'a>, tags: &Arc<Tags>, people: &KeepSessions, folding: &Folding) -> Self {
        let principal: Arc<str> = Arc::from(line.get(LineField::Principal));
        let identity = Identity::of(&principal, people);
        let named = folding.caller(&principal, identity.clone(), tags);
        Self { account: Arc::from(line.get(LineField::AccountId)), principal, identity, tags: Arc::clone(tags), named }
    }

    /// Whether the bill names nobody.
    pub(crate) fn is_nobody(&self) -> bool {
        self.identity.kind == IdentityKind::None
    }
}

/// A fact whose owner is not known yet, as the bill has it: rules go by what the bill says, for they name few owners. Tags
/// would name as many as callers choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) day: NaiveDate,
    pub(crate) used: &'a Used,
    pub(crate) caller: &'a Caller,
    pub(crate) reason: &'static str,
}

impl<'a> FactTexts<'a> for Draft<'a> {
    fn day(self) -> NaiveDate {
        self.day
    }

    fn get(self, field: FactField) -> &'a str {
        match field {
            FactField::AccountId => &self.caller.account,
            FactField::Principal => &self.caller.principal,
            FactField::Identity => &self.caller.identity.name,
            FactField::IdentityKind => self.caller.identity.kind.as_str(),
            FactField::Owner | FactField::OwnerSource | FactField::CostCenter => "",
            FactField::UnattributedReason => self.reason,
            field => self.used.get(field),
        }
    }

    fn tag(self, key: &str) -> &'a str {
        self.caller.tags.get(key).map_or("", |value| value)
    }
}

impl<'a> Draft<'a> {
    /// A field's text as facts have it, with its owner.
    pub(crate) fn named(self, field: FactField, owned: &'a Owned) -> &'a str {
        match field {
            FactField::Principal => &self.caller.named.principal,
            FactField::Identity => &self.caller.named.identity.name,
            FactField::IdentityKind => self.caller.named.identity.kind.as_str(),
            FactField::Owner => &owned.owner,
            FactField::OwnerSource => owned.source,
            FactField::CostCenter => &owned.cost_center,
            field => self.get(field),
        }
    }
}

/// Whose a fact is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) owner: String,
    pub(crate) source: &'static str,
    pub(crate) cost_center: String,
}
