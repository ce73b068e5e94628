//! What is to be done about an error: the same four answers wherever it comes from.

use std::fmt;

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The same call may succeed: do it again.
    Retry,
    /// The next delivery mends it: keep the last good numbers and wait.
    Wait,
    /// A person must act; the message says how.
    Operator,
    /// Nothing is wrong: it was none of our business, and the error says why.
    Ignore,
}

impl Class {
    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Wait => "wait",
            Self::Operator => "operator",
            Self::Ignore => "ignore",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
