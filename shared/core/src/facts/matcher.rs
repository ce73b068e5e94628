//! Which facts a rule, an owner rule or a split is about.

use std::fmt;

use wildmatch::WildMatch;

use crate::facts::dimension::Dimension;
use crate::facts::fact::FactTexts;
use crate::text::NONE;

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
    pub fn new(dimension: Dimension, glob: &str) -> Self {
        Self { dimension, glob: (glob != NONE).then(|| WildMatch::new(glob)) }
    }

    /// Whether a fact's value matches.
    pub fn matches<'a>(&self, fact: impl FactTexts<'a>) -> bool {
        let value = self.dimension.value(fact);
        match &self.glob {
            None => value.is_empty(),
            Some(glob) => !value.is_empty() && glob.matches(&value),
        }
    }

    /// The dimension that it is about.
    pub fn dimension(&self) -> &Dimension {
        &self.dimension
    }

    /// The glob, as in the configuration.
    pub fn glob(&self) -> String {
        self.glob.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string)
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
