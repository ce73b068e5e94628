//! Owners: whom spend belongs to, by principal tag, by rule, by account, or nobody; and which of them it was.

use std::fmt;

use chrono::NaiveDate;

use crate::facts::fact::FactTexts;
use crate::facts::matcher::Matcher;
use crate::named;

/// Gives spend without an owner tag to a team. The first rule of the configuration that applies wins.
///
/// Principal tags are not retroactive: a rule can own what was spent before the principal was tagged.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnerRule {
    /// What spend it is about; all must hold.
    pub matches: Vec<Matcher>,
    /// Whose it is.
    pub team: String,
    /// Where it is booked, for lines without a tag that says so.
    pub cost_center: Option<String>,
    /// The first usage day (UTC) that it covers; without one all days before `to`.
    pub from: Option<NaiveDate>,
    /// The first usage day that it covers no more; without one all days since `from`.
    pub to: Option<NaiveDate>,
}

impl OwnerRule {
    /// Whether the rule is about a fact, whose owner need not be known yet.
    pub fn applies<'a>(&self, fact: impl FactTexts<'a>) -> bool {
        let day = fact.day();
        self.from.is_none_or(|from| from <= day)
            && self.to.is_none_or(|to| day < to)
            && self.matches.iter().all(|matcher| matcher.matches(fact))
    }
}

/// What the rule matches and when, for people and for fingerprints.
impl fmt::Display for OwnerRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, matcher) in self.matches.iter().enumerate() {
            let separator = if index == 0 { "" } else { " and " };
            write!(formatter, "{separator}{matcher}")?;
        }
        if let Some(from) = self.from {
            write!(formatter, ", from {from}")?;
        }
        if let Some(to) = self.to {
            write!(formatter, ", before {to}")?;
        }
        Ok(())
    }
}

named! {
    /// What decided whom a fact belongs to, the strongest first: the column `owner_source`.
    pub enum OwnerSource {
        /// The owner tag that the bill has on the line.
        Tag = "tag",
        /// A rule of the configuration.
        Rule = "rule",
        /// Neither: the account that used the service, as `account/ID`. Nobody has claimed such spend.
        Account = "account",
        /// Not even an account is known; the owner is empty.
        None = "none",
    }
}

impl OwnerSource {
    /// Whether a name in a fact says that somebody claimed the spend: by tag or by rule.
    pub fn is_claimed(name: &str) -> bool {
        [Self::Tag, Self::Rule].iter().any(|source| source.as_str() == name)
    }
}

/// What decided whom a line's spend belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerBy {
    /// The tag with this key, as the bill has it.
    Tag(String),
    /// The rule that matches this, for lines without an owner tag.
    Rule(String),
    /// No owner tag and no rule: the account that used the service.
    Account,
    /// Neither an owner tag, nor a rule, nor an account.
    Nobody,
}

/// In words, without the value that decided.
impl fmt::Display for OwnerBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(key) => write!(formatter, "tag {key}"),
            Self::Rule(rule) => write!(formatter, "rule {rule}"),
            Self::Account => formatter.write_str("account, there is no owner tag and no rule"),
            Self::Nobody => formatter.write_str("nobody, there is no owner tag, no rule and no account"),
        }
    }
}
