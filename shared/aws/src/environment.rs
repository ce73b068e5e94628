//! A function's settings: environment variables, read once. All that is missing or wrong is told in one error, so that
//! nobody deploys again for each.

#[cfg(test)]
mod tests;

use std::fmt;

use chrono::DateTime;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};

use crate::clock::Clock;

/// A variable that a function reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    /// Where its value comes from.
    pub from: &'static str,
}

/// The bucket that AWS delivers the export to.
pub const EXPORT_BUCKET: Variable =
    Variable { name: "EXPORT_BUCKET", from: "the name of the bucket that the export is delivered to" };
/// What the keys of the export's objects begin with, up to the export's name; may be empty.
pub const EXPORT_PREFIX: Variable =
    Variable { name: "EXPORT_PREFIX", from: "the export's S3 path prefix, empty if it has none" };
pub const COUNTED_EXPORTS: Variable =
    Variable { name: "COUNTED_EXPORTS", from: "the ids of the exports that count, between commas, empty for all" };
pub const COUNTED_PAYERS: Variable = Variable {
    name: "COUNTED_PAYERS",
    from: "the account ids of the payers that count, between commas, empty for all",
};
pub const LEDGER_BUCKET: Variable = Variable { name: "LEDGER_BUCKET", from: "the name of the stack's ledger bucket" };
pub const METRICS_NAMESPACE: Variable =
    Variable { name: "METRICS_NAMESPACE", from: "the namespace of the stack's metrics, such as BedrockLedger/STACK" };
/// The topic for on-call.
pub const ALERTS_TOPIC_ARN: Variable =
    Variable { name: "ALERTS_TOPIC_ARN", from: "the ARN of the stack's topic for alerts" };
/// The topic for machines.
pub const EVENTS_TOPIC_ARN: Variable =
    Variable { name: "EVENTS_TOPIC_ARN", from: "the ARN of the stack's topic for events" };
/// The topic for finance.
pub const DIGEST_TOPIC_ARN: Variable =
    Variable { name: "DIGEST_TOPIC_ARN", from: "the ARN of the stack's topic for the digest" };
/// The topic for whoever operates the stack.
pub const OPERATIONS_TOPIC_ARN: Variable =
    Variable { name: "OPERATIONS_TOPIC_ARN", from: "the ARN of the stack's topic for operations" };
/// The stack's name.
pub const STACK_NAME: Variable = Variable { name: "STACK_NAME", from: "the name of the stack" };
/// The time that every invocation takes for now: for tests alone.
pub const NOW: Variable = Variable { name: "BEDROCK_LEDGER_NOW", from: "a time that tests set, or nothing" };

/// What is wrong with one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub variable: Variable,
    /// What is wrong with its value.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}; it is {}", self.variable.name, self.what, self.variable.from)
    }
}

/// The function cannot start as it is set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the function's environment is not as infra/template.yaml sets it: {}; deploy the stack again, or set them under \
     Configuration, Environment variables", list(.0)
)]
pub struct EnvironmentError(pub Vec<Problem>);

impl Fault for EnvironmentError {
    fn says(&self) -> Says<'_> {
        Says::Itself("config.environment", Class::Operator)
    }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join(". ")
}

/// Reads variables and remembers what is wrong with them. Each method answers `None` for what is; ask for all of them
/// before [`Reader::finish`].
///
/// ```
/// # use spend_aws::environment::{LEDGER_BUCKET, Reader};
/// struct Settings { ledger_bucket: String }
/// let mut reader = Reader::new(|name| (name == "LEDGER_BUCKET").then(|| "my-ledger".to_owned()));
/// let ledger_bucket = reader.bucket(LEDGER_BUCKET);
/// let settings = reader.finish(|| Some(Settings { ledger_bucket: ledger_bucket? })).unwrap();
/// assert_eq!(settings.ledger_bucket, "my-ledger");
/// ```
pub struct Reader<L> {
    lookup: L,
    problems: Vec<Problem>,
}

