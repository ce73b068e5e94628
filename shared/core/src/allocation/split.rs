//! Splits: how finance divides what nobody owns, or what stands for many, among those who caused it.

use std::fmt;

use crate::bill::category::Category;
use crate::facts::matcher::Matcher;
use crate::money::decimal::Decimal;

/// One rule of division. Splits are applied to identities first, then to unattributed spend, then to categories; within
/// each in the order of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// What is divided.
    pub what: SplitWhat,
    /// In which proportion.
    pub by: SplitBy,
}

/// What is divided.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitWhat {
    /// The lines of a category, usage apart, that name no caller and that no tag or rule gives an owner.
    Category(Category),
    /// The usage of identities, whoever owns them: shared gateways.
    Identity(Matcher),
    /// Usage that names no caller and that no tag or rule gives an owner.
    Unattributed,
}

/// In which proportion something is divided.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitBy {
    /// By the usage of others: what names an account within that account first, where there is usage.
    Usage,
    /// Equal parts for all owners, by tag or rule, that have usage; within each by its usage.
    Even,
    /// Fixed shares of owners, by weights above zero.
    Shares(Vec<(String, Decimal)>),
    /// By metering records, see [`crate::allocation::metering`].
    File,
}

/// As in the configuration: `category credit by usage`.
impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            SplitWhat::Category(category) => write!(formatter, "category {category}")?,
            SplitWhat::Identity(matcher) => write!(formatter, "{matcher}")?,
            SplitWhat::Unattributed => formatter.write_str("unattributed")?,
        }
        formatter.write_str(match self.by {
            SplitBy::Usage => " by usage",
            SplitBy::Even => " by even",
            SplitBy::Shares(_) => " by shares",
            SplitBy::File => " by file",
        })
    }
}
