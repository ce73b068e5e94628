//! Dimensions: what facts can be grouped and matched by.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::facts::fact::{FactField, FactTexts};

/// A way to group facts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The day (UTC) of the usage.
    Day,
    /// One of a fact's fields.
    Field(FactField),
    /// A tag, by its key as the bill has it.
    Tag(String),
}

/// The text names no dimension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a key: use day, {known} or tag:NAME")]
pub struct DimensionError {
    text: String,
    known: String,
}

/// The fields that people may name, and how they name them.
const NAMED_FIELDS: [(&str, FactField); 17] = [
    ("account", FactField::AccountId),
    ("principal", FactField::Principal),
    ("identity", FactField::Identity),
    ("owner", FactField::Owner),
    ("owner_source", FactField::OwnerSource),
    ("cost_center", FactField::CostCenter),
    ("model", FactField::Model),
    ("token", FactField::TokenKind),
    ("tier", FactField::Tier),
    ("routing", FactField::Routing),
    ("context", FactField::Context),
    ("feature", FactField::Feature),
    ("category", FactField::Category),
    ("usage_type", FactField::UsageType),
    ("region", FactField::Region),
    ("currency", FactField::Currency),
    ("provider", FactField::Provider),
];

impl Dimension {
    /// What a fact has in this dimension; empty if it has nothing.
    pub fn value<'a>(&self, fact: impl FactTexts<'a>) -> Cow<'a, str> {
        match self {
            Self::Day => Cow::Owned(fact.day().to_string()),
            Self::Field(field) => Cow::Borrowed(fact.get(*field)),
            Self::Tag(name) => Cow::Borrowed(fact.tag(name)),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day => formatter.pad("day"),
            Self::Field(field) => {
                let name = NAMED_FIELDS.iter().find(|(_, named)| named == field).map(|(name, _)| *name);
                formatter.pad(name.unwrap_or_else(|| field.as_str()))
            }
            Self::Tag(name) => formatter.pad(&format!("tag:{name}")),
        }
    }
}

impl FromStr for Dimension {
    type Err = DimensionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "day" {
            return Ok(Self::Day);
        }
        if let Some(name) = text.strip_prefix("tag:").filter(|name| !name.is_empty()) {
            return Ok(Self::Tag(name.to_owned()));
        }
        let field = NAMED_FIELDS.iter().find(|(name, _)| *name == text).map(|(_, field)| Self::Field(*field));
        field.ok_or_else(|| DimensionError {
            text: text.to_owned(),
            known: NAMED_FIELDS.map(|(name, _)| name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back() {
        let names = NAMED_FIELDS.iter().map(|(name, _)| *name).chain(["day", "tag:iamPrincipal/team"]);
        for name in names {
            assert_eq!(name.parse::<Dimension>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn an_unknown_key_names_the_known_ones() {
        let error = "tag:".parse::<Dimension>().unwrap_err().to_string();
        assert!(error.contains("`tag:`") && error.contains("identity") && error.contains("tag:NAME"), "{error}");
        assert!("Day".parse::<Dimension>().is_err());
    }
}
