//! Budgets: which spend they limit, and how much of it there is in a month.

use std::fmt;
use std::str::FromStr;

use wildmatch::WildMatch;

use crate::decimal::Decimal;
use crate::dimension::Dimension;
use crate::fact::FactKey;
use crate::text::NONE;

mod measure;
pub use measure::{Driver, Measurement, Peak, evaluate};

/// What an owner template gives where the facts do not agree on a tag's value.
pub const SEVERAL: &str = "(several)";

/// A limit on the spend of a calendar month (UTC, over usage dates), for all that it matches or for each member.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The name, unique within a configuration.
    pub name: String,
    /// What spend it is about; all must hold. None matches everything.
    pub matches: Vec<Matcher>,
    /// One budget for each value of this dimension; what has no value is the member [`NONE`].
    pub each: Option<Dimension>,
    /// The limit, above zero.
    pub amount: Decimal,
    /// The currency of the limit. Spend in other currencies is not converted and not added.
    pub currency: String,
    /// Percents of the amount that people want to hear of, ascending.
    pub thresholds: Vec<u32>,
    /// How urgent it is.
    pub severity: Severity,
    /// Whom to call.
    pub owner: Option<OwnerTemplate>,
    /// What to read, printed as it is.
    pub runbook: Option<String>,
    /// Members with a limit of their own.
    pub overrides: Vec<BudgetOverride>,
}

/// A member of a budget with a limit of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetOverride {
    /// The member, by its exact name.
    pub member: String,
    /// Its limit, in the budget's currency, above zero.
    pub amount: Decimal,
}

impl Budget {
    /// Whether the budget is about a fact.
    #[must_use]
    pub fn matches(&self, key: &FactKey) -> bool {
        self.matches.iter().all(|matcher| matcher.matches(key))
    }

    /// The limit of a member.
    #[must_use]
    pub fn amount_for(&self, member: Option<&str>) -> Decimal {
        let own = self.overrides.iter().find(|own| member == Some(own.member.as_str()));
        own.map_or(self.amount, |own| own.amount)
    }
}

/// How urgent a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody should be woken.
    Page,
    /// Somebody should read it.
    #[default]
    Notice,
}

impl Severity {
    /// The name in the configuration and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Notice => "notice",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = [Self::Page, Self::Notice].into_iter().find(|severity| severity.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is not a severity: use page or notice"))
    }
}

/// A glob over the whole value of a dimension, case-sensitive: `*` is any characters, `?` is one.
///
/// No glob matches what has no value, except `(none)`, which matches nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Matcher {
    dimension: Dimension,
    glob: Option<WildMatch>,
}

impl Matcher {
    /// A matcher for `glob` over the values of `dimension`.
    #[must_use]
    pub fn new(dimension: Dimension, glob: &str) -> Self {
        Self { dimension, glob: (glob != NONE).then(|| WildMatch::new(glob)) }
    }

    /// Whether a fact's value matches.
    #[must_use]
    pub fn matches(&self, key: &FactKey) -> bool {
        let value = self.dimension.value(key);
        match &self.glob {
            None => value.is_empty(),
            Some(glob) => !value.is_empty() && glob.matches(&value),
        }
    }

    /// The dimension that it is about.
    #[must_use]
    pub fn dimension(&self) -> &Dimension {
        &self.dimension
    }
}

/// The glob as in the configuration, behind its key.
impl fmt::Display for Matcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.glob {
            None => write!(formatter, "{} = {NONE}", self.dimension),
            Some(glob) => write!(formatter, "{} = {glob}", self.dimension),
        }
    }
}

/// Whom to call, where the name may depend on the member: `{member}` and `{tag:NAME}` are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Member,
    Tag(String),
}

/// The text is not an owner template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerTemplateError {
    /// There is nothing in it.
    #[error("an owner is empty: leave the key out if nobody is to be named")]
    Empty,
    /// A brace without its partner.
    #[error("`{0}` has a brace without its partner: write {{member}} or {{tag:NAME}}")]
    Brace(String),
    /// Something in braces that cannot be filled in.
    #[error("`{{{0}}}` cannot be filled in: an owner may hold {{member}} and {{tag:NAME}}")]
    Unknown(String),
}

impl OwnerTemplate {
    /// The tag keys that it asks for.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| if let Piece::Tag(name) = piece { Some(name.as_str()) } else { None })
    }

    /// Whether it asks for the member.
    #[must_use]
    pub fn needs_member(&self) -> bool {
        self.0.contains(&Piece::Member)
    }

    /// The owner, with `tag_value` giving what the facts say of a tag.
    fn fill(&self, member: Option<&str>, mut tag_value: impl FnMut(&str) -> String) -> String {
        let mut owner = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => owner.push_str(text),
                Piece::Member => owner.push_str(member.unwrap_or(NONE)),
                Piece::Tag(name) => owner.push_str(&tag_value(name)),
            }
        }
        owner
    }
}

impl FromStr for OwnerTemplate {
    type Err = OwnerTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(OwnerTemplateError::Empty);
        }
        let brace = || OwnerTemplateError::Brace(text.to_owned());
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(brace)?;
            if before.contains('}') || name.contains('{') {
                return Err(brace());
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(match (name, name.strip_prefix("tag:")) {
                ("member", _) => Piece::Member,
                (_, Some(tag)) if !tag.is_empty() => Piece::Tag(tag.to_owned()),
                _ => return Err(OwnerTemplateError::Unknown(name.to_owned())),
            });
            rest = behind;
        }
        if rest.contains('}') {
            return Err(brace());
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

#[cfg(test)]
mod tests;