impl Reader<fn(&str) -> Option<String>> {
    /// Of this process's environment.
    pub fn of_process() -> Self {
        // What is not Unicode is shown as near to it as may be: it is no value of any of these.
        Self::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// Of any environment.
    pub fn new(lookup: L) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// A text that is not empty, of `length` characters at most, all of which `allowed` admits.
    fn text(
        &mut self,
        variable: Variable,
        length: usize,
        form: &str,
        allowed: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let what = match (self.lookup)(variable.name) {
            None => format!("is not set, and must be {form}"),
            Some(value) if value.is_empty() => format!("is empty, and must be {form}"),
            Some(value) if value.len() <= length && allowed(&value) => return Some(value),
            Some(value) => format!("is {:?}, and must be {form}", shown(&value)),
        };
        self.problems.push(Problem { variable, what });
        None
    }

    /// The name of a bucket. Source: Amazon S3 User Guide, "General purpose bucket naming rules".
    pub fn bucket(&mut self, variable: Variable) -> Option<String> {
        let allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '-' | '.');
        let form = "3 to 63 lower-case letters, digits, hyphens and dots";
        self.text(variable, 63, form, |value| value.len() >= 3 && value.chars().all(allowed))
    }

    /// A prefix of keys. It may be empty, but must be set: a variable that nobody set is an accident.
    pub fn prefix(&mut self, variable: Variable) -> Option<String> {
        let value = (self.lookup)(variable.name);
        if value.is_none() {
            let what = "is not set, and must be a prefix of keys or empty".to_owned();
            self.problems.push(Problem { variable, what });
        }
        value
    }

    /// A list between commas. It may be empty, but must be set, as a prefix.
    pub fn list(&mut self, variable: Variable) -> Option<Vec<String>> {
        let Some(value) = (self.lookup)(variable.name) else {
            let what = "is not set, and must be a list between commas or empty".to_owned();
            self.problems.push(Problem { variable, what });
            return None;
        };
        Some(value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// A namespace of metrics. Source: Amazon CloudWatch API Reference, `PutMetricData`.
    pub fn namespace(&mut self, variable: Variable) -> Option<String> {
        let form = "1 to 255 letters, digits, and any of `.-_/#:`, not beginning with `AWS/` or a colon";
        let allowed = |char: char| char.is_ascii_alphanumeric() || ".-_/#:".contains(char);
        self.text(variable, 255, form, |value| {
            value.chars().all(allowed) && !value.starts_with("AWS/") && !value.starts_with(':')
        })
    }

    /// The ARN of an SNS topic. Source: Amazon SNS Developer Guide, "Creating an Amazon SNS topic".
    pub fn topic_arn(&mut self, variable: Variable) -> Option<String> {
        self.text(variable, 2048, "arn:aws:sns:REGION:ACCOUNT:NAME", |value| {
            let parts: Vec<_> = value.split(':').collect();
            matches!(parts.as_slice(), ["arn", partition, "sns", region, account, name]
                if partition.starts_with("aws") && ![region, account, name].iter().any(|part| part.is_empty()))
        })
    }

    /// The name of a stack. Source: AWS `CloudFormation` API Reference, `CreateStack`.
    pub fn stack_name(&mut self, variable: Variable) -> Option<String> {
        let form = "1 to 128 letters, digits and hyphens, beginning with a letter";
        self.text(variable, 128, form, |value| {
            value.starts_with(|char: char| char.is_ascii_alphabetic())
                && value.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')
        })
    }

    /// The clock: the machine's, unless [`NOW`] sets one.
    pub fn clock(&mut self) -> Option<Clock> {
        let Some(value) = (self.lookup)(NOW.name) else { return Some(Clock::Real) };
        match DateTime::parse_from_rfc3339(&value) {
            Ok(now) => Some(Clock::Fixed(now.to_utc())),
            Err(error) => {
                let what = format!("is {:?} ({error}), and must be such as 2026-11-20T06:00:00Z", shown(&value));
                self.problems.push(Problem { variable: NOW, what });
                None
            }
        }
    }

    /// What `build` makes of the values.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, EnvironmentError> {
        match build() {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(EnvironmentError(self.problems)),
        }
    }
}

/// How much of a bad value an error repeats.
const SHOWN: usize = 80;

fn shown(value: &str) -> String {
    if value.chars().nth(SHOWN).is_none() {
        return value.to_owned();
    }
    value.chars().take(SHOWN).chain(['…']).collect()
}
