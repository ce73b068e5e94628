//! What is wrong with a configuration.

use std::fmt;

use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};

/// A file that is not a configuration of this release, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub(super) file: String,
    pub(super) problems: Vec<Problem>,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file beside the configuration that it is in, if it is not the configuration itself.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: usize,
    /// Its stable kind: `config.syntax`, `config.invalid` or `config.unsupported`.
    pub kind: &'static str,
    /// What is wrong, and the cure.
    pub message: String,
}

impl ConfigError {
    /// What is wrong, by line.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for ConfigError {}

impl Fault for ConfigError {
    // Of several problems the first one.
    fn says(&self) -> Says<'_> {
        let kind = self.problems.first().map_or(Kind::Invalid.as_str(), |problem| problem.kind);
        Says::Itself(kind, Class::Operator)
    }
}

/// One line for each problem: `ledger.toml:12: … [config.invalid]`.
impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { file, line, kind, message }) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let file = file.as_ref().unwrap_or(&self.file);
            write!(formatter, "{separator}{file}:{line}: {message} [{kind}]")?;
        }
        Ok(())
    }
}

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Syntax,
    Invalid,
    Unsupported,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "config.syntax",
            Self::Invalid => "config.invalid",
            Self::Unsupported => "config.unsupported",
        }
    }
}
