//! Why spend names nobody.

use std::fmt;

/// A closed set, so that reports can be grouped by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unattributed {
    /// Discounts, credits, taxes and the like name nobody by nature.
    NotUsage,
    /// The export does not have the column that names callers.
    NoPrincipalColumn,
    /// Nobody was recorded yet on that day.
    BeforeRecorded,
    /// A model call that names nobody all the same.
    CallerNotRecorded,
    /// A use of Bedrock other than model calls.
    FeatureNotCovered,
    /// A reason that this release does not know.
    Unknown,
}

impl Unattributed {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::NotUsage,
        Self::NoPrincipalColumn,
        Self::BeforeRecorded,
        Self::CallerNotRecorded,
        Self::FeatureNotCovered,
        Self::Unknown,
    ];

    /// The name in facts and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotUsage => "not-usage",
            Self::NoPrincipalColumn => "no-principal-column",
            Self::BeforeRecorded => "before-2026-04-08",
            Self::CallerNotRecorded => "caller-not-recorded",
            Self::FeatureNotCovered => "feature-not-covered",
            Self::Unknown => "unknown",
        }
    }

    /// The reason of a fact; `None` if it names somebody.
    pub fn of(name: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|reason| reason.as_str() == name);
        if name.is_empty() { None } else { found.or(Some(Self::Unknown)) }
    }

    /// In words, and what can be done about it.
    pub fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::NotUsage => ("discounts and the like", "They name nobody by nature. Nothing to do."),
            Self::NoPrincipalColumn => (
                "the export does not say who calls",
                "Turn INCLUDE_IAM_PRINCIPAL_DATA on and select line_item_iam_principal.",
            ),
            Self::BeforeRecorded => {
                ("before AWS recorded callers", "AWS records them since 8 April 2026. Nothing to do.")
            }
            Self::CallerNotRecorded => ("caller not recorded", "AWS did not say who made these calls."),
            Self::FeatureNotCovered => ("no caller recorded for this use", "AWS records callers of model calls alone."),
            Self::Unknown => ("a reason that this release does not know", "See report --by usage_type."),
        }
    }

    /// Whether the account that spent it can be asked: about discounts nobody is.
    pub fn has_somebody_to_ask(self) -> bool {
        match self {
            Self::NotUsage => false,
            Self::NoPrincipalColumn
            | Self::BeforeRecorded
            | Self::CallerNotRecorded
            | Self::FeatureNotCovered
            | Self::Unknown => true,
        }
    }
}

impl fmt::Display for Unattributed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_and_another_is_not_taken_for_a_known_one() {
        for reason in Unattributed::ALL {
            assert_eq!(Unattributed::of(reason.as_str()), Some(reason));
        }
        assert_eq!(Unattributed::of("something-new"), Some(Unattributed::Unknown));
        assert_eq!(Unattributed::of(""), None);
    }
}
