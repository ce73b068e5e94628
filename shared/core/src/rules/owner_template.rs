//! A rule's owner, with places that are filled from what was measured.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::facts::dimension::Dimension;
use crate::facts::fact::Fact;
use crate::facts::owner_names::OwnerNames;
use crate::text::{NONE, SEVERAL};

/// Whom to call, where the name may depend on the member: `{member}` and `{tag:NAME}` are filled in, with values that
/// the configuration lists alone.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnerTemplate {
    pieces: Vec<Piece>,
    names: Arc<OwnerNames>,
}

/// What an owner template gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    Owner(String),
    /// None: this value of the bill is not one that the configuration lists.
    Unlisted(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Member,
    Tag(String),
}

/// What the facts of a member say of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TagValue {
    /// Nothing.
    None,
    /// Those that have it agree.
    One(String),
    /// They do not.
    Several,
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
        self.pieces.iter().filter_map(|piece| if let Piece::Tag(name) = piece { Some(name.as_str()) } else { None })
    }

    /// Whether it asks for the member.
    pub fn needs_member(&self) -> bool {
        self.pieces.contains(&Piece::Member)
    }

    /// The same with what it may be filled with; until then it is nothing of a bill.
    pub fn with_names(self, names: &Arc<OwnerNames>) -> Self {
        Self { names: Arc::clone(names), ..self }
    }

    /// What it may be filled with.
    pub fn names(&self) -> &OwnerNames {
        &self.names
    }

    /// The owner as it is written, if nothing of it is filled in.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The value of a fact that the owner is not filled with, because the configuration does not list it.
    pub fn unlisted(&self, each: Option<&Dimension>, fact: Fact<'_>) -> Option<String> {
        let member = each.map(|each| each.value(fact).to_string()).filter(|member| !member.is_empty());
        let tag_value = |tag: &str| match fact.tag(tag) {
            "" => TagValue::None,
            value => TagValue::One(value.to_owned()),
        };
        match self.fill(each, member.as_deref(), tag_value) {
            Filled::Unlisted(value) => Some(value),
            Filled::Owner(_) => None,
        }
    }

    /// The owner, with `tag_value` giving what the facts say of a tag: a value, or why there is none. `each` is what the
    /// member is one of.
    pub(crate) fn fill(
        &self,
        each: Option<&Dimension>,
        member: Option<&str>,
        mut tag_value: impl FnMut(&str) -> TagValue,
    ) -> Filled {
        let mut owner = String::new();
        let mut unlisted = None;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => owner.push_str(text),
                Piece::Member => {
                    let member = member.unwrap_or(NONE);
                    if member != NONE && !self.names.lists_member(each, member) {
                        unlisted.get_or_insert_with(|| member.to_owned());
                    }
                    owner.push_str(member);
                }
                Piece::Tag(tag) => match tag_value(tag) {
                    TagValue::None => owner.push_str(NONE),
                    TagValue::Several => owner.push_str(SEVERAL),
                    TagValue::One(value) => {
                        if !self.names.lists_tag(tag, &value) {
                            unlisted.get_or_insert_with(|| value.clone());
                        }
                        owner.push_str(&value);
                    }
                },
            }
        }
        match unlisted {
            Some(value) if !self.names.lists_owner(&owner) => Filled::Unlisted(value),
            _ => Filled::Owner(owner),
        }
    }
}

/// As in the configuration.
impl fmt::Display for OwnerTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(text),
            Piece::Member => formatter.write_str("{member}"),
            Piece::Tag(name) => write!(formatter, "{{tag:{name}}}"),
        })
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
        Ok(Self { pieces, names: Arc::default() })
    }
}
